//! Salvage: reading a damaged installation as far as it is intact, without changing anything in it.
//!
//! Of each event the longest run of records is kept that begins at its first one and whose every link holds. What comes
//! after a missing record cannot be kept: it was decided on a state that is not there any more.

mod copy;
mod events;
mod segment;
mod tables;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_store::{Batch, Log, Row, StoreError};
use tessera_writer::Head;

use crate::anchor::{ANCHOR_NAME, Anchor};
use crate::disk::{Disk, RealDisk};
use crate::frame::{Frame, Position, SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes};
use crate::index::Indexed;
use crate::locate::{ARCHIVE, JOURNAL, Segments, segment_error, segment_numbers};
use crate::scan::is_zero;
use crate::store::lock;
pub use copy::LogCopy;
use events::Events;
use segment::{Piece, pieces};
pub use tables::Scratch;
use tables::{SalvagedIndex, SalvagedTables};

/// Where an operator cuts an event: its records up to this sequence are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which event.
    pub event: EventId,
    /// The last sequence that may be kept. A record that goes beyond it is cut as a whole.
    pub through: Sequence,
}

/// What can be said of an event of a damaged installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All that was ever appended to it is there.
    Sound,
    /// What follows the kept records is lost.
    Cut,
    /// What is there is sound; whether something followed it nobody can tell.
    InDoubt,
}

/// One event of a damaged installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// Which event.
    pub event: EventId,
    /// Its head after the records that are kept.
    pub kept: Head,
    /// How many records are kept.
    pub records: u64,
    /// The sequence up to which it was appended to, at least: those after `kept.sequence` are lost.
    pub appended_through: Sequence,
    /// What can be said of it.
    pub standing: Standing,
}

/// What was read of a damaged installation. Locked for as long as this lives.
pub struct Salvage {
    segments: Segments,
    kept: Vec<Indexed>,
    events: Vec<Salvaged>,
    damage: Vec<String>,
    tables: Option<SalvagedTables>,
    _lock: File,
}

impl Salvage {
    /// Read the installation in `directory`. Its tables are copied into `scratch`, for opening tables changes them. Where there is no
    /// scratch they are not read; what kept it from being made is then among the damage.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open, [`StoreError::FormatTooNew`], [`StoreError::Unavailable`]
    /// for errors of the file system.
    pub fn read(
        directory: &Path,
        cut: Option<Cut>,
        scratch: Result<Scratch, StoreError>,
    ) -> Result<Salvage, StoreError> {
        let lock = lock(directory)?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory));
        let segments = Segments::new(Arc::clone(&disk));
        let mut reading = Reading { events: Events::new(cut), damage: Vec::new(), end: None };
        reading.journal(&*disk, &segments)?;
        let tables = scratch
            .map_err(|error| no_scratch(&error))
            .and_then(|scratch| {
                let unopened = |reason| format!("the tables cannot be opened: {reason}");
                SalvagedTables::copy(directory, scratch).map_err(unopened)
            })
            .map_err(|damage| reading.damage.push(damage))
            .ok();
        let mut indexed_segments = BTreeSet::new();
        if let Some(tables) = &tables {
            match tables.index() {
                Ok(SalvagedIndex { segments, heads }) => {
                    indexed_segments = segments;
                    heads.into_iter().for_each(|(event, head)| reading.events.indexed_head(event, head));
                }
                Err(error) => reading.damage.push(format!("the index of full segments: {error}")),
            }
        }
        if let Some(Err(StoreError::Damaged { reason })) =
            tables.as_ref().map(|tables| tables.lost_commits(&*disk))
        {
            reading.damage.push(reason);
        }
        let events = reading.events.salvaged(&indexed_segments);
        let Reading { events: Events { kept, .. }, damage, .. } = reading;
        Ok(Salvage { segments, kept, events, damage, tables, _lock: lock })
    }

    /// The events, by their ids.
    #[must_use]
    pub fn events(&self) -> &[Salvaged] {
        &self.events
    }

    /// What is damaged, and where, for people.
    #[must_use]
    pub fn damage(&self) -> &[String] {
        &self.damage
    }

    /// Append the very records that are kept to `store`, which has none of these events.
    ///
    /// # Errors
    /// As `store` says, and where what was read before cannot be read again.
    pub async fn copy_log(&self, store: &impl Log) -> Result<(), StoreError> {
        let mut copy = LogCopy::new(store);
        for frame in &self.kept {
            let batch = Batch { next: frame.next, record: self.payload(frame)? };
            copy.append(frame.event, frame.expected, batch).await?;
        }
        copy.finish().await
    }

    /// Up to `limit` rows of the tables, those after the key `after`; none where the tables cannot be opened.
    ///
    /// # Errors
    /// As the tables say where a row cannot be read.
    pub fn rows(&self, after: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.tables.as_ref().map_or(Ok(Vec::new()), |tables| tables.rows(after, limit))
    }

    /// Whether the tables can be opened.
    #[must_use]
    pub fn has_tables(&self) -> bool {
        self.tables.is_some()
    }

    fn payload(&self, kept: &Indexed) -> Result<Arc<[u8]>, StoreError> {
        let Position { segment, offset } = kept.position;
        let length = frame_bytes(usize::try_from(kept.payload_bytes).unwrap_or(usize::MAX / 2));
        let mut bytes = vec![0; length];
        let file = self.segments.file(segment)?;
        file.read_at(offset, &mut bytes).map_err(|error| segment_error(segment, &error))?;
        match Frame::decode(&bytes, kept.position)? {
            Some(frame) => Ok(Arc::from(frame.payload)),
            None => Err(StoreError::Damaged {
                reason: format!("segment {segment} at offset {offset} changed while it was read"),
            }),
        }
    }
}

