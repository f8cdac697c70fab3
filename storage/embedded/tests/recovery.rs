//! What is acknowledged survives; what does not is noticed. On a disk in memory that loses power on demand.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use futures::future::join_all;
use support::{EVENT, OTHER, Rig, append_all, draw, is_damaged, record};
use tessera_embedded::EmbeddedStore;
use tessera_embedded::disk::Disk;
use tessera_inventory::{EventId, Sequence};
use tessera_store::conformance::log::{batch, read_whole};
use tessera_store::{AppendOutcome, Batch, Log, StoreError, Table, transact};
use tessera_writer::{FORMAT_VERSION, Format, Head};

const CRASHES: u64 = 40;

/// Power is lost while a batch is written; any part of it may have reached the disk.
#[test]
fn acknowledged_appends_survive_any_crash() {
    let mut rig = Rig::new();
    let events: Vec<EventId> = (0..5).map(EventId).collect();
    for seed in 0..CRASHES {
        let acknowledged: Vec<Head> = events
            .iter()
            .zip(0..)
            .map(|(event, index)| {
                let sizes = (0..draw(seed, index) % 6).map(|size| 20 + usize::try_from(size).unwrap() * 400);
                append_all(&rig.store, *event, sizes)
            })
            .collect();
        rig.disk.hold_syncs();
        let in_flight: Vec<_> = events
            .iter()
            .zip(&acknowledged)
            .map(|(event, head)| {
                let next = batch(*head, 1_000_000 + u128::from(seed), 1, &record(head.sequence, 700));
                rig.store.append(*event, *head, next)
            })
            .collect();
        rig.disk.await_waiting_sync();
        let survived = rig.crash(|file, sector| {
            draw(seed, (file as u64) << 32 | sector as u64).is_multiple_of(1 + seed % 4)
        });
        let outcomes = block_on(join_all(in_flight));
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, AppendOutcome::Fatal { .. })),
            "{outcomes:?}"
        );

        rig = rig.reopen_on(survived).unwrap();
        for (event, acknowledged) in events.iter().zip(&acknowledged) {
            let head = block_on(rig.store.head(*event)).unwrap();
            assert!(head.sequence >= acknowledged.sequence, "seed {seed}: an acknowledged append is lost");
            assert!(head.sequence <= acknowledged.sequence.plus(1));
            assert_eq!(block_on(rig.store.verify(*event)).unwrap().head, head);
            block_on(read_whole(&rig.store, *event, 2_000));
        }
    }
}

/// The same comparison catches a disk that buffers instead of syncing.
#[test]
fn a_disk_that_only_buffers_is_caught() {
    let rig = Rig::new();
    append_all(&rig.store, EVENT, [100; 3]);
    rig.disk.lie_about_syncs();
    let acknowledged = append_all(&rig.store, EVENT, [100; 3]);
    let survived = rig.crash(|_, _| false);
    match rig.reopen_on(survived) {
        Ok(rig) => assert!(block_on(rig.store.head(EVENT)).unwrap().sequence < acknowledged.sequence),
        Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
    }
}

/// No answer leaves before the sync: neither a commit nor the refusal that depends on it.
#[test]
fn nothing_is_answered_before_the_sync() {
    let rig = Rig::new();
    rig.disk.hold_syncs();
    let first = batch(Head::GENESIS, 1, 1, b"first");
    let committed = rig.store.append(EVENT, Head::GENESIS, first.clone());
    rig.disk.await_waiting_sync();
    let left = batch(first.next, 2, 1, b"left");
    let pair = [(2, b"left "), (3, b"right")]
        .map(|(id, bytes)| rig.store.append(EVENT, first.next, batch(first.next, id, 1, bytes)));
    let mut waiting = Box::pin(join_all([committed].into_iter().chain(pair)));
    block_on(async { assert!(futures::poll!(&mut waiting).is_pending()) });
    assert_eq!(block_on(rig.store.head(EVENT)), Ok(Head::GENESIS), "nothing unsynced is shown");
    rig.disk.release_syncs();
    let outcomes = block_on(waiting);
    assert_eq!(outcomes[..2], [AppendOutcome::Committed, AppendOutcome::Committed]);
    assert!(matches!(outcomes[2], AppendOutcome::Fenced { found } if found.batch_id == left.next.batch_id));
}

