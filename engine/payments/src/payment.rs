//! A payment as its row says it.

use std::collections::BTreeMap;

use tessera_inventory::{Sequence, Timestamp};
use tessera_ledger::Currency;

use crate::backoff::look_at;
use crate::{Abilities, DisputeStanding, Facts, PaymentId, ProviderId, RefundStanding};

/// What the log wants of an attempt to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The buyer's money, set aside for us.
    Authorise {
        /// Until when the log waits for it.
        grace_until: Timestamp,
    },
    /// Its money: the order is sold.
    Capture,
    /// Nothing: what is there is to be let go.
    Release {
        /// Why.
        why: Why,
    },
}

/// Why nothing is wanted of an attempt any more. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Why {
    /// It failed.
    Failed = 1,
    /// Its order's time was up.
    Expired = 2,
    /// The event was called off.
    Cancelled = 3,
    /// A later attempt was begun.
    OtherAttempt = 4,
    /// The order was sold, and not by it.
    SoldByOther = 5,
    /// The order was sold by it, and its money could never be captured.
    Unpaid = 6,
}

impl Why {
    /// Whether money that is there all the same may still buy the order: the hold may live, or be had again.
    #[must_use]
    pub const fn may_sell(self) -> bool {
        matches!(self, Why::Failed | Why::Expired | Why::OtherAttempt)
    }
}

/// What begins a payment: its beginning in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Whose the event is.
    pub organizer: u128,
    /// Who is to be paid through.
    pub provider: ProviderId,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// Until when the log waits for the money.
    pub grace_until: Timestamp,
    /// Where it stands in the log.
    pub sequence: Sequence,
}

/// What was answered to a call that is not made again for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Replied {
    /// Nothing.
    #[default]
    Nothing = 0,
    /// That it was done, though the facts do not show it yet.
    Done = 1,
    /// That it was refused for good.
    Declined = 2,
}

/// The calls of one operation that must be made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Which key is used: grows where the one before has certainly not been executed.
    pub n: u16,
    /// From when on the key may have been used.
    pub since: Timestamp,
    /// Calls in a row that did not bring it further.
    pub tries: u32,
    /// When it may be made again.
    pub next_at: Timestamp,
    /// What was answered.
    pub replied: Replied,
    /// Why it was refused, in the provider's words.
    pub error: Option<Box<str>>,
}

/// The looks at how a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Since the payment last went on.
    pub tries: u32,
    /// When the next is due, where it is waited for something.
    pub next_at: Timestamp,
    /// When a look was last answered.
    pub answered_at: Option<Timestamp>,
}

/// What the log was asked about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Asks in a row that did not bring it further.
    pub tries: u32,
    /// When it may be asked again.
    pub next_at: Timestamp,
    /// The hold has ended: only a late sale can sell it.
    pub ended: bool,
    /// The log does not sell for this money, and will not.
    pub refused: bool,
}

/// How a refund of ours stands, beside what the provider says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Standing {
    /// It is to be made.
    Due = 0,
    /// There is nothing to give back: the money was never captured.
    Moot = 1,
    /// Somebody gave the money back by hand.
    ByHand = 2,
}

/// A refund of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Why, as the log says it.
    pub reason: u8,
    /// Since when it is to be made: when that was first written here.
    pub wanted_at: Timestamp,
    /// The calls for it.
    pub calls: Calls,
    /// How it stands.
    pub standing: Standing,
}

/// An attempt to pay: what the log wants, what the provider has said, and what was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Which.
    pub id: PaymentId,
    /// Whose the event is.
    pub organizer: u128,
    /// Who is paid through.
    pub provider: ProviderId,
    /// What it is over, in minor units.
    pub amount_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// When its row was first written: no call can be older.
    pub begun_at: Timestamp,
    /// What the log wants.
    pub want: Want,
    /// Since which place of the log.
    pub wanted_by: Sequence,
    /// When that was first written here.
    pub wanted_at: Timestamp,
    /// What the provider has said.
    pub facts: Facts,
    /// The calls that create, capture or call off, whichever is to be made.
    pub calls: Calls,
    /// The looks at how it stands.
    pub looks: Looks,
    /// What the log was asked.
    pub asked: Asked,
    /// It was called off, or may have been: money that is only set aside may be gone, whatever was heard, and does not buy any more.
    pub called_off: bool,
    /// How disputes stand, as the log was told.
    pub told: Option<DisputeStanding>,
    /// Our refunds: by the place in the log that wants them, or 0 and 1, which no place wants ([`Payment::GIVEN_BACK`] and [`Payment::EXCESS`]).
    pub refunds: BTreeMap<u64, Refund>,
}

