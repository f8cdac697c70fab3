//! Requests that fit nothing: on claims and tickets of others, in wrong states, by those without a right.

use std::num::NonZeroU16;

use tessera_inventory::{
    Authority, ChannelId, ClaimNumber, CommandBody, Dispute, Payment, Phase, PoolId, ProviderId,
    RefundAmount, RefundReason, RefundedUnits, SeatIndex, SellLate, TicketRef, Units,
};

use super::{View, wish};
use crate::catalogue::{SUBJECTS, subject};
use crate::prng::Prng;

/// Anything, by anyone.
pub(super) fn stray(prng: &mut Prng, view: View<'_>) -> (Authority, CommandBody) {
    let someone = subject(prng.index(SUBJECTS));
    let anyone = [
        Authority::Organizer,
        Authority::System,
        Authority::Scanner,
        Authority::Subject(someone),
        Authority::Secret(someone),
    ][prng.index(5)];
    let claim = claim(prng, view);
    let owner = view.model.claims.get(&claim.0).map(|found| found.subject);
    let owner = owner.or_else(|| {
        view.model.expired.iter().find(|(number, _)| *number == claim.0).map(|(_, subject)| *subject)
    });
    let buyer = owner.filter(|_| prng.chance(850)).map_or(anyone, Authority::Subject);
    let ticket = TicketRef { order: claim, index: u16::from(prng.small(3)) };
    match prng.between(0, 12) {
        0 => (buyer, CommandBody::RenewHold { hold: claim }),
        1 => (buyer, CommandBody::ReleaseHold { hold: claim }),
        2 | 3 => {
            let extra_subjects = wish::fingerprints(prng, view);
            let provider = provider(prng);
            (buyer, CommandBody::BeginPayment { hold: claim, provider, extra_subjects })
        }
        4 => {
            let attempt = attempt(prng, view, claim);
            (Authority::System, CommandBody::PaymentFailed { order: claim, attempt })
        }
        5 => money(prng, view, claim),
        6 => (buyer, CommandBody::Confirm { order: claim, payment: Payment::Free, attempt: None }),
        7 if prng.chance(400) => (Authority::System, by_system(prng, view)),
        7 => (Authority::System, refund(prng, claim)),
        8 if prng.chance(300) => (buyer, CommandBody::ReissueTicket { ticket }),
        8 => (buyer, CommandBody::TransferTicket { ticket, to: someone }),
        9 | 10 => (Authority::Scanner, entrance(prng, view, ticket)),
        11 => (if prng.chance(700) { Authority::Organizer } else { anyone }, by_organizer(prng)),
        _ => match wish::hold(prng, view, someone, true) {
            Some(request) => (anyone, CommandBody::PlaceHold(request)),
            None => (anyone, CommandBody::ReleaseHold { hold: claim }),
        },
    }
}

/// Money for a claim: taken by the organizer, or what a provider tells of an attempt, which may have been given up long ago.
fn money(prng: &mut Prng, view: View<'_>, order: ClaimNumber) -> (Authority, CommandBody) {
    if prng.chance(500) {
        return (
            Authority::Organizer,
            CommandBody::Confirm { order, payment: Payment::Offline, attempt: None },
        );
    }
    let payment = Payment::Captured { reference: prng.between(0, u64::MAX - 1).into() };
    (Authority::System, CommandBody::Confirm { order, payment, attempt: attempt(prng, view, order) })
}

/// Mostly one of a few.
pub(super) fn provider(prng: &mut Prng) -> Option<ProviderId> {
    NonZeroU16::new(u16::from(prng.small(3))).map(ProviderId)
}

/// An attempt to pay for it: none is named, the last one, an earlier one, one that never was.
pub(super) fn attempt(prng: &mut Prng, view: View<'_>, order: ClaimNumber) -> Option<u8> {
    let last = view.model.claims.get(&order.0).map_or(1, |claim| claim.attempts);
    match prng.between(0, 9) {
        0 | 1 => None,
        2 | 3 => Some(last.saturating_sub(1)),
        4 => Some(prng.small(5)),
        _ => Some(last),
    }
}

/// A claim that is there, has expired, or never was.
fn claim(prng: &mut Prng, view: View<'_>) -> ClaimNumber {
    let model = view.model;
    let any = prng.between(0, model.sequence() + 1);
    ClaimNumber(match prng.between(0, 9) {
        0..7 => model.claims.range(any..).next().map_or(any, |(number, _)| *number),
        7 | 8 => model.expired.last().map_or(any, |(number, _)| *number),
        _ => any,
    })
}

