//! Events: what happened to the inventory, in the order of their sequence. The log holds nothing else.

use std::sync::Arc;

use tessera_pricing::Quote;

use crate::{
    ChannelId, ClaimNumber, Config, Dispute, EntryNumber, LeftReason, Payment, Phase, ProviderId,
    RefundReason, RefundedUnits, ScansRecorded, SeatIndex, Subject, Subjects, TicketRef, TicketTypeId,
    Timestamp, Units, WaitlistJoined,
};

/// One logged event. Its sequence is its position. A command yields exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Logged time; never less than that of the event before.
    pub at: Timestamp,
    /// The request that caused it; `None` for what time does.
    pub key: Option<KeyMark>,
    /// What happened.
    pub body: EventBody,
}

/// The idempotency key of the request behind an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMark {
    /// As in [`crate::IdempotencyKey`].
    pub digest: u128,
    /// As in [`crate::IdempotencyKey`].
    pub fingerprint: u64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventBody {
    /// The configuration was replaced; versions count from 1.
    Configured {
        /// The new version.
        version: u32,
        /// The whole of it.
        config: Arc<Config>,
    },
    /// The phase changed, by command or by the schedule.
    PhaseChanged {
        /// The new phase.
        to: Phase,
    },
    /// A hold was placed; its number is this event's sequence.
    HoldPlaced(HoldPlaced),
    /// A hold was renewed.
    HoldRenewed {
        /// Which.
        hold: ClaimNumber,
        /// Its new deadline.
        deadline_at: Timestamp,
    },
    /// A hold was given back.
    HoldReleased {
        /// Which.
        hold: ClaimNumber,
    },
    /// Every hold (and every payment in flight) whose `(deadline, number)` is at most `through` ended; the units went back.
    /// A payment in flight whose grace ended counts as failed: its hold ends with it.
    Expired {
        /// The last (deadline, number) covered.
        through: (Timestamp, ClaimNumber),
        /// How many ended.
        count: u32,
    },
    /// An order was created, or tried again: its payment is in flight.
    PaymentBegun {
        /// Which.
        order: ClaimNumber,
        /// End of the grace; not before the hold's deadline.
        grace_until: Timestamp,
        /// 1 to [`crate::PAYMENT_ATTEMPTS_MAX`].
        attempt: u8,
        /// Subjects that it counts against from now on, besides those of the hold; not any more if this attempt fails.
        extra_subjects: Vec<Subject>,
        /// What a provider is to take; `None` where the organizer takes it, or there is nothing to take.
        charge: Option<Charge>,
    },
    /// The payment failed; the hold has its original deadline again.
    PaymentFailed {
        /// Which.
        order: ClaimNumber,
        /// The attempt, where it was named.
        attempt: Option<u8>,
    },
    /// Sold: held units became sold units and tickets.
    Confirmed {
        /// Which.
        order: ClaimNumber,
        /// How it was paid.
        payment: Payment,
        /// The attempt that brought the money, where it was named.
        attempt: Option<u8>,
    },
    /// Tickets were refunded.
    TicketsRefunded {
        /// Which order.
        order: ClaimNumber,
        /// Positions in it.
        tickets: Vec<u16>,
        /// What became of the units.
        units: RefundedUnits,
        /// How much is given back, in minor units, where it is not what these tickets come to.
        amount_minor: Option<i64>,
        /// Why.
        reason: RefundReason,
    },
    /// What an ended hold had was sold anew.
    SoldLate(Box<SoldLate>),
    /// A dispute over the payment of an order was opened, or decided.
    OrderDisputed {
        /// Which.
        order: ClaimNumber,
        /// How it stands.
        dispute: Dispute,
        /// Positions of the tickets that are revoked by that; their units return to sale.
        revoked: Vec<u16>,
    },
    /// Units were withdrawn.
    UnitsKilled(Units),
    /// Kills were undone.
    UnitsRestored(Units),
    /// What was left of a channel went to everyone.
    ChannelReleased {
        /// Which.
        channel: ChannelId,
    },
    /// A ticket type began or ceased to sell.
    SaleWindowChanged {
        /// Which.
        ticket_type: TicketTypeId,
        /// Whether it sells now.
        open: bool,
    },
    /// A ticket has a new holder and a new code.
    TicketTransferred {
        /// Which.
        ticket: TicketRef,
        /// The new holder.
        to: Subject,
        /// Generation of the new code.
        generation: u8,
        /// Who held it before; `None`: an older log does not say.
        from: Option<Subject>,
    },
    /// A ticket was let in.
    CheckedIn {
        /// Which.
        ticket: TicketRef,
        /// Where.
        gate: u16,
        /// By which entry list, where there are lists: its position in the configuration.
        list: Option<u8>,
    },
    /// A ticket was let out.
    CheckedOut {
        /// Which.
        ticket: TicketRef,
        /// Where.
        gate: u16,
        /// The entry list that counts it, as in [`EventBody::CheckedIn`].
        list: Option<u8>,
        /// Whether the state remembers it. A way out of format 1 left nothing behind, and must not when it is replayed.
        stamped: bool,
    },
    /// A ticket has a new code, and its holder has it still.
    TicketReissued {
        /// Which.
        ticket: TicketRef,
        /// Generation of the new code.
        generation: u8,
    },
    /// A device told what it had scanned.
    ScansRecorded(ScansRecorded),
    /// Somebody waits; the number of the entry is this event's sequence.
    WaitlistJoined(Box<WaitlistJoined>),
    /// Somebody does not wait any more, and got no offer.
    WaitlistLeft {
        /// Which entry.
        entry: EntryNumber,
        /// Why.
        reason: LeftReason,
    },
    /// What was kept for the head of a line is kept no longer: whoever fits is served until the head is another.
    WaitlistPatienceEnded {
        /// Whose line.
        ticket_type: TicketTypeId,
    },
}

