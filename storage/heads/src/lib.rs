//! The head witness: what this node last saw acknowledged of each event, in a file of its own, outside the store.
//!
//! A store that went back in time (an older backup was restored) is whole in itself: nothing in it tells. So each node
//! remembers how far it has seen every event, and what the store lacks of that is noticed.
//!
//! [`HeadWitness::note`] costs an entry in memory; one thread writes what moved at most every [`WRITE_INTERVAL`]. **The
//! window that remains**: what was acknowledged in the last moments before the process ended is not witnessed.

mod file;
mod mark;
mod witness;

pub use file::{FILE_NAME, WitnessError};
pub use mark::HeadMark;
pub use witness::{HeadWitness, RETRY_INTERVAL, WITNESSED_EVENTS_MAX, WRITE_INTERVAL};