/// Mostly a hold that has ended, however it did.
fn ended(prng: &mut Prng, view: View<'_>) -> ClaimNumber {
    let model = view.model;
    let any = claim(prng, view);
    let from = prng.between(0, any.0);
    let is_gone = |number: &&u64| !model.claims.contains_key(*number);
    let gone = model.placed.range(from..).map(|(number, _)| number).find(is_gone);
    gone.filter(|_| prng.chance(800)).map_or(any, |number| ClaimNumber(*number))
}

fn refund(prng: &mut Prng, order: ClaimNumber) -> CommandBody {
    let tickets = (0..prng.between(0, 3)).map(|_| u16::from(prng.small(4))).collect();
    let units = if prng.chance(500) { RefundedUnits::Restock } else { RefundedUnits::Kill };
    let (amount, reason) = amount(prng);
    CommandBody::RefundTickets { order, tickets, amount, reason, units }
}

/// Mostly all of it, sometimes a part or too much.
pub(super) fn amount(prng: &mut Prng) -> (RefundAmount, RefundReason) {
    match prng.between(0, 9) {
        0..8 => (RefundAmount::Full, RefundReason::Organizer),
        8 => (RefundAmount::Minor(i64::from(prng.small(250))), RefundReason::Goodwill),
        _ => (RefundAmount::Minor(i64::from(prng.small(250)) * 100), RefundReason::Goodwill),
    }
}

/// What the system says of an order's money: it came late, or its buyer disputes it.
fn by_system(prng: &mut Prng, view: View<'_>) -> CommandBody {
    let is_late = prng.chance(500);
    let order = if is_late { ended(prng, view) } else { sold(prng, view) };
    match view.model.placed.get(&order.0) {
        Some((hold, _)) if is_late => {
            let payment = Payment::Captured { reference: prng.between(0, u64::MAX - 1).into() };
            CommandBody::SellLate(Box::new(SellLate { order, hold: hold.clone(), payment, attempt: 1 }))
        }
        _ => {
            let dispute = [Dispute::Open, Dispute::Open, Dispute::Won, Dispute::Lost][prng.index(4)];
            CommandBody::SetDispute { order, dispute }
        }
    }
}

/// Mostly an order that has tickets.
fn sold(prng: &mut Prng, view: View<'_>) -> ClaimNumber {
    let any = claim(prng, view);
    let from = prng.between(0, any.0);
    let mut later = view.model.claims.range(from..);
    let sold = later.find(|(_, claim)| !claim.tickets.is_empty()).map(|(number, _)| ClaimNumber(*number));
    sold.filter(|_| prng.chance(800)).unwrap_or(any)
}

/// A ticket at a gate, mostly with the code that is good, in whichever direction makes sense.
pub(super) fn entrance(prng: &mut Prng, view: View<'_>, ticket: TicketRef) -> CommandBody {
    let known = view.model.claims.get(&ticket.order.0);
    let known = known.and_then(|claim| claim.tickets.get(usize::from(ticket.index)));
    let generation = known.map_or(0, |ticket| ticket.generation).saturating_sub(u8::from(prng.chance(150)));
    let gate = u16::from(prng.small(4));
    let is_in = known.is_some_and(|ticket| ticket.is_in().is_some()) != prng.chance(150);
    if is_in {
        CommandBody::CheckOut { ticket, generation, gate }
    } else {
        CommandBody::CheckIn { ticket, generation, gate }
    }
}

fn by_organizer(prng: &mut Prng) -> CommandBody {
    let pool =
        Units::Pool { pool: PoolId(u16::from(prng.small(4))), quantity: [0, 1, 3, 500][prng.index(4)] };
    let seats = (0..prng.between(0, 3)).map(|_| SeatIndex(u32::from(prng.small(66)))).collect();
    let units = if prng.chance(500) { pool } else { Units::Seats(seats) };
    match prng.between(0, 4) {
        0 | 1 => CommandBody::Kill(units),
        2 | 3 => CommandBody::Restore(units),
        _ if prng.chance(700) => CommandBody::ReleaseChannel { channel: ChannelId(prng.small(4)) },
        _ => CommandBody::ChangePhase { to: [Phase::Draft, Phase::Scheduled, Phase::Presale][prng.index(3)] },
    }
}
