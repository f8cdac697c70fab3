//! Random commands: mostly sensible ones on what is there, and every kind of nonsense in between.

mod edits;
mod place;
mod scans;

use std::num::NonZeroU16;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use tessera_inventory::{
    Authority, ChannelId, ClaimNumber, ClaimState, Command, CommandBody, Dispute, IdempotencyKey, Payment,
    Phase, PoolId, ProviderId, RefundAmount, RefundReason, RefundedUnits, SeatIndex, SellLate, Subject,
    TicketRef, Timestamp, Units,
};
use tessera_naive::Model;

use crate::machine::Step;
use crate::waitlists;
use crate::world::{self, SUBJECTS, subject};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const MINUTE_MS: u64 = 60_000;

/// Configures an event, and mostly opens it.
pub(crate) fn prologue() -> impl Strategy<Value = Vec<Command>> {
    let phases = prop_oneof![
        12 => Just(vec![Phase::OnSale]),
        1 => Just(vec![Phase::Presale]),
        2 => Just(vec![Phase::Scheduled]),
        1 => Just(vec![]),
    ];
    (world::config(), phases).prop_map(|(config, phases)| {
        let configure = CommandBody::Configure { expected_version: 0, config: Arc::new(config) };
        let phases = phases.into_iter().map(|to| CommandBody::ChangePhase { to });
        let command = |body| Command { authority: Authority::Organizer, key: None, body };
        std::iter::once(configure).chain(phases).map(command).collect()
    })
}

/// The next step of a world.
pub(crate) fn step(model: &Model, now: Timestamp) -> BoxedStrategy<Step> {
    let turns = prop_oneof![6 => Just(usize::MAX), 1 => 0_usize..3];
    let ms = prop_oneof![
        30 => (0_u64..90).prop_map(|seconds| seconds * 1_000),
        10 => (1_u64..9).prop_map(|minutes| minutes * MINUTE_MS),
        1 => Just(DAY_MS),
        1 => Just(DAY_MS + 1),
    ];
    prop_oneof![
        4 => (ms, turns).prop_map(|(ms, turns)| Step::Wait { ms, turns }),
        36 => command(model, now).prop_map(Step::Ask),
        1 => Just(Step::Restart),
        1 => prop_oneof![1 => Just(0_usize), 3 => Just(usize::MAX)].prop_map(Step::Serve),
    ]
    .boxed()
}

fn command(model: &Model, now: Timestamp) -> BoxedStrategy<Command> {
    let buyer = (0..SUBJECTS).prop_map(subject);
    let anyone = prop_oneof![
        Just(Authority::Organizer),
        Just(Authority::System),
        Just(Authority::Scanner),
        buyer.clone().prop_map(Authority::Subject),
        buyer.prop_map(Authority::Secret),
    ];
    let key = key(model, now);
    (body(model, now), anyone, prop::bool::weighted(0.04), key)
        .prop_map(|((body, right), anyone, is_anyone, key)| Command {
            authority: if is_anyone { anyone } else { right },
            key,
            body,
        })
        .boxed()
}

/// No key, a fresh one, or one that was used before, with the same body or another.
fn key(model: &Model, now: Timestamp) -> BoxedStrategy<Option<IdempotencyKey>> {
    let minted = prop_oneof![
        20 => Just(None),
        8 => (0..2 * MINUTE_MS).prop_map(move |ago| Some(Timestamp(now.0 - ago))),
        1 => (DAY_MS - 1..=DAY_MS + 1).prop_map(move |ago| Some(Timestamp(now.0 - ago))),
    ];
    let digest = (1_u128..1 << 40).prop_map(|digest| digest << 64 | digest);
    let fresh = (digest, 0_u64..4, minted.clone())
        .prop_map(|(digest, fingerprint, minted_at)| Some(IdempotencyKey { digest, fingerprint, minted_at }));
    let used: Vec<(u128, u64)> = model.keys.iter().map(|(&digest, &(body, _))| (digest, body)).collect();
    if used.is_empty() {
        return prop_oneof![1 => Just(None), 3 => fresh].boxed();
    }
    let used = (select(used), 0_u64..3, minted).prop_map(|((digest, fingerprint), other, minted_at)| {
        Some(IdempotencyKey { digest, fingerprint: fingerprint + other / 2, minted_at })
    });
    prop_oneof![12 => Just(None), 12 => fresh, 1 => used].boxed()
}

