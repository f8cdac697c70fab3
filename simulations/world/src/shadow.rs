//! Shadows in the world: the product's replay, snapshots and their repository, in the steps of its shadow state. Each ownership has
//! one, which follows the log, writes the state as the newest snapshot now and then, and lets the log before it be archived.
//!
//! A shadow halts at every read of the log and before every transaction: there another one may overtake it, and there it dies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::executor::block_on;
use tessera_inventory::{Inventory, Sequence};
use tessera_records::{Replay, decode_snapshot, encode_snapshot};
use tessera_store::keys::SnapshotId;
use tessera_store::memory::MemoryStore;
use tessera_store::snapshot::{Snapshot, SnapshotOutcome, SnapshotRepository};
use tessera_store::{Log, StoreError, Table};
use tessera_writer::{Chain, Format, ReplayRecord};

use crate::catalogue::EVENT;
use crate::follower::{Followed, Halting, HaltingTable, Task, go_on};
use crate::mutant::Mutant;
use crate::oracle::{Life, Oracle, Violation, broken};
use crate::prng::Prng;

/// Bytes of the log that a shadow reads at once: few, so that it has many steps.
const PAGE_BYTES: usize = 1_000;
/// A snapshot is worth writing after so many events.
const EVENTS_MIN: u64 = 2;

/// Of a thousand times that one halts, so often it does for as long as at most this, in microseconds: others own the event meanwhile.
const STALLS: u64 = 120;
const STALL_US_MAX: u64 = 60_000_000;

/// Every shadow of the world, and the snapshots that they write.
pub(crate) struct Shadows {
    prng: Prng,
    /// As shadows use it, halting.
    halting: SnapshotRepository,
    repository: SnapshotRepository,
    /// The shadow of each ownership that has not ended, or whose shadow has not.
    shadows: BTreeMap<Life, Shadow>,
    newest: Sequence,
}

#[derive(Default)]
struct Shadow {
    state: State,
    running: Option<Task>,
    stalled_until_us: u64,
}

/// What a shadow has in its memory.
type State = Arc<Mutex<Option<Replay>>>;

impl Shadows {
    pub(crate) fn new(seed: u64, table: MemoryStore, mutant: Option<Mutant>) -> Shadows {
        let table: Arc<dyn Table> = Arc::new(table);
        let over = |table: Arc<dyn Table>| match mutant {
            Some(Mutant::Snapshot(mutant)) => SnapshotRepository::mutated(table, mutant),
            _ => SnapshotRepository::new(table),
        };
        Shadows {
            prng: Prng::new(seed ^ 0x5ade),
            halting: over(Arc::new(HaltingTable::over(Arc::clone(&table)))),
            repository: over(table),
            shadows: BTreeMap::new(),
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

    /// The shadows of a node end, with what they have in their memory.
    pub(crate) fn die(&mut self, node: usize) {
        self.shadows.retain(|life, _| life.0 != node);
    }

    /// One of a node's shadows goes on, or follows the log once more; `writes`: and writes a snapshot then. `serving` is the ownership
    /// that has not ended. What a shadow is at when its ownership ends it brings to its end.
    pub(crate) fn go_on(
        &mut self,
        (node, serving): (usize, Option<u64>),
        log: &Arc<dyn Log>,
        writes: bool,
        stalls_from_us: Option<u64>,
    ) -> Result<Followed, Violation> {
        self.shadows
            .retain(|life, shadow| life.0 != node || Some(life.1) == serving || shadow.running.is_some());
        if let Some(life) = serving {
            self.shadows.entry((node, life)).or_default();
        }
        let now_us = stalls_from_us.unwrap_or(u64::MAX);
        let of_node = self.shadows.range_mut((node, 0)..(node + 1, 0)).map(|(_, shadow)| shadow);
        let mut awake: Vec<_> = of_node.filter(|shadow| shadow.stalled_until_us <= now_us).collect();
        if awake.is_empty() {
            return Ok(Followed::Went);
        }
        let shadow = awake.swap_remove(self.prng.index(awake.len()));
        if shadow.running.is_none() {
            let id = writes.then(|| SnapshotId(self.prng.bits()));
            let (repository, state) = (self.halting.clone(), Arc::clone(&shadow.state));
            shadow.running = Some(follow(repository, Halting::over(Arc::clone(log)), state, id).boxed());
        }
        let followed = go_on(&mut shadow.running)?;
        if let Some(now_us) = stalls_from_us
            && followed == Followed::Halted
            && self.prng.chance(STALLS)
        {
            shadow.stalled_until_us = now_us + self.prng.between(0, STALL_US_MAX);
        }
        Ok(followed)
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
        let (sequence, chain) = (replay.sequence(), replay.chain());
        let snapshot = Snapshot { format: Format::OLDEST, sequence, chain, bytes };
        if repository.write(EVENT, id, &snapshot).await? == SnapshotOutcome::Superseded {
            followed = Followed::Overtaken;
        } else {
            log.trim(EVENT, sequence).await?;
        }
    }
    *state.lock().unwrap_or_else(PoisonError::into_inner) = Some(replay);
    Ok(followed)
}
