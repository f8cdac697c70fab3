//! Notaries in the world: the product's drafts, pages, trees and signatures, driven by the steps of its notary over the log and the table
//! of followers. Each node has one, which works off the refusals of the ownerships that this node has or had.
//!
//! A notary halts at its read of the log, before it stores a page and before it forgets what the page proves: there another one may
//! overtake it, and there it dies. All share one signer, as one process has it.

mod outsider;
mod queue;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::executor::block_on;
use tessera_inventory::{Command, Sequence, Timestamp};
use tessera_projections::receipts::{Draft, Receipts, Rotation, Signer, Stored};
use tessera_store::memory::{CommitFault, MemoryStore};
use tessera_store::{Log, StoreError, Table};
use tessera_writer::{Refused, Reply};

use crate::catalogue::{EVENT, WALL_BASE_MS};
use crate::follower::{Followed, Halting, Task, failed, go_on, halt};
use crate::mutant::Mutant;
use crate::oracle::{Life, Oracle, Violation, broken};
use crate::prng::Prng;
use outsider::Outsider;
use queue::Queue;

/// The installation that they sign for.
const INSTALLATION: u128 = 0x1a;
/// Bytes of the log of one page, or one record: few, so that refusals wait for what they were decided on.
const PAGE_BYTES: usize = 1_000;
/// Most refusals of one page: few, so that they need several.
const REFUSALS_AT_ONCE: usize = 6;
/// The table may fail so often in a row when the signer is opened.
const OPENINGS_MAX: u32 = 8;
/// In worlds that keep few receipts: bytes of pages that are kept.
const KEPT_BYTES: u64 = 20_000;

/// Every notary of the world.
pub(crate) struct Notaries {
    prng: Prng,
    table: MemoryStore,
    receipts: Receipts,
    signer: Arc<Signer>,
    mutant: Option<tessera_projections::Mutant>,
    /// What waits in each ownership to be proven.
    queues: BTreeMap<Life, Queue>,
    /// What each node's is at.
    running: Vec<Option<Task>>,
    outsider: Outsider,
}

impl Notaries {
    pub(crate) fn new(
        seed: u64,
        table: MemoryStore,
        nodes: usize,
        mutant: Option<Mutant>,
    ) -> Result<Notaries, Violation> {
        let mut prng = Prng::new(seed ^ 0x5ea1);
        let mutant = match mutant {
            Some(Mutant::Follower(mutant)) => Some(mutant),
            _ => None,
        };
        let shared: Arc<dyn Table> = Arc::new(table.clone());
        let receipts = match mutant {
            Some(mutant) => Receipts::mutated(shared, mutant),
            None => Receipts::new(shared),
        };
        let receipts = if prng.chance(250) { receipts.keeping(KEPT_BYTES) } else { receipts };
        let signer = open(&mut prng, &table, mutant, Timestamp(WALL_BASE_MS))?;
        let (queues, running) = (BTreeMap::new(), (0..nodes).map(|_| None).collect());
        let outsider = Outsider::default();
        Ok(Notaries { prng, table, receipts, signer, mutant, queues, running, outsider })
    }