/// A body, with an authority that has the right to it. Claims and tickets are acted on where there are some, holds are
/// mostly placed while that is possible.
fn body(model: &Model, now: Timestamp) -> BoxedStrategy<(CommandBody, Authority)> {
    let live = model.claims.values().filter(|claim| claim.payment.is_none()).count();
    let sold = model.claims.len() - live;
    let weight = |some: bool, weight: u32| if some { weight } else { 1 };
    let sells = matches!(model.phase, Phase::OnSale | Phase::Presale);
    prop_oneof![
        weight(sells, 12) => place::place(model),
        weight(live > 0, 10) => on_claim(model),
        weight(sold > 0, 7) => on_ticket(model),
        weight(sold + model.expired.len() > 0, 2) => by_system(model),
        weight(sold > 0, 3) => scans::record(model, now),
        4 => by_organizer(model),
        6 => waitlists::body(model),
    ]
    .boxed()
}

/// A claim that is there, ended, or never was: its number, its subject, and where it stands.
fn claim(model: &Model) -> BoxedStrategy<(u64, Subject, ClaimState)> {
    let last = model.sequence();
    let foreign =
        (0..last + 2, 0..SUBJECTS).prop_map(|(number, of)| (number, subject(of), ClaimState::Ended));
    let mut known: Vec<(u64, Subject, ClaimState)> = model
        .claims
        .values()
        .map(|claim| (claim.number, claim.subject, model.state_of(claim)))
        .filter(|&(_, _, state)| matches!(state, ClaimState::Held | ClaimState::PaymentInFlight))
        .collect();
    let settled = model.claims.values().find(|claim| claim.payment.is_some());
    known.extend(settled.map(|claim| (claim.number, claim.subject, model.state_of(claim))));
    known.extend(model.expired.last().map(|&(number, subject)| (number, subject, ClaimState::Ended)));
    if known.is_empty() {
        return foreign.boxed();
    }
    prop_oneof![25 => select(known), 1 => foreign].boxed()
}

/// What may be done to a claim.
#[derive(Clone, Copy, Debug)]
enum Act {
    Renew,
    Release,
    BeginPayment,
    PaymentFailed,
    Confirm,
}

/// What makes sense in a state, or anything.
fn act(state: ClaimState) -> BoxedStrategy<Act> {
    let anything =
        select(vec![Act::Renew, Act::Release, Act::BeginPayment, Act::PaymentFailed, Act::Confirm]);
    match state {
        ClaimState::Held => {
            let sensible =
                prop_oneof![2 => Just(Act::Renew), 2 => Just(Act::Release), 6 => Just(Act::BeginPayment)];
            prop_oneof![9 => sensible, 1 => anything].boxed()
        }
        ClaimState::PaymentInFlight => {
            let sensible = prop_oneof![2 => Just(Act::PaymentFailed), 3 => Just(Act::Confirm)];
            prop_oneof![9 => sensible, 1 => anything].boxed()
        }
        _ => anything.boxed(),
    }
}

