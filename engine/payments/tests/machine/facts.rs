//! Facts in any order, and what follows from any row.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tessera_inventory::{Sequence, Timestamp};
use tessera_ledger::{Account, AccountKind, Balances, Bearer, Entry, EntryId, Heading, Movement, Paid, Sale};
use tessera_payments::{
    Abilities, Alarm, Ask, AskAnswer, Begun, Booked, Change, Decided, DisputeStanding, Fact, Facts, News,
    Next, Operation, Outcome, Payment, RefundStanding, Refusal, Standing, Status, Want, Why, alarms,
    bookings, next,
};

use crate::{DAY, EUR, MINUTE, ORGANIZER, PRICE, PROVIDER, payment_id};

fn facts() -> impl Strategy<Value = Fact> {
    let names = || prop::sample::select(vec!["a", "b", "c"]).prop_map(Box::<str>::from);
    let amounts = || prop::sample::select(vec![-5, 0, 1, 4_000, PRICE, PRICE + 1]);
    let refunds =
        prop::sample::select(vec![RefundStanding::Pending, RefundStanding::Done, RefundStanding::Failed]);
    let disputes =
        prop::sample::select(vec![DisputeStanding::Open, DisputeStanding::Won, DisputeStanding::Lost]);
    prop_oneof![
        (names(), prop::option::of(names())).prop_map(|(reference, page)| Fact::Created {
            reference,
            page,
            secret: None
        }),
        Just(Fact::Processing),
        (amounts(), prop::option::of(0_u64..9))
            .prop_map(|(amount_minor, until)| Fact::Authorised { amount_minor, until: until.map(Timestamp) }),
        amounts().prop_map(|amount_minor| Fact::Captured { amount_minor }),
        names().prop_map(|code| Fact::Failed { code }),
        Just(Fact::Cancelled),
        (names(), prop::option::of(0_u64..3), amounts(), refunds)
            .prop_map(|(id, ours, amount_minor, standing)| Fact::Refund { id, ours, amount_minor, standing }),
        (names(), amounts(), amounts(), disputes).prop_map(|(id, amount_minor, fee_minor, standing)| {
            Fact::Dispute { id, amount_minor, fee_minor, standing }
        }),
        amounts().prop_map(|amount_minor| Fact::Fee { amount_minor }),
    ]
}

fn wants() -> impl Strategy<Value = Want> {
    let whys =
        vec![Why::Failed, Why::Expired, Why::Cancelled, Why::OtherAttempt, Why::SoldByOther, Why::Unpaid];
    prop_oneof![Just(Want::Capture), prop::sample::select(whys).prop_map(|why| Want::Release { why }),]
}

fn news() -> impl Strategy<Value = News> {
    let operations = vec![
        Operation::Create,
        Operation::LookUp,
        Operation::Capture,
        Operation::Void,
        Operation::Refund { number: 0 },
        Operation::Refund { number: 102 },
        Operation::LookUpRefunds,
    ];
    let outcomes = vec![
        Outcome::Done,
        Outcome::Declined { code: "no".into() },
        Outcome::Again { not_before: None },
        Outcome::Again { not_before: Some(Timestamp(DAY)) },
        Outcome::Later { not_before: None },
    ];
    let dispute = |standing| Ask::Dispute { standing, known: 1 };
    let asks = vec![
        Ask::Confirm,
        Ask::PaymentFailed,
        Ask::SellLate,
        Ask::RefundUnpaid,
        dispute(DisputeStanding::Open),
        dispute(DisputeStanding::Lost),
    ];
    let answers = vec![
        AskAnswer::Unknown,
        AskAnswer::Refused(Refusal::Ended),
        AskAnswer::Refused(Refusal::NotNow),
        AskAnswer::Refused(Refusal::Never),
        AskAnswer::Refused(Refusal::SoldByOther),
    ];
    prop_oneof![
        4 => facts().prop_map(News::Fact),
        1 => (wants(), 101_u64..110).prop_map(|(want, by)| News::Wanted { want, by: Sequence(by) }),
        1 => prop::sample::select(vec![0, 1, 102, 103]).prop_map(|number| News::RefundedByHand { number }),
        1 => (102_u64..104, 1_i64..PRICE).prop_map(|(number, amount_minor)| News::RefundWanted {
            number,
            amount_minor,
            reason: 0
        }),
        3 => (prop::sample::select(operations), 0_u16..3, 0_u64..2 * DAY, prop::sample::select(outcomes)).prop_map(
            |(operation, n, at, outcome)| News::Called { operation, n, called_at: Timestamp(at), outcome }
        ),
        1 => (prop::sample::select(asks), prop::sample::select(answers))
            .prop_map(|(ask, answer)| News::Decided(Decided { ask, answer })),
    ]
}

