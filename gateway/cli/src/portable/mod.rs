//! An installation, or one event of it, in one file: `tessera export` and `tessera import`. `docs/operations/export-import.md` has the
//! format.

mod copy;
mod error;
mod export;
mod import;
mod piece;
mod reader;
mod writer;

pub(crate) use error::PortableError;
pub(crate) use export::run as export;
pub(crate) use import::run as import;

/// What such a file begins with.
const MAGIC: [u8; 8] = *b"TsExprt1";
/// Version of the format that is written.
const VERSION: u16 = 1;
/// Oldest version that reads it.
const MINIMUM_READER: u16 = 1;
/// Longest piece, in bytes: a record with what stands before it.
const PIECE_BYTES_MAX: usize = tessera_store::LOG_RECORD_BYTES_MAX + 1_024;
/// Bytes read or written at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Length of the checksum at the end, in bytes.
const HASH_BYTES: usize = 32;
