//! An order as the projection knows it, and its row.

use prost::Message;
use tessera_inventory::{
    ClaimNumber, HoldPlaced, Line, PaymentKind, SeatIndex, Sequence, Subject, TermsId, TicketTypeId,
    TicketView, Timestamp,
};

use tessera_pricing::Quote;
use tessera_records::{decode_quote, encode_quote};
use tessera_store::StoreError;

use super::event_orders::EventOrders;
use crate::damage::damaged;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Its payment is in flight.
    Pending,
    /// Paid; at least one ticket is not refunded.
    Paid,
    /// Its last payment failed. The hold lives on until its deadline.
    PaymentFailed,
    /// It ended unpaid: its grace ran out, or the event was cancelled.
    Ended,
    /// Every ticket is refunded.
    Refunded,
    /// The event was cancelled; tickets that were paid wait for their refund.
    RefundDue,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub number: ClaimNumber,
    /// Who placed it.
    pub subject: Subject,
    /// Where it stands.
    pub state: OrderState,
    /// Payment attempts so far.
    pub attempt: u8,
    /// End of the grace of the last payment.
    pub grace_until: Timestamp,
    /// How it was paid, once it was.
    pub payment: Option<PaymentKind>,
    /// Units and frozen prices.
    pub lines: Vec<Line>,
    /// What they cost, line by line; `None`: quantities times prices.
    pub quote: Option<Box<Quote>>,
    /// Its tickets, once it is paid; in a list, those that the reader may see.
    pub tickets: Vec<OrderTicket>,
    /// Sequence of the last event that changed it.
    pub sequence: Sequence,
}

/// One ticket of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTicket {
    /// Position in the order, counted over its lines.
    pub index: u16,
    /// What it is.
    pub ticket: TicketView,
    /// Its last passage of a gate, where one is remembered.
    pub passage: Option<TicketPassage>,
}

/// A ticket that passed a gate. The largest (time, device, number) says whether it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TicketPassage {
    /// When.
    pub at: Timestamp,
    /// By which device; 0: online.
    pub device: u32,
    /// Among the scans of the device; 0 online.
    pub number: u64,
    /// Where.
    pub gate: u16,
    /// Whether in, or out.
    pub inward: bool,
}

impl OrderTicket {
    /// Lets it pass.
    pub(crate) fn pass(&mut self, passage: TicketPassage) {
        self.ticket.checked_in = passage.inward.then_some((passage.at, passage.gate));
        self.passage = Some(passage);
    }

    /// Lets it out without a trace.
    pub(crate) fn forget_passage(&mut self) {
        self.ticket.checked_in = None;
        self.passage = None;
    }

    /// Takes a passage that a device told of, unless a later one is known.
    pub(crate) fn pass_offline(&mut self, passage: TicketPassage) {
        let rank = |passage: TicketPassage| (passage.at, passage.device, passage.number);
        if self.passage.is_none_or(|known| rank(known) < rank(passage)) {
            self.pass(passage);
        }
    }
}

impl Order {
    /// What the buyer pays, in minor units: as it was quoted, or else units times frozen prices.
    #[must_use]
    pub fn total_minor(&self) -> i64 {
        if let Some(quote) = &self.quote {
            return quote.total_minor;
        }
        self.lines
            .iter()
            .map(|line| line.price_minor.saturating_mul(line.quantity.into()))
            .fold(0, i64::saturating_add)
    }

    /// The order that a hold becomes when its first payment begins.
    pub(crate) fn of_hold(number: ClaimNumber, hold: &HoldPlaced) -> Order {
        Order {
            number,
            subject: hold.subjects.primary,
            state: OrderState::Pending,
            attempt: 0,
            grace_until: hold.deadline_at,
            payment: None,
            lines: hold.lines.clone(),
            quote: hold.quote.clone(),
            tickets: Vec::new(),
            sequence: Sequence(number.0),
        }
    }

    /// The tickets that a payment makes of the lines.
    pub(crate) fn issue_tickets(&mut self) {
        let holder = self.subject;
        let unit = |line: u16, seat| TicketView {
            line,
            seat,
            holder,
            generation: 0,
            refunded: false,
            checked_in: None,
        };
        let units = (0..).zip(&self.lines).flat_map(|(position, line)| {
            (0..usize::from(line.quantity)).map(move |at| unit(position, line.seats.get(at).copied()))
        });
        let issued = |(index, ticket)| OrderTicket { index, ticket, passage: None };
        self.tickets = (0..).zip(units).map(issued).collect();
    }

