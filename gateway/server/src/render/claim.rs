//! Holds, orders and tickets.

use serde::{Serialize, Serializer};
use tessera_inventory::{
    ClaimNumber, ClaimState, ClaimView, Config, EntryNumber, EventId, Line, Origin, PaymentKind, SeatIndex,
    Sequence, Subject, TicketRef, TicketTypeId, TicketView, Timestamp,
};
use tessera_pricing::Quote;
use tessera_projections::orders::{Order, OrderState as ProjectedState};
use utoipa::ToSchema;

use super::Money;
use super::quote::{QuoteReply, quote_reply};
use crate::auth::{HoldSecret, Keys, TicketCode};
use crate::ids::{EventTag, IdText};
use crate::instant::Rfc3339;
use crate::openapi::schema;
use crate::vocabulary::state_name;

/// The state of a hold, by its name.
pub(crate) struct ClaimStateName;
/// How a hold came about, by its name.
pub(crate) struct OriginName;
/// The state of an order, by its name.
pub(crate) struct OrderStateName;
/// A way to pay, by its name.
pub(crate) struct PaymentName;

const CLAIM_STATES: [ClaimState; 6] = [
    ClaimState::Held,
    ClaimState::PaymentInFlight,
    ClaimState::Paid,
    ClaimState::Refunded,
    ClaimState::RefundDue,
    ClaimState::Ended,
];
const ORIGINS: [Origin; 2] = [Origin::Direct, Origin::Offer];
const PAYMENTS: [PaymentKind; 3] = [PaymentKind::Free, PaymentKind::Offline, PaymentKind::Captured];

schema::schemas! {
    ClaimStateName, "HoldState" => schema::words(CLAIM_STATES.map(state_name), "Where a hold stands.");
    OriginName, "HoldOrigin" => schema::words(
        ORIGINS.map(origin_name),
        "How a hold came about: its buyer asked for it, or it was offered to who waited.",
    );
    OrderStateName, "OrderState" => schema::words(
        CLAIM_STATES.into_iter().filter_map(order_state).chain(["payment_failed", "ended"]),
        "Where an order stands; the last two in lists only.",
    );
    PaymentName, "Payment" => schema::words(PAYMENTS.map(payment_name), "How it was paid.");
}

/// The lines of a hold or an order.
pub(crate) struct Lines<'a> {
    pub(crate) lines: &'a [Line],
    /// What they cost, where that is more than quantities times prices.
    pub(crate) quote: Option<&'a Quote>,
    pub(crate) config: &'a Config,
}

/// The lines of a hold as anyone may see them: what is sold by a code is not named, and has no price.
pub(crate) struct PublicLines<'a>(pub(crate) Lines<'a>);

/// A line of a hold or an order.
#[derive(Serialize, ToSchema)]
#[schema(as = Line)]
pub(crate) struct LineReply<'a> {
    /// Null, as the price, in the public change feed where the type is sold by a code.
    #[schema(required)]
    ticket_type: Option<&'a str>,
    quantity: u16,
    /// Of one unit.
    #[schema(required)]
    price: Option<Money<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "seats")]
    #[schema(value_type = Vec<u32>, required = false)]
    seats: &'a [SeatIndex],
}

/// Seats as numbers.
pub(crate) fn seats<S: Serializer>(seats: &[SeatIndex], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(seats.iter().map(|seat| seat.0))
}

impl<'a> Lines<'a> {
    /// What all units cost together.
    pub(crate) fn total(&self) -> Money<'a> {
        Money::new(self.total_minor(), self.config)
    }

    /// The quote as buyers see it.
    pub(crate) fn quote(&self) -> Option<QuoteReply<'a>> {
        self.quote.map(|quote| quote_reply(quote, self.config))
    }

    fn total_minor(&self) -> i64 {
        if let Some(quote) = self.quote {
            return quote.total_minor;
        }
        let due = |line: &Line| line.price_minor.saturating_mul(i64::from(line.quantity));
        self.lines.iter().fold(0_i64, |total, line| total.saturating_add(due(line)))
    }

    fn reply(&self, line: &'a Line, named: bool) -> LineReply<'a> {
        LineReply {
            ticket_type: named.then(|| type_name(self.config, line)),
            quantity: line.quantity,
            price: named.then(|| Money::new(line.price_minor, self.config)),
            seats: &line.seats,
        }
    }
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.lines.iter().map(|line| self.reply(line, true)))
    }
}

