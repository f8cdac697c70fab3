//! Scenario 17 and its like: nodes that are cut off from each other, and from the store, one way and both ways, under load.

use std::time::Duration;

use super::load::{CLIENTS, Load};
use super::net::{Cut, Member, both};
use super::world::World;
use super::{NODES, PAUSE_MAX, others, until};

/// Purchases before a fault, during it where somebody is served, and after it.
const PURCHASES: u64 = 150;
/// Purchases while nodes do not reach each other: who asks at the wrong one waits for its connection before it is told.
const DIVIDED_PURCHASES: u64 = 40;
/// For so long the whole store is away: longer than the leases.
const STORE_AWAY: Duration = Duration::from_secs(8);
/// So often a node hears nothing of the store.
const DEAF_TIMES: usize = 5;
/// Purchases in that time: far less than a lease.
const DEAF_PURCHASES: u64 = 50;
/// Longest until a reader sees at another node what its owner showed before: from a look at the log every quarter of a second, and the time in
/// which a client of the store finds out that its connection is broken.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// What is cut for a node.
type CutsOf = fn(Member) -> Vec<Cut>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_17_nodes_are_cut_off_from_each_other_and_not_from_the_store() {
    let test = "nodes::cuts::scenario_17_nodes_are_cut_off_from_each_other_and_not_from_the_store";
    let Some(World { nodes, store: _store, mut net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    load.more(PURCHASES).await;
    let owner = nodes.owner().await;
    let owning = Member::Node(owner);
    let [one, other] = others(owner).map(Member::Node);
    let alone = [both(owning, one), both(owning, other)].concat();
    let cuts = [
        ("one does not reach the owner", vec![[one, owning]]),
        ("the owner does not reach one", vec![[owning, one]]),
        ("one and the owner, both ways", both(one, owning).to_vec()),
        ("the owner and everybody", alone.clone()),
        ("nobody and nobody", [alone, both(one, other).to_vec()].concat()),
    ];
    for (what, cuts) in cuts {
        let before = load.progress();
        net.cut(cuts);
        let during = load.more(DIVIDED_PURCHASES).await;
        // Whoever asks at a node that does not reach the owner is told so.
        let turned_away = async || load.progress().not_executed > before.not_executed;
        until("somebody is told that nothing was executed", turned_away).await;
        net.heal();
        let after = load.more(PURCHASES).await;
        eprintln!("{what}: longest time without a purchase {during:?}, and then {after:?}");
        assert!(during.max(after) < PAUSE_MAX, "{what}: {during:?}, {after:?} without a purchase");
        assert_eq!(nodes.owner().await, owner, "{what}: leases are in the store");
    }
    assert_eq!(nodes.sum(0..NODES, "tessera_evictions_total").await, 0, "nobody was evicted");
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_17_the_owner_is_cut_off_from_the_store_and_not_from_its_peers() {
    let test = "nodes::cuts::scenario_17_the_owner_is_cut_off_from_the_store_and_not_from_its_peers";
    let Some(World { nodes, store: _store, mut net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    let cuts: [(&str, CutsOf); 4] = [
        ("its asks do not arrive", |owner| vec![[owner, Member::Store]]),
        ("the answers do not arrive", |owner| vec![[Member::Store, owner]]),
        ("neither arrives", |owner| both(owner, Member::Store).to_vec()),
        ("nor does anything of its peers", |owner| {
            Member::all().filter(|other| *other != owner).flat_map(|other| both(owner, other)).collect()
        }),
    ];
    for (what, cuts) in cuts {
        load.more(PURCHASES).await;
        let owner = nodes.owner().await;
        let evictions = nodes.sum(others(owner), "tessera_evictions_total").await;
        net.cut(cuts(Member::Node(owner)));
        // All but the last may be answers that were on their way.
        let mut during = load.more(CLIENTS as u64 + 1).await;
        until("it says that it has no lease", async || !nodes.is_ready(owner).await).await;
        until("the others know that it is gone", async || {
            nodes.sum(others(owner), "tessera_nodes").await == 4
        })
        .await;
        // From now on who goes to one of them is served, whatever the node that is gone would still answer them.
        let before = load.progress().not_executed;
        during = during.max(load.more(PURCHASES).await);
        let turned_away = load.progress().not_executed - before;
        assert!(
            turned_away <= CLIENTS as u64,
            "{what}: {turned_away} times not executed, by nodes that have the store"
        );
        let evicted = nodes.sum(others(owner), "tessera_evictions_total").await - evictions;
        assert_eq!(evicted, 1, "{what}: it was evicted, once");
        net.heal();
        let whole = nodes.whole().await;
        let after = load.more(PURCHASES).await;
        eprintln!(
            "{what}: others sold with at most {during:?} without a purchase; whole again after {whole:?}, at most {after:?} without one"
        );
        assert!(during.max(after) < PAUSE_MAX, "{what}: {during:?}, {after:?} without a purchase");
    }
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_store_is_cut_off_and_comes_back() {
    let test = "nodes::cuts::the_whole_store_is_cut_off_and_comes_back";
    let Some(World { nodes, store: _store, mut net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    let cuts: [(&str, CutsOf); 3] = [
        ("asks", |node| vec![[node, Member::Store]]),
        ("answers", |node| vec![[Member::Store, node]]),
        ("asks and answers", |node| both(node, Member::Store).to_vec()),
    ];
    for (what, cuts) in cuts {
        load.more(PURCHASES).await;
        let before = load.progress();
        net.cut((0..NODES).map(Member::Node).flat_map(cuts));
        load.stands_still(STORE_AWAY).await;
        assert!(load.progress().not_executed > before.not_executed, "new work is not executed");
        for node in 0..NODES {
            assert!(!nodes.is_ready(node).await, "node {node} has a lease that it could not renew");
        }
        net.heal();
        let after = load.more(PURCHASES).await;
        eprintln!("{what} did not arrive for {STORE_AWAY:?}: then {after:?} without a purchase");
        assert!(after < PAUSE_MAX, "{what}: {after:?} without a purchase");
        nodes.whole().await;
    }
    assert_eq!(
        nodes.sum(0..NODES, "tessera_evictions_total").await,
        0,
        "nobody is evicted for a store that is away"
    );
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_49_readers_elsewhere_see_what_no_watch_has_told() {
    let test = "nodes::cuts::scenario_49_readers_elsewhere_see_what_no_watch_has_told";
    let Some(World { nodes, store: _store, mut net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    nodes.shown_everywhere(&load.sale).await;
    let mut longest = Duration::ZERO;
    for time in 0..DEAF_TIMES {
        load.more(PURCHASES).await;
        let deaf = others(nodes.owner().await)[time % (NODES - 1)];
        net.cut([[Member::Store, Member::Node(deaf)]]);
        // Commits of the owner go on, and no watch of the other comes back.
        load.more(DEAF_PURCHASES).await;
        let behind =
            nodes.sequence(nodes.owner().await, &load.sale).await - nodes.sequence(deaf, &load.sale).await;
        assert!(behind > 0, "it has heard of what nobody could tell it");
        net.heal();
        longest = longest.max(nodes.shown_everywhere(&load.sale).await);
    }
    eprintln!("shown everywhere within {longest:?}");
    assert!(longest < SHOWN_WITHIN, "{longest:?}");
    load.judge(&nodes).await;
}
