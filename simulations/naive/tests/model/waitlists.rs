//! Random waitlists, and the defects of one that the comparison finds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tessera_inventory::{
    Authority, Choice, ClaimNumber, Command, CommandBody, EntryNumber, JoinWaitlist, LineRequest, Manner,
    Mutant, Phase, PlaceHold, Subject, Subjects, TicketTypeId, WaitlistOrder, WaitlistPolicy, Want,
};
use tessera_naive::Model;

use crate::crowd::Numbers;
use crate::machine::{EngineAgainstModel, Reference, Step};
use crate::regressions::standing;
use crate::world::{SUBJECTS, subject};

const MINUTE_MS: u64 = 60_000;

/// A policy, now and then one that is not sound.
pub(crate) fn policy() -> impl Strategy<Value = WaitlistPolicy> {
    let order = select(vec![WaitlistOrder::Fit, WaitlistOrder::Fit, WaitlistOrder::Accumulate]);
    let types = prop_oneof![
        4 => Just(vec![]),
        1 => prop::sample::subsequence((0..5).map(TicketTypeId).collect::<Vec<_>>(), 0..4),
    ];
    let most = prop_oneof![5 => 3_u32..20, 1 => 0_u32..3];
    (prop::bool::weighted(0.9), order, 0_u64..9, 1_u64..9, most, types, any::<bool>(), 1_u8..3).prop_map(
        |(enabled, order, patience, offer, entries_max, types, price_may_rise, per_subject_max)| {
            WaitlistPolicy {
                enabled,
                order,
                patience_ms: patience * MINUTE_MS,
                offer_ms: offer * MINUTE_MS,
                entries_max,
                types,
                price_may_rise,
                per_subject_max,
            }
        },
    )
}

fn choice() -> impl Strategy<Value = (u16, Option<Manner>)> {
    let manner = prop_oneof![
        12 => Just(None),
        1 => Just(Some(Manner::Standing)),
        2 => Just(Some(Manner::TogetherOrSplit)),
        1 => (0_u8..3).prop_map(|spaces| Some(Manner::Accessible(spaces))),
    ];
    let quantity = prop_oneof![1 => Just(0_u16), 30 => 1_u16..7];
    (quantity, manner)
}

/// Somebody joins or leaves.
pub(crate) fn body(model: &Model) -> BoxedStrategy<(CommandBody, Authority)> {
    let types = model.config.as_ref().map_or(0, |config| config.ticket_types.len());
    let seated: Vec<bool> = model
        .config
        .iter()
        .flat_map(|config| &config.ticket_types)
        .map(|known| known.category.is_some())
        .collect();
    let ids = prop::collection::vec(0..types + 1, 1..4);
    let who = ((0..SUBJECTS).prop_map(subject), prop::collection::vec((0..SUBJECTS).prop_map(subject), 0..2));
    let price = prop::option::weighted(0.3, 0_i64..50);
    let by =
        prop_oneof![4 => Just(None), 1 => Just(Some(None)), 1 => (126_u8..131).prop_map(|p| Some(Some(p)))];
    let join = (ids, prop::collection::vec(choice(), 3), who, price, by).prop_map(
        move |(ids, wanted, (primary, extra), price_max_minor, by)| {
            let choices = ids.into_iter().zip(wanted).map(|(id, (quantity, manner))| {
                let natural = if seated.get(id).copied().unwrap_or(false) {
                    Manner::Together
                } else {
                    Manner::Standing
                };
                let ticket_type = TicketTypeId(u16::try_from(id).unwrap());
                Choice { ticket_type, quantity, manner: manner.unwrap_or(natural) }
            });
            let request = JoinWaitlist {
                subjects: Subjects { primary, extra },
                choices: choices.collect(),
                price_max_minor,
                priority: by.flatten(),
            };
            let authority = if by.is_some() { Authority::Organizer } else { Authority::Subject(primary) };
            (CommandBody::JoinWaitlist(request), authority)
        },
    );
    let known: Vec<(u64, Subject)> =
        model.waiting.iter().map(|one| (one.number, one.joined.subjects.primary)).collect();
    let foreign = (0..model.sequence() + 2, (0..SUBJECTS).prop_map(subject));
    let leaving = if known.is_empty() {
        foreign.boxed()
    } else {
        prop_oneof![6 => select(known), 1 => foreign].boxed()
    };
    let leave = (leaving, 0_u8..3).prop_map(|((number, of), by)| {
        let authority = match by {
            0 => Authority::Subject(of),
            1 => Authority::Secret(of),
            _ => Authority::Organizer,
        };
        (CommandBody::LeaveWaitlist { entry: EntryNumber(number) }, authority)
    });
    prop_oneof![5 => join, 1 => leave].boxed()
}

