//! Two runs beside each other.

use tessera_verdict::compare::{BEYOND_DEFAULT, Comparison, Outcome, Run, compare};
use tessera_verdict::judge::judge;
use tessera_verdict::recording::Recording;

use crate::crowd::{Crowd, recording};

fn compared(first: &Recording, second: &Recording) -> Comparison {
    let (one, other) = (judge(first), judge(second));
    let runs = [Run { recording: first, verdict: &one }, Run { recording: second, verdict: &other }];
    compare(&runs[0], &runs[1], BEYOND_DEFAULT)
}

fn outcome(comparison: &Comparison, name: &str) -> Outcome {
    comparison.changes.iter().find(|change| change.name == name).unwrap().outcome
}

/// A run of a minute, and one that differs by noise alone: every latency up to a fifth up or down.
fn pair() -> (Recording, Recording) {
    let first = recording(Crowd { buyers: 2_000, seconds: 60, ..Crowd::SMALL });
    let mut second = first.clone();
    for operation in &mut second.history {
        let noise = 80 + (operation.due_us / 1_000_000).wrapping_mul(2_654_435_761) % 41;
        operation.latency_us = operation.latency_us * noise / 100;
    }
    (first, second)
}

#[test]
fn a_run_is_as_good_as_itself_and_as_one_that_differs_by_noise() {
    let (first, second) = pair();
    for other in [&first, &second] {
        let comparison = compared(&first, other);
        assert!(
            comparison.changes.iter().all(|change| change.outcome == Outcome::WithinNoise),
            "{comparison}"
        );
        assert!(!comparison.is_worse() && comparison.differences.is_empty(), "{comparison}");
    }
}

#[test]
fn what_is_slower_beyond_the_noise_is_worse_and_the_other_way_round_better() {
    let (first, mut second) = pair();
    let mut latencies: Vec<u64> = second.history.iter().map(|operation| operation.latency_us).collect();
    latencies.sort_unstable();
    let slow_us = latencies[latencies.len() * 9 / 10];
    let slow = second.history.iter_mut().filter(|operation| operation.latency_us >= slow_us);
    slow.for_each(|operation| operation.latency_us *= 3);
    let comparison = compared(&first, &second);
    assert_eq!(outcome(&comparison, "place hold: 99 % within"), Outcome::Worse);
    assert_eq!(outcome(&comparison, "place hold: half within"), Outcome::WithinNoise);
    assert!(comparison.to_string().contains("WORSE") && comparison.is_worse(), "{comparison}");
    let comparison = compared(&second, &first);
    assert_eq!(outcome(&comparison, "place hold: 99 % within"), Outcome::Better);
    assert!(comparison.to_string().contains("Nothing got worse"), "{comparison}");
}

#[test]
fn a_broken_guarantee_and_a_missed_objective_are_worse() {
    let (first, mut second) = pair();
    second.feed.remove(20);
    second.objectives[0].bound = 0.1;
    let text = compared(&first, &second).to_string();
    assert!(text.contains("broken guarantees: 0 →") && text.contains("met → missed  WORSE"), "{text}");
}

#[test]
fn runs_that_are_not_like_for_like_say_so_on_top() {
    let (first, mut second) = pair();
    second.scenario.seed = 9;
    second.environment.processors = 64;
    second.environment.server_version = "0.2.0".into();
    let text = compared(&first, &second).to_string();
    assert!(text.starts_with("NOT LIKE FOR LIKE"), "{text}");
    assert!(text.contains("other versions of the server: 0.1.0 against 0.2.0"), "{text}");
    assert!(text.contains("other seeds: 1 against 9") && text.contains("2 against 64"), "{text}");
}

