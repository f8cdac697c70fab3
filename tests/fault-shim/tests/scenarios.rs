//! The disk scenarios of the brief against the embedded store, in a process of its own with the fault shim preloaded.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests start processes and wait for them")]

mod rig;
#[path = "../src/undo.rs"]
mod undo;

use std::fs::File;
use std::os::unix::fs::FileExt;

use futures::executor::block_on;
use rig::{Rig, events};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_store::{Log, StoreError};
use undo::Loss;

const TORN_RUNS: u64 = 6;

/// Nothing that was acknowledged is lost when all that was not synced is.
#[test]
fn the_real_store_loses_nothing_acknowledged() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.start("real");
        rig.await_acknowledged(400);
        rig.kill();
        rig.lose_power(Loss::Everything);
        rig.assert_nothing_lost();
    }
}

/// What is said of a journal that lacks something acknowledged: it ends too early, a segment of it is not intact, or an event ends too early.
fn is_of_the_journal(lost: &str) -> bool {
    lost.contains("the journal ends at") || lost.contains("segment") || lost.starts_with("event:")
}

/// The mutant *Buffer instead of sync* is caught by the same comparison.
#[test]
fn buffer_instead_of_sync_is_caught() {
    let mut rig = Rig::new();
    rig.start("buffer");
    rig.await_acknowledged(400);
    rig.kill();
    rig.lose_power(Loss::Everything);
    let lost = rig.lost();
    assert!(
        lost.as_deref().is_some_and(is_of_the_journal),
        "a journal that never syncs must not pass: {lost:?}"
    );
}

/// And so is a disk that lies to the tables.
#[test]
fn tables_that_only_buffer_are_caught() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=/tables/\nsync_lies=1\n");
    rig.await_acknowledged(400);
    rig.kill();
    rig.lose_power(Loss::Everything);
    let lost = rig.lost();
    let is_of_the_tables = |lost: &str| lost.contains("the tables hold") || lost.starts_with("row");
    assert!(lost.as_deref().is_some_and(is_of_the_tables), "tables that never sync must not pass: {lost:?}");
}

/// The mutant *reply before sync* is caught by the same comparison: with slow syncs there is always something that was
/// answered and not yet synced.
#[test]
fn reply_before_sync_is_caught() {
    let mut rig = Rig::new();
    rig.control("only=/journal/\nsync_delay_ms=300\n");
    rig.start("early");
    rig.await_acknowledged(400);
    rig.kill();
    rig.lose_power(Loss::Everything);
    let lost = rig.lost();
    assert!(
        lost.as_deref().is_some_and(is_of_the_journal),
        "a reply before the sync must not pass: {lost:?}"
    );
}

/// Any part of what was not synced may have reached the disk.
#[test]
fn scenario_29_torn_last_write() {
    let mut rig = Rig::new();
    for seed in 0..TORN_RUNS {
        rig.start("real");
        rig.await_acknowledged(200);
        rig.kill();
        rig.lose_power(Loss::Some(seed));
        rig.assert_nothing_lost();
    }
}

/// A failed sync: the process ends, acknowledges nothing after, and what it acknowledged before is there.
#[test]
fn scenario_30_fsync_fails() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=/journal/\nsync_error=1\n");
    let (status, errors) = rig.await_end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("the journal could not be synced"), "{errors}");
    rig.control("");
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
}

/// The writer is started again after a failed sync and finds in the page cache what the disk never got; then power is lost.
#[test]
fn scenario_30_fsync_fails_then_restart_then_power_loss() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=/journal/\nsync_error=1\n");
    let (status, errors) = rig.await_end();
    assert_eq!(status.code(), Some(3), "{errors}");
    rig.control("");
    rig.start("real");
    rig.await_acknowledged(200);
    rig.kill();
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
}

/// A sync of the tables fails: the process ends, and what it acknowledged before is there, rows included.
#[test]
fn scenario_30_fsync_of_the_tables_fails() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=/tables/\nsync_error=1\n");
    let (status, errors) = rig.await_end();
    assert_eq!(status.code(), Some(3), "{errors}");
    // The index of a full segment or a row, whichever was first.
    assert!(errors.contains("the tables could not be written"), "{errors}");
    rig.control("");
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
}

/// The writer is started again after a failed sync of the tables and finds their journal in the page cache, but not on the disk; then
/// power is lost.
#[test]
fn scenario_30_fsync_of_the_tables_fails_then_restart_then_power_loss() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=.jnl\nsync_error=1\n");
    let (status, errors) = rig.await_end();
    assert_eq!(status.code(), Some(3), "{errors}");
    rig.control("");
    rig.start("real");
    rig.await_acknowledged(200);
    rig.kill();
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
}

/// The tables find no room for what they must write out: the process ends, and once there is room everything is there.
#[test]
fn scenario_31_no_room_for_the_tables() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=/tables/\nno_space=1\n");
    let (status, errors) = rig.await_end();
    assert_eq!(status.code(), Some(3), "{errors}");
    rig.control("");
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
    rig.start("real");
    rig.await_acknowledged(200);
}

/// A full disk: appends are refused without having been written, and go on by themselves once there is room.
#[test]
fn scenario_31_disk_full() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=/journal/\nno_space=1\n");
    rig.await_line("refused");
    rig.control("");
    rig.await_acknowledged(200);
    rig.control("only=/journal/\nno_space=1\n");
    rig.await_line("refused");
    rig.kill();
    rig.control("");
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
    rig.start("real");
    rig.await_acknowledged(200);
}

/// A flipped bit in mid-log: the journal does not open, or (where the start does not look) does not verify.
#[test]
fn scenario_32_bit_flip() {
    for (segment, scanned_at_start) in [(1, false), (0, true)] {
        let mut rig = Rig::new();
        rig.start("real");
        rig.await_acknowledged(2_000);
        rig.kill();
        rig.lose_power(Loss::Everything);
        let segment = if segment == 0 { rig.last_used_segment() } else { rig.segment(segment) };
        let file = File::options().read(true).write(true).open(segment).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, 500).unwrap();
        file.write_all_at(&[byte[0] ^ 0x04], 500).unwrap();
        match rig.open() {
            Err(StoreError::Damaged { .. }) => {}
            Err(other) => panic!("{other}"),
            Ok(store) => {
                assert!(!scanned_at_start);
                let damaged = events().filter(|event| {
                    matches!(block_on(store.verify(*event)), Err(StoreError::Damaged { .. }))
                });
                assert_eq!(damaged.count(), 1, "the flip damaged one record of one event");
            }
        }
    }
}

/// A second process on the directory is told so, and the first goes on.
#[test]
fn scenario_33_second_process() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(100);
    let refused = EmbeddedStore::open(rig.directory(), &Options::default()).map(drop);
    assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    let (status, errors) = rig.run_second();
    assert_eq!(status.code(), Some(4));
    assert!(errors.contains("open in another process"), "{errors}");
    rig.await_acknowledged(100);
    rig.kill();
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
}

/// Syncs that stall for two seconds: latency, then recovery, nothing false.
#[test]
fn scenario_51_slow_sync() {
    let mut rig = Rig::new();
    rig.start("real");
    rig.await_acknowledged(200);
    rig.control("only=/journal/\nsync_delay_ms=2000\n");
    rig.await_latency_ms(2_000);
    rig.control("");
    rig.await_acknowledged(500);
    rig.kill();
    rig.lose_power(Loss::Everything);
    rig.assert_nothing_lost();
    let store = rig.open().unwrap();
    for event in events() {
        assert!(block_on(store.head(event)).unwrap().sequence.0 > 0);
    }
}
