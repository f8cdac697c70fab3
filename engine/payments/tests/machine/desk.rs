//! How many a desk looks after, how fast it calls, and in which order.

use std::collections::BTreeMap;

use tessera_inventory::{ClaimNumber, Sequence, Timestamp};
use tessera_payments::{
    Abilities, Answer, Begun, Change, Desk, DeskAlert, DeskOptions, Fact, IN_HAND_MAX, Input, News, Next,
    Operation, Outcome, Output, Payment, PaymentId, ProviderEventId, RECORDED_MAX, Want, Why, next,
};

use crate::{DAY, EUR, MINUTE, ORGANIZER, PRICE, PROVIDER, SECOND, payment_id};

const START: Timestamp = Timestamp(DAY);

fn abilities(calls_per_second: u32) -> Abilities {
    Abilities { key_life_ms: DAY, calls_per_second, ..Abilities::new() }
}

fn desk(calls_per_second: u32) -> Desk {
    let providers = BTreeMap::from([(PROVIDER, abilities(calls_per_second))]);
    Desk::new(DeskOptions { installation: 7, providers }, START)
}

/// An order that is begun.
fn begun(order: u64) -> Payment {
    let begun = Begun {
        organizer: ORGANIZER,
        provider: PROVIDER,
        amount_minor: PRICE,
        currency: EUR,
        grace_until: START.plus_ms(15 * MINUTE),
        sequence: Sequence(100),
    };
    let id = PaymentId { order: ClaimNumber(order), ..payment_id(1) };
    Payment::begin(id, &begun, START)
}

/// An order that is sold and captured, and has to be given back.
fn refunded(order: u64) -> Payment {
    let mut payment = begun(order);
    let reference = format!("p{order}").into();
    let news = vec![
        News::Fact(Fact::Created { reference, page: None, secret: None }),
        News::Fact(Fact::Captured { amount_minor: PRICE }),
        News::Wanted { want: Want::Capture, by: Sequence(101) },
        News::RefundWanted { number: 102, amount_minor: PRICE, reason: 0 },
    ];
    payment.apply(&Change { payment: payment.id, at: START, news, handled: vec![] }, &abilities(1));
    payment
}

fn handle(desk: &mut Desk, now: Timestamp, input: Input) -> Vec<Output> {
    let mut out = Vec::new();
    desk.handle(now, input, &mut out);
    out
}

fn calls(out: &[Output]) -> Vec<(u64, Operation)> {
    let call = |output: &Output| match output {
        Output::Call { payment, operation, .. } => Some((payment.id.order.0, *operation)),
        _ => None,
    };
    out.iter().filter_map(call).collect()
}

#[test]
fn a_desk_reads_what_is_due_takes_what_it_has_room_for_and_reads_on() {
    let mut desk = desk(1_000);
    let out = handle(&mut desk, START, Input::Tick);
    assert_eq!(out, [Output::ReadDue { most: IN_HAND_MAX }]);
    let payments: Vec<_> = (0..300).map(begun).collect();
    let out = handle(&mut desk, START, Input::Due { payments, next_at: None });
    assert_eq!((desk.in_hand(), calls(&out).len()), (IN_HAND_MAX, IN_HAND_MAX));
    assert!(!out.iter().any(|output| matches!(output, Output::ReadDue { .. })), "there is no room");
    let mut out = Vec::new();
    for order in 0..IN_HAND_MAX as u64 {
        let payment = PaymentId { order: ClaimNumber(order), ..payment_id(1) };
        let answer = Answer::Facts(vec![Fact::Created {
            reference: format!("p{order}").into(),
            page: None,
            secret: None,
        }]);
        let input = Input::Answered { payment, operation: Operation::Create, answer };
        desk.handle(START, input, &mut out);
    }
    // What came while the first was recorded is one transaction.
    let recorded = |out: &[Output]| {
        let record = |output: &Output| match output {
            Output::Record { batch, changes } => Some((*batch, changes.clone())),
            _ => None,
        };
        out.iter().filter_map(record).collect::<Vec<_>>()
    };
    let first = recorded(&out);
    assert_eq!(first.iter().map(|(batch, changes)| (*batch, changes.len())).collect::<Vec<_>>(), [(1, 1)]);
    let rows = |changes: &[Change]| {
        let row = |change: &Change| {
            let mut row = begun(change.payment.order.0);
            row.apply(change, &abilities(1_000));
            row
        };
        changes.iter().map(row).collect::<Vec<_>>()
    };
    let out = handle(&mut desk, START, Input::Recorded { batch: 1, rows: rows(&first[0].1) });
    let second = recorded(&out);
    assert_eq!((second[0].0, second[0].1.len()), (2, IN_HAND_MAX - 1));
    assert!(second[0].1.len() <= RECORDED_MAX);
    let out = handle(&mut desk, START, Input::Recorded { batch: 2, rows: rows(&second[0].1) });
    assert_eq!((desk.in_hand(), out.contains(&Output::ReadDue { most: IN_HAND_MAX })), (0, true));
}