    /// The state that a reader sees: the row keeps no state that follows from its tickets or from what happened to all
    /// orders of the event at once.
    pub(crate) fn derive_state(&mut self, of_event: &EventOrders) {
        self.state = match self.state {
            OrderState::Paid if self.tickets.iter().all(|each| each.ticket.refunded) => OrderState::Refunded,
            OrderState::Paid if of_event.cancelled => OrderState::RefundDue,
            OrderState::Pending if of_event.has_ended(self.grace_until, self.number) => OrderState::Ended,
            state => state,
        };
    }

    /// Whether `subject` holds a ticket of it.
    pub(crate) fn is_held_by(&self, subject: Subject) -> bool {
        self.tickets.iter().any(|each| each.ticket.holder == subject)
    }

    /// What `subject` may see: who did not place it sees its own tickets only.
    pub(crate) fn seen_by(mut self, subject: Subject) -> Order {
        if self.subject != subject {
            self.tickets.retain(|each| each.ticket.holder == subject);
        }
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let (subject_high, subject_low) = halves(self.subject);
        OrderRow {
            subject_high,
            subject_low,
            standing: standing(self.state).into(),
            attempt: self.attempt.into(),
            grace_until_ms: self.grace_until.0,
            payment: self.payment.map_or(PaymentWord::None, payment_word).into(),
            lines: self.lines.iter().map(line_row).collect(),
            tickets: self.tickets.iter().map(|each| ticket_row(each, self.subject)).collect(),
            sequence: self.sequence.0,
            quote: self.quote.as_deref().map(encode_quote),
        }
        .encode_to_vec()
    }

    pub(crate) fn decode(number: ClaimNumber, bytes: &[u8]) -> Result<Order, StoreError> {
        let unreadable = || damaged(format!("the row of order {} cannot be read", number.0));
        let row = OrderRow::decode(bytes).map_err(|_| unreadable())?;
        let lines: Option<Vec<Line>> = row.lines.iter().map(line).collect();
        let quote = row.quote.map(|bytes| decode_quote(&bytes).map(Box::new)).transpose();
        let mut order = Order {
            number,
            subject: subject(row.subject_high, row.subject_low),
            state: state(row.standing).ok_or_else(unreadable)?,
            attempt: row.attempt.try_into().map_err(|_| unreadable())?,
            grace_until: Timestamp(row.grace_until_ms),
            payment: payment(row.payment).ok_or_else(unreadable)?,
            lines: lines.ok_or_else(unreadable)?,
            quote: quote.map_err(|_| unreadable())?,
            tickets: Vec::new(),
            sequence: Sequence(row.sequence),
        };
        if !row.tickets.is_empty() {
            order.issue_tickets();
            if order.tickets.len() != row.tickets.len() {
                return Err(unreadable());
            }
            for (each, row) in order.tickets.iter_mut().zip(&row.tickets) {
                read_ticket(each, row).ok_or_else(unreadable)?;
            }
        }
        Ok(order)
    }
}

