//! Where the records of recent appends stand. In memory only for segments whose index is not in the tables yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_writer::Head;

use crate::frame::{Frame, Position};

/// Where one record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) first_sequence: Sequence,
    pub(crate) last_sequence: Sequence,
    pub(crate) position: Position,
    pub(crate) payload_bytes: u64,
}

/// The recent appends of one event.
pub(crate) struct EventIndex {
    head: Head,
    head_segment: u64,
    entries: VecDeque<Entry>,
}

/// What one segment holds.
#[derive(Clone, Default)]
pub(crate) struct SegmentIndex {
    /// For each event with a frame in it: the head that its last frame there wrote.
    pub(crate) heads: BTreeMap<EventId, Head>,
    /// The records in it, in the order of the journal.
    pub(crate) entries: Vec<(EventId, Entry)>,
}

/// The recent appends of every event.
#[derive(Default)]
pub(crate) struct Index {
    events: BTreeMap<EventId, EventIndex>,
    segments: BTreeMap<u64, Arc<SegmentIndex>>,
}

impl Index {
    /// An append is durable.
    pub(crate) fn append(&mut self, frame: &Indexed) {
        let segment = frame.position.segment;
        let event = self.events.entry(frame.event).or_insert_with(|| EventIndex {
            head: frame.next,
            head_segment: segment,
            entries: VecDeque::new(),
        });
        event.head = frame.next;
        event.head_segment = segment;
        // Nobody else has the index of a segment that is still appended to: this never copies.
        let of_segment = Arc::make_mut(self.segments.entry(segment).or_default());
        of_segment.heads.insert(frame.event, frame.next);
        if frame.payload_bytes > 0 {
            let entry = frame.entry();
            event.entries.push_back(entry);
            of_segment.entries.push((frame.event, entry));
        }
    }

    /// The head of `event`, if it has a frame in a segment that is indexed here.
    pub(crate) fn head(&self, event: EventId) -> Option<Head> {
        self.events.get(&event).map(|event| event.head)
    }

    /// The events with a frame in a segment that is indexed here.
    pub(crate) fn events(&self) -> BTreeSet<EventId> {
        self.events.keys().copied().collect()
    }

    /// Records of `event` after `after` that are indexed here, up to about `limit_bytes`.
    pub(crate) fn entries_after(&self, event: EventId, after: Sequence, limit_bytes: usize) -> Vec<Entry> {
        let Some(event) = self.events.get(&event) else { return Vec::new() };
        let from = event.entries.partition_point(|entry| entry.last_sequence <= after);
        let mut limit = Limit::new(limit_bytes);
        event.entries.range(from..).take_while(|entry| limit.admits(entry)).copied().collect()
    }

    /// What the full segment `segment` holds; shared, so that the lock is held for an instant only.
    pub(crate) fn segment(&self, segment: u64) -> Arc<SegmentIndex> {
        self.segments.get(&segment).cloned().unwrap_or_default()
    }

    /// What `segment` holds is not looked up by segment any more.
    pub(crate) fn take_segment(&mut self, segment: u64) -> Option<Arc<SegmentIndex>> {
        self.segments.remove(&segment)
    }

    /// The index of `segment` is in the tables: forget what these events have in it. Those that have nothing later come back, to be freed
    /// elsewhere.
    pub(crate) fn forget(&mut self, segment: u64, events: &[EventId]) -> Vec<EventIndex> {
        let mut freed = Vec::new();
        for event in events {
            let Some(index) = self.events.get_mut(event) else { continue };
            if index.head_segment <= segment {
                freed.extend(self.events.remove(event));
                continue;
            }
            let sealed = index.entries.partition_point(|entry| entry.position.segment <= segment);
            index.entries.drain(..sealed);
        }
        freed
    }

    /// How many events take memory.
    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }
}

/// What of a frame is indexed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indexed {
    pub(crate) position: Position,
    pub(crate) event: EventId,
    pub(crate) expected: Head,
    pub(crate) next: Head,
    pub(crate) payload_bytes: u64,
}

impl Indexed {
    pub(crate) fn of(frame: &Frame<'_>) -> Indexed {
        Indexed {
            position: frame.position,
            event: frame.event,
            expected: frame.expected,
            next: frame.next,
            payload_bytes: frame.payload.len() as u64,
        }
    }

    fn entry(&self) -> Entry {
        Entry {
            first_sequence: self.expected.sequence.plus(1),
            last_sequence: self.next.sequence,
            position: self.position,
            payload_bytes: self.payload_bytes,
        }
    }
}

/// Admits the first entry, and more while what was admitted stays below the limit.
pub(crate) struct Limit {
    admitted_bytes: u64,
    limit_bytes: u64,
    any: bool,
}

impl Limit {
    pub(crate) fn new(limit_bytes: usize) -> Limit {
        Limit { admitted_bytes: 0, limit_bytes: limit_bytes as u64, any: false }
    }

    pub(crate) fn admits(&mut self, entry: &Entry) -> bool {
        let admitted = !self.any || self.admitted_bytes < self.limit_bytes;
        self.any = true;
        self.admitted_bytes += entry.payload_bytes;
        admitted
    }
}
