//! Three nodes over one store: who owns an event, what becomes of it when its node is gone, and that whoever is asked answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tessera_actors::{
    Answer, ClusterOptions, Forwarded, ForwardedAsk, InventoryRouter, Peer, Peers, ServePeers, Services, Told,
};
use tessera_cluster::{NodeId, Standing};
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_projections::nodes::Nodes;
use tessera_projections::quarantine::{Quarantined, QuarantinedEvents};
use tessera_store::{Log, Table};

use crate::store::TestStore;
use crate::world::{BEGINNING, EVENT, GIVE_UP, TestClock, World, limits};

const LEASE_MS: u64 = 3_000;

/// A network in one process: by the names of nodes, and cut where a test wants it.
#[derive(Clone, Default)]
struct Network(Arc<Mutex<BTreeMap<String, InventoryRouter>>>);

impl Network {
    fn find(&self, to: &Peer) -> Option<InventoryRouter> {
        let found = self.0.lock().unwrap().get(&to.address).cloned()?;
        (found.node() == Some(to.node)).then_some(found)
    }

    fn cut_off(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

impl Peers for Network {
    fn forward(&self, to: &Peer, ask: &ForwardedAsk) -> BoxFuture<'static, Forwarded> {
        match self.find(to) {
            Some(router) => router.serve(ask.clone()),
            None => async { Forwarded::NotSent }.boxed(),
        }
    }

    fn tell(&self, to: &Peer, told: Told) {
        if let Some(router) = self.find(to) {
            router.hear(told);
        }
    }
}

struct Trio {
    network: Network,
    store: Arc<TestStore>,
    clock: TestClock,
    nodes: BTreeMap<&'static str, World>,
    started: u64,
}

impl Trio {
    async fn start() -> Trio {
        let (store, clock) = (Arc::new(TestStore::default()), TestClock::new());
        let mut trio = Trio { network: Network::default(), store, clock, nodes: BTreeMap::new(), started: 0 };
        for name in ["a", "b", "c"] {
            trio.join(name).await;
        }
        trio.all_see(3).await;
        trio
    }

    async fn join(&mut self, name: &'static str) {
        self.started += 1;
        let options = ClusterOptions {
            name: name.to_owned(),
            peer_address: name.to_owned(),
            client_address: None,
            lease_ms: LEASE_MS,
            release: "1".to_owned(),
            peers: Arc::new(self.network.clone()),
        };
        let services = Services { cluster: Some(options), ..Services::default() };
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let node = World::with(store, clock, limits(), self.started, services).await;
        self.network.0.lock().unwrap().insert(name.to_owned(), node.router.clone());
        self.nodes.insert(name, node);
    }

    async fn all_see(&self, serving: usize) {
        let sees = |node: &World| {
            let status = node.platform.cluster().unwrap();
            let count = status.nodes.iter().filter(|node| node.standing == Standing::Serving).count();
            count == serving && status.nodes.len() == serving && status.me.is_some()
        };
        self.any().flows_until("all nodes see each other", || self.nodes.values().all(sees)).await;
    }

    fn any(&self) -> &World {
        self.nodes.values().next().unwrap()
    }

    fn id(&self, name: &str) -> NodeId {
        self.nodes[name].platform.cluster().unwrap().me.unwrap()
    }

    /// The name of the node that has the event.
    fn owner(&self, event: EventId) -> &'static str {
        let owns = |node: &World| node.router.published(event).is_some_and(|seen| seen.mirrored_at.is_none());
        let owners: Vec<_> =
            self.nodes.iter().filter(|(_, node)| owns(node)).map(|(name, _)| *name).collect();
        assert_eq!(owners.len(), 1, "one owner of {event:?}: {owners:?}");
        owners[0]
    }

    /// Wait until the event has an owner.
    async fn is_owned(&self, event: EventId) {
        let owns = |node: &World| node.router.published(event).is_some_and(|seen| seen.mirrored_at.is_none());
        self.any().flows_until("the event has an owner", || self.nodes.values().any(owns)).await;
    }

