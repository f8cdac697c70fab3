//! Unfair, right, and lucky later.

use serde_json::json;
use tessera_verdict::judge::judge;
use tessera_verdict::recording::{Asked, Operation, Outcome, Recording};
use tessera_verdict::verdict::{Fairness, Verdict};

use crate::crowd::{Crowd, line, recording};
use crate::sale::{Office, Yes};

/// One second, in microseconds.
const SECOND: u64 = 1_000_000;

/// What the office accepts of buyer 1 at a time.
fn accepted(asked: Asked, at: u64, yes: Yes) -> Operation {
    let Yes { sequence, id, lines, deadline_us } = yes;
    let (invoked_us, returned_us) = (at - 10, Some(at + 10));
    Operation {
        buyer: Some(1),
        due_us: invoked_us,
        latency_us: 20,
        invoked_us,
        returned_us,
        sent: 1,
        half_sent: 0,
        asked,
        outcome: Outcome::Accepted { sequence, id, lines, deadline_us, replayed: false },
    }
}

fn recorded(office: Office, history: Vec<Operation>) -> Recording {
    let empty = recording(Crowd { buyers: 0, rows: 1, floor: 2, seconds: 13, ..Crowd::SMALL });
    Recording {
        history,
        objectives: Vec::new(),
        availabilities: vec![office.availability()],
        seat_map: Some(office.seat_map()),
        feed: office.feed,
        ..empty
    }
}

/// A sale in which buyer 1 takes the whole floor of two and seats 4 and 5 of the only row, and gives all back: configured, on sale, floor, seats,
/// floor back, seats back are sequences 1 to 6.
fn sale() -> Recording {
    let mut office = Office::new(1, 2);
    let seats =
        Asked::PlaceHold { lines: vec![line("Parquet seat", 2, vec![4, 5], false)], access_code: None };
    let mut history = vec![
        accepted(floor(2), SECOND, office.stand(SECOND, 2).ok().unwrap()),
        accepted(seats, SECOND, office.sit(SECOND, &[4, 5]).ok().unwrap()),
    ];
    for (at, hold) in [(3, "hld_3"), (4, "hld_4")] {
        let yes = office.release(at * SECOND, hold).ok().unwrap();
        history.push(accepted(Asked::ReleaseHold { hold: hold.into() }, at * SECOND, yes));
    }
    recorded(office, history)
}

/// A sale in which buyer 1 takes the floor, and pays it: placed, begun, confirmed are sequences 3 to 5.
fn paid() -> Recording {
    let mut office = Office::new(1, 2);
    let place = accepted(floor(2), SECOND, office.stand(SECOND, 2).ok().unwrap());
    let begin = Asked::BeginPayment { hold: "hld_3".into() };
    let begin = accepted(begin, 2 * SECOND, office.begin(2 * SECOND, "hld_3").ok().unwrap());
    let confirm = Asked::Confirm { order: "ord_3".into() };
    let confirm = accepted(confirm, 3 * SECOND, office.confirm(3 * SECOND, "ord_3").ok().unwrap());
    recorded(office, vec![place, begin, confirm])
}

/// Judge the sale with one refusal more.
fn refused(asked: Asked, code: &str, sequence: u64, problem: serde_json::Value) -> Fairness {
    refused_by(9 * SECOND, asked, code, sequence, problem).fairness
}

/// The same, answered at this time.
fn refused_by(returned: u64, asked: Asked, code: &str, sequence: u64, problem: serde_json::Value) -> Verdict {
    let mut recording = sale();
    recording.history.push(refusal(returned, asked, code, sequence, problem));
    judge(&recording)
}

fn refusal(returned: u64, asked: Asked, code: &str, sequence: u64, problem: serde_json::Value) -> Operation {
    Operation {
        buyer: Some(9),
        due_us: 0,
        latency_us: returned,
        invoked_us: 0,
        returned_us: Some(returned),
        sent: 1,
        half_sent: 0,
        asked,
        outcome: Outcome::Refused { code: code.into(), sequence: Some(sequence), problem },
    }
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
    let said = "before anybody had asked for 4";
    assert!(!verdict.passed && verdict.reason.contains(said), "{}", verdict.reason);
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
    let fairness = refused(renew("hld_3"), "hold_expired", 4, json!({}));
    assert_eq!(figures(&fairness), [0, 0, 1, 0]);
    let said = &fairness.unfair_examples[0];
    assert!(said.contains("to “renew hold” at sequence 4, but hld_3 was held"), "{said}");
    assert_eq!(figures(&refused(renew("hld_3"), "hold_expired", 5, json!({}))), [1, 0, 0, 0]);
}

