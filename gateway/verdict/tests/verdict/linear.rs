//! Hand-written histories: what fits one order in time, and what does not.

use serde_json::json;
use tessera_demo::venue::Venue;
use tessera_verdict::linear::check;
use tessera_verdict::recording::{Asked, Operation, Outcome, Recording};
use tessera_verdict::verdict::Linearizability;

use crate::crowd::{Crowd, line, recording};

/// Milliseconds as microseconds.
const MS: u64 = 1_000;

/// An empty sale of one row of 20 seats and a floor of two.
fn empty() -> Recording {
    let mut recording = recording(Crowd { buyers: 0, rows: 1, floor: 2, seconds: 13, ..Crowd::SMALL });
    recording.history.clear();
    recording
}

fn of(history: Vec<Operation>) -> Linearizability {
    let recording = Recording { history, ..empty() };
    let venue = Venue::read(&recording.venue.to_string()).unwrap();
    check(&recording, &venue)
}

fn linearizable(history: Vec<Operation>) {
    let found = of(history);
    assert_eq!((found.violations, found.examples, found.undecided), (0, vec![], vec![]));
}

/// The one violation, in words.
fn violates(history: Vec<Operation>, words: &[&str]) {
    let found = of(history);
    let said = found.examples.join("\n");
    assert!(
        found.violations > 0 && words.iter().all(|word| said.contains(word)),
        "{words:?} not in {said:?}"
    );
}

fn operation(buyer: u32, from: u64, until: u64, asked: Asked, outcome: Outcome) -> Operation {
    Operation {
        buyer: Some(buyer),
        due_us: from * MS,
        latency_us: until.saturating_sub(from) * MS,
        invoked_us: from * MS,
        returned_us: (outcome != Outcome::Unknown).then_some(until * MS),
        sent: 1,
        half_sent: 0,
        asked,
        outcome,
    }
}

fn yes(id: &str, lines: Vec<(String, u16, Vec<u32>)>, deadline_ms: Option<i64>) -> Outcome {
    let deadline_us = deadline_ms.map(|deadline| deadline * 1_000);
    Outcome::Accepted { sequence: 1, id: id.into(), lines, deadline_us, replayed: false }
}

fn no(code: &str, problem: serde_json::Value) -> Outcome {
    Outcome::Refused { code: code.into(), sequence: None, problem }
}

/// A request for seat 5.
fn seat() -> Asked {
    Asked::PlaceHold { lines: vec![line("Parquet seat", 1, vec![5], false)], access_code: None }
}

fn held(buyer: u32, from: u64, until: u64, hold: &str, deadline_ms: i64) -> Operation {
    let lines = vec![("Parquet seat".to_owned(), 1, vec![5])];
    operation(buyer, from, until, seat(), yes(hold, lines, Some(deadline_ms)))
}

fn taken(buyer: u32, from: u64, until: u64) -> Operation {
    operation(buyer, from, until, seat(), no("seats_taken", json!({"seats": [5]})))
}

fn released(buyer: u32, from: u64, until: u64, hold: &str) -> Operation {
    operation(buyer, from, until, Asked::ReleaseHold { hold: hold.into() }, yes(hold, vec![], None))
}

fn stand(quantity: u16) -> Asked {
    Asked::PlaceHold { lines: vec![line("Standing", quantity, vec![], false)], access_code: None }
}

fn stood(buyer: u32, from: u64, until: u64, hold: &str, quantity: u16) -> Operation {
    let lines = vec![("Standing".to_owned(), quantity, vec![])];
    operation(buyer, from, until, stand(quantity), yes(hold, lines, Some(9_000)))
}

fn sold_out(buyer: u32, from: u64, until: u64, quantity: u16) -> Operation {
    operation(buyer, from, until, stand(quantity), no("sold_out", json!({})))
}

#[test]
fn a_seat_that_goes_from_hand_to_hand_is_linearizable() {
    linearizable(vec![
        held(1, 0, 10, "a", 9_000),
        taken(2, 5, 20),
        released(1, 15, 30, "a"),
        held(3, 16, 29, "b", 9_000),
    ]);
}

#[test]
fn a_seat_given_to_two_buyers_is_found() {
    violates(
        vec![held(1, 0, 10, "a", 9_000), held(2, 20, 30, "b", 9_000)],
        &["seat 5", "buyer 2 was given it", "buyer 1 already had it"],
    );
    // Sold, it never comes back, however long one waits.
    let pay = operation(1, 11, 12, Asked::BeginPayment { hold: "a".into() }, yes("o", vec![], None));
    let confirm = operation(1, 13, 14, Asked::Confirm { order: "o".into() }, yes("o", vec![], None));
    let again = held(2, 60_000, 60_010, "b", 90_000);
    violates(vec![held(1, 0, 10, "a", 9_000), pay, confirm, again], &["seat 5"]);
}

#[test]
fn a_hold_may_end_by_itself_from_its_deadline_on() {
    linearizable(vec![held(1, 0, 10, "a", 5_000), held(2, 4_100, 4_200, "b", 9_000)]);
    violates(vec![held(1, 0, 10, "a", 5_000), held(2, 3_000, 3_900, "b", 9_000)], &["buyer 2"]);
    let renewed = operation(1, 20, 30, Asked::RenewHold { hold: "a".into() }, yes("a", vec![], Some(12_000)));
    violates(vec![held(1, 0, 10, "a", 5_000), renewed, held(2, 6_000, 6_100, "b", 9_000)], &["buyer 2"]);
}

