//! Claims: live holds and payments in flight.

use std::collections::BTreeMap;

use crate::digest::{Kind, Mix};
use crate::subjects::{Slot, Subjects};
use crate::{ChannelId, ClaimNumber, ClaimState, Origin, SeatIndex, TermsId, Timestamp};

/// A live hold, or a payment in flight.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) subject: Slot,
    /// Further subjects that it counts against.
    pub(crate) extra: Box<[Slot]>,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) origin: Origin,
    pub(crate) renewals: u8,
    pub(crate) attempts: u8,
    /// When the hold ends; a payment that fails returns to it.
    pub(crate) deadline_at: Timestamp,
    pub(crate) life_ends_at: Timestamp,
    /// While a payment is in flight: when its grace ends.
    pub(crate) grace_until: Option<Timestamp>,
    pub(crate) lines: ClaimLines,
}

/// Lines of a claim; nearly every one has a single line, which costs no allocation.
#[derive(Clone, Debug)]
pub(crate) enum ClaimLines {
    One(ClaimLine),
    Many(Box<[ClaimLine]>),
}

/// Units under one set of terms.
#[derive(Clone, Debug)]
pub(crate) struct ClaimLine {
    pub(crate) terms: TermsId,
    pub(crate) quantity: u16,
    /// Ascending; empty for standing.
    pub(crate) seats: Box<[SeatIndex]>,
}

/// The claims of one event, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    by_number: BTreeMap<ClaimNumber, Claim>,
    sum: u128,
}

impl ClaimLines {
    #[inline]
    pub(crate) fn as_slice(&self) -> &[ClaimLine] {
        match self {
            ClaimLines::One(line) => std::slice::from_ref(line),
            ClaimLines::Many(lines) => lines,
        }
    }
}

impl FromIterator<ClaimLine> for ClaimLines {
    fn from_iter<I: IntoIterator<Item = ClaimLine>>(lines: I) -> Self {
        let mut lines = lines.into_iter();
        match (lines.next(), lines.next()) {
            (Some(only), None) => ClaimLines::One(only),
            (first, second) => ClaimLines::Many(first.into_iter().chain(second).chain(lines).collect()),
        }
    }
}

impl Claim {
    pub(crate) fn state(&self) -> ClaimState {
        if self.grace_until.is_some() { ClaimState::PaymentInFlight } else { ClaimState::Held }
    }

    /// When time ends it: the deadline, or the end of the grace while a payment is in flight.
    #[inline]
    pub(crate) fn due_at(&self) -> Timestamp {
        self.grace_until.unwrap_or(self.deadline_at)
    }

    /// The slots of all its subjects.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = Slot> {
        std::iter::once(self.subject).chain(self.extra.iter().copied())
    }

    fn mix(&self, number: ClaimNumber, subjects: &Subjects) -> u128 {
        let channel = self.channel.map_or(u32::from(u8::MAX), |channel| u32::from(channel.0));
        let progress = u32::from(self.renewals) | u32::from(self.attempts) << 8 | (self.origin as u32) << 16;
        let mut mix = Mix::new(Kind::Claim)
            .word(number.0)
            .wide(subjects.subject(self.subject).0)
            .pair(channel, progress)
            .word(self.deadline_at.0)
            .word(self.life_ends_at.0)
            .word(self.grace_until.map_or(0, |grace| grace.0));
        for &slot in &self.extra {
            mix = mix.wide(subjects.subject(slot).0);
        }
        for line in self.lines.as_slice() {
            mix = mix.pair(u32::from(line.terms.0), u32::from(line.quantity));
            for seat in &line.seats {
                mix = mix.word(u64::from(seat.0));
            }
        }
        mix.finish()
    }
}

impl Claims {
    #[inline]
    pub(crate) fn get(&self, number: ClaimNumber) -> Option<&Claim> {
        self.by_number.get(&number)
    }

    #[inline]
    pub(crate) fn insert(&mut self, number: ClaimNumber, claim: Claim, subjects: &Subjects) {
        self.sum = self.sum.wrapping_add(claim.mix(number, subjects));
        let before = self.by_number.insert(number, claim);
        assert!(before.is_none(), "a claim's number is taken");
    }

    /// Takes a claim out; its subjects must still be named.
    pub(crate) fn remove(&mut self, number: ClaimNumber, subjects: &Subjects) -> Claim {
        let Some(claim) = self.by_number.remove(&number) else {
            panic!("claim {} is not live", number.0);
        };
        self.sum = self.sum.wrapping_sub(claim.mix(number, subjects));
        claim
    }

    /// Changes a claim; the digest follows.
    pub(crate) fn edit(&mut self, number: ClaimNumber, subjects: &Subjects, change: impl FnOnce(&mut Claim)) {
        let Some(claim) = self.by_number.get_mut(&number) else {
            panic!("claim {} is not live", number.0);
        };
        self.sum = self.sum.wrapping_sub(claim.mix(number, subjects));
        change(claim);
        self.sum = self.sum.wrapping_add(claim.mix(number, subjects));
    }

    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// The claim with the lowest number.
    pub(crate) fn first(&self) -> Option<ClaimNumber> {
        self.by_number.first_key_value().map(|(&number, _)| number)
    }

    /// Every claim, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ClaimNumber, &Claim)> {
        self.by_number.iter()
    }

    /// Enters the claims of an image, ascending by number.
    pub(crate) fn import(&mut self, claims: Vec<(ClaimNumber, Claim)>, subjects: &Subjects) {
        self.by_number = claims.into_iter().collect();
        self.sum = self.fresh_sum(subjects);
    }

    /// The digest's share of the claims, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the claims, from scratch.
    pub(crate) fn fresh_sum(&self, subjects: &Subjects) -> u128 {
        self.by_number.iter().fold(0, |sum, (&number, claim)| sum.wrapping_add(claim.mix(number, subjects)))
    }
}
