//! Scenarios 8, 15 and 16: two that write to one event, a takeover in front of a store that pauses, an eviction that races a renewal.

use std::time::Duration;

use super::load::Load;
use super::world::World;
use super::{LEASE_MS, NODES, Nodes, PAUSE_MAX, Random, others, until};
use crate::server::ADMIN_TOKEN;

/// Purchases between two races.
const PURCHASES: u64 = 100;
const RACES: usize = 8;
/// A stopped node goes on at most so long before or after its lease is over, in milliseconds.
const AROUND_MS: u64 = 200;
/// The store pauses for at most so long, in milliseconds.
const STORE_PAUSE_MS_MAX: u64 = 2_500;

impl Nodes {
    /// Wait until another node has seen the same beat of this one for so long, or evicted it.
    async fn silent(&self, node: usize, age_ms: u64) {
        let [witness, _] = others(node);
        let name = format!("node{node}");
        until("the node has been silent for long enough", async || {
            let list = self.document(witness, "/v1/nodes", ADMIN_TOKEN).await;
            let found = list["items"]
                .as_array()
                .unwrap()
                .iter()
                .find(|item| item["name"] == name.as_str() && item["state"] == "serving");
            found.is_none_or(|item| item["beat_age_ms"].as_u64().unwrap() >= age_ms)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_08_and_16_the_owner_goes_on_when_its_lease_is_being_taken() {
    let test = "nodes::races::scenarios_08_and_16_the_owner_goes_on_when_its_lease_is_being_taken";
    let Some(World { nodes, store: _store, net: _net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    let mut random = Random::new();
    let mut evicted_in = Vec::new();
    for race in 0..RACES {
        load.more(PURCHASES).await;
        let owner = nodes.owner().await;
        let evictions = nodes.sum(0..NODES, "tessera_evictions_total").await;
        nodes.server(owner).signal("STOP");
        // The first race is lost: then it is evicted, and another sells.
        let late_ms = if race == 0 { LEASE_MS } else { random.below(2 * AROUND_MS) };
        nodes.silent(owner, LEASE_MS - AROUND_MS + late_ms).await;
        nodes.server(owner).signal("CONT");
        let pause = load.more(PURCHASES).await;
        assert!(pause < PAUSE_MAX, "{pause:?} without a purchase");
        nodes.whole().await;
        nodes.owner().await;
        let evicted = nodes.sum(0..NODES, "tessera_evictions_total").await - evictions;
        assert!(evicted <= 1, "{evicted} evictions of one registration");
        evicted_in.push((evicted == 1, pause));
    }
    let fenced = nodes.sum(0..NODES, "tessera_writers_fenced_total").await;
    assert!(evicted_in.iter().any(|(evicted, _)| *evicted), "nobody's lease was taken");
    eprintln!("evicted, and time without a purchase: {evicted_in:?}; {fenced} writers fenced");
    load.judge(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_15_takeovers_while_the_store_pauses() {
    let test = "nodes::races::scenario_15_takeovers_while_the_store_pauses";
    let Some(World { mut nodes, store, net: _net }) = World::enter(test).await else { return };
    let mut load = Load::begin(&nodes).await;
    let mut random = Random::new();
    for _ in 0..RACES {
        load.more(PURCHASES).await;
        let owner = nodes.owner().await;
        nodes.take(owner).kill();
        nodes.silent(owner, LEASE_MS - AROUND_MS).await;
        store.signal("STOP");
        let lasts = Duration::from_millis(1 + random.below(STORE_PAUSE_MS_MAX));
        load.stands_still(lasts).await;
        store.signal("CONT");
        let pause = load.more(PURCHASES).await;
        eprintln!("the store paused for {lasts:?}, then {pause:?} without a purchase");
        assert!(pause < PAUSE_MAX, "{pause:?} without a purchase");
        nodes.begin(owner).await;
        nodes.whole().await;
    }
    load.judge(&nodes).await;
}
