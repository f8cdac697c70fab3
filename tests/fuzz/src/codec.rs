//! The codec of records and snapshots: whatever the bytes, an answer; and what was read is written and read again equally.

use tessera_inventory::{Image, ImageError, Inventory};
use tessera_records::{
    RecordEncoder, SnapshotImage, decode_header, decode_record, decode_snapshot, encode_snapshot,
};

/// The bytes of a record, or anything else.
///
/// # Panics
/// When a promise is broken.
pub fn records(bytes: &[u8]) {
    let header = decode_header(bytes);
    let Ok(record) = decode_record(bytes) else { return };
    let header = header.expect("a record that can be read has a header that can be read");
    assert_eq!((header.first_sequence, header.count as usize), (record.first_sequence, record.events.len()));
    let mut again = Vec::new();
    RecordEncoder::default().encode_record(record.first_sequence, &record.events, &mut again);
    assert_eq!(decode_record(&again).as_ref(), Ok(&record), "what was read is written otherwise");
    let mut once_more = Vec::new();
    RecordEncoder::default().encode_record(record.first_sequence, &record.events, &mut once_more);
    assert_eq!(again, once_more, "the same events give the same bytes");
}

/// The bytes of a snapshot, or anything else.
///
/// # Panics
/// When a promise is broken.
pub fn snapshots(bytes: &[u8]) {
    let Ok(snapshot) = decode_snapshot(bytes.into()) else { return };
    let again = encode_snapshot(&snapshot.image, snapshot.chain);
    assert_eq!(decode_snapshot(again.into()).as_ref(), Ok(&snapshot), "what was read is written otherwise");
    let SnapshotImage { image, .. } = snapshot;
    match Inventory::import(image.clone()) {
        Ok(inventory) => sound(&inventory, &image),
        // A digest that was made to fit leads behind the door: then there is no promise but to answer.
        Err(ImageError::DigestMismatch { found, .. }) => {
            drop(Inventory::import(Image { digest: found, ..image }))
        }
        Err(ImageError::Malformed { .. }) => {}
    }
}

fn sound(inventory: &Inventory, image: &Image) {
    assert_eq!(inventory.digest(), image.digest);
    assert_eq!(inventory.check(), Ok(()), "an image with the right digest is a sound state");
    let exported = inventory.export();
    let read = Inventory::import(exported.clone()).expect("an exported image can be read");
    assert_eq!(read.export(), exported, "an image changes on its way");
}
