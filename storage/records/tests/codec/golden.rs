//! Bytes of each format: every later binary must read them and, what it says in that format, write the same.
//!
//! A missing file is written by `TESSERA_WRITE_GOLDEN=1`; one that exists is never rewritten.

use std::{fmt::Write, fs, path::PathBuf};

use tessera_inventory::{Event, Image, Sequence, Subject};
use tessera_records::{
    SnapshotImage, decode_header, decode_record, decode_snapshot, encode_record, encode_snapshot,
};
use tessera_writer::Chain;

use crate::examples;

const FIRST: Sequence = Sequence(10_000);

fn file(format: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format).join(format!("{name}.hex"))
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
fn golden(format: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = file(format, name);
    if !path.exists() && std::env::var_os("TESSERA_WRITE_GOLDEN").is_some() {
        fs::write(&path, hex(bytes)).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(hex(bytes), golden, "{name} is no longer written as {format} wrote it");
    let digits: String = golden.split_whitespace().collect();
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn check(format: &str, name: &str, events: &[Event]) {
    let mut bytes = Vec::new();
    encode_record(FIRST, events, &mut bytes);
    let record = decode_record(&golden(format, name, &bytes)).unwrap();
    assert_eq!(record.first_sequence, FIRST);
    assert_eq!(record.events, events, "{name} is no longer read as {format} meant it");
}

#[test]
fn every_kind_of_event_is_written_and_read_as_format_1_did() {
    for (name, event) in examples::all() {
        check("v1", name, &[event]);
    }
}

#[test]
fn every_kind_of_event_of_format_2_is_written_and_read_as_it_did() {
    for (name, event) in examples::of_format_2() {
        assert_eq!(event.body.format(), 2, "{name}");
        check("v2", name, &[event]);
    }
}

#[test]
fn who_gave_a_ticket_away_is_said_in_format_1_whose_readers_skip_it() {
    let given = examples::event(examples::transferred(Some(Subject(5))));
    assert_eq!(given.body.format(), 1);
    check("v1", "ticket_transferred_by_its_holder", &[given]);
}

#[test]
fn a_record_asks_for_a_reader_of_its_newest_event() {
    let old = examples::all().remove(0).1;
    let new = examples::of_format_2().remove(0).1;
    for (events, needed) in [(vec![&old], 1), (vec![&new], 2), (vec![&old, &new, &old], 2)] {
        let mut bytes = Vec::new();
        encode_record(FIRST, &events, &mut bytes);
        assert_eq!(decode_header(&bytes).unwrap().format_version, needed);
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
    check("v1", "all_kinds_in_one_record", &events);
}

#[test]
fn a_snapshot_is_written_and_read_as_format_1_did() {
    let expected = SnapshotImage { chain: Chain([7; 32]), image: examples::image() };
    let bytes = golden("v1", "snapshot", &encode_snapshot(&expected.image, expected.chain));
    assert_eq!(decode_snapshot(bytes.into()).unwrap(), expected);
}

#[test]
fn a_snapshot_with_quotes_is_written_and_read_as_format_2_did() {
    let image = Image {
        config: Some(examples::priced().into()),
        quoted: vec![77, 4_455, 495, 4 | 18 << 32],
        ..examples::image()
    };
    assert_eq!((image.format(), examples::image().format()), (2, 1));
    let expected = SnapshotImage { chain: Chain([7; 32]), image };
    let bytes = golden("v2", "snapshot_with_quotes", &encode_snapshot(&expected.image, expected.chain));
    assert_eq!(decode_snapshot(bytes.into()).unwrap(), expected);
}

#[test]
fn a_snapshot_with_money_that_went_back_is_written_and_read_as_format_2_did() {
    let image = Image {
        quoted: vec![77, 4_455, 0, 0],
        shares_quoted: vec![77, 1, 4_400],
        refunded_beyond: vec![0, (-5_i64).cast_unsigned()],
        disputes: vec![0],
        ..examples::image()
    };
    assert_eq!(Image { quoted: vec![], shares_quoted: vec![], ..image.clone() }.format(), 2);
    let expected = SnapshotImage { chain: Chain([7; 32]), image };
    let bytes = golden("v2", "snapshot_with_refunds", &encode_snapshot(&expected.image, expected.chain));
    assert_eq!(decode_snapshot(bytes.into()).unwrap(), expected);
}

#[test]
fn a_snapshot_with_passages_is_written_and_read_as_format_2_did() {
    let image = Image {
        passages: vec![3 | 9 << 32, 1_789_999_999_000, 7, 41, 4 | 2 << 32, 1_789_999_999_500, 0, 0],
        devices: vec![7, 42, 1_789_999_999_000],
        ..examples::image()
    };
    assert_eq!(image.format(), 2);
    let expected = SnapshotImage { chain: Chain([7; 32]), image };
    let bytes = golden("v2", "snapshot_with_passages", &encode_snapshot(&expected.image, expected.chain));
    assert_eq!(decode_snapshot(bytes.into()).unwrap(), expected);
}

#[test]
fn a_snapshot_with_a_waitlist_is_written_and_read_as_format_2_did() {
    let image = Image {
        config: Some(examples::with_waitlist().into()),
        waitlist: vec![70, 1 << 40 | 128 << 48, u64::MAX, 1 | 2 << 16 | 1 << 32],
        accumulating: vec![1, 70, 1_790_000_000_000],
        ..examples::image()
    };
    assert_eq!(image.format(), 2);
    let expected = SnapshotImage { chain: Chain([7; 32]), image };
    let bytes = golden("v2", "snapshot_with_a_waitlist", &encode_snapshot(&expected.image, expected.chain));
    assert_eq!(decode_snapshot(bytes.into()).unwrap(), expected);
}

#[test]
fn every_golden_file_is_known() {
    let mut of_format_1 = examples::all();
    of_format_1.extend([
        ("all_kinds_in_one_record", of_format_1[0].1.clone()),
        ("snapshot", of_format_1[0].1.clone()),
        ("ticket_transferred_by_its_holder", of_format_1[0].1.clone()),
    ]);
    let mut of_format_2 = examples::of_format_2();
    let snapshots = [
        "snapshot_with_quotes",
        "snapshot_with_refunds",
        "snapshot_with_passages",
        "snapshot_with_a_waitlist",
    ];
    for snapshot in snapshots {
        of_format_2.push((snapshot, of_format_2[0].1.clone()));
    }
    for (format, examples) in [("v1", of_format_1), ("v2", of_format_2)] {
        for entry in fs::read_dir(file(format, "x").parent().unwrap()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_known = examples.iter().any(|(known, _)| format!("{known}.hex") == name);
            assert!(is_known, "{format}/{name} is read by no test");
        }
    }
}
