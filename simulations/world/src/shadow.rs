//! Shadows in the world: the product's replay, snapshots and their repository, in the steps of its shadow state. Each node that serves has
//! one, which follows the log, writes the state as the newest snapshot now and then, and lets the log before it be archived.
//!
//! A shadow halts at every read of the log and before every transaction: there another one may overtake it, and there it dies.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::executor::block_on;
use tessera_inventory::{Inventory, Sequence};
use tessera_records::{Replay, decode_snapshot, encode_snapshot};
use tessera_store::keys::SnapshotId;
use tessera_store::memory::MemoryStore;
use tessera_store::snapshot::{Snapshot, SnapshotOutcome, SnapshotRepository};
use tessera_store::{Log, StoreError, Table};
use tessera_writer::{Chain, FORMAT_VERSION, Format, MINIMUM_READER_VERSION, ReplayRecord};

use crate::catalogue::EVENT;
use crate::follower::{Followed, Halting, HaltingTable, Task, go_on};
use crate::mutant::Mutant;
use crate::oracle::{Oracle, Violation, broken};
use crate::prng::Prng;

/// Bytes of the log that a shadow reads at once: few, so that it has many steps.
const PAGE_BYTES: usize = 1_000;
/// A snapshot is worth writing after so many events.
const EVENTS_MIN: u64 = 2;

/// Every shadow of the world, and the snapshots that they write.
pub(crate) struct Shadows {
    prng: Prng,
    /// As shadows use it, halting.
    halting: SnapshotRepository,
    repository: SnapshotRepository,
    states: Vec<State>,
    running: Vec<Option<Task>>,
    newest: Sequence,
}

/// What a shadow has in its memory.
type State = Arc<Mutex<Option<Replay>>>;

impl Shadows {
    pub(crate) fn new(seed: u64, table: MemoryStore, nodes: usize, mutant: Option<Mutant>) -> Shadows {
        let table: Arc<dyn Table> = Arc::new(table);
        let over = |table: Arc<dyn Table>| match mutant {
            Some(Mutant::Snapshot(mutant)) => SnapshotRepository::mutated(table, mutant),
            _ => SnapshotRepository::new(table),
        };
        Shadows {
            prng: Prng::new(seed ^ 0x5ade),
            halting: over(Arc::new(HaltingTable::over(Arc::clone(&table)))),
            repository: over(table),
            states: (0..nodes).map(|_| State::default()).collect(),
            running: (0..nodes).map(|_| None).collect(),
            newest: Sequence::ZERO,
        }
    }

    /// A number from the one to the other, of the shadows' own.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.prng.between(low, high)
    }

    /// A position in a list of this length.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.prng.index(len)
    }

    /// Whether something of these odds happens.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.prng.chance(per_mille)
    }

    /// Whether the shadow of a node has begun something and not ended it.
    pub(crate) fn is_at_work(&self, node: usize) -> bool {
        self.running[node].is_some()
    }

    /// What the shadow of a node has in its memory is gone.
    pub(crate) fn die(&mut self, node: usize) {
        (self.running[node], self.states[node]) = (None, State::default());
    }

    /// The shadow of a node goes on, or follows the log once more; `writes`: and writes a snapshot then.
    pub(crate) fn go_on(
        &mut self,
        node: usize,
        log: &Arc<dyn Log>,
        writes: bool,
    ) -> Result<Followed, Violation> {
        if self.running[node].is_none() {
            let id = writes.then(|| SnapshotId(self.prng.bits()));
            let (repository, state) = (self.halting.clone(), Arc::clone(&self.states[node]));
            self.running[node] = Some(follow(repository, Halting::over(Arc::clone(log)), state, id).boxed());
        }
        go_on(&mut self.running[node])
    }

    /// Whether there is another snapshot than before: it must be a later one, of the state that the log gives.
    pub(crate) fn look(&mut self, oracle: &Oracle) -> Result<bool, Violation> {
        let pointer = block_on(self.repository.pointer(EVENT)).map_err(|error| unread(&error))?;
        let newest = pointer.map_or(Sequence::ZERO, |pointer| pointer.sequence);
        if newest < self.newest {
            let detail = format!("from {} to {newest}", self.newest);
            return Err(broken("the newest snapshot never goes back", detail));
        }
        let is_new = newest > self.newest;
        if is_new {
            self.newest = newest;
            let state = self.newest()?.map(|(state, _)| (state.sequence(), state.digest()));
            let wanted = oracle.digest(newest).map(|digest| (newest, digest));
            if state != wanted {
                return Err(broken(
                    "a snapshot is what the log gives",
                    format!("{state:?} is not {wanted:?}"),
                ));
            }
        }
        Ok(is_new)
    }

    /// The newest snapshot, as an activation begins with it.
    pub(crate) fn newest(&self) -> Result<Option<(Inventory, Chain)>, Violation> {
        let replay = block_on(newest_replay(&self.repository)).map_err(|error| unread(&error))?;
        Ok(replay.map(|replay| {
            let chain = replay.chain();
            (replay.into_inventory(), chain)
        }))
    }
}

fn unread(error: &StoreError) -> Violation {
    broken("every snapshot can be opened", error.to_string())
}

fn damaged(error: &impl ToString) -> StoreError {
    StoreError::Damaged { reason: error.to_string() }
}

async fn newest_replay(repository: &SnapshotRepository) -> Result<Option<Replay>, StoreError> {
    let Some(snapshot) = repository.newest(EVENT).await? else { return Ok(None) };
    let image = decode_snapshot(snapshot.bytes).map_err(|error| damaged(&error))?;
    Replay::from_snapshot(image).map(Some).map_err(|error| damaged(&error))
}

/// Follow the log to its end, and write a snapshot of this id: what `actors/src/inventory/shadow.rs` does, in the same order.
async fn follow(
    repository: SnapshotRepository,
    log: Halting,
    state: State,
    id: Option<SnapshotId>,
) -> Result<Followed, StoreError> {
    let kept = state.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut replay = match kept {
        Some(replay) => replay,
        None => newest_replay(&repository).await?.unwrap_or_else(|| Replay::from_genesis(EVENT)),
    };
    loop {
        let records = log.read(EVENT, replay.sequence(), PAGE_BYTES).await?;
        for record in &records {
            let replayed = ReplayRecord {
                first_sequence: record.first_sequence,
                last_sequence: record.last_sequence,
                epoch: record.epoch,
                chain: record.chain,
                bytes: &record.bytes,
            };
            replay.apply(&replayed).map_err(|error| damaged(&error))?;
        }
        if records.is_empty() {
            break;
        }
    }
    let since = repository.pointer(EVENT).await?.map_or(Sequence::ZERO, |pointer| pointer.sequence);
    let mut followed = Followed::Went;
    if let Some(id) = id.filter(|_| replay.sequence().0 >= since.0 + EVENTS_MIN) {
        let bytes = encode_snapshot(&replay.inventory().export(), replay.chain()).into();
        let format = Format { version: FORMAT_VERSION, minimum_reader: MINIMUM_READER_VERSION };
        let (sequence, chain) = (replay.sequence(), replay.chain());
        let snapshot = Snapshot { format, sequence, chain, bytes };
        if repository.write(EVENT, id, &snapshot).await? == SnapshotOutcome::Superseded {
            followed = Followed::Overtaken;
        } else {
            log.trim(EVENT, sequence).await?;
        }
    }
    *state.lock().unwrap_or_else(PoisonError::into_inner) = Some(replay);
    Ok(followed)
}