fn no_scratch(error: &StoreError) -> String {
    format!(
        "the tables could not be read: no scratch could be made for a copy of them ({error}); free that place, or repair --into another"
    )
}

struct Reading {
    events: Events,
    damage: Vec<String>,
    /// Where the frames of the last segment in use end.
    end: Option<Position>,
}

impl Reading {
    /// Every segment, in order; then what the anchor says about the end.
    fn journal(&mut self, disk: &dyn Disk, segments: &Segments) -> Result<(), StoreError> {
        let unavailable =
            |error: std::io::Error| StoreError::Unavailable { reason: format!("the journal: {error}") };
        let mut numbers: BTreeSet<u64> = BTreeSet::new();
        for directory in [JOURNAL, ARCHIVE] {
            numbers.extend(segment_numbers(disk, directory).map_err(unavailable)?);
        }
        let anchored = match Anchor::open(disk, ANCHOR_NAME) {
            Ok(opened) => opened.map(|(_, anchored)| anchored),
            Err(StoreError::Damaged { .. }) => None,
            Err(error) => return Err(error),
        };
        for number in 1..=numbers.last().copied().unwrap_or(0) {
            if numbers.contains(&number) {
                self.segment(number, segments, anchored)?;
            } else {
                self.damage.push(format!("segment {number} is missing"));
                self.events.unclaimed(Position { segment: number, offset: 0 });
            }
        }
        let origin = Position { segment: 0, offset: 0 };
        let end = self.end.unwrap_or(origin);
        match anchored {
            Some(anchored) if self.end.is_some() && anchored > end => {
                self.damage.push(format!(
                    "the journal ends in segment {} at offset {}, but appends up to segment {}, offset {} were acknowledged",
                    end.segment, end.offset, anchored.segment, anchored.offset
                ));
                self.events.unclaimed(anchored);
            }
            None if !numbers.is_empty() => {
                self.damage.push(
                    "the anchor is missing or damaged: nobody can tell whether the end of the journal is there"
                        .to_owned(),
                );
                self.events.unclaimed(Position { segment: u64::MAX, offset: 0 });
            }
            _ => {}
        }
        Ok(())
    }

    fn segment(
        &mut self,
        number: u64,
        segments: &Segments,
        anchored: Option<Position>,
    ) -> Result<(), StoreError> {
        let error = |error: std::io::Error| segment_error(number, &error);
        let file = segments.file(number)?;
        let length = file.length().map_err(error)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        file.read_at(0, &mut bytes).map_err(error)?;
        if is_zero(&bytes) {
            return Ok(());
        }
        match SegmentHeader::decode(&bytes, number) {
            Some(header) => self.begins_after(header),
            None => self.damage.push(format!("the header of segment {number} is not intact")),
        }
        let Reading { events, damage, .. } = self;
        let end = pieces(number, &bytes, |piece| match piece {
            Piece::Frame(frame) => events.frame(&frame),
            // The rest of a last batch that was never synced is no damage.
            Piece::Hole(hole) if !hole.before_frame && anchored.is_some_and(|end| end <= hole.position) => {}
            Piece::Hole(hole) => {
                let Position { segment, offset } = hole.position;
                damage.push(format!("segment {segment} is not intact at offset {offset}"));
                events.hole(&hole);
            }
        })?;
        if end > SEGMENT_HEADER_BYTES as u64 {
            self.end = Some(Position { segment: number, offset: end });
        }
        Ok(())
    }

    /// The segment before must end where this one says.
    fn begins_after(&mut self, header: SegmentHeader) {
        let before = header.number - 1;
        if let Some(end) = self.end.filter(|end| end.segment == before && end.offset < header.previous_end) {
            self.damage.push(format!(
                "segment {before} ends at offset {}, but it went on to {} when the next was begun",
                end.offset, header.previous_end
            ));
            self.events.unclaimed(end);
        }
    }
}
