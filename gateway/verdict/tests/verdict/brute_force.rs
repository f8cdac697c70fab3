//! The search against a checker that tries every order and every moment, on tiny histories.

use proptest::prelude::*;
use tessera_verdict::linear::DEADLINE_SLACK_US;
use tessera_verdict::linear::search::{Call, Found, NEVER, Search};
use tessera_verdict::linear::stock::{Act, Claim, Stock};

/// A claim as the naive checker sees it: its steps are letters.
#[derive(Clone, Copy)]
struct Naive {
    stage: char,
    deadline: i64,
    grace: i64,
}

/// Whether there is an order, with a moment for each call: every order is tried, each call as early as it can be.
fn brute_force(capacity: u32, claims: &[(u32, i64)], calls: &[Call]) -> bool {
    let naive = claims.iter().map(|(_, deadline)| Naive { stage: '-', deadline: *deadline, grace: i64::MIN });
    explore(capacity, claims, &naive.collect::<Vec<_>>(), calls, 0, i64::MIN)
}

fn explore(
    capacity: u32,
    units: &[(u32, i64)],
    claims: &[Naive],
    calls: &[Call],
    done: u32,
    now: i64,
) -> bool {
    if calls.iter().enumerate().all(|(at, call)| !call.must || done & (1 << at) != 0) {
        return true;
    }
    (0..calls.len()).filter(|at| done & (1 << at) == 0).any(|at| {
        let moment = now.max(calls[at].invoked);
        let Some((claims, moment)) = after(capacity, units, claims.to_vec(), calls[at].act, moment) else {
            return false;
        };
        moment <= calls[at].returned && explore(capacity, units, &claims, calls, done | (1 << at), moment)
    })
}

/// The claims after an act, and its moment.
fn after(
    capacity: u32,
    units: &[(u32, i64)],
    mut claims: Vec<Naive>,
    act: Act,
    mut moment: i64,
) -> Option<(Vec<Naive>, i64)> {
    let used: u32 = claims
        .iter()
        .zip(units)
        .filter(|(claim, _)| "hps".contains(claim.stage))
        .map(|(_, units)| units.0)
        .sum();
    let stage = |claims: &[Naive], claim: usize| claims[claim].stage;
    match act {
        Act::Place(claim) if stage(&claims, claim) == '-' && used + units[claim].0 <= capacity => {
            claims[claim].stage = 'h';
        }
        Act::Renew(claim, until) if stage(&claims, claim) == 'h' => {
            claims[claim].deadline = claims[claim].deadline.max(until);
        }
        Act::Release(claim) if stage(&claims, claim) == 'h' => claims[claim].stage = 'o',
        Act::Begin(claim, until) if stage(&claims, claim) == 'h' => {
            claims[claim].stage = 'p';
            claims[claim].grace = claims[claim].grace.max(until);
        }
        Act::Fail(claim) if stage(&claims, claim) == 'p' => claims[claim].stage = 'h',
        Act::Confirm(claim) if stage(&claims, claim) == 'p' => claims[claim].stage = 's',
        Act::End(claim) if "hp".contains(stage(&claims, claim)) => {
            let due = match stage(&claims, claim) {
                'h' => claims[claim].deadline,
                _ => claims[claim].deadline.max(claims[claim].grace),
            };
            moment = moment.max(due.saturating_sub(DEADLINE_SLACK_US));
            claims[claim].stage = 'o';
        }
        Act::Lacks(wanted) if used + wanted > capacity => {}
        Act::Over(claim) if stage(&claims, claim) == 'o' => {}
        _ => return None,
    }
    Some((claims, moment))
}

/// A small time: a few slacks, so that deadlines matter.
fn moments() -> impl Strategy<Value = i64> {
    (0..12_i64).prop_map(|quarter| quarter * DEADLINE_SLACK_US / 4)
}

fn act(claims: usize) -> impl Strategy<Value = Act> {
    let claim = move || 0..claims;
    prop_oneof![
        2 => (claim(), moments()).prop_map(|(claim, until)| Act::Renew(claim, until)),
        3 => claim().prop_map(Act::Release),
        2 => (claim(), moments()).prop_map(|(claim, until)| Act::Begin(claim, until)),
        1 => claim().prop_map(Act::Fail),
        2 => claim().prop_map(Act::Confirm),
        4 => (1..3_u32).prop_map(Act::Lacks),
        2 => claim().prop_map(Act::Over),
    ]
}

/// Calls that may or may not fit an order: each claim is placed once, and may end by itself.
fn history() -> impl Strategy<Value = (u32, Vec<(u32, i64)>, Vec<Call>)> {
    let claims = prop::collection::vec((1..3_u32, moments()), 1..4);
    (1..3_u32, claims).prop_flat_map(|(capacity, claims)| {
        let count = claims.len();
        let timed = || (moments(), 0..6_i64, prop::bool::weighted(0.85));
        let places = prop::collection::vec(timed(), count);
        let others = prop::collection::vec((act(count), timed()), 0..4);
        (Just(capacity), Just(claims), places, others).prop_map(|(capacity, claims, places, others)| {
            let places = places.into_iter().enumerate().map(|(claim, timed)| (Act::Place(claim), timed));
            let call = |(act, (invoked, length, answered)): (Act, (i64, i64, bool))| {
                let must = answered || act.observes();
                let returned = if must { invoked + length * DEADLINE_SLACK_US / 4 } else { NEVER };
                Call { invoked, returned, must, act, operation: None }
            };
            let mut calls: Vec<Call> = places.chain(others).map(call).collect();
            for (claim, (_, deadline)) in claims.iter().enumerate() {
                let invoked = calls[claim].invoked.max(deadline - DEADLINE_SLACK_US);
                let act = Act::End(claim);
                calls.push(Call { invoked, returned: NEVER, must: false, act, operation: None });
            }
            calls.sort_by_key(|call| call.invoked);
            (capacity, claims, calls)
        })
    })
}

fn searched(capacity: u32, claims: &[(u32, i64)], calls: &[Call]) -> Found {
    let claims = claims.iter().map(|(units, deadline)| Claim::new(*units, *deadline)).collect();
    Search::new(Stock { free: capacity, claims }, calls, 1_000_000).run()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn the_search_finds_an_order_exactly_where_there_is_one((capacity, claims, calls) in history()) {
        let found = searched(capacity, &claims, &calls);
        let expected = brute_force(capacity, &claims, &calls);
        prop_assert_eq!(found == Found::Linearizable, expected, "{:?}", found);
        prop_assert!(found != Found::Undecided);
    }
}

#[test]
fn a_search_that_may_take_no_steps_says_that_it_is_undecided() {
    let place = Call { invoked: 0, returned: 1, must: true, act: Act::Place(0), operation: None };
    let stock = Stock { free: 1, claims: vec![Claim::new(1, NEVER)] };
    assert_eq!(Search::new(stock, &[place], 0).run(), Found::Undecided);
}