/// A failed sync ends the store: everything that waits, and everything later, is told so.
#[test]
fn a_failed_sync_is_fatal_for_good() {
    let rig = Rig::new();
    let head = append_all(&rig.store, EVENT, [100; 2]);
    rig.disk.fail_sync_after(0);
    let next = batch(head, 77, 1, b"never acknowledged");
    for _ in 0..3 {
        let outcome = block_on(rig.store.append(EVENT, head, next.clone()));
        assert!(matches!(outcome, AppendOutcome::Fatal { .. }), "{outcome:?}");
    }
    assert!(matches!(block_on(rig.store.head(EVENT)), Err(StoreError::Fatal { .. })));
    assert!(matches!(block_on(rig.store.read(EVENT, Sequence::ZERO, 1)), Err(StoreError::Fatal { .. })));
    assert!(block_on(rig.store.failed()).is_some(), "who listens is told, without an ask");
}

/// After a failed sync the system takes what it could not write for written. A restart that finds it in the page cache
/// writes it once more: power lost after later appends leaves no hole before them.
#[test]
fn what_a_failed_sync_left_in_the_cache_is_written_again() {
    for acknowledged_before in [0, 2, 15] {
        let rig = Rig::new();
        let head = append_all(&rig.store, EVENT, vec![100; acknowledged_before]);
        rig.disk.fail_sync_after(0);
        let next = batch(head, 77, 1, b"its sync fails");
        let outcome = block_on(rig.store.append(EVENT, head, next));
        assert!(matches!(outcome, AppendOutcome::Fatal { .. }), "{outcome:?}");
        rig.disk.mend_syncs();
        let rig = rig.reopen().unwrap();
        let acknowledged = append_all(&rig.store, EVENT, [100; 3]);
        let survived = rig.crash(|_, _| false);
        let rig = rig.reopen_on(survived).unwrap();
        assert_eq!(block_on(rig.store.verify(EVENT)).unwrap().head, acknowledged);
    }
}

