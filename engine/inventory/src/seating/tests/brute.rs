//! Every group of a hall, tried one by one, straight from the configuration.

use super::super::{Query, ReleasedChannels};
use crate::{ChannelId, Config, Seat, SeatIndex, SeatState, SectionId};

/// A hall without any index.
pub(super) struct Brute<'a> {
    pub(super) config: &'a Config,
    pub(super) released: ReleasedChannels,
    pub(super) states: &'a [SeatState],
}

impl Brute<'_> {
    /// Every block as its section, its first seat and its seats.
    fn blocks(&self) -> Vec<(SectionId, usize, &[Seat])> {
        let (mut blocks, mut first) = (Vec::new(), 0);
        for row in self.config.rows.iter() {
            for block in &row.blocks {
                blocks.push((row.section, first, &**block));
                first += block.len();
            }
        }
        blocks
    }

    fn audience(&self, channel: Option<ChannelId>) -> Option<ChannelId> {
        channel.filter(|&channel| !self.released.contains(channel))
    }

    fn is_reserved(&self, seat: &Seat) -> bool {
        (seat.accessible || seat.companion) && !self.config.seating.accessible_released
    }

    /// Whether seat `at` of the block has a free unreserved neighbour of its audience when `taken` are gone.
    fn has_neighbour(&self, first: usize, block: &[Seat], at: usize, taken: &[SeatIndex]) -> bool {
        let counts = |other: usize| {
            self.is_free(first + other, taken)
                && !self.is_reserved(&block[other])
                && self.audience(block[other].channel) == self.audience(block[at].channel)
        };
        (at > 0 && counts(at - 1)) || (at + 1 < block.len() && counts(at + 1))
    }

    fn is_free(&self, seat: usize, taken: &[SeatIndex]) -> bool {
        self.states[seat] == SeatState::Free && taken.iter().all(|taken| taken.index() != seat)
    }

    /// Every seat that taking `seats`, with `gone` already gone, strands.
    pub(super) fn stranded(&self, seats: &[SeatIndex], gone: &[SeatIndex]) -> Vec<SeatIndex> {
        if self.config.seating.stranding_allowed {
            return vec![];
        }
        let after: Vec<SeatIndex> = seats.iter().chain(gone).copied().collect();
        let mut stranded = Vec::new();
        for (_, first, block) in self.blocks() {
            for at in 0..block.len() {
                if self.is_free(first + at, &after)
                    && !self.is_reserved(&block[at])
                    && self.has_neighbour(first, block, at, gone)
                    && !self.has_neighbour(first, block, at, &after)
                {
                    stranded.push(SeatIndex(u32::try_from(first + at).unwrap()));
                }
            }
        }
        stranded
    }

    /// Every admissible group as (score, seats), best first.
    pub(super) fn groups(&self, query: &Query, gone: &[SeatIndex]) -> Vec<(u64, Vec<SeatIndex>)> {
        let (size, accessible) = (usize::from(query.quantity), usize::from(query.accessible));
        let companions = size.saturating_sub(accessible);
        let companions_max = accessible * usize::from(self.config.seating.companions_max);
        if size == 0 || size > 20 || (accessible > 0 && companions > companions_max) {
            return vec![];
        }
        let mut groups = Vec::new();
        for (section, first, block) in self.blocks() {
            if query.section.is_some_and(|wished| wished != section) {
                continue;
            }
            for (start, window) in block.windows(size).enumerate() {
                let seats: Vec<SeatIndex> = (first + start..first + start + size)
                    .map(|seat| SeatIndex(u32::try_from(seat).unwrap()))
                    .collect();
                let is_sold_to_wish = window.iter().zip(&seats).all(|(seat, index)| {
                    self.is_free(index.index(), gone)
                        && seat.category == query.category
                        && self.audience(seat.channel) == self.audience(query.channel)
                        && (accessible > 0 || !self.is_reserved(seat))
                });
                let spaces = window.iter().filter(|seat| seat.accessible).count();
                let has_spaces = accessible == 0 || spaces == accessible;
                if is_sold_to_wish && has_spaces && self.stranded(&seats, gone).is_empty() {
                    groups.push((self.score(query, window), seats));
                }
            }
        }
        groups.sort();
        groups
    }

    /// Free seats for the wish, one by one.
    pub(super) fn remaining(&self, query: &Query, gone: &[SeatIndex]) -> u32 {
        let mut count = 0;
        for (section, first, block) in self.blocks() {
            for (at, seat) in block.iter().enumerate() {
                let is_of_kind = if query.accessible > 0 { seat.accessible } else { !self.is_reserved(seat) };
                count += u32::from(
                    is_of_kind
                        && self.is_free(first + at, gone)
                        && query.section.is_none_or(|wished| wished == section)
                        && seat.category == query.category
                        && self.audience(seat.channel) == self.audience(query.channel),
                );
            }
        }
        count
    }

    fn score(&self, query: &Query, window: &[Seat]) -> u64 {
        let focal = self.config.categories[query.category.index()].focal_point;
        let off = |of: fn(crate::Point) -> i32| -> i128 {
            window.iter().map(|seat| i128::from(of(seat.position)) - i128::from(of(focal))).sum()
        };
        let (x, y) = (off(|point| point.x_mm), off(|point| point.y_mm));
        u64::try_from(x * x + y * y).unwrap()
    }
}