#[test]
fn a_provider_is_called_no_faster_than_it_takes_and_creation_goes_first() {
    let mut desk = desk(2);
    handle(&mut desk, START, Input::Tick);
    let payments = (0..10).map(refunded).collect();
    let out = handle(&mut desk, START, Input::Due { payments, next_at: None });
    let refund = Operation::Refund { number: 102 };
    assert_eq!(calls(&out), [(0, refund), (1, refund)], "what a second brings");
    let out = handle(&mut desk, START.plus_ms(1), Input::Written(vec![begun(99)]));
    assert_eq!(calls(&out), []);
    assert!(out.contains(&Output::ArmTimer(START.plus_ms(500))), "{out:?}");
    let out = handle(&mut desk, START.plus_ms(500), Input::Tick);
    assert_eq!(calls(&out), [(99, Operation::Create)], "a buyer waits");
    let mut called = Vec::new();
    for ms in (600..=2 * SECOND).step_by(100) {
        called.extend(calls(&handle(&mut desk, START.plus_ms(ms), Input::Tick)));
    }
    assert_eq!(called, [(2, refund), (3, refund), (4, refund)]);
}

#[test]
fn a_call_under_way_is_not_made_again_and_an_answer_counts_once() {
    let mut desk = desk(50);
    let out = handle(&mut desk, START, Input::Written(vec![begun(1)]));
    assert_eq!(calls(&out), [(1, Operation::Create)]);
    assert_eq!(calls(&handle(&mut desk, START, Input::Written(vec![begun(1)]))), []);
    let payment = begun(1).id;
    let answered = |answer| Input::Answered { payment, operation: Operation::Create, answer };
    let out = handle(&mut desk, START, answered(Answer::NotOurs { detail: "401".into() }));
    let refuses = DeskAlert::ProviderRefuses { provider: PROVIDER, detail: "401".into() };
    assert!(out.contains(&Output::Alert(refuses)));
    let Some(Output::Record { batch, changes }) = out.last().cloned() else { panic!("{out:?}") };
    assert_eq!(handle(&mut desk, START, answered(Answer::Unknown)), [], "it was answered");
    let mut row = begun(1);
    row.apply(&changes[0], &abilities(50));
    handle(&mut desk, START, Input::Recorded { batch, rows: vec![row] });
    assert_eq!(desk.in_hand(), 0, "it is left to its row");
    assert_eq!(tessera_payments::due_at(&begun(1), &abilities(50), START), Some(START));
}

