//! Small conversions that messages of every kind share: 128-bit pairs, deltas, narrowing.

use tessera_inventory::{SeatIndex, Subject, Timestamp};

use crate::{RecordError, error::malformed};

/// The high and the low half.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // Both halves are cut out on purpose.
pub const fn halves(value: u128) -> (u64, u64) {
    ((value >> 64) as u64, value as u64)
}

/// The value of two halves.
#[must_use]
pub const fn whole(high: u64, low: u64) -> u128 {
    ((high as u128) << 64) | low as u128
}

/// From `from` to `to` in milliseconds; wraps, so that [`at_after`] gives every `to` back.
#[must_use]
pub const fn after_ms(from: Timestamp, to: Timestamp) -> i64 {
    to.0.wrapping_sub(from.0).cast_signed()
}

/// The instant `after_ms` later than `from`.
#[must_use]
pub const fn at_after(from: Timestamp, after_ms: i64) -> Timestamp {
    Timestamp(from.0.wrapping_add(after_ms.cast_unsigned()))
}

/// Replace `pairs` by the halves of `subjects`.
pub fn put_subjects(pairs: &mut Vec<u64>, subjects: &[Subject]) {
    pairs.clear();
    for subject in subjects {
        let (high, low) = halves(subject.0);
        pairs.extend([high, low]);
    }
}

/// The subjects of `pairs`.
///
/// # Errors
/// [`RecordError::Malformed`] where a half is missing.
pub fn subjects(pairs: &[u64]) -> Result<Vec<Subject>, RecordError> {
    let (pairs, rest) = pairs.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed("subjects are pairs of halves"));
    }
    Ok(pairs.iter().map(|[high, low]| Subject(whole(*high, *low))).collect())
}

/// Replace `deltas` by the distances between `seats`.
pub fn put_seats(deltas: &mut Vec<u32>, seats: &[SeatIndex]) {
    deltas.clear();
    let mut before = 0;
    deltas.extend(seats.iter().map(|seat| {
        let delta = seat.0.wrapping_sub(before);
        before = seat.0;
        delta
    }));
}

/// The seats of `deltas`; the memory is used again.
#[must_use]
pub fn seats(deltas: Vec<u32>) -> Vec<SeatIndex> {
    let mut before: u32 = 0;
    deltas
        .into_iter()
        .map(|delta| {
            before = before.wrapping_add(delta);
            SeatIndex(before)
        })
        .collect()
}

/// `value` in a narrower type.
///
/// # Errors
/// [`RecordError::Malformed`], saying `what` is expected, where it does not fit.
pub fn narrow<T: TryFrom<u32>>(value: u32, what: &'static str) -> Result<T, RecordError> {
    T::try_from(value).map_err(|_| malformed(what))
}

/// `value` in a narrower type, where there is one.
///
/// # Errors
/// As [`narrow`].
pub fn narrow_option<T: TryFrom<u32>>(
    value: Option<u32>,
    what: &'static str,
) -> Result<Option<T>, RecordError> {
    value.map(|value| narrow(value, what)).transpose()
}
