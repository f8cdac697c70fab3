//! Pages of receipts behind a log, and what becomes of them when something fails.

mod kept;

use std::sync::{Arc, Mutex};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use tessera_inventory::*;
use tessera_projections::receipts::{
    DRAFT_LOG_BYTES, Draft, PAGE_REFUSALS_MAX, Receipts, Rotation, Signer, Stored,
};
use tessera_proof::{Checkpoint, Forgery, Origin, Outcome, Place, PublicKey, Receipt};
use tessera_records::encode_record;
use tessera_store::memory::{CommitFault, MemoryStore};
use tessera_store::{
    AppendOutcome, Batch, CommitOutcome, Log, LogRecord, Row, StoreError, Table, Transaction,
};
use tessera_writer::{BatchId, Head, RefusalPlace, Refused};

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0005);
const INSTALLATION: u128 = 77;

struct World {
    store: MemoryStore,
    receipts: Receipts,
    signer: Signer,
    head: Head,
    /// When pages are signed.
    now: Timestamp,
}

impl World {
    async fn new() -> World {
        let store = MemoryStore::new();
        let signer = Signer::open(Arc::new(store.clone()), INSTALLATION, &[1; 32], Timestamp(50)).await;
        let receipts = Receipts::new(Arc::new(store.clone()));
        World { receipts, signer: signer.unwrap(), store, head: Head::GENESIS, now: Timestamp(100) }
    }

    /// Append a record of so many events.
    async fn log(&mut self, count: u64) {
        let first = self.head.sequence.plus(1);
        let event = |sequence| {
            let key = Some(KeyMark { digest: u128::from(sequence), fingerprint: 3 });
            let body = EventBody::HoldReleased { hold: ClaimNumber(sequence) };
            Event { at: Timestamp(1_000 * sequence), key, body }
        };
        let events: Vec<Event> = (first.0..first.0 + count).map(event).collect();
        let mut bytes = Vec::new();
        encode_record(first, &events, &mut bytes);
        let next = Head {
            epoch: Epoch(2),
            sequence: self.head.sequence.plus(count),
            batch_id: BatchId(first.0.into()),
            chain: self.head.chain.extend(&bytes),
            ..self.head
        };
        let outcome = self.store.append(EVENT, self.head, Batch { next, record: bytes.into() }).await;
        assert_eq!(outcome, AppendOutcome::Committed);
        self.head = next;
    }

    async fn records(&self, after: Sequence) -> Vec<LogRecord> {
        self.store.read(EVENT, after, DRAFT_LOG_BYTES).await.unwrap()
    }

    async fn draft(&self, refused: &[Refused]) -> Option<Draft> {
        let tree = self.receipts.tree(EVENT).await.unwrap();
        let records = self.records(tree.sequence).await;
        self.signer.promise(self.now).await.unwrap();
        Draft::of(EVENT, tree, &records, refused, (&self.signer, self.now)).unwrap()
    }

    /// The next process opens the signer, when the clock says this.
    async fn reopened(&self, now: u64) -> Signer {
        let table = Arc::new(self.store.clone());
        Signer::open(table, INSTALLATION, &[9; 32], Timestamp(now)).await.unwrap()
    }

    async fn sign(&self, refused: &[Refused]) {
        let draft = self.draft(refused).await.unwrap();
        assert_eq!(self.receipts.store(&draft).await.unwrap(), Stored::Durable);
    }

    async fn receipt(&self, place: Place) -> Option<Receipt> {
        let page = self.receipts.page_with(EVENT, place).await.unwrap()?;
        page.prove(EVENT, place, &self.records(page.after).await).unwrap()
    }

    fn keys(&self) -> Vec<PublicKey> {
        self.signer.public_keys()
    }
}

fn refused(number: u64, sequence: u64) -> Refused {
    Refused {
        place: RefusalPlace { epoch: Epoch(2), number },
        sequence: Sequence(sequence),
        at: Timestamp(9),
        command: Some(PhaseCommand::PlaceHold),
        key: None,
        rejection: Rejection::SoldOut { line: 0, pool: None, remaining: 0, may_return: false },
    }
}

const fn accepted(sequence: u64) -> Place {
    Place::Accepted { sequence }
}

const fn refusal(number: u64) -> Place {
    Place::Refused { epoch: 2, number }
}

