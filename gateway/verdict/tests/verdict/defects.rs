//! A sound sale passes; one with a defect fails, and the verdict says which.

use serde_json::{Value, json};
use tessera_verdict::judge::judge;
use tessera_verdict::recording::{Asked, Measure, Operation, Outcome, Recording};
use tessera_verdict::verdict::Verdict;

use crate::crowd::{Crowd, recording};

fn small() -> Recording {
    recording(Crowd::SMALL)
}

/// Judge a doctored sale, which must fail with this guarantee and these words.
#[track_caller]
fn fails(doctor: impl FnOnce(&mut Recording), guarantee: &str, words: &[&str]) -> Verdict {
    let mut recording = small();
    doctor(&mut recording);
    let verdict = judge(&recording);
    assert!(!verdict.passed, "{}", verdict.reason);
    let broken: Vec<_> = verdict.findings.iter().filter(|finding| !finding.held()).collect();
    let found = broken.iter().any(|finding| {
        let said = finding.examples.join("\n");
        finding.guarantee == guarantee && words.iter().all(|word| said.contains(word))
    });
    assert!(found, "{guarantee} {words:?} is not in {broken:#?}");
    verdict
}

/// Position of the first operation for which this holds.
fn first(recording: &Recording, wanted: impl Fn(&Operation) -> bool) -> usize {
    recording.history.iter().position(wanted).unwrap()
}

fn is_accepted_hold(operation: &Operation) -> bool {
    matches!((&operation.asked, &operation.outcome), (Asked::PlaceHold { .. }, Outcome::Accepted { .. }))
}

/// The positions of the first two items that hold seats.
fn two_seated(recording: &Recording) -> (usize, usize) {
    let seated = |item: &&Value| item["lines"][0]["seats"].as_array().is_some_and(|seats| !seats.is_empty());
    let mut found = recording.feed.iter().filter(seated).map(|item| item["sequence"].as_u64().unwrap());
    let position = |sequence: u64| usize::try_from(sequence - 1).unwrap();
    (position(found.next().unwrap()), position(found.next().unwrap()))
}

#[test]
fn books_that_do_not_balance_fail() {
    let doctor = |recording: &mut Recording| *recording.books.entry("EUR".to_owned()).or_default() = -500;
    fails(doctor, "G4", &["EUR", "-500"]);
}

#[test]
fn sound_sales_pass() {
    for crowd in
        [Crowd::SMALL, Crowd { seed: 2, ..Crowd::SMALL }, Crowd { unknown_permille: 50, ..Crowd::SMALL }]
    {
        let verdict = judge(&recording(Crowd { ..crowd }));
        let objectives = verdict.objectives.iter().filter(|judged| judged.met != Some(true));
        let broken: Vec<_> = verdict.findings.iter().filter(|finding| !finding.held()).collect();
        assert_eq!((broken, verdict.fairness.total().unfair), (vec![], 0));
        assert_eq!(verdict.linearizability.examples, [""; 0]);
        // What is never answered breaks an objective, and no guarantee.
        let missed = objectives.count();
        assert_eq!(verdict.passed, crowd.unknown_permille == 0, "{missed} missed: {}", verdict.reason);
    }
}

#[test]
fn a_seat_sold_twice_is_found() {
    let double = |recording: &mut Recording| {
        let (one, two) = two_seated(recording);
        let seats = recording.feed[one]["lines"][0]["seats"].clone();
        recording.feed[two]["lines"][0]["seats"] = seats;
    };
    let verdict = fails(double, "G1", &["seat", "was given out while it was in the live hold of sequence"]);
    assert!(verdict.reason.starts_with("G1 is broken, “a seat is held"), "{}", verdict.reason);
}

#[test]
fn an_acknowledged_hold_that_the_log_lost_is_found() {
    let lose = |recording: &mut Recording| {
        let lost = first(recording, is_accepted_hold);
        let Outcome::Accepted { id, .. } = &recording.history[lost].outcome else { panic!() };
        let id = id.clone();
        recording
            .feed
            .retain(|item| item["hold"] != json!(id) && item["order"] != json!(id.replace("hld", "ord")));
        for (sequence, item) in (1_u64..).zip(&mut recording.feed) {
            item["sequence"] = sequence.into();
        }
    };
    fails(lose, "G2", &["was told that hold"]);
}

#[test]
fn a_hold_told_to_nobody_is_found() {
    let forget = |recording: &mut Recording| {
        let hold = first(recording, is_accepted_hold);
        recording.history.remove(hold);
    };
    fails(forget, "G2", &["nobody was told so"]);
}

