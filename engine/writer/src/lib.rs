//! The writer's protocol machine: turns, lanes, append, resubmission, publication, without I/O.

mod head;
mod io;

pub use head::{BatchId, Chain, FORMAT_VERSION, Format, Head, MINIMUM_READER_VERSION};
pub use io::{Alert, Ask, Lane, Monotonic, Output, Reply, Request, StopReason};
