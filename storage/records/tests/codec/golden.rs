//! Bytes that format version 1 wrote: every later binary must read them and, while it writes version 1, write the same.
//!
//! A missing file is written by `TESSERA_WRITE_GOLDEN=1`; one that exists is never rewritten.

use std::{fmt::Write, fs, path::PathBuf};

use tessera_inventory::{Event, Sequence};
use tessera_records::{SnapshotImage, decode_record, decode_snapshot, encode_record, encode_snapshot};
use tessera_writer::Chain;

use crate::examples;

const FIRST: Sequence = Sequence(10_000);

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/v1").join(format!("{name}.hex"))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        line.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
        text.push('\n');
    }
    text
}

/// The golden bytes of `name`, which today's `bytes` must equal.
fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = file(name);
    if !path.exists() && std::env::var_os("TESSERA_WRITE_GOLDEN").is_some() {
        fs::write(&path, hex(bytes)).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(hex(bytes), golden, "{name} is no longer written as version 1 wrote it");
    let digits: String = golden.split_whitespace().collect();
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn check(name: &str, events: &[Event]) {
    let mut bytes = Vec::new();
    encode_record(FIRST, events, &mut bytes);
    let record = decode_record(&golden(name, &bytes)).unwrap();
    assert_eq!(record.first_sequence, FIRST);
    assert_eq!(record.events, events, "{name} is no longer read as version 1 meant it");
}

#[test]
fn every_kind_of_event_is_written_and_read_as_format_1_did() {
    for (name, event) in examples::all() {
        check(name, &[event]);
    }
}

#[test]
fn a_record_of_all_kinds_is_written_and_read_as_format_1_did() {
    let mut later = 0;
    let events: Vec<Event> = examples::all()
        .into_iter()
        .map(|(_, mut event)| {
            event.at = event.at.plus_ms(later);
            later += 3;
            event
        })
        .collect();
    check("all_kinds_in_one_record", &events);
}

#[test]
fn a_snapshot_is_written_and_read_as_format_1_did() {
    let expected = SnapshotImage { chain: Chain([7; 32]), image: examples::image() };
    let bytes = golden("snapshot", &encode_snapshot(&expected.image, expected.chain));
    assert_eq!(decode_snapshot(bytes.into()).unwrap(), expected);
}

#[test]
fn every_golden_file_is_known() {
    let mut known: Vec<String> = examples::all().iter().map(|(name, _)| format!("{name}.hex")).collect();
    known.extend(["all_kinds_in_one_record.hex".to_owned(), "snapshot.hex".to_owned()]);
    for entry in fs::read_dir(file("x").parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is read by no test");
    }
}
