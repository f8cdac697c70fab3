//! Seats for a party that does not fit together and accepts that.

use super::layout::Stretch;
use super::search::{Aside, Found, better};
use super::{Group, Query, Seating};
use crate::SeatIndex;

/// Most stretches that the search for two groups close to each other looks at, per size of the larger one: the first
/// in the order of a search. A bound on the work of one command in a hall of remnants.
const CLOSE_STRETCHES_MAX: usize = 64;

impl Seating {
    /// Seats for a `query` that no group suits ([`Self::best`] was asked before) in several groups; each group strands
    /// nobody, given the ones before it. Seats of `exclude` count as taken.
    ///
    /// The first of these that succeeds:
    /// 1. *close*: two groups in one row or in adjacent rows of one section. The larger one is as large as possible;
    ///    of its size, each stretch offers its best group, and the best of those that have room for the rest of the
    ///    party close to them wins; the rest gets the best group there.
    /// 2. *anywhere*: greedily the best group of the largest possible size, until all sit. Where that ends with a rest
    ///    that cannot sit, again with a smaller largest size.
    ///
    /// Wheelchair spaces are split only from each other: each one, with its share of the companions (larger shares
    /// first), gets its best group, one after another.
    pub(crate) fn split(&self, query: &Query, exclude: &[SeatIndex]) -> Option<Group> {
        let needed = if query.accessible > 0 { u16::from(query.accessible) } else { query.quantity };
        if self.remaining(query, exclude) < u32::from(needed) {
            return None;
        }
        let mut seats = if query.accessible > 0 {
            self.split_wheelchairs(query, exclude)
        } else {
            self.split_close(query, exclude).or_else(|| self.split_anywhere(query, exclude))
        }?;
        seats.sort_unstable();
        Some(Group { score: self.score(query, &seats), seats })
    }

    fn split_wheelchairs(&self, query: &Query, exclude: &[SeatIndex]) -> Option<Vec<SeatIndex>> {
        let groups = u16::from(query.accessible);
        let companions = query.quantity.checked_sub(groups)?;
        let mut taken = exclude.to_vec();
        for group in 0..groups {
            let share = companions / groups + u16::from(group < companions % groups);
            let part = Query { accessible: 1, quantity: 1 + share, ..*query };
            taken.extend(self.find(&part, Aside { taken: &taken, avoided: &[] })?.seats());
        }
        Some(taken.split_off(exclude.len()))
    }

    fn split_close(&self, query: &Query, exclude: &[SeatIndex]) -> Option<Vec<SeatIndex>> {
        let smallest = query.quantity.div_ceil(2);
        let mut sizes = (smallest..query.quantity).rev();
        let (larger, rest) = sizes.find_map(|size| self.close_pair(query, size, exclude))?;
        Some(larger.seats().chain(rest.seats()).collect())
    }

    /// The best group of `size` that has room for the rest of the party close to it, and the best room there.
    fn close_pair(&self, query: &Query, size: u16, exclude: &[SeatIndex]) -> Option<(Found, Found)> {
        let larger = Query { quantity: size, ..*query };
        let rest = Query { quantity: query.quantity - size, ..*query };
        let square = u64::from(size) * u64::from(size);
        let mut best: Option<(Found, Found)> = None;
        let mut visited = 0;
        self.visit(&larger, exclude, |bound, stretch| {
            let is_beyond = best.is_some_and(|(found, _)| bound * square > found.score);
            if is_beyond || visited == CLOSE_STRETCHES_MAX {
                return false;
            }
            visited += 1;
            let offer = self.best_of(&larger, stretch, Aside { taken: exclude, avoided: &[] });
            if let Some(found) = offer.filter(|&found| best.is_none_or(|(known, _)| found < known)) {
                let taken: Vec<SeatIndex> = exclude.iter().copied().chain(found.seats()).collect();
                let room = self.best_close_to(&rest, stretch, &taken);
                best = room.map(|room| (found, room)).or(best);
            }
            true
        });
        best
    }

    /// The best group in the row of `larger`, the one before it and the one after it, in the same section.
    fn best_close_to(&self, query: &Query, larger: &Stretch, taken: &[SeatIndex]) -> Option<Found> {
        let row = self.layout.blocks[larger.block as usize].row as usize;
        let section = self.layout.rows[row].section;
        let rows = self.layout.rows[row.saturating_sub(1)..].iter().take(if row == 0 { 2 } else { 3 });
        rows.filter(|row| row.section == section)
            .flat_map(|row| row.first_block..row.first_block + row.blocks)
            .flat_map(|block| self.layout.stretches_of(block))
            .filter(|stretch| stretch.zone == larger.zone)
            .map(|stretch| self.best_of(query, stretch, Aside { taken, avoided: &[] }))
            .fold(None, better)
    }

    fn split_anywhere(&self, query: &Query, exclude: &[SeatIndex]) -> Option<Vec<SeatIndex>> {
        let mut largest = query.quantity;
        while largest > 0 {
            match self.greedily(query, largest, exclude) {
                Ok(seats) => return Some(seats),
                Err(used) => largest = used.saturating_sub(1),
            }
        }
        None
    }

    /// The best groups of at most `largest`, the largest first; or the size of the largest that was used in vain.
    fn greedily(&self, query: &Query, largest: u16, exclude: &[SeatIndex]) -> Result<Vec<SeatIndex>, u16> {
        let (mut taken, mut used) = (exclude.to_vec(), 0);
        let (mut rest, mut size) = (query.quantity, largest);
        while rest > 0 {
            size = size.min(rest);
            if size == 0 {
                return Err(used);
            }
            let part = Query { quantity: size, ..*query };
            match self.find(&part, Aside { taken: &taken, avoided: &[] }) {
                Some(found) => {
                    taken.extend(found.seats());
                    used = used.max(size);
                    rest -= size;
                }
                None => size -= 1,
            }
        }
        Ok(taken.split_off(exclude.len()))
    }
}
