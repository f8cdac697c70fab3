//! Whole numbers from fractions.

use std::cmp::Reverse;

/// What rates are counted in: millionths.
pub const PPM: i128 = 1_000_000;

/// A fraction as the nearest whole number, halves away from zero. The denominator is positive.
#[must_use]
pub fn round_ratio(numerator: i128, denominator: i128) -> i64 {
    let size = (2 * numerator.abs() + denominator) / (2 * denominator);
    signed(size, numerator < 0)
}

/// An amount in whole parts in proportion to weights: each gets its share rounded down, and the largest remainders one more, the lowest
/// position first among equals. So the parts add up to the amount, and a weight of zero gets nothing; where all are zero, all are equal.
/// Weights are not negative.
#[must_use]
pub fn spread(amount: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
    if sum == 0 {
        return if weights.is_empty() { Vec::new() } else { spread(amount, &vec![1; weights.len()]) };
    }
    let size = i128::from(amount).abs();
    let products = weights.iter().map(|&weight| size * i128::from(weight));
    let (mut parts, remainders): (Vec<i128>, Vec<i128>) =
        products.map(|product| (product / sum, product % sum)).unzip();
    let left = size - parts.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&at| Reverse(remainders[at]));
    for (_, at) in (0..left).zip(order) {
        parts[at] += 1;
    }
    parts.into_iter().map(|part| signed(part, amount < 0)).collect()
}

/// Amounts within the bounds of a tariff always fit.
fn signed(size: i128, is_negative: bool) -> i64 {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if is_negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        let cases = [(0, 0), (1, 0), (2, 1), (3, 1), (5, 1), (6, 2), (-1, 0), (-2, -1), (-5, -1), (-6, -2)];
        for (quarters, expected) in cases {
            assert_eq!(round_ratio(quarters, 4), expected, "{quarters} quarters");
        }
        assert_eq!(round_ratio(7, 3), 2);
        assert_eq!(round_ratio(8, 3), 3);
    }

    #[test]
    fn the_largest_remainders_get_what_is_left() {
        assert_eq!(spread(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(spread(101, &[1, 1, 1]), [34, 34, 33]);
        assert_eq!(spread(-101, &[1, 1, 1]), [-34, -34, -33]);
        assert_eq!(spread(10, &[1, 2, 4]), [1, 3, 6]);
        assert_eq!(spread(1, &[1, 0, 3]), [0, 0, 1]);
        assert_eq!(spread(5, &[0, 0]), [3, 2]);
        assert_eq!(spread(5, &[]), [] as [i64; 0]);
    }
}
