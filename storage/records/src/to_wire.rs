//! Domain to messages. The message is used again from event to event, so that a placed hold allocates nothing.

use tessera_inventory::{
    Charge, Dispute, Event, EventBody, HoldPlaced, Origin, Payment, Phase, RefundedUnits, SoldLate, Subject,
    TicketRef, Timestamp, Units,
};

use crate::{
    config, entry, quote, waitlist,
    wide::{after_ms, halves, put_seats, put_subjects},
    wire::{self, Body},
};

/// Make `message` say `event`, whose predecessor in the record happened at `before`.
pub(crate) fn put_event(message: &mut wire::Event, event: &Event, before: Timestamp) {
    message.later_ms = event.at.0.wrapping_sub(before.0);
    message.key = event.key.map(|key| {
        let (digest_high, digest_low) = halves(key.digest);
        wire::KeyMark { digest_high, digest_low, fingerprint: key.fingerprint }
    });
    let spare = match message.body.take() {
        Some(Body::HoldPlaced(hold)) => hold,
        _ => wire::HoldPlaced::default(),
    };
    message.body = Some(body(&event.body, event.at, spare));
}

fn hold_placed(mut hold: wire::HoldPlaced, placed: &HoldPlaced, at: Timestamp) -> wire::HoldPlaced {
    (hold.subject_high, hold.subject_low) = halves(placed.subjects.primary.0);
    hold.deadline_after_ms = after_ms(at, placed.deadline_at);
    hold.life_after_ms = after_ms(placed.deadline_at, placed.life_ends_at);
    hold.channel = placed.channel.map(|channel| channel.0.into());
    hold.origin = match placed.origin {
        Origin::Direct => wire::Origin::Direct,
        Origin::Offer => wire::Origin::Offer,
    }
    .into();
    put_subjects(&mut hold.extra_subjects, &placed.subjects.extra);
    hold.lines.resize_with(placed.lines.len(), wire::Line::default);
    for (message, line) in hold.lines.iter_mut().zip(&placed.lines) {
        message.ticket_type = line.ticket_type.0.into();
        message.terms = line.terms.0.into();
        message.quantity = line.quantity.into();
        message.price_minor = line.price_minor;
        put_seats(&mut message.seats, &line.seats);
    }
    hold.quote = placed.quote.as_deref().map(quote::to_wire);
    hold.entry = placed.entry.map(|entry| entry.0);
    hold
}

/// `spare` lends its memory to a placed hold.
fn body(body: &EventBody, at: Timestamp, spare: wire::HoldPlaced) -> Body {
    match body {
        EventBody::HoldPlaced(placed) => Body::HoldPlaced(hold_placed(spare, placed, at)),
        EventBody::HoldReleased { hold } => Body::HoldReleased(wire::Claim { number: hold.0 }),
        EventBody::HoldRenewed { hold, deadline_at } => Body::HoldRenewed(wire::HoldRenewed {
            hold: hold.0,
            deadline_after_ms: after_ms(at, *deadline_at),
        }),
        EventBody::Expired { through: (deadline_at, number), count } => Body::Expired(wire::Expired {
            through_before_ms: after_ms(*deadline_at, at),
            through_number: number.0,
            count: *count,
        }),
        EventBody::PaymentBegun { order, grace_until, attempt, extra_subjects, charge } => {
            let grace_after_ms = after_ms(at, *grace_until);
            let (order, attempt) = (order.0, (*attempt).into());
            let rest = payment_begun(extra_subjects, *charge);
            Body::PaymentBegun(wire::PaymentBegun { order, grace_after_ms, attempt, ..rest })
        }
        EventBody::PaymentFailed { order, attempt } => {
            Body::PaymentFailed(wire::PaymentFailed { number: order.0, attempt: attempt.map(Into::into) })
        }
        EventBody::Confirmed { order, payment, attempt } => {
            let attempt = attempt.map(Into::into);
            Body::Confirmed(wire::Confirmed { attempt, ..confirmed(order.0, *payment) })
        }
        EventBody::TicketsRefunded { order, tickets, units, amount_minor, reason } => {
            let (amount_minor, reason) = (*amount_minor, u32::from(*reason as u8));
            let rest = tickets_refunded(order.0, tickets, *units);
            Body::TicketsRefunded(wire::TicketsRefunded { amount_minor, reason, ..rest })
        }
        EventBody::SoldLate(sold) => Body::SoldLate(Box::new(sold_late(sold, at))),
        EventBody::OrderDisputed { order, dispute, revoked } => {
            Body::OrderDisputed(order_disputed(order.0, *dispute, revoked))
        }
        EventBody::TicketTransferred { ticket, to, generation, from } => {
            Body::TicketTransferred(ticket_transferred(*ticket, to.0, *generation, *from))
        }
        EventBody::CheckedIn { ticket, gate, list } => Body::CheckedIn(passage(*ticket, *gate, *list)),
        EventBody::CheckedOut { ticket, gate, list, stamped } => {
            Body::CheckedOut(wire::Passage { stamped: *stamped, ..passage(*ticket, *gate, *list) })
        }
        EventBody::TicketReissued { ticket, generation } => {
            let (order, index, generation) = (ticket.order.0, ticket.index.into(), (*generation).into());
            Body::TicketReissued(wire::TicketReissued { order, index, generation })
        }
        EventBody::ScansRecorded(record) => Body::ScansRecorded(entry::to_wire(record, at)),
        EventBody::Configured { version, config } => Body::Configured(Box::new(wire::Configured {
            version: *version,
            config: Some(config::to_wire(config)),
        })),
        EventBody::PhaseChanged { to } => Body::PhaseChanged(wire::PhaseChanged { to: phase(*to).into() }),
        EventBody::UnitsKilled(killed) => Body::UnitsKilled(units(killed)),
        EventBody::UnitsRestored(restored) => Body::UnitsRestored(units(restored)),
        EventBody::ChannelReleased { channel } => {
            Body::ChannelReleased(wire::ChannelReleased { channel: channel.0.into() })
        }
        EventBody::SaleWindowChanged { ticket_type, open } => {
            let ticket_type = ticket_type.0.into();
            Body::SaleWindowChanged(wire::SaleWindowChanged { ticket_type, open: *open })
        }
        EventBody::WaitlistJoined(joined) => Body::WaitlistJoined(waitlist::joined_to_wire(joined)),
        EventBody::WaitlistLeft { entry, reason } => {
            Body::WaitlistLeft(waitlist::left_to_wire(*entry, *reason))
        }
        EventBody::WaitlistPatienceEnded { ticket_type } => {
            Body::WaitlistPatienceEnded(wire::WaitlistPatienceEnded { ticket_type: ticket_type.0.into() })
        }
    }
}