/// Two ownerships may have their refusals proven in turns: a notary whose page landed unheard still finds what it need not prove again.
#[tokio::test]
async fn how_far_the_refusals_of_each_writer_are_proven_is_known() {
    let mut world = World::new().await;
    world.log(1).await;
    let of =
        |epoch, number| Refused { place: RefusalPlace { epoch: Epoch(epoch), number }, ..refused(number, 1) };
    assert_eq!(world.receipts.refused_in(EVENT, 2).await, Ok(0));
    world.sign(&[of(2, 1), of(2, 2)]).await;
    world.sign(&[of(1, 7)]).await;
    assert_eq!(world.receipts.tree(EVENT).await.unwrap().refused, (1, 7));
    for (epoch, newest) in [(1, 7), (2, 2), (3, 0)] {
        assert_eq!(world.receipts.refused_in(EVENT, epoch).await, Ok(newest), "epoch {epoch}");
    }
}

#[tokio::test]
async fn every_decision_of_every_page_is_proven_by_its_page() {
    let mut world = World::new().await;
    world.log(3).await;
    world.log(1).await;
    world.sign(&[refused(1, 4)]).await;
    world.sign(&[refused(2, 4), refused(3, 4)]).await;
    world.log(5).await;
    world.sign(&[]).await;
    assert!(world.draft(&[]).await.is_none(), "nothing new");
    let keys = world.keys();
    let mut indexes = Vec::new();
    for place in (1..=9).map(accepted).chain((1..=3).map(refusal)) {
        let receipt = world.receipt(place).await.unwrap();
        let (checkpoint, _) = receipt.verify(&keys).unwrap();
        assert_eq!(receipt.id.place, place);
        assert!(checkpoint.sequence >= receipt.leaf.sequence);
        indexes.push(receipt.index);
    }
    assert_eq!(indexes, [0, 1, 2, 3, 7, 8, 9, 10, 11, 4, 5, 6]);
    for unknown in [accepted(10), refusal(4), Place::Refused { epoch: 3, number: 1 }] {
        assert_eq!(world.receipt(unknown).await, None);
    }
    let (pages, newest) = world.receipts.pages(EVENT, 1, 10).await.unwrap();
    assert_eq!((pages.iter().map(|(number, _)| *number).collect::<Vec<_>>(), newest), (vec![2, 3], 3));
    let checkpoints: Vec<_> = pages.into_iter().map(|(number, page)| (number, page.checkpoint)).collect();
    for (after, limit, expected) in [(1, 10, &checkpoints[..]), (1, 1, &checkpoints[..1]), (3, 10, &[])] {
        let found = world.receipts.checkpoints(EVENT, after, limit).await.unwrap();
        assert_eq!(found, (expected.to_vec(), 3));
    }
}

/// The notary was away: it catches up in pages that are stored together.
#[tokio::test]
async fn what_waited_long_is_several_pages_and_one_transaction() {
    let mut world = World::new().await;
    for _ in 0..5 {
        world.log(3_000).await;
    }
    let many = PAGE_REFUSALS_MAX as u64 + 3;
    let refusals: Vec<_> = (1..=many).map(|number| refused(number, 15_000)).collect();
    let draft = world.draft(&refusals).await.unwrap();
    assert!(draft.pages() > 2, "{} pages", draft.pages());
    assert_eq!(
        (draft.through(), draft.refused(), draft.leaves()),
        (Sequence(15_000), (2, many), 15_000 + many)
    );
    assert_eq!(world.receipts.store(&draft).await.unwrap(), Stored::Durable);
    let keys = world.keys();
    for place in [accepted(1), accepted(7_500), accepted(15_000), refusal(1), refusal(many)] {
        let receipt = world.receipt(place).await.unwrap();
        assert_eq!((receipt.id.place, receipt.verify(&keys).is_ok()), (place, true));
    }
    let (pages, newest) = world.receipts.pages(EVENT, 0, 100).await.unwrap();
    assert_eq!((pages.len() as u64, newest), (draft.pages(), draft.pages()));
    assert!(pages.iter().all(|(_, page)| page.refusals.len() <= PAGE_REFUSALS_MAX));
    assert!(pages.is_sorted_by(
        |(_, one), (_, next)| one.through <= next.after && one.before.size() < next.before.size()
    ));
}

