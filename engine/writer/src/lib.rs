//! The writer's protocol machine: turns, lanes, append, resubmission, publication, without I/O.

mod head;

pub use head::{BatchId, Chain, FORMAT_VERSION, Format, Head, MINIMUM_READER_VERSION};
