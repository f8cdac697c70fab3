//! Opening a journal: what is not sealed is scanned, checked against the anchor, and made durable again.
//!
//! Nothing that may have been acknowledged is ever dropped in silence: a journal that ends before the anchor, a hole
//! before an intact later batch, a missing segment or a frame that does not continue its event's head is
//! [`StoreError::Damaged`], and the store does not open. Only what stands after the last synced batch is discarded.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tessera_store::StoreError;
use tessera_writer::Head;

use crate::anchor::{ANCHOR_NAME, Anchor, TABLES_ANCHOR_NAME};
use crate::committer::{Active, Prepared};
use crate::disk::{Disk, DiskFile};
use crate::frame::{Position, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::index::Index;
use crate::locate::{ARCHIVE, JOURNAL, UNFINISHED, segment_error, segment_name, segment_numbers};
use crate::mutant::{Mutant, Mutation};
use crate::scan::{Scan, Tail, scan};
use crate::sealed::Sealed;

/// Offset of the first frame of a segment.
const FIRST_FRAME: u64 = SEGMENT_HEADER_BYTES as u64;
/// Where an empty journal begins.
const ORIGIN: Position = Position { segment: 1, offset: FIRST_FRAME };

/// A journal that may be served from.
pub(crate) struct Recovered {
    pub(crate) index: Index,
    pub(crate) anchor: Anchor,
    /// The segment to append to, if one was begun.
    pub(crate) active: Option<Active>,
    /// Where the journal ends; `None` when nothing was ever written.
    pub(crate) ended: Option<Position>,
    /// The segment that was allocated to come next. (There may be one more after it: it is allocated anew.)
    pub(crate) prepared: Option<Prepared>,
    /// Full segments whose index is not in the tables yet, each with where its frames end.
    pub(crate) to_seal: Vec<(u64, u64)>,
    /// Sealed segments that are not in the archive.
    pub(crate) sealed: BTreeSet<u64>,
}

struct Scanned {
    number: u64,
    file: Arc<dyn DiskFile>,
    length: u64,
    scan: Scan,
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    tables: &'a Sealed,
    sealed_ends: BTreeMap<u64, u64>,
    mutation: Mutation,
}

fn damaged(reason: String) -> StoreError {
    StoreError::Damaged { reason }
}

fn unavailable(error: &std::io::Error) -> StoreError {
    StoreError::Unavailable { reason: format!("the journal: {error}") }
}

/// Recover the journal on `disk`, whose full segments are indexed in `tables`.
pub(crate) fn recover(disk: &dyn Disk, tables: &Sealed, mutation: Mutation) -> Result<Recovered, StoreError> {
    if disk.list(JOURNAL).map_err(|error| unavailable(&error))?.iter().any(|name| UNFINISHED.ends_with(name))
    {
        disk.remove(UNFINISHED).map_err(|error| unavailable(&error))?;
    }
    let sealed_ends = tables.segments()?.into_iter().collect();
    Recovery { disk, tables, sealed_ends, mutation }.run()
}

impl Recovery<'_> {
    fn run(self) -> Result<Recovered, StoreError> {
        let in_journal = self.numbers(JOURNAL)?;
        let all: BTreeSet<u64> = in_journal.union(&self.numbers(ARCHIVE)?).copied().collect();
        self.check_contiguous(&all)?;
        let mut used = Vec::new();
        let mut unused = Vec::new();
        for number in all.iter().copied().filter(|number| !self.sealed_ends.contains_key(number)) {
            let scanned = self.scan(number)?;
            if scanned.scan.header.is_some() { &mut used } else { &mut unused }.push(scanned);
        }
        self.check_order(&used, &unused)?;
        let index = self.replay(&used)?;
        let ended = self.ended(&used);
        let end = ended.unwrap_or(ORIGIN);
        let (anchor, anchored) = self.anchor(end, !all.is_empty())?;
        for scanned in used.iter().chain(&unused) {
            make_durable(scanned, anchored, self.mutation)?;
        }
        let anchor = renew(anchor, end).map_err(|error| unavailable(&error))?;
        let active =
            used.pop().map(|last| Active::continuing(last.number, last.file, last.length, last.scan.end));
        let sealed = self.sealed_ends.keys().filter(|number| in_journal.contains(number)).copied().collect();
        Ok(Recovered {
            index,
            anchor,
            active,
            ended,
            prepared: unused.into_iter().next().map(|scanned| Prepared {
                number: scanned.number,
                file: scanned.file,
                length: scanned.length,
            }),
            to_seal: used.iter().map(|scanned| (scanned.number, scanned.scan.end)).collect(),
            sealed,
        })
    }

    fn numbers(&self, directory: &str) -> Result<BTreeSet<u64>, StoreError> {
        let numbers = segment_numbers(self.disk, directory).map_err(|error| unavailable(&error))?;
        Ok(numbers.into_iter().collect())
    }

    fn check_contiguous(&self, all: &BTreeSet<u64>) -> Result<(), StoreError> {
        let last = all.last().max(self.sealed_ends.keys().last()).copied().unwrap_or(0);
        match (1..=last).find(|number| !all.contains(number)) {
            Some(missing) => Err(damaged(format!("segment {missing} of the journal is missing"))),
            None => Ok(()),
        }
    }

    fn scan(&self, number: u64) -> Result<Scanned, StoreError> {
        let open = |directory| self.disk.open(&segment_name(directory, number));
        let file = open(JOURNAL).or_else(|_| open(ARCHIVE)).map_err(|error| segment_error(number, &error))?;
        let length = file.length().map_err(|error| segment_error(number, &error))?;
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| damaged("segment too long".to_owned()))?];
        file.read_at(0, &mut bytes).map_err(|error| segment_error(number, &error))?;
        let scan = scan(number, &bytes, self.mutation)?;
        if let Tail::Damaged { later_frame } = scan.tail {
            return Err(damaged(format!(
                "segment {number} is not intact at offset {}, but a later batch is, at offset {later_frame}",
                scan.end
            )));
        }
        Ok(Scanned { number, file, length, scan })
    }

    /// Used segments come before unused ones, and each begins where the one before it ended.
    fn check_order(&self, used: &[Scanned], unused: &[Scanned]) -> Result<(), StoreError> {
        let last_used = used.last().map(|scanned| scanned.number);
        if let Some(unused) = unused.iter().find(|unused| last_used.is_some_and(|last| unused.number < last))
        {
            return Err(damaged(format!(
                "segment {} of the journal is empty, but a later one is not",
                unused.number
            )));
        }
        let torn = |scanned: &&Scanned| scanned.scan.tail == Tail::Torn;
        if let (Some(last), Some(next)) = (used.last().filter(torn), unused.iter().find(torn)) {
            return Err(damaged(format!(
                "segment {} is not intact at offset {}, but segment {} was written after it was synced",
                last.number, last.scan.end, next.number
            )));
        }
        for (position, scanned) in used.iter().enumerate() {
            let header = scanned.scan.header.unwrap_or(SegmentHeader { number: 0, previous_end: 0 });
            let previous = scanned.number - 1;
            let ended = match position.checked_sub(1).map(|before| &used[before]) {
                Some(before) if before.scan.tail == Tail::Zeros => before.scan.end,
                Some(before) => {
                    return Err(damaged(format!(
                        "segment {} is not intact at offset {}, but segment {} follows it",
                        before.number, before.scan.end, scanned.number
                    )));
                }
                None => self.sealed_ends.get(&previous).copied().unwrap_or(0),
            };
            if header.previous_end != ended {
                return Err(damaged(format!(
                    "segment {previous} ends at offset {ended}, but segment {} was begun when it ended at {}",
                    scanned.number, header.previous_end
                )));
            }
        }
        Ok(())
    }

    fn replay(&self, used: &[Scanned]) -> Result<Index, StoreError> {
        let mut index = Index::default();
        for frame in used.iter().flat_map(|scanned| &scanned.scan.frames) {
            let head = match index.head(frame.event) {
                Some(head) => head,
                None => self.tables.head(frame.event)?.unwrap_or(Head::GENESIS),
            };
            if head != frame.expected {
                return Err(damaged(format!(
                    "the frame at {:?} does not continue the head of {:?}: it expects {:?} and follows {head:?}",
                    frame.position, frame.event, frame.expected
                )));
            }
            index.append(frame);
        }
        Ok(index)
    }

    fn ended(&self, used: &[Scanned]) -> Option<Position> {
        let scanned = used.last().map(|last| (last.number, last.scan.end));
        let sealed = || self.sealed_ends.last_key_value().map(|(number, end)| (*number, *end));
        scanned.or_else(sealed).map(|(segment, offset)| Position { segment, offset })
    }

    /// The anchor, and the position in it.
    fn anchor(&self, end: Position, any_segment: bool) -> Result<(Anchor, Position), StoreError> {
        match Anchor::open(self.disk, ANCHOR_NAME)? {
            Some((_, anchored)) if anchored > end && !self.mutation.is(Mutant::AnchorIgnored) => {
                Err(damaged(format!(
                    "the journal ends at {end:?}, but appends up to {anchored:?} were acknowledged"
                )))
            }
            Some(opened) => Ok(opened),
            None if any_segment => Err(damaged("the anchor is missing beside a journal".to_owned())),
            None => match Anchor::create(self.disk, ANCHOR_NAME, ORIGIN) {
                Ok(created) => Ok((created, ORIGIN)),
                Err(error) => Err(unavailable(&error)),
            },
        }
    }
}

