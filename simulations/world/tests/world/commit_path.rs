//! Scenarios 1 to 12: what may happen between a decision and its reply.

use tessera_store::memory::AppendFault;
use tessera_world::{Crash, CrashPoint, Disturbance, Orphans, Plan, Venue};

use crate::survives;

const SECOND_US: u64 = 1_000_000;

/// Kills the node at the first, second … such point; the sum over all runs.
fn killed_at(point: CrashPoint, orphans: Orphans) -> tessera_world::Summary {
    let mut sum = tessera_world::Summary::default();
    for nth in 1..=10 {
        let plan = Plan {
            crash: Some(Crash { point, nth }),
            orphans,
            buyers: 6,
            wishes: 10,
            venue: Venue::Small(20),
            ..Plan::calm()
        };
        let summary = survives(0..3, &plan);
        assert_eq!(summary.crashes, 3, "killed once in each run, at {point:?} {nth}");
        sum.repeated += summary.repeated;
        sum.accepted += summary.accepted;
    }
    sum
}

fn with_append_faults(kinds: &[AppendFault]) -> Plan {
    Plan { append_faults: 500, append_fault_kinds: kinds.to_vec(), wishes: 6, ..Plan::calm() }
}

#[test]
fn scenario_01_crash_before_the_batch_is_submitted() {
    let sum = killed_at(CrashPoint::BeforeAppend, Orphans::Land);
    assert!(sum.accepted > 0);
}

#[test]
fn scenario_02_crash_in_flight_leaves_the_batch_whole_or_absent() {
    let landed = killed_at(CrashPoint::InFlight, Orphans::Land);
    assert!(landed.repeated > 0, "a retry gives the same answer");
    killed_at(CrashPoint::InFlight, Orphans::Lost);
    killed_at(CrashPoint::InFlight, Orphans::Late);
}

#[test]
fn scenario_03_crash_after_commit_before_the_reply() {
    let sum = killed_at(CrashPoint::BeforeReply, Orphans::Land);
    assert!(sum.repeated > 0, "a retry gets the original result");
}

#[test]
fn scenario_04_crash_after_the_reply_before_publication() {
    killed_at(CrashPoint::BeforePublish, Orphans::Land);
}

#[test]
fn scenario_05_commit_unknown_result_leaves_one_entry_per_batch() {
    let sum = survives(0..10, &with_append_faults(&[AppendFault::UnknownApplied]));
    assert!(sum.unknown_appends > 10, "{sum:?}");
}

#[test]
fn scenario_06_a_dropped_commit_is_resubmitted_and_lands_at_most_once() {
    let kinds = [AppendFault::UnknownNotApplied, AppendFault::UnknownAppliedLater];
    let sum = survives(0..10, &with_append_faults(&kinds));
    assert!(sum.unknown_appends > 10, "{sum:?}");
}

#[test]
fn scenario_07_unknown_and_then_another_retryable_error() {
    let kinds = [
        AppendFault::UnknownApplied,
        AppendFault::UnknownNotApplied,
        AppendFault::UnknownAppliedLater,
        AppendFault::UnknownApplied,
    ];
    let plan = Plan { append_faults: 800, ..with_append_faults(&kinds) };
    let sum = survives(0..10, &plan);
    assert!(sum.unknown_appends > 50, "{sum:?}");
}

#[test]
fn scenario_08_a_conflict_on_the_head_stops_the_writer() {
    let sum = survives(0..10, &with_append_faults(&[AppendFault::TakenOver]));
    assert!(sum.fenced > 10, "{sum:?}");
}

/// Many who ask at once, again and again while nobody answers.
fn crowd() -> Plan {
    Plan { buyers: 24, wishes: 8, think_us_max: 3 * SECOND_US, venue: Venue::Small(60), ..Plan::calm() }
}

/// Each asks at most twice within the time after which a request is given up, and those that are are dropped at the next attempt:
/// so many wait at most, however long the store does not answer.
fn waiting_max(plan: &Plan) -> u64 {
    2 * 2 * (plan.buyers as u64 + 1)
}

#[test]
fn scenario_09_the_store_is_away_for_30_seconds() {
    let outage = (5 * SECOND_US, Disturbance::Outage(30 * SECOND_US));
    let plan = Plan { script: vec![outage], ..crowd() };
    let sum = survives(0..10, &plan);
    assert!(sum.unknown_appends > 30, "the same append again and again: {sum:?}");
    assert!(sum.tally.of("not executed") > 100, "new holds are turned away: {sum:?}");
    assert!(sum.tally.of("gave up") > 0, "who has gone waits no more: {sum:?}");
    assert!(sum.queued_max <= waiting_max(&plan), "{sum:?}");
}

#[test]
fn scenario_10_commits_take_ten_seconds() {
    let plan = Plan { store_delay_us_max: 5 * SECOND_US, faults_end_us: 120 * SECOND_US, ..Plan::calm() };
    let sum = survives(0..10, &plan);
    assert!(sum.unknown_appends > 50, "not waited for, and submitted again: {sum:?}");
    assert!(sum.tally.of("expired") > 0, "time goes on: {sum:?}");
    assert!(sum.queued_max <= waiting_max(&plan), "{sum:?}");
}

#[test]
fn scenario_11_a_split_turn_keeps_its_order_through_faults_and_crashes() {
    let kinds = [AppendFault::UnknownApplied, AppendFault::UnknownNotApplied];
    let plan =
        Plan { buyers: 12, venue: Venue::Small(30), record_bytes_max: 1, ..with_append_faults(&kinds) };
    survives(0..10, &plan);
    for nth in 1..=12 {
        let crash = Some(Crash { point: CrashPoint::InFlight, nth: 4 * nth });
        survives(0..3, &Plan { crash, ..plan.clone() });
    }
}

#[test]
fn scenario_12_a_refusal_leaves_with_the_batch_it_was_decided_in() {
    let kinds = [AppendFault::UnknownApplied, AppendFault::UnknownNotApplied];
    let plan = Plan { venue: Venue::Small(2), buyers: 6, wishes: 6, ..with_append_faults(&kinds) };
    let sum = survives(0..10, &plan);
    assert!(sum.refused > 20, "{sum:?}");
}
