//! Messages to domain: everything that no event can say is refused, nothing panics.

use std::{num::NonZeroU16, sync::Arc};

use tessera_inventory::{
    ChannelId, Charge, ClaimNumber, Dispute, EntryNumber, Event, EventBody, HoldPlaced, KeyMark, Line,
    Origin, Payment, Phase, PoolId, ProviderId, RefundReason, RefundedUnits, SoldLate, Subject, Subjects,
    TermsId, TicketRef, TicketTypeId, Timestamp, Units,
};

use crate::{
    RecordError, config, entry,
    error::malformed,
    quote, waitlist,
    wide::{at_after, narrow, narrow_option, seats, subjects, whole},
    wire::{self, Body},
};

const ATTEMPT: &str = "an attempt is at most 255";

/// The event that `message` says, whose predecessor in the record happened at `before`.
pub(crate) fn event(message: wire::Event, before: Timestamp) -> Result<Event, RecordError> {
    let at = Timestamp(before.0.wrapping_add(message.later_ms));
    let key = message
        .key
        .map(|key| KeyMark { digest: whole(key.digest_high, key.digest_low), fingerprint: key.fingerprint });
    let body = body(message.body.ok_or(malformed("an event has a body of a known kind"))?, at)?;
    Ok(Event { at, key, body })
}

fn body(body: Body, at: Timestamp) -> Result<EventBody, RecordError> {
    Ok(match body {
        Body::HoldPlaced(hold) => EventBody::HoldPlaced(hold_placed(hold, at)?),
        Body::HoldReleased(claim) => EventBody::HoldReleased { hold: ClaimNumber(claim.number) },
        Body::HoldRenewed(renewed) => EventBody::HoldRenewed {
            hold: ClaimNumber(renewed.hold),
            deadline_at: at_after(at, renewed.deadline_after_ms),
        },
        Body::Expired(expired) => EventBody::Expired {
            through: (
                at_after(at, expired.through_before_ms.wrapping_neg()),
                ClaimNumber(expired.through_number),
            ),
            count: expired.count,
        },
        Body::PaymentBegun(begun) => payment_begun(&begun, at)?,
        Body::PaymentFailed(failed) => EventBody::PaymentFailed {
            order: ClaimNumber(failed.number),
            attempt: narrow_option(failed.attempt, ATTEMPT)?,
        },
        Body::Confirmed(confirmed) => EventBody::Confirmed {
            order: ClaimNumber(confirmed.order),
            payment: payment(confirmed)?,
            attempt: narrow_option(confirmed.attempt, ATTEMPT)?,
        },
        Body::CheckedIn(passage) => {
            let (ticket, gate) = ticket_and_gate(passage)?;
            EventBody::CheckedIn { ticket, gate, list: entry::list_from_wire(passage.list)? }
        }
        Body::CheckedOut(passage) => {
            let (ticket, gate) = ticket_and_gate(passage)?;
            let list = entry::list_from_wire(passage.list)?;
            EventBody::CheckedOut { ticket, gate, list, stamped: passage.stamped }
        }
        Body::TicketReissued(reissued) => EventBody::TicketReissued {
            ticket: ticket(reissued.order, reissued.index)?,
            generation: narrow(reissued.generation, "a generation is at most 255")?,
        },
        Body::ScansRecorded(record) => EventBody::ScansRecorded(entry::from_wire(&record, at)?),
        Body::TicketTransferred(transferred) => ticket_transferred(&transferred)?,
        Body::TicketsRefunded(refunded) => tickets_refunded(&refunded)?,
        Body::SoldLate(sold) => EventBody::SoldLate(Box::new(sold_late(*sold, at)?)),
        Body::OrderDisputed(disputed) => order_disputed(&disputed)?,
        Body::UnitsKilled(killed) => EventBody::UnitsKilled(units(killed)?),
        Body::UnitsRestored(restored) => EventBody::UnitsRestored(units(restored)?),
        Body::Configured(configured) => configured_body(*configured)?,
        Body::PhaseChanged(changed) => EventBody::PhaseChanged { to: phase(changed.to)? },
        Body::ChannelReleased(released) => EventBody::ChannelReleased {
            channel: ChannelId(narrow(released.channel, "a channel is at most 255")?),
        },
        Body::SaleWindowChanged(changed) => EventBody::SaleWindowChanged {
            ticket_type: TicketTypeId(narrow(changed.ticket_type, "a ticket type is at most 65535")?),
            open: changed.open,
        },
        Body::WaitlistJoined(joined) => waitlist::joined_from_wire(&joined)?,
        Body::WaitlistLeft(left) => waitlist::left_from_wire(left)?,
        Body::WaitlistPatienceEnded(ended) => EventBody::WaitlistPatienceEnded {
            ticket_type: TicketTypeId(narrow(ended.ticket_type, "a ticket type is at most 65535")?),
        },
    })
}

