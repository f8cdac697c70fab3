//! Bytes that nobody meant: refused, never a panic, never more memory than the bytes justify.

use proptest::prelude::*;
use tessera_inventory::{EventBody, Sequence};
use tessera_records::{RecordError, decode_record, encode_record, for_each};

use crate::examples;

fn record() -> Vec<u8> {
    let events: Vec<_> = examples::all().into_iter().map(|(_, event)| event).collect();
    let mut bytes = Vec::new();
    encode_record(Sequence(1), &events, &mut bytes);
    bytes
}

#[test]
fn scenario_28_a_record_for_newer_readers_is_refused_and_nothing_of_it_is_given() {
    let mut bytes = record();
    // Header: tag, length, tag of format_version, 1, tag of minimum_reader, 1.
    assert_eq!(bytes[2..6], [0x08, 1, 0x10, 1]);
    (bytes[3], bytes[5]) = (9, 9);
    let mut given = 0;
    let error = for_each(&bytes, |_, _| given += 1).unwrap_err();
    assert!(
        matches!(error, RecordError::TooNew { needed: 9, supported: tessera_writer::FORMAT_VERSION }),
        "{error:?}"
    );
    assert_eq!(given, 0);
}

#[test]
fn a_newer_record_that_admits_this_reader_is_read() {
    let mut bytes = record();
    bytes[3] = 2;
    assert_eq!(decode_record(&bytes).unwrap().events.len(), examples::all().len());
}

#[test]
fn every_truncation_is_refused() {
    let bytes = record();
    for length in 0..bytes.len() {
        assert!(decode_record(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let mut bytes = record();
    bytes.push(0);
    assert!(decode_record(&bytes).is_err());
}

#[test]
fn every_flipped_bit_is_survived() {
    let bytes = record();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let _ = decode_record(&damaged);
    }
}

#[test]
fn an_event_without_a_body_is_refused() {
    // Header {1, 1, 1, -, 1}, one empty event.
    let bytes = [0x0a, 8, 0x08, 1, 0x10, 1, 0x18, 1, 0x28, 1, 0x12, 0];
    let error = decode_record(&bytes).unwrap_err();
    assert!(matches!(error, RecordError::Malformed { .. }), "{error:?}");
}

#[test]
fn runs_longer_than_the_hall_are_refused_without_memory_for_them() {
    let mut config = examples::config();
    config.rows = config.rows[..1].into();
    let event = examples::event(EventBody::Configured { version: 1, config: config.into() });
    let mut bytes = Vec::new();
    encode_record(Sequence(1), &[event], &mut bytes);
    // The runs of categories: field 23, 4 bytes, category 1 twice, category 0 once.
    let runs = [0xba, 0x01, 4, 1, 2, 0, 1];
    let at = bytes.windows(runs.len()).position(|window| window == runs).unwrap();
    bytes[at + runs.len() - 1] = 0x7f;
    assert!(decode_record(&bytes).is_err());
}

proptest! {
    #[test]
    fn random_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_record(&bytes);
    }

    #[test]
    fn overwritten_bytes_are_survived(
        at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 1..20)
    ) {
        let mut bytes = record();
        let at = at.index(bytes.len());
        for (byte, new) in bytes[at..].iter_mut().zip(with) {
            *byte = new;
        }
        let _ = decode_record(&bytes);
    }
}