fn on_claim(model: &Model) -> BoxedStrategy<(CommandBody, Authority)> {
    let payment = prop_oneof![
        2 => Just(Payment::Free),
        1 => Just(Payment::Offline),
        4 => any::<u64>().prop_map(|reference| Payment::Captured { reference: reference.into() }),
    ];
    let learnt = prop_oneof![
        12 => Just(vec![]),
        6 => prop::collection::vec((0..SUBJECTS).prop_map(subject), 1..3),
        1 => prop::collection::vec((0..SUBJECTS).prop_map(subject), 4..5),
    ];
    let provider = prop::option::of((1..3_u16).prop_filter_map("not zero", NonZeroU16::new));
    let attempt = prop_oneof![2 => Just(None), 3 => (0..4_u8).prop_map(Some)];
    let tried = (provider.prop_map(|provider| provider.map(ProviderId)), attempt);
    let acted = claim(model).prop_flat_map(|claim| (Just(claim), act(claim.2)));
    (acted, payment, tried, learnt, any::<bool>())
        .prop_map(|(((number, subject, _), act), payment, (provider, attempt), extra_subjects, by_secret)| {
            let hold = ClaimNumber(number);
            let buyer = if by_secret { Authority::Secret(subject) } else { Authority::Subject(subject) };
            let teller = match payment {
                Payment::Free => buyer,
                Payment::Offline => Authority::Organizer,
                Payment::Captured { .. } => Authority::System,
            };
            match act {
                Act::Renew => (CommandBody::RenewHold { hold }, buyer),
                Act::Release => (CommandBody::ReleaseHold { hold }, buyer),
                Act::BeginPayment => (CommandBody::BeginPayment { hold, provider, extra_subjects }, buyer),
                Act::PaymentFailed => {
                    (CommandBody::PaymentFailed { order: hold, attempt }, Authority::System)
                }
                Act::Confirm => (CommandBody::Confirm { order: hold, payment, attempt }, teller),
            }
        })
        .boxed()
}

fn on_ticket(model: &Model) -> BoxedStrategy<(CommandBody, Authority)> {
    let mut known = Vec::new();
    for claim in model.claims.values() {
        for (index, ticket) in (0_u16..).zip(&claim.tickets) {
            known.push((claim.number, index, ticket.holder, ticket.generation));
        }
    }
    let last = model.sequence();
    let foreign = (0..last + 2, 0_u16..3, 0..SUBJECTS).prop_map(|(n, at, of)| (n, at, subject(of), 0_u8));
    let ticket = if known.is_empty() {
        foreign.boxed()
    } else {
        prop_oneof![15 => select(known), 1 => foreign].boxed()
    };
    let more = prop::collection::vec(0_u16..5, 0..3);
    (ticket, 0_u8..10, 0..SUBJECTS, 0_u16..4, any::<bool>(), more)
        .prop_map(|((order, index, holder, generation), kind, to, gate, flag, more)| {
            let order = ClaimNumber(order);
            let ticket = TicketRef { order, index };
            match kind {
                0..3 => {
                    let by = if flag { Authority::Secret(holder) } else { Authority::Subject(holder) };
                    if kind == 2 {
                        return (CommandBody::ReissueTicket { ticket }, by);
                    }
                    (CommandBody::TransferTicket { ticket, to: subject(to) }, by)
                }
                3..8 => {
                    let generation = generation.saturating_sub(u8::from(gate == 0));
                    let body = if kind < 6 {
                        CommandBody::CheckIn { ticket, generation, gate }
                    } else {
                        CommandBody::CheckOut { ticket, generation, gate }
                    };
                    (body, Authority::Scanner)
                }
                _ => {
                    let units = if flag { RefundedUnits::Restock } else { RefundedUnits::Kill };
                    let tickets = if gate == 0 { more } else { vec![index] };
                    let (amount, reason) = (RefundAmount::Full, RefundReason::Organizer);
                    (CommandBody::RefundTickets { order, tickets, amount, reason, units }, Authority::System)
                }
            }
        })
        .boxed()
}