fn payment_begun(begun: &wire::PaymentBegun, at: Timestamp) -> Result<EventBody, RecordError> {
    Ok(EventBody::PaymentBegun {
        order: ClaimNumber(begun.order),
        grace_until: at_after(at, begun.grace_after_ms),
        attempt: narrow(begun.attempt, ATTEMPT)?,
        extra_subjects: subjects(&begun.extra_subjects)?,
        charge: charge(begun)?,
    })
}

fn hold_placed(hold: wire::HoldPlaced, at: Timestamp) -> Result<HoldPlaced, RecordError> {
    let origin = match wire::Origin::try_from(hold.origin) {
        Ok(wire::Origin::Direct) => Origin::Direct,
        Ok(wire::Origin::Offer) => Origin::Offer,
        Err(_) => return Err(malformed("a hold has a known origin")),
    };
    let deadline_at = at_after(at, hold.deadline_after_ms);
    Ok(HoldPlaced {
        subjects: Subjects {
            primary: Subject(whole(hold.subject_high, hold.subject_low)),
            extra: subjects(&hold.extra_subjects)?,
        },
        deadline_at,
        life_ends_at: at_after(deadline_at, hold.life_after_ms),
        channel: narrow_option(hold.channel, "a channel is at most 255")?.map(ChannelId),
        origin,
        // In place: the messages' memory becomes the lines'.
        lines: hold.lines.into_iter().map(line).collect::<Result<_, _>>()?,
        quote: hold.quote.map(|message| quote::from_wire(&message).map(Box::new)).transpose()?,
        entry: hold.entry.map(EntryNumber),
    })
}

fn line(line: wire::Line) -> Result<Line, RecordError> {
    Ok(Line {
        ticket_type: TicketTypeId(narrow(line.ticket_type, "a ticket type is at most 65535")?),
        terms: TermsId(narrow(line.terms, "terms are at most 65535")?),
        quantity: narrow(line.quantity, "a quantity is at most 65535")?,
        price_minor: line.price_minor,
        seats: seats(line.seats),
    })
}

/// Both or neither.
fn charge(begun: &wire::PaymentBegun) -> Result<Option<Charge>, RecordError> {
    let provider = narrow(begun.provider, "a provider is at most 65535")?;
    match (NonZeroU16::new(provider), begun.amount_minor) {
        (None, 0) => Ok(None),
        (Some(provider), amount_minor) if amount_minor != 0 => {
            Ok(Some(Charge { provider: ProviderId(provider), amount_minor }))
        }
        _ => Err(malformed("a provider takes an amount, and an amount is taken by a provider")),
    }
}

fn payment(confirmed: wire::Confirmed) -> Result<Payment, RecordError> {
    match wire::Payment::try_from(confirmed.payment) {
        Ok(wire::Payment::Free) => Ok(Payment::Free),
        Ok(wire::Payment::Offline) => Ok(Payment::Offline),
        Ok(wire::Payment::Captured) => {
            Ok(Payment::Captured { reference: whole(confirmed.reference_high, confirmed.reference_low) })
        }
        Ok(wire::Payment::Unspecified) | Err(_) => Err(malformed("an order is paid in a known way")),
    }
}

fn ticket(order: u64, index: u32) -> Result<TicketRef, RecordError> {
    Ok(TicketRef { order: ClaimNumber(order), index: narrow(index, "a ticket's position is at most 65535")? })
}

fn ticket_and_gate(passage: wire::Passage) -> Result<(TicketRef, u16), RecordError> {
    Ok((ticket(passage.order, passage.index)?, narrow(passage.gate, "a gate is at most 65535")?))
}

