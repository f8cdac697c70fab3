//! Scenarios 5 to 7, 9 and 10: the store stops, dies, comes back, and answers that nobody knows.

use std::time::Duration;

use super::load::Load;
use super::world::World;
use super::{NODES, PAUSE_MAX};

/// Purchases between two faults.
const PURCHASES: u64 = 150;
/// How long the store is down in scenario 9.
const STORE_DOWN: Duration = Duration::from_secs(30);
/// What a node may need more for it, in bytes.
const MEMORY_MORE_BYTES_MAX: u64 = 64 << 20;
/// How long a commit takes in scenario 10.
const SLOW_COMMIT: Duration = Duration::from_secs(10);
/// How often the store is killed; more often, up to so many times, until one has met a commit.
const STORE_KILLS: usize = 6;
const STORE_KILLS_MAX: usize = 30;
/// The client library of every node fails at every place that can, once in fifty times.
const CLIENT_FAULTS: [(&str, &str); 3] = [
    ("FDB_NETWORK_OPTION_CLIENT_BUGGIFY_ENABLE", ""),
    ("FDB_NETWORK_OPTION_CLIENT_BUGGIFY_SECTION_ACTIVATED_PROBABILITY", "100"),
    ("FDB_NETWORK_OPTION_CLIENT_BUGGIFY_SECTION_FIRED_PROBABILITY", "2"),
];
/// Purchases while it does.
const FAULTY_PURCHASES: u64 = 1_500;
/// Appends whose outcome was not known.
const RETRIES: &str = "tessera_append_retries_total";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_09_the_store_is_down_for_30_s() {
    let test = "nodes::outages::scenario_09_the_store_is_down_for_30_s";
    let Some(World { nodes, store, net: _net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    load.more(PURCHASES).await;
    let memory: [u64; NODES] = std::array::from_fn(|node| nodes.server(node).memory_bytes());
    let before = load.progress();
    store.signal("STOP");
    load.stands_still(STORE_DOWN).await;
    for (node, before) in memory.into_iter().enumerate() {
        let after = nodes.server(node).memory_bytes();
        eprintln!("node {node}: {} MiB, then {} MiB", before >> 20, after >> 20);
        assert!(after < before + MEMORY_MORE_BYTES_MAX, "node {node}: {before} bytes, then {after}");
    }
    let turned_away = load.progress().not_executed - before.not_executed;
    assert!(turned_away > 0, "new work is not executed");
    store.signal("CONT");
    let pause = load.more(PURCHASES).await;
    eprintln!("{turned_away} times not executed; {pause:?} without a purchase when it was there again");
    assert!(pause < PAUSE_MAX, "{pause:?} without a purchase");
    nodes.whole().await;
    assert_eq!(
        nodes.sum(0..NODES, "tessera_evictions_total").await,
        0,
        "nobody is evicted for a store that is down"
    );
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_10_commits_take_10_s_again_and_again() {
    let test = "nodes::outages::scenario_10_commits_take_10_s_again_and_again";
    let Some(World { nodes, store, net: _net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    for _ in 0..4 {
        load.more(PURCHASES).await;
        let before = load.progress();
        store.signal("STOP");
        load.stands_still(SLOW_COMMIT).await;
        store.signal("CONT");
        let pause = load.more(PURCHASES).await;
        let unknown = load.progress().unknown - before.unknown;
        eprintln!("{unknown} times nobody knew; {pause:?} without a purchase when it went on");
        assert!(
            unknown > 0,
            "who waited for a commit longer than a request may take is told that nobody knows"
        );
        assert!(pause < PAUSE_MAX, "{pause:?} without a purchase");
    }
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_05_to_07_the_store_is_killed_under_commits() {
    let test = "nodes::outages::scenarios_05_to_07_the_store_is_killed_under_commits";
    let Some(World { nodes, mut store, net: _net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    let (mut kills, mut retries) = (0, 0);
    while kills < STORE_KILLS || retries == 0 {
        assert!(kills < STORE_KILLS_MAX, "not one of {kills} kills met a commit");
        load.more(PURCHASES).await;
        store.kill_and_start();
        kills += 1;
        let pause = load.more(PURCHASES).await;
        eprintln!("{pause:?} without a purchase when it was available again");
        assert!(pause < PAUSE_MAX, "{pause:?} without a purchase");
        retries = nodes.sum(0..NODES, RETRIES).await;
    }
    eprintln!("{kills} kills; {retries} outcomes were not known");
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_05_to_07_the_client_library_fails_in_every_node() {
    let test = "nodes::outages::scenarios_05_to_07_the_client_library_fails_in_every_node";
    let Some(world) = World::enter_with(test, &CLIENT_FAULTS).await else { return };
    let World { nodes, store: _store, net: _net } = world;
    let mut load = Load::begin(&nodes).await;
    let pause = load.more(FAULTY_PURCHASES).await;
    let retries = nodes.sum(0..NODES, RETRIES).await;
    eprintln!("{retries} outcomes were not known; {pause:?} without a purchase at worst");
    assert!(retries > 0, "the client library did not fail");
    assert!(pause < PAUSE_MAX, "{pause:?} without a purchase");
    load.judge(&nodes).await;
}
