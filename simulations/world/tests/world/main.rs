//! The writer in the deterministic world: scenarios by their number, every crash, every mutant.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster;
mod commit_path;
mod crashes;
mod determinism;
mod disk;
mod entry;
mod expiry;
mod mutants;
mod ownership;
mod paying;
mod receipts;
mod resting;
mod swarm;
mod waitlist;

use tessera_world::{Failure, Plan, Summary, run};

/// Every seed survives; the sum of what happened comes back.
fn survives(seeds: std::ops::Range<u64>, plan: &Plan) -> Summary {
    let mut sum = Summary::default();
    for seed in seeds {
        let summary = run(seed, plan).unwrap_or_else(|failure| panic!("{}", report(seed, &failure)));
        sum.events += summary.events;
        sum.accepted += summary.accepted;
        sum.repeated += summary.repeated;
        sum.refused += summary.refused;
        sum.unsure += summary.unsure;
        sum.crashes += summary.crashes;
        sum.activations += summary.activations;
        sum.fenced += summary.fenced;
        sum.unknown_appends += summary.unknown_appends;
        sum.tally += &summary.tally;
        sum.queued_max = sum.queued_max.max(summary.queued_max);
    }
    assert!(sum.accepted > 0, "nothing was sold: {sum:?}");
    sum
}

fn report(seed: u64, failure: &Failure) -> String {
    let Failure { violation, step, at_us, trace } = failure;
    let tail = trace.len().saturating_sub(60);
    format!("seed {seed}, step {step}, {at_us} us: {violation:#?}\n{}", trace[tail..].join("\n"))
}
