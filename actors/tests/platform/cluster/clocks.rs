//! Nodes whose wall clocks are apart: what most of them say is believed, and of two the earlier.

use tessera_actors::Clock;

use super::*;

const HOUR_MS: i64 = 3_600_000;
/// The life of a hold, in milliseconds.
const LIFE_MS: u64 = 600_000;

impl Trio {
    /// These nodes, with wall clocks that are off so much.
    async fn whose_clocks_are_off(off_ms: &[(&'static str, i64)]) -> Trio {
        let mut trio = Trio::over(TestStore::default());
        trio.off_ms = off_ms.iter().copied().collect();
        for (name, _) in off_ms {
            trio.join(name).await;
        }
        trio.all_see(off_ms.len()).await;
        trio
    }

    /// Give the event to a node, and wait until it has it.
    async fn give(&self, to: &str) {
        let owner = self.owner(EVENT);
        if owner != to {
            self.nodes[owner]
                .flowing(self.nodes[owner].platform.move_event(EVENT, self.id(to)))
                .await
                .unwrap();
        }
        let has = || self.nodes[to].router.published(EVENT).is_some_and(|seen| seen.mirrored_at.is_none());
        self.nodes[to].flows_until("the node has the event", has).await;
    }

    async fn held(&self, name: &str) -> u32 {
        let node = &self.nodes[name];
        node.flowing(node.router.activate(EVENT, GIVE_UP)).await.unwrap().availability.pools[0].held
    }

    fn doubts(&self, name: &str, event: EventId) -> bool {
        self.nodes[name].platform.status().doubted_clocks == [event]
    }

    /// Let time go on until nothing is held any more: when that is, in milliseconds.
    async fn ends(&self, name: &str) -> u64 {
        while self.held(name).await > 0 {
            self.clock.advance_ms(1_000);
        }
        self.clock.wall().0 - BEGINNING.0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_18_a_node_that_is_ahead_of_most_ends_nothing_early_though_the_others_die() {
    let mut trio = Trio::whose_clocks_are_off(&[("a", 0), ("b", 0), ("c", HOUR_MS)]).await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 10)).await;
    trio.give("a").await;
    trio.holds("a", 1).await;
    trio.give("c").await;
    assert!(trio.doubts("c", EVENT), "operators see it");
    trio.holds("c", 2).await;
    assert_eq!(trio.held("c").await, 2);
    trio.kill("a");
    trio.kill("b");
    trio.all_see(1).await;
    trio.clock.advance_ms(LIFE_MS / 5);
    trio.holds("c", 3).await;
    assert_eq!(
        (trio.held("c").await, trio.doubts("c", EVENT)),
        (3, true),
        "what most have said counts on when they are gone"
    );
    trio.nodes["c"].clock.set_wall_off_ms(0);
    let ended_ms = trio.ends("c").await;
    assert!(ended_ms >= LIFE_MS, "its clock was mended, and everything ended in its time: {ended_ms} ms");
    assert!(!trio.doubts("c", EVENT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_18_of_two_nodes_the_one_that_is_ahead_is_doubted_until_a_third_agrees() {
    let mut trio = Trio::whose_clocks_are_off(&[("a", -HOUR_MS), ("b", 0)]).await;
    trio.nodes["b"].flowing(trio.nodes["b"].on_sale(EVENT, 10)).await;
    trio.give("b").await;
    trio.holds("b", 1).await;
    assert!(trio.doubts("b", EVENT), "nobody knows which of them is right");
    trio.join("c").await;
    trio.all_see(3).await;
    trio.nodes["b"].flows_until("most agree", || !trio.doubts("b", EVENT)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_18_a_node_that_starts_ahead_waits_for_beats_before_it_owns_anything() {
    let mut trio = Trio::whose_clocks_are_off(&[("a", 0)]).await;
    // The last beat of the other looks an hour old to who starts with a clock that is ahead, and is not known to be new.
    trio.off_ms.insert("c", HOUR_MS);
    trio.join("c").await;
    let c = &trio.nodes["c"];
    c.flows_until("it is registered", || c.platform.cluster().unwrap().me.is_some()).await;
    let ids = ["a", "c"].map(|name| trio.id(name));
    let belongs_there = |event: &EventId| tessera_cluster::rank(*event, ids)[0] == ids[1];
    let event = (0..).map(|number| EventId(EVENT.0 + number)).find(belongs_there).unwrap();
    c.flowing(c.on_sale(event, 10)).await;
    assert!(matches!(c.flowing(c.hold(event, 1)).await, Answer::Accepted { .. }));
    assert!(trio.doubts("c", event));
}
