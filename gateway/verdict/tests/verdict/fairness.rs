//! Unfair, right, and lucky later.

use serde_json::json;
use tessera_verdict::judge::judge;
use tessera_verdict::recording::{Asked, Operation, Outcome, Recording};
use tessera_verdict::verdict::{Fairness, Verdict};

use crate::crowd::{Crowd, line, recording};
use crate::sale::Office;

/// One second, in microseconds.
const SECOND: u64 = 1_000_000;

/// A sale in which buyer 1 takes the whole floor of two and seats 4 and 5 of the only row, and gives all back.
fn sale() -> Recording {
    let mut office = Office::new(1, 2);
    let mut history = Vec::new();
    let mut note = |asked: Asked, at: u64, yes: crate::sale::Yes| {
        let outcome = Outcome::Accepted {
            sequence: yes.sequence,
            id: yes.id.clone(),
            lines: yes.lines,
            deadline_us: yes.deadline_us,
            replayed: false,
        };
        let (invoked_us, returned_us) = (at - 10, Some(at + 10));
        history.push(Operation {
            buyer: Some(1),
            due_us: invoked_us,
            latency_us: 20,
            invoked_us,
            returned_us,
            sent: 1,
            half_sent: 0,
            asked,
            outcome,
        });
        yes.id
    };
    let place = |lines| Asked::PlaceHold { lines, access_code: None };
    let floor = office.stand(SECOND, 2).ok().unwrap();
    let floor = note(place(vec![line("Standing", 2, vec![], false)]), SECOND, floor);
    let seats = office.sit(SECOND, &[4, 5]).ok().unwrap();
    let seats = note(place(vec![line("Parquet seat", 2, vec![4, 5], false)]), SECOND, seats);
    for (at, hold) in [(3, &floor), (4, &seats)] {
        let yes = office.release(at * SECOND, hold).ok().unwrap();
        note(Asked::ReleaseHold { hold: hold.clone() }, at * SECOND, yes);
    }
    let empty = recording(Crowd { buyers: 0, rows: 1, floor: 2, seconds: 13, ..Crowd::SMALL });
    Recording {
        history,
        availabilities: vec![office.availability()],
        seat_map: Some(office.seat_map()),
        feed: office.feed,
        ..empty
    }
}

/// Judge the sale with one refusal more: configured, on sale, floor, seats, floor back, seats back are sequences 1 to 6.
fn refused(asked: Asked, code: &str, sequence: u64, problem: serde_json::Value) -> Fairness {
    refused_by(9 * SECOND, asked, code, sequence, problem).fairness
}

/// The same, answered at this time.
fn refused_by(returned: u64, asked: Asked, code: &str, sequence: u64, problem: serde_json::Value) -> Verdict {
    let mut recording = sale();
    recording.objectives.clear();
    recording.history.push(Operation {
        buyer: Some(9),
        due_us: 0,
        latency_us: returned,
        invoked_us: 0,
        returned_us: Some(returned),
        sent: 1,
        half_sent: 0,
        asked,
        outcome: Outcome::Refused { code: code.into(), sequence: Some(sequence), problem },
    });
    judge(&recording)
}

fn floor(quantity: u16) -> Asked {
    Asked::PlaceHold { lines: vec![line("Standing", quantity, vec![], false)], access_code: None }
}

/// Right, not judged, unfair, lucky later.
fn figures(fairness: &Fairness) -> [u64; 4] {
    let total = fairness.total();
    [total.right, total.unjudged, total.unfair, total.lucky_later]
}

#[test]
fn a_refusal_while_enough_was_there_is_unfair() {
    let fairness = refused(floor(1), "sold_out", 2, json!({}));
    assert_eq!(figures(&fairness), [0, 0, 1, 0]);
    let said = &fairness.unfair_examples[0];
    assert!(
        said.contains("buyer 9") && said.contains("1 × Standing") && said.contains("sequence 2"),
        "{said}"
    );
}

