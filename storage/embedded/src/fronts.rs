//! Where the rows of queues begin. Whoever takes from the front of a queue leaves a tombstone there, and a scan from its beginning walks over all of
//! them until a compaction drops them: the more was taken, the slower the next look. So it is remembered of ranges that were slow to begin with how far
//! they are empty; what is written there counts from then on. Scans begin behind that, and find what they would have found.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

/// Ranges that are remembered: queues are few, and looked at all the time.
const REMEMBERED_MAX: usize = 32;
/// A scan that finds its first row no sooner is of a range that is remembered from then on: about a thousand tombstones.
const SLOW: Duration = Duration::from_micros(100);

/// The ranges that are remembered, by where they begin.
#[derive(Debug, Default)]
pub(crate) struct Fronts {
    of: BTreeMap<Vec<u8>, Front>,
    looks: u64,
}

#[derive(Debug, Default)]
struct Front {
    known: Option<Empty>,
    /// What the scan that is under way will know, if nothing else is written meanwhile.
    scanned: Option<Empty>,
    /// When it was looked at last, in looks.
    looked: u64,
}

/// Nothing has a row from the beginning of the range up to here, at any version from this one on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Empty {
    since: u64,
    until: Vec<u8>,
}

/// A scan of a range that is remembered, or may come to be.
#[derive(Debug)]
pub(crate) struct Scan {
    begin: Vec<u8>,
    /// At which version; `None`: what it finds says nothing of the versions that follow.
    learns_at: Option<u64>,
}

impl Fronts {
    /// A scan of `begin..end` begins at this version, where that is the newest: from where on there may be rows.
    pub(crate) fn scan(
        &mut self,
        (version, newest): (u64, u64),
        (begin, end): (&[u8], &[u8]),
    ) -> (Vec<u8>, Scan) {
        self.looks += 1;
        let mut scan = Scan { begin: begin.to_vec(), learns_at: None };
        let Some(front) = self.of.get_mut(begin) else { return (begin.to_vec(), scan) };
        front.looked = self.looks;
        if version == newest && front.scanned.is_none() {
            front.scanned = Some(Empty { since: version, until: end.to_vec() });
            scan.learns_at = Some(version);
        }
        let known = front.known.as_ref().filter(|known| known.since <= version);
        let from = known.map_or(begin, |known| known.until.as_slice().min(end));
        (from.to_vec(), scan)
    }

    /// A scan found its first row there, or none before the end, after so long.
    pub(crate) fn found(&mut self, scan: Scan, first: &[u8], took: Duration) {
        let Scan { begin, learns_at } = scan;
        match self.of.get_mut(&begin) {
            Some(front) => {
                let scanned = front.scanned.take_if(|scanned| Some(scanned.since) == learns_at);
                if let Some(Empty { since, until }) = scanned {
                    front.known = Some(Empty { since, until: until.as_slice().min(first).to_vec() });
                }
            }
            None if took >= SLOW => self.remember(begin),
            None => {}
        }
    }

    /// A scan failed.
    pub(crate) fn failed(&mut self, scan: &Scan) {
        if let Some(front) = self.of.get_mut(&scan.begin) {
            front.scanned.take_if(|scanned| Some(scanned.since) == scan.learns_at);
        }
    }

    /// A row is written under this key, at the version that follows.
    pub(crate) fn written(&mut self, key: &[u8]) {
        for (_, front) in self.of.range_mut::<[u8], _>((Bound::Unbounded, Bound::Included(key))) {
            for empty in [&mut front.known, &mut front.scanned].into_iter().flatten() {
                if key < empty.until.as_slice() {
                    empty.until = key.to_vec();
                }
            }
        }
    }

