//! What earlier releases have left behind is opened, replayed and digested equally; see `tests/golden/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_projections::orders::OrdersBySubject;
use tessera_projections::receipts::{DRAFT_LOG_BYTES, Receipts, Signer};
use tessera_records::{Replay, decode_snapshot};
use tessera_server::receipt::{KeysDocument, ReceiptDocument};
use tessera_store::snapshot::SnapshotRepository;
use tessera_store::{Log, LogRecord, Table};
use tessera_writer::ReplayRecord;

fn versions() -> Vec<PathBuf> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let entries = fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path());
    let versions: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert!(!versions.is_empty());
    versions
}

/// A copy to work on, with the zeros that were left out.
fn copy(golden: &Path) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for line in fs::read_to_string(golden.join("files.txt")).unwrap().lines() {
        let (name, length) = line.split_once(' ').unwrap();
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(golden.join("data").join(name), &path).unwrap();
        File::options().write(true).open(path).unwrap().set_len(length.parse().unwrap()).unwrap();
    }
    directory
}

fn apply(replay: &mut Replay, records: &[LogRecord]) {
    for record in records {
        let record = ReplayRecord {
            first_sequence: record.first_sequence,
            last_sequence: record.last_sequence,
            epoch: record.epoch,
            chain: record.chain,
            bytes: &record.bytes,
        };
        replay.apply(&record).unwrap();
    }
}

/// The line of `events.txt` as this release would write it.
async fn found(store: &EmbeddedStore, event: EventId) -> String {
    let verified = store.verify(event).await.unwrap();
    let mut replay = Replay::from_genesis(event);
    let records = store.read(event, Sequence::ZERO, usize::MAX).await.unwrap();
    apply(&mut replay, &records);
    replay.inventory().check().unwrap();
    assert_eq!(replay.chain(), verified.head.chain);
    let chain: String = verified.head.chain.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{:032x} {} {chain} {:?}", event.0, replay.sequence(), replay.inventory().digest())
}

/// A snapshot and the log after it lead to the same state as the log alone.
async fn from_snapshot(store: &EmbeddedStore, event: EventId) -> Option<String> {
    let snapshots = SnapshotRepository::new(Arc::new(store.clone()));
    let snapshot = snapshots.newest(event).await.unwrap()?;
    let mut replay = Replay::from_snapshot(decode_snapshot(snapshot.bytes).unwrap()).unwrap();
    let records = store.read(event, replay.sequence(), usize::MAX).await.unwrap();
    apply(&mut replay, &records);
    Some(format!("{:?}", replay.inventory().digest()))
}

/// What was signed then is given as it was, and verifies by the keys of then.
async fn receipts_stand(store: &EmbeddedStore, lines: &str) {
    let (keys, lines) = lines.split_once('\n').unwrap();
    let keys = serde_json::from_str::<KeysDocument>(keys).unwrap().keys().unwrap();
    let table: Arc<dyn Table> = Arc::new(store.clone());
    let signer = Signer::open(Arc::clone(&table), 77, &[9; 32], Timestamp(1)).await.unwrap();
    assert_eq!(signer.public_keys(), keys);
    let receipts = Receipts::new(table);
    for line in lines.lines() {
        let given = serde_json::from_str::<ReceiptDocument>(line).unwrap().receipt().unwrap();
        assert!(given.verify(&keys).is_ok(), "{line}");
        let (event, place) = (EventId(given.id.event), given.id.place);
        let page = receipts.page_with(event, place).await.unwrap().unwrap();
        let records = store.read(event, page.after, DRAFT_LOG_BYTES).await.unwrap();
        assert_eq!(page.prove(event, place, &records).unwrap(), Some(given));
    }
}

#[tokio::test]
async fn every_release_reads_what_the_ones_before_it_wrote() {
    for golden in versions() {
        let directory = copy(&golden);
        let store = EmbeddedStore::open(directory.path(), &Options::default()).unwrap();
        let orders = OrdersBySubject::new(Arc::new(store.clone()));
        let mut snapshots = 0;
        for line in fs::read_to_string(golden.join("events.txt")).unwrap().lines() {
            let event = EventId(u128::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap());
            let found = found(&store, event).await;
            assert_eq!(found, line, "of {}", golden.display());
            if let Some(digest) = from_snapshot(&store, event).await {
                assert!(found.ends_with(&digest), "its snapshot leads elsewhere: {digest}");
                snapshots += 1;
            }
            let head = store.head(event).await.unwrap();
            assert_eq!(orders.sequence(event).await.unwrap(), head.sequence, "its rows are there");
        }
        assert!(snapshots > 0, "no snapshot in {}", golden.display());
        // The first release stored none.
        if let Ok(lines) = fs::read_to_string(golden.join("receipts.jsonl")) {
            receipts_stand(&store, &lines).await;
        }
    }
}