fn renew(hold: &str) -> Asked {
    Asked::RenewHold { hold: hold.into() }
}

#[test]
fn commands_that_a_hold_admits_are_refused_unfairly_whatever_the_reason() {
    let begin = || Asked::BeginPayment { hold: "hld_3".into() };
    let limit = json!({"limit": 4, "used": 2});
    for code in ["wrong_state", "wrong_phase", "payment_attempts_exhausted", "limit_exceeded"] {
        let judged = |sequence| figures(&refused(begin(), code, sequence, limit.clone()));
        assert_eq!(judged(4), [0, 0, 1, 0], "{code} of a hold that was held");
        let over = if code == "wrong_phase" { [0, 0, 1, 0] } else { [1, 0, 0, 0] };
        assert_eq!(judged(5), over, "{code} of a hold that was given back");
    }
    let verdict = refused_by(9 * SECOND, begin(), "wrong_state", 4, json!({}));
    assert!(!verdict.passed && verdict.reason.contains("told wrong_state"), "{}", verdict.reason);
    let expired_token = figures(&refused(begin(), "credential_expired", 4, json!({})));
    assert_eq!(expired_token, [0, 1, 0, 0], "nobody can say, and it is counted");
}

#[test]
fn commands_on_orders_are_judged_by_their_hold() {
    let judged = |asked: Asked, code: &str, sequence| {
        let mut recording = paid();
        recording.history.push(refusal(9 * SECOND, asked, code, sequence, json!({})));
        figures(&judge(&recording).fairness)
    };
    let confirm = || Asked::Confirm { order: "ord_3".into() };
    let fail = || Asked::FailPayment { order: "ord_3".into() };
    for code in ["payment_required", "wrong_state", "hold_expired", "order_not_found", "wrong_phase"] {
        assert_eq!(judged(confirm(), code, 4), [0, 0, 1, 0], "{code} while it was being paid");
    }
    assert_eq!(judged(fail(), "wrong_state", 4), [0, 0, 1, 0]);
    // Before its payment was begun there was no order, and once it is paid it is not paid again.
    assert_eq!(judged(confirm(), "order_not_found", 3), [1, 0, 0, 0]);
    assert_eq!(judged(confirm(), "wrong_state", 5), [1, 0, 0, 0]);
    assert_eq!(judged(fail(), "wrong_state", 5), [1, 0, 0, 0]);
    assert_eq!(judged(renew("hld_3"), "wrong_state", 4), [1, 0, 0, 0], "a payment is under way");
}

#[test]
fn a_renewal_is_refused_unfairly_while_there_is_one_left_and_time_to_win() {
    let judged =
        |hold: &str, sequence| figures(&refused(renew(hold), "renewals_exhausted", sequence, json!({})));
    assert_eq!(judged("hld_4", 5), [0, 0, 1, 0]);
    assert_eq!(judged("hld_4", 4), [0, 1, 0, 0], "at the moment of its placing a renewal wins nothing");
    let mut recording = sale();
    recording.feed[3]["life_ends_at"] = recording.feed[3]["deadline_at"].clone();
    recording.history.push(refusal(9 * SECOND, renew("hld_4"), "renewals_exhausted", 5, json!({})));
    assert_eq!(figures(&judge(&recording).fairness), [1, 0, 0, 0], "it has come to the end of its life");
}