#[test]
fn other_servers_elsewhere_are_not_like_for_like() {
    let (mut first, mut second) = pair();
    for (recording, host) in [(&mut first, "192.0.2.1"), (&mut second, "192.0.2.2")] {
        (recording.environment.is_own_server, recording.environment.is_here) = (false, false);
        recording.environment.target = format!("http://{host}:8080");
    }
    let text = compared(&first, &second).to_string();
    assert!(text.contains("the server's place: 192.0.2.1 against 192.0.2.2"), "{text}");
    second.environment.target = "http://192.0.2.1:9090".into();
    assert!(compared(&first, &second).differences.is_empty(), "another port is no other machine");
}

#[test]
fn runs_of_a_few_seconds_tell_nothing() {
    let (mut first, mut second) = pair();
    for recording in [&mut first, &mut second] {
        recording.seconds.truncate(8);
    }
    assert_eq!(outcome(&compared(&first, &second), "place hold: half within"), Outcome::TooShort);
}

/// The second run stood still once, in one piece: whoever was due then waited for its end.
fn stalled(stall: std::ops::Range<u64>) -> (Recording, Recording) {
    let (first, mut second) = pair();
    for operation in &mut second.history {
        if stall.contains(&(operation.due_us / 1_000_000)) {
            operation.latency_us += stall.end * 1_000_000 - operation.due_us;
        }
    }
    for at in stall {
        second.seconds[usize::try_from(at).unwrap()].answered = 0;
    }
    (first, second)
}

#[test]
fn one_outage_of_three_seconds_is_worse() {
    let (first, second) = stalled(10..13);
    let comparison = compared(&first, &second);
    let said = comparison.to_string();
    assert!(said.contains("longest time without an answer: 0 s → 3 s  WORSE"), "{said}");
    for tail in ["place hold: 99 % within", "place hold: 99.9 % within", "place hold: slowest"] {
        assert_eq!(outcome(&comparison, tail), Outcome::Worse, "{tail}\n{said}");
    }
    assert!(comparison.is_worse(), "{said}");
    let back = compared(&second, &first);
    assert!(!back.is_worse() && back.to_string().contains("3 s → 0 s  better"), "{back}");
    let (first, second) = stalled(10..11);
    let said = compared(&first, &second).to_string();
    assert!(said.contains("0 s → 1 s\n"), "one second may fall between two answers: {said}");
}

#[test]
fn seconds_without_an_answer_are_worse() {
    let (first, mut second) = pair();
    second.seconds.iter_mut().step_by(3).for_each(|second| second.answered = 0);
    let comparison = compared(&first, &second);
    assert_eq!(outcome(&comparison, "seconds without an answer"), Outcome::Worse, "{comparison}");
}

#[test]
fn a_sure_change_counts_only_beyond_what_runs_differ_by() {
    let (first, mut second) = pair();
    second.history.clone_from(&first.history);
    second.history.iter_mut().for_each(|operation| operation.latency_us = operation.latency_us * 112 / 100);
    let verdicts = [judge(&first), judge(&second)];
    let runs = [&first, &second];
    let runs: Vec<Run<'_>> =
        runs.into_iter().zip(&verdicts).map(|(recording, verdict)| Run { recording, verdict }).collect();
    let comparison = compare(&runs[0], &runs[1], BEYOND_DEFAULT);
    assert!(!comparison.is_worse(), "one build differs from itself by as much: {comparison}");
    let comparison = compare(&runs[0], &runs[1], 0.05);
    assert_eq!(outcome(&comparison, "place hold: half within"), Outcome::Worse, "{comparison}");
    assert!(comparison.to_string().contains("Changes count from 5 % on"), "{comparison}");
}

#[test]
fn who_is_told_to_come_later_has_no_answer() {
    let (mut first, second) = pair();
    for second in &mut first.seconds {
        let later = second.answered * 3;
        (second.turned_away, second.answered) = (later, second.answered + later);
    }
    let comparison = compared(&first, &second);
    assert_eq!(outcome(&comparison, "answers a second"), Outcome::WithinNoise, "{comparison}");
    assert_eq!(outcome(&comparison, "turned away, failed or unanswered"), Outcome::Better, "{comparison}");
}
