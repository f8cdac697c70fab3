//! Scenarios 29 to 31 and 51 on the product's journal: its disk tears writes, loses them, fails syncs, is full, is slow.

use tessera_world::{DiskFault, Disturbance, Media, Mix, Plan, Venue, run};

use crate::survives;

const SECOND_US: u64 = 1_000_000;

fn with_disk_faults(fault: DiskFault) -> Plan {
    let script = (1..7).map(|n| (n * 6 * SECOND_US, Disturbance::Disk(fault))).collect();
    Plan { media: Media::Journal, script, wishes: 6, record_bytes_max: 400, ..Plan::calm() }
}

#[test]
fn scenario_29_a_torn_last_write_loses_only_what_nobody_was_told() {
    let sum = survives(0..4, &with_disk_faults(DiskFault::TornWrite));
    assert!(sum.crashes > 4, "the power was lost: {sum:?}");
    let sum = survives(0..4, &with_disk_faults(DiskFault::LostWrites));
    assert!(sum.crashes > 4, "the power was lost: {sum:?}");
}

#[test]
fn a_disk_that_lied_about_syncs_is_noticed_at_the_start_and_nobody_goes_on_with_less() {
    let noticed: u64 = (0..4)
        .map(|seed| run(seed, &with_disk_faults(DiskFault::Lies(5 * SECOND_US))).unwrap())
        .map(|summary| summary.tally.of("disk: lied about syncs"))
        .sum();
    assert_eq!(noticed, 4);
}

#[test]
fn scenario_30_after_a_failed_sync_the_process_ends_and_nothing_is_acknowledged() {
    let sum = survives(0..4, &with_disk_faults(DiskFault::FailedSync));
    assert!(sum.crashes > 4, "the process ended: {sum:?}");
}

#[test]
fn scenario_31_a_full_disk_refuses_and_goes_on_once_there_is_room() {
    // In haste, and giving back what they took, so that there is a segment to begin while there is no room.
    let mix = Mix { holding: [0, 90, 10, 0, 0], ..Mix::usual() };
    let pace = Plan { buyers: 24, wishes: 60, think_us_max: 2 * SECOND_US, mix, ..Plan::calm() };
    let Plan { media, script, record_bytes_max, .. } = with_disk_faults(DiskFault::Full(20 * SECOND_US));
    let sum = survives(0..4, &Plan { media, script, record_bytes_max, venue: Venue::Small(60), ..pace });
    assert!(sum.tally.of("disk: full") > 4, "appends met it: {sum:?}");
    assert!(sum.unknown_appends > 4 && sum.crashes == 0, "they were submitted again: {sum:?}");
}

#[test]
fn scenario_51_slow_syncs_are_latency_and_nothing_else() {
    let sum = survives(0..4, &with_disk_faults(DiskFault::Slow(5 * SECOND_US)));
    assert!(sum.tally.of("disk: slow syncs") > 0, "{sum:?}");
}
