//! What is kept of a damaged installation, and what is said of the rest.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use support::{SEGMENT_BYTES, append_all};
use tempfile::TempDir;
use tessera_embedded::salvage::{Cut, Salvage, Salvaged, Scratch, Standing};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{EventId, Sequence};
use tessera_store::{Log, StoreError};

const EVENTS: u128 = 3;
/// Bytes of a frame without its payload, and where its event stands.
const FRAME_HEADER_BYTES: u64 = 192;
const EVENT_AT: u64 = 40;

fn open(directory: &Path) -> EmbeddedStore {
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
    EmbeddedStore::open(directory, &options).unwrap()
}

/// Three events with so many records each, in turns; an idle one before them.
fn installation(records: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("store");
    let store = open(&directory);
    append_all(&store, EventId(EVENTS), [300]);
    for _ in 0..records {
        for event in (0..EVENTS).map(EventId) {
            append_all(&store, event, [300]);
        }
    }
    (folder, directory)
}

fn segment(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("journal/{number:016}.segment"))
}

fn flip(directory: &Path, number: u64, offset: u64) {
    let file = File::options().read(true).write(true).open(segment(directory, number)).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 4], offset).unwrap();
}

/// Offset of the frame `number` (from 0) of the journal, which stands in the first segment.
fn frame(number: u64) -> u64 {
    64 + number * (FRAME_HEADER_BYTES + 300).next_multiple_of(8)
}

fn salvage(directory: &Path, cut: Option<Cut>) -> Salvage {
    Salvage::read(directory, cut, Scratch::make(&directory.with_file_name("scratch"))).unwrap()
}

fn standings(salvage: &Salvage) -> BTreeMap<u128, (Standing, u64, u64)> {
    let said = |salvaged: &Salvaged| {
        let Salvaged { event, kept, appended_through, standing, .. } = *salvaged;
        (event.0, (standing, kept.sequence.0, appended_through.0))
    };
    salvage.events().iter().map(said).collect()
}

/// What is kept is appended to a new store and verified there.
fn copied(salvage: &Salvage, directory: &Path) {
    let new = directory.with_file_name("new");
    let store = open(&new);
    block_on(salvage.copy_log(&store)).unwrap();
    for salvaged in salvage.events() {
        assert_eq!(block_on(store.verify(salvaged.event)).unwrap().head, salvaged.kept);
    }
    drop(store);
    fs::remove_dir_all(new).unwrap();
}

#[test]
fn a_sound_installation_is_kept_whole() {
    let (_folder, directory) = installation(20);
    let salvage = salvage(&directory, None);
    assert_eq!(salvage.damage(), Vec::<String>::new());
    for (event, (standing, kept, appended)) in standings(&salvage) {
        let records = if event == EVENTS { 1 } else { 20 };
        assert_eq!((standing, kept, appended), (Standing::Sound, records, records));
    }
    copied(&salvage, &directory);
}

/// A damaged payload: the frame's header still says whose it was, and nobody else is in doubt.
#[test]
fn a_damaged_record_cuts_its_own_event_only() {
    let (_folder, directory) = installation(4);
    flip(&directory, 1, frame(5) + FRAME_HEADER_BYTES + 9);
    let salvage = salvage(&directory, None);
    let said = standings(&salvage);
    assert_eq!(said[&1], (Standing::Cut, 1, 4));
    assert_eq!((said[&0].0, said[&2].0, said[&3].0), (Standing::Sound, Standing::Sound, Standing::Sound));
    copied(&salvage, &directory);
}

/// A damaged header says nothing for certain: events that were not appended to again are in doubt.
#[test]
fn a_record_of_nobody_leaves_those_in_doubt_who_have_none_after_it() {
    let (_folder, directory) = installation(4);
    flip(&directory, 1, frame(5) + EVENT_AT + 3);
    let said = standings(&salvage(&directory, None));
    assert_eq!(said[&1], (Standing::Cut, 1, 4));
    assert_eq!((said[&0].0, said[&2].0), (Standing::Sound, Standing::Sound));
    assert_eq!(said[&3], (Standing::InDoubt, 1, 1), "it may have been hers");
}

/// Full segments are indexed: the index says how far each event went in them.
#[test]
fn the_index_lifts_the_doubt_and_names_what_a_lost_segment_held() {
    let (_folder, directory) = installation(20);
    drop(open(&directory));
    fs::remove_file(segment(&directory, 2)).unwrap();
    let salvage = salvage(&directory, None);
    assert!(salvage.damage()[0].contains("segment 2"), "{:?}", salvage.damage());
    let said = standings(&salvage);
    for event in 0..EVENTS {
        let (standing, kept, appended) = said[&event];
        assert_eq!((standing, appended), (Standing::Cut, 20));
        assert!(kept > 0 && kept < 20);
    }
    assert_eq!(said[&EVENTS], (Standing::Sound, 1, 1));
    copied(&salvage, &directory);
}

/// The end of the journal is gone: only the anchor knows, and not of which events.
#[test]
fn a_shortened_journal_leaves_everyone_in_doubt() {
    let (_folder, directory) = installation(4);
    let file = File::options().write(true).open(segment(&directory, 1)).unwrap();
    file.write_all_at(&[0; 492], frame(12)).unwrap();
    let salvage = salvage(&directory, None);
    assert!(salvage.damage()[0].contains("were acknowledged"), "{:?}", salvage.damage());
    assert!(standings(&salvage).values().all(|(standing, ..)| *standing == Standing::InDoubt));
}

#[test]
fn an_operator_cuts_where_told_and_the_scratch_is_gone() {
    let (_folder, directory) = installation(6);
    let cut = Cut { event: EventId(2), through: Sequence(4) };
    let salvage = salvage(&directory, Some(cut));
    assert_eq!(standings(&salvage)[&2], (Standing::Cut, 4, 6));
    copied(&salvage, &directory);
    drop(salvage);
    assert!(!directory.with_file_name("scratch").exists());
    let store = open(&directory);
    let locked =
        Salvage::read(&directory, None, Scratch::make(&directory.with_file_name("scratch"))).map(drop);
    assert!(matches!(locked, Err(StoreError::Locked { .. })), "{locked:?}");
    assert_eq!(block_on(store.head(EventId(2))).unwrap().sequence, Sequence(6));
}

#[test]
fn the_copy_of_the_tables_is_for_its_owner_only_and_does_not_stay() {
    let (folder, directory) = installation(3);
    let scratch = folder.path().join("scratch");
    let salvage = Salvage::read(&directory, None, Scratch::make(&scratch)).unwrap();
    assert!(salvage.has_tables());
    assert_eq!(fs::metadata(&scratch).unwrap().permissions().mode() & 0o777, 0o700);
    drop(salvage);
    assert!(!scratch.exists());
}

#[test]
fn where_no_scratch_can_be_made_the_journal_is_read_all_the_same() {
    let (folder, directory) = installation(3);
    let scratch = folder.path().join("scratch");
    fs::write(&scratch, "somebody's").unwrap();
    let salvage = Salvage::read(&directory, None, Scratch::make(&scratch)).unwrap();
    assert!(!salvage.has_tables());
    let [damage] = salvage.damage() else { panic!("{:?}", salvage.damage()) };
    assert!(damage.contains("no scratch") && damage.contains(scratch.to_str().unwrap()), "{damage}");
    assert!(standings(&salvage).values().all(|(standing, ..)| *standing == Standing::Sound));
    drop(salvage);
    assert_eq!(fs::read_to_string(scratch).unwrap(), "somebody's");
}
