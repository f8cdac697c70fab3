//! What records and snapshots have in common: length-delimited fields read one by one, the format check before all.

use prost::Message;
use tessera_writer::FORMAT_VERSION;

use crate::{RecordError, error::malformed};

/// Protobuf tag of field 1, length-delimited: the header.
pub(crate) const HEADER_TAG: u8 = 0x0a;
/// Protobuf tag of field 2, length-delimited: what follows the header.
pub(crate) const BODY_TAG: u8 = 0x12;

/// Append one field to `out`.
pub(crate) fn put_field(tag: u8, message: &impl Message, out: &mut Vec<u8>) {
    let length = message.encoded_len();
    out.reserve(1 + prost::length_delimiter_len(length) + length);
    out.push(tag);
    // Writing to a `Vec` fails only where memory ends, and that aborts: there is always room.
    let _ = prost::encode_length_delimiter(length, out);
    message.encode_raw(out);
}

/// The field at the front of `bytes`, and what follows it.
pub(crate) fn split_field(tag: u8, bytes: &[u8]) -> Result<(&[u8], &[u8]), RecordError> {
    let Some((&found, mut rest)) = bytes.split_first() else {
        return Err(malformed("the bytes are complete"));
    };
    if found != tag {
        return Err(malformed("a header comes first, then what it announces"));
    }
    let length = prost::decode_length_delimiter(&mut rest)?;
    rest.split_at_checked(length).ok_or(malformed("the bytes are complete"))
}

/// Refuse what this binary does not read; otherwise the format it was written in.
pub(crate) fn check_format(format_version: u32, minimum_reader: u32) -> Result<u16, RecordError> {
    if minimum_reader > u32::from(FORMAT_VERSION) {
        return Err(RecordError::TooNew { needed: minimum_reader, supported: FORMAT_VERSION });
    }
    match u16::try_from(format_version) {
        Ok(version) if version > 0 && minimum_reader > 0 => Ok(version),
        _ => Err(malformed("a header names its format")),
    }
}
