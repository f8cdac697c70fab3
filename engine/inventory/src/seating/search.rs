//! Best available, its alternatives, and the rule about stranded seats.

use super::layout::{Layout, Stretch};
use super::run::{self, Ends};
use super::{Group, Query, Seating, fit};
use crate::{COORDINATE_MM_MAX, SeatIndex, TOGETHER_MAX};

/// Highest score: the largest group in the farthest corner from a focal point in the opposite one.
const SCORE_MAX: i64 = {
    let span = TOGETHER_MAX as i64 * 2 * COORDINATE_MM_MAX as i64;
    match span.checked_mul(span) {
        Some(square) => match square.checked_mul(2) {
            Some(score) => score,
            None => panic!("a score overflows"),
        },
        None => panic!("a score overflows"),
    }
};
const _: () = assert!(SCORE_MAX < i64::MAX, "scores fit into 64 bits");

/// Seats that a search treats specially.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aside<'a> {
    /// As good as taken: no candidates, and nobody's neighbours.
    pub(super) taken: &'a [SeatIndex],
    /// No candidates, but still there.
    pub(super) avoided: &'a [SeatIndex],
}

/// A group in a block: its score, then its first seat, is the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) score: u64,
    pub(super) first_seat: u32,
    pub(super) size: u32,
}

impl Found {
    pub(super) fn seats(self) -> impl Iterator<Item = SeatIndex> {
        (self.first_seat..self.first_seat + self.size).map(SeatIndex)
    }
}

impl From<Found> for Group {
    fn from(found: Found) -> Group {
        Group { seats: found.seats().collect(), score: found.score }
    }
}

/// Who must not be left alone when seats of `stretch` are taken while its block has the free seats `free`.
pub(super) fn ends(layout: &Layout, stretch: &Stretch, free: u128) -> Ends {
    if layout.policy.stranding_allowed { Ends::NONE } else { Ends::of(free & stretch.neighbours) }
}

impl Seating {
    /// The admissible group that is nearest to the focal point, the one with the lowest seats of equals. Seats of
    /// `exclude` count as taken. `None` if there is none, and for sizes that no group may have.
    pub(crate) fn best(&self, query: &Query, exclude: &[SeatIndex]) -> Option<Group> {
        self.find(query, Aside { taken: exclude, avoided: &[] }).map(Group::from)
    }

    /// Up to `max` groups that share no seat, best first, each admissible by itself. Seats of `exclude` count as taken.
    pub(crate) fn alternatives(
        &self,
        query: &Query,
        exclude: &[SeatIndex],
        max: usize,
    ) -> Vec<Vec<SeatIndex>> {
        let (mut avoided, mut groups) = (Vec::new(), Vec::new());
        while groups.len() < max {
            let Some(found) = self.find(query, Aside { taken: exclude, avoided: &avoided }) else { break };
            avoided.extend(found.seats());
            groups.push(found.seats().collect());
        }
        groups
    }

    /// Free seats of the wish's audience, section and kind, whether they stand together or not: wheelchair spaces for the
    /// wish for them, else the seats that are not reserved. Seats of `exclude` count as taken.
    pub(crate) fn remaining(&self, query: &Query, exclude: &[SeatIndex]) -> u32 {
        let Some(zone_id) = self.layout.zone(query.category, self.audience(query.channel)) else { return 0 };
        let zone = &self.layout.zones[zone_id as usize];
        let ranked = self.layout.ranked(zone);
        let suitable = |stretch: &Stretch| {
            let of_kind = if query.accessible > 0 { stretch.wheelchair } else { stretch.general };
            self.free[stretch.block as usize] & of_kind
        };
        let count =
            |rank: u32| suitable(&self.layout.stretches[ranked[rank as usize].stretch as usize]).count_ones();
        let free = match (query.section, query.accessible) {
            (Some(section), _) => self.layout.ranks_in(zone, section).iter().map(|&rank| count(rank)).sum(),
            (None, 0) => self.available[zone_id as usize],
            (None, _) => self.index.ranks(zone_id, 0).map(count).sum(),
        };
        let is_gone = |seat: &&SeatIndex| {
            let (stretch, bit) = self.layout.stretch_of(**seat);
            let is_there = query.section.is_none_or(|wish| wish == self.layout.section_of(stretch.block));
            stretch.zone == zone_id && is_there && suitable(stretch) & bit != 0
        };
        let gone = exclude.iter().filter(is_gone).count();
        free - super::layout::index(gone)
    }

    /// Whether two seats, which exist, are side by side in a block.
    pub(crate) fn are_neighbours(&self, one: SeatIndex, other: SeatIndex) -> bool {
        one.0.abs_diff(other.0) == 1 && self.layout.locate(one).0 == self.layout.locate(other).0
    }

    /// The score of seats that need not be side by side: see [`Group::score`].
    pub(super) fn score(&self, query: &Query, seats: &[SeatIndex]) -> u64 {
        let focal = self.layout.categories[query.category.index()];
        let (x, y) = seats.iter().fold((0, 0), |(x, y), seat| {
            let position = self.layout.positions[seat.index()];
            (
                x + i64::from(position.x_mm) - i64::from(focal.x_mm),
                y + i64::from(position.y_mm) - i64::from(focal.y_mm),
            )
        });
        (x * x + y * y).unsigned_abs()
    }

    /// The first seat that taking `seats`, which are free, would strand; `None` also where the policy allows it.
    pub(crate) fn stranded_by(&self, seats: &[SeatIndex]) -> Option<SeatIndex> {
        if self.layout.policy.stranding_allowed {
            return None;
        }
        seats.iter().filter_map(|&seat| self.stranded_beside(seat, seats)).min()
    }