impl Serialize for PublicLines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PublicLines(all) = self;
        let named = |line: &Line| is_public(all.config, line.ticket_type);
        serializer.collect_seq(all.lines.iter().map(|line| all.reply(line, named(line))))
    }
}

/// Whether everyone may know of a ticket type: one that is sold by a code is for those who have it.
pub(crate) fn is_public(config: &Config, ticket_type: TicketTypeId) -> bool {
    config.ticket_types.get(ticket_type.index()).is_some_and(|found| found.access_code.is_none())
}

/// Whether a configuration has every name that lines use; one that is older than the lines may lack some.
pub(crate) fn knows(config: &Config, lines: &[Line]) -> bool {
    lines.iter().all(|line| line.ticket_type.index() < config.ticket_types.len())
}

/// The name of a line's ticket type.
pub(crate) fn type_name<'a>(config: &'a Config, line: &Line) -> &'a str {
    config.ticket_types.get(line.ticket_type.index()).map_or("", |found| &*found.name)
}

/// A hold.
#[derive(Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldReply<'a> {
    pub(crate) id: IdText,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub(crate) secret: Option<HoldSecret>,
    #[schema(value_type = ClaimStateName)]
    pub(crate) state: &'static str,
    /// Absent where it is renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OriginName>, nullable = false)]
    pub(crate) origin: Option<&'static str>,
    /// The entry of the waitlist that it was offered to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) entry: Option<IdText>,
    pub(crate) sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) deadline_at: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) life_ends_at: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) renewals: Option<u8>,
    #[schema(value_type = Vec<LineReply>)]
    pub(crate) lines: Lines<'a>,
    pub(crate) total: Money<'a>,
    /// Absent where the total is quantities times prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) quote: Option<QuoteReply<'a>>,
}

/// The name of how a hold came about.
pub(crate) const fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Direct => "direct",
        Origin::Offer => "offer",
    }
}

/// A hold as its view shows it, with how it came about.
pub(crate) fn hold_view<'a>(
    tag: EventTag,
    sequence: Sequence,
    view: &ClaimView,
    lines: Lines<'a>,
    (origin, entry): (Origin, Option<EntryNumber>),
) -> HoldReply<'a> {
    HoldReply {
        id: tag.hold(view.number),
        secret: None,
        state: state_name(view.state),
        origin: Some(origin_name(origin)),
        entry: entry.map(|entry| tag.entry(entry)),
        sequence: sequence.0,
        deadline_at: view.deadline_at.map(Rfc3339),
        life_ends_at: None,
        renewals: Some(view.renewals),
        total: lines.total(),
        quote: lines.quote(),
        lines,
    }
}

/// An order.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderReply<'a> {
    id: IdText,
    hold: IdText,
    #[schema(value_type = OrderStateName)]
    state: &'static str,
    sequence: u64,
    total: Money<'a>,
    /// Absent where the total is quantities times prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quote: Option<QuoteReply<'a>>,
    #[schema(value_type = Vec<LineReply>)]
    lines: Lines<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    grace_until: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PaymentName>, nullable = false)]
    payment: Option<&'static str>,
    tickets: Vec<TicketReply>,
}

/// A ticket.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct TicketReply {
    id: IdText,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    code: Option<TicketCode>,
    /// Position of its line in the order.
    line: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seat: Option<u32>,
    generation: u8,
    refunded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checked_in_at: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    gate: Option<u16>,
}

/// Names what belongs to an event, to someone who may see it.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) tag: EventTag,
    pub(crate) keys: &'a Keys,
    pub(crate) event: EventId,
    /// Whose tickets are shown with their codes; `None`: everyone's, to the organizer.
    pub(crate) holder: Option<Subject>,
}

impl Names<'_> {
    fn code(self, ticket: TicketRef, generation: u8) -> TicketCode {
        TicketCode::new(self.keys, self.event, ticket, generation)
    }
}

/// Where an order stands, and since when.
#[derive(Clone, Copy)]
pub(crate) struct OrderState {
    pub(crate) number: ClaimNumber,
    pub(crate) sequence: Sequence,
    pub(crate) state: &'static str,
    pub(crate) grace_until: Option<Timestamp>,
    pub(crate) payment: Option<PaymentKind>,
}