#[derive(Clone, PartialEq, Message)]
struct OrderRow {
    #[prost(fixed64, tag = "1")]
    subject_high: u64,
    #[prost(fixed64, tag = "2")]
    subject_low: u64,
    #[prost(enumeration = "Standing", tag = "3")]
    standing: i32,
    #[prost(uint32, tag = "4")]
    attempt: u32,
    #[prost(uint64, tag = "5")]
    grace_until_ms: u64,
    #[prost(enumeration = "PaymentWord", tag = "6")]
    payment: i32,
    #[prost(message, repeated, tag = "7")]
    lines: Vec<LineRow>,
    /// As many as units in the lines once it is paid; none before.
    #[prost(message, repeated, tag = "8")]
    tickets: Vec<TicketRow>,
    #[prost(uint64, tag = "9")]
    sequence: u64,
    /// As a record has it.
    #[prost(bytes = "vec", optional, tag = "10")]
    quote: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct LineRow {
    #[prost(uint32, tag = "1")]
    ticket_type: u32,
    #[prost(uint32, tag = "2")]
    terms: u32,
    #[prost(uint32, tag = "3")]
    quantity: u32,
    #[prost(sint64, tag = "4")]
    price_minor: i64,
    #[prost(uint32, repeated, tag = "5")]
    seats: Vec<u32>,
}

/// What of a ticket does not follow from the lines.
#[derive(Clone, Copy, PartialEq, Message)]
struct TicketRow {
    #[prost(message, optional, tag = "1")]
    holder: Option<HolderRow>,
    #[prost(uint32, tag = "2")]
    generation: u32,
    #[prost(bool, tag = "3")]
    refunded: bool,
    #[prost(uint64, optional, tag = "4")]
    checked_in_at_ms: Option<u64>,
    #[prost(uint32, tag = "5")]
    gate: u32,
    /// Instead of `checked_in_at_ms`, for a way out.
    #[prost(uint64, optional, tag = "6")]
    checked_out_at_ms: Option<u64>,
    /// Which told of the passage; 0: none, it was online.
    #[prost(uint32, tag = "7")]
    device: u32,
    /// Among the scans of the device.
    #[prost(uint64, tag = "8")]
    number: u64,
}

/// Who holds a ticket, where it is not who placed the order.
#[derive(Clone, Copy, PartialEq, Message)]
struct HolderRow {
    #[prost(fixed64, tag = "1")]
    high: u64,
    #[prost(fixed64, tag = "2")]
    low: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
enum Standing {
    Unspecified = 0,
    Pending = 1,
    Paid = 2,
    PaymentFailed = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
enum PaymentWord {
    None = 0,
    Free = 1,
    Offline = 2,
    Captured = 3,
}

#[allow(clippy::cast_possible_truncation)] // Both halves are cut out on purpose.
const fn halves(subject: Subject) -> (u64, u64) {
    ((subject.0 >> 64) as u64, subject.0 as u64)
}

const fn subject(high: u64, low: u64) -> Subject {
    Subject(((high as u128) << 64) | low as u128)
}

const fn standing(state: OrderState) -> Standing {
    match state {
        OrderState::Pending | OrderState::Ended => Standing::Pending,
        OrderState::Paid | OrderState::Refunded | OrderState::RefundDue => Standing::Paid,
        OrderState::PaymentFailed => Standing::PaymentFailed,
    }
}

fn state(standing: i32) -> Option<OrderState> {
    match Standing::try_from(standing).ok()? {
        Standing::Unspecified => None,
        Standing::Pending => Some(OrderState::Pending),
        Standing::Paid => Some(OrderState::Paid),
        Standing::PaymentFailed => Some(OrderState::PaymentFailed),
    }
}

const fn payment_word(kind: PaymentKind) -> PaymentWord {
    match kind {
        PaymentKind::Free => PaymentWord::Free,
        PaymentKind::Offline => PaymentWord::Offline,
        PaymentKind::Captured => PaymentWord::Captured,
    }
}

#[allow(clippy::option_option)] // Outside: whether the word is known. Inside: whether the order is paid.
fn payment(word: i32) -> Option<Option<PaymentKind>> {
    Some(match PaymentWord::try_from(word).ok()? {
        PaymentWord::None => None,
        PaymentWord::Free => Some(PaymentKind::Free),
        PaymentWord::Offline => Some(PaymentKind::Offline),
        PaymentWord::Captured => Some(PaymentKind::Captured),
    })
}

fn line_row(line: &Line) -> LineRow {
    LineRow {
        ticket_type: line.ticket_type.0.into(),
        terms: line.terms.0.into(),
        quantity: line.quantity.into(),
        price_minor: line.price_minor,
        seats: line.seats.iter().map(|seat| seat.0).collect(),
    }
}

fn line(row: &LineRow) -> Option<Line> {
    Some(Line {
        ticket_type: TicketTypeId(row.ticket_type.try_into().ok()?),
        terms: TermsId(row.terms.try_into().ok()?),
        quantity: row.quantity.try_into().ok()?,
        price_minor: row.price_minor,
        seats: row.seats.iter().map(|&seat| SeatIndex(seat)).collect(),
    })
}

fn ticket_row(each: &OrderTicket, placed_by: Subject) -> TicketRow {
    let ticket = &each.ticket;
    let (high, low) = halves(ticket.holder);
    let passed = each.passage.unwrap_or_default();
    let at_ms =
        |inward: bool| each.passage.filter(|passed| passed.inward == inward).map(|passed| passed.at.0);
    TicketRow {
        holder: (ticket.holder != placed_by).then_some(HolderRow { high, low }),
        generation: ticket.generation.into(),
        refunded: ticket.refunded,
        checked_in_at_ms: at_ms(true),
        gate: passed.gate.into(),
        checked_out_at_ms: at_ms(false),
        device: passed.device,
        number: passed.number,
    }
}

fn read_ticket(each: &mut OrderTicket, row: &TicketRow) -> Option<()> {
    let ticket = &mut each.ticket;
    if let Some(holder) = row.holder {
        ticket.holder = subject(holder.high, holder.low);
    }
    ticket.generation = row.generation.try_into().ok()?;
    ticket.refunded = row.refunded;
    let gate = row.gate.try_into().ok()?;
    let inward = row.checked_in_at_ms.is_some();
    if let Some(at) = row.checked_in_at_ms.or(row.checked_out_at_ms) {
        let (at, device, number) = (Timestamp(at), row.device, row.number);
        each.pass(TicketPassage { at, device, number, gate, inward });
    }
    Some(())
}