#[test]
fn what_was_carried_out_although_its_buyer_was_told_otherwise_is_found() {
    let deny = |outcome: Outcome| {
        move |recording: &mut Recording| {
            let hold = first(recording, is_accepted_hold);
            recording.history[hold].outcome = outcome;
        }
    };
    let shed = Outcome::NotExecuted { code: "not_executed".into() };
    fails(deny(shed), "G2", &["and was told not_executed", "in the feed hold"]);
    let refused = Outcome::Refused { code: "sold_out".into(), sequence: Some(2), problem: json!({}) };
    fails(deny(refused), "G2", &["nobody was told so", "and was told sold_out"]);
    let mut recording = small();
    deny(Outcome::Unknown)(&mut recording);
    assert!(
        judge(&recording).findings.iter().all(|finding| finding.held()),
        "nobody knows, so it may be there"
    );
}

#[test]
fn half_a_request_that_was_carried_out_is_found() {
    let given_up = |recording: &mut Recording| {
        let hold = first(recording, is_accepted_hold);
        let operation = &mut recording.history[hold];
        (operation.outcome, operation.sent, operation.half_sent) = (Outcome::HalfSent, 0, 1);
    };
    let verdict = fails(given_up, "G2", &["nobody was told so", "sent no more than half of the request"]);
    assert_eq!((verdict.half_sent.requests, verdict.half_sent.taken_up_again), (1, 0));
    let taken_up = |wholes: u32| {
        move |recording: &mut Recording| {
            let hold = first(recording, is_accepted_hold);
            let operation = &mut recording.history[hold];
            (operation.sent, operation.half_sent) = (wholes, 1);
            let Outcome::Accepted { replayed, .. } = &mut operation.outcome else { panic!() };
            *replayed = true;
        }
    };
    let verdict = fails(taken_up(1), "G2", &["was cut off half-way", "calls itself a repetition"]);
    assert_eq!((verdict.half_sent.requests, verdict.half_sent.taken_up_again), (1, 1));
    let mut recording = small();
    taken_up(2)(&mut recording);
    assert!(
        judge(&recording).findings.iter().all(|finding| finding.held()),
        "the second whole request repeats the first"
    );
}

#[test]
fn a_second_effect_of_one_key_is_found() {
    let twice = |recording: &mut Recording| {
        let (one, two) = two_seated(recording);
        recording.feed[two]["hold"] = recording.feed[one]["hold"].clone();
    };
    fails(twice, "G2", &["was placed before"]);
    let marked = |recording: &mut Recording| {
        let hold = first(recording, is_accepted_hold);
        let Outcome::Accepted { replayed, .. } = &mut recording.history[hold].outcome else { panic!() };
        *replayed = true;
    };
    fails(marked, "G2", &["calls itself a repetition"]);
}

#[test]
fn other_units_than_asked_for_are_found() {
    let shrink = |recording: &mut Recording| {
        let hold = first(recording, is_accepted_hold);
        let Asked::PlaceHold { lines, .. } = &mut recording.history[hold].asked else { panic!() };
        lines[0].quantity += 1;
        lines[0].seats = vec![];
    };
    fails(shrink, "G2", &["asked for", "units and hold"]);
}

#[test]
fn another_deadline_than_the_logged_one_is_found() {
    let shift = |recording: &mut Recording| {
        let hold = first(recording, is_accepted_hold);
        let Outcome::Accepted { deadline_us, .. } = &mut recording.history[hold].outcome else { panic!() };
        *deadline_us = deadline_us.map(|deadline| deadline + 2_000_000);
    };
    fails(shift, "G2", &["2000 ms off the logged one"]);
    let all = |wanted: fn(&Asked) -> bool| {
        move |recording: &mut Recording| {
            for operation in recording.history.iter_mut().filter(|operation| wanted(&operation.asked)) {
                if let Outcome::Accepted { deadline_us: Some(deadline), .. } = &mut operation.outcome {
                    *deadline += 60_000_000;
                }
            }
        }
    };
    // All of them by the same time, and renewals.
    fails(all(|asked| matches!(asked, Asked::PlaceHold { .. })), "G2", &["60000 ms off the logged one"]);
    fails(all(|asked| matches!(asked, Asked::RenewHold { .. })), "G2", &["60000 ms off the logged one"]);
}

#[test]
fn gaps_and_documents_that_differ_are_found() {
    fails(|recording| drop(recording.feed.remove(9)), "G3", &["follows sequence 9"]);
    let lie = |recording: &mut Recording| recording.availabilities[3]["pools"][0]["free"] = 7.into();
    fails(lie, "G1", &["capacity 150"]);
    fails(lie, "G3", &["Floor"]);
    let map = |recording: &mut Recording| {
        recording.seat_map.as_mut().unwrap()["states"] = "A".repeat(80).into();
    };
    fails(map, "G3", &["in the feed and free on the map"]);
    let odd = |recording: &mut Recording| recording.feed[20]["type"] = "exploded".into();
    fails(odd, "G3", &["item of the feed 20 cannot be understood"]);
    fails(|recording| recording.feed.clear(), "G2", &["the feed does not have it"]);
    fails(|recording| recording.venue = json!({}), "G1", &["venue file cannot be read"]);
}

