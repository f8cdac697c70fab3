//! The swarm: worlds drawn from their seeds, the failing of one, and the shortest plan that still fails.

use tessera_world::{NamedMutant, Plan, minimise, run};

use crate::survives;

#[test]
fn drawn_worlds_survive() {
    for seed in 0..150 {
        survives(seed..seed + 1, &Plan::drawn(seed));
    }
}

/// Nothing to find where nothing is wrong: the whole of a failure is its shortest plan, its rule and its trace.
#[test]
fn a_failure_is_made_short_and_stays_the_same() {
    let mutant = NamedMutant::find("refunded-twice").unwrap().mutant;
    let failing = |seed| {
        let plan = Plan::drawn(seed).with(mutant);
        run(seed, &plan).err().map(|failure| (seed, plan, failure))
    };
    let (seed, plan, failure) = (0..200).find_map(failing).unwrap();
    let (short, again) = minimise(seed, &plan, &failure);
    assert_eq!(again.violation.rule, failure.violation.rule);
    assert!(again.step < failure.step, "{} steps of {}", again.step, failure.step);
    assert!(short.script.len() <= plan.script.len() && short.buyers <= plan.buyers, "{short:?}");
    assert!(!again.trace.is_empty(), "its trace is told");
}
