//! A hold or an order as its holder sees it, as a message, and back.

use prost::Message;
use tessera_inventory::{
    ClaimNumber, ClaimState, Line, Origin, PaymentKind, SeatIndex, Subject, TermsId, TicketTypeId,
    TicketView, Timestamp,
};
use tessera_records::RecordError;
use tessera_records::wide::{halves, narrow, put_seats, seats, whole};

use super::Word;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ClaimView {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(uint32, tag = "2")]
    state: u32,
    #[prost(fixed64, tag = "3")]
    subject_high: u64,
    #[prost(fixed64, tag = "4")]
    subject_low: u64,
    #[prost(uint64, optional, tag = "5")]
    deadline_at_ms: Option<u64>,
    #[prost(uint32, tag = "6")]
    renewals: u32,
    #[prost(uint32, tag = "7")]
    attempts: u32,
    #[prost(message, repeated, tag = "8")]
    lines: Vec<LineMessage>,
    /// Absent: not paid.
    #[prost(uint32, optional, tag = "9")]
    payment: Option<u32>,
    #[prost(message, repeated, tag = "10")]
    tickets: Vec<Ticket>,
    #[prost(sint64, optional, tag = "11")]
    quoted_minor: Option<i64>,
    #[prost(sint64, tag = "12")]
    refunded_minor: i64,
    #[prost(bool, tag = "13")]
    in_dispute: bool,
    /// Absent: settled, or said by a node that does not say it.
    #[prost(uint32, optional, tag = "14")]
    origin: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct LineMessage {
    #[prost(uint32, tag = "1")]
    ticket_type: u32,
    #[prost(uint32, tag = "2")]
    terms: u32,
    #[prost(uint32, tag = "3")]
    quantity: u32,
    #[prost(sint64, tag = "4")]
    price_minor: i64,
    /// The first index, then distances to the one before.
    #[prost(uint32, repeated, packed = "true", tag = "5")]
    seats: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Ticket {
    #[prost(uint32, tag = "1")]
    line: u32,
    #[prost(uint32, optional, tag = "2")]
    seat: Option<u32>,
    #[prost(fixed64, tag = "3")]
    holder_high: u64,
    #[prost(fixed64, tag = "4")]
    holder_low: u64,
    #[prost(uint32, tag = "5")]
    generation: u32,
    #[prost(bool, tag = "6")]
    refunded: bool,
    #[prost(message, optional, tag = "7")]
    checked_in: Option<Entry>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Entry {
    #[prost(uint64, tag = "1")]
    at_ms: u64,
    #[prost(uint32, tag = "2")]
    gate: u32,
}

/// The message that says `claim`.
pub(super) fn to_wire(claim: &tessera_inventory::ClaimView) -> ClaimView {
    let (subject_high, subject_low) = halves(claim.subject.0);
    ClaimView {
        number: claim.number.0,
        state: claim.state.word(),
        subject_high,
        subject_low,
        deadline_at_ms: claim.deadline_at.map(|at| at.0),
        renewals: claim.renewals.into(),
        attempts: claim.attempts.into(),
        lines: claim.lines.iter().map(line_to_wire).collect(),
        payment: claim.payment.map(Word::word),
        tickets: claim.tickets.iter().map(ticket_to_wire).collect(),
        quoted_minor: claim.quoted_minor,
        refunded_minor: claim.refunded_minor,
        in_dispute: claim.in_dispute,
        origin: claim.origin.map(Word::word),
    }
}

/// The claim that `message` says.
pub(super) fn from_wire(message: ClaimView) -> Result<Box<tessera_inventory::ClaimView>, RecordError> {
    Ok(Box::new(tessera_inventory::ClaimView {
        number: ClaimNumber(message.number),
        state: ClaimState::of_word(message.state)?,
        subject: Subject(whole(message.subject_high, message.subject_low)),
        deadline_at: message.deadline_at_ms.map(Timestamp),
        origin: message.origin.map(Origin::of_word).transpose()?,
        renewals: narrow(message.renewals, "renewals are at most 255")?,
        attempts: narrow(message.attempts, "attempts are at most 255")?,
        lines: message.lines.into_iter().map(line_from_wire).collect::<Result<_, _>>()?,
        payment: message.payment.map(PaymentKind::of_word).transpose()?,
        tickets: message.tickets.into_iter().map(ticket_from_wire).collect::<Result<_, _>>()?,
        quoted_minor: message.quoted_minor,
        refunded_minor: message.refunded_minor,
        in_dispute: message.in_dispute,
    }))
}

fn line_to_wire(line: &Line) -> LineMessage {
    let mut seats = Vec::new();
    put_seats(&mut seats, &line.seats);
    LineMessage {
        ticket_type: line.ticket_type.0.into(),
        terms: line.terms.0.into(),
        quantity: line.quantity.into(),
        price_minor: line.price_minor,
        seats,
    }
}

fn line_from_wire(line: LineMessage) -> Result<Line, RecordError> {
    Ok(Line {
        ticket_type: TicketTypeId(narrow(line.ticket_type, "a ticket type is at most 65535")?),
        terms: TermsId(narrow(line.terms, "terms are at most 65535")?),
        quantity: narrow(line.quantity, "a quantity is at most 65535")?,
        price_minor: line.price_minor,
        seats: seats(line.seats),
    })
}

fn ticket_to_wire(ticket: &TicketView) -> Ticket {
    let (holder_high, holder_low) = halves(ticket.holder.0);
    Ticket {
        line: ticket.line.into(),
        seat: ticket.seat.map(|seat| seat.0),
        holder_high,
        holder_low,
        generation: ticket.generation.into(),
        refunded: ticket.refunded,
        checked_in: ticket.checked_in.map(|(at, gate)| Entry { at_ms: at.0, gate: gate.into() }),
    }
}

fn ticket_from_wire(ticket: Ticket) -> Result<TicketView, RecordError> {
    Ok(TicketView {
        line: narrow(ticket.line, "a line is at most 65535")?,
        seat: ticket.seat.map(SeatIndex),
        holder: Subject(whole(ticket.holder_high, ticket.holder_low)),
        generation: narrow(ticket.generation, "a generation is at most 255")?,
        refunded: ticket.refunded,
        checked_in: ticket.checked_in.map(entry_from_wire).transpose()?,
    })
}

fn entry_from_wire(entry: Entry) -> Result<(Timestamp, u16), RecordError> {
    Ok((Timestamp(entry.at_ms), narrow(entry.gate, "a gate is at most 65535")?))
}
