//! Claims: live holds and payments in flight, in 72 bytes each.

mod table;

pub(crate) use table::Claims;

use crate::digest::{Kind, Mix};
use crate::subjects::{NO_SLOT, Slot, Subjects};
use crate::{ChannelId, ClaimNumber, ClaimState, EXTRA_SUBJECTS_MAX, Origin, SeatIndex, TermsId, Timestamp};

/// A live hold, or a payment in flight.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) subject: Slot,
    /// Further subjects that it counts against.
    pub(crate) extra: ExtraSubjects,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) origin: Origin,
    pub(crate) renewals: u8,
    pub(crate) attempts: u8,
    /// How many of the further subjects, the last ones, the payment in flight brought.
    pub(crate) learnt: u8,
    /// When the hold ends; a payment that fails returns to it.
    pub(crate) deadline_at: Timestamp,
    pub(crate) life_ends_at: Timestamp,
    /// While a payment is in flight: when its grace ends; zero otherwise.
    grace_until: Timestamp,
    pub(crate) lines: ClaimLines,
}

const _: () = assert!(size_of::<Option<Claim>>() == 72, "a claim has grown");

/// A few slots, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExtraSubjects([Slot; EXTRA_SUBJECTS_MAX]);

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

impl ExtraSubjects {
    pub(crate) const NONE: ExtraSubjects = ExtraSubjects([NO_SLOT; EXTRA_SUBJECTS_MAX]);

    /// Adds one; decided before: there is room.
    pub(crate) fn push(&mut self, slot: Slot) {
        let room = self.0.iter_mut().find(|place| **place == NO_SLOT);
        let Some(place) = room else { panic!("a claim has too many subjects") };
        *place = slot;
    }

    /// Takes the last one out.
    fn pop(&mut self) -> Option<Slot> {
        let last = self.0.iter_mut().rfind(|place| **place != NO_SLOT)?;
        Some(std::mem::replace(last, NO_SLOT))
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> {
        self.0.iter().copied().take_while(|&slot| slot != NO_SLOT)
    }
}

impl Claim {
    /// A fresh hold.
    pub(crate) fn new(
        subject: Slot,
        extra: ExtraSubjects,
        channel: Option<ChannelId>,
        origin: Origin,
        deadline_at: Timestamp,
        life_ends_at: Timestamp,
        lines: ClaimLines,
    ) -> Claim {
        Claim {
            subject,
            extra,
            channel,
            origin,
            renewals: 0,
            attempts: 0,
            learnt: 0,
            deadline_at,
            life_ends_at,
            grace_until: Timestamp(0),
            lines,
        }
    }

    pub(crate) fn state(&self) -> ClaimState {
        if self.grace_until.0 != 0 { ClaimState::PaymentInFlight } else { ClaimState::Held }
    }

    /// Puts a payment in flight until the end of its grace, or (`None`) ends it.
    pub(crate) fn set_grace(&mut self, grace_until: Option<Timestamp>) {
        self.grace_until = grace_until.unwrap_or_default();
    }

    /// Counts the claim against a further subject, which its payment brought.
    pub(crate) fn learn(&mut self, subject: Slot) {
        self.extra.push(subject);
        self.learnt += 1;
    }

    /// Ends the payment in flight, and with it what the claim learnt from it: those subjects.
    pub(crate) fn fail_payment(&mut self) -> Vec<Slot> {
        self.set_grace(None);
        let learnt = std::mem::take(&mut self.learnt);
        (0..learnt).filter_map(|_| self.extra.pop()).collect()
    }

    /// While a payment is in flight: when its grace ends.
    pub(crate) fn grace_until(&self) -> Option<Timestamp> {
        (self.grace_until.0 != 0).then_some(self.grace_until)
    }

    /// When time ends it: the deadline, or the end of the grace while a payment is in flight.
    #[inline]
    pub(crate) fn due_at(&self) -> Timestamp {
        self.grace_until().unwrap_or(self.deadline_at)
    }

    /// The slots of all its subjects.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = Slot> {
        std::iter::once(self.subject).chain(self.extra.iter())
    }

    /// The mix of its contents.
    fn mix(&self, number: ClaimNumber, subjects: &Subjects) -> u128 {
        let channel = self.channel.map_or(u32::from(u8::MAX), |channel| u32::from(channel.0));
        let progress = u32::from(self.renewals)
            | u32::from(self.attempts) << 8
            | (self.origin as u32) << 16
            | u32::from(self.learnt) << 24;
        let mut mix = Mix::new(Kind::Claim)
            .word(number.0)
            .wide(subjects.subject(self.subject).0)
            .pair(channel, progress)
            .word(self.deadline_at.0)
            .word(self.life_ends_at.0)
            .word(self.grace_until.0);
        for slot in self.extra.iter() {
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
