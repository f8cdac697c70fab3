//! Reading the log of an event, and verifying it.

use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_store::{LogRecord, StoreError};
use tessera_writer::{Chain, Head};

use crate::frame::{Frame, frame_bytes};
use crate::index::{Entry, Limit};
use crate::locate::{Segments, segment_error};
use crate::sealed::Sealed;
use crate::shared::Shared;

/// Adjacent frames are read together up to this size, in bytes.
const RUN_BYTES_MAX: usize = 1 << 20;
/// How much of a log is verified at a time, in bytes.
const VERIFY_BYTES: usize = 8 << 20;

/// A log that was read from genesis to its head, every checksum and link of its chain checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The head it ends with.
    pub head: Head,
    /// How many records it has.
    pub records: u64,
}

/// Reads what the journal holds. Blocks: runs on the readers' threads only.
pub(crate) struct Reading {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tables: Sealed,
    pub(crate) segments: Segments,
}

impl Reading {
    /// The durable head of `event`.
    pub(crate) fn head(&self, event: EventId) -> Result<Head, StoreError> {
        self.shared.check()?;
        let indexed = self.shared.index().head(event);
        match indexed {
            Some(head) => Ok(head),
            None => Ok(self.tables.head(event)?.unwrap_or(Head::GENESIS)),
        }
    }

    /// Every event with a frame in the journal, by its id. Memory first: what is sealed in between is then found in the tables.
    pub(crate) fn events(&self) -> Result<Vec<EventId>, StoreError> {
        self.shared.check()?;
        let mut events = self.shared.index().events();
        events.extend(self.tables.events()?);
        Ok(events.into_iter().collect())
    }

    /// See [`tessera_store::Log::read`].
    pub(crate) fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> Result<Vec<LogRecord>, StoreError> {
        self.shared.check()?;
        let entries = self.entries(event, after, limit_bytes)?;
        let mut records: Vec<LogRecord> = Vec::with_capacity(entries.len());
        let mut before: Option<Head> = None;
        let mut rest = &entries[..];
        while !rest.is_empty() {
            let run = run_length(rest);
            self.load(event, &rest[..run], &mut before, &mut records)?;
            rest = &rest[run..];
        }
        Ok(records)
    }

    /// Memory first: what is sealed in between is then found in the tables, and nothing is missed.
    fn entries(&self, event: EventId, after: Sequence, limit_bytes: usize) -> Result<Vec<Entry>, StoreError> {
        let next = Sequence(after.0.saturating_add(1));
        let recent = self.shared.index().entries_after(event, after, limit_bytes);
        if recent.first().is_some_and(|first| first.first_sequence <= next) {
            return Ok(recent);
        }
        let mut entries = self.tables.entries_after(event, after, limit_bytes)?;
        let sealed_to = entries.last().map_or(after, |last| last.last_sequence);
        entries.extend(recent.into_iter().filter(|entry| entry.last_sequence > sealed_to));
        let mut limit = Limit::new(limit_bytes);
        let admitted = entries.iter().take_while(|entry| limit.admits(entry)).count();
        entries.truncate(admitted);
        let mut expected = entries.first().map(|first| first.first_sequence);
        for entry in &entries {
            if Some(entry.first_sequence) != expected || entries[0].first_sequence > next {
                return Err(StoreError::Damaged {
                    reason: format!(
                        "the index of {event:?} has a gap before sequence {}",
                        entry.first_sequence
                    ),
                });
            }
            expected = Some(entry.last_sequence.plus(1));
        }
        Ok(entries)
    }

    /// Read adjacent frames at once and append their records.
    fn load(
        &self,
        event: EventId,
        run: &[Entry],
        before: &mut Option<Head>,
        records: &mut Vec<LogRecord>,
    ) -> Result<(), StoreError> {
        let begin = run[0].position;
        let file = self.segments.file(begin.segment)?;
        let mut bytes = vec![0; run.iter().map(stored_bytes).sum()];
        file.read_at(begin.offset, &mut bytes).map_err(|error| segment_error(begin.segment, &error))?;
        let mut rest = &bytes[..];
        for entry in run {
            let frame = Frame::decode(rest, entry.position)?;
            let frame = frame.filter(|frame| {
                frame.event == event
                    && frame.first_sequence() == entry.first_sequence
                    && frame.next.sequence == entry.last_sequence
            });
            let Some(frame) = frame else {
                return Err(StoreError::Damaged {
                    reason: format!(
                        "the record of {event:?} up to sequence {} is not intact in segment {} at offset {}",
                        entry.last_sequence, entry.position.segment, entry.position.offset
                    ),
                });
            };
            if before.is_some_and(|before| before.chain != frame.expected.chain) {
                return Err(broken_chain(event, entry.first_sequence));
            }
            *before = Some(frame.next);
            records.push(frame.record());
            rest = &rest[stored_bytes(entry)..];
        }
        Ok(())
    }

    /// Read the whole log of `event` and check every checksum and every link of its chain.
    pub(crate) fn verify(&self, event: EventId) -> Result<Verified, StoreError> {
        let head = self.head(event)?;
        let mut chain = Chain::default();
        let mut after = Sequence::ZERO;
        let mut count = 0;
        while after < head.sequence {
            let records = self.read(event, after, VERIFY_BYTES)?;
            if records.is_empty() {
                return Err(StoreError::Damaged {
                    reason: format!(
                        "the log of {event:?} ends at sequence {after}, its head at {}",
                        head.sequence
                    ),
                });
            }
            for record in records.iter().take_while(|record| record.last_sequence <= head.sequence) {
                chain = chain.extend(&record.bytes);
                if chain != record.chain {
                    return Err(broken_chain(event, record.first_sequence));
                }
                count += 1;
            }
            after = records.last().map_or(head.sequence, |record| record.last_sequence);
        }
        if chain == head.chain {
            Ok(Verified { head, records: count })
        } else {
            Err(broken_chain(event, after))
        }
    }
}

fn broken_chain(event: EventId, sequence: Sequence) -> StoreError {
    StoreError::Damaged { reason: format!("the chain of {event:?} is broken at sequence {sequence}") }
}

fn stored_bytes(entry: &Entry) -> usize {
    frame_bytes(usize::try_from(entry.payload_bytes).unwrap_or(usize::MAX / 2))
}

/// How many entries from the first stand next to each other and fit in one read.
fn run_length(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    let mut next = entries[0].position;
    let adjacent = |entry: &&Entry| {
        let fits = entry.position == next && (bytes == 0 || bytes + stored_bytes(entry) <= RUN_BYTES_MAX);
        bytes += stored_bytes(entry);
        next.offset += stored_bytes(entry) as u64;
        fits
    };
    entries.iter().take_while(adjacent).count()
}