    /// The one that nobody has looked at for longest makes room.
    fn remember(&mut self, begin: Vec<u8>) {
        let oldest = self.of.iter().min_by_key(|(_, front)| front.looked).map(|(begin, _)| begin.clone());
        if let Some(oldest) = oldest.filter(|_| self.of.len() >= REMEMBERED_MAX) {
            self.of.remove(&oldest);
        }
        self.of.insert(begin, Front { looked: self.looks, ..Front::default() });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The rows of every version.
    #[derive(Default)]
    struct Table {
        versions: Vec<BTreeSet<u8>>,
        fronts: Fronts,
    }

    impl Table {
        fn newest(&self) -> u64 {
            self.versions.len() as u64 - 1
        }

        fn commit(&mut self, rows: BTreeSet<u8>) {
            let before = self.versions.last().cloned().unwrap_or_default();
            for key in rows.difference(&before) {
                self.fronts.written(&[*key]);
            }
            self.versions.push(rows);
        }

        /// Begins a scan of everything from `begin` on; what it finds, and how much it passed over.
        fn begin(&mut self, version: u64, begin: u8) -> (Scan, Option<u8>, u8) {
            let newest = self.newest();
            let (from, scan) = self.fronts.scan((version, newest), (&[begin], &[u8::MAX]));
            let rows = &self.versions[usize::try_from(version).unwrap_or_default()];
            let found = rows.range(from[0]..u8::MAX).next().copied();
            assert_eq!(found, rows.range(begin..u8::MAX).next().copied(), "nothing is passed over");
            (scan, found, from[0] - begin)
        }

        fn end(&mut self, (scan, found, passed_over): (Scan, Option<u8>, u8)) -> u8 {
            self.fronts.found(scan, &[found.unwrap_or(u8::MAX)], SLOW);
            passed_over
        }

        fn look(&mut self, version: u64, begin: u8) -> u8 {
            let begun = self.begin(version, begin);
            self.end(begun)
        }
    }

    #[test]
    fn a_queue_is_looked_at_from_where_its_rows_begin() {
        let mut table = Table::default();
        table.commit((0..100).collect());
        table.commit((60..100).collect());
        // The first look finds that it is slow, the second how far it is empty.
        assert_eq!([(); 3].map(|()| table.look(1, 0)), [0, 0, 60]);
        assert_eq!(table.look(0, 0), 0, "it was full before");
        table.commit((70..100).collect());
        assert_eq!([(); 2].map(|()| table.look(2, 0)), [60, 70]);
        // Somebody comes in front of all.
        table.commit((70..100).chain([5]).collect());
        assert_eq!(table.look(3, 0), 5);
        assert_eq!(table.look(2, 0), 0, "of what was before it is not known");
    }

    #[test]
    fn what_is_written_during_a_scan_is_not_missed_after_it() {
        let mut table = Table::default();
        table.commit((50..100).collect());
        assert_eq!(table.look(0, 0), 0);
        let begun = table.begin(0, 0);
        table.commit((50..100).chain([7]).collect());
        assert_eq!(table.end(begun), 0);
        assert_eq!(table.look(1, 0), 7);
        // One that is not at the newest version says nothing.
        let mut late = Table::default();
        late.commit((50..100).collect());
        late.commit((50..100).chain([7]).collect());
        assert_eq!([(); 3].map(|()| late.look(0, 0)), [0, 0, 0]);
    }

    #[test]
    fn whatever_is_taken_and_written_scans_find_what_is_there() {
        let mut random = 1_u64;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut table = Table::default();
        table.commit(BTreeSet::new());
        let mut under_way = Vec::new();
        let mut passed_over = 0_u64;
        for _ in 0..20_000 {
            let mut rows = table.versions.last().cloned().unwrap_or_default();
            match draw(8) {
                0 | 1 => drop(rows.pop_first()),
                2 | 3 => drop(rows.insert(u8::try_from(draw(250)).unwrap_or_default())),
                _ => {}
            }
            table.commit(rows);
            let version = table.newest() - draw(3).min(table.newest());
            let begun = table.begin(version, if draw(3) == 0 { 40 } else { 0 });
            passed_over += u64::from(begun.2);
            under_way.push(begun);
            if draw(2) == 0 {
                let ends = usize::try_from(draw(under_way.len() as u64)).unwrap_or_default();
                let begun = under_way.swap_remove(ends);
                table.end(begun);
            }
        }
        assert!(passed_over > 1_000, "{passed_over}");
    }

    #[test]
    fn no_more_is_remembered_than_queues_are() {
        let mut table = Table::default();
        table.commit(BTreeSet::new());
        for begin in 0..200 {
            table.look(0, begin);
        }
        assert_eq!(table.fronts.of.len(), REMEMBERED_MAX);
        assert!(table.fronts.of.contains_key(&[199][..]), "the newest among them");
    }

    #[test]
    fn what_failed_leaves_room_for_the_next() {
        let mut table = Table::default();
        table.commit((50..100).collect());
        table.look(0, 0);
        let (scan, ..) = table.begin(0, 0);
        table.fronts.failed(&scan);
        assert_eq!([(); 2].map(|()| table.look(0, 0)), [0, 50]);
    }
}
