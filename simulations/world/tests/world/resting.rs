//! What is stored so that nobody need stay awake: snapshots that activations begin with, the archive behind them, and events at rest.

use tessera_world::{Media, Plan, Tally, Venue};

use crate::survives;

fn happened(names: &[&str], sum: &Tally) {
    names.iter().for_each(|name| assert!(sum.of(name) > 0, "{name}: {}", sum.table()));
}

#[test]
fn activations_begin_with_the_newest_snapshot_whoever_wrote_it() {
    let mut sum = Tally::default();
    for seed in 0..12 {
        let plan = Plan { snapshots: 900, ..Plan::stormy(seed) };
        sum += &survives(seed..seed + 1, &plan).tally;
    }
    happened(&["snapshot written", "snapshot superseded", "activation from a snapshot"], &sum);
}

#[test]
fn what_a_snapshot_has_is_archived_and_can_still_be_read() {
    let mut sum = Tally::default();
    for seed in 0..4 {
        let plan = Plan { snapshots: 900, media: Media::Journal, ..Plan::stormy(seed) };
        sum += &survives(seed..seed + 1, &plan).tally;
    }
    happened(&["segment archived", "disk: torn write"], &sum);
}

#[test]
fn an_event_at_rest_is_woken_by_what_is_due_and_by_whoever_asks() {
    let mut sum = Tally::default();
    for seed in 0..8 {
        let plan = Plan { rests: 900, faults_end_us: 600_000_000, venue: Venue::Small(20), ..Plan::calm() };
        sum += &survives(seed..seed + 1, &plan).tally;
    }
    happened(&["put to rest", "woken by what is due", "woken by a request"], &sum);
}