#[test]
fn an_unfair_refusal_fails_the_run_and_says_so() {
    let verdict = refused_by(9 * SECOND, floor(1), "sold_out", 2, json!({}));
    assert!(
        !verdict.passed && verdict.reason.starts_with("1 refusal was unfair: buyer 9"),
        "{}",
        verdict.reason
    );
    let verdict = refused_by(9 * SECOND, floor(1), "sold_out", 3, json!({}));
    assert!(verdict.passed, "{}", verdict.reason);
}

#[test]
fn a_refusal_that_no_order_in_time_explains_fails_the_run_though_the_log_explains_it() {
    let seat = Asked::PlaceHold { lines: vec![line("Parquet seat", 1, vec![4], false)], access_code: None };
    // The log says that the seat was held at sequence 4; but it was asked for only after this refusal.
    let verdict = refused_by(SECOND / 2, seat, "seats_taken", 4, json!({"seats": [4]}));
    assert_eq!((verdict.fairness.total().right, verdict.linearizability.violations), (1, 1));
    assert!(!verdict.passed && verdict.reason.starts_with("No order in time"), "{}", verdict.reason);
}

#[test]
fn a_right_refusal_that_returning_stock_would_have_served_is_lucky_later() {
    assert_eq!(figures(&refused(floor(2), "sold_out", 3, json!({}))), [1, 0, 0, 1]);
    assert_eq!(figures(&refused(floor(3), "sold_out", 3, json!({}))), [1, 0, 0, 0], "three never were there");
    let seat = |seats: Vec<u32>| {
        let asked = line("Parquet seat", 1, seats, false);
        Asked::PlaceHold { lines: vec![asked], access_code: None }
    };
    let taken = |seat: u32| json!({"seats": [seat]});
    assert_eq!(figures(&refused(seat(vec![4]), "seats_taken", 4, taken(4))), [1, 0, 0, 1]);
    assert_eq!(figures(&refused(seat(vec![7]), "seats_taken", 4, taken(7))), [0, 0, 1, 0]);
}

#[test]
fn places_together_are_lucky_when_a_row_has_room_again() {
    let together = |quantity| {
        let asked = line("Parquet seat", quantity, vec![], true);
        Asked::PlaceHold { lines: vec![asked], access_code: None }
    };
    // The row of 20 has 14 places together while seats 4 and 5 are held.
    assert_eq!(figures(&refused(together(14), "sold_out", 4, json!({}))), [0, 0, 1, 0]);
    assert_eq!(figures(&refused(together(15), "sold_out", 4, json!({}))), [1, 0, 0, 1]);
    assert_eq!(figures(&refused(together(15), "sold_out", 5, json!({}))), [1, 0, 0, 1]);
}

#[test]
fn whoever_is_told_that_a_live_hold_is_over_is_treated_unfairly() {
    let renew = |hold: &str| Asked::RenewHold { hold: hold.into() };
    let fairness = refused(renew("hld_3"), "hold_expired", 4, json!({}));
    assert_eq!(figures(&fairness), [0, 0, 1, 0]);
    assert!(fairness.unfair_examples[0].contains("hld_3, which lived at sequence 4"));
    assert_eq!(figures(&refused(renew("hld_3"), "hold_expired", 5, json!({}))), [1, 0, 0, 0]);
}

#[test]
fn what_a_limit_says_of_a_buyer_with_an_unanswered_request_is_not_judged() {
    let judged = |unanswered: bool| {
        let mut recording = sale();
        let refusal = Outcome::Refused {
            code: "limit_exceeded".into(),
            sequence: Some(6),
            problem: json!({"limit": 4, "used": 4}),
        };
        let operation = |outcome| Operation {
            buyer: Some(9),
            due_us: 0,
            latency_us: 1,
            invoked_us: 0,
            returned_us: Some(1),
            sent: 1,
            half_sent: 0,
            asked: floor(1),
            outcome,
        };
        recording.history.push(operation(refusal));
        if unanswered {
            recording.history.push(operation(Outcome::Unknown));
        }
        figures(&judge(&recording).fairness)
    };
    assert_eq!(judged(true), [0, 1, 0, 0]);
    assert_eq!(judged(false), [0, 0, 1, 0], "the buyer has nothing, and there is no such limit");
}
