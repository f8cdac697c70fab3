//! Two runs beside each other.

use tessera_verdict::compare::{Comparison, Outcome, Run, compare};
use tessera_verdict::judge::judge;
use tessera_verdict::recording::Recording;

use crate::crowd::{Crowd, recording};

fn compared(first: &Recording, second: &Recording) -> Comparison {
    let (one, other) = (judge(first), judge(second));
    compare(&Run { recording: first, verdict: &one }, &Run { recording: second, verdict: &other })
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
fn runs_of_a_few_seconds_tell_nothing() {
    let (mut first, mut second) = pair();
    for recording in [&mut first, &mut second] {
        recording.seconds.truncate(8);
    }
    assert_eq!(outcome(&compared(&first, &second), "place hold: half within"), Outcome::TooShort);
}

#[test]
fn a_server_that_stalls_in_some_seconds_is_worse() {
    let (first, mut second) = pair();
    let stalls = |due_us: u64| due_us / 1_000_000 % 9 < 4;
    let stalled = second.history.iter_mut().filter(|operation| stalls(operation.due_us));
    stalled.for_each(|operation| operation.latency_us *= 1_000);
    let comparison = compared(&first, &second);
    assert_eq!(outcome(&comparison, "place hold: 99 % within"), Outcome::Worse, "{comparison}");
    assert_eq!(outcome(&comparison, "place hold: 99.9 % within"), Outcome::Worse, "{comparison}");
    assert!(comparison.is_worse(), "{comparison}");
    let (first, mut second) = pair();
    second.seconds.iter_mut().step_by(3).for_each(|second| second.answered = 0);
    let comparison = compared(&first, &second);
    assert_eq!(outcome(&comparison, "seconds without an answer"), Outcome::Worse, "{comparison}");
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
