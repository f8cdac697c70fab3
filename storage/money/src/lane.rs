//! Lanes: each has a desk, and payments of one event are in one lane.

use tessera_inventory::EventId;
use tessera_store::keys::event_hash;

/// How many lanes there are. Their numbers are stored in keys.
pub const LANES: u8 = 16;

/// A lane, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(u8);

impl Lane {
    /// The lane of an event.
    #[must_use]
    pub fn of(event: EventId) -> Lane {
        let [.., last] = event_hash(event).to_be_bytes();
        Lane(last % LANES)
    }

    /// Every lane.
    pub fn all() -> impl Iterator<Item = Lane> {
        (0..LANES).map(Lane)
    }

    /// The lane of this number; `None`: there is none.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Lane> {
        (number < LANES).then_some(Lane(number))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}
