//! Where the rows of queues begin. Whoever takes from the front of a queue leaves a tombstone there, and a scan from its beginning walks over all of
//! them until a compaction drops them: the more was taken, the slower the next look. So it is remembered of ranges that were slow to begin with how far
//! they are empty; what is written there counts from then on. Scans begin behind that, and find what they would have found.

use std::collections::BTreeMap;
use std::time::Duration;

/// Ranges that are remembered: more than there are queues, which are looked at all the time.
const REMEMBERED_MAX: usize = 128;
/// A scan that finds its first row no sooner is of a range that is remembered from then on: about a thousand tombstones.
const SLOW: Duration = Duration::from_micros(100);

/// The ranges that are remembered, by where they begin.
#[derive(Debug)]
pub(crate) struct Fronts {
    of: BTreeMap<Vec<u8>, Front>,
    looks: u64,
    slow: Duration,
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

impl Default for Fronts {
    fn default() -> Fronts {
        Fronts::noticing(SLOW)
    }
}

impl Fronts {
    /// None yet; a range whose first row takes so long is remembered.
    pub(crate) fn noticing(slow: Duration) -> Fronts {
        Fronts { of: BTreeMap::new(), looks: 0, slow }
    }

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
        // One that began at an older version says less, and one that never ended says nothing.
        if version == newest && front.scanned.as_ref().is_none_or(|scanned| scanned.since < version) {
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
            None if took >= self.slow => self.remember(begin),
            None => {}
        }
    }

    /// A scan failed.
    pub(crate) fn failed(&mut self, scan: &Scan) {
        if let Some(front) = self.of.get_mut(&scan.begin) {
            front.scanned.take_if(|scanned| Some(scanned.since) == scan.learns_at);
        }
    }

    /// Rows are written under these keys, which ascend, at the version that follows.
    pub(crate) fn written<K: AsRef<[u8]>>(&mut self, keys: &[K]) {
        for (begin, front) in &mut self.of {
            let at = keys.partition_point(|key| key.as_ref() < begin.as_slice());
            let Some(first) = keys.get(at).map(AsRef::as_ref) else { return };
            for empty in [&mut front.known, &mut front.scanned].into_iter().flatten() {
                if first < empty.until.as_slice() {
                    empty.until = first.to_vec();
                }
            }
        }
    }

    /// One of which nothing is known makes room, the one that nobody has looked at for longest.
    fn remember(&mut self, begin: Vec<u8>) {
        let by = |(_, front): &(&Vec<u8>, &Front)| (front.known.is_some(), front.looked);
        let oldest = self.of.iter().min_by_key(by).map(|(begin, _)| begin.clone());
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

    /// A scan, what it finds first before its end, and how much it passed over.
    struct Begun {
        scan: Scan,
        first: u8,
        passed_over: u8,
    }

    impl Table {
        fn newest(&self) -> u64 {
            self.versions.len() as u64 - 1
        }

        fn commit(&mut self, rows: BTreeSet<u8>) {
            let before = self.versions.last().cloned().unwrap_or_default();
            let written: Vec<[u8; 1]> = rows.difference(&before).map(|key| [*key]).collect();
            self.fronts.written(&written);
            self.versions.push(rows);
        }

        fn begin(&mut self, version: u64, (begin, end): (u8, u8)) -> Begun {
            let newest = self.newest();
            let (from, scan) = self.fronts.scan((version, newest), (&[begin], &[end]));
            let rows = &self.versions[usize::try_from(version).unwrap_or_default()];
            let found = rows.range(from[0]..end).next().copied();
            assert_eq!(found, rows.range(begin..end).next().copied(), "nothing is passed over");
            Begun { scan, first: found.unwrap_or(end), passed_over: from[0] - begin }
        }

        fn end(&mut self, begun: Begun) -> u8 {
            self.fronts.found(begun.scan, &[begun.first], SLOW);
            begun.passed_over
        }

        fn look(&mut self, version: u64, begin: u8) -> u8 {
            let begun = self.begin(version, (begin, u8::MAX));
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
        let begun = table.begin(0, (0, u8::MAX));
        table.commit((50..100).chain([7, 9]).collect());
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
        let mut passed_over = 0;
        for _ in 0..20_000 {
            let mut rows = table.versions.last().cloned().unwrap_or_default();
            for _ in 0..draw(4) {
                match draw(4) {
                    0 => drop(rows.insert(u8::try_from(draw(250)).unwrap_or_default())),
                    _ => drop(rows.pop_first()),
                }
            }
            table.commit(rows);
            let version = table.newest() - draw(3).min(table.newest());
            let range = [(0, u8::MAX), (0, 60), (40, u8::MAX)][usize::try_from(draw(3)).unwrap_or_default()];
            let begun = table.begin(version, range);
            passed_over += u64::from(begun.passed_over > 0);
            under_way.push(begun);
            while under_way.len() as u64 > draw(4) {
                let ends = usize::try_from(draw(under_way.len() as u64)).unwrap_or_default();
                let begun = under_way.swap_remove(ends);
                match draw(8) {
                    0 => table.fronts.failed(&begun.scan),
                    // It is never heard of again.
                    1 => {}
                    _ => drop(table.end(begun)),
                }
            }
        }
        assert!(passed_over > 2_000, "{passed_over}");
    }

    #[test]
    fn queues_are_remembered_whatever_else_is_slow_once() {
        let mut table = Table::default();
        table.commit((50..100).collect());
        assert_eq!([(); 3].map(|()| table.look(0, 0)), [0, 0, 50]);
        for begin in 1..=250 {
            table.look(0, begin);
        }
        assert_eq!(table.fronts.of.len(), REMEMBERED_MAX);
        assert!(table.fronts.of.contains_key(&[250][..]), "the newest among them");
        assert_eq!(table.look(0, 0), 50);
    }

    #[test]
    fn what_failed_or_never_ended_leaves_room_for_the_next() {
        let mut table = Table::default();
        table.commit((50..100).collect());
        table.look(0, 0);
        let begun = table.begin(0, (0, u8::MAX));
        table.fronts.failed(&begun.scan);
        assert_eq!([(); 2].map(|()| table.look(0, 0)), [0, 50]);
        let mut other = Table::default();
        other.commit((50..100).collect());
        other.look(0, 0);
        drop(other.begin(0, (0, u8::MAX)));
        assert_eq!([(); 2].map(|()| other.look(0, 0)), [0, 0]);
        other.commit((60..100).collect());
        assert_eq!([(); 2].map(|()| other.look(1, 0)), [0, 60]);
    }
}