/// What payments bring: money that is late, that never comes, that is disputed or given back in parts.
fn by_system(model: &Model) -> BoxedStrategy<(CommandBody, Authority)> {
    let sold: Vec<u64> = model.claims.values().filter(|c| c.payment.is_some()).map(|c| c.number).collect();
    let placed: Vec<u64> = model.placed.keys().copied().collect();
    let order = |known: Vec<u64>| {
        if known.is_empty() { (0..9_u64).boxed() } else { select(known).boxed() }
    };
    let late = |order: u64| {
        let hold = model.placed.get(&order).map(|(hold, _)| hold.clone())?;
        let payment = Payment::Captured { reference: order.into() };
        let sale = SellLate { order: ClaimNumber(order), hold, payment, attempt: 1 };
        Some((CommandBody::SellLate(Box::new(sale)), Authority::System))
    };
    let late: Vec<_> = placed.iter().rev().take(12).filter_map(|&order| late(order)).collect();
    let dispute = select(vec![Dispute::Open, Dispute::Open, Dispute::Won, Dispute::Lost]);
    let dispute = (order(sold.clone()), dispute).prop_map(|(order, dispute)| {
        (CommandBody::SetDispute { order: ClaimNumber(order), dispute }, Authority::System)
    });
    let amount = prop_oneof![
        2 => Just(RefundAmount::Full),
        6 => prop_oneof![0..40_i64, 0..3_000_i64].prop_map(RefundAmount::Minor),
        1 => (-2..1_i64).prop_map(RefundAmount::Minor),
    ];
    let reason = prop_oneof![
        4 => Just(RefundReason::Goodwill), 1 => Just(RefundReason::Cancelled), 1 => Just(RefundReason::Unpaid),
    ];
    let tickets = prop::collection::vec(0_u16..3, 0..2);
    let refund = (order(sold), tickets, amount, reason).prop_map(|(order, tickets, amount, reason)| {
        let (order, units) = (ClaimNumber(order), RefundedUnits::Restock);
        (CommandBody::RefundTickets { order, tickets, amount, reason, units }, Authority::System)
    });
    if late.is_empty() {
        return prop_oneof![1 => dispute, 2 => refund].boxed();
    }
    prop_oneof![1 => dispute, 2 => refund, 2 => select(late)].boxed()
}

fn by_organizer(model: &Model) -> BoxedStrategy<(CommandBody, Authority)> {
    let seats = u32::try_from(model.seats().len()).unwrap();
    let pool = (0_u16..4, 0_u32..8).prop_map(|(pool, quantity)| Units::Pool { pool: PoolId(pool), quantity });
    let some_seats = prop::collection::vec((0..seats + 1).prop_map(SeatIndex), 0..4).prop_map(Units::Seats);
    let killed: Vec<SeatIndex> = model.killed_seats.iter().chain(&model.seats_to_kill).copied().collect();
    let units = if killed.is_empty() {
        prop_oneof![pool, some_seats].boxed()
    } else {
        let killed = prop::collection::vec(select(killed), 1..3).prop_map(Units::Seats);
        prop_oneof![2 => pool, 1 => some_seats, 2 => killed].boxed()
    };
    let phases = prop_oneof![
        1 => Just(Phase::Draft), 1 => Just(Phase::Scheduled), 2 => Just(Phase::Presale), 2 => Just(Phase::OnSale),
        4 => Just(Phase::Paused), 1 => Just(Phase::Closed), 1 => Just(Phase::Cancelled),
    ];
    // What does not sell is opened soon.
    let opening = if model.phase == Phase::OnSale { 1 } else { 60 };
    let body = prop_oneof![
        8 => units.clone().prop_map(CommandBody::Kill),
        8 => units.prop_map(CommandBody::Restore),
        2 => (0_u8..3).prop_map(|channel| CommandBody::ReleaseChannel { channel: ChannelId(channel) }),
        2 => phases.prop_map(|to| CommandBody::ChangePhase { to }),
        opening => Just(CommandBody::ChangePhase { to: Phase::OnSale }),
        10 => edits::configure(model),
    ];
    body.prop_map(|body| (body, Authority::Organizer)).boxed()
}
