//! Runs of free seats in one block, as bits: bit `i` is the block's seat `i`.

use crate::Point;

/// Starts of all windows of `size` (at least 1) consecutive set bits. Doubles the window known so far, so that a
/// group of 20 takes five steps.
pub(super) fn windows(bits: u128, size: u32) -> u128 {
    let (mut starts, mut known) = (bits, 1);
    while known < size {
        let step = known.min(size - known);
        starts &= starts >> step;
        known += step;
    }
    starts
}

/// `count` ones from bit `start` on; `start + count` is at most 128.
pub(super) fn ones(start: u32, count: u32) -> u128 {
    match count {
        0 => 0,
        _ => (u128::MAX >> (128 - count)) << start,
    }
}

/// The seats that a group beside them would leave alone: both ends of every run of at least two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    left: u128,
    right: u128,
}

impl Ends {
    /// Nothing can be left alone.
    pub(super) const NONE: Ends = Ends { left: 0, right: 0 };

    /// Ends of the runs of `neighbours`: free seats that count as each other's neighbours.
    pub(super) fn of(neighbours: u128) -> Ends {
        let (has_left, has_right) = (neighbours << 1, neighbours >> 1);
        Ends { left: neighbours & !has_left & has_right, right: neighbours & !has_right & has_left }
    }

    /// Those of `starts` whose group of `size` leaves nobody alone. A group may leave a neighbour alone only right
    /// before its first seat (where a run begins) and right after its last (where a run ends).
    pub(super) fn admit(self, starts: u128, size: u32) -> u128 {
        starts & !(self.left << 1) & !(self.right >> size)
    }
}

/// The window of `size` seats whose centre is nearest to `focal`: its score (see [`super::Group::score`]) and its
/// start; the lowest start of equals.
pub(super) fn nearest(positions: &[Point], starts: u128, size: u32, focal: Point) -> Option<(u64, u32)> {
    let width = size as usize;
    let mut best: Option<(u64, u32)> = None;
    let mut sum = (0_i64, 0_i64);
    let mut summed = usize::MAX;
    let mut remaining = starts;
    while remaining != 0 {
        let first = remaining.trailing_zeros();
        remaining &= remaining - 1;
        let start = first as usize;
        if start.checked_sub(1) == Some(summed) {
            let (left, entered) = (positions[start - 1], positions[start + width - 1]);
            sum.0 += i64::from(entered.x_mm) - i64::from(left.x_mm);
            sum.1 += i64::from(entered.y_mm) - i64::from(left.y_mm);
        } else {
            sum = positions[start..start + width]
                .iter()
                .fold((0, 0), |(x, y), seat| (x + i64::from(seat.x_mm), y + i64::from(seat.y_mm)));
        }
        summed = start;
        let x = sum.0 - i64::from(size) * i64::from(focal.x_mm);
        let y = sum.1 - i64::from(size) * i64::from(focal.y_mm);
        let score = (x * x + y * y).unsigned_abs();
        if best.is_none_or(|(nearest, _)| score < nearest) {
            best = Some((score, first));
        }
    }
    best
}
