//! Whether taking seats leaves one alone, as far as the feed can tell: a free seat that had a free neighbour in its block, and has none afterwards.

use crate::fold::{Fold, SeatState};
use crate::venue::{Block, Venue};

/// Seats that taking others leaves alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stranded {
    /// Seats among which everyone may choose.
    pub certainly: Vec<u32>,
    /// Those beside a wheelchair space or a channel's seat: whether these count depends on what was released, which is not visible.
    pub perhaps: Vec<u32>,
}

/// The seats that taking `taken`, which are free, would leave alone.
#[must_use]
pub fn stranded_by(fold: &Fold<'_>, venue: &Venue, taken: &[u32]) -> Stranded {
    let mut found = Stranded::default();
    for seat in taken {
        let Some(block) = block_of(venue, *seat) else { continue };
        for beside in neighbours(block, *seat) {
            if taken.contains(&beside) || !is_free(fold, beside) {
                continue;
            }
            let others = || neighbours(block, beside).filter(|other| other != seat);
            let open = |seat: u32| venue.seats[seat as usize].public;
            let left = |other: u32| is_free(fold, other) && !taken.contains(&other);
            if others().any(|other| left(other) && open(other) == open(beside) && open(beside)) {
                continue;
            }
            let certain = open(*seat) && open(beside) && others().all(|other| !left(other));
            let list = if certain { &mut found.certainly } else { &mut found.perhaps };
            list.push(beside);
        }
    }
    found
}

fn is_free(fold: &Fold<'_>, seat: u32) -> bool {
    fold.seats.get(seat as usize) == Some(&SeatState::Free)
}

/// The block of a seat. Blocks stand in the order of their seats.
fn block_of(venue: &Venue, seat: u32) -> Option<&Block> {
    let after = venue.blocks.partition_point(|block| block.first <= seat);
    venue.blocks.get(after.checked_sub(1)?).filter(|block| seat - block.first < block.seats)
}

/// The seats beside a seat of a block.
fn neighbours(block: &Block, seat: u32) -> impl Iterator<Item = u32> + use<> {
    let within = block.first..block.first + block.seats;
    [seat.checked_sub(1), seat.checked_add(1)]
        .into_iter()
        .flatten()
        .filter(move |beside| within.contains(beside))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// What taking these seats leaves alone in a row of six, the last of which is a channel's, beside a row of two; the given ones are held.
    fn check(held: &[usize], taken: &[u32], certainly: &[u32], perhaps: &[u32]) {
        let text = r#"{"currency":"EUR","categories":[{"name":"C"}],"sections":["A"],"ticket_types":[],
            "rows":[{"section":"A","label":"1","blocks":[[{"category":"C"},{"category":"C"},{"category":"C"},{"category":"C"},{"category":"C"},
            {"category":"C","channel":"S"}],{"from":1,"to":2,"category":"C"}]}]}"#;
        let venue = Venue::read(text).unwrap();
        let owners = HashMap::new();
        let mut fold = Fold::new(&venue, &owners);
        held.iter().for_each(|seat| fold.seats[*seat] = SeatState::Held(1));
        let found = stranded_by(&fold, &venue, taken);
        assert_eq!((&found.certainly[..], &found.perhaps[..]), (certainly, perhaps), "{held:?} {taken:?}");
    }

    #[test]
    fn a_seat_that_loses_its_last_neighbour_is_left_alone() {
        check(&[], &[1], &[0], &[]);
        check(&[], &[0, 1], &[], &[]);
        check(&[], &[2], &[], &[]);
        check(&[0], &[2], &[1], &[]);
        check(&[3], &[0, 1], &[2], &[]);
        check(&[0, 2], &[3], &[], &[4]);
        check(&[], &[6], &[7], &[]);
        check(&[], &[5], &[], &[]);
    }

    #[test]
    fn what_a_channel_keeps_may_or_may_not_count() {
        check(&[], &[4], &[], &[5]);
        check(&[], &[3], &[], &[4]);
        check(&[5], &[3], &[4], &[]);
    }
}
