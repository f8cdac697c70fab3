//! The rows of the model, and the transactions of the product over them, as numbers: the same is run once for the same rows.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use tessera_cluster::{Beat, Claim, Evicted, NodeId, NodeRow, OwnerRow, Standing, Transfer};
use tessera_projections::nodes::Nodes;

use super::{Answer, Registration, Wish};
use crate::event::EVENT;
use crate::footprint::{Footprint, Rows, Snapshot};

/// One transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub(super) me: Registration,
    pub(super) wish: Wish,
    /// Of the beat that is written, or of the one that was seen.
    pub(super) number: u8,
}

/// What the rows say.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The standing and the beat of each registration.
    pub(super) nodes: BTreeMap<Registration, (Standing, u8)>,
    pub(super) owner: Option<OwnerRow>,
}

impl View {
    pub(super) fn serves(&self, registration: Registration) -> bool {
        self.nodes.get(&registration).is_some_and(|(standing, _)| *standing == Standing::Serving)
    }

    pub(super) fn node_serves(&self, node: NodeId) -> bool {
        Registration::try_from(node.0).is_ok_and(|registration| self.serves(registration))
    }

    pub(super) fn is_there(&self, node: NodeId) -> bool {
        Registration::try_from(node.0).is_ok_and(|registration| self.nodes.contains_key(&registration))
    }
}

/// Rows, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RowsId(u32);

/// What a transaction did, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FootprintId(u32);

/// Everything that was ever there, and was ever run.
#[derive(Debug, Default)]
pub(super) struct Transactions(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    rows: Shelf<Rows>,
    views: Vec<Arc<View>>,
    footprints: Shelf<Footprint>,
    runs: HashMap<(RowsId, Call), Option<(Answer, FootprintId)>>,
    applied: HashMap<(RowsId, FootprintId), RowsId>,
    conflicts: HashMap<(FootprintId, FootprintId), bool>,
}

/// Things by their numbers, each once.
#[derive(Debug)]
struct Shelf<T> {
    things: Vec<Arc<T>>,
    numbers: HashMap<Arc<T>, u32>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Shelf { things: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Eq + Hash> Shelf<T> {
    fn number(&mut self, thing: T) -> u32 {
        if let Some(known) = self.numbers.get(&thing) {
            return *known;
        }
        #[allow(clippy::cast_possible_truncation)] // memory ends long before
        let number = self.things.len() as u32;
        let thing = Arc::new(thing);
        self.things.push(Arc::clone(&thing));
        self.numbers.insert(thing, number);
        number
    }

    fn get(&self, number: u32) -> Arc<T> {
        Arc::clone(&self.things[number as usize])
    }
}

impl Memory {
    fn rows(&mut self, rows: Rows) -> RowsId {
        let view = look(&rows).unwrap_or_default();
        let id = RowsId(self.rows.number(rows));
        if self.views.len() < self.rows.things.len() {
            self.views.push(Arc::new(view));
        }
        id
    }
}

impl Transactions {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No rows.
    pub(super) fn empty(&self) -> RowsId {
        self.memory().rows(Rows::new())
    }

    pub(super) fn view(&self, rows: RowsId) -> Arc<View> {
        Arc::clone(&self.memory().views[rows.0 as usize])
    }

    /// What the transaction says, and does; `None` where it fails, which it does not over rows in memory. What is left unread of what it
    /// reads is a defect.
    pub(super) fn run(
        &self,
        rows: RowsId,
        call: Call,
        unread: Option<Vec<u8>>,
    ) -> Option<(Answer, FootprintId)> {
        let mut memory = self.memory();
        if let Some(known) = memory.runs.get(&(rows, call)) {
            return *known;
        }
        let ran = run(&memory.rows.get(rows.0), call).map(|(answer, mut footprint)| {
            footprint.reads.retain(|(begin, _)| Some(begin) != unread.as_ref());
            (answer, FootprintId(memory.footprints.number(footprint)))
        });
        memory.runs.insert((rows, call), ran);
        ran
    }

    /// The rows after the writes of a transaction.
    pub(super) fn apply(&self, rows: RowsId, footprint: FootprintId) -> RowsId {
        let mut memory = self.memory();
        if let Some(known) = memory.applied.get(&(rows, footprint)) {
            return *known;
        }
        let mut after = Rows::clone(&memory.rows.get(rows.0));
        memory.footprints.get(footprint.0).apply(&mut after);
        let after = memory.rows(after);
        memory.applied.insert((rows, footprint), after);
        after
    }

    /// Whether a transaction has read what the other writes.
    pub(super) fn conflicts(&self, reader: FootprintId, writer: FootprintId) -> bool {
        let mut memory = self.memory();
        if let Some(known) = memory.conflicts.get(&(reader, writer)) {
            return *known;
        }
        let (reads, writes) = (memory.footprints.get(reader.0), memory.footprints.get(writer.0));
        let conflicts = reads.has_read_what_is_written_by(&writes);
        memory.conflicts.insert((reader, writer), conflicts);
        conflicts
    }

    /// Whether a transaction writes nothing.
    pub(super) fn only_reads(&self, footprint: FootprintId) -> bool {
        self.memory().footprints.get(footprint.0).writes.is_empty()
    }
}

pub(super) fn id(registration: Registration) -> NodeId {
    NodeId(u128::from(registration))
}

/// Over rows in memory nothing waits, and nothing fails.
fn now<T, E>(call: impl Future<Output = Result<T, E>>) -> Option<T> {
    call.now_or_never()?.ok()
}

fn look(rows: &Rows) -> Option<View> {
    let nodes = Nodes::new(Arc::new(Snapshot::of(rows)));
    let mut view = View::default();
    for listed in now(nodes.list())? {
        let registration = Registration::try_from(listed.node.0).ok()?;
        let number = u8::try_from(listed.beat.number).ok()?;
        view.nodes.insert(registration, (listed.row.standing, number));
    }
    view.owner = now(nodes.owner(EVENT))?.map(|owner| owner.owner);
    Some(view)
}

fn run(rows: &Rows, Call { me, wish, number }: Call) -> Option<(Answer, Footprint)> {
    let snapshot = Snapshot::of(rows);
    let nodes = Nodes::new(Arc::new(snapshot.clone()));
    let number = u64::from(number);
    let answer = match wish {
        Wish::Renew => now(nodes.renew(id(me), &row(), &Beat { number, ..Beat::default() }))?.into(),
        Wish::Evict(other) => match now(nodes.evict(id(other), number))? {
            Evicted::Gone => Answer::Done,
            Evicted::Alive | Evicted::Unknown => Answer::Not,
        },
        Wish::Forget(other) if now(nodes.forget(id(other)))? => Answer::Done,
        Wish::Forget(_) => Answer::Not,
        Wish::Claim => match now(nodes.claim(id(me), EVENT))? {
            Claim::Take(_) | Claim::Ours(_) => Answer::Done,
            Claim::Elsewhere(_) | Claim::NotServing => Answer::Not,
        },
        Wish::Transfer(to) => match now(nodes.transfer(id(me), EVENT, id(to)))? {
            Transfer::Give(_) => Answer::Done,
            Transfer::NotOurs | Transfer::NotServing => Answer::Not,
        },
        Wish::Release => {
            now(nodes.release(id(me), EVENT, None))?;
            Answer::Done
        }
    };
    Some((answer, snapshot.footprint()))
}

fn row() -> NodeRow {
    NodeRow {
        name: String::new(),
        peer_address: String::new(),
        client_address: None,
        lease_ms: 0,
        release: String::new(),
        standing: Standing::Serving,
    }
}