/// An attempt over the price that is begun at the beginning of time.
pub(crate) fn begun() -> Payment {
    let begun = Begun {
        organizer: ORGANIZER,
        provider: PROVIDER,
        amount_minor: PRICE,
        currency: EUR,
        grace_until: Timestamp(15 * MINUTE),
        sequence: Sequence(100),
    };
    Payment::begin(payment_id(1), &begun, Timestamp(1))
}

fn merged<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Facts {
    let mut known = Facts::default();
    facts.into_iter().for_each(|fact| known.merge(fact));
    known
}

proptest! {
    #[test]
    fn facts_come_in_any_order_and_again_and_again(
        mut told in prop::collection::vec(facts(), 0..24),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        shuffled in any::<u64>(),
    ) {
        let known = merged(&told);
        let repeated: Vec<_> = again.iter().filter(|_| !told.is_empty()).map(|at| at.get(&told).clone()).collect();
        told.extend(repeated);
        let mut rng = crate::Rng(shuffled);
        for position in (1..told.len()).rev() {
            told.swap(position, usize::try_from(rng.below(position as u64 + 1)).unwrap());
        }
        prop_assert_eq!(merged(&told), known);
    }

    #[test]
    fn whatever_was_learnt_there_is_a_next_step_that_is_allowed(
        learnt in prop::collection::vec((news(), 0_u64..2 * DAY), 0..20),
        now in 0_u64..3 * DAY,
    ) {
        let abilities = Abilities { key_life_ms: DAY, ..Abilities::new() };
        let (mut payment, now) = (begun(), Timestamp(now));
        for (news, at) in learnt {
            let change = Change { payment: payment.id, at: Timestamp(at), news: vec![news], handled: vec![] };
            payment.apply(&change, &abilities);
        }
        let facts = &payment.facts;
        match next(&payment, &abilities, now) {
            Next::Call(Operation::Capture) => {
                prop_assert_eq!(payment.want, Want::Capture);
                prop_assert_eq!(facts.status, Status::Authorised);
            }
            Next::Call(Operation::Void) => prop_assert!(payment.want != Want::Capture && !facts.is_over()),
            Next::Call(Operation::Refund { number }) => {
                let left = facts.captured_minor - facts.refunded_minor();
                prop_assert!(payment.refunds[&number].amount_minor <= left);
                prop_assert_eq!(facts.refund(number), None);
            }
            Next::Call(Operation::Create) => prop_assert!(facts.reference.is_none()),
            Next::Call(Operation::LookUp | Operation::LookUpRefunds) => {}
            Next::Ask(Ask::Confirm | Ask::SellLate) => {
                prop_assert!(facts.is_paid() && payment.is_covered() && payment.want != Want::Capture);
            }
            Next::Ask(Ask::PaymentFailed) => {
                let is_waited_for = matches!(payment.want, Want::Authorise { .. });
                prop_assert!(is_waited_for);
            }
            Next::Ask(Ask::RefundUnpaid) => prop_assert!(payment.want == Want::Capture && facts.is_over()),
            Next::Ask(Ask::Dispute { standing, .. }) => {
                prop_assert!(payment.want == Want::Capture && facts.disputed() == Some(standing));
            }
            Next::Wait(at) => prop_assert!(at > now),
            Next::Settled => {
                let is_waited_for = matches!(payment.want, Want::Authorise { .. }) && !facts.is_paid();
                prop_assert!(!is_waited_for, "a buyer is forgotten");
                let is_set_aside = facts.status == Status::Authorised && facts.reference.is_some();
                prop_assert!(!is_set_aside, "the buyer's money is left set aside");
            }
        }
    }

    #[test]
    fn what_is_booked_step_by_step_is_what_the_row_says_in_the_end(
        learnt in prop::collection::vec((news(), 0_u64..2 * DAY), 0..30),
    ) {
        let abilities = Abilities { key_life_ms: DAY, ..Abilities::new() };
        let mut payment = begun();
        let mut entries = BTreeMap::new();
        let mut book = |before: Option<&Payment>, after: &Payment| {
            for Booked { id, movement } in bookings(before, after, Bearer::Organizer, &abilities) {
                let heading = Heading { id, at: Timestamp(1), organizer: ORGANIZER, currency: EUR, order: None };
                // A dispute over nothing moves nothing.
                let Some(entry) = tessera_ledger::entry(heading, &movement).expect("small amounts") else {
                    continue;
                };
                // What has the id of another entry would be missing.
                assert!(entries.insert(id, entry).is_none(), "{movement:?}");
            }
            std::mem::take(&mut entries)
        };
        let mut posted = BTreeMap::new();
        for (news, at) in learnt {
            let before = payment.clone();
            let change = Change { payment: payment.id, at: Timestamp(at), news: vec![news], handled: vec![] };
            payment.apply(&change, &abilities);
            for (id, entry) in book(Some(&before), &payment) {
                prop_assert!(posted.insert(id, entry).is_none(), "an entry has the id of an earlier one");
            }
        }
        let sum = |entries: BTreeMap<EntryId, Entry>| {
            let mut balances = Balances::default();
            entries.values().for_each(|entry| balances.post(entry));
            balances.iter().filter(|(_, _, sum)| *sum != 0).collect::<Vec<_>>()
        };
        prop_assert_eq!(sum(posted), sum(book(None, &payment)));
    }

    #[test]
    fn money_that_no_sale_wants_is_due_to_the_buyer(
        learnt in prop::collection::vec(facts(), 0..20),
        captured in prop::sample::select(vec![1, PRICE, PRICE + 1]),
    ) {
        let abilities = Abilities::new();
        let mut payment = begun();
        let mut news: Vec<_> = learnt.into_iter().map(News::Fact).collect();
        news.push(News::Fact(Fact::Captured { amount_minor: captured }));
        news.push(News::Wanted { want: Want::Release { why: Why::Cancelled }, by: Sequence(101) });
        let change = Change { payment: payment.id, at: Timestamp(1), news, handled: vec![] };
        payment.apply(&change, &abilities);
        let due: i64 = payment.refunds.values().map(|refund| refund.amount_minor).sum();
        prop_assert_eq!(due, payment.facts.captured_minor);
        let refunds = payment.refunds.clone();
        payment.apply(&change, &abilities);
        prop_assert_eq!(payment.refunds, refunds, "and only once");
    }
}

