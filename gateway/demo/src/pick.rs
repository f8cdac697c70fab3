//! How a buyer picks exact seats: from the seat map it sees, which is a little out of date, and where everyone looks first.

use crate::mix::{Buyer, Want};
use crate::random::Random;
use crate::venue::{Block, Venue};
use crate::wire::{Asked, AskedLine, AskedUnits};

/// Blocks that a buyer looks at before it takes what comes.
const BLOCKS_LOOKED_AT: usize = 6;
/// Buyers of a hundred that do not look at the map at all.
const CARELESS_PERCENT: usize = 8;
/// A free seat on the map.
const FREE: u8 = 0;

/// Blocks that everyone may buy, by category.
#[derive(Clone, Debug)]
pub struct Blocks {
    by_category: Vec<Vec<Block>>,
}

impl Blocks {
    /// The blocks of a venue.
    #[must_use]
    pub fn new(venue: &Venue) -> Self {
        let mut by_category = vec![Vec::new(); venue.categories.len()];
        venue
            .blocks
            .iter()
            .filter(|block| block.public)
            .for_each(|block| by_category[block.category].push(*block));
        Blocks { by_category }
    }

    /// Only the first so many of each category: where everyone wants to sit.
    #[must_use]
    pub fn front(mut self, blocks_max: usize) -> Self {
        self.by_category.iter_mut().for_each(|blocks| blocks.truncate(blocks_max));
        self
    }

    /// Adjacent seats of a category as a buyer picks them on this map.
    #[must_use]
    pub fn pick(&self, map: &[u8], category: usize, quantity: u16, pick: u64) -> Vec<u32> {
        let blocks = &self.by_category[category];
        let mut random = Random::new(pick, 0);
        let careless = random.percent(CARELESS_PERCENT);
        let wanted = u32::from(quantity);
        let mut chosen = None;
        for _ in 0..BLOCKS_LOOKED_AT {
            // The smaller of two draws: the first blocks are looked at most, so buyers meet there.
            let index = random.below(blocks.len()).min(random.below(blocks.len()));
            let Some(block) = blocks.get(index) else { break };
            chosen = Some(*block);
            if careless {
                break;
            }
            if let Some(first) = free_run(map, block, wanted) {
                return (first..first + wanted).collect();
            }
        }
        let Some(block) = chosen else { return Vec::new() };
        let wanted = wanted.min(block.seats);
        let room = (block.seats - wanted + 1) as usize;
        let first = block.first + u32::try_from(random.below(room)).unwrap_or(0);
        (first..first + wanted).collect()
    }
}

/// Where a group fits: in a run of exactly its size, or one that leaves at least two.
fn free_run(map: &[u8], block: &Block, wanted: u32) -> Option<u32> {
    let mut run = 0;
    for seat in block.first..=block.first + block.seats {
        let free = seat < block.first + block.seats && map.get(seat as usize) == Some(&FREE);
        if free {
            run += 1;
            continue;
        }
        if run == wanted || run > wanted + 1 {
            return Some(seat - run);
        }
        run = 0;
    }
    None
}

/// What a buyer asks for, now that it sees the map.
#[must_use]
pub fn ask(venue: &Venue, blocks: &Blocks, map: &[u8], buyer: &Buyer) -> Asked {
    let line = |want: &Want| match want {
        Want::Quantity { ticket_type, quantity } => {
            AskedLine { ticket_type: Some(*ticket_type), units: AskedUnits::Quantity(*quantity) }
        }
        Want::Seats { ticket_type, quantity, pick } => {
            let category = venue.ticket_types[*ticket_type].category.unwrap_or(0);
            let seats = blocks.pick(map, category, *quantity, *pick);
            AskedLine { ticket_type: Some(*ticket_type), units: AskedUnits::Seats(seats) }
        }
        Want::Together { ticket_type, quantity, section, price_max, accessible, accept_split } => AskedLine {
            ticket_type: *ticket_type,
            units: AskedUnits::Together {
                quantity: *quantity,
                section: *section,
                price_max: *price_max,
                accessible: *accessible,
                accept_split: *accept_split,
            },
        },
    };
    let lines: Vec<AskedLine> = buyer.wants.iter().map(line).collect();
    // Only a line that names its type sends a price at all.
    let stale_price = buyer.stale_price && lines.iter().any(|line| line.ticket_type.is_some());
    Asked { lines, access_code: buyer.access_code.clone(), stale_price }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::arena::ARENA;

    fn block(first: u32, seats: u32) -> Block {
        Block { section: 0, category: 0, first, seats, public: true, channel: None }
    }

    #[test]
    fn a_group_fits_where_it_leaves_no_single_seat() {
        let check = |map: &[u8], wanted, expect: Option<u32>| {
            let seats = u32::try_from(map.len()).unwrap();
            assert_eq!(free_run(map, &block(0, seats), wanted), expect, "{map:?}, {wanted} wanted");
        };
        check(&[0, 0, 0, 0], 2, Some(0));
        check(&[0, 0, 0], 2, None);
        check(&[1, 0, 0, 2], 2, Some(1));
        check(&[0, 0, 0, 1, 0, 0], 2, Some(4));
        check(&[1, 1], 1, None);
    }

    #[test]
    fn picked_seats_are_adjacent_and_of_the_category() {
        let venue = Venue::read(ARENA).unwrap();
        let blocks = Blocks::new(&venue);
        let map = vec![FREE; venue.seats.len()];
        for pick in 0..2_000 {
            let category = usize::try_from(pick % 5).unwrap();
            let seats = blocks.pick(&map, category, 4, pick);
            assert_eq!(seats.len(), 4);
            assert!(seats.windows(2).all(|pair| pair[1] == pair[0] + 1));
            assert!(seats.iter().all(|seat| venue.seats[*seat as usize].category == category));
        }
    }
}