#[tokio::test]
async fn a_checkpoint_names_the_log_that_it_was_made_from() {
    let mut world = World::new().await;
    world.log(3).await;
    world.sign(&[]).await;
    let (pages, _) = world.receipts.pages(EVENT, 0, 1).await.unwrap();
    let keys = world.keys();
    let (checkpoint, _) = Checkpoint::verify(&pages[0].1.checkpoint, &keys).unwrap();
    assert_eq!((checkpoint.size, checkpoint.sequence, checkpoint.epoch), (3, 3, 2));
    assert_eq!((checkpoint.chain, checkpoint.at_ms), (world.head.chain.0, 100));
    assert_eq!(checkpoint.origin.installation, INSTALLATION);
}

/// The notary had signed and died before anything was stored: the next one begins from the log.
#[tokio::test]
async fn a_crash_before_a_page_is_stored_costs_its_refusals_and_nothing_else() {
    let mut world = World::new().await;
    world.log(2).await;
    let signed_and_lost = world.draft(&[refused(1, 2)]).await.unwrap();
    drop(signed_and_lost);
    world.sign(&[]).await;
    let keys = world.keys();
    for sequence in 1..=2 {
        assert!(world.receipt(accepted(sequence)).await.unwrap().verify(&keys).is_ok());
    }
    assert_eq!(world.receipt(refusal(1)).await, None);
}

#[tokio::test]
async fn a_page_of_unknown_outcome_is_in_the_tree_once() {
    let mut world = World::new().await;
    world.log(2).await;
    world.store.inject_commit(CommitFault::UnknownApplied);
    world.sign(&[refused(1, 2)]).await;
    let tree = world.receipts.tree(EVENT).await.unwrap();
    assert_eq!((tree.edge.size(), tree.pages, tree.refused), (3, 1, (2, 1)));
}

#[tokio::test]
async fn of_two_notaries_one_is_overtaken() {
    let mut world = World::new().await;
    world.log(2).await;
    let (one, other) = (world.draft(&[]).await.unwrap(), world.draft(&[refused(1, 2)]).await.unwrap());
    assert_eq!(world.receipts.store(&one).await.unwrap(), Stored::Durable);
    assert_eq!(world.receipts.store(&other).await.unwrap(), Stored::Overtaken);
    assert_eq!(world.receipts.tree(EVENT).await.unwrap().edge.size(), 2);
}

/// A refusal that was decided on events which the page does not reach waits for the page that does.
#[tokio::test]
async fn a_refusal_is_never_before_what_it_was_decided_on() {
    let mut world = World::new().await;
    world.log(2).await;
    let tree = world.receipts.tree(EVENT).await.unwrap();
    let records = world.records(Sequence::ZERO).await;
    let late = [refused(1, 2), refused(2, 3)];
    let draft = Draft::of(EVENT, tree, &records, &late, (&world.signer, Timestamp(1))).unwrap().unwrap();
    assert_eq!((draft.refused(), draft.leaves(), draft.through()), ((2, 1), 3, Sequence(2)));
}