fn tickets_refunded(refunded: &wire::TicketsRefunded) -> Result<EventBody, RecordError> {
    let units = match wire::RefundedUnits::try_from(refunded.units) {
        Ok(wire::RefundedUnits::Restock) => RefundedUnits::Restock,
        Ok(wire::RefundedUnits::Kill) => RefundedUnits::Kill,
        Ok(wire::RefundedUnits::Unspecified) | Err(_) => {
            return Err(malformed("refunded units have a known destination"));
        }
    };
    let reason = u8::try_from(refunded.reason).ok().and_then(RefundReason::of);
    Ok(EventBody::TicketsRefunded {
        order: ClaimNumber(refunded.order),
        tickets: positions(&refunded.tickets)?,
        units,
        amount_minor: refunded.amount_minor,
        reason: reason.ok_or(malformed("money is given back for a known reason"))?,
    })
}

fn positions(tickets: &[u32]) -> Result<Vec<u16>, RecordError> {
    tickets.iter().map(|&index| narrow(index, "a ticket's position is at most 65535")).collect()
}

fn sold_late(sold: wire::SoldLate, at: Timestamp) -> Result<SoldLate, RecordError> {
    let hold = sold.hold.ok_or(malformed("a late sale says what is sold"))?;
    let paid = wire::Confirmed {
        payment: sold.payment,
        reference_high: sold.reference_high,
        reference_low: sold.reference_low,
        ..wire::Confirmed::default()
    };
    Ok(SoldLate {
        order: ClaimNumber(sold.order),
        hold: hold_placed(hold, at)?,
        payment: payment(paid)?,
        attempt: narrow(sold.attempt, ATTEMPT)?,
    })
}

fn ticket_transferred(transferred: &wire::TicketTransferred) -> Result<EventBody, RecordError> {
    let from = match (transferred.from_high, transferred.from_low) {
        (Some(high), Some(low)) => Some(Subject(whole(high, low))),
        (None, None) => None,
        _ => return Err(malformed("who gave a ticket away is two halves")),
    };
    Ok(EventBody::TicketTransferred {
        ticket: ticket(transferred.order, transferred.index)?,
        to: Subject(whole(transferred.to_high, transferred.to_low)),
        generation: narrow(transferred.generation, "a generation is at most 255")?,
        from,
    })
}

fn order_disputed(disputed: &wire::OrderDisputed) -> Result<EventBody, RecordError> {
    let dispute = match (disputed.open, wire::DisputeOutcome::try_from(disputed.outcome)) {
        (true, Ok(wire::DisputeOutcome::Undecided)) => Dispute::Open,
        (false, Ok(wire::DisputeOutcome::Won)) => Dispute::Won,
        (false, Ok(wire::DisputeOutcome::Lost)) => Dispute::Lost,
        _ => return Err(malformed("a dispute is open, won or lost")),
    };
    let (order, revoked) = (ClaimNumber(disputed.order), positions(&disputed.revoked)?);
    Ok(EventBody::OrderDisputed { order, dispute, revoked })
}

fn units(units: wire::Units) -> Result<Units, RecordError> {
    match units.pool {
        Some(_) if !units.seats.is_empty() => Err(malformed("units are of a pool or seats, not both")),
        Some(pool) => Ok(Units::Pool {
            pool: PoolId(narrow(pool, "a pool is at most 65535")?),
            quantity: units.quantity,
        }),
        None => Ok(Units::Seats(seats(units.seats))),
    }
}

fn configured_body(configured: wire::Configured) -> Result<EventBody, RecordError> {
    let config = configured.config.ok_or(malformed("a configuration is given whole"))?;
    Ok(EventBody::Configured { version: configured.version, config: Arc::new(config::from_wire(config)?) })
}

/// The phase that the message means.
pub(crate) fn phase(phase: i32) -> Result<Phase, RecordError> {
    match wire::Phase::try_from(phase) {
        Ok(wire::Phase::Draft) => Ok(Phase::Draft),
        Ok(wire::Phase::Scheduled) => Ok(Phase::Scheduled),
        Ok(wire::Phase::Presale) => Ok(Phase::Presale),
        Ok(wire::Phase::OnSale) => Ok(Phase::OnSale),
        Ok(wire::Phase::Paused) => Ok(Phase::Paused),
        Ok(wire::Phase::Closed) => Ok(Phase::Closed),
        Ok(wire::Phase::Cancelled) => Ok(Phase::Cancelled),
        Ok(wire::Phase::Unspecified) | Err(_) => Err(malformed("a phase is one of the known ones")),
    }
}
