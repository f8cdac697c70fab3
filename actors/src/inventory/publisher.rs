//! From durable state to what readers see.

use std::sync::Arc;

use tessera_inventory::{Inventory, SeatMap};
use tessera_writer::Monotonic;

use crate::Published;

/// Makes the published views of one ownership. The seat map, which is large, is made anew at most once in a while.
#[derive(Debug)]
pub(crate) struct Publisher {
    seat_map: Arc<SeatMap>,
    seat_map_at: Monotonic,
    refresh_ms: u64,
    refresh_armed: bool,
}

impl Publisher {
    pub(crate) fn new(state: &Inventory, now: Monotonic, refresh_ms: u64) -> Publisher {
        Publisher { seat_map: Arc::new(state.seat_map()), seat_map_at: now, refresh_ms, refresh_armed: false }
    }

    /// The view of a durable state.
    pub(crate) fn view(&mut self, state: &Inventory, now: Monotonic) -> Published {
        if now.since_ms(self.seat_map_at) >= self.refresh_ms {
            self.seat_map = Arc::new(state.seat_map());
            self.seat_map_at = now;
        }
        Published {
            availability: Arc::new(state.availability()),
            config: state.config().map(|(version, config)| (version, Arc::clone(config))),
            seat_map: Arc::clone(&self.seat_map),
            digest: state.digest(),
            mirrored_at: None,
        }
    }

    /// When to publish again because the seat map trails the state; at most one such time is given out until
    /// [`Publisher::refresh_came`].
    pub(crate) fn refresh_at(&mut self, state: &Inventory) -> Option<Monotonic> {
        if self.refresh_armed || self.seat_map.sequence == state.sequence() {
            return None;
        }
        self.refresh_armed = true;
        Some(self.seat_map_at.plus_ms(self.refresh_ms))
    }

    pub(crate) fn refresh_came(&mut self) {
        self.refresh_armed = false;
    }
}