#[test]
fn an_order_that_is_paid_twice_is_found() {
    let twice = |recording: &mut Recording| {
        let paid = recording.feed.iter().find(|item| item["type"] == "confirmed").unwrap().clone();
        let sequence = recording.feed.len() + 1;
        let again = json!({"sequence": sequence, "at": recording.feed.last().unwrap()["at"], "type": "confirmed",
            "order": paid["order"], "hold": paid["hold"]});
        recording.feed.push(again);
    };
    fails(twice, "G4", &["was confirmed at sequence", "and again"]);
}

#[test]
fn a_missed_objective_and_a_late_generator_are_told_apart() {
    let mut slow = small();
    slow.objectives[1].bound = 0.5;
    let verdict = judge(&slow);
    assert!(
        !verdict.passed && verdict.reason.contains("should be at most 0.5 ms, and was"),
        "{}",
        verdict.reason
    );
    slow.seconds.iter_mut().for_each(|second| second.lag_us = 400_000);
    let verdict = judge(&slow);
    assert!(
        !verdict.passed && verdict.reason.starts_with("The generator, not the server"),
        "{}",
        verdict.reason
    );
    assert_eq!(verdict.objectives[1].met, None, "nobody is blamed for what the generator did");
    slow.objectives.retain(|objective| objective.measure == Measure::SoldShare);
    let verdict = judge(&slow);
    assert!(verdict.passed && verdict.reason.contains("The generator, not the server"), "{}", verdict.reason);
}

#[test]
fn a_reply_that_says_that_the_server_failed_is_found() {
    let fail = |recording: &mut Recording| {
        recording.defects.insert("place hold was answered 500 internal_error".into(), 130);
    };
    let verdict = fails(fail, "G3", &["500 internal_error, 130 times"]);
    assert!(verdict.reason.contains("(130 cases in all)"), "{}", verdict.reason);
}

#[test]
fn an_error_is_a_request_that_ended_without_an_answer_not_a_try() {
    let share = |recording: &Recording| {
        let judged = judge(recording).objectives;
        judged.iter().find(|judged| judged.measure == Measure::ErrorShare).unwrap().measured.unwrap()
    };
    let mut recording = small();
    // Turned away and served by a retry, and dropped by a network that is unlucky on purpose.
    recording.seconds[3].turned_away = 500;
    recording.seconds[3].sent += 5_000;
    assert!(share(&recording).abs() < 1e-9);
    let all: u64 = recording.latencies.iter().map(|latency| latency.count).sum();
    recording.latencies[0].unanswered = all / 4;
    assert!((share(&recording) - 0.25).abs() < 0.01, "{}", share(&recording));
}

#[test]
fn a_refusal_that_cannot_be_judged_must_say_why_it_cannot() {
    let refuse = |code: &'static str, sequence: Option<u64>| {
        move |recording: &mut Recording| {
            let is_refused = |operation: &Operation| matches!(&operation.outcome, Outcome::Refused { code, .. } if code == "sold_out");
            let refused = first(recording, is_refused);
            recording.history[refused].outcome =
                Outcome::Refused { code: code.into(), sequence, problem: json!({"code": code}) };
        }
    };
    fails(
        refuse("too_busy_today", Some(9)),
        "G3",
        &["too_busy_today to “place hold”", "no reason that the API documents"],
    );
    fails(refuse("event_not_found", None), "G3", &["event_not_found"]);
    fails(refuse("renewals_exhausted", Some(9)), "G3", &["renewals_exhausted to “place hold”"]);
    fails(refuse("sold_out", None), "G3", &["without the sequence"]);
    fails(refuse("sold_out", Some(1_000_000_000)), "G3", &["at sequence 1000000000, and the feed ends at"]);
    let mut recording = small();
    refuse("invalid_request", None)(&mut recording);
    assert!(judge(&recording).findings.iter().all(|finding| finding.held()), "it is about the request");
}

#[test]
fn one_hiccup_of_a_short_run_is_no_bottleneck() {
    let mut recording = small();
    recording.seconds.truncate(10);
    recording.seconds[4].lag_us = 60_000;
    assert!(!judge(&recording).generator.was_bottleneck);
    recording.seconds[7].lag_us = 60_000;
    assert!(judge(&recording).generator.was_bottleneck);
}
