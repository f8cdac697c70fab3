//! Activation, append, takeover and resubmission, in every order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use stateright::{Checker, HasDiscoveries, Model};
use tessera_models::takeover::{Bounds, Fence, Rule, Takeover};
use tessera_writer::{Mutant, WriterOptions};

/// What every exploration must have met.
const MET: [&str; 8] = [
    "an append lands when nobody waits for it",
    "append conflicts",
    "append fenced",
    "buyer acknowledged",
    "buyer refused",
    "buyer told outcome unknown",
    "resubmission finds its batch landed",
    "takeover",
];

/// Two nodes, an answer that is lost or a crash, a hand-over or a lost lease: enough for every defect.
const SMALL: Bounds = Bounds { nodes: 2, activations: 2, buyers: 2, asks: 2, faults: 1, closings: 1 };

/// Every state within the bounds is visited, at least so many, and in none of them is a rule broken.
fn nothing_is_broken(bounds: Bounds, states_min: usize) {
    let checker = Takeover::new(bounds, Fence::RealRead, WriterOptions::new).checker().spawn_bfs().join();
    let (model, states) = (checker.model(), checker.unique_state_count());
    let (steps, depth) = (checker.state_count(), checker.max_depth());
    println!("{bounds:?}: {states} states, {steps} steps, depth {depth}, {} machines", model.machines());
    println!("{:?}", model.seen());
    if let Some((rule, path)) = checker.discoveries().into_iter().next() {
        panic!("{rule}: {:#?}", path.into_actions());
    }
    assert!(checker.is_done());
    assert!(states >= states_min, "only {states}: what is not explored any more?");
    for name in MET {
        assert!(model.seen().iter().any(|(seen, _)| *seen == name), "never met: {name}");
    }
}

#[test]
fn nothing_is_broken_with_two_nodes_that_hand_over() {
    nothing_is_broken(Bounds { faults: 2, ..SMALL }, 150_000);
}

#[test]
fn nothing_is_broken_with_three_owners_one_after_another() {
    nothing_is_broken(Bounds { activations: 3, ..SMALL }, 600_000);
}

#[test]
fn nothing_is_broken_with_three_nodes_at_once() {
    nothing_is_broken(Bounds { nodes: 3, activations: 3, closings: 0, ..SMALL }, 1_000_000);
}

#[test]
fn nothing_is_broken_when_answer_after_answer_is_lost() {
    nothing_is_broken(Bounds { asks: 1, faults: 4, closings: 0, ..SMALL }, 250_000);
}

#[test]
fn nothing_is_broken_in_turns_of_many() {
    nothing_is_broken(Bounds { buyers: 3, asks: 1, closings: 0, ..SMALL }, 50_000);
}

/// The checker finds how the rule is broken.
fn is_found(rule: Rule, fence: Fence, options: fn(u128) -> WriterOptions) {
    let finish = HasDiscoveries::AllOf([rule.name()].into());
    let checker = Takeover::new(SMALL, fence, options).checker().finish_when(finish).spawn_bfs().join();
    assert!(
        checker.discovery(rule.name()).is_some(),
        "{} states, and it holds",
        checker.unique_state_count()
    );
}

fn is_found_in(mutant: fn(u128) -> WriterOptions, rule: Rule) {
    is_found(rule, Fence::RealRead, mutant);
}

#[test]
fn a_bare_conflict_key_is_no_fence() {
    for rule in [Rule::OneOnEachHead, Rule::EachBatchOnce, Rule::AcknowledgedStays, Rule::OneOwnerAnEpoch] {
        is_found(rule, Fence::BareConflictKey, WriterOptions::new);
    }
}

#[test]
fn a_head_read_at_an_old_version_verifies_nothing() {
    is_found(Rule::FencedRefusesNothing, Fence::StaleVerification, WriterOptions::new);
}

#[test]
fn a_refusal_needs_the_head() {
    is_found_in(
        |owner| WriterOptions::mutated(owner, Mutant::RefuseWithoutVerifying),
        Rule::FencedRefusesNothing,
    );
    is_found_in(|owner| WriterOptions::mutated(owner, Mutant::SkipHeadRead), Rule::FencedRefusesNothing);
}

#[test]
fn what_is_submitted_again_is_the_same() {
    is_found_in(|owner| WriterOptions::mutated(owner, Mutant::DecideAgainAfterUnknown), Rule::SoldOnce);
}

#[test]
fn a_takeover_needs_an_epoch_of_its_own() {
    is_found_in(|owner| WriterOptions::mutated(owner, Mutant::SkipClaim), Rule::OneOwnerAnEpoch);
    is_found_in(|owner| WriterOptions::mutated(owner, Mutant::FenceAdopted), Rule::OneOwnerAnEpoch);
}

#[test]
fn nobody_is_told_before_the_commit_or_told_wrong_or_not_told() {
    is_found_in(|owner| WriterOptions::mutated(owner, Mutant::ReplyBeforeCommit), Rule::AcknowledgedStays);
    is_found_in(
        |owner| WriterOptions::mutated(owner, Mutant::NotExecutedAfterDeciding),
        Rule::NotExecutedIsTrue,
    );
    is_found_in(|owner| WriterOptions::mutated(owner, Mutant::UntoldAtClosing), Rule::NobodyForgotten);
}
