//! What is witnessed, and what of it is there after the process has ended in any way.

use std::fs;
use std::path::Path;

use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::Chain;

use super::*;
use crate::FILE_NAME;
use crate::mark::SLOT_BYTES;

const INSTALLATION: u128 = 7;

fn mark(sequence: u64) -> HeadMark {
    HeadMark { epoch: Epoch(1), sequence: Sequence(sequence), chain: Chain([sequence.to_le_bytes()[0]; 32]) }
}

fn open(directory: &Path) -> HeadWitness {
    HeadWitness::open(directory, INSTALLATION).unwrap()
}

/// A directory whose witness has seen these events up to these sequences, each in a write of its own.
fn written(marks: &[(u128, u64)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let mut file = fs::OpenOptions::new().append(true).open(directory.path().join(FILE_NAME)).unwrap();
    for (event, sequence) in marks {
        io::Write::write_all(&mut file, &crate::mark::encode(EventId(*event), &mark(*sequence))).unwrap();
    }
    directory
}

/// What the thread of a fresh witness has, without the thread.
fn scribe(directory: &Path) -> Scribe {
    let mut file = HeadFile::take(directory).unwrap();
    file.rewrite(INSTALLATION, std::iter::empty()).unwrap();
    let (seen, installation, events_max) = (Arc::default(), INSTALLATION, WITNESSED_EVENTS_MAX);
    Scribe { seen, file, installation, records: 0, events_max, is_failing: false }
}

fn change(directory: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let path = directory.join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_newest_of_each_event_is_there_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let witness = open(directory.path());
    assert_eq!(
        (witness.witnessed(EventId(1)), witness.all()),
        (None, vec![]),
        "a fresh node has seen nothing"
    );
    for sequence in 1..=500 {
        witness.note(EventId(1), mark(sequence));
    }
    witness.note(EventId(2), mark(9));
    assert_eq!(witness.witnessed(EventId(1)), Some(mark(500)), "at once");
    drop(witness);

    let next = open(directory.path());
    assert_eq!(next.all(), [(EventId(1), mark(500)), (EventId(2), mark(9))]);
    // What an operator accepts lies before it.
    next.note(EventId(1), mark(3));
    drop(next);
    assert_eq!(open(directory.path()).witnessed(EventId(1)), Some(mark(3)));
}

#[test]
fn what_was_written_is_there_though_nobody_ended_the_process_in_good_order() {
    let directory = tempfile::tempdir().unwrap();
    let witness = open(directory.path());
    witness.note(EventId(1), mark(5));
    let length = || fs::metadata(directory.path().join(FILE_NAME)).unwrap().len();
    while length() < 2 * SLOT_BYTES as u64 {
        std::thread::yield_now();
    }
    // The other process never closes its own.
    let copy = tempfile::tempdir().unwrap();
    fs::copy(directory.path().join(FILE_NAME), copy.path().join(FILE_NAME)).unwrap();
    assert_eq!(open(copy.path()).witnessed(EventId(1)), Some(mark(5)));
}

#[test]
fn a_torn_end_is_discarded_and_written_over() {
    let directory = written(&[(1, 5), (2, 6)]);
    change(directory.path(), |bytes| bytes.truncate(bytes.len() - 20));
    let witness = open(directory.path());
    assert_eq!(witness.all(), [(EventId(1), mark(5))]);
    witness.note(EventId(3), mark(7));
    drop(witness);
    assert_eq!(open(directory.path()).all(), [(EventId(1), mark(5)), (EventId(3), mark(7))]);
}

#[test]
fn damage_in_the_middle_costs_one_record_only() {
    let directory = written(&[(1, 5), (1, 6), (2, 8), (3, 9)]);
    // The second record of event 1, and the only one of event 2.
    change(directory.path(), |bytes| {
        bytes[2 * SLOT_BYTES + 30] ^= 1;
        bytes[3 * SLOT_BYTES + 30] ^= 1;
    });
    assert_eq!(open(directory.path()).all(), [(EventId(1), mark(5)), (EventId(3), mark(9))]);
}

#[test]
fn a_damaged_beginning_is_said() {
    let directory = written(&[(1, 5)]);
    change(directory.path(), |bytes| bytes[3] ^= 1);
    let error = HeadWitness::open(directory.path(), INSTALLATION).unwrap_err();
    assert!(matches!(error, WitnessError::Damaged { .. }), "{error}");
}

#[test]
fn the_store_of_another_installation_and_an_empty_one_are_not_taken_for_this_one() {
    let directory = written(&[(1, 5)]);
    HeadWitness::expects(directory.path(), Some(INSTALLATION)).unwrap();
    for found in [None, Some(8)] {
        let error = HeadWitness::expects(directory.path(), found).unwrap_err();
        assert!(matches!(error, WitnessError::OtherInstallation { .. }), "{error}");
    }
    assert!(HeadWitness::open(directory.path(), 8).is_err());
    let fresh = tempfile::tempdir().unwrap();
    HeadWitness::expects(fresh.path(), None).unwrap();
}

#[test]
fn two_nodes_never_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let witness = open(directory.path());
    let error = HeadWitness::open(directory.path(), INSTALLATION).unwrap_err();
    assert!(matches!(error, WitnessError::Locked { .. }), "{error}");
    witness.note(EventId(1), mark(5));
    witness.close();
    assert_eq!(open(directory.path()).witnessed(EventId(1)), Some(mark(5)));
    witness.note(EventId(1), mark(6));
    assert_eq!(witness.witnessed(EventId(1)), Some(mark(6)), "it goes on, in memory");
}

