//! Deliberate defects: the oracle finds each within its stated number of seeds, and the build without defect survives the same seeds.

use tessera_world::{Disturbance, MUTANTS, Mutant, Plan, run};
use tessera_writer::Mutant as Writer;

use crate::survives;

#[test]
fn every_mutant_is_caught_within_its_seeds_and_the_build_without_defect_survives_them() {
    let mut last = 0;
    for named in &MUTANTS {
        let Some((seed, _)) = named.catch() else {
            panic!("{} is not caught within {} seeds", named.name, named.seeds_max);
        };
        last = last.max(seed);
    }
    for seed in 0..=last {
        survives(seed..seed + 1, &Plan::drawn(seed));
    }
}

#[test]
fn there_are_mutants_of_every_part() {
    assert!(MUTANTS.len() >= 20);
    let count = |is: fn(&Mutant) -> bool| MUTANTS.iter().filter(|named| is(&named.mutant)).count();
    assert!(count(|mutant| matches!(mutant, Mutant::Writer(Writer::Inventory(_)))) >= 10);
    assert!(count(|mutant| matches!(mutant, Mutant::Journal(_))) >= 4);
    assert!(count(|mutant| matches!(mutant, Mutant::Follower(_))) >= 8);
    assert!(count(|mutant| matches!(mutant, Mutant::Snapshot(_))) >= 2);
    assert!(count(|mutant| matches!(mutant, Mutant::Payment(_))) >= 10);
    assert!(count(|mutant| matches!(mutant, Mutant::Money(_))) >= 5);
}

/// Appends that land unanswered, and leases that go before they are submitted again.
fn leases_lost(plan: Plan) -> Plan {
    let script = (4..240).map(|n| (n * 500_000, Disturbance::LoseLease((n % 3) as usize))).collect();
    let append_fault_kinds = vec![tessera_store::memory::AppendFault::UnknownApplied];
    Plan { append_faults: 500, append_fault_kinds, script, ..plan }
}

#[test]
fn not_executed_after_deciding_is_caught_where_leases_are_lost() {
    let rule = "what is said not to be executed is not executed";
    let mutant = Mutant::Writer(Writer::NotExecutedAfterDeciding);
    let fails = |seed: u64| run(seed, &leases_lost(Plan::stormy(seed)).with(mutant)).err();
    assert!((0..12).filter_map(fails).any(|failure| failure.violation.rule == rule));
    for seed in 0..12 {
        survives(seed..seed + 1, &leases_lost(Plan::stormy(seed)));
    }
}
