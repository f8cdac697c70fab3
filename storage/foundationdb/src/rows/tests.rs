#![allow(clippy::unwrap_used)]

use tessera_store::VALUE_BYTES_MAX;
use tessera_store::conformance::log::batch;

use super::*;
use crate::cursor::Era;

const EVENT: EventId = EventId(5);

fn assembled(rows: &[Row]) -> Result<Vec<LogRecord>, StoreError> {
    let mut assembler = Assembler::default();
    let mut records = Vec::new();
    for (key, value) in rows {
        records.extend(assembler.take(key, value)?);
    }
    assert!(!assembler.is_midway(), "the last record is whole");
    Ok(records)
}

#[test]
fn records_of_every_size_come_back_whole() {
    let (mut head, mut rows, mut batches) = (Head::GENESIS, Vec::new(), Vec::new());
    for (size, id) in
        [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES, 3].into_iter().zip(1..)
    {
        let next = batch(head, id, 2, &vec![7; size]);
        rows.extend(chunks(EVENT, &head, &next));
        head = next.next;
        batches.push(next);
    }
    assert!(rows.is_sorted(), "in the order of the keys");
    assert!(rows.iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
    let records = assembled(&rows).unwrap();
    assert_eq!(records.len(), batches.len());
    for (record, batch) in records.iter().zip(&batches) {
        assert_eq!((record.last_sequence, record.chain), (batch.next.sequence, batch.next.chain));
        assert_eq!(record.bytes, batch.record);
    }
    assert_eq!(chunks(EVENT, &head, &batch(head, 9, 0, b"")), Vec::new(), "a head that moves alone");
}

#[test]
fn a_chunk_that_is_missing_is_damage() {
    let rows = chunks(EVENT, &Head::GENESIS, &batch(Head::GENESIS, 1, 2, &vec![7; 3 * CHUNK_BYTES]));
    for missing in [0, 1] {
        let mut fewer = rows.clone();
        fewer.remove(missing);
        assert!(matches!(assembled(&fewer), Err(StoreError::Damaged { .. })), "without chunk {missing}");
    }
}

#[test]
fn the_row_of_the_format_is_read_as_it_was_written_and_no_newer_one() {
    for standing in [Standing::Whole, Standing::Filling] {
        let row = FormatRow { era: Era(0x0102_0304_0506_0708), standing };
        let mut value = row.encode();
        assert_eq!(FormatRow::decode(&value), Ok(row));
        assert!(matches!(FormatRow::decode(&value[..5]), Err(StoreError::Damaged { .. })));
        value[12] = 2;
        assert!(matches!(FormatRow::decode(&value), Err(StoreError::Damaged { .. })));
        value[3] = 2;
        assert_eq!(FormatRow::decode(&value), Err(StoreError::FormatTooNew { needed: 2, supported: 1 }));
    }
}

#[test]
fn entries_of_the_feed_come_back() {
    let value = encode_feed_entry(EVENT, Sequence(9));
    assert_eq!(decode_feed_entry(&value), Some((EVENT, Sequence(9))));
    assert_eq!(decode_feed_entry(&value[1..]), None);
}