#[test]
fn the_file_stays_small_and_beyond_the_bound_the_oldest_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let witness = HeadWitness::open_bounded(directory.path(), INSTALLATION, 8).unwrap();
    let seen = Arc::clone(&witness.seen);
    for event in 1..=20 {
        witness.note(EventId(event), mark(1));
        while !locked(&seen.moved).is_empty() {
            std::thread::yield_now();
        }
    }
    assert_eq!(witness.witnessed(EventId(1)), None, "it moved longest ago");
    drop(witness);
    let next = HeadWitness::open_bounded(directory.path(), INSTALLATION, 8).unwrap();
    let kept: Vec<u128> = next.all().into_iter().map(|(event, _)| event.0).collect();
    assert_eq!(kept, (13..=20).collect::<Vec<_>>());
}

#[test]
fn a_file_with_many_old_records_is_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let mut scribe = scribe(directory.path());
    // As after thousands of writes.
    scribe.records = STALE_RECORDS_MAX - 3;
    let length = || fs::metadata(directory.path().join(FILE_NAME)).unwrap().len() / SLOT_BYTES as u64;
    for (sequence, slots) in [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 2), (7, 3)] {
        locked(&scribe.seen.moved).insert(EventId(1), mark(sequence));
        scribe.write().unwrap();
        assert_eq!(length(), slots, "after {sequence}");
    }
    drop(scribe);
    assert_eq!(open(directory.path()).all(), [(EventId(1), mark(7))]);
}

#[test]
fn after_a_failed_write_nothing_that_was_noted_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let mut scribe = scribe(directory.path());
    scribe.file.open_for_reading_only();
    locked(&scribe.seen.moved).insert(EventId(1), mark(5));
    assert!(scribe.write().is_err());
    scribe.is_failing = true;
    locked(&scribe.seen.moved).insert(EventId(2), mark(6));
    scribe.write().unwrap();
    drop(scribe);
    assert_eq!(open(directory.path()).all(), [(EventId(1), mark(5)), (EventId(2), mark(6))]);
}

#[test]
fn what_could_not_be_written_is_tried_again_though_nothing_moves_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let mut scribe = scribe(directory.path());
    scribe.file.open_for_reading_only();
    locked(&scribe.seen.moved).insert(EventId(1), mark(5));
    let (moved, told) = bounded(1);
    let (alive, ended) = bounded::<()>(0);
    moved.send(()).unwrap();
    let thread = Builder::new().spawn(move || scribe.run(&told, &ended)).unwrap();
    let has_it = || {
        let content = file::read(directory.path()).unwrap().unwrap();
        content.records == [(EventId(1), mark(5))]
    };
    while !has_it() {
        std::thread::yield_now();
    }
    drop(alive);
    thread.join().unwrap();
    drop(moved);
}
