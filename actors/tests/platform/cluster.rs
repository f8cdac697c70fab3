//! Three nodes over one store: who owns an event, what becomes of it when its node is gone, and that whoever is asked answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tessera_actors::{
    Answer, ClusterOptions, Forwarded, ForwardedAsk, InventoryRouter, Messaging, NotExecuted, Peer, Peers,
    Provider, ServePeers, Services, Told,
};
use tessera_cluster::{NodeId, Standing};
use tessera_heads::HeadWitness;
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_projections::nodes::Nodes;
use tessera_projections::quarantine::{Quarantined, QuarantinedEvents};
use tessera_store::{Log, Table};

use crate::store::TestStore;
use crate::world::{BEGINNING, EVENT, GIVE_UP, TestClock, World, limits};

mod broadcasts;
mod clocks;
mod payments;

const LEASE_MS: u64 = 3_000;

/// A network in one process: by the names of nodes, and cut where a test wants it.
#[derive(Clone, Default)]
struct Network {
    routers: Arc<Mutex<BTreeMap<String, InventoryRouter>>>,
    deaf: Arc<AtomicBool>,
    /// Nodes that are cut off from the store and reached by the others.
    storeless: Arc<Mutex<BTreeSet<NodeId>>>,
}

impl Network {
    fn find(&self, to: &Peer) -> Option<InventoryRouter> {
        let found = self.routers.lock().unwrap().get(&to.address).cloned()?;
        (found.node() == Some(to.node)).then_some(found)
    }

    /// What nodes tell each other is lost, from now on.
    fn lose_what_is_told(&self) {
        self.deaf.store(true, Ordering::Release);
    }

    fn cut_off(&self, name: &str) {
        self.routers.lock().unwrap().remove(name);
    }
}

impl Peers for Network {
    fn forward(&self, to: &Peer, ask: &ForwardedAsk) -> BoxFuture<'static, Forwarded> {
        if self.storeless.lock().unwrap().contains(&to.node) {
            let answer = Answer::NotExecuted { reason: NotExecuted::StoreAway, retry_after_ms: 1 };
            return async { Forwarded::Answer(answer) }.boxed();
        }
        match self.find(to) {
            Some(router) => router.serve(ask.clone()),
            None => async { Forwarded::NotSent }.boxed(),
        }
    }

    fn tell(&self, to: &Peer, told: Told) {
        if let Some(router) = self.find(to).filter(|_| !self.deaf.load(Ordering::Acquire)) {
            router.hear(told);
        }
    }
}

struct Trio {
    network: Network,
    store: Arc<TestStore>,
    clock: TestClock,
    nodes: BTreeMap<&'static str, World>,
    /// What nodes have seen, of those that remember it.
    heads: BTreeMap<&'static str, Arc<HeadWitness>>,
    /// How far the wall clocks of nodes are off.
    off_ms: BTreeMap<&'static str, i64>,
    /// Whom buyers may pay through.
    providers: Vec<Arc<dyn Provider>>,
    messaging: Option<Messaging>,
    started: u64,
}

impl Trio {
    async fn start() -> Trio {
        let mut trio = Trio::over(TestStore::default());
        for name in ["a", "b", "c"] {
            trio.join(name).await;
        }
        trio.all_see(3).await;
        trio
    }

