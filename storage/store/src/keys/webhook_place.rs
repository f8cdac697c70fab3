//! The place of a delivery among those of its endpoint: the last part of the keys of deliveries.

use tessera_inventory::{EventId, Sequence, Timestamp};
use uuid::Uuid;

/// The place of a delivery: by time, then in the order of the event's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookPlace {
    /// When it began to wait; of a finished one, when it ended.
    pub at: Timestamp,
    /// The event that its message is about; 0: none.
    pub event: EventId,
    /// The sequence that its message is about; 0: none.
    pub sequence: Sequence,
    /// Tells deliveries of one message apart: 0 is the first.
    pub copy: u64,
}

pub(super) type Parts = (u64, Uuid, u64, u64);

impl WebhookPlace {
    pub(super) fn parts(self) -> Parts {
        (self.at.0, Uuid::from_u128(self.event.0), self.sequence.0, self.copy)
    }

    pub(super) fn of((at, event, sequence, copy): Parts) -> WebhookPlace {
        WebhookPlace {
            at: Timestamp(at),
            event: EventId(event.as_u128()),
            sequence: Sequence(sequence),
            copy,
        }
    }
}
