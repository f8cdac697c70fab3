//! The same seed twice is the same run.

use tessera_world::{Media, Plan, run};

use crate::survives;

pub(crate) fn twice(seed: u64, plan: &Plan) {
    let first = run(seed, plan).unwrap();
    let second = run(seed, plan).unwrap();
    assert_eq!(first, second, "seed {seed}");
    let kept = run(seed, &Plan { keep_trace: true, ..plan.clone() }).unwrap();
    assert_eq!(first, kept, "seed {seed}: a trace that is kept is the trace that is hashed");
    let other = run(seed + 1_000, plan).unwrap();
    assert_ne!(first.trace, other.trace, "seeds {seed} and {}", seed + 1_000);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..8 {
        twice(seed, &Plan::stormy(seed));
        twice(seed, &Plan::drawn(seed));
    }
}

/// The journal has threads of its own; what the log says does not depend on them.
#[test]
fn the_same_seed_gives_the_same_trace_on_the_journal() {
    for seed in 0..3 {
        twice(seed, &Plan { media: Media::Journal, ..Plan::stormy(seed) });
    }
}

#[test]
fn everything_at_once_is_survived() {
    let mut sum = tessera_world::Tally::default();
    for seed in 0..40 {
        sum += &survives(seed..seed + 1, &Plan::stormy(seed)).tally;
    }
    for name in [
        "node killed",
        "append unknown, applied",
        "repeated",
        "not executed",
        "configured",
        "hold of seats",
        "refunded to sale",
        "transferred",
        "units killed",
        "table commit unknown, applied",
        "follower overtaken",
        "log read with a foreign record",
    ] {
        assert!(sum.of(name) > 0, "{name}: {}", sum.table());
    }
}