/// The anchor of the tables, and how many commits they hold. Fewer than were acknowledged is [`StoreError::Damaged`]: fjall's
/// recovery may end early without a word, and rows come from nowhere else.
pub(crate) fn recover_commits(disk: &dyn Disk, tables: &Sealed) -> Result<(Anchor, u64), StoreError> {
    let (anchor, commits) = check_commits(disk, tables)?;
    let created = || Anchor::create(disk, TABLES_ANCHOR_NAME, Position { segment: commits, offset: 0 });
    let anchor = anchor.map_or_else(created, Ok).map_err(|error| unavailable(&error))?;
    Ok((anchor, commits))
}

/// As [`recover_commits`], without making the anchor of tables that are new.
pub(crate) fn check_commits(disk: &dyn Disk, tables: &Sealed) -> Result<(Option<Anchor>, u64), StoreError> {
    let counted = tables.commits()?;
    let commits = counted.unwrap_or(0);
    match Anchor::open(disk, TABLES_ANCHOR_NAME)? {
        Some((_, Position { segment: anchored, .. })) if anchored > commits => {
            Err(damaged(format!("the tables hold {commits} commits, but {anchored} were acknowledged")))
        }
        None if counted.is_some() => {
            Err(damaged(format!("{TABLES_ANCHOR_NAME} is missing beside tables that hold commits")))
        }
        opened => Ok((opened.map(|(anchor, _)| anchor), commits)),
    }
}