#[test]
fn a_refusal_of_a_seat_that_was_free_all_the_time_is_found() {
    violates(
        vec![taken(1, 0, 10), held(2, 20, 30, "a", 9_000)],
        &["seat 5", "refused it as taken", "nobody"],
    );
    // The hold was under way: it may have come first.
    linearizable(vec![taken(1, 0, 10), held(2, 5, 30, "a", 9_000)]);
}

#[test]
fn a_stale_release_is_found() {
    // Released twice, with another hold in between.
    violates(
        vec![held(1, 0, 10, "a", 9_000), released(1, 20, 30, "a"), released(1, 40, 50, "a")],
        &["released the hold", "over"],
    );
    // The seat is free again although only a hold that was over was released.
    violates(
        vec![
            held(1, 0, 10, "a", 9_000),
            released(1, 20, 30, "a"),
            held(2, 40, 50, "b", 9_000),
            released(1, 60, 70, "a"),
            held(3, 80, 90, "c", 9_000),
        ],
        &["seat 5"],
    );
}

#[test]
fn a_hold_called_over_before_its_deadline_is_found() {
    let over = |from, until| {
        operation(1, from, until, Asked::RenewHold { hold: "a".into() }, no("hold_expired", json!({})))
    };
    violates(vec![held(1, 0, 10, "a", 5_000), over(1_000, 1_100)], &["hold a", "before its deadline"]);
    linearizable(vec![held(1, 0, 10, "a", 5_000), over(5_000, 5_100)]);
}

#[test]
fn what_was_never_answered_may_take_effect_later_or_never() {
    let unknown = |from| operation(1, from, 0, seat(), Outcome::Unknown);
    linearizable(vec![unknown(0), taken(2, 500, 510)]);
    linearizable(vec![unknown(0), held(2, 500, 510, "a", 9_000)]);
    violates(vec![taken(2, 0, 10), unknown(20)], &["buyer 2 was refused it"]);
    // A release without an answer may have been carried out; one that was not executed was not.
    let release = |outcome| operation(1, 20, 30, Asked::ReleaseHold { hold: "a".into() }, outcome);
    let again = || held(2, 40, 50, "b", 9_000);
    linearizable(vec![held(1, 0, 10, "a", 9_000), release(Outcome::Unknown), again()]);
    let shed = Outcome::NotExecuted { code: "not_executed".into() };
    violates(vec![held(1, 0, 10, "a", 9_000), release(shed), again()], &["seat 5"]);
}

#[test]
fn a_request_for_places_together_may_have_any_seat_when_it_was_never_answered() {
    let asked = Asked::PlaceHold { lines: vec![line("Parquet seat", 2, vec![], true)], access_code: None };
    linearizable(vec![operation(1, 0, 0, asked, Outcome::Unknown), taken(2, 500, 510)]);
}

#[test]
fn a_pool_that_gives_more_than_it_has_is_found() {
    linearizable(vec![stood(1, 0, 10, "a", 1), stood(2, 5, 20, "b", 1), sold_out(3, 8, 30, 1)]);
    violates(
        vec![stood(1, 0, 10, "a", 1), stood(2, 5, 20, "b", 1), stood(3, 8, 30, "c", 1)],
        &["pool Floor", "3 units", "it has 2"],
    );
}

#[test]
fn a_pool_that_refuses_what_it_has_is_found() {
    violates(
        vec![stood(1, 0, 10, "a", 1), sold_out(2, 20, 30, 1)],
        &["pool Floor", "buyer 2 was refused 1 units", "at most 1 of 2"],
    );
    linearizable(vec![stood(1, 0, 10, "a", 1), sold_out(2, 20, 30, 2)]);
    // Both refusals fit their bounds, and yet no order has both: one unit is free between them, or none is.
    let pool = vec![
        stood(1, 0, 10, "a", 2),
        released(1, 20, 40, "a"),
        stood(2, 25, 30, "b", 1),
        sold_out(3, 31, 35, 2),
        sold_out(4, 31, 35, 1),
    ];
    violates(pool, &["pool Floor", "refused 1 units"]);
}

#[test]
fn withdrawn_seats_prove_nothing() {
    let mut recording = Recording { history: vec![taken(1, 0, 10)], ..empty() };
    recording.availabilities[0]["categories"][0]["killed"] = 3.into();
    let venue = Venue::read(&recording.venue.to_string()).unwrap();
    let found = check(&recording, &venue);
    assert_eq!((found.violations, found.left_out), (0, 1));
}

#[test]
fn a_whole_sale_is_decided_and_linearizable() {
    let mut recording = recording(Crowd::LARGE);
    // Only the clients' histories are read.
    recording.feed.clear();
    let venue = Venue::read(&recording.venue.to_string()).unwrap();
    let found = check(&recording, &venue);
    assert_eq!((found.violations, &found.examples, &found.undecided), (0, &vec![], &vec![]));
    assert!(found.seats > 1_000 && found.pools == 1 && found.holds > 1_000, "{found:?}");
}
