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
    comparison.changes.iter().find(|change| change.name.contains(name)).unwrap().outcome
}

/// A run of a minute, and one that differs by noise alone: every latency up to a fifth up or down.
fn pair() -> (Recording, Recording) {
    let first = recording(Crowd { buyers: 2_000, seconds: 60, ..Crowd::SMALL });
    let mut second = first.clone();
    for (at, second) in (0_u64..).zip(&mut second.seconds) {
        let noise = 80 + at.wrapping_mul(2_654_435_761) % 41;
        second.latency_us.iter_mut().for_each(|latency| *latency = *latency * noise / 100);
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
    second.seconds.iter_mut().for_each(|second| second.latency_us[1] = second.latency_us[1] * 3 / 2);
    let comparison = compared(&first, &second);
    assert_eq!(outcome(&comparison, "99 %"), Outcome::Worse);
    assert_eq!(outcome(&comparison, "half"), Outcome::WithinNoise);
    assert!(comparison.to_string().contains("WORSE") && comparison.is_worse(), "{comparison}");
    let comparison = compared(&second, &first);
    assert_eq!(outcome(&comparison, "99 %"), Outcome::Better);
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
    let text = compared(&first, &second).to_string();
    assert!(text.starts_with("NOT LIKE FOR LIKE"), "{text}");
    assert!(text.contains("other seeds: 1 against 9") && text.contains("2 against 64"), "{text}");
}

#[test]
fn runs_of_a_few_seconds_tell_nothing() {
    let (mut first, mut second) = pair();
    for recording in [&mut first, &mut second] {
        recording.seconds.truncate(8);
    }
    assert_eq!(outcome(&compared(&first, &second), "half"), Outcome::TooShort);
}