/// What was read may only be in the page cache, and after a failed sync the system takes it for written: a sync alone
/// would skip it. So what stands after the anchored position is written once more, then synced, before it is relied upon.
/// Clear a torn tail, so that no later scan meets its remains.
fn make_durable(scanned: &Scanned, anchored: Position, mutation: Mutation) -> Result<(), StoreError> {
    let error = |error: std::io::Error| segment_error(scanned.number, &error);
    let in_use = scanned.scan.header.is_some();
    let is_trusted = mutation.is(Mutant::FailedSyncTrusted);
    if in_use
        && !is_trusted
        && let Some(from) = unanchored_from(scanned.number, anchored)
    {
        let count = scanned.scan.end.saturating_sub(from);
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
        scanned.file.read_at(from, &mut bytes).map_err(error)?;
        scanned.file.write_at(from, &bytes).map_err(error)?;
    }
    if scanned.scan.tail == Tail::Torn {
        let from = if in_use { scanned.scan.end } else { 0 };
        tracing::warn!(segment = scanned.number, from, "an unacknowledged torn tail is discarded");
        let rest = usize::try_from(scanned.length - from).unwrap_or(usize::MAX);
        scanned.file.write_at(from, &vec![0; rest]).map_err(error)?;
    }
    scanned.file.sync_data().map_err(error)
}

/// Where in segment `number` begins what is not known to be synced; `None` where all of it is. (The header of a segment
/// is written with its first batch.)
fn unanchored_from(number: u64, anchored: Position) -> Option<u64> {
    match number.cmp(&anchored.segment) {
        Ordering::Less => None,
        Ordering::Equal if anchored.offset > FIRST_FRAME => Some(anchored.offset),
        Ordering::Equal | Ordering::Greater => Some(0),
    }
}

fn renew(mut anchor: Anchor, end: Position) -> std::io::Result<Anchor> {
    anchor.write(end)?;
    anchor.sync()?;
    Ok(anchor)
}
