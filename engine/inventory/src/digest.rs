//! The state's digest: a wrapping sum over its entities of a fast 128-bit mix of (kind, identity, contents).
//!
//! A sum is independent of order, so every component keeps its own share and adjusts it at each change. The mix is no
//! cryptographic hash: it tells two states apart that differ by accident, and the log's hash chain does the rest.
//! The multiplication that folds 128 bits onto 64 is that of wyhash (Wang Yi, public domain).

use crate::{SeatIndex, SeatState};

const LANE_FIRST: u64 = 0xa076_1d64_78bd_642f;
const LANE_SECOND: u64 = 0xe703_7ed1_a0b4_28db;
const STEP_FIRST: u64 = 0x8ebc_6af0_9c88_c6e3;
const STEP_SECOND: u64 = 0x5899_65cc_7537_4cc3;

/// What an entity is; part of its mix, so that equal words of two kinds differ.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Kind {
    Header = 1,
    Window,
    Terms,
    Pool,
    Seat,
    SeatToKill,
    Claim,
    Order,
    Key,
    KeyHorizon,
    Expired,
    Config,
    Quoted,
    Shares,
    Device = 40,
    Entry,
    Patience,
}

/// Mixes the words of one entity.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    first: u64,
    second: u64,
}

impl Mix {
    #[inline]
    pub(crate) fn new(kind: Kind) -> Self {
        Mix { first: LANE_FIRST ^ kind as u64, second: LANE_SECOND }
    }

    #[inline]
    #[must_use]
    pub(crate) fn word(self, word: u64) -> Self {
        Mix {
            first: fold(self.first ^ word, STEP_FIRST),
            second: fold(self.second.rotate_left(29) ^ word, STEP_SECOND),
        }
    }

    /// Two small values as one word.
    #[inline]
    #[must_use]
    pub(crate) fn pair(self, low: u32, high: u32) -> Self {
        self.word(u64::from(low) | u64::from(high) << 32)
    }

    #[inline]
    #[must_use]
    pub(crate) fn wide(self, word: u128) -> Self {
        self.word(low_half(word)).word(high_half(word))
    }

    /// Some bytes, their number first.
    #[must_use]
    pub(crate) fn text(self, bytes: &[u8]) -> Self {
        bytes.chunks(8).fold(self.word(bytes.len() as u64), |mix, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix.word(u64::from_le_bytes(word))
        })
    }

    #[inline]
    pub(crate) fn finish(self) -> u128 {
        let first = fold(self.first ^ self.second.rotate_left(17), STEP_SECOND);
        let second = fold(self.second ^ self.first.rotate_left(43), STEP_FIRST);
        u128::from(first) | u128::from(second) << 64
    }
}

/// The mix of a seat in a state; free seats count as nothing, so that appended ones change no digest.
pub(crate) fn seat_mix(seat: SeatIndex, state: SeatState) -> u128 {
    match state {
        SeatState::Free => 0,
        taken => Mix::new(Kind::Seat).pair(seat.0, taken as u32).finish(),
    }
}

/// The product of two words, its halves folded onto each other.
#[inline]
pub(crate) fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    low_half(product) ^ high_half(product)
}

/// The low half of a wide word.
#[inline]
#[allow(clippy::cast_possible_truncation)] // the half is what is asked for
pub(crate) const fn low_half(word: u128) -> u64 {
    word as u64
}

/// The high half of a wide word.
#[inline]
pub(crate) const fn high_half(word: u128) -> u64 {
    low_half(word >> 64)
}

/// A wide word from its halves.
#[inline]
pub(crate) const fn wide(low: u64, high: u64) -> u128 {
    low as u128 | (high as u128) << 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_kind_and_order_of_words_tell_apart() {
        let mixes = [
            Mix::new(Kind::Pool).word(1).word(2).finish(),
            Mix::new(Kind::Pool).word(2).word(1).finish(),
            Mix::new(Kind::Claim).word(1).word(2).finish(),
            Mix::new(Kind::Pool).word(1).finish(),
            Mix::new(Kind::Pool).word(0).word(0).finish(),
            Mix::new(Kind::Pool).word(0).finish(),
        ];
        for (at, mix) in mixes.iter().enumerate() {
            assert!(!mixes[..at].contains(mix), "mix {at} repeats an earlier one");
        }
    }

    #[test]
    fn halves_make_the_whole() {
        let word = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128;
        assert_eq!(wide(low_half(word), high_half(word)), word);
    }
}
