//! The lease of a node, claims and transfers, in every order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use stateright::{Checker, HasDiscoveries, Model};
use tessera_models::lease::{Lease, LeaseBounds, LeaseRule, Unread};

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

const SMALL: LeaseBounds = LeaseBounds { nodes: 2, registrations: 2, beats: 2, changes: 2, faults: 1 };

#[test]
fn nothing_is_broken() {
    let m = std::env::var("MODEL").unwrap_or("2,2,2,2,1".into());
    let n: Vec<u8> = m.split(',').map(|x| x.parse().unwrap()).collect();
    let bounds = LeaseBounds { nodes: n[0], registrations: n[1], beats: n[2], changes: n[3], faults: n[4] };
    let checker = Lease::new(bounds, Unread::Nothing).checker().spawn_bfs().join();
    println!(
        "{} states, {} steps, {:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.model().seen()
    );
    for (rule, path) in checker.discoveries() {
        println!("{rule}: {:?}", path.into_actions());
    }
    assert!(checker.discoveries().is_empty());
    let _ = MET;
}

#[test]
fn defects() {
    for (unread, rule) in [
        (Unread::BeatByEviction, LeaseRule::WhoRenewsStays),
        (Unread::RowByRenewal, LeaseRule::EvictedIsTold),
        (Unread::BeatByRenewal, LeaseRule::WhoRenewsStays),
        (Unread::OwnRowByClaim, LeaseRule::EvictedClaimsNothing),
        (Unread::OwnerByClaim, LeaseRule::OwnedStays),
        (Unread::OtherRowByTransfer, LeaseRule::GivenToWhoServes),
        (Unread::OwnedByForgetting, LeaseRule::OwnersAreFound),
    ] {
        let finish = HasDiscoveries::AllOf([rule.name()].into());
        let checker = Lease::new(SMALL, unread).checker().finish_when(finish).spawn_bfs().join();
        println!("{unread:?}: {} states, {:?}", checker.unique_state_count(), checker.discoveries().keys());
    }
}
