//! What passes the gates, online and written down to be told later, in any order and more than once; and scenario 40.

use tessera_inventory::WaitlistOrder;
use tessera_world::{Mix, NamedMutant, Plan, Tally, Venue, run};

use crate::determinism::twice;
use crate::survives;

/// Buyers whose tickets go on while their holders come to three gates, of which each is online now and then.
fn gated(seed: u64) -> Plan {
    let mix = Mix {
        offline: 700,
        reissues: 300,
        strays: 60,
        holding: [60, 5, 5, 5, 5],
        paying: [80, 5, 5],
        bought: [10, 5, 20, 40, 25],
        ..Mix::usual()
    };
    let venue = Venue::Lined(60, WaitlistOrder::Fit);
    Plan { venue, doors: 3, buyers: 8, wishes: 24, mix, ..Plan::stormy(seed) }
}

fn sum_of(seeds: std::ops::Range<u64>) -> Tally {
    let mut sum = Tally::default();
    for seed in seeds {
        sum += &survives(seed..seed + 1, &gated(seed)).tally;
    }
    sum
}

fn happened(names: &[&str], sum: &Tally) {
    names.iter().for_each(|name| assert!(sum.of(name) > 0, "{name}: {}", sum.table()));
}

#[test]
fn what_devices_tell_is_recorded_once_in_any_order_and_never_refused() {
    let sum = sum_of(0..12);
    happened(&["scans recorded", "scan of a device", "scan numbers", "checked in", "checked out"], &sum);
    let contradictions = [
        "double admission",
        "admitted by an old code",
        "admitted at a wrong gate",
        "admitted without a ticket",
    ];
    happened(&contradictions, &sum);
}

#[test]
fn nobody_is_let_in_twice_online_nor_by_an_old_code() {
    let sum = sum_of(20..32);
    let refusals =
        ["already checked in", "not checked in", "code revoked", "not admitted here", "no re-entry"];
    happened(&refusals, &sum);
    happened(&["reissued", "transferred"], &sum);
}

#[test]
fn scenario_40_refund_races_check_in() {
    let sum = sum_of(40..56);
    // Online one of both is refused, by the order in the log; offline it is said, with both sides.
    happened(&["ticket refunded", "already checked in", "admitted after its refund"], &sum);
}

/// Each by the rule that says what it does to people.
#[test]
fn who_is_let_in_wrongly_and_what_is_not_said_is_noticed_by_name() {
    let said = "what contradicts is said once, with both sides";
    for (name, rule) in [
        ("second-admission", "nobody is let in twice online"),
        ("refunded-admitted", "no refunded ticket is let in online"),
        ("conflict-unrecorded", said),
        ("scan-counted-twice", "a scan is recorded once"),
        ("fact-refused", "a fact is not refused"),
        ("last-upload-wins", "replay(log) = state"),
    ] {
        let mutant = NamedMutant::find(name).unwrap().mutant;
        let fails = |seed: u64| run(seed, &gated(seed).with(mutant)).err();
        let rules: Vec<_> = (0..12).filter_map(fails).map(|failure| failure.violation.rule).collect();
        assert!(rules.contains(&rule), "{name}: {rules:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_where_gates_are_offline() {
    for seed in 0..3 {
        twice(seed, &gated(seed));
    }
}
