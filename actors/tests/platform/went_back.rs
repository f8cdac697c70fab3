//! Scenario 34: an older backup is restored. What nodes have seen acknowledged closes sales until an operator reconciles.

use std::path::Path;
use std::sync::Arc;

use tessera_actors::{ActivateError, Answer, NotExecuted, ReconcileError, Services};
use tessera_heads::HeadWitness;
use tessera_inventory::{ClaimNumber, EventId, Sequence};
use tessera_projections::quarantine::QuarantinedEvents;
use tessera_store::{Log, Table};
use tessera_writer::{Ask, Head};

use crate::store::TestStore;
use crate::world::{EVENT, GIVE_UP, TestClock, World, limits, until};

const OTHER: EventId = EventId(EVENT.0 + 1);

/// A node, with what it has seen.
struct Node {
    world: World,
    heads: Arc<HeadWitness>,
}

impl std::ops::Deref for Node {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Node {
    async fn end(self) {
        self.flowing(self.platform.drain(GIVE_UP)).await;
        self.heads.close();
    }

    /// As if it had been killed, after it has written down what it saw.
    fn kill(self) {
        self.heads.close();
    }
}

/// A node whose data directory this is.
async fn node(store: &Arc<TestStore>, directory: &Path, seed: u64) -> Node {
    let heads = Arc::new(HeadWitness::open(directory, 7).unwrap());
    let services = Services { heads: Some(Arc::clone(&heads)), ..Services::default() };
    let world = World::with(Arc::clone(store), TestClock::new(), limits(), seed, services).await;
    Node { world, heads }
}

/// A node that has never seen anything, and does not look.
async fn stranger(store: &Arc<TestStore>, seed: u64) -> World {
    World::on(Arc::clone(store), TestClock::new(), limits(), seed).await
}

/// What a backup of the store has.
fn backup(store: &TestStore) -> Arc<TestStore> {
    Arc::new(TestStore::over(store.memory.copied()))
}

async fn sold(world: &World, event: EventId, buyers: std::ops::Range<u128>) {
    for buyer in buyers {
        let answer = world.flowing(world.hold(event, buyer)).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    }
}

async fn is_closed(world: &World, event: EventId) {
    let answer = world.flowing(world.hold(event, 900)).await;
    assert!(matches!(answer, Answer::NotExecuted { reason: NotExecuted::StoreWentBack, .. }), "{answer:?}");
}

/// Two events were on sale; then a backup is restored in which the first has two holds less.
async fn restored(directory: &Path) -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    let world = node(&store, directory, 1).await;
    world.on_sale(EVENT, 100).await;
    world.on_sale(OTHER, 100).await;
    sold(&world, EVENT, 1..4).await;
    sold(&world, OTHER, 1..4).await;
    let older = backup(&store);
    sold(&world, EVENT, 4..6).await;
    world.end().await;
    older
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_34_a_store_that_went_back_sells_nothing_until_it_is_reconciled() {
    let directory = tempfile::tempdir().unwrap();
    let store = restored(directory.path()).await;
    let world = node(&store, directory.path(), 2).await;
    assert_eq!(world.platform.status().went_back, [EVENT], "before anybody asks");
    is_closed(&world, EVENT).await;
    sold(&world, OTHER, 20..22).await;
    assert!(world.platform.status().is_ready(), "others go on");
    assert_eq!(world.platform.status().quarantined, []);

    let view = world.flowing(world.router.activate(EVENT, GIVE_UP)).await.unwrap();
    assert_eq!(view.availability.pools[0].held, 3, "readers see what there is");
    let read = world.flowing(world.ask(EVENT, Ask::Read(ClaimNumber(3)))).await;
    assert!(matches!(read, Answer::Read { sequence: Sequence(5), claim: Some(_) }), "{read:?}");
    let changes = world.router.changes(EVENT, Sequence::ZERO, 100).await.unwrap();
    assert_eq!(changes.len(), 5);

    assert!(!world.platform.release(EVENT).await.unwrap(), "a repair does not open it");
    is_closed(&world, EVENT).await;
    assert_eq!(world.platform.reconcile(OTHER).await, Err(ReconcileError::NotSetAside));
    let reconciled = world.flowing(world.platform.reconcile(EVENT)).await.unwrap();
    assert_eq!((reconciled.sequence, reconciled.witnessed), (Sequence(5), Sequence(7)));
    assert_eq!(reconciled.lost, Some(Sequence(6)..=Sequence(7)), "the operator is told what is lost");
    until("it is served again", || world.platform.status().went_back.is_empty()).await;
    sold(&world, EVENT, 30..32).await;
    world.end().await;

    let next = node(&store, directory.path(), 3).await;
    assert_eq!(next.platform.status().went_back, [], "it stays reconciled");
    sold(&next, EVENT, 40..42).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_never_saw_the_event_stops_once_one_that_did_notices() {
    let directory = tempfile::tempdir().unwrap();
    let store = restored(directory.path()).await;
    let stranger = stranger(&store, 2).await;
    sold(&stranger, EVENT, 50..54).await;
    // It has more now than was ever seen; but what was seen is not in its past.
    assert!(store.head(EVENT).await.unwrap().sequence > Sequence(7));

    let world = node(&store, directory.path(), 3).await;
    assert_eq!(world.platform.status().went_back, [EVENT]);
    let fenced = stranger.flowing(stranger.hold(EVENT, 60)).await;
    assert!(matches!(fenced, Answer::OutcomeUnknown { .. } | Answer::NotExecuted { .. }), "{fenced:?}");
    let closed = async {
        loop {
            match stranger.hold(EVENT, 61).await {
                Answer::NotExecuted { reason: NotExecuted::StoreWentBack, .. } => return,
                Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => {}
                answer => panic!("{answer:?}"),
            }
        }
    };
    stranger.flowing(closed).await;
    sold(&stranger, OTHER, 60..62).await;

    let reconciled = world.flowing(world.platform.reconcile(EVENT)).await.unwrap();
    assert_eq!((reconciled.sequence, reconciled.lost), (Sequence(9), None), "as many are there, but others");
    let again = async {
        loop {
            match stranger.hold(EVENT, 62).await {
                Answer::NotExecuted { .. } => {}
                answer => return answer,
            }
        }
    };
    let again = stranger.flowing(again).await;
    assert!(matches!(again, Answer::Accepted { .. }), "an operator told the other node: {again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconciliation_through_one_node_holds_for_another_that_saw_more() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Arc::new(TestStore::default());
    let world = node(&store, first.path(), 1).await;
    world.on_sale(EVENT, 100).await;
    let older = backup(&store);
    sold(&world, EVENT, 1..3).await;
    world.end().await;
    let world = node(&store, second.path(), 2).await;
    sold(&world, EVENT, 3..6).await;
    world.end().await;

    let one = node(&older, first.path(), 3).await;
    let other = node(&older, second.path(), 4).await;
    let reconciled = one.flowing(one.platform.reconcile(EVENT)).await.unwrap();
    assert_eq!(reconciled.lost, Some(Sequence(3)..=Sequence(7)), "what any node has seen");
    sold(&one, EVENT, 10..12).await;
    one.end().await;
    other.kill();
    let other = node(&older, second.path(), 5).await;
    assert_eq!(other.platform.status().went_back, []);
    sold(&other, EVENT, 20..22).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_under_a_running_node_is_noticed_when_it_looks_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(TestStore::default());
    let world = node(&store, directory.path(), 1).await;
    world.on_sale(EVENT, 100).await;
    let older = store.memory.copied();
    sold(&world, EVENT, 1..3).await;
    store.memory.restore_logs(&older);
    let fenced = world.flowing(world.hold(EVENT, 3)).await;
    assert!(matches!(fenced, Answer::OutcomeUnknown { .. }), "{fenced:?}");
    let noticed = async {
        while world.platform.status().went_back.is_empty() {
            let _ = world.hold(EVENT, 4).await;
        }
    };
    world.flowing(noticed).await;
    is_closed(&world, EVENT).await;
    let recorded = async {
        while QuarantinedEvents::new(store.clone() as Arc<dyn Table>).get(EVENT).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    world.flowing(recorded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_the_restored_store_never_had_are_noticed_too() {
    let directory = tempfile::tempdir().unwrap();
    let empty = Arc::new(TestStore::default());
    let _ = restored(directory.path()).await;
    let world = node(&empty, directory.path(), 2).await;
    assert_eq!(world.platform.status().went_back, [EVENT, OTHER]);
    assert_eq!(empty.head(EVENT).await.unwrap(), Head::GENESIS, "none is made");
    let read = world.flowing(world.router.activate(EVENT, GIVE_UP)).await;
    assert_eq!(read.err(), Some(ActivateError::NotFound));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_nodes_did_meanwhile_is_no_regression() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(TestStore::default());
    let world = node(&store, directory.path(), 1).await;
    world.on_sale(EVENT, 100).await;
    sold(&world, EVENT, 1..4).await;
    world.end().await;
    let other = stranger(&store, 2).await;
    sold(&other, EVENT, 4..9).await;
    other.flowing(other.platform.drain(GIVE_UP)).await;
    let world = node(&store, directory.path(), 3).await;
    assert_eq!(world.platform.status().went_back, []);
    sold(&world, EVENT, 9..12).await;
    assert_eq!(world.free(EVENT), Some(89));
}
