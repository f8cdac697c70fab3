//! The inventory of one event: a pure, synchronous, deterministic state machine.

mod id;

pub use id::{Epoch, EventId, Sequence, Subject, Timestamp};
