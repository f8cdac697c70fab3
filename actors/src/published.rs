//! What HTTP threads read without asking the writer.

use std::sync::Arc;

use tessera_inventory::{Availability, Config, Digest, SeatMap};
use tessera_writer::Monotonic;

/// The public view of one event, true at `availability.sequence`; swapped as a whole after every durable turn.
#[derive(Clone, Debug)]
pub struct Published {
    /// Counters and phase.
    pub availability: Arc<Availability>,
    /// The configuration and its version, once there is one.
    pub config: Option<(u32, Arc<Config>)>,
    /// Every seat's state; refreshed at most every [`crate::Limits::seat_map_refresh_ms`], so it may trail `availability`.
    pub seat_map: Arc<SeatMap>,
    /// Digest of the whole state.
    pub digest: Digest,
    /// Of a mirror: when the log was last looked at, in this process's monotonic time; `None`: this process owns the event.
    pub mirrored_at: Option<Monotonic>,
}