/// What is to become of a payment, by all that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// The buyer is to pay.
    Authorise,
    /// The money is there, and the log may sell for it.
    Offer,
    /// It is sold.
    Capture,
    /// Whatever is there is let go.
    Release,
}

impl Calls {
    /// None was made, and none can be older than `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Calls {
        Calls { n: 0, since: at, tries: 0, next_at: at, replied: Replied::Nothing, error: None }
    }

    /// The key so far has certainly not been executed, and never will be: another is used.
    pub(crate) fn renew(&mut self, at: Timestamp) {
        (self.n, self.since, self.replied) = (self.n.saturating_add(1), at, Replied::Nothing);
    }
}

impl Payment {
    /// The refund of captured money that bought nothing.
    pub const GIVEN_BACK: u64 = 0;
    /// The refund of what was captured beyond the price.
    pub const EXCESS: u64 = 1;

    /// A payment that is begun. Its first call is due at once.
    #[must_use]
    pub fn begin(id: PaymentId, begun: &Begun, at: Timestamp) -> Payment {
        Payment {
            id,
            organizer: begun.organizer,
            provider: begun.provider,
            amount_minor: begun.amount_minor,
            currency: begun.currency,
            begun_at: at,
            want: Want::Authorise { grace_until: begun.grace_until },
            wanted_by: begun.sequence,
            wanted_at: at,
            facts: Facts::default(),
            calls: Calls::new(at),
            looks: Looks { tries: 0, next_at: look_at(0, at), answered_at: None },
            asked: Asked { tries: 0, next_at: at, ended: false, refused: false },
            called_off: false,
            told: None,
            refunds: BTreeMap::new(),
        }
    }

    /// Whether what is set aside or captured is at least the price.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.facts.authorised_minor.max(self.facts.captured_minor) >= self.amount_minor
    }

    /// What of the captured money belongs to nobody, in minor units: no order was sold for it, it is not to be given back, and nobody gave it back at the
    /// provider. That may be so while there is something to do about the payment; once it is settled, it is an error.
    #[must_use]
    pub fn unowned_minor(&self) -> i64 {
        let is_sold = self.want == Want::Capture;
        let sold_minor = if is_sold { self.amount_minor } else { 0 };
        // Refunds that the log wants are of what was sold; once it is sold no more, they are a part of what is given back.
        let is_its_own = |number: u64, refund: &Refund| {
            number <= Payment::EXCESS || (!is_sold && refund.standing != Standing::Moot)
        };
        let refunds = self.refunds.iter().filter(|(number, refund)| is_its_own(**number, refund));
        let ours = refunds.map(|(_, refund)| refund.amount_minor);
        let alive = self.facts.refunds.values().filter(|refund| refund.standing != RefundStanding::Failed);
        let not_ours = alive.filter(|refund| refund.ours.is_none()).map(|refund| refund.amount_minor);
        let owned_minor = ours.chain(not_ours).fold(sold_minor, i64::saturating_add);
        self.facts.captured_minor.saturating_sub(owned_minor).max(0)
    }

    pub(crate) fn course(&self, abilities: &Abilities) -> Course {
        let is_enough = self.is_covered() || abilities.mutation.is(crate::mutant::Mutant::ShortMoneySells);
        let may_be_gone = self.called_off && self.facts.captured_minor == 0;
        let may_be_offered = is_enough && !self.asked.refused && !may_be_gone;
        match self.want {
            Want::Capture => Course::Capture,
            Want::Authorise { .. } if !self.facts.is_paid() => Course::Authorise,
            Want::Authorise { .. } if may_be_offered => Course::Offer,
            Want::Release { why } if self.facts.is_paid() && why.may_sell() && may_be_offered => {
                Course::Offer
            }
            Want::Authorise { .. } | Want::Release { .. } => Course::Release,
        }
    }

    /// It has gone on: what is due next is due at once.
    pub(crate) fn restart(&mut self, at: Timestamp) {
        (self.calls.tries, self.calls.next_at, self.calls.replied) = (0, at, Replied::Nothing);
        (self.asked.tries, self.asked.next_at) = (0, at);
        self.looks.tries = 0;
        self.looks.next_at = self.look_at(at);
    }

    /// When it is looked at next, after what was seen at `at`: at the end of the grace in any case, as late as money is in time.
    pub(crate) fn look_at(&self, at: Timestamp) -> Timestamp {
        let next_at = look_at(self.looks.tries, at);
        match self.want {
            Want::Authorise { grace_until } if at < grace_until => next_at.min(grace_until),
            _ => next_at,
        }
    }
}