    /// A node ends like a crashed process.
    fn kill(&mut self, name: &str) {
        self.network.cut_off(name);
        self.nodes.remove(name);
    }

    /// An answer while time flows.
    async fn hold(&self, name: &str, buyer: u128) -> Answer {
        self.nodes[name].flowing(self.nodes[name].hold(EVENT, buyer)).await
    }

    /// Ask until the answer is certain.
    async fn holds(&self, name: &str, buyer: u128) -> Sequence {
        loop {
            match self.hold(name, buyer).await {
                Answer::Accepted { sequence, .. } | Answer::Repeated { sequence, .. } => return sequence,
                Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn table(&self) -> Arc<dyn Table> {
        self.store.clone()
    }

    async fn epoch(&self) -> Epoch {
        self.store.head(EVENT).await.unwrap().epoch
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_node_is_asked_answers_and_one_owns_the_event() {
    let trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 300)).await;
    let owner = trio.owner(EVENT);
    let asks = (0..300).map(|buyer| {
        let name = ["a", "b", "c"][(buyer % 3) as usize];
        trio.nodes[name].asking(EVENT, crate::world::place_hold(buyer, 1), GIVE_UP)
    });
    let answers = trio.any().flowing(join_all(asks)).await;
    for answer in &answers {
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    }
    assert!(
        matches!(trio.hold("b", 999).await, Answer::Rejected { .. }),
        "sold out, said wherever it is asked"
    );
    assert_eq!(trio.owner(EVENT), owner);
    assert_eq!(trio.epoch().await, Epoch(1), "nobody was fenced");
    assert_eq!(trio.nodes[owner].free(EVENT), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_read_from_mirrors_that_follow() {
    let trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 10)).await;
    let owner = trio.owner(EVENT);
    let reader = ["a", "b", "c"].into_iter().find(|name| *name != owner).unwrap();
    let reader = &trio.nodes[reader];
    let seen = reader.flowing(reader.router.activate(EVENT, GIVE_UP)).await.unwrap();
    assert!(seen.mirrored_at.is_some());
    assert_eq!(seen.availability.pools[0].free, 10);
    let mut moved = reader.router.subscribe(EVENT).unwrap();
    let sequence = trio.holds(owner, 1).await;
    reader.flows_until("the mirror has followed", || *moved.borrow_and_update() >= sequence).await;
    assert_eq!(reader.free(EVENT), Some(9));
    drop(moved);
    // Unread, it ends.
    trio.clock.advance_ms(60_000);
    let is_gone = || reader.router.subscribe(EVENT).is_none();
    reader.flows_until("a mirror that nobody reads ends", is_gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_events_of_a_dead_node_have_an_owner_again_within_twice_the_lease() {
    let mut trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 100)).await;
    let mut sequences = Vec::new();
    for buyer in 0..10 {
        sequences.push(trio.holds("b", buyer).await);
    }
    let (owner, before) = (trio.owner(EVENT), trio.clock.clone());
    let died_at = tessera_actors::Clock::monotonic(&before);
    trio.kill(owner);
    let other = *trio.nodes.keys().next().unwrap();
    // Nobody asks: what is due in the event goes on all the same.
    trio.is_owned(EVENT).await;
    let took_ms = tessera_actors::Clock::monotonic(&trio.clock).since_ms(died_at);
    assert!(took_ms <= 2 * LEASE_MS, "{took_ms} ms");
    assert_eq!(trio.epoch().await, Epoch(2));
    for (buyer, sequence) in sequences.iter().enumerate() {
        assert_eq!(trio.holds(other, buyer as u128).await, *sequence, "what was acknowledged is there once");
    }
    trio.all_see(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_drains_hands_over_and_nobody_is_refused() {
    let mut trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 1_000)).await;
    let owner = trio.owner(EVENT);
    let asker = ["a", "b", "c"].into_iter().find(|name| *name != owner).unwrap();
    let leaving = trio.nodes.remove(owner).unwrap();
    let router = trio.nodes[asker].router.clone();
    let asking = tokio::spawn(async move {
        let mut answers = Vec::new();
        for buyer in 0..200 {
            answers.push(router.ask(EVENT, crate::world::place_hold(buyer, 1), GIVE_UP).await);
        }
        answers
    });
    leaving.flowing(leaving.platform.drain(GIVE_UP)).await;
    trio.network.cut_off(owner);
    drop(leaving);
    let answers = trio.any().flowing(asking).await.unwrap();
    for answer in &answers {
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    }
    trio.is_owned(EVENT).await;
    assert_ne!(trio.owner(EVENT), owner);
    assert_eq!(trio.epoch().await, Epoch(2));
    trio.all_see(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evicted_node_stops_and_joins_again() {
    let trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 100)).await;
    let owner = trio.owner(EVENT);
    let id = trio.id(owner);
    // As another node sees it that hears nothing of it for a lease.
    Nodes::new(trio.table()).leave(id).await.unwrap();
    let node = &trio.nodes[owner];
    let rejoined = || node.platform.cluster().unwrap().me.is_some_and(|me| me != id);
    node.flows_until("it has another registration", rejoined).await;
    trio.holds(owner, 1).await;
    let owner = trio.owner(EVENT);
    assert!(trio.nodes[owner].free(EVENT) == Some(99), "the event has one owner, {owner}");
    trio.all_see(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_joins_gets_what_belongs_to_it() {
    let mut trio = Trio::start().await;
    trio.kill("c");
    trio.nodes["a"].clock.advance_ms(10_000);
    trio.all_see(2).await;
    let events: Vec<_> = (1..=12).map(|number| EventId(EVENT.0 + number)).collect();
    for event in &events {
        trio.nodes["a"].flowing(trio.nodes["a"].on_sale(*event, 10)).await;
    }
    trio.join("c").await;
    trio.all_see(3).await;
    let id = trio.id("c");
    let belongs: Vec<_> = events
        .iter()
        .filter(|event| {
            let nodes = ["a", "b", "c"].map(|name| trio.id(name));
            tessera_cluster::rank(**event, nodes)[0] == id
        })
        .collect();
    assert!(!belongs.is_empty(), "one of twelve belongs to the third");
    let c = &trio.nodes["c"];
    let has = |event: &EventId| c.router.published(*event).is_some_and(|seen| seen.mirrored_at.is_none());
    c.flows_until("it has them", || belongs.iter().all(|event| has(event))).await;
    assert_eq!(events.iter().filter(|event| has(event)).count(), belongs.len(), "and no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_sets_aside_no_node_sells_until_it_is_released() {
    let trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 100)).await;
    let owner = trio.owner(EVENT);
    let quarantined =
        Quarantined { event: EVENT, reason: "a test".to_owned(), since: BEGINNING, failures: 0 };
    QuarantinedEvents::new(trio.table()).set(&quarantined).await.unwrap();
    Nodes::new(trio.table()).leave(trio.id(owner)).await.unwrap();
    let is_idle = || trio.nodes[owner].platform.status().active_events == 0;
    trio.nodes[owner].flows_until("its node has lost the event", is_idle).await;
    trio.all_see(3).await;
    for name in ["a", "b", "c"] {
        let answer = trio.hold(name, 7).await;
        assert!(matches!(answer, Answer::NotExecuted { .. }), "{answer:?}");
    }
    let other = ["a", "b", "c"].into_iter().find(|name| *name != owner).unwrap();
    trio.nodes[other].platform.release(EVENT).await.unwrap();
    for (buyer, name) in ["a", "b", "c"].into_iter().enumerate() {
        trio.holds(name, buyer as u128).await;
    }
}
