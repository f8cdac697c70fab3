//! Items of the change feed. They show units and the names of claims, never holders: no subject leaves the log.

use serde::Serialize;
use tessera_inventory::{
    ChannelId, Choice, ClaimNumber, Config, Dispute, EntryNumber, Event, EventBody, HoldPlaced, Origin,
    RefundReason, RefundedUnits, ScanConflict, ScansRecorded, SeatIndex, Sequence, TicketTypeId, Units,
};

use tessera_projections::waitlist;
use utoipa::ToSchema;

use super::Money;
use super::claim::{self, LineReply, Lines, PaymentName, PublicLines, payment_name};
use crate::ids::{EventTag, IdText};
use crate::instant::Rfc3339;
use crate::routes::entry::scans::{ConflictKindName, kind_name};
use crate::routes::waitlist::ReasonName;
use crate::vocabulary::{PhaseName, phase_name};

/// Most contradictions that an item names; `GET …/entry/conflicts` has all of them.
const CONTRADICTIONS_MAX: usize = 100;

/// One item.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeItem)]
pub(crate) struct Item<'a> {
    sequence: u64,
    at: Rfc3339,
    #[serde(flatten)]
    change: Change<'a>,
}

/// What happened.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Change<'a> {
    Configured {
        version: u32,
    },
    PhaseChanged {
        #[schema(value_type = PhaseName)]
        to: &'static str,
    },
    HoldPlaced {
        hold: IdText,
        deadline_at: Rfc3339,
        life_ends_at: Rfc3339,
        #[schema(required)]
        channel: Option<&'a str>,
        #[schema(value_type = Vec<LineReply>)]
        lines: ShownLines<'a>,
        /// `offer`: made to who waited.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        origin: Option<&'static str>,
        /// The entry of the waitlist that it is offered to.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        entry: Option<IdText>,
    },
    HoldRenewed {
        hold: IdText,
        deadline_at: Rfc3339,
    },
    HoldReleased {
        hold: IdText,
    },
    Expired {
        through: Through,
        count: u32,
    },
    PaymentBegun {
        order: IdText,
        hold: IdText,
        grace_until: Rfc3339,
        attempt: u8,
    },
    PaymentFailed {
        order: IdText,
        hold: IdText,
    },
    Confirmed {
        order: IdText,
        hold: IdText,
        #[schema(value_type = PaymentName)]
        payment: &'static str,
    },
    TicketsRefunded {
        order: IdText,
        hold: IdText,
        /// Positions in the order.
        tickets: &'a [u16],
        units: &'static str,
        reason: &'static str,
        /// Where it is not what the tickets come to; for the organizer.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        amount: Option<Money<'a>>,
    },
    SoldLate {
        order: IdText,
        hold: IdText,
        #[schema(required)]
        channel: Option<&'a str>,
        #[schema(value_type = Vec<LineReply>)]
        lines: ShownLines<'a>,
        #[schema(value_type = PaymentName)]
        payment: &'static str,
    },
    OrderDisputed {
        order: IdText,
        hold: IdText,
        dispute: &'static str,
        /// Positions of the tickets that are void by that.
        revoked: &'a [u16],
    },
    UnitsKilled(UnitsReply<'a>),
    UnitsRestored(UnitsReply<'a>),
    ChannelReleased {
        channel: &'a str,
    },
    SaleWindowChanged {
        #[schema(required)]
        ticket_type: Option<&'a str>,
        open: bool,
    },
    TicketTransferred {
        ticket: IdText,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        generation: Option<u8>,
    },
    CheckedIn {
        ticket: IdText,
        gate: u16,
    },
    CheckedOut {
        ticket: IdText,
        gate: u16,
    },
    TicketReissued {
        ticket: IdText,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        generation: Option<u8>,
    },
    ScansRecorded {
        device: u32,
        scans: usize,
        conflicts: usize,
        /// What contradicts the log by then, at most a hundred; for the organizer.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        #[schema(required = false)]
        contradictions: Vec<Contradiction>,
    },
    WaitlistJoined {
        entry: IdText,
        choices: Vec<WaitedFor<'a>>,
    },
    WaitlistLeft {
        entry: IdText,
        #[schema(value_type = ReasonName)]
        reason: &'static str,
    },
    WaitlistPatienceEnded {
        #[schema(required)]
        ticket_type: Option<&'a str>,
    },
}

/// What somebody waits for.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitedFor<'a> {
    #[schema(required)]
    ticket_type: Option<&'a str>,
    quantity: u16,
}

/// A scan that contradicts the log.
#[derive(Serialize, ToSchema)]
#[schema(as = ScanContradiction)]
pub(crate) struct Contradiction {
    /// Among the scans of the device.
    number: u64,
    ticket: IdText,
    #[schema(value_type = ConflictKindName)]
    kind: &'static str,
}

