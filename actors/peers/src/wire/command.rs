//! A command as a message, and back.

use std::num::NonZeroU16;

use bytes::Bytes;
use prost::Message;
use tessera_inventory::{
    Authority, ChannelId, ClaimNumber, CommandBody, Dispute, EntryNumber, Event, EventBody, IdempotencyKey,
    Payment, Phase, PoolId, ProviderId, RefundAmount, RefundReason, RefundedUnits, Sequence, SoldLate,
    Subject, TicketRef, Timestamp, Units,
};
use tessera_records::wide::{halves, narrow, narrow_option, put_seats, put_subjects, seats, subjects, whole};
use tessera_records::{RecordError, decode_config, decode_record, encode_config, encode_record};

use super::{Word, hold, malformed, scans, waitlist};

const ATTEMPT: &str = "an attempt is at most 255";

#[derive(Clone, PartialEq, Message)]
pub(super) struct Command {
    /// 1: a subject, 2: a secret's, 3: the organizer, 4: a scanner, 5: the system.
    #[prost(uint32, tag = "1")]
    authority: u32,
    #[prost(fixed64, tag = "2")]
    subject_high: u64,
    #[prost(fixed64, tag = "3")]
    subject_low: u64,
    #[prost(message, optional, tag = "4")]
    key: Option<Key>,
    #[prost(
        oneof = "Body",
        tags = "5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 40, 41, 42, 43"
    )]
    body: Option<Body>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Key {
    #[prost(fixed64, tag = "1")]
    digest_high: u64,
    #[prost(fixed64, tag = "2")]
    digest_low: u64,
    #[prost(fixed64, tag = "3")]
    fingerprint: u64,
    #[prost(uint64, optional, tag = "4")]
    minted_at_ms: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Body {
    #[prost(message, tag = "5")]
    Configure(Configure),
    #[prost(uint32, tag = "6")]
    ChangePhase(u32),
    #[prost(message, tag = "7")]
    PlaceHold(hold::PlaceHold),
    #[prost(uint64, tag = "8")]
    RenewHold(u64),
    #[prost(uint64, tag = "9")]
    ReleaseHold(u64),
    #[prost(message, tag = "10")]
    BeginPayment(BeginPayment),
    #[prost(message, tag = "11")]
    PaymentFailed(PaymentFailed),
    #[prost(message, tag = "12")]
    Confirm(Confirm),
    #[prost(message, tag = "13")]
    RefundTickets(RefundTickets),
    #[prost(message, tag = "14")]
    Kill(UnitsMessage),
    #[prost(message, tag = "15")]
    Restore(UnitsMessage),
    #[prost(uint32, tag = "16")]
    ReleaseChannel(u32),
    #[prost(message, tag = "17")]
    TransferTicket(TransferTicket),
    #[prost(message, tag = "18")]
    CheckIn(Passage),
    #[prost(message, tag = "19")]
    CheckOut(Passage),
    #[prost(message, tag = "20")]
    SellLate(SellLate),
    #[prost(message, tag = "21")]
    SetDispute(SetDispute),
    #[prost(message, tag = "40")]
    ReissueTicket(scans::Ticket),
    #[prost(message, tag = "41")]
    RecordScans(scans::RecordScans),
    #[prost(message, tag = "42")]
    JoinWaitlist(waitlist::JoinWaitlist),
    #[prost(uint64, tag = "43")]
    LeaveWaitlist(u64),
}

#[derive(Clone, PartialEq, Message)]
struct Configure {
    #[prost(uint32, tag = "1")]
    expected_version: u32,
    #[prost(bytes = "bytes", tag = "2")]
    config: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct BeginPayment {
    #[prost(uint64, tag = "1")]
    hold: u64,
    /// High, low, high, low …
    #[prost(fixed64, repeated, packed = "true", tag = "2")]
    extra_subjects: Vec<u64>,
    /// 0: the organizer.
    #[prost(uint32, tag = "3")]
    provider: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PaymentFailed {
    #[prost(uint64, tag = "1")]
    order: u64,
    #[prost(uint32, optional, tag = "2")]
    attempt: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct Confirm {
    #[prost(uint64, tag = "1")]
    order: u64,
    #[prost(uint32, tag = "2")]
    payment: u32,
    #[prost(fixed64, tag = "3")]
    reference_high: u64,
    #[prost(fixed64, tag = "4")]
    reference_low: u64,
    #[prost(uint32, optional, tag = "5")]
    attempt: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct RefundTickets {
    #[prost(uint64, tag = "1")]
    order: u64,
    #[prost(uint32, repeated, packed = "true", tag = "2")]
    tickets: Vec<u32>,
    #[prost(uint32, tag = "3")]
    units: u32,
    /// Absent: all of it.
    #[prost(sint64, optional, tag = "4")]
    amount_minor: Option<i64>,
    /// See `tessera_inventory::RefundReason`.
    #[prost(uint32, tag = "5")]
    reason: u32,
}

#[derive(Clone, PartialEq, Message)]
struct SellLate {
    /// The record of the sale as it would be logged at time 0.
    #[prost(bytes = "bytes", tag = "1")]
    sale: Bytes,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct SetDispute {
    #[prost(uint64, tag = "1")]
    order: u64,
    #[prost(uint32, tag = "2")]
    dispute: u32,
}

#[derive(Clone, PartialEq, Message)]
struct UnitsMessage {
    /// Present: `quantity` of this pool. Absent: `seats`.
    #[prost(uint32, optional, tag = "1")]
    pool: Option<u32>,
    #[prost(uint32, tag = "2")]
    quantity: u32,
    #[prost(uint32, repeated, packed = "true", tag = "3")]
    seats: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct TransferTicket {
    #[prost(uint64, tag = "1")]
    order: u64,
    #[prost(uint32, tag = "2")]
    index: u32,
    #[prost(fixed64, tag = "3")]
    to_high: u64,
    #[prost(fixed64, tag = "4")]
    to_low: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Passage {
    #[prost(uint64, tag = "1")]
    order: u64,
    #[prost(uint32, tag = "2")]
    index: u32,
    #[prost(uint32, tag = "3")]
    generation: u32,
    #[prost(uint32, tag = "4")]
    gate: u32,
}

/// The message that says `command`.
pub(super) fn to_wire(command: &tessera_inventory::Command) -> Command {
    let (authority, subject) = match command.authority {
        Authority::Subject(subject) => (1, subject.0),
        Authority::Secret(subject) => (2, subject.0),
        Authority::Organizer => (3, 0),
        Authority::Scanner => (4, 0),
        Authority::System => (5, 0),
    };
    let (subject_high, subject_low) = halves(subject);
    let key = command.key.map(|key| {
        let (digest_high, digest_low) = halves(key.digest);
        let minted_at_ms = key.minted_at.map(|at| at.0);
        Key { digest_high, digest_low, fingerprint: key.fingerprint, minted_at_ms }
    });
    Command { authority, subject_high, subject_low, key, body: Some(body_to_wire(&command.body)) }
}

/// The command that `message` says.
pub(super) fn from_wire(message: Command) -> Result<tessera_inventory::Command, RecordError> {
    let subject = Subject(whole(message.subject_high, message.subject_low));
    let authority = match message.authority {
        1 => Authority::Subject(subject),
        2 => Authority::Secret(subject),
        3 => Authority::Organizer,
        4 => Authority::Scanner,
        5 => Authority::System,
        _ => return Err(malformed("a command is asked by a known right")),
    };
    let key = message.key.map(|key| IdempotencyKey {
        digest: whole(key.digest_high, key.digest_low),
        fingerprint: key.fingerprint,
        minted_at: key.minted_at_ms.map(Timestamp),
    });
    let body = body_from_wire(message.body.ok_or(malformed("a command has a body of a known kind"))?)?;
    Ok(tessera_inventory::Command { authority, key, body })
}

fn body_to_wire(body: &CommandBody) -> Body {
    match body {
        CommandBody::Configure { expected_version, config } => Body::Configure(Configure {
            expected_version: *expected_version,
            config: encode_config(config).into(),
        }),
        CommandBody::ChangePhase { to } => Body::ChangePhase(to.word()),
        CommandBody::PlaceHold(place) => Body::PlaceHold(hold::to_wire(place)),
        CommandBody::RenewHold { hold } => Body::RenewHold(hold.0),
        CommandBody::ReleaseHold { hold } => Body::ReleaseHold(hold.0),
        CommandBody::BeginPayment { hold, provider, extra_subjects: extra } => {
            let mut extra_subjects = Vec::new();
            put_subjects(&mut extra_subjects, extra);
            let provider = provider.map_or(0, |provider| provider.0.get().into());
            Body::BeginPayment(BeginPayment { hold: hold.0, extra_subjects, provider })
        }
        CommandBody::PaymentFailed { order, attempt } => {
            Body::PaymentFailed(PaymentFailed { order: order.0, attempt: attempt.map(Into::into) })
        }
        CommandBody::Confirm { order, payment, attempt } => {
            let attempt = attempt.map(Into::into);
            Body::Confirm(Confirm { attempt, ..confirm(*order, *payment) })
        }
        CommandBody::RefundTickets { order, tickets, amount, reason, units } => {
            Body::RefundTickets(RefundTickets {
                order: order.0,
                tickets: tickets.iter().map(|&index| index.into()).collect(),
                units: units.word(),
                amount_minor: match amount {
                    RefundAmount::Full => None,
                    RefundAmount::Minor(amount_minor) => Some(*amount_minor),
                },
                reason: u32::from(*reason as u8),
            })
        }
        CommandBody::SellLate(sale) => Body::SellLate(SellLate { sale: sale_to_wire(sale) }),
        CommandBody::SetDispute { order, dispute } => {
            Body::SetDispute(SetDispute { order: order.0, dispute: dispute.word() })
        }
        CommandBody::Kill(units) => Body::Kill(units_to_wire(units)),
        CommandBody::Restore(units) => Body::Restore(units_to_wire(units)),
        CommandBody::ReleaseChannel { channel } => Body::ReleaseChannel(channel.0.into()),
        CommandBody::TransferTicket { ticket, to } => {
            let (to_high, to_low) = halves(to.0);
            let (order, index) = (ticket.order.0, ticket.index.into());
            Body::TransferTicket(TransferTicket { order, index, to_high, to_low })
        }
        CommandBody::CheckIn { ticket, generation, gate } => {
            Body::CheckIn(passage(*ticket, *generation, *gate))
        }
        CommandBody::CheckOut { ticket, generation, gate } => {
            Body::CheckOut(passage(*ticket, *generation, *gate))
        }
        CommandBody::ReissueTicket { ticket } => Body::ReissueTicket(scans::Ticket::of(*ticket)),
        CommandBody::RecordScans { device, scans } => Body::RecordScans(scans::to_wire(*device, scans)),
        CommandBody::JoinWaitlist(join) => Body::JoinWaitlist(waitlist::to_wire(join)),
        CommandBody::LeaveWaitlist { entry } => Body::LeaveWaitlist(entry.0),
    }
}

fn body_from_wire(body: Body) -> Result<CommandBody, RecordError> {
    Ok(match body {
        Body::Configure(configure) => CommandBody::Configure {
            expected_version: configure.expected_version,
            config: decode_config(&configure.config)?.into(),
        },
        Body::ChangePhase(to) => CommandBody::ChangePhase { to: Phase::of_word(to)? },
        Body::PlaceHold(place) => CommandBody::PlaceHold(hold::from_wire(place)?),
        Body::RenewHold(hold) => CommandBody::RenewHold { hold: ClaimNumber(hold) },
        Body::ReleaseHold(hold) => CommandBody::ReleaseHold { hold: ClaimNumber(hold) },
        Body::BeginPayment(begin) => CommandBody::BeginPayment {
            hold: ClaimNumber(begin.hold),
            provider: NonZeroU16::new(narrow(begin.provider, "a provider is at most 65535")?).map(ProviderId),
            extra_subjects: subjects(&begin.extra_subjects)?,
        },
        Body::PaymentFailed(failed) => CommandBody::PaymentFailed {
            order: ClaimNumber(failed.order),
            attempt: narrow_option(failed.attempt, ATTEMPT)?,
        },
        Body::Confirm(confirm) => CommandBody::Confirm {
            order: ClaimNumber(confirm.order),
            payment: payment(&confirm)?,
            attempt: narrow_option(confirm.attempt, ATTEMPT)?,
        },
        Body::RefundTickets(refund) => CommandBody::RefundTickets {
            order: ClaimNumber(refund.order),
            tickets: refund.tickets.into_iter().map(index).collect::<Result<_, _>>()?,
            units: RefundedUnits::of_word(refund.units)?,
            amount: refund.amount_minor.map_or(RefundAmount::Full, RefundAmount::Minor),
            reason: reason(refund.reason)?,
        },
        Body::SellLate(SellLate { sale }) => CommandBody::SellLate(Box::new(sale_from_wire(&sale)?)),
        Body::SetDispute(SetDispute { order, dispute }) => {
            CommandBody::SetDispute { order: ClaimNumber(order), dispute: Dispute::of_word(dispute)? }
        }
        Body::Kill(units) => CommandBody::Kill(units_from_wire(units)?),
        Body::Restore(units) => CommandBody::Restore(units_from_wire(units)?),
        Body::ReleaseChannel(channel) => {
            CommandBody::ReleaseChannel { channel: ChannelId(narrow(channel, "a channel is at most 255")?) }
        }
        Body::TransferTicket(transfer) => CommandBody::TransferTicket {
            ticket: ticket(transfer.order, transfer.index)?,
            to: Subject(whole(transfer.to_high, transfer.to_low)),
        },
        Body::CheckIn(passage) => {
            let (ticket, generation, gate) = passed(&passage)?;
            CommandBody::CheckIn { ticket, generation, gate }
        }
        Body::CheckOut(passage) => {
            let (ticket, generation, gate) = passed(&passage)?;
            CommandBody::CheckOut { ticket, generation, gate }
        }
        Body::ReissueTicket(of) => CommandBody::ReissueTicket { ticket: ticket(of.order, of.index)? },
        Body::RecordScans(record) => scans::from_wire(&record)?,
        Body::JoinWaitlist(join) => CommandBody::JoinWaitlist(waitlist::from_wire(&join)?),
        Body::LeaveWaitlist(entry) => CommandBody::LeaveWaitlist { entry: EntryNumber(entry) },
    })
}

/// A late sale is written as the event that it becomes.
fn sale_to_wire(sale: &tessera_inventory::SellLate) -> Bytes {
    let sold =
        SoldLate { order: sale.order, hold: sale.hold.clone(), payment: sale.payment, attempt: sale.attempt };
    let event = Event { at: Timestamp(0), key: None, body: EventBody::SoldLate(Box::new(sold)) };
    let mut bytes = Vec::new();
    encode_record(Sequence(1), &[event], &mut bytes);
    bytes.into()
}

fn sale_from_wire(bytes: &[u8]) -> Result<tessera_inventory::SellLate, RecordError> {
    let mut events = decode_record(bytes)?.events.into_iter();
    match (events.next().map(|event| event.body), events.next()) {
        (Some(EventBody::SoldLate(sold)), None) => {
            let SoldLate { order, hold, payment, attempt } = *sold;
            Ok(tessera_inventory::SellLate { order, hold, payment, attempt })
        }
        _ => Err(malformed("a late sale is the record of one")),
    }
}

fn reason(number: u32) -> Result<RefundReason, RecordError> {
    let known = u8::try_from(number).ok().and_then(RefundReason::of);
    known.ok_or(malformed("money is given back for a known reason"))
}

fn confirm(order: ClaimNumber, payment: Payment) -> Confirm {
    let reference = match payment {
        Payment::Captured { reference } => reference,
        Payment::Free | Payment::Offline => 0,
    };
    let (reference_high, reference_low) = halves(reference);
    let payment = payment.kind().word();
    Confirm { order: order.0, payment, reference_high, reference_low, attempt: None }
}

fn payment(confirm: &Confirm) -> Result<Payment, RecordError> {
    Ok(match tessera_inventory::PaymentKind::of_word(confirm.payment)? {
        tessera_inventory::PaymentKind::Free => Payment::Free,
        tessera_inventory::PaymentKind::Offline => Payment::Offline,
        tessera_inventory::PaymentKind::Captured => {
            Payment::Captured { reference: whole(confirm.reference_high, confirm.reference_low) }
        }
    })
}

fn units_to_wire(units: &Units) -> UnitsMessage {
    match units {
        Units::Pool { pool, quantity } => {
            UnitsMessage { pool: Some(pool.0.into()), quantity: *quantity, seats: Vec::new() }
        }
        Units::Seats(seats) => {
            let mut message = UnitsMessage::default();
            put_seats(&mut message.seats, seats);
            message
        }
    }
}

fn units_from_wire(units: UnitsMessage) -> Result<Units, RecordError> {
    match units.pool {
        Some(_) if !units.seats.is_empty() => Err(malformed("units are of a pool or seats, not both")),
        Some(pool) => Ok(Units::Pool {
            pool: PoolId(narrow(pool, "a pool is at most 65535")?),
            quantity: units.quantity,
        }),
        None => Ok(Units::Seats(seats(units.seats))),
    }
}

fn index(index: u32) -> Result<u16, RecordError> {
    narrow(index, "a ticket's position is at most 65535")
}

pub(super) fn ticket(order: u64, position: u32) -> Result<TicketRef, RecordError> {
    Ok(TicketRef { order: ClaimNumber(order), index: index(position)? })
}

fn passage(ticket: TicketRef, generation: u8, gate: u16) -> Passage {
    Passage {
        order: ticket.order.0,
        index: ticket.index.into(),
        generation: generation.into(),
        gate: gate.into(),
    }
}

fn passed(passage: &Passage) -> Result<(TicketRef, u8, u16), RecordError> {
    let generation = narrow(passage.generation, "a generation is at most 255")?;
    Ok((ticket(passage.order, passage.index)?, generation, narrow(passage.gate, "a gate is at most 65535")?))
}