/// A sale whose money was called off: it is captured all the same, a part of it is refunded, and the log takes it back, in any order.
#[test]
fn what_is_captured_after_all_is_given_back_once_whatever_the_log_refunds_of_it() {
    const PART: i64 = 4_000;
    let abilities = Abilities::new();
    let provider = PROVIDER.0.get();
    let captured = News::Fact(Fact::Captured { amount_minor: PRICE });
    let refund = News::RefundWanted { number: 102, amount_minor: PART, reason: 0 };
    let unpaid =
        News::Decided(Decided { ask: Ask::RefundUnpaid, answer: AskAnswer::Accepted(Sequence(103)) });
    let logged = [
        Movement::Sold { by: Paid::Provider(provider), sale: Sale::plain(PRICE) },
        Movement::RefundWanted { provider, sale: Sale::plain(PART) },
        Movement::Unpaid { provider, sale: Sale::plain(PRICE - PART) },
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut payment = begun();
        let mut moved = logged.to_vec();
        let sold = News::Wanted { want: Want::Capture, by: Sequence(101) };
        let told = order.map(|at: usize| [&captured, &refund, &unpaid][at].clone());
        for news in [sold, News::Fact(Fact::Cancelled)].into_iter().chain(told) {
            let before = payment.clone();
            let change = Change { payment: payment.id, at: Timestamp(1), news: vec![news], handled: vec![] };
            payment.apply(&change, &abilities);
            let booked = bookings(Some(&before), &payment, Bearer::Organizer, &abilities);
            moved.extend(booked.into_iter().map(|booked| booked.movement));
        }
        let due = payment.refunds.values().filter(|refund| refund.standing == Standing::Due);
        assert_eq!(due.map(|refund| refund.amount_minor).sum::<i64>(), PRICE, "{order:?}");
        assert_eq!(payment.unowned_minor(), 0, "{order:?}: it belongs to the buyer");
        let too_large = |alarm: &Alarm| matches!(alarm, Alarm::RefundTooLarge { .. });
        assert!(!alarms(&payment, &abilities).iter().any(too_large), "{order:?}");
        let mut balances = Balances::default();
        for (mark, movement) in (0_u64..).zip(&moved) {
            let id = EntryId::of_log(payment.id.event, Sequence(mark));
            let heading = Heading { id, at: Timestamp(1), organizer: ORGANIZER, currency: EUR, order: None };
            balances.post(&tessera_ledger::entry(heading, movement).unwrap().expect("money is moved"));
        }
        let of = |kind| balances.balance(EUR, Account::with_provider(kind, provider));
        let (in_flight, owed) = (of(AccountKind::InFlight), of(AccountKind::RefundsDue));
        assert_eq!((in_flight, owed), (0, -i128::from(PRICE)), "{order:?}");
    }
}

