//! The lease of a node, claims and transfers, in every order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use stateright::{Checker, HasDiscoveries, Model};
use tessera_models::lease::{Lease, LeaseBounds, LeaseRule, Omitted};

const MET: [&str; 8] = [
    "a claim fails",
    "a gone node is forgotten",
    "a node is evicted",
    "a node learns that it was evicted",
    "a transaction conflicts",
    "a transaction lands when nobody waits for it",
    "an event falls asleep",
    "an event is given to another",
];

/// Two processes, one of which may register anew.
const SMALL: LeaseBounds = LeaseBounds { nodes: 2, registrations: 2, beats: 2, changes: 2, faults: 1 };

/// An event that comes back to who gave it.
const TO_AND_FRO: LeaseBounds = LeaseBounds { beats: 1, changes: 4, ..SMALL };

/// Every state within the bounds is visited, at least so many, and in none of them is a rule broken.
fn nothing_is_broken_within(bounds: LeaseBounds, states_min: usize, met: &[&str]) {
    let checker = Lease::new(bounds, Omitted::Nothing).checker().spawn_bfs().join();
    let (model, states) = (checker.model(), checker.unique_state_count());
    println!("{bounds:?}: {states} states, {} steps, depth {}", checker.state_count(), checker.max_depth());
    println!("{:?}", model.seen());
    if let Some((rule, path)) = checker.discoveries().into_iter().next() {
        panic!("{rule}: {:#?}", path.into_actions());
    }
    assert!(checker.is_done());
    assert!(states >= states_min, "only {states}: what is not explored any more?");
    for name in met {
        assert!(model.seen().iter().any(|(seen, _)| seen == name), "never met: {name}");
    }
}

#[test]
fn nothing_is_broken() {
    nothing_is_broken_within(SMALL, 100_000, &MET);
}

#[test]
fn nothing_is_broken_with_three_registrations() {
    nothing_is_broken_within(LeaseBounds { registrations: 3, beats: 1, ..SMALL }, 500_000, &[]);
}

#[test]
fn nothing_is_broken_when_an_event_comes_back_to_who_gave_it() {
    nothing_is_broken_within(TO_AND_FRO, 150_000, &[]);
}

#[test]
fn nothing_is_broken_with_many_beats() {
    nothing_is_broken_within(LeaseBounds { beats: 3, changes: 0, ..SMALL }, 25_000, &[]);
}

/// The checker finds how the rule is broken.
fn is_found(omitted: Omitted, rule: LeaseRule, bounds: LeaseBounds) {
    let finish = HasDiscoveries::AllOf([rule.name()].into());
    let checker = Lease::new(bounds, omitted).checker().finish_when(finish).spawn_bfs().join();
    assert!(
        checker.discovery(rule.name()).is_some(),
        "{} states, and it holds",
        checker.unique_state_count()
    );
}

#[test]
fn an_eviction_needs_the_beat_and_a_renewal_the_row() {
    is_found(Omitted::BeatByEviction, LeaseRule::WhoRenewsStays, SMALL);
    is_found(Omitted::RowByRenewal, LeaseRule::EvictedIsTold, SMALL);
}

/// A renewal of unknown outcome lands behind a later one: the old number stands there once more.
#[test]
fn a_renewal_needs_the_beat_before() {
    let bounds = LeaseBounds { beats: 3, changes: 0, ..SMALL };
    is_found(Omitted::BeatByRenewal, LeaseRule::WhoRenewsStays, bounds);
}

#[test]
fn a_claim_needs_the_owner_and_the_row_of_the_claimant() {
    is_found(Omitted::OwnRowByClaim, LeaseRule::EvictedClaimsNothing, SMALL);
    is_found(Omitted::OwnerByClaim, LeaseRule::OwnedStays, SMALL);
}

#[test]
fn a_transfer_needs_the_row_of_the_other() {
    is_found(Omitted::OtherRowByTransfer, LeaseRule::GivenToWhoServes, SMALL);
}

/// A transfer of unknown outcome lands when its node has claimed what the store still said was its own.
#[test]
fn a_claim_of_the_owner_needs_to_be_written() {
    is_found(Omitted::OwnerWrittenByItsClaim, LeaseRule::OneLiveOwner, TO_AND_FRO);
}
