//! Deliberate defects: the oracle finds each within a stated number of seeds, and the writer without defect survives the same seeds.

use tessera_store::memory::AppendFault;
use tessera_world::{Disturbance, MakeOptions, Plan, run};
use tessera_writer::{Mutant, WriterOptions};

use crate::survives;

/// Seeds within which every mutant is caught.
const SEEDS: u64 = 12;

fn storm(options: MakeOptions) -> Plan {
    Plan { options, ..Plan::stormy() }
}

/// The rules by which a mutant is caught; at least one seed breaks one of them, and no seed breaks another.
fn check(options: MakeOptions, rules: &[&str]) {
    check_in(&storm(options), rules);
}

fn check_in(plan: &Plan, rules: &[&str]) {
    let caught: Vec<_> = (0..SEEDS)
        .filter_map(|seed| run(seed, plan.clone()).err())
        .map(|failure| failure.violation)
        .collect();
    assert!(!caught.is_empty(), "not caught within {SEEDS} seeds");
    for violation in caught {
        assert!(rules.contains(&violation.rule), "caught by another rule: {violation:#?}");
    }
}

#[test]
fn the_writer_without_defect_survives_the_same_seeds() {
    survives(0..SEEDS, &storm(WriterOptions::new));
}

#[test]
fn reply_before_commit_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::ReplyBeforeCommit),
        &["no reply before its commit", "no refusal before its commit"],
    );
}

#[test]
fn skipping_the_head_read_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::SkipHeadRead),
        &["a fenced owner does not even refuse"],
    );
}

#[test]
fn refusing_without_verifying_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::RefuseWithoutVerifying),
        &["a fenced owner does not even refuse", "no refusal before its commit"],
    );
}

#[test]
fn expiry_off_by_one_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::ExpiryOffByOne),
        &["no hold expires early", "no sale opens or closes early"],
    );
}

#[test]
fn late_expiry_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::LateExpiry),
        &["no hold outlives its deadline", "what is due comes before the command that observes it"],
    );
}

#[test]
fn a_command_before_deadlines_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::CommandsBeforeDeadlines),
        &["no hold outlives its deadline", "what is due comes before the command that observes it"],
    );
}

#[test]
fn a_wall_clock_that_is_always_believed_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::WallBelieved),
        &[
            "no hold expires early",
            "no sale opens or closes early",
            "after the faults everything is answered",
        ],
    );
}

#[test]
fn a_timer_that_is_not_set_again_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::TimerForgotten),
        &["after the faults everything is answered"],
    );
}

/// Appends that land unanswered, and leases that go before they are submitted again.
fn leases_lost(options: MakeOptions) -> Plan {
    let script = (4..240).map(|n| (n * 500_000, Disturbance::LoseLease((n % 3) as usize))).collect();
    let append_fault_kinds = vec![AppendFault::UnknownApplied];
    Plan { append_faults: 500, append_fault_kinds, script, ..storm(options) }
}

#[test]
fn not_executed_after_deciding_is_caught() {
    let options = |owner| WriterOptions::mutated(owner, Mutant::NotExecutedAfterDeciding);
    check_in(&leases_lost(options), &["what is said not to be executed is not executed"]);
    survives(0..SEEDS, &leases_lost(WriterOptions::new));
}

#[test]
fn idempotency_lost_on_replay_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::IdempotencyLostOnReplay),
        &["a key has one effect", "replay(log) = state", "a refusal is right at its sequence"],
    );
}

#[test]
fn deciding_again_after_an_unknown_outcome_is_caught() {
    check(
        |owner| WriterOptions::mutated(owner, Mutant::DecideAgainAfterUnknown),
        &[
            "a key has one effect",
            "what is acknowledged is what is logged",
            "each hold is released once",
            "what has ended stays ended",
            "logged time never goes back",
            "no reply before its commit",
        ],
    );
}

#[test]
fn skipping_the_claim_is_caught() {
    check(|owner| WriterOptions::mutated(owner, Mutant::SkipClaim), &["an epoch has one owner"]);
}