/// Lines as the reader may see them.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ShownLines<'a> {
    Own(Lines<'a>),
    Public(PublicLines<'a>),
}

/// The last that expired.
#[derive(Serialize, ToSchema)]
pub(crate) struct Through {
    deadline_at: Rfc3339,
    hold: IdText,
}

/// Units of a pool, or seats.
#[derive(Serialize, ToSchema)]
#[schema(as = Units)]
pub(crate) struct UnitsReply<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quantity: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "claim::seats")]
    #[schema(value_type = Vec<u32>, required = false)]
    seats: &'a [SeatIndex],
}

/// What the items are rendered with.
#[derive(Clone, Copy)]
pub(crate) struct Renderer<'a> {
    pub(crate) tag: EventTag,
    /// The newest configuration: names never change.
    pub(crate) config: &'a Config,
    /// Whether the organizer reads.
    pub(crate) organizer: bool,
}

impl<'a> Renderer<'a> {
    /// The item of an event.
    pub(crate) fn item(self, sequence: Sequence, event: &'a Event) -> Item<'a> {
        Item { sequence: sequence.0, at: Rfc3339(event.at), change: self.change(sequence, &event.body) }
    }

    fn change(self, sequence: Sequence, body: &'a EventBody) -> Change<'a> {
        match body {
            EventBody::Configured { version, .. } => Change::Configured { version: *version },
            EventBody::PhaseChanged { to } => Change::PhaseChanged { to: phase_name(*to) },
            EventBody::HoldPlaced(placed) => self.placed(sequence, placed),
            EventBody::HoldRenewed { hold, deadline_at } => {
                Change::HoldRenewed { hold: self.tag.hold(*hold), deadline_at: Rfc3339(*deadline_at) }
            }
            EventBody::HoldReleased { hold } => Change::HoldReleased { hold: self.tag.hold(*hold) },
            EventBody::Expired { through: (deadline_at, hold), count } => Change::Expired {
                through: Through { deadline_at: Rfc3339(*deadline_at), hold: self.tag.hold(*hold) },
                count: *count,
            },
            EventBody::PaymentBegun { order, .. }
            | EventBody::PaymentFailed { order, .. }
            | EventBody::Confirmed { order, .. }
            | EventBody::TicketsRefunded { order, .. }
            | EventBody::OrderDisputed { order, .. } => self.order(*order, body),
            EventBody::SoldLate(sold) => Change::SoldLate {
                order: self.tag.order(sold.order),
                hold: self.tag.hold(sold.order),
                channel: sold.hold.channel.and_then(|channel| self.channel(channel)),
                lines: self.lines(&sold.hold),
                payment: payment_name(sold.payment.kind()),
            },
            EventBody::UnitsKilled(units) => Change::UnitsKilled(units_reply(self.config, units)),
            EventBody::UnitsRestored(units) => Change::UnitsRestored(units_reply(self.config, units)),
            EventBody::ChannelReleased { channel } => {
                Change::ChannelReleased { channel: self.channel(*channel).unwrap_or_default() }
            }
            EventBody::SaleWindowChanged { ticket_type, open } => {
                Change::SaleWindowChanged { ticket_type: self.ticket_type(*ticket_type), open: *open }
            }
            EventBody::TicketTransferred { ticket, generation, .. } => {
                let generation = self.organizer.then_some(*generation);
                Change::TicketTransferred { ticket: self.tag.ticket(*ticket), generation }
            }
            EventBody::CheckedIn { ticket, gate, .. } => {
                Change::CheckedIn { ticket: self.tag.ticket(*ticket), gate: *gate }
            }
            EventBody::CheckedOut { ticket, gate, .. } => {
                Change::CheckedOut { ticket: self.tag.ticket(*ticket), gate: *gate }
            }
            EventBody::TicketReissued { ticket, generation } => {
                let generation = self.organizer.then_some(*generation);
                Change::TicketReissued { ticket: self.tag.ticket(*ticket), generation }
            }
            EventBody::ScansRecorded(record) => self.scans(record),
            EventBody::WaitlistJoined(joined) => {
                let choice = |choice: &Choice| WaitedFor {
                    ticket_type: self.ticket_type(choice.ticket_type),
                    quantity: choice.quantity,
                };
                Change::WaitlistJoined {
                    entry: self.tag.entry(EntryNumber(sequence.0)),
                    choices: joined.choices.iter().map(choice).collect(),
                }
            }
            EventBody::WaitlistLeft { entry, reason } => {
                Change::WaitlistLeft { entry: self.tag.entry(*entry), reason: waitlist::reason_name(*reason) }
            }
            EventBody::WaitlistPatienceEnded { ticket_type } => {
                Change::WaitlistPatienceEnded { ticket_type: self.ticket_type(*ticket_type) }
            }
        }
    }

    fn scans(self, record: &ScansRecorded) -> Change<'a> {
        let named = record.conflicts.iter().filter(|_| self.organizer).take(CONTRADICTIONS_MAX);
        let contradiction = |conflict: &ScanConflict| {
            let scan = record.scans.get(usize::from(conflict.scan))?;
            let (ticket, kind) = (self.tag.ticket(scan.ticket), kind_name(conflict.kind));
            Some(Contradiction { number: scan.number, ticket, kind })
        };
        Change::ScansRecorded {
            device: record.device,
            scans: record.scans.len(),
            conflicts: record.conflicts.len(),
            contradictions: named.filter_map(contradiction).collect(),
        }
    }

    fn channel(self, channel: ChannelId) -> Option<&'a str> {
        self.config.channels.get(channel.index()).map(|one| &*one.name)
    }