/// A payment that failed after it had been created, and is called off with this outcome; then its buyer pays after all.
fn called_off(outcomes: &[Outcome]) -> Next {
    let abilities = Abilities::new();
    let mut payment = begun();
    let created = Fact::Created { reference: "a".into(), page: None, secret: None };
    let failed = News::Wanted { want: Want::Release { why: Why::Failed }, by: Sequence(101) };
    let called = |outcome: &Outcome| News::Called {
        operation: Operation::Void,
        n: 0,
        called_at: Timestamp(2),
        outcome: outcome.clone(),
    };
    let mut news = vec![News::Fact(created), failed];
    news.extend(outcomes.iter().map(called));
    news.push(News::Fact(Fact::Authorised { amount_minor: PRICE, until: None }));
    payment.apply(&Change { payment: payment.id, at: Timestamp(3), news, handled: vec![] }, &abilities);
    next(&payment, &abilities, Timestamp(DAY / 100))
}

#[test]
fn what_was_certainly_not_called_off_still_buys() {
    let (later, unknown) = (Outcome::Later { not_before: None }, Outcome::Again { not_before: None });
    assert_eq!(called_off(&[]), Next::Ask(Ask::Confirm));
    assert_eq!(called_off(std::slice::from_ref(&later)), Next::Ask(Ask::Confirm), "it was not executed");
    assert_eq!(called_off(std::slice::from_ref(&unknown)), Next::Call(Operation::Void), "it may have been");
    assert_eq!(called_off(&[unknown, later]), Next::Call(Operation::Void), "the first may have been");
}

#[test]
fn the_log_is_told_of_disputes_over_what_it_has_sold_each_time_they_change() {
    let abilities = Abilities::new();
    let mut payment = begun();
    let mut learn = |news: News| {
        let change = Change { payment: payment.id, at: Timestamp(1), news: vec![news], handled: vec![] };
        payment.apply(&change, &abilities);
        match next(&payment, &abilities, Timestamp(2)) {
            Next::Ask(ask) => Some(ask),
            _ => None,
        }
    };
    let disputed = |id: &str, standing| {
        News::Fact(Fact::Dispute { id: id.into(), amount_minor: PRICE, fee_minor: 0, standing })
    };
    let told = |ask, answer| News::Decided(Decided { ask, answer });
    let ask = |standing, known| Ask::Dispute { standing, known };
    let (open, won, lost) = (DisputeStanding::Open, DisputeStanding::Won, DisputeStanding::Lost);
    learn(News::Fact(Fact::Captured { amount_minor: PRICE }));
    learn(News::Wanted { want: Want::Capture, by: Sequence(101) });
    assert_eq!(learn(disputed("d", open)), Some(ask(open, 1)));
    assert_eq!(learn(told(ask(open, 1), AskAnswer::Accepted(Sequence(102)))), None);
    assert_eq!(learn(disputed("d", won)), Some(ask(won, 1)));
    assert_eq!(learn(told(ask(won, 1), AskAnswer::Accepted(Sequence(103)))), None);
    assert_eq!(learn(disputed("e", open)), Some(ask(open, 2)), "another ask than that for the first");
    assert_eq!(learn(disputed("e", lost)), Some(ask(lost, 2)));
    assert_eq!(learn(told(ask(lost, 2), AskAnswer::Refused(Refusal::Never))), None);
}