    fn over(store: TestStore) -> Trio {
        let (network, store, clock) = (Network::default(), Arc::new(store), TestClock::new());
        Trio {
            network,
            store,
            clock,
            nodes: BTreeMap::new(),
            heads: BTreeMap::new(),
            off_ms: BTreeMap::new(),
            providers: Vec::new(),
            messaging: None,
            started: 0,
        }
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
        let (heads, providers) = (self.heads.get(name).cloned(), self.providers.clone());
        let (cluster, messaging) = (Some(options), self.messaging.clone());
        let services = Services { cluster, heads, providers, messaging, ..Services::default() };
        let clock = self.clock.off_by_ms(self.off_ms.get(name).copied().unwrap_or_default());
        let store = self.store.clone();
        let node = World::with(store, clock, limits(), self.started, services).await;
        self.network.routers.lock().unwrap().insert(name.to_owned(), node.router.clone());
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
async fn a_node_points_to_a_later_owner_only_and_no_further_when_it_was_pointed_to() {
    let trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 10)).await;
    let row = Nodes::new(trio.table()).owner(EVENT).await.unwrap().unwrap().owner;
    let other = ["a", "b", "c"].into_iter().find(|name| trio.id(name) != row.node).unwrap();
    let pointed = async |hops, term| {
        let ask = crate::world::place_hold(1, 1);
        let ask = ForwardedAsk { event: EVENT, ask, give_up: GIVE_UP, hops, term };
        match trio.any().flowing(trio.nodes[other].router.serve(ask)).await {
            Forwarded::NotOwner { owner } => owner,
            answered => panic!("it is not its own: {answered:?}"),
        }
    };
    assert_eq!(pointed(1, row.term - 1).await, Some(row));
    assert_eq!(pointed(1, row.term).await, None, "who was meant is no later owner than the one it knows");
    assert_eq!(pointed(0, row.term - 1).await, None, "it was sent on before");
    assert!(matches!(trio.hold(other, 1).await, Answer::Accepted { .. }), "nothing was executed there");
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
async fn who_is_gone_and_still_answers_is_not_asked_any_more() {
    let mut trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 10)).await;
    let (owner, mut buyer) = (trio.owner(EVENT), 0);
    let others: Vec<_> = trio.nodes.keys().copied().filter(|name| *name != owner).collect();
    for name in &others {
        trio.holds(name, buyer).await;
        buyer += 1;
    }
    // They remember who owns the event. It loses the store, and tells whoever asks that nothing can be executed.
    trio.network.storeless.lock().unwrap().insert(trio.id(owner));
    trio.kill(owner);
    trio.is_owned(EVENT).await;
    trio.all_see(2).await;
    for name in others {
        let answer = trio.hold(name, buyer).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{name}: {answer:?}");
        buyer += 1;
    }
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
async fn what_nobody_owns_is_sold_though_the_node_that_it_belongs_to_is_not_reached() {
    let trio = Trio::start().await;
    let ids = ["a", "b", "c"].map(|name| (trio.id(name), name));
    let events = (0..6).map(|number| EventId(EVENT.0 + number));
    let belongs: Vec<_> = events
        .map(|event| {
            let first = tessera_cluster::rank(event, ids.map(|(id, _)| id))[0];
            (event, ids.iter().find(|(id, _)| *id == first).unwrap().1)
        })
        .collect();
    // It goes on beating.
    trio.network.cut_off("b");
    let (event, _) = *belongs.iter().find(|(_, name)| *name == "b").unwrap();
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(event, 3)).await;
    assert_ne!(trio.owner(event), "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_outage_of_the_store_every_node_and_every_owner_is_the_same() {
    let trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 10)).await;
    let (owner, ids) = (trio.owner(EVENT), ["a", "b", "c"].map(|name| trio.id(name)));
    trio.store.memory.set_away(true);
    let is_ready = |name: &str| trio.nodes[name].platform.status().is_ready();
    trio.any()
        .flows_until("no node has a lease", || !["a", "b", "c"].iter().any(|name| is_ready(name)))
        .await;
    trio.store.memory.set_away(false);
    trio.any().flows_until("all have it again", || ["a", "b", "c"].iter().all(|name| is_ready(name))).await;
    assert_eq!(["a", "b", "c"].map(|name| trio.id(name)), ids, "nobody was evicted");
    trio.holds("a", 1).await;
    assert_eq!(trio.owner(EVENT), owner);
    assert_eq!(trio.epoch().await, Epoch(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_given_is_active_though_the_message_was_lost_and_nobody_asks() {
    let mut trio = Trio::start().await;
    trio.nodes["a"].flowing(trio.nodes["a"].on_sale(EVENT, 10)).await;
    let owner = trio.owner(EVENT);
    trio.network.lose_what_is_told();
    let leaving = trio.nodes.remove(owner).unwrap();
    leaving.flowing(leaving.platform.drain(GIVE_UP)).await;
    trio.network.cut_off(owner);
    drop(leaving);
    trio.is_owned(EVENT).await;
    assert_eq!(trio.epoch().await, Epoch(2));
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
    let quarantined = Quarantined {
        event: EVENT,
        reason: "a test".to_owned(),
        since: BEGINNING,
        failures: 0,
        went_back: None,
    };
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

/// Scenario 34 among nodes: one of them has seen more than the backup has, and is neither the first to serve nor the owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_34_what_one_node_has_seen_closes_the_sale_at_every_node() {
    let directory = tempfile::tempdir().unwrap();
    let heads = Arc::new(HeadWitness::open(directory.path(), 7).unwrap());
    let mut before = Trio::over(TestStore::default());
    before.heads.insert("a", Arc::clone(&heads));
    before.join("a").await;
    before.all_see(1).await;
    before.nodes["a"].flowing(before.nodes["a"].on_sale(EVENT, 100)).await;
    let backup = before.store.memory.copied();
    for buyer in 1..=3 {
        before.holds("a", buyer).await;
    }
    before.kill("a");

    let mut trio = Trio::over(TestStore::over(backup));
    trio.join("b").await;
    trio.join("c").await;
    let sells = |answer: &Answer| matches!(answer, Answer::Accepted { .. });
    let mut answer = trio.hold("b", 11).await;
    while !sells(&answer) {
        answer = trio.hold("b", 11).await;
    }
    trio.heads.insert("a", heads);
    trio.join("a").await;
    for name in ["b", "c", "a"] {
        loop {
            match trio.hold(name, 12).await {
                Answer::NotExecuted { reason: NotExecuted::StoreWentBack, .. } => break,
                Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => {}
                answer => panic!("{name}: {answer:?}"),
            }
        }
        let view = trio.nodes[name].flowing(trio.nodes[name].router.activate(EVENT, GIVE_UP)).await.unwrap();
        assert_eq!(view.availability.pools[0].held, 1, "{name} shows what there is");
    }
    let reconciled = trio.nodes["c"].flowing(trio.nodes["c"].platform.reconcile(EVENT)).await.unwrap();
    assert_eq!(reconciled.lost, Some(Sequence(4)..=Sequence(5)));
    for (name, buyer) in [("a", 13), ("b", 14), ("c", 15)] {
        trio.holds(name, buyer).await;
    }
}
