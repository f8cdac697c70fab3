//! The committer: one thread that merges the waiting appends of all events into one synced batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use futures::channel::oneshot;
use tessera_inventory::EventId;
use tessera_store::{AppendOutcome, Batch, StoreError};
use tessera_writer::Head;

use crate::anchor::{Anchor, AnchorSignal};
use crate::disk::DiskFile;
use crate::frame::{Frame, Position, SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes};
use crate::housekeeper::Order;
use crate::inbox::Inbox;
use crate::index::Indexed;
use crate::mutant::{Mutant, Mutation};
use crate::sealed::Sealed;
use crate::shared::Shared;

/// Appends that may wait for the committer. Beyond, an append is answered `Unknown` without having been written.
pub(crate) const APPENDS_WAITING_MAX: usize = 65_536;
/// Appends merged into one synced batch.
const BATCH_APPENDS_MAX: usize = 4096;
/// Bytes after which a synced batch takes no more appends.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Size of the first segment; each next one is twice as large up to the chosen size, so that a store that holds little
/// is created at once and stays small, in bytes.
const SEGMENT_BYTES_FIRST: u64 = 1 << 20;
/// After so many doublings a segment is as large as anybody chooses.
const DOUBLINGS_MAX: u64 = 20;
/// Segments are allocated in multiples of this, in bytes.
const FILE_BLOCK_BYTES: u64 = 4096;

/// An append that waits.
pub(crate) struct Append {
    pub(crate) event: EventId,
    pub(crate) expected: Head,
    pub(crate) batch: Batch,
    pub(crate) answer: oneshot::Sender<AppendOutcome>,
}

/// A segment that is allocated and all zeros.
pub(crate) struct Prepared {
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) length: u64,
}

/// The segment that is appended to.
pub(crate) struct Active {
    number: u64,
    file: Arc<dyn DiskFile>,
    length: u64,
    /// Where its durable frames end.
    end: u64,
    /// Written together with the first batch.
    header: Option<SegmentHeader>,
}

impl Active {
    /// A segment that has been appended to before.
    pub(crate) fn continuing(number: u64, file: Arc<dyn DiskFile>, length: u64, end: u64) -> Active {
        Active { number, file, length, end, header: None }
    }

    fn beginning(prepared: Prepared, previous_end: u64) -> Active {
        let Prepared { number, file, length } = prepared;
        let header = Some(SegmentHeader { number, previous_end });
        Active { number, file, length, end: SEGMENT_HEADER_BYTES as u64, header }
    }
}

/// Where the next segment comes from.
pub(crate) struct Supply {
    pub(crate) orders: Sender<Order>,
    pub(crate) prepared: Receiver<Result<Prepared, String>>,
    /// A segment found at the start.
    pub(crate) ready: Option<Prepared>,
    pub(crate) segment_bytes: u64,
}

pub(crate) struct Committer {
    shared: Arc<Shared>,
    tables: Sealed,
    anchor: Anchor,
    signal: AnchorSignal,
    active: Option<Active>,
    /// Where the journal ended before there was an active segment; `None` for an empty one.
    ended: Option<Position>,
    supply: Supply,
    mutation: Mutation,
    ordered: bool,
    /// The batch being built: its bytes, its frames, the heads they lead to, and who waits for what.
    buffer: Vec<u8>,
    frames: Vec<Indexed>,
    heads: BTreeMap<EventId, Head>,
    answers: Vec<(oneshot::Sender<AppendOutcome>, AppendOutcome)>,
}