#[tokio::test]
async fn a_log_that_does_not_go_on_is_damaged_and_nothing_is_signed() {
    let mut world = World::new().await;
    world.log(2).await;
    world.log(2).await;
    let tree = world.receipts.tree(EVENT).await.unwrap();
    let mut records = world.records(Sequence::ZERO).await;
    let gap = records.split_off(1);
    let signed = |records: &[LogRecord]| {
        Draft::of(EVENT, tree.clone(), records, &[], (&world.signer, Timestamp(1))).map(|_| ())
    };
    assert!(matches!(signed(&gap), Err(StoreError::Damaged { .. })));
    records[0].chain.0[0] ^= 1;
    assert!(matches!(signed(&records), Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn a_leaf_tells_nobody() {
    let mut world = World::new().await;
    world.log(1).await;
    let refused = Refused {
        rejection: Rejection::LimitExceeded { ticket_type: None, limit: 8, used: 7 },
        ..refused(1, 1)
    };
    world.sign(&[refused]).await;
    let receipt = world.receipt(refusal(1)).await.unwrap();
    assert_eq!(receipt.detail, "limit=8", "how much a person has is that person's business");
    let Outcome::Refused { code, .. } = &receipt.leaf.outcome else { panic!("{receipt:?}") };
    assert_eq!(code, "limit_exceeded");
}

#[tokio::test]
async fn the_first_key_stays_until_it_is_rotated() {
    let mut world = World::new().await;
    assert_eq!(world.reopened(70).await.public_keys(), world.keys());
    world.log(1).await;
    world.sign(&[]).await;
    let old = world.receipt(accepted(1)).await.unwrap();
    // The clock has gone back since: the new key begins after the last signature all the same.
    let Rotation::Done(new) = world.signer.rotate(&[2; 32], Timestamp(60)).await.unwrap() else {
        panic!("there is room for another key")
    };
    let keys = world.keys();
    assert_eq!((keys.len(), keys[1], keys[0].valid_until_ms), (2, new, Some(101)));
    assert_eq!(old.verify(&keys).unwrap().1, &keys[0]);
    world.log(1).await;
    world.sign(&[]).await;
    let fresh = world.receipt(accepted(2)).await.unwrap();
    assert_eq!(fresh.verify(&keys).unwrap().1, &keys[1]);
    assert_eq!(fresh.verify(&keys[..1]).unwrap_err(), Forgery::UnknownKey);
    assert_eq!(world.reopened(1).await.public_keys(), keys);
}

/// The clock was half an hour ahead when it signed. It was mended, the process started again, and the key rotated.
#[tokio::test]
async fn what_was_signed_by_a_clock_that_was_ahead_verifies_after_a_restart_and_a_rotation() {
    let mut world = World::new().await;
    world.now = Timestamp(1_800_000);
    world.log(1).await;
    world.sign(&[]).await;
    let ahead = world.receipt(accepted(1)).await.unwrap();
    world.signer = world.reopened(200).await;
    world.now = Timestamp(300);
    world.log(1).await;
    world.sign(&[]).await;
    let mended = world.receipt(accepted(2)).await.unwrap();
    world.signer.rotate(&[2; 32], Timestamp(400)).await.unwrap();
    let keys = world.keys();
    let mut times = Vec::new();
    for receipt in [&ahead, &mended] {
        let (checkpoint, by) = receipt.verify(&keys).unwrap();
        assert_eq!(by, &keys[0]);
        times.push(checkpoint.at_ms);
    }
    assert!(times.is_sorted(), "no signature is earlier than the one before it: {times:?}");
}

/// A client that repeats itself does not use up the keys that the history has room for.
#[tokio::test]
async fn a_rotation_is_repeated_for_a_minute_and_then_another_one() {
    let world = World::new().await;
    let mut made = Vec::new();
    for seed in 2..=200_u8 {
        let now = Timestamp(10_000 + 300 * u64::from(seed - 2));
        let Rotation::Done(key) = world.signer.rotate(&[seed; 32], now).await.unwrap() else { panic!() };
        made.push(key);
    }
    assert!(made.iter().all(|key| key == &made[0]), "one key, however often it is asked for");
    assert_eq!(world.keys().len(), 2);
    world.signer.rotate(&[201; 32], Timestamp(70_000)).await.unwrap();
    assert_eq!(world.keys().len(), 3, "a minute later");
    // A clock that has gone back says nothing of how old a key is: a key that is known to others can be rotated.
    world.signer.rotate(&[202; 32], Timestamp(20_000)).await.unwrap();
    assert_eq!(world.keys().len(), 4);
}

/// A table whose first commit is carried out, and answered when its test says so.
struct LateTable {
    store: MemoryStore,
    late: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

struct LateTransaction {
    inner: Box<dyn Transaction>,
    late: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

impl Table for LateTable {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        let (begun, late) = (self.store.begin(), Arc::clone(&self.late));
        Box::pin(async move { Ok(Box::new(LateTransaction { inner: begun.await?, late }) as _) })
    }
}

impl Transaction for LateTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.inner.get(key)
    }

    fn range<'a>(
        &'a mut self,
        begin: &'a [u8],
        end: &'a [u8],
        limit: usize,
        reverse: bool,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.inner.range(begin, end, limit, reverse)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.inner.set(key, value);
    }

    fn clear(&mut self, key: &[u8]) {
        self.inner.clear(key);
    }

    fn clear_range(&mut self, begin: &[u8], end: &[u8]) {
        self.inner.clear_range(begin, end);
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        Box::pin(async move {
            let outcome = self.inner.commit().await;
            let late = self.late.lock().unwrap().take();
            if let Some(late) = late {
                late.await.unwrap();
            }
            outcome
        })
    }
}

#[tokio::test]
async fn a_rotation_that_hears_late_of_its_success_does_not_bring_its_key_back() {
    let world = World::new().await;
    let late = Arc::default();
    let table = LateTable { store: world.store.clone(), late: Arc::clone(&late) };
    let signer = Signer::open(Arc::new(table), INSTALLATION, &[9; 32], Timestamp(50)).await.unwrap();
    let (answer, answered) = oneshot::channel();
    *late.lock().unwrap() = Some(answered);
    let mut slow = Box::pin(signer.rotate(&[2; 32], Timestamp(1_000)));
    assert!(futures::poll!(&mut slow).is_pending(), "it has landed, and does not know");
    for (seed, now) in [(3, 100_000), (4, 200_000)] {
        signer.rotate(&[seed; 32], Timestamp(now)).await.unwrap();
    }
    let newest = signer.public_keys().last().copied();
    answer.send(()).unwrap();
    assert_eq!(slow.await.unwrap(), Rotation::Done(newest.unwrap()));
    assert_eq!(signer.public_keys().last().copied(), newest);
    signer.promise(Timestamp(300_000)).await.unwrap();
    let note = signer.sign(checkpoint(300_000)).render();
    let keys = signer.public_keys();
    let (_, by) = Checkpoint::verify(&note, &keys).unwrap();
    assert_eq!(Some(*by), newest);
}

/// A checkpoint of a tree without leaves.
fn checkpoint(at_ms: u64) -> Checkpoint {
    let origin = Origin { installation: INSTALLATION, event: EVENT.0 };
    Checkpoint { origin, size: 0, root: [0; 32], sequence: 0, chain: [0; 32], epoch: 1, at_ms }
}

async fn failing_rotation(world: &World, fault: CommitFault) {
    for _ in 0..tessera_store::TRANSACTION_ATTEMPTS_MAX {
        world.store.inject_commit(fault);
    }
    let failed = world.signer.rotate(&[2; 32], Timestamp(80)).await;
    assert!(matches!(failed, Err(StoreError::OutcomeUnknown { .. })), "{failed:?}");
}

/// The rotation may have landed although the table did not say so: nothing that is signed meanwhile is outside of a key's time.
#[tokio::test]
async fn a_rotation_that_fails_leaves_the_old_key_within_its_time() {
    let mut world = World::new().await;
    world.signer.promise(Timestamp(70)).await.unwrap();
    failing_rotation(&world, CommitFault::UnknownApplied).await;
    let meanwhile = world.signer.sign(checkpoint(100)).render();
    let history = world.reopened(1).await.public_keys();
    assert_eq!(history.len(), 2, "it had landed");
    let (signed, by) = Checkpoint::verify(&meanwhile, &history).unwrap();
    assert_eq!((signed.at_ms, by), (79, &history[0]));
    // The next page asks the table.
    world.log(1).await;
    world.sign(&[]).await;
    let receipt = world.receipt(accepted(1)).await.unwrap();
    let (signed, by) = receipt.verify(&history).unwrap();
    assert_eq!((signed.at_ms, by), (100, &history[1]));
    let again = world.signer.rotate(&[3; 32], Timestamp(90)).await.unwrap();
    assert_eq!(again, Rotation::Done(history[1]), "the one that had landed");
}

/// It did not land, and the old key goes on: its signatures say when they were made.
#[tokio::test]
async fn a_rotation_that_fails_does_not_stop_the_time_of_signatures() {
    let world = World::new().await;
    failing_rotation(&world, CommitFault::UnknownNotApplied).await;
    for at in [5_000, 60_000] {
        world.signer.promise(Timestamp(at)).await.unwrap();
        let note = world.signer.sign(checkpoint(at)).render();
        let keys = world.keys();
        let (signed, by) = Checkpoint::verify(&note, &keys).unwrap();
        assert_eq!((signed.at_ms, by, keys.len()), (at, &keys[0], 1));
    }
}
