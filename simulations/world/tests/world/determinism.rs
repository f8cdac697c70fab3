//! The same seed twice is the same run.

use tessera_world::{Happened, Plan, run};

use crate::survives;

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..8 {
        let first = run(seed, Plan::stormy()).unwrap();
        let second = run(seed, Plan::stormy()).unwrap();
        assert_eq!(first, second, "seed {seed}");
        let other = run(seed + 1_000, Plan::stormy()).unwrap();
        assert_ne!(first.trace, other.trace, "seeds {seed} and {}", seed + 1_000);
    }
}

#[test]
fn a_trace_that_is_kept_is_the_trace_that_is_hashed() {
    let kept = run(3, Plan { keep_trace: true, ..Plan::stormy() }).unwrap();
    assert_eq!(run(3, Plan::stormy()).unwrap(), kept);
}

#[test]
fn everything_at_once_is_survived() {
    let sum = survives(0..40, &Plan::stormy());
    assert!(sum.repeated > 0 && sum.refused > 0 && sum.unsure > 0, "{sum:?}");
    assert!(sum.crashes > 40 && sum.fenced > 40 && sum.unknown_appends > 40, "{sum:?}");
    let Happened { configured, openings, seats_held, refunded, transferred, killed } = sum.happened;
    assert!(
        configured > 70 && killed > 70,
        "nearly every world is configured twice and loses units: {sum:?}"
    );
    assert!(openings > 100 && seats_held > 40 && refunded > 10 && transferred > 10, "{sum:?}");
}
