//! Which stretches of a zone have room for a group of each size: the index of best available.

use super::layout::{Layout, Zone};
use crate::TOGETHER_MAX;

/// One set of ranks per size; set 0 holds the stretches with a free wheelchair space.
const SETS: usize = TOGETHER_MAX as usize + 1;

const _: () = assert!(SETS <= 32, "the sets of a stretch are kept as the bits of a u32");

/// For every zone and size, the set of ranks with an admissible group of it, with a summary bit per word of 64 ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FitIndex {
    zones: Box<[Span]>,
    words: Box<[u64]>,
}

/// Where a zone's sets are: for each size, `summaries` words of summary, then `members` words of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: usize,
    summaries: usize,
    members: usize,
}

impl FitIndex {
    /// Every set empty.
    pub(super) fn new(zones: &[Zone]) -> FitIndex {
        let mut first = 0;
        let zones = zones
            .iter()
            .map(|zone| {
                let members = (zone.stretches as usize).div_ceil(64);
                let span = Span { first, summaries: members.div_ceil(64), members };
                first += SETS * (span.summaries + span.members);
                span
            })
            .collect();
        FitIndex { zones, words: vec![0; first].into() }
    }

    /// Moves a stretch between sets: `before` and `after` have bit `n` set where set `n` has the rank.
    pub(super) fn change(&mut self, zone: u32, rank: u32, before: u32, after: u32) {
        let span = self.zones[zone as usize];
        let word = rank as usize / 64;
        let mut changed = before ^ after;
        while changed != 0 {
            let size = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            let summaries = span.first + size * (span.summaries + span.members);
            let members = summaries + span.summaries;
            self.words[members + word] ^= 1 << (rank % 64);
            let summary = &mut self.words[summaries + word / 64];
            *summary |= 1 << (word % 64);
            if self.words[members + word] == 0 {
                self.words[summaries + word / 64] &= !(1 << (word % 64));
            }
        }
    }

    /// The ranks of set `size` of a zone, ascending.
    pub(super) fn ranks(&self, zone: u32, size: usize) -> Ranks<'_> {
        let span = self.zones[zone as usize];
        let set = &self.words[span.first + size * (span.summaries + span.members)..];
        let (summaries, rest) = set.split_at(span.summaries);
        Ranks { summaries, members: &rest[..span.members], summary: 0, next: 0, word: 0, bits: 0 }
    }
}

/// Ranks of one set, ascending.
pub(super) struct Ranks<'a> {
    summaries: &'a [u64],
    members: &'a [u64],
    /// What is left of the summary word before `next`.
    summary: u64,
    next: usize,
    /// What is left of the member word `word`.
    word: usize,
    bits: u64,
}

impl Iterator for Ranks<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.bits == 0 {
            while self.summary == 0 {
                self.summary = *self.summaries.get(self.next)?;
                self.next += 1;
            }
            self.word = (self.next - 1) * 64 + self.summary.trailing_zeros() as usize;
            self.summary &= self.summary - 1;
            self.bits = self.members[self.word];
        }
        let rank = super::layout::index(self.word * 64) + self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        Some(rank)
    }
}

/// Whether a set is in `fits`, the sets of one stretch.
pub(super) fn is_in(fits: u32, size: usize) -> bool {
    fits >> size & 1 == 1
}

/// The sets that a stretch belongs to while its block has the free seats `free`.
pub(super) fn of(layout: &Layout, stretch: &super::layout::Stretch, free: u128) -> u32 {
    let ends = super::search::ends(layout, stretch, free);
    let candidates = free & stretch.general;
    let mut fits = u32::from(free & stretch.wheelchair != 0);
    let mut starts = candidates;
    for size in 1..=u32::from(TOGETHER_MAX) {
        if starts == 0 {
            break;
        }
        fits |= u32::from(ends.admit(starts, size) != 0) << size;
        starts &= candidates >> size;
    }
    fits
}