impl Committer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        tables: Sealed,
        (anchor, signal): (Anchor, AnchorSignal),
        (active, ended): (Option<Active>, Option<Position>),
        supply: Supply,
        mutation: Mutation,
    ) -> Committer {
        Committer {
            shared,
            tables,
            anchor,
            signal,
            active,
            ended,
            supply,
            mutation,
            ordered: false,
            buffer: Vec::new(),
            frames: Vec::new(),
            heads: BTreeMap::new(),
            answers: Vec::new(),
        }
    }

    /// The committer's thread. Ends when it is told to stop, after what came before.
    pub(crate) fn run(mut self, appends: &Inbox<Append>) {
        if self.supply.ready.is_none() {
            self.order_next(0);
        }
        while let Some(first) = appends.next() {
            self.stage(first);
            while self.answers.len() < BATCH_APPENDS_MAX && self.buffer.len() < BATCH_BYTES_MAX {
                let Some(append) = appends.next_now() else { break };
                self.stage(append);
            }
            self.flush();
        }
    }

    fn stage(&mut self, append: Append) {
        let outcome = self.decide(append.event, append.expected, &append.batch);
        self.answers.push((append.answer, outcome));
    }

    /// Every refusal first; then the frame is added to the batch. The answer is given after the batch is durable.
    fn decide(&mut self, event: EventId, expected: Head, batch: &Batch) -> AppendOutcome {
        if let Some(reason) = self.shared.failure() {
            return AppendOutcome::Fatal { reason: reason.to_owned() };
        }
        let found = match self.head(event) {
            Ok(found) => found,
            Err(StoreError::Fatal { reason }) => return AppendOutcome::Fatal { reason },
            Err(error @ (StoreError::Damaged { .. } | StoreError::FormatTooNew { .. })) => {
                return AppendOutcome::Damaged { reason: error.to_string() };
            }
            Err(error) => return AppendOutcome::Unknown { reason: error.to_string() },
        };
        if found == batch.next {
            return AppendOutcome::Committed;
        }
        if found != expected {
            return AppendOutcome::Fenced { found };
        }
        if let Some(refused) = AppendOutcome::too_large(batch) {
            return refused;
        }
        let needed = frame_bytes(batch.record.len());
        if self.room() < needed {
            self.flush();
            if let Some(reason) = self.shared.failure() {
                return AppendOutcome::Fatal { reason: reason.to_owned() };
            }
            if let Err(outcome) = self.roll(needed) {
                return outcome;
            }
        }
        self.push(event, expected, batch);
        AppendOutcome::Committed
    }

    /// The head after the batch being built.
    fn head(&self, event: EventId) -> Result<Head, StoreError> {
        if let Some(head) = self.heads.get(&event) {
            return Ok(*head);
        }
        let indexed = self.shared.index().head(event);
        match indexed {
            Some(head) => Ok(head),
            None => Ok(self.tables.head(event)?.unwrap_or(Head::GENESIS)),
        }
    }

    /// Bytes left in the active segment after the batch being built.
    fn room(&self) -> usize {
        let Some(active) = &self.active else { return 0 };
        usize::try_from(active.length - active.end).unwrap_or(usize::MAX).saturating_sub(self.buffer.len())
    }

    fn push(&mut self, event: EventId, expected: Head, batch: &Batch) {
        let Some(active) = &self.active else { return };
        let offset = active.end + self.buffer.len() as u64;
        let frame = Frame {
            position: Position { segment: active.number, offset },
            batch_start: active.end,
            event,
            expected,
            next: batch.next,
            payload: &batch.record,
        };
        frame.encode_into(&mut self.buffer);
        self.frames.push(Indexed::of(&frame));
        self.heads.insert(event, batch.next);
    }

    /// Make the batch durable, then let others see it, then answer.
    fn flush(&mut self) {
        if !self.buffer.is_empty() {
            if let Err(reason) = self.write_and_sync() {
                self.shared.fail(reason);
            }
            self.buffer.clear();
            self.frames.clear();
            self.heads.clear();
        }
        let failure = self.shared.failure();
        for (answer, outcome) in self.answers.drain(..) {
            let outcome = match failure {
                Some(reason) => AppendOutcome::Fatal { reason: reason.to_owned() },
                None => outcome,
            };
            // Nobody may be waiting any more; what was appended stays.
            let _ = answer.send(outcome);
        }
    }

    fn write_and_sync(&mut self) -> Result<(), String> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let end = active.end + self.buffer.len() as u64;
        let written = match active.header.take() {
            Some(header) => {
                let whole = [&header.encode()[..], &self.buffer].concat();
                active.file.write_at(0, &whole)
            }
            None => active.file.write_at(active.end, &self.buffer),
        };
        written.map_err(|error| format!("the journal could not be written: {error}"))?;
        if !self.mutation.is(Mutant::SyncSkipped) {
            active.file.sync_data().map_err(|error| format!("the journal could not be synced: {error}"))?;
        }
        active.end = end;
        let position = Position { segment: active.number, offset: end };
        {
            let mut index = self.shared.index();
            self.frames.iter().for_each(|frame| index.append(frame));
        }
        self.anchor.write(position).map_err(|error| format!("the anchor could not be written: {error}"))?;
        self.signal.written();
        Ok(())
    }

    /// Go on in the next segment. The batch being built is empty.
    fn roll(&mut self, needed: usize) -> Result<(), AppendOutcome> {
        let least = (SEGMENT_HEADER_BYTES + needed) as u64;
        let prepared = self.next_segment(least).map_err(|reason| match self.shared.failure() {
            Some(failure) => AppendOutcome::Fatal { reason: failure.to_owned() },
            None => AppendOutcome::Unknown { reason },
        })?;
        let full = self.active.take();
        let previous_end = match &full {
            Some(full) => full.end,
            None => self.ended.map_or(0, |ended| ended.offset),
        };
        self.active = Some(Active::beginning(prepared, previous_end));
        self.order_next(0);
        if let Some(full) = full {
            self.order(Order::Seal { number: full.number, end: full.end });
        }
        Ok(())
    }

    fn next_segment(&mut self, least: u64) -> Result<Prepared, String> {
        let stopped = |_| "the store is closing".to_owned();
        if self.ordered {
            self.ordered = false;
            // An error here may be over by now: the order below asks again.
            self.supply.ready = self.supply.prepared.recv().map_err(stopped)?.ok();
        }
        if let Some(ready) = self.supply.ready.take().filter(|ready| ready.length >= least) {
            return Ok(ready);
        }
        self.order_next(least);
        self.ordered = false;
        self.supply.prepared.recv().map_err(stopped)?
    }

    /// Order the next segment, with room for at least so many bytes.
    fn order_next(&mut self, least: u64) {
        let last = match &self.active {
            Some(active) => active.number,
            None => self.ended.map_or(0, |ended| ended.segment),
        };
        let number = last + 1;
        let usual = self.supply.segment_bytes.min(SEGMENT_BYTES_FIRST << last.min(DOUBLINGS_MAX));
        let length = usual.max(least.next_multiple_of(FILE_BLOCK_BYTES));
        self.ordered = true;
        self.order(Order::Prepare { number, length });
    }

    fn order(&self, order: Order) {
        if self.supply.orders.send(order).is_err() {
            self.shared.fail("the housekeeper has ended".to_owned());
        }
    }
}
