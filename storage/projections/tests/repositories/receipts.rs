//! Pages of receipts behind a log, and what becomes of them when something fails.

use std::sync::Arc;

use tessera_inventory::*;
use tessera_projections::receipts::{Draft, PAGE_LOG_BYTES, Receipts, Rotation, Signer, Stored};
use tessera_proof::{Checkpoint, Forgery, Outcome, Place, PublicKey, Receipt};
use tessera_records::encode_record;
use tessera_store::memory::{CommitFault, MemoryStore};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError};
use tessera_writer::{BatchId, Head, RefusalPlace, Refused};

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0005);
const INSTALLATION: u128 = 77;

struct World {
    store: MemoryStore,
    receipts: Receipts,
    signer: Signer,
    head: Head,
}

impl World {
    async fn new() -> World {
        let store = MemoryStore::new();
        let signer = Signer::open(Arc::new(store.clone()), INSTALLATION, &[1; 32], Timestamp(50)).await;
        let receipts = Receipts::new(Arc::new(store.clone()));
        World { receipts, signer: signer.unwrap(), store, head: Head::GENESIS }
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
        self.store.read(EVENT, after, PAGE_LOG_BYTES).await.unwrap()
    }

    async fn draft(&self, refused: &[Refused]) -> Option<Draft> {
        let tree = self.receipts.tree(EVENT).await.unwrap();
        let records = self.records(tree.sequence).await;
        Draft::of(EVENT, tree, &records, refused, (&self.signer, Timestamp(100))).unwrap()
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
async fn what_is_kept_is_bounded_and_the_newest_stays() {
    let mut world = World::new().await;
    world.receipts = world.receipts.clone().keeping(5_000);
    for number in 1..=20 {
        world.log(1).await;
        world.sign(&[refused(number, number)]).await;
    }
    let tree = world.receipts.tree(EVENT).await.unwrap();
    assert!(tree.kept_bytes <= 5_000 && tree.oldest > 10, "{tree:?}");
    assert_eq!(world.receipt(accepted(1)).await, None);
    assert_eq!(world.receipt(refusal(1)).await, None);
    let keys = world.keys();
    for place in [accepted(20), refusal(20)] {
        let (checkpoint, _) = world.receipt(place).await.unwrap().verify(&keys).unwrap();
        assert_eq!(checkpoint.size, 40, "the tree has all of them");
    }
    let (pages, _) = world.receipts.pages(EVENT, 0, 100).await.unwrap();
    assert_eq!(pages.len() as u64, tree.pages - tree.oldest + 1);
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
    let again = Signer::open(Arc::new(world.store.clone()), INSTALLATION, &[9; 32], Timestamp(70)).await;
    assert_eq!(again.unwrap().public_keys(), world.keys());
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
    let reopened = Signer::open(Arc::new(world.store.clone()), INSTALLATION, &[9; 32], Timestamp(1)).await;
    assert_eq!(reopened.unwrap().public_keys(), keys);
}

/// The rotation may have landed although the table did not say so: nothing that is signed meanwhile is outside of a key's time.
#[tokio::test]
async fn a_rotation_that_fails_leaves_the_old_key_within_its_time() {
    let mut world = World::new().await;
    world.log(1).await;
    for _ in 0..tessera_store::TRANSACTION_ATTEMPTS_MAX {
        world.store.inject_commit(CommitFault::UnknownApplied);
    }
    let failed = world.signer.rotate(&[2; 32], Timestamp(80)).await;
    assert!(matches!(failed, Err(StoreError::OutcomeUnknown { .. })), "{failed:?}");
    world.sign(&[]).await;
    let receipt = world.receipt(accepted(1)).await.unwrap();
    let stored = Signer::open(Arc::new(world.store.clone()), INSTALLATION, &[9; 32], Timestamp(1)).await;
    let history = stored.unwrap().public_keys();
    assert_eq!(history.len(), 2, "it had landed");
    let (checkpoint, by) = receipt.verify(&history).unwrap();
    assert_eq!((checkpoint.at_ms, by), (79, &history[0]));
    let again = world.signer.rotate(&[3; 32], Timestamp(90)).await.unwrap();
    assert_eq!(again, Rotation::Done(history[1]), "the one that had landed");
}