/// A standing area of ten, sold in two types: whoever comes too late waits.
fn command(numbers: &mut Numbers, model: &Model) -> Command {
    let primary = subject(numbers.below(400).into());
    let subjects = Subjects { primary, extra: vec![] };
    let ticket_type = TicketTypeId(u16::try_from(numbers.below(2)).unwrap());
    let quantity = 1 + u16::try_from(numbers.below(3)).unwrap();
    let (body, authority) = match numbers.below(10) {
        0..3 => {
            let line = LineRequest {
                ticket_type: Some(ticket_type),
                expected_price_minor: None,
                want: Want::Quantity(quantity),
            };
            let place = PlaceHold {
                subjects,
                lines: vec![line],
                access_code: None,
                channel: None,
                duration_ms: None,
                promotion: None,
                expected_total_minor: None,
            };
            (CommandBody::PlaceHold(place), Authority::Subject(primary))
        }
        3..8 => {
            let first = Choice { ticket_type, quantity, manner: Manner::Standing };
            let other = Choice { ticket_type: TicketTypeId(1 - ticket_type.0), ..first };
            let choices = if numbers.below(3) == 0 { vec![first, other] } else { vec![first] };
            let join = JoinWaitlist { subjects, choices, price_max_minor: None, priority: None };
            (CommandBody::JoinWaitlist(join), Authority::Subject(primary))
        }
        _ => {
            let from = numbers.below(model.sequence() + 1);
            let hold = ClaimNumber(model.claims.range(from..).next().map_or(from, |(&number, _)| number));
            (CommandBody::ReleaseHold { hold }, Authority::Organizer)
        }
    };
    Command { authority, key: None, body }
}

/// Runs the engine, with a defect or without, against the model.
fn run(seed: u64, mutant: Option<Mutant>) {
    let mut config = standing();
    config.ticket_types[0].per_subject_max = None;
    let mut other = config.ticket_types[0].clone();
    other.name = "other".into();
    config.ticket_types.push(other);
    let order = if seed.is_multiple_of(3) { WaitlistOrder::Accumulate } else { WaitlistOrder::Fit };
    let policy = WaitlistPolicy { order, patience_ms: 2 * MINUTE_MS, ..WaitlistPolicy::default() };
    config.waitlist = Some(Box::new(policy));
    let configure = CommandBody::Configure { expected_version: 0, config: Arc::new(config) };
    let bodies = [configure, CommandBody::ChangePhase { to: Phase::OnSale }];
    let prologue = bodies.map(|body| Command { authority: Authority::Organizer, key: None, body }).to_vec();
    let mut reference = Reference::begin(prologue);
    let mut test = EngineAgainstModel::init_test(&reference);
    if let Some(mutant) = mutant {
        test = test.mutated(mutant);
    }
    let mut numbers = Numbers(seed);
    for _ in 0..200 {
        let step = match numbers.below(12) {
            0 => Step::Wait { ms: numbers.below(4 * MINUTE_MS), turns: usize::MAX },
            1 => Step::Serve(if numbers.below(3) == 0 { 0 } else { usize::MAX }),
            _ => Step::Ask(command(&mut numbers, &reference.model)),
        };
        reference = <Reference as ReferenceStateMachine>::apply(reference, &step);
        test = EngineAgainstModel::apply(test, &reference, step);
        test.compare(&reference.model);
    }
}

#[test]
fn a_line_is_served_as_the_model_serves_it() {
    (0..60).for_each(|seed| run(seed, None));
}

#[test]
fn whoever_is_passed_over_is_noticed() {
    for mutant in [Mutant::NewestServed, Mutant::MarkForgotten, Mutant::BucketSkipped, Mutant::WaitlistPassed]
    {
        let caught =
            (0..60).find(|&seed| catch_unwind(AssertUnwindSafe(|| run(seed, Some(mutant)))).is_err());
        assert!(caught.is_some(), "{mutant:?} was not noticed");
    }
}
