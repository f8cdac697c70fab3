//! Thousands of holds, so that what the engine keeps in pages, shards and bounded lists is filled, emptied and reused.

use std::sync::Arc;

use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Config, IdempotencyKey, LineRequest, Payment, Phase,
    PlaceHold, Pool, RefundAmount, RefundReason, RefundedUnits, Subjects, TicketTypeId, Want,
};
use tessera_naive::Model;

use crate::machine::{EngineAgainstModel, Reference, Step};
use crate::regressions::standing;
use crate::world::subject;

const STEPS: u64 = 9_000;
/// Comparing everything takes long: it is done after so many steps.
const COMPARED_EVERY: u64 = 1_500;
/// Some buyers come again and again, most come once.
const REGULARS: u64 = 200;
const BUYERS: u64 = 10_000;
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// A sequence of numbers without pattern (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end
    }
}

/// A claim that is there, if there is one at or after a random number.
fn any_claim(numbers: &mut Numbers, model: &Model) -> ClaimNumber {
    let from = numbers.below(model.sequence() + 1);
    ClaimNumber(model.claims.range(from..).next().map_or(from, |(&number, _)| number))
}

fn command(numbers: &mut Numbers, model: &Model, step: u64) -> Command {
    let claim = any_claim(numbers, model);
    let (authority, body) = match numbers.below(100) {
        0..60 => {
            let circle = if step.is_multiple_of(2) { REGULARS } else { BUYERS };
            let primary = subject(numbers.below(circle).into());
            let quantity = 1 + u16::try_from(numbers.below(3)).unwrap();
            let ticket_type = Some(TicketTypeId(u16::try_from(numbers.below(2)).unwrap()));
            let line =
                LineRequest { ticket_type, expected_price_minor: None, want: Want::Quantity(quantity) };
            let request = PlaceHold {
                subjects: Subjects { primary, extra: vec![] },
                lines: vec![line],
                access_code: None,
                channel: None,
                duration_ms: None,
                promotion: None,
                expected_total_minor: None,
            };
            (Authority::Subject(primary), CommandBody::PlaceHold(request))
        }
        60..66 => (Authority::Organizer, CommandBody::ReleaseHold { hold: claim }),
        66..68 => (Authority::Organizer, CommandBody::RenewHold { hold: claim }),
        68..82 => {
            let extra_subjects = vec![subject(numbers.below(BUYERS).into())];
            (Authority::Organizer, CommandBody::BeginPayment { hold: claim, provider: None, extra_subjects })
        }
        82..93 => (
            Authority::Organizer,
            CommandBody::Confirm { order: claim, payment: Payment::Offline, attempt: None },
        ),
        93..96 => (Authority::Organizer, CommandBody::PaymentFailed { order: claim, attempt: None }),
        _ => {
            let units = if step.is_multiple_of(2) { RefundedUnits::Restock } else { RefundedUnits::Kill };
            let (tickets, amount, reason) = (vec![0], RefundAmount::Full, RefundReason::Organizer);
            let body = CommandBody::RefundTickets { order: claim, tickets, amount, reason, units };
            (Authority::Organizer, body)
        }
    };
    let digest = u128::from(step) << 64 | u128::from(numbers.below(u64::MAX));
    let key = IdempotencyKey { digest, fingerprint: step, minted_at: None };
    Command { authority, key: Some(key), body }
}

/// A large standing area with two types, one of them limited.
fn area() -> Config {
    let config = standing();
    let limited = config.ticket_types[0].clone();
    let unlimited = tessera_inventory::TicketType { per_subject_max: None, ..limited.clone() };
    let limited = tessera_inventory::TicketType { per_subject_max: Some(12), ..limited };
    Config {
        pools: vec![Pool { name: "floor".into(), capacity: 9_000 }],
        ticket_types: vec![limited, unlimited],
        units_per_subject_max: Some(30),
        ..config
    }
}

#[test]
fn thousands_of_holds_come_and_go() {
    let configure = CommandBody::Configure { expected_version: 0, config: Arc::new(area()) };
    let open = CommandBody::ChangePhase { to: Phase::OnSale };
    let command_of = |body| Command { authority: Authority::Organizer, key: None, body };
    let mut reference = Reference::begin(vec![command_of(configure), command_of(open)]);
    let mut test = EngineAgainstModel::init_test(&reference);
    let mut numbers = Numbers(7);
    let go = |reference: Reference, test, step: Step| {
        let reference = Reference::apply(reference, &step);
        let test = EngineAgainstModel::apply(test, &reference, step);
        (reference, test)
    };
    for number in 1..=STEPS {
        let step = match number {
            // Everything that is held expires at once; a day later the first keys are forgotten.
            6_000 => Step::Wait { ms: 60 * MINUTE_MS, turns: usize::MAX },
            7_500 => Step::Wait { ms: DAY_MS + 1, turns: usize::MAX },
            _ if number.is_multiple_of(COMPARED_EVERY) => Step::Restart,
            _ if number.is_multiple_of(25) => Step::Wait { ms: numbers.below(3_000), turns: 2 },
            _ => Step::Ask(command(&mut numbers, &reference.model, number)),
        };
        (reference, test) = go(reference, test, step);
        if number.is_multiple_of(COMPARED_EVERY) {
            EngineAgainstModel::check_invariants(&test, &reference);
        }
    }
    EngineAgainstModel::teardown(test, reference);
}