/// A full disk refuses without having written, and the same bytes pass once there is room.
#[test]
fn a_full_disk_refuses_and_recovers_by_itself() {
    let rig = Rig::new();
    let mut head = append_all(&rig.store, EVENT, [1_000; 2]);
    rig.disk.set_capacity(Some(1));
    let refused = loop {
        let next = batch(head, u128::from(head.sequence.0) + 1, 1, &record(head.sequence, 1_000));
        match block_on(rig.store.append(EVENT, head, next.clone())) {
            AppendOutcome::Committed => head = next.next,
            AppendOutcome::Unknown { .. } => break next,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(block_on(rig.store.head(EVENT)), Ok(head));
    let again = block_on(rig.store.append(EVENT, head, refused.clone()));
    assert!(matches!(again, AppendOutcome::Unknown { .. }));
    rig.disk.set_capacity(None);
    assert_eq!(block_on(rig.store.append(EVENT, head, refused)), AppendOutcome::Committed);
    let head = append_all(&rig.store, EVENT, [1_000; 20]);
    let rig = rig.reopen().unwrap();
    assert_eq!(block_on(rig.store.verify(EVENT)).unwrap().head, head);
}

/// A flipped bit in what was synced: a running store refuses to read it, a restarted one to open.
#[test]
fn a_flipped_bit_is_damage() {
    let name = "journal/0000000000000001.segment";
    let flips = [(100, "a frame's header"), (300, "a payload"), (20, "the segment's header")];
    for (offset, what) in flips {
        let rig = Rig::new();
        append_all(&rig.store, EVENT, [200; 4]);
        rig.disk.flip(name, offset, 0x10);
        if offset > 64 {
            assert!(is_damaged(&block_on(rig.store.read(EVENT, Sequence::ZERO, usize::MAX))), "{what}");
            assert!(is_damaged(&block_on(rig.store.verify(EVENT))), "{what}");
        }
        assert!(is_damaged(&rig.reopen().map(drop)), "{what}");
    }
}

/// In a sealed segment, which no start scans, it is found when it is read.
#[test]
fn a_flipped_bit_in_a_sealed_segment_is_damage_when_read() {
    let rig = Rig::new();
    append_all(&rig.store, EVENT, [1_000; 40]);
    let rig = rig.reopen().unwrap();
    rig.disk.flip("journal/0000000000000002.segment", 500, 0x10);
    assert!(is_damaged(&block_on(rig.store.verify(EVENT))));
    append_all(&rig.store, OTHER, [1_000]);
}

/// The last acknowledged append vanishes as if it had never been: only the anchor knows.
#[test]
fn a_shortened_journal_is_refused() {
    let rig = Rig::new();
    append_all(&rig.store, EVENT, [200; 3]);
    let name = "journal/0000000000000001.segment";
    let length = rig.disk.bytes(name).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    let file = rig.disk.open(name).unwrap();
    file.write_at(length as u64 - 300, &[0; 301]).unwrap();
    assert!(is_damaged(&rig.reopen().map(drop)));
}

#[test]
fn a_missing_segment_or_anchor_is_refused() {
    for name in ["journal/0000000000000001.segment", "journal/0000000000000003.segment", "anchor"] {
        let rig = Rig::new();
        append_all(&rig.store, EVENT, [1_000; 30]);
        rig.disk.remove(name).unwrap();
        assert!(is_damaged(&rig.reopen().map(drop)), "{name}");
    }
}

/// Nothing but the tables is lost: the log is indexed again from the journal.
#[test]
fn the_index_is_rebuilt_from_the_journal() {
    let rig = Rig::new();
    let head = append_all(&rig.store, EVENT, [1_000; 40]);
    let Rig { disk, tables, store } = rig;
    drop((store, tables));
    let tables = tempfile::tempdir().unwrap();
    let store = support::open(&disk, tables.path()).unwrap();
    assert_eq!(block_on(store.verify(EVENT)).unwrap().head, head);
    append_all(&store, EVENT, [1_000; 10]);
}

/// Opened and closed again and again, at every fill of a segment.
#[test]
fn many_restarts() {
    let mut rig = Rig::new();
    for restart in 0..30 {
        let before = block_on(rig.store.head(EVENT)).unwrap();
        assert_eq!(before.sequence.0, restart * (restart + 1) / 2);
        append_all(&rig.store, EVENT, (0..=restart).map(|size| 100 + usize::try_from(size).unwrap() * 37));
        rig = rig.reopen().unwrap();
    }
    block_on(read_whole(&rig.store, EVENT, 10_000));
}

/// An event whose appends are in full segments takes no memory, and is found again all the same.
#[test]
fn idle_events_cost_no_memory() {
    let rig = Rig::new();
    let events: Vec<EventId> = (1_000..1_300).map(EventId).collect();
    let heads: Vec<Head> = events.iter().map(|event| append_all(&rig.store, *event, [300])).collect();
    append_all(&rig.store, EVENT, [1_000; 20]);
    // A trim is answered after everything before it was sealed.
    block_on(rig.store.trim(EVENT, Sequence(1))).unwrap();
    assert_eq!(rig.store.events_in_memory(), 1);
    for (event, head) in events.iter().zip(heads) {
        assert_eq!(block_on(rig.store.head(*event)), Ok(head));
        assert_eq!(append_all(&rig.store, *event, [300]).sequence, Sequence(2));
    }
}

/// Segments whose every record is trimmed move to the archive and are read from there, after a restart too.
#[test]
fn trimmed_segments_move_to_the_archive() {
    let rig = Rig::new();
    let head = append_all(&rig.store, EVENT, [1_000; 40]);
    append_all(&rig.store, OTHER, [1_000; 1]);
    append_all(&rig.store, EVENT, [1_000; 40]);
    block_on(rig.store.trim(EVENT, head.sequence)).unwrap();
    let archived = rig.disk.list("archive").unwrap();
    assert_eq!(archived.first().map(String::as_str), Some("0000000000000001.segment"));
    block_on(rig.store.trim(EVENT, Sequence(80))).unwrap();
    let kept = rig.disk.list("journal").unwrap();
    assert!(kept.len() > 1, "the segment with the record of the other event stays: {kept:?}");
    block_on(rig.store.trim(OTHER, Sequence(1))).unwrap();
    assert!(rig.disk.list("journal").unwrap().len() < kept.len());
    block_on(read_whole(&rig.store, EVENT, 5_000));
    let rig = rig.reopen().unwrap();
    assert_eq!(block_on(read_whole(&rig.store, EVENT, 5_000)).len(), 80);
    assert!(rig.disk.list("archive").unwrap().len() > archived.len());
}

/// The tables are lost beside an archive: what was archived is indexed again, and archiving goes on.
#[test]
fn archiving_goes_on_after_the_tables_were_rebuilt() {
    let rig = Rig::new();
    let head = append_all(&rig.store, EVENT, [1_000; 40]);
    block_on(rig.store.trim(EVENT, head.sequence)).unwrap();
    let archived = rig.disk.list("archive").unwrap().len();
    assert!(archived > 0);
    let Rig { disk, tables, store } = rig;
    drop((store, tables));
    let tables = tempfile::tempdir().unwrap();
    let store = support::open(&disk, tables.path()).unwrap();
    let head = append_all(&store, EVENT, [1_000; 40]);
    assert_eq!(block_on(store.trim(EVENT, head.sequence)).unwrap(), head.sequence);
    assert!(disk.list("archive").unwrap().len() > archived, "later segments follow");
    assert_eq!(block_on(store.verify(EVENT)).unwrap().head, head);
}

fn set_row(store: &EmbeddedStore, row: &[u8]) {
    let set = transact(store, |mut transaction| async move {
        transaction.set(row, row);
        Ok((transaction, ()))
    });
    block_on(set).unwrap();
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy_directory(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}

/// Tables that became older than what was acknowledged are noticed, and so is a missing anchor.
#[test]
fn shortened_tables_are_refused() {
    let rig = Rig::new();
    set_row(&rig.store, b"first");
    let rig = rig.reopen().unwrap();
    let Rig { disk, tables, store } = rig;
    drop(store);
    let older = tempfile::tempdir().unwrap();
    copy_directory(tables.path(), older.path());
    let store = support::open(&disk, tables.path()).unwrap();
    set_row(&store, b"second");
    drop(store);
    assert!(is_damaged(&support::open(&disk, older.path()).map(drop)), "the second commit is missing");
    assert!(is_damaged(&support::open(&disk, tempfile::tempdir().unwrap().path()).map(drop)), "all are");
    drop(support::open(&disk, tables.path()).unwrap());
    disk.remove("anchor-tables").unwrap();
    assert!(is_damaged(&support::open(&disk, tables.path()).map(drop)), "the anchor is missing");
}

/// Scenario 31, for rows: below the reserve they are refused as not written, and go on by themselves once there is room.
#[test]
fn scenario_31_a_full_disk_refuses_rows_too() {
    let rig = Rig::new();
    rig.disk.set_capacity(Some(1));
    let set = || {
        block_on(transact(&rig.store, |mut transaction| async move {
            transaction.set(b"row", b"row");
            Ok((transaction, ()))
        }))
    };
    assert!(matches!(set(), Err(StoreError::Unavailable { .. })));
    rig.disk.set_capacity(None);
    assert_eq!(set(), Ok(()));
}

/// The store fails after a row was written: whoever waits is told that it may be there, and it is.
#[test]
fn a_row_that_may_be_there_is_not_said_to_be_missing() {
    let rig = Rig::new();
    let set = |row: &'static [u8]| {
        block_on(transact(&rig.store, |mut transaction| async move {
            transaction.set(row, row);
            Ok((transaction, ()))
        }))
    };
    rig.disk.fail_writes(true);
    assert!(matches!(set(b"first"), Err(StoreError::OutcomeUnknown { .. })));
    assert!(matches!(set(b"second"), Err(StoreError::Fatal { .. })), "nothing of it was attempted");
    rig.disk.fail_writes(false);
    let rig = rig.reopen().unwrap();
    let mut transaction = block_on(rig.store.begin()).unwrap();
    assert_eq!(block_on(transaction.get(b"first")), Ok(Some(b"first".to_vec())));
    assert_eq!(block_on(transaction.get(b"second")), Ok(None));
}

/// Scenario 32, for rows: a flipped bit in any file of the tables is refused, or harms no row.
#[test]
fn scenario_32_no_flipped_bit_in_the_tables_loses_a_row_in_silence() {
    const ROWS: u8 = 40;
    const PARTS: usize = 4;
    let rig = Rig::new();
    (0..ROWS).for_each(|row| set_row(&rig.store, &[row; 64]));
    let Rig { disk, tables, store } = rig;
    drop(store);
    let mut refused = 0;
    for (file, length) in files(&tables.path().join("tables")) {
        for part in 0..PARTS {
            let flipped = tempfile::tempdir().unwrap();
            copy_directory(tables.path(), flipped.path());
            let path = flipped.path().join("tables").join(&file);
            let mut bytes = fs::read(&path).unwrap();
            bytes[length * part / PARTS] ^= 0x20;
            fs::write(path, bytes).unwrap();
            let Ok(store) = support::open(&disk, flipped.path()) else {
                refused += 1;
                continue;
            };
            for row in 0..ROWS {
                let mut transaction = block_on(store.begin()).unwrap();
                match block_on(transaction.get(&[row; 64])) {
                    Ok(value) => assert_eq!(value, Some(vec![row; 64]), "{file:?}, part {part}"),
                    Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
                }
            }
        }
    }
    assert!(refused > 0, "some flips are refused");
}

/// The files below a directory, without empty ones, each with its length up to the zeros at its end.
fn files(directory: &Path) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(file, length)| (name.join(file), length)));
        } else if let Some(last) = fs::read(&path).unwrap().iter().rposition(|byte| *byte != 0) {
            found.push((name, last + 1));
        }
    }
    found
}

/// Scenario 28: what a newer release has written is refused by name, whether it is in the journal or sealed.
#[test]
fn scenario_28_an_older_binary_refuses_a_newer_record() {
    for records_after in [0, 40] {
        let rig = Rig::new();
        let head = append_all(&rig.store, EVENT, [100]);
        let newer = batch(head, 50, 1, b"from the future");
        let next = Head { format: Format { version: 9, minimum_reader: 9 }, ..newer.next };
        let newer = Batch { next, ..newer };
        assert_eq!(block_on(rig.store.append(EVENT, head, newer)), AppendOutcome::Committed);
        append_all(&rig.store, OTHER, vec![1_000; records_after]);
        let too_new = StoreError::FormatTooNew { needed: 9, supported: FORMAT_VERSION };
        match rig.reopen() {
            Err(error) => assert_eq!(error, too_new),
            Ok(rig) => {
                assert_eq!(block_on(rig.store.head(EVENT)), Err(too_new.clone()));
                assert_eq!(block_on(rig.store.read(EVENT, Sequence::ZERO, usize::MAX)), Err(too_new));
                append_all(&rig.store, OTHER, [100]);
            }
        }
    }
}
