//! Nodes that own the event by the protocol of a cluster: leases, claims, takeovers, hand-overs, requests that are passed on.

use tessera_world::{ClusterMutant, Disturbance, Mutant, Place, Plan, Summary, run};

use crate::survives;

const SECOND_US: u64 = 1_000_000;
const LEASE_MS: u64 = 3_000;

fn cluster(script: Vec<(u64, Disturbance)>) -> Plan {
    Plan { wishes: 8, script, ..Plan::calm() }.owned(LEASE_MS)
}

/// So often at these times, to the nodes in turn.
fn at(seconds: impl Iterator<Item = u64>, what: fn(usize) -> Disturbance) -> Vec<(u64, Disturbance)> {
    seconds.enumerate().map(|(number, at)| (at * SECOND_US, what(number % 3))).collect()
}

fn met(sum: &Summary, names: &[&str]) {
    for name in names {
        assert!(sum.tally.of(name) > 0, "{name} never happened: {}", sum.tally.table());
    }
}

#[test]
fn a_calm_cluster_has_one_owner_and_passes_requests_on() {
    let sum = survives(0..10, &cluster(Vec::new()));
    met(&sum, &["node joined", "lease renewed", "event claimed", "request forwarded"]);
    assert_eq!(sum.tally.of("node evicted"), 0, "nobody is evicted who renews");
}

#[test]
fn what_a_dead_node_owned_is_taken_over_within_two_leases() {
    let sum = survives(0..10, &cluster(at((5..55).step_by(5), Disturbance::Crash)));
    met(&sum, &["node evicted", "event adopted", "gone node forgotten"]);
}

#[test]
fn a_node_that_is_stopped_longer_than_its_lease_learns_that_it_was_evicted() {
    let pause = |node| Disturbance::Pause(node, 8 * SECOND_US);
    let sum = survives(0..10, &cluster(at((5..55).step_by(10), pause)));
    met(&sum, &["node evicted", "node learned that it was evicted", "event adopted"]);
}

#[test]
fn a_node_that_does_not_reach_the_store_one_way_loses_the_event() {
    let deaf = |node| Disturbance::Cut(Place::Store, Place::Node(node), 9 * SECOND_US);
    let mute = |node| Disturbance::Cut(Place::Node(node), Place::Store, 9 * SECOND_US);
    let script = [at((5..55).step_by(12), deaf), at((11..55).step_by(12), mute)].concat();
    let sum = survives(0..10, &cluster(script));
    met(&sum, &["node evicted", "lease in doubt", "node learned that it was evicted"]);
}

#[test]
fn nodes_that_do_not_reach_each_other_answer_all_the_same() {
    let cut = |node| Disturbance::Cut(Place::Node(node), Place::Node((node + 1) % 3), 7 * SECOND_US);
    let sum = survives(0..10, &cluster(at((2..58).step_by(2), cut)));
    met(&sum, &["forwarded request cut off", "forwarded answer cut off"]);
}

#[test]
fn an_event_is_handed_over_in_good_order() {
    let sum = survives(0..10, &cluster(at((5..55).step_by(4), Disturbance::HandOver)));
    met(&sum, &["event handed to another"]);
    assert_eq!(sum.tally.of("node evicted"), 0, "{}", sum.tally.table());
    let drained = survives(0..10, &cluster(at((5..55).step_by(12), Disturbance::LoseLease)));
    met(&drained, &["node drained", "node left", "event handed to another"]);
}

#[test]
fn a_storm_in_a_cluster() {
    (0..12).for_each(|seed| drop(survives(seed..seed + 1, &Plan::stormy(seed).owned(LEASE_MS))));
}

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in 0..6 {
        let plan = Plan::stormy(seed).owned(1_000);
        assert_eq!(run(seed, &plan).unwrap().trace, run(seed, &plan).unwrap().trace, "seed {seed}");
    }
}

#[test]
fn who_evicts_early_is_found_where_nodes_are_stopped() {
    let pause = |node| Disturbance::Pause(node, 2_600_000);
    let plan = cluster(at((5..55).step_by(3), pause));
    let fails = |seed| run(seed, &plan.clone().with(Mutant::Cluster(ClusterMutant::EvictedEarly))).err();
    let rule = "nobody is evicted before its lease is over";
    assert!((0..10).filter_map(fails).any(|failure| failure.violation.rule == rule));
    survives(0..10, &plan);
}
