//! A writer in a process of its own under the shim, and what it said.
#![allow(unreachable_pub)]

mod build;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use futures::executor::block_on;
use tempfile::TempDir;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{EventId, Sequence};
use tessera_store::{StoreError, Table};

use crate::undo::{Loss, restore};
use build::shim;

/// The events that the writer appends to.
pub fn events() -> impl Iterator<Item = EventId> {
    (0..8).map(EventId)
}

#[derive(Default)]
struct Said {
    acknowledged: BTreeMap<u128, u64>,
    acknowledgements: u64,
    rows: Vec<u64>,
    lines: u64,
    last: String,
    latency_ms_max: u64,
    ended: bool,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["ack", event, sequence, latency_ms] => {
                let sequence = sequence.parse().unwrap();
                let before = self.acknowledged.insert(event.parse().unwrap(), sequence);
                assert!(before.is_none_or(|before| before < sequence), "acknowledged twice: {line}");
                self.acknowledgements += 1;
                self.latency_ms_max = self.latency_ms_max.max(latency_ms.parse().unwrap());
            }
            ["row", number] => self.rows.push(number.parse().unwrap()),
            _ => {}
        }
        self.lines += 1;
        line.clone_into(&mut self.last);
    }
}

type Heard = Arc<(Mutex<Said>, Condvar)>;

pub struct Rig {
    /// Holds the store, the undo log and the control file.
    base: TempDir,
    directory: PathBuf,
    heard: Heard,
    writer: Option<(Child, JoinHandle<()>)>,
}

impl Rig {
    pub fn new() -> Rig {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("store");
        fs::create_dir(&directory).unwrap();
        Rig { base, directory, heard: Heard::default(), writer: None }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn command(&self, disk: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fault-shim-writer"));
        command.arg(self.directory()).arg(disk);
        command.env("LD_PRELOAD", shim()).env("FAULT_SHIM_DIR", self.directory());
        command.env("FAULT_SHIM_LOG", self.base.path().join("undo"));
        command.env("FAULT_SHIM_CONTROL", self.base.path().join("control"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Start the writer on this disk.
    pub fn start(&mut self, disk: &str) {
        let mut child = self.command(disk).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        self.heard.0.lock().unwrap().ended = false;
        let heard = Arc::clone(&self.heard);
        let listener = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                heard.0.lock().unwrap().hear(&line);
                heard.1.notify_all();
            }
            heard.0.lock().unwrap().ended = true;
            heard.1.notify_all();
        });
        self.writer = Some((child, listener));
    }

    /// Run a second writer on the same directory to its end.
    pub fn run_second(&self) -> (ExitStatus, String) {
        let output = self.command("real").output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    /// The faults from now on (replaced in one step, as the shim may be reading).
    pub fn control(&self, faults: &str) {
        let (new, path) = (self.base.path().join("control.new"), self.base.path().join("control"));
        fs::write(&new, faults).unwrap();
        fs::rename(new, path).unwrap();
    }

    fn await_state(&self, reached: impl Fn(&Said) -> bool) {
        let said = self.heard.0.lock().unwrap();
        let said = self.heard.1.wait_while(said, |said| !said.ended && !reached(said)).unwrap();
        assert!(reached(&said), "the writer ended early; its last line was {:?}", said.last);
    }

    /// Wait for so many more acknowledgements.
    pub fn await_acknowledged(&self, more: u64) {
        let target = self.heard.0.lock().unwrap().acknowledgements + more;
        self.await_state(|said| said.acknowledgements >= target);
    }

    /// Wait for another line that begins with this word.
    pub fn await_line(&self, word: &str) {
        let lines = self.heard.0.lock().unwrap().lines;
        self.await_state(|said| said.lines > lines && said.last.starts_with(word));
    }

    /// Wait until an append has taken this long.
    pub fn await_latency_ms(&self, latency_ms: u64) {
        self.await_state(|said| said.latency_ms_max >= latency_ms);
    }

    /// Kill the writer, without warning.
    pub fn kill(&mut self) {
        let (mut child, listener) = self.writer.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        listener.join().unwrap();
    }

    /// Wait for the writer to end by itself; answers its status and what it said about it.
    pub fn await_end(&mut self) -> (ExitStatus, String) {
        let (mut child, listener) = self.writer.take().unwrap();
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        let status = child.wait().unwrap();
        listener.join().unwrap();
        (status, errors)
    }

    /// What was not synced is lost.
    pub fn lose_power(&self, loss: Loss) {
        restore(&self.base.path().join("undo"), self.directory(), loss).unwrap();
    }

    pub fn open(&self) -> Result<EmbeddedStore, StoreError> {
        EmbeddedStore::open(self.directory(), &Options { segment_bytes: 64 << 10, ..Options::default() })
    }

    /// What was acknowledged and is not there; `None` when nothing is missing.
    pub fn lost(&self) -> Option<String> {
        let store = match self.open() {
            Ok(store) => store,
            Err(error) => return Some(error.to_string()),
        };
        let said = self.heard.0.lock().unwrap();
        for (event, sequence) in &said.acknowledged {
            let event = EventId(*event);
            match block_on(store.verify(event)) {
                Err(error) => return Some(error.to_string()),
                Ok(verified) if verified.head.sequence < Sequence(*sequence) => {
                    return Some(format!("{event:?} ends at {:?}, acknowledged {sequence}", verified.head));
                }
                Ok(_) => {}
            }
        }
        for number in &said.rows {
            let mut transaction = block_on(store.begin()).unwrap();
            if block_on(transaction.get(&number.to_be_bytes())).unwrap().is_none() {
                return Some(format!("row {number} was acknowledged"));
            }
        }
        None
    }

    pub fn assert_nothing_lost(&self) {
        assert_eq!(self.lost(), None);
    }

    pub fn segment(&self, number: u64) -> PathBuf {
        self.directory().join(format!("journal/{number:016}.segment"))
    }

    /// The last segment with anything in it.
    pub fn last_used_segment(&self) -> PathBuf {
        let used = |number: &u64| {
            fs::read(self.segment(*number)).is_ok_and(|bytes| bytes.iter().any(|byte| *byte != 0))
        };
        self.segment((1..).take_while(used).last().unwrap())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some((mut child, listener)) = self.writer.take() {
            let _ = child.kill();
            let _ = child.wait();
            let _ = listener.join();
        }
    }
}