fn payment_begun(extra: &[Subject], charge: Option<Charge>) -> wire::PaymentBegun {
    let mut extra_subjects = Vec::new();
    put_subjects(&mut extra_subjects, extra);
    let provider = charge.map_or(0, |charge| charge.provider.0.get().into());
    let amount_minor = charge.map_or(0, |charge| charge.amount_minor);
    wire::PaymentBegun { extra_subjects, amount_minor, provider, ..wire::PaymentBegun::default() }
}

fn tickets_refunded(order: u64, tickets: &[u16], units: RefundedUnits) -> wire::TicketsRefunded {
    let units = match units {
        RefundedUnits::Restock => wire::RefundedUnits::Restock,
        RefundedUnits::Kill => wire::RefundedUnits::Kill,
    };
    wire::TicketsRefunded {
        order,
        tickets: tickets.iter().map(|&index| index.into()).collect(),
        units: units.into(),
        ..wire::TicketsRefunded::default()
    }
}

fn sold_late(sold: &SoldLate, at: Timestamp) -> wire::SoldLate {
    let wire::Confirmed { payment, reference_high, reference_low, .. } = confirmed(0, sold.payment);
    wire::SoldLate {
        order: sold.order.0,
        hold: Some(hold_placed(wire::HoldPlaced::default(), &sold.hold, at)),
        payment,
        reference_high,
        reference_low,
        attempt: sold.attempt.into(),
    }
}

fn order_disputed(order: u64, dispute: Dispute, revoked: &[u16]) -> wire::OrderDisputed {
    let outcome = match dispute {
        Dispute::Open => wire::DisputeOutcome::Undecided,
        Dispute::Won => wire::DisputeOutcome::Won,
        Dispute::Lost => wire::DisputeOutcome::Lost,
    };
    wire::OrderDisputed {
        order,
        open: dispute == Dispute::Open,
        outcome: outcome.into(),
        revoked: revoked.iter().map(|&index| index.into()).collect(),
    }
}

fn ticket_transferred(
    ticket: TicketRef,
    to: u128,
    generation: u8,
    from: Option<Subject>,
) -> wire::TicketTransferred {
    let (to_high, to_low) = halves(to);
    let from = from.map(|from| halves(from.0));
    wire::TicketTransferred {
        order: ticket.order.0,
        index: ticket.index.into(),
        to_high,
        to_low,
        generation: generation.into(),
        from_high: from.map(|(high, _)| high),
        from_low: from.map(|(_, low)| low),
    }
}

fn confirmed(order: u64, payment: Payment) -> wire::Confirmed {
    let (kind, reference) = match payment {
        Payment::Free => (wire::Payment::Free, 0),
        Payment::Offline => (wire::Payment::Offline, 0),
        Payment::Captured { reference } => (wire::Payment::Captured, reference),
    };
    let (reference_high, reference_low) = halves(reference);
    wire::Confirmed { order, payment: kind.into(), reference_high, reference_low, attempt: None }
}

fn passage(ticket: TicketRef, gate: u16, list: Option<u8>) -> wire::Passage {
    let list = entry::list_to_wire(list);
    wire::Passage {
        order: ticket.order.0,
        index: ticket.index.into(),
        gate: gate.into(),
        stamped: false,
        list,
    }
}

fn units(units: &Units) -> wire::Units {
    match units {
        Units::Pool { pool, quantity } => {
            wire::Units { pool: Some(pool.0.into()), quantity: *quantity, seats: Vec::new() }
        }
        Units::Seats(seats) => {
            let mut message = wire::Units::default();
            put_seats(&mut message.seats, seats);
            message
        }
    }
}

/// The message's word for `phase`.
pub(crate) fn phase(phase: Phase) -> wire::Phase {
    match phase {
        Phase::Draft => wire::Phase::Draft,
        Phase::Scheduled => wire::Phase::Scheduled,
        Phase::Presale => wire::Phase::Presale,
        Phase::OnSale => wire::Phase::OnSale,
        Phase::Paused => wire::Phase::Paused,
        Phase::Closed => wire::Phase::Closed,
        Phase::Cancelled => wire::Phase::Cancelled,
    }
}
