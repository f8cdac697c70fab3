//! The directory of a store: one process at a time, for its owner only, and what can be listed of it.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use support::{EVENT, OTHER, Rig, SEGMENT_BYTES, append_all};
use tempfile::TempDir;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::EventId;
use tessera_store::{Log, StoreError};
use tessera_writer::Head;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("data/store");
    (folder, directory)
}

fn names(directory: &Path) -> Vec<String> {
    let names =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn scenario_33_a_store_that_is_open_is_not_emptied_under_its_owner() {
    let (_folder, directory) = folder();
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
    let store = EmbeddedStore::open(&directory, &options).unwrap();
    append_all(&store, EVENT, [300]);
    let before = names(&directory);
    let second = EmbeddedStore::open_emptied(&directory, &options);
    assert!(matches!(second.err(), Some(StoreError::Locked { .. })));
    assert_eq!(names(&directory), before);
    append_all(&store, EVENT, [3_000; 6]);
    assert_eq!(block_on(store.verify(EVENT)).unwrap().records, 7, "it goes on, into segments of its own");
}

#[test]
fn a_store_is_emptied_but_for_its_lock() {
    let (_folder, directory) = folder();
    let lock = || fs::metadata(directory.join("LOCK")).unwrap().ino();
    drop({
        let store = EmbeddedStore::open(&directory, &Options::default()).unwrap();
        append_all(&store, EVENT, [300]);
        store
    });
    fs::write(directory.join("admin-token"), "tsa_old").unwrap();
    let before = lock();
    let store = EmbeddedStore::open_emptied(&directory, &Options::default()).unwrap();
    assert_eq!(block_on(store.head(EVENT)).unwrap(), Head::GENESIS);
    assert!(!directory.join("admin-token").exists());
    assert_eq!(lock(), before, "who waits for the lock waits for the same file");
}

#[test]
fn a_lock_alone_is_no_store() {
    let (_folder, directory) = folder();
    assert!(!EmbeddedStore::is_in(&directory));
    fs::create_dir_all(&directory).unwrap();
    for name in ["LOCK", "CURRENT", "000005.log"] {
        fs::write(directory.join(name), "").unwrap();
        assert!(!EmbeddedStore::is_in(&directory), "another's database has these");
    }
    drop(EmbeddedStore::open_emptied(&directory, &Options::default()).unwrap());
    assert!(EmbeddedStore::is_in(&directory));
    fs::remove_file(directory.join("anchor")).unwrap();
    assert!(EmbeddedStore::is_in(&directory), "a damaged one is one");
    fs::remove_file(directory.join("LOCK")).unwrap();
    assert!(!EmbeddedStore::is_in(&directory));
}

#[test]
fn only_its_owner_may_look_into_what_the_store_makes() {
    let (_folder, directory) = folder();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    drop(EmbeddedStore::open(&directory, &Options::default()).unwrap());
    for path in
        [directory.parent().unwrap(), &directory, &directory.join("tables"), &directory.join("journal")]
    {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    // Below a directory that somebody else made, the secrets are guarded all the same.
    let (_folder, given) = folder();
    fs::create_dir_all(&given).unwrap();
    fs::set_permissions(&given, fs::Permissions::from_mode(0o755)).unwrap();
    drop(EmbeddedStore::open(&given, &Options::default()).unwrap());
    assert_eq!((mode(&given), mode(&given.join("tables"))), (0o755, 0o700));
}

#[test]
fn every_event_with_a_log_is_listed_wherever_it_is_indexed() {
    let rig = Rig::new();
    let events = |rig: &Rig| block_on(rig.store.events()).unwrap();
    assert_eq!(events(&rig), [EventId(0); 0]);
    append_all(&rig.store, EVENT, [300]);
    append_all(&rig.store, OTHER, [3_000; 4]);
    assert_eq!(events(&rig), [EVENT, OTHER]);
    let rig = rig.reopen().unwrap();
    let rig = rig.reopen().unwrap();
    assert_eq!(rig.store.events_in_memory(), 1, "the other event stands in full segments only");
    assert_eq!(events(&rig), [EVENT, OTHER]);
}
