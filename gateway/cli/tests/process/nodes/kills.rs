//! Nodes that are killed, stopped and restarted, over the cluster that is named.

use std::time::{Duration, Instant};

use super::load::Load;
use super::{LEASE_MS, Nodes, PAUSE_MAX, Random, cluster, others, until};

/// For so long a random node is killed, again and again.
const KILLING: Duration = Duration::from_secs(120);
/// Far fewer kills are possible in that time only where something stands still.
const KILLS_MIN: usize = 10;
/// An owner is found within twice the lease.
const TAKEOVER_MAX: Duration = Duration::from_millis(2 * LEASE_MS);
/// How long commands are refused in a hand-over, at the median: what a busy machine adds is in the others.
const HAND_OVER_MAX: Duration = Duration::from_millis(200);
/// A node is killed when so many purchases were made since the last was back.
const PURCHASES_PER_KILL: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_13_20_and_21_a_random_node_is_killed_for_two_minutes() {
    let Some(()) = cluster() else { return };
    let mut nodes = Nodes::start().await;
    let mut load = Load::begin(&nodes).await;
    let (began, mut pauses, mut random) = (Instant::now(), Vec::new(), Random::new());
    while began.elapsed() < KILLING {
        load.more(PURCHASES_PER_KILL).await;
        let node = random.node();
        nodes.take(node).kill();
        pauses.push(load.more(PURCHASES_PER_KILL).await);
        nodes.begin(node).await;
    }
    pauses.sort_unstable();
    eprintln!("{} kills; longest time without a purchase after one: {pauses:?}", pauses.len());
    let longest = pauses.last().copied().unwrap_or_default();
    assert!(pauses.len() >= KILLS_MIN, "{} kills", pauses.len());
    assert!(longest < TAKEOVER_MAX, "{longest:?} without a purchase");
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_14_nodes_stopped_for_longer_than_their_lease_sell_nothing_twice() {
    let Some(()) = cluster() else { return };
    let nodes = Nodes::start().await;
    let mut load = Load::begin(&nodes).await;
    for node in [0, 1, 2, 1, 0] {
        load.more(PURCHASES_PER_KILL).await;
        let evictions = nodes.sum(others(node), "tessera_evictions_total").await;
        nodes.server(node).signal("STOP");
        until("the node is evicted", async || {
            nodes.sum(others(node), "tessera_evictions_total").await > evictions
        })
        .await;
        nodes.server(node).signal("CONT");
        let pause = load.more(PURCHASES_PER_KILL).await;
        eprintln!("node {node} was stopped: {pause:?} without a purchase after it went on");
        assert!(pause < PAUSE_MAX, "{pause:?} without a purchase");
        nodes.whole().await;
    }
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_19_a_rolling_restart_under_load() {
    let Some(()) = cluster() else { return };
    let mut nodes = Nodes::start().await;
    let mut load = Load::begin(&nodes).await;
    let mut pauses = Vec::new();
    for node in [0, 1, 2, 0, 1, 2] {
        load.more(PURCHASES_PER_KILL).await;
        let leaving = nodes.take(node);
        let leaving = tokio::task::spawn_blocking(move || leaving.terminate());
        pauses.push(load.more(PURCHASES_PER_KILL).await);
        assert!(leaving.await.unwrap().success(), "a graceful end has status 0");
        let evictions = nodes.sum(others(node), "tessera_evictions_total").await;
        assert_eq!(evictions, 0, "what is handed over is not taken over");
        nodes.begin(node).await;
    }
    pauses.sort_unstable();
    eprintln!("longest time without a purchase in each hand-over: {pauses:?}");
    assert!(pauses[pauses.len() / 2] < HAND_OVER_MAX && pauses.iter().all(|pause| *pause < TAKEOVER_MAX));
    load.judge(&nodes).await;
}