/// The name of an order's state; `None` for a hold that is no order.
pub(crate) fn order_state(state: ClaimState) -> Option<&'static str> {
    match state {
        ClaimState::PaymentInFlight => Some("pending"),
        ClaimState::Paid => Some("paid"),
        ClaimState::Refunded => Some("refunded"),
        ClaimState::RefundDue => Some("refund_due"),
        ClaimState::Held | ClaimState::Ended => None,
    }
}

/// An order whose payment has just begun: it has no tickets.
pub(crate) fn pending_order(tag: EventTag, order: OrderState, lines: Lines<'_>) -> OrderReply<'_> {
    reply(tag, order, lines, Vec::new())
}

/// An order as it was when it was confirmed: every ticket fresh.
pub(crate) fn confirmed_order<'a>(names: Names<'_>, order: OrderState, lines: Lines<'a>) -> OrderReply<'a> {
    let mut tickets = Vec::new();
    for (position, line) in (0..).zip(lines.lines) {
        for unit in 0..usize::from(line.quantity) {
            // An order has at most HOLD_UNITS_MAX tickets.
            let index = u16::try_from(tickets.len()).unwrap_or(u16::MAX);
            let ticket = TicketRef { order: order.number, index };
            tickets.push(TicketReply {
                id: names.tag.ticket(ticket),
                code: Some(names.code(ticket, 0)),
                line: position,
                seat: line.seats.get(unit).map(|seat| seat.0),
                generation: 0,
                refunded: false,
                checked_in_at: None,
                gate: None,
            });
        }
    }
    reply(names.tag, order, lines, tickets)
}

/// An order as its view shows it now.
pub(crate) fn order_view<'a>(
    names: Names<'_>,
    order: OrderState,
    view: &ClaimView,
    lines: Lines<'a>,
) -> OrderReply<'a> {
    let tickets =
        (0..).zip(&view.tickets).map(|(index, ticket)| ticket_reply(names, order.number, index, ticket));
    reply(names.tag, order, lines, tickets.collect())
}

/// An order as its projection shows it.
pub(crate) fn projected_order<'a>(names: Names<'_>, order: &'a Order, config: &'a Config) -> OrderReply<'a> {
    let state = match order.state {
        ProjectedState::Pending => "pending",
        ProjectedState::Paid => "paid",
        ProjectedState::PaymentFailed => "payment_failed",
        ProjectedState::Ended => "ended",
        ProjectedState::Refunded => "refunded",
        ProjectedState::RefundDue => "refund_due",
    };
    let pending = order.state == ProjectedState::Pending;
    let shown = OrderState {
        number: order.number,
        sequence: order.sequence,
        state,
        grace_until: pending.then_some(order.grace_until),
        payment: order.payment,
    };
    let tickets = order.tickets.iter().map(|one| ticket_reply(names, order.number, one.index, &one.ticket));
    let lines = Lines { lines: &order.lines, quote: order.quote.as_deref(), config };
    reply(names.tag, shown, lines, tickets.collect())
}

fn ticket_reply(names: Names<'_>, order: ClaimNumber, index: u16, ticket: &TicketView) -> TicketReply {
    let named = TicketRef { order, index };
    let shown = names.holder.is_none_or(|holder| holder == ticket.holder);
    TicketReply {
        id: names.tag.ticket(named),
        code: shown.then(|| names.code(named, ticket.generation)),
        line: ticket.line,
        seat: ticket.seat.map(|seat| seat.0),
        generation: ticket.generation,
        refunded: ticket.refunded,
        checked_in_at: ticket.checked_in.map(|(at, _)| Rfc3339(at)),
        gate: ticket.checked_in.map(|(_, gate)| gate),
    }
}

fn reply(tag: EventTag, order: OrderState, lines: Lines<'_>, tickets: Vec<TicketReply>) -> OrderReply<'_> {
    OrderReply {
        id: tag.order(order.number),
        hold: tag.hold(order.number),
        state: order.state,
        sequence: order.sequence.0,
        total: lines.total(),
        quote: lines.quote(),
        lines,
        grace_until: order.grace_until.map(Rfc3339),
        payment: order.payment.map(payment_name),
        tickets,
    }
}

/// The name of a way to pay.
pub(crate) const fn payment_name(payment: PaymentKind) -> &'static str {
    match payment {
        PaymentKind::Free => "free",
        PaymentKind::Offline => "offline",
        PaymentKind::Captured => "captured",
    }
}