#[test]
fn what_could_not_be_recorded_is_recorded_again_with_what_came_meanwhile() {
    let mut desk = desk(50);
    let told = |n: u32, fact: Fact| Input::Told {
        payment: Box::new(begun(1)),
        facts: vec![fact],
        handled: Some(ProviderEventId { provider: PROVIDER, event: format!("e{n}").into() }),
    };
    let records = |out: &[Output]| {
        let record = |output: &Output| match output {
            Output::Record { batch, changes } => Some((*batch, changes[0].clone())),
            _ => None,
        };
        out.iter().find_map(record)
    };
    let out = handle(&mut desk, START, told(1, Fact::Processing));
    let (batch, _) = records(&out).expect("it is recorded");
    let out = handle(&mut desk, START, told(2, Fact::Authorised { amount_minor: PRICE, until: None }));
    assert_eq!(records(&out), None, "one at a time");
    assert!(matches!(out.first(), Some(Output::Ask { .. })), "{out:?}");
    let out = handle(&mut desk, START, Input::RecordFailed { batch });
    assert_eq!(out, [Output::ArmTimer(START.plus_ms(SECOND))]);
    // A duplicate says nothing new; that it came is recorded.
    handle(&mut desk, START, told(3, Fact::Processing));
    let out = handle(&mut desk, START.plus_ms(SECOND), Input::Tick);
    let (_, change) = records(&out).expect("again");
    let authorised = News::Fact(Fact::Authorised { amount_minor: PRICE, until: None });
    assert_eq!(change.news, [News::Fact(Fact::Processing), authorised]);
    assert_eq!(change.handled.len(), 3);
}

#[test]
fn an_attempt_that_was_over_when_it_was_first_heard_of_is_not_created() {
    let released = |at: Timestamp| {
        let mut payment = begun(1);
        let want = Want::Release { why: Why::Expired };
        let news = vec![News::Wanted { want, by: Sequence(101) }];
        payment.apply(&Change { payment: payment.id, at, news, handled: vec![] }, &abilities(1));
        next(&payment, &abilities(1), at)
    };
    assert_eq!(released(START), Next::Settled, "as after an outage of whoever follows the log");
    let later = START.plus_ms(1);
    assert_eq!(released(later), Next::Call(Operation::Create), "somebody may have had it created");
}

#[test]
fn a_payment_whose_row_is_gone_is_let_go() {
    let mut desk = desk(50);
    handle(&mut desk, START, Input::Written(vec![begun(1)]));
    let payment = begun(1).id;
    let input = Input::Answered { payment, operation: Operation::Create, answer: Answer::Unknown };
    let out = handle(&mut desk, START, input);
    let Some(Output::Record { batch, .. }) = out.last().cloned() else { panic!("{out:?}") };
    handle(&mut desk, START, Input::Recorded { batch, rows: Vec::new() });
    assert_eq!(desk.in_hand(), 0);
}

#[test]
fn a_provider_is_asked_at_once_about_what_somebody_has_just_paid() {
    let mut payment = begun(1);
    let learns = |payment: &mut Payment, at: Timestamp, news: Vec<News>| {
        let change = Change { payment: payment.id, at, news, handled: Vec::new() };
        payment.apply(&change, &abilities(50));
        next(payment, &abilities(50), at)
    };
    let created = Fact::Created { reference: "p1".into(), page: None, secret: None };
    let looks = learns(&mut payment, START, vec![News::Fact(created)]);
    assert_eq!(looks, Next::Wait(START.plus_ms(15 * SECOND)));
    let paid = START.plus_ms(5 * SECOND);
    let looks = learns(&mut payment, paid, vec![News::Fact(Fact::Processing)]);
    assert_eq!(looks, Next::Call(Operation::LookUp));
    // The look may say no more than that: then it is looked at after a while.
    let (operation, outcome) = (Operation::LookUp, Outcome::Done);
    let news = vec![News::Fact(Fact::Processing), News::Called { operation, n: 0, called_at: paid, outcome }];
    let looks = learns(&mut payment, paid, news);
    assert!(matches!(looks, Next::Wait(at) if at > paid), "{looks:?}");
}