/// The oldest format of the log, which every reader knows.
pub const FORMAT_MIN: u16 = 1;
/// The newest format of the log. 2: payments by providers, late sales, disputes, refunds by amount; tariffs and quotes; ways out with their
/// time, lists, re-issue and scans; the waitlist.
pub const FORMAT_MAX: u16 = 2;

impl EventBody {
    /// The oldest format that can say this: a reader that knows none so new must not read on, since it would decide otherwise. Who gave a ticket
    /// away is said in any: nothing is decided by it, and older readers skip it.
    #[must_use]
    pub fn format(&self) -> u16 {
        match self {
            EventBody::PaymentBegun { charge: Some(_), .. }
            | EventBody::PaymentFailed { attempt: Some(_), .. }
            | EventBody::Confirmed { attempt: Some(_), .. }
            | EventBody::TicketsRefunded { amount_minor: Some(_), .. }
            | EventBody::SoldLate(_)
            | EventBody::OrderDisputed { .. }
            | EventBody::HoldPlaced(HoldPlaced { quote: Some(_), .. } | HoldPlaced { entry: Some(_), .. })
            | EventBody::CheckedIn { list: Some(_), .. }
            | EventBody::CheckedOut { list: Some(_), .. }
            | EventBody::CheckedOut { stamped: true, .. }
            | EventBody::TicketReissued { .. }
            | EventBody::ScansRecorded(_)
            | EventBody::WaitlistJoined(_)
            | EventBody::WaitlistLeft { .. }
            | EventBody::WaitlistPatienceEnded { .. } => 2,
            EventBody::TicketsRefunded { reason, .. } if *reason != RefundReason::Organizer => 2,
            EventBody::Configured { config, .. } => config.format(),
            _ => FORMAT_MIN,
        }
    }
}

/// What a provider is to take for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Who takes it.
    pub provider: ProviderId,
    /// The total of the order in minor units; not zero.
    pub amount_minor: i64,
}

/// A placed hold, complete enough to render its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldPlaced {
    /// Who it counts against.
    pub subjects: Subjects,
    /// When it ends unless renewed or paid.
    pub deadline_at: Timestamp,
    /// Cap on its whole life.
    pub life_ends_at: Timestamp,
    /// The channel it draws on.
    pub channel: Option<ChannelId>,
    /// How it came about.
    pub origin: Origin,
    /// What it holds.
    pub lines: Vec<Line>,
    /// What that costs, line by line; `None`: quantities times prices.
    pub quote: Option<Box<Quote>>,
    /// The entry of the waitlist that it is offered to, and that ends with it.
    pub entry: Option<EntryNumber>,
}

impl HoldPlaced {
    /// What the buyer pays, in minor units.
    #[must_use]
    pub fn total_minor(&self) -> i64 {
        match &self.quote {
            Some(quote) => quote.total_minor,
            None => self.lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).sum(),
        }
    }
}

/// A late sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldLate {
    /// Which order: the number of the hold that had ended.
    pub order: ClaimNumber,
    /// What was sold; its channel is the one it was drawn from now.
    pub hold: HoldPlaced,
    /// How it was paid.
    pub payment: Payment,
    /// The attempt that brought the money.
    pub attempt: u8,
}

/// How a hold came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A buyer asked.
    Direct,
    /// An offer from the waitlist.
    Offer,
}

/// Units of one type at one frozen price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which type.
    pub ticket_type: TicketTypeId,
    /// The terms (price, pools, category) it froze.
    pub terms: TermsId,
    /// How many units.
    pub quantity: u16,
    /// Frozen unit price in minor units.
    pub price_minor: i64,
    /// The seats, ascending; empty for standing.
    pub seats: Vec<SeatIndex>,
}

/// A frozen (type, price, category, draws). The engine appends one whenever a configuration changes those of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermsId(pub u16);
