//! Protobuf records of events and snapshots, with golden bytes per format version.

mod config;
mod entry;
mod error;
mod framing;
mod from_wire;
mod hold;
mod quote;
mod record;
mod replay;
mod snapshot;
mod to_wire;
mod waitlist;
pub mod wide;
mod wire;

pub use config::{decode_config, encode_config};
pub use error::RecordError;
pub use quote::{decode_quote, encode_quote};
pub use record::{
    Record, RecordEncoder, RecordHeader, decode_header, decode_record, encode_record, for_each,
};
pub use replay::{Replay, ReplayError};
pub use snapshot::{SnapshotImage, decode_snapshot, encode_snapshot};