    /// A number from the one to the other, of the notaries' own.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.prng.between(low, high)
    }

    /// Whether something of these odds happens.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.prng.chance(per_mille)
    }

    /// The next commit of the table meets one of these.
    pub(crate) fn inject(&mut self, faults: &[(&'static str, CommitFault)]) -> &'static str {
        let (name, fault) = faults[self.prng.index(faults.len())];
        self.table.inject_commit(fault);
        name
    }

    /// An ownership begins.
    pub(crate) fn begin(&mut self, life: Life) {
        self.queues.insert(life, Queue::default());
    }

    /// The writer of an ownership puts refusals out.
    pub(crate) fn refused(&mut self, life: Life, refused: Vec<Refused>) {
        if let Some(queue) = self.queues.get(&life) {
            let turned_away = queue.push(refused);
            self.outsider.lost(&turned_away);
        }
    }

    /// A refusal is told, of a turn at this logged time.
    pub(crate) fn told(&mut self, command: &Command, at: Timestamp, reply: &Reply) {
        if let Reply::Rejected { sequence, rejection, place } = reply {
            self.outsider.told(*place, || words::refused(command, (*sequence, at), rejection, *place));
        }
    }

    /// The process of a node ends, and what waited there is lost. How much that was comes back.
    pub(crate) fn die(&mut self, node: usize) -> usize {
        self.running[node] = None;
        let dead: Vec<Life> = self.queues.range((node, 0)..(node + 1, 0)).map(|(life, _)| *life).collect();
        let queues = dead.iter().filter_map(|life| self.queues.remove(life));
        let left: Vec<Refused> = queues.flat_map(|queue| queue.oldest(usize::MAX)).collect();
        self.outsider.lost(&left);
        left.len()
    }

    /// The notary of a node ends and begins again; what waits to be proven still does.
    pub(crate) fn restart(&mut self, node: usize) {
        self.running[node] = None;
    }

    /// Every notary ends, and the signer is opened again: it knows no more than the table.
    pub(crate) fn reopen(&mut self, now: Timestamp) -> Result<(), Violation> {
        self.running.iter_mut().for_each(|running| *running = None);
        self.signer = open(&mut self.prng, &self.table, self.mutant, now)?;
        Ok(())
    }

    /// Another key is to sign from now on; whether one does.
    pub(crate) fn rotate(&mut self, now: Timestamp) -> Result<bool, Violation> {
        let (keys, seed) = (self.signer.public_keys().len(), drawn(&mut self.prng));
        match block_on(self.signer.rotate(&seed, now)) {
            Ok(Rotation::Done(_)) => Ok(self.signer.public_keys().len() > keys),
            Ok(Rotation::TooMany) => Err(broken("keys can be rotated", "too many")),
            Err(error) => failed(&error).map(|_| false),
        }
    }

    /// The notary of a node goes on, or begins its next step in one of its ownerships; `serving` is the one that has not ended.
    pub(crate) fn go_on(
        &mut self,
        node: usize,
        serving: Option<u64>,
        log: &Arc<dyn Log>,
        now: Timestamp,
    ) -> Result<Followed, Violation> {
        if self.running[node].is_none() {
            self.running[node] = self.step(node, serving, log, now);
        }
        go_on(&mut self.running[node])
    }

    fn step(
        &mut self,
        node: usize,
        serving: Option<u64>,
        log: &Arc<dyn Log>,
        now: Timestamp,
    ) -> Option<Task> {
        self.queues.retain(|life, queue| life.0 != node || Some(life.1) == serving || !queue.is_empty());
        let queues: Vec<&Queue> =
            self.queues.range((node, 0)..(node + 1, 0)).map(|(_, queue)| queue).collect();
        if queues.is_empty() {
            return None;
        }
        let queue = queues[self.prng.index(queues.len())].clone();
        let (receipts, signer) = (self.receipts.clone(), Arc::clone(&self.signer));
        Some(notarise(receipts, signer, Halting::over(Arc::clone(log)), queue, now).boxed())
    }

    /// Whatever is new is judged, and what was judged still stands. How many leaves are new comes back, of events and of refusals.
    pub(crate) fn look(&mut self, oracle: &Oracle, log: &dyn Log) -> Result<(u64, u64), Violation> {
        let keys = self.signer.public_keys();
        self.outsider.look(&self.receipts, (oracle, log), &keys, &mut self.prng)
    }

    /// Everything up to there is proven, and nothing waits.
    pub(crate) fn have_proven(&self, through: Sequence) -> bool {
        self.outsider.through() == through && self.queues.values().all(Queue::is_empty)
    }

    /// The world is over.
    pub(crate) fn finish(&self, oracle: &Oracle) -> Result<(), Violation> {
        self.outsider.finish(&self.receipts, oracle.sequence())
    }
}

fn open(
    prng: &mut Prng,
    table: &MemoryStore,
    mutant: Option<tessera_projections::Mutant>,
    now: Timestamp,
) -> Result<Arc<Signer>, Violation> {
    let seed = drawn(prng);
    for _ in 0..OPENINGS_MAX {
        match block_on(Signer::open(Arc::new(table.clone()), INSTALLATION, &seed, now)) {
            Ok(signer) => {
                return Ok(Arc::new(match mutant {
                    Some(mutant) => signer.mutated(mutant),
                    None => signer,
                }));
            }
            Err(error) => failed(&error)?,
        };
    }
    Err(broken("the signing keys can be read", format!("not in {OPENINGS_MAX} attempts")))
}

/// Random bytes of a key.
fn drawn(prng: &mut Prng) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&prng.bits().to_be_bytes());
    seed[16..].copy_from_slice(&prng.bits().to_be_bytes());
    seed
}

/// One step of a notary: what `actors/src/followers/notary.rs` does, in the same order.
async fn notarise(
    receipts: Receipts,
    signer: Arc<Signer>,
    log: Halting,
    queue: Queue,
    now: Timestamp,
) -> Result<Followed, StoreError> {
    let tree = receipts.tree(EVENT).await?;
    // A page of unknown outcome may have landed, and after it one of another writer's refusals.
    queue.forget_through(tree.refused);
    if let Some(epoch) = queue.epoch().filter(|epoch| *epoch != tree.refused.0) {
        queue.forget_through((epoch, receipts.refused_in(EVENT, epoch).await?));
    }
    // Taken before the log is read: nothing that they were decided on is missing there.
    let refused = queue.oldest(REFUSALS_AT_ONCE);
    let records = log.read(EVENT, tree.sequence, PAGE_BYTES).await?;
    if records.is_empty() && refused.is_empty() {
        return Ok(Followed::Went);
    }
    signer.promise(now).await?;
    let draft = Draft::of(EVENT, tree, &records, &refused, (&signer, now))?;
    let Some(draft) = draft else { return Ok(Followed::Went) };
    halt().await;
    match receipts.store(&draft).await? {
        Stored::Durable => {
            halt().await;
            queue.forget_through(draft.refused());
            Ok(Followed::Went)
        }
        Stored::Overtaken => Ok(Followed::Overtaken),
    }
}
