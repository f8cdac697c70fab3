//! Scenarios 13 to 20 and 52: several nodes that believe, or believed, that they own the event.

use tessera_world::{Disturbance, Evidence, Place, Plan, Venue};

use crate::survives;

const SECOND_US: u64 = 1_000_000;
const HOUR_MS: i64 = 3_600_000;

fn two_nodes(script: Vec<(u64, Disturbance)>) -> Plan {
    Plan { nodes: 2, wishes: 8, stale_routes: 300, script, ..Plan::calm() }
}

#[test]
fn scenario_13_of_two_owners_one_continues() {
    let script = (1..20).map(|n| (n * 2 * SECOND_US, Disturbance::TakeOver((n % 2) as usize))).collect();
    let sum = survives(0..10, &two_nodes(script));
    assert!(sum.fenced > 10, "{sum:?}");
}

#[test]
fn scenario_14_an_owner_that_wakes_from_a_pause_is_fenced() {
    let script = vec![
        (5 * SECOND_US, Disturbance::Pause(0, 10 * SECOND_US)),
        (6 * SECOND_US, Disturbance::TakeOver(1)),
        (20 * SECOND_US, Disturbance::Pause(1, 10 * SECOND_US)),
        (21 * SECOND_US, Disturbance::TakeOver(0)),
    ];
    let sum = survives(0..10, &two_nodes(script));
    assert!(sum.fenced >= 10, "{sum:?}");
}

/// Each takes over at the head that the other has just written.
#[test]
fn scenario_15_of_takeovers_at_the_version_of_the_last_commit_one_continues() {
    let script = (1..60).map(|n| (n * SECOND_US, Disturbance::TakeOver((n % 2) as usize)));
    let at_once = script.flat_map(|(at, _)| [(at, Disturbance::TakeOver(0)), (at, Disturbance::TakeOver(1))]);
    let sum = survives(0..10, &two_nodes(at_once.collect()));
    assert!(sum.fenced > 20, "{sum:?}");
}

/// The owner reaches the store and hears no client, and then the other way round.
#[test]
fn scenario_17_a_link_is_cut_one_way_and_progress_resumes() {
    let cut = |at: u64, from, to| (at * SECOND_US, Disturbance::Cut(from, to, 8 * SECOND_US));
    let script = vec![
        cut(3, Place::Clients, Place::Node(0)),
        cut(14, Place::Node(0), Place::Store),
        cut(25, Place::Store, Place::Node(0)),
        cut(36, Place::Node(0), Place::Clients),
    ];
    let sum = survives(0..10, &two_nodes(script));
    for name in
        ["request cut off", "call to the store cut off", "answer of the store cut off", "answer cut off"]
    {
        assert!(sum.tally.of(name) > 0, "{name}: {sum:?}");
    }
}

#[test]
fn scenario_18_wall_clocks_that_are_an_hour_off() {
    for skew_ms in [HOUR_MS, -HOUR_MS, 4_000, -4_000] {
        let script = vec![
            (4 * SECOND_US, Disturbance::Skew(1, skew_ms)),
            (5 * SECOND_US, Disturbance::TakeOver(1)),
            (25 * SECOND_US, Disturbance::Crash(1)),
            (26 * SECOND_US, Disturbance::TakeOver(0)),
            (40 * SECOND_US, Disturbance::TakeOver(1)),
        ];
        survives(0..10, &two_nodes(script));
    }
}

#[test]
fn scenario_18_nodes_that_know_no_more_than_their_own_clock() {
    const YEARS_MS: i64 = 2 * 366 * 24 * HOUR_MS;
    for evidence in [Evidence::Own, Evidence::None] {
        for skew_ms in [YEARS_MS, -HOUR_MS, 60_000, -4_000] {
            let script = vec![
                (4 * SECOND_US, Disturbance::Alone(1, evidence, skew_ms)),
                (5 * SECOND_US, Disturbance::TakeOver(1)),
                (25 * SECOND_US, Disturbance::Crash(1)),
                (26 * SECOND_US, Disturbance::TakeOver(0)),
                (40 * SECOND_US, Disturbance::TakeOver(1)),
            ];
            survives(0..10, &two_nodes(script));
        }
    }
}

#[test]
fn scenario_19_a_drain_loses_nothing() {
    let script = (1..10)
        .flat_map(|n| {
            let (from, to) = ((n % 2) as usize, ((n + 1) % 2) as usize);
            [(n * 4 * SECOND_US, Disturbance::HandOver(from)), (n * 4 * SECOND_US, Disturbance::TakeOver(to))]
        })
        .collect();
    let sum = survives(0..10, &two_nodes(script));
    assert!(sum.activations > 20, "{sum:?}");
}

#[test]
fn without_its_lease_a_node_submits_nothing_even_in_the_middle_of_a_split_turn() {
    let script = (8..100).map(|n| (n * SECOND_US / 2, Disturbance::LoseLease((n % 2) as usize))).collect();
    let slow = Plan { buyers: 12, venue: Venue::Small(60), store_delay_us_max: 200_000, ..two_nodes(script) };
    let sum = survives(0..10, &Plan { record_bytes_max: 1, ..slow });
    assert!(sum.activations > 100, "{sum:?}");
}

#[test]
fn scenario_20_stale_routes_never_write() {
    let script =
        vec![(10 * SECOND_US, Disturbance::TakeOver(1)), (30 * SECOND_US, Disturbance::LoseLease(1))];
    survives(0..10, &Plan { stale_routes: 900, ..two_nodes(script) });
}

#[test]
fn scenario_52_a_fenced_owner_that_keeps_receiving_commands_answers_none() {
    let script = (1..25).map(|n| (n * 2 * SECOND_US, Disturbance::TakeOver((n % 3) as usize))).collect();
    let plan = Plan { nodes: 3, stale_routes: 800, venue: Venue::Small(2), ..two_nodes(script) };
    let sum = survives(0..20, &plan);
    assert!(sum.fenced > 20 && sum.refused > 20, "{sum:?}");
}