    /// The first seat beside `seat` that taking `seats` would strand.
    fn stranded_beside(&self, seat: SeatIndex, seats: &[SeatIndex]) -> Option<SeatIndex> {
        let (stretch, bit) = self.layout.stretch_of(seat);
        let before = self.free[stretch.block as usize] & stretch.neighbours;
        if before & bit == 0 {
            return None;
        }
        let after = before & !self.bits_of(stretch, seats);
        let beside = (bit << 1 | bit >> 1) & after;
        let alone = beside & !(after << 1) & !(after >> 1);
        (alone != 0).then(|| SeatIndex(stretch.first_seat + alone.trailing_zeros()))
    }

    pub(super) fn find(&self, query: &Query, aside: Aside<'_>) -> Option<Found> {
        let square = u64::from(query.quantity) * u64::from(query.quantity);
        let mut best = None;
        self.visit(query, aside.taken, |bound, stretch| {
            let is_beyond = best.is_some_and(|found: Found| bound * square > found.score);
            if !is_beyond {
                best = better(best, self.best_of(query, stretch, aside));
            }
            !is_beyond
        });
        best
    }

    /// Shows `visit` every stretch that may have a group for `query`, with the least squared distance that its groups
    /// can have: first, at distance 0, those with seats that are `taken`, since the index does not know them and a seat
    /// taken may even make room for a group beside it; then all with room, nearest first, until `visit` returns false.
    pub(super) fn visit(
        &self,
        query: &Query,
        taken: &[SeatIndex],
        mut visit: impl FnMut(u64, &Stretch) -> bool,
    ) {
        let zone_id = self.layout.zone(query.category, self.audience(query.channel));
        let Some(zone_id) = zone_id.filter(|_| self.is_possible(query)) else { return };
        for &seat in taken {
            let (block, _) = self.layout.locate(seat);
            let here = self.layout.stretches_of(block).iter().find(|stretch| stretch.zone == zone_id);
            let is_wished = query.section.is_none_or(|section| section == self.layout.section_of(block));
            if let Some(stretch) = here.filter(|_| is_wished)
                && !visit(0, stretch)
            {
                return;
            }
        }
        let zone = &self.layout.zones[zone_id as usize];
        let ranked = self.layout.ranked(zone);
        let mut go_on = |rank: u32| {
            let at = ranked[rank as usize];
            visit(at.bound, &self.layout.stretches[at.stretch as usize])
        };
        // Set 0 has the stretches with a free wheelchair space.
        let set = if query.accessible > 0 { 0 } else { usize::from(query.quantity) };
        let mut ranks = self.index.ranks(zone_id, set);
        if let Some(section) = query.section {
            let has_room = |&rank: &u32| fit::is_in(self.fits[ranked[rank as usize].stretch as usize], set);
            let is_empty = ranks.next().is_none();
            let in_section = if is_empty { &[] } else { self.layout.ranks_in(zone, section) };
            in_section.iter().copied().filter(has_room).all(go_on);
        } else {
            ranks.all(&mut go_on);
        }
    }

    /// Whether groups of the wished size and kind may exist.
    fn is_possible(&self, query: &Query) -> bool {
        let accessible = u16::from(query.accessible);
        let companions_max = accessible * u16::from(self.layout.policy.companions_max);
        let has_companions = match query.quantity.checked_sub(accessible) {
            Some(companions) => accessible == 0 || companions <= companions_max,
            None => false,
        };
        (1..=TOGETHER_MAX).contains(&query.quantity) && has_companions
    }

    /// The best group within one stretch.
    pub(super) fn best_of(&self, query: &Query, stretch: &Stretch, aside: Aside<'_>) -> Option<Found> {
        let size = u32::from(query.quantity);
        let free = self.free[stretch.block as usize] & !self.bits_of(stretch, aside.taken);
        let sold_to_wish = if query.accessible > 0 { stretch.all } else { stretch.general };
        let candidates = free & sold_to_wish & !self.bits_of(stretch, aside.avoided);
        let mut starts = ends(&self.layout, stretch, free).admit(run::windows(candidates, size), size);
        if query.accessible > 0 {
            starts = with_wheelchairs(starts, size, stretch.wheelchair, u32::from(query.accessible));
        }
        let positions = &self.layout.positions[stretch.first_seat as usize..];
        let focal = self.layout.categories[query.category.index()];
        let (score, start) = run::nearest(positions, starts, size, focal)?;
        Some(Found { score, first_seat: stretch.first_seat + start, size })
    }

    /// Those of `seats` that are in the block of `stretch`, as its bits.
    fn bits_of(&self, stretch: &Stretch, seats: &[SeatIndex]) -> u128 {
        let length = self.layout.blocks[stretch.block as usize].seats;
        seats.iter().fold(0, |bits, seat| match seat.0.checked_sub(stretch.first_seat) {
            Some(place) if place < length => bits | 1 << place,
            _ => bits,
        })
    }
}

/// Those of `starts` whose group has exactly `count` wheelchair spaces.
fn with_wheelchairs(starts: u128, size: u32, wheelchair: u128, count: u32) -> u128 {
    let (mut remaining, mut exact) = (starts, 0);
    while remaining != 0 {
        let start = remaining.trailing_zeros();
        remaining &= remaining - 1;
        if (wheelchair & run::ones(start, size)).count_ones() == count {
            exact |= 1 << start;
        }
    }
    exact
}

/// The better of two, if there is any.
pub(super) fn better(one: Option<Found>, other: Option<Found>) -> Option<Found> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
