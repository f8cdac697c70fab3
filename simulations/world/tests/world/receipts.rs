//! Receipts: pages, trees and signatures of notaries that die, overtake each other and lose what waits in memory.

use tessera_world::{Mix, Plan, Venue};

use crate::survives;

/// Many refusals, of a small hall.
fn refusing(seed: u64) -> Plan {
    let mix = Mix { strays: 400, ..Mix::usual() };
    Plan { venue: Venue::Small(2), mix, table_faults: 200, ..Plan::stormy(seed) }
}

#[test]
fn everything_decided_is_proven_whoever_dies() {
    let mut sum = tessera_world::Tally::default();
    for seed in 0..12 {
        sum += &survives(seed..seed + 1, &refusing(seed)).tally;
    }
    for name in [
        "acceptance in a page",
        "refusal in a page",
        "notary restarted",
        "notary overtaken",
        "signer opened again",
        "signing key rotated",
        "refusal lost with its node",
    ] {
        assert!(sum.of(name) > 0, "{name}: {}", sum.table());
    }
}
