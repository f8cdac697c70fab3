//! Those who wait: I8 after every step, whatever becomes of writers and store; and scenario 48.

use tessera_inventory::WaitlistOrder;
use tessera_world::{Mix, NamedMutant, Plan, Tally, Venue, run};

use crate::determinism::twice;
use crate::survives;

/// A small hall that many want, and that comes back again and again.
fn crowded(seed: u64, order: WaitlistOrder) -> Plan {
    let mix = Mix {
        waits: 800,
        again: 300,
        offered: [30, 10, 15, 10],
        strays: 100,
        holding: [25, 30, 5, 5, 20],
        bought: [30, 0, 5, 0, 20],
        ..Mix::usual()
    };
    Plan { venue: Venue::Lined(6, order), buyers: 14, wishes: 16, mix, ..Plan::stormy(seed) }
}

fn sum_of(seeds: std::ops::Range<u64>, order: WaitlistOrder) -> Tally {
    let mut sum = Tally::default();
    for seed in seeds {
        sum += &survives(seed..seed + 1, &crowded(seed, order)).tally;
    }
    sum
}

fn happened(names: &[&str], sum: &Tally) {
    names.iter().for_each(|name| assert!(sum.of(name) > 0, "{name}: {}", sum.table()));
}

#[test]
fn whoever_waits_longest_and_fits_is_offered_what_returns() {
    let sum = sum_of(0..16, WaitlistOrder::Fit);
    let asked =
        ["joined the waitlist", "left the waitlist", "already waiting", "entry not found", "available now"];
    happened(&asked, &sum);
    happened(&["offer made", "offer accepted", "offer declined", "offer sold"], &sum);
}

#[test]
fn units_are_kept_for_the_head_of_a_line_and_not_for_ever() {
    let sum = sum_of(0..16, WaitlistOrder::Accumulate);
    happened(&["waitlist ahead", "waitlist full", "patience ended", "offer made", "offer sold"], &sum);
}

#[test]
fn scenario_48_an_offer_accepted_twice_or_late_has_one_winner() {
    let sum = sum_of(100..116, WaitlistOrder::Fit);
    happened(&["offer accepted or declined twice", "offer accepted or declined late", "expired"], &sum);
    assert!(sum.of("offer sold") <= sum.of("offer accepted"), "{}", sum.table());
    assert!(sum.of("offer accepted") + sum.of("offer declined") <= sum.of("offer made"), "{}", sum.table());
}

/// Each by the rule that says what it does to people.
#[test]
fn who_is_passed_over_or_served_twice_is_noticed_by_name() {
    let passed = "nobody who waits and fits is passed over";
    for (name, order, rule) in [
        ("newest-served", WaitlistOrder::Fit, passed),
        ("waitlist-passed", WaitlistOrder::Fit, "what is shown is what there is"),
        ("waitlist-passed", WaitlistOrder::Accumulate, passed),
        ("head-passed", WaitlistOrder::Accumulate, passed),
        ("offer-accepted-twice", WaitlistOrder::Fit, "an offer that is accepted is nobody's to take"),
        ("offer-kept-in-line", WaitlistOrder::Fit, "an entry is offered something once"),
        ("mark-forgotten", WaitlistOrder::Fit, "who waits comes before who asks"),
    ] {
        let mutant = NamedMutant::find(name).unwrap().mutant;
        let fails = |seed: u64| run(seed, &crowded(seed, order).with(mutant)).err();
        let rules: Vec<_> = (0..12).filter_map(fails).map(|failure| failure.violation.rule).collect();
        assert!(rules.contains(&rule), "{name}: {rules:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_where_people_wait() {
    for seed in 0..3 {
        twice(seed, &crowded(seed, WaitlistOrder::Fit));
        twice(seed, &crowded(seed, WaitlistOrder::Accumulate));
    }
}