#[test]
fn what_the_venue_decides_is_judged_by_it() {
    let judged = |quantity, code| figures(&refused(floor(quantity), code, 2, json!({})));
    assert_eq!(judged(1, "order_size"), [0, 0, 1, 0]);
    assert_eq!(judged(5, "order_size"), [1, 0, 0, 0], "an order has at most four");
    let together = |quantity| {
        let asked = tessera_verdict::recording::AskedLine {
            ticket_type: None,
            quantity,
            seats: vec![],
            together: true,
        };
        let asked = Asked::PlaceHold { lines: vec![asked], access_code: None };
        figures(&refused(asked, "order_size", 2, json!({})))
    };
    assert_eq!([together(7), together(6)], [[1, 0, 0, 0], [0, 1, 0, 0]], "no seated type has more than six");
    assert_eq!(judged(1, "not_on_sale"), [0, 0, 1, 0], "it sells at any time");
    assert_eq!(judged(1, "waitlist_ahead"), [0, 0, 1, 0], "there is no waitlist");
    assert_eq!(judged(1, "invalid_request"), [0, 0, 1, 0]);
    assert_eq!(judged(0, "invalid_request"), [0, 1, 0, 0], "nothing was asked for");
    let windowed = |told: Option<bool>| {
        let mut recording = sale();
        recording.venue["ticket_types"][0]["opens_at"] = json!("2026-11-28T09:00:00Z");
        if let Some(open) = told {
            let at = recording.feed[5]["at"].clone();
            let item = json!({"type": "sale_window_changed", "sequence": 7, "at": at, "ticket_type": "Standing", "open": open});
            recording.feed.push(item);
        }
        let sequence = recording.feed.len() as u64;
        recording.history.push(refusal(9 * SECOND, floor(1), "not_on_sale", sequence, json!({})));
        figures(&judge(&recording).fairness)
    };
    assert_eq!(windowed(Some(false)), [1, 0, 0, 0]);
    assert_eq!(windowed(Some(true)), [0, 0, 1, 0]);
    assert_eq!(windowed(None), [0, 1, 0, 0], "when it began, nobody can say from outside");
}

#[test]
fn a_limit_without_its_numbers_is_no_documented_refusal() {
    let verdict = refused_by(9 * SECOND, floor(1), "limit_exceeded", 2, json!({"limit": 4}));
    assert!(!verdict.passed && verdict.reason.contains("without “used”"), "{}", verdict.reason);
}

#[test]
fn a_refusal_cannot_choose_a_state_that_suits_it() {
    let judged = |asked_at| {
        let mut recording = sale();
        let mut late = refusal(9 * SECOND, floor(1), "wrong_phase", 1, json!({}));
        late.invoked_us = asked_at;
        recording.history.push(late);
        judge(&recording)
    };
    assert!(judged(0).passed, "whoever asks before all replies may be decided on anything");
    let verdict = judged(2 * SECOND);
    assert!(!verdict.passed && verdict.reason.contains("asked when 4 was known"), "{}", verdict.reason);
}

#[test]
fn what_cannot_be_judged_is_said() {
    let several = || Asked::PlaceHold {
        lines: vec![line("Standing", 1, vec![], false), line("Parquet seat", 1, vec![], true)],
        access_code: None,
    };
    let mut recording = sale();
    let refusals = (0..30).map(|_| refusal(9 * SECOND, several(), "sold_out", 4, json!({})));
    recording.history.extend(refusals);
    let verdict = judge(&recording);
    let said = "(0 judged right, 30 could not be judged from outside)";
    assert!(verdict.passed && verdict.reason.contains(said), "{}", verdict.reason);
}

/// A refusal cannot have been decided on what was asked for only after it had been told.
#[test]
fn a_refusal_that_names_the_future_is_found() {
    let judged = |returned| {
        let mut recording = sale();
        let mut early = refusal(returned, floor(1), "limit_exceeded", 4, json!({"limit": 2, "used": 2}));
        early.invoked_us = 0;
        recording.history.push(early);
        let verdict = judge(&recording);
        verdict
            .findings
            .into_iter()
            .filter(|one| one.broken > 0)
            .map(|one| format!("{one:?}"))
            .collect::<String>()
    };
    assert!(judged(100).contains("before anybody had asked for"), "{}", judged(100));
    assert!(!judged(9 * SECOND).contains("before anybody had asked for"));
}

#[test]
fn a_changed_configuration_leaves_only_the_phase_to_judge() {
    let mut recording = sale();
    let at = recording.feed[5]["at"].clone();
    recording.feed.push(json!({"type": "configured", "sequence": 7, "at": at, "version": 2}));
    for code in ["order_size", "wrong_phase"] {
        recording.history.push(refusal(9 * SECOND, floor(1), code, 7, json!({})));
    }
    assert_eq!(figures(&judge(&recording).fairness), [0, 1, 1, 0]);
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
