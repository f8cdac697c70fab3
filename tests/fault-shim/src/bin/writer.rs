//! `fault-shim-writer DIRECTORY DISK`: appends to a few events of an embedded store until it is killed, and says on its
//! standard output what was acknowledged. DISK is `real`, or a mutant of the journal's that the tests must catch: `buffer` (never
//! syncs) or `early` (answers a sync before it is done). The anchors are as they should be, so that what is missing is noticed.
//!
//! Lines: `ack EVENT SEQUENCE LATENCY_MS`, `row NUMBER`, `refused REASON`. It ends with status 3 when the store has failed and with
//! 4 when it does not open.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a program for tests at the console; it has nothing but the ambient clock and threads"
)]

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use futures::executor::block_on;
use futures::stream::{FuturesUnordered, StreamExt};
use tessera_embedded::disk::{Disk, DiskFile, RealDisk};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::EventId;
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log, StoreError, transact};
use tessera_writer::Head;

const EVENTS: u128 = 8;
const SEGMENT_BYTES: u64 = 64 << 10;
const ROW_EVERY: u64 = 20;
const ROW_BYTES: usize = 20_000;
const RECORD_BYTES: usize = 600;

#[derive(Clone, Copy)]
enum Mutation {
    None,
    Buffer,
    Early,
}

struct MutantDisk {
    disk: RealDisk,
    mutation: Mutation,
}

struct MutantFile {
    file: Arc<dyn DiskFile>,
    mutation: Mutation,
}

impl MutantDisk {
    fn wrap(&self, name: &str, file: io::Result<Arc<dyn DiskFile>>) -> io::Result<Arc<dyn DiskFile>> {
        let mutation = if name.starts_with("journal/") { self.mutation } else { Mutation::None };
        Ok(Arc::new(MutantFile { file: file?, mutation }))
    }
}

impl Disk for MutantDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.wrap(name, self.disk.create(name))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.wrap(name, self.disk.open(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.disk.list(directory)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
}

impl DiskFile for MutantFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.mutation {
            Mutation::None => self.file.sync_data(),
            Mutation::Buffer => Ok(()),
            Mutation::Early => {
                let file = Arc::clone(&self.file);
                thread::spawn(move || file.sync_data());
                Ok(())
            }
        }
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.file.allocate(length)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}

/// One whole line, written at once: a kill cuts between lines.
fn say(line: &str) {
    let mut output = io::stdout().lock();
    // Nobody listens any more: the kill is on its way.
    let _ = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
}

async fn write_row(store: &EmbeddedStore, number: u64) -> Result<(), StoreError> {
    transact(store, |mut transaction| async move {
        transaction.set(&number.to_be_bytes(), &[0x72; ROW_BYTES]);
        Ok((transaction, ()))
    })
    .await
}

/// Append without end; answers when the store has failed.
async fn run(store: &EmbeddedStore) -> Result<(), StoreError> {
    let append = |event: EventId, expected: Head| {
        let mut record = vec![0x5a; RECORD_BYTES];
        record[..8].copy_from_slice(&expected.sequence.0.to_be_bytes());
        let next = batch(expected, u128::from(expected.sequence.0) + 1, 1, &record);
        let (head, before, appended) = (next.next, Instant::now(), store.append(event, expected, next));
        async move { (event, expected, head, before, appended.await) }
    };
    let mut waiting = FuturesUnordered::new();
    for event in (0..EVENTS).map(EventId) {
        waiting.push(append(event, store.head(event).await?));
    }
    let mut acknowledged = 0;
    while let Some((event, expected, head, before, outcome)) = waiting.next().await {
        match outcome {
            AppendOutcome::Committed => {
                let latency_ms = before.elapsed().as_millis();
                say(&format!("ack {} {} {latency_ms}", event.0, head.sequence));
                acknowledged += 1;
                if acknowledged % ROW_EVERY == 0 {
                    write_row(store, acknowledged).await?;
                    say(&format!("row {acknowledged}"));
                }
                waiting.push(append(event, head));
            }
            AppendOutcome::Unknown { reason } => {
                say(&format!("refused {reason}"));
                waiting.push(append(event, expected));
            }
            AppendOutcome::Fenced { found } => waiting.push(append(event, found)),
            AppendOutcome::Fatal { reason } => return Err(StoreError::Fatal { reason }),
            AppendOutcome::Damaged { reason } => return Err(StoreError::Damaged { reason }),
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, disk] = arguments.as_slice() else {
        eprintln!("usage: fault-shim-writer DIRECTORY real|buffer|early");
        return ExitCode::from(2);
    };
    let mutation = match disk.as_str() {
        "buffer" => Mutation::Buffer,
        "early" => Mutation::Early,
        _ => Mutation::None,
    };
    let directory = Path::new(directory);
    let disk: Arc<dyn Disk> = Arc::new(MutantDisk { disk: RealDisk::new(directory), mutation });
    let options = Options { segment_bytes: SEGMENT_BYTES, disk: Some(disk), ..Options::default() };
    let store = match EmbeddedStore::open(directory, &options) {
        Ok(store) => store,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(4);
        }
    };
    match block_on(run(&store)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}
