//! Measures the journal beside a bare file and fjall: `cargo run --release -p tessera-embedded --example journal [directory]`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement at the console"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::stream::{FuturesUnordered, StreamExt};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::EventId;
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log};
use tessera_writer::Head;

const SECONDS: u64 = 5;
const PREALLOCATED_BYTES: usize = 256 << 20;

struct Figures {
    latencies: Vec<Duration>,
    took: Duration,
}

fn measure(mut operation: impl FnMut(u64)) -> Figures {
    let (begin, mut latencies) = (Instant::now(), Vec::new());
    while begin.elapsed() < Duration::from_secs(SECONDS) {
        let before = Instant::now();
        operation(latencies.len() as u64);
        latencies.push(before.elapsed());
    }
    Figures { took: begin.elapsed(), latencies }
}

fn print(what: &str, mut figures: Figures, each: u64) {
    figures.latencies.sort();
    let count = figures.latencies.len();
    let at = |share: usize| figures.latencies[(count * share / 1000).min(count - 1)].as_secs_f64() * 1e3;
    println!(
        "{what:<44} {:>9.0}/s  p50 {:>6.3} ms  p99 {:>6.3} ms  p99.9 {:>7.3} ms  max {:>7.3} ms",
        (count as u64 * each) as f64 / figures.took.as_secs_f64(),
        at(500),
        at(990),
        at(999),
        at(1000),
    );
}

fn bare_file(directory: &Path, size: usize) -> Figures {
    let file = File::create(directory.join("bare")).unwrap();
    for offset in (0..PREALLOCATED_BYTES).step_by(1 << 20) {
        file.write_all_at(&vec![0; 1 << 20], offset as u64).unwrap();
    }
    file.sync_all().unwrap();
    let bytes = vec![7; size];
    let slots = (PREALLOCATED_BYTES / size) as u64;
    measure(|index| {
        file.write_all_at(&bytes, index % slots * size as u64).unwrap();
        file.sync_data().unwrap();
    })
}

fn fjall_synced(directory: &Path, size: usize) -> Figures {
    let database = fjall::Database::builder(directory.join("fjall")).open().unwrap();
    let keyspace = database.keyspace("log", fjall::KeyspaceCreateOptions::default).unwrap();
    let bytes = vec![7; size];
    measure(|index| {
        let mut batch = database.batch().durability(Some(fjall::PersistMode::SyncData));
        batch.insert(&keyspace, index.to_be_bytes(), bytes.as_slice());
        batch.commit().unwrap();
    })
}

/// One event, one append in flight.
fn one_writer(store: &EmbeddedStore, event: EventId, size: usize) -> Figures {
    let mut head = Head::GENESIS;
    let bytes = vec![7; size];
    measure(|index| {
        let next = batch(head, u128::from(index) + 1, 1, &bytes);
        let expected = std::mem::replace(&mut head, next.next);
        assert_eq!(block_on(store.append(event, expected, next)), AppendOutcome::Committed);
    })
}

/// Many events, one append of one small event in flight each.
fn many_writers(store: &EmbeddedStore, events: u128, size: usize) -> Figures {
    let bytes = vec![7; size];
    let append = |event: EventId, expected: Head| {
        let next = batch(expected, u128::from(expected.sequence.0) + 1, 1, &bytes);
        let (head, before, appended) = (next.next, Instant::now(), store.append(event, expected, next));
        async move { (event, head, before, appended.await) }
    };
    let begin = Instant::now();
    let mut latencies = Vec::new();
    let mut waiting: FuturesUnordered<_> =
        (0..events).map(|index| append(EventId(1 << 64 | index), Head::GENESIS)).collect();
    block_on(async {
        while let Some((event, head, before, outcome)) = waiting.next().await {
            assert_eq!(outcome, AppendOutcome::Committed);
            latencies.push(before.elapsed());
            if begin.elapsed() < Duration::from_secs(SECONDS) {
                waiting.push(append(event, head));
            }
        }
    });
    Figures { took: begin.elapsed(), latencies }
}

fn main() {
    let parent = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(parent).unwrap();
    for size in [20_000, 80_000] {
        print(&format!("bare preallocated file, {size} B"), bare_file(directory.path(), size), 1);
        print(&format!("fjall, SyncData, {size} B"), fjall_synced(directory.path(), size), 1);
        let journal = directory.path().join(format!("journal-{size}"));
        let store = EmbeddedStore::open(&journal, &Options::default()).unwrap();
        print(&format!("journal, one writer, {size} B"), one_writer(&store, EventId(1), size), 1);
    }
    let store = EmbeddedStore::open(&directory.path().join("small"), &Options::default()).unwrap();
    print("journal, one writer, turns of 256 × 60 B", one_writer(&store, EventId(2), 256 * 60), 256);
    for events in [16, 256, 1024] {
        let what = format!("journal, {events} writers, 60 B each");
        let store =
            EmbeddedStore::open(&directory.path().join(format!("many-{events}")), &Options::default());
        print(&what, many_writers(&store.unwrap(), events, 60), 1);
    }
    drop(store);
    let begin = Instant::now();
    let store = EmbeddedStore::open(&directory.path().join("journal-20000"), &Options::default()).unwrap();
    println!("open again after the run of 20000 B: {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    let begin = Instant::now();
    let verified = block_on(store.verify(EventId(1))).unwrap();
    let gigabytes = verified.records as f64 * 20_000.0 / 1e9;
    println!(
        "verify {} records ({gigabytes:.2} GB): {:.2} s",
        verified.records,
        begin.elapsed().as_secs_f64()
    );
}