    /// Its name, for those who may know of it.
    fn ticket_type(self, id: TicketTypeId) -> Option<&'a str> {
        let shown = self.organizer || claim::is_public(self.config, id);
        self.config.ticket_types.get(id.index()).filter(|_| shown).map(|one| &*one.name)
    }

    fn placed(self, sequence: Sequence, placed: &'a HoldPlaced) -> Change<'a> {
        Change::HoldPlaced {
            hold: self.tag.hold(ClaimNumber(sequence.0)),
            deadline_at: Rfc3339(placed.deadline_at),
            life_ends_at: Rfc3339(placed.life_ends_at),
            channel: placed.channel.and_then(|channel| self.channel(channel)),
            lines: self.lines(placed),
            origin: (placed.origin == Origin::Offer).then_some("offer"),
            entry: placed.entry.map(|entry| self.tag.entry(entry)),
        }
    }

    fn lines(self, placed: &'a HoldPlaced) -> ShownLines<'a> {
        let lines = Lines { lines: &placed.lines, quote: None, config: self.config };
        if self.organizer { ShownLines::Own(lines) } else { ShownLines::Public(PublicLines(lines)) }
    }

    fn order(self, order: ClaimNumber, body: &'a EventBody) -> Change<'a> {
        let (hold, order) = (self.tag.hold(order), self.tag.order(order));
        match body {
            EventBody::PaymentBegun { grace_until, attempt, .. } => {
                Change::PaymentBegun { order, hold, grace_until: Rfc3339(*grace_until), attempt: *attempt }
            }
            EventBody::Confirmed { payment, .. } => {
                Change::Confirmed { order, hold, payment: payment_name(payment.kind()) }
            }
            EventBody::TicketsRefunded { tickets, units, amount_minor, reason, .. } => {
                let amount = amount_minor.filter(|_| self.organizer);
                Change::TicketsRefunded {
                    order,
                    hold,
                    tickets,
                    units: refunded_name(*units),
                    reason: reason_name(*reason),
                    amount: amount.map(|amount| Money::new(amount, self.config)),
                }
            }
            EventBody::OrderDisputed { dispute, revoked, .. } => {
                Change::OrderDisputed { order, hold, dispute: dispute_name(*dispute), revoked }
            }
            _ => Change::PaymentFailed { order, hold },
        }
    }
}

/// Units of a pool, or seats, by name.
pub(crate) fn units_reply<'a>(config: &'a Config, units: &'a Units) -> UnitsReply<'a> {
    match units {
        Units::Pool { pool, quantity } => UnitsReply {
            pool: config.pools.get(pool.index()).map(|pool| &*pool.name),
            quantity: Some(*quantity),
            seats: &[],
        },
        Units::Seats(seats) => UnitsReply { pool: None, quantity: None, seats },
    }
}

/// Why money is given back.
pub(crate) const fn reason_name(reason: RefundReason) -> &'static str {
    match reason {
        RefundReason::Organizer => "organizer",
        RefundReason::Cancelled => "cancelled",
        RefundReason::Unpaid => "unpaid",
        RefundReason::Goodwill => "goodwill",
    }
}

/// How a dispute stands.
pub(crate) const fn dispute_name(dispute: Dispute) -> &'static str {
    match dispute {
        Dispute::Open => "open",
        Dispute::Won => "won",
        Dispute::Lost => "lost",
    }
}

/// What became of refunded units.
pub(crate) const fn refunded_name(units: RefundedUnits) -> &'static str {
    match units {
        RefundedUnits::Restock => "restock",
        RefundedUnits::Kill => "kill",
    }
}
