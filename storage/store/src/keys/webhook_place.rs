//! The place of a delivery among those of its endpoint: the last part of the keys of deliveries; and those keys that have nothing else.

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Sequence, Timestamp};
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

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

/// The bytes of a key that is a kind, an endpoint, and a place.
pub(super) fn pack_delivery(kind: KeyKind, endpoint: u128, place: WebhookPlace) -> Vec<u8> {
    let (at, event, sequence, copy) = place.parts();
    pack(&(kind.number(), Uuid::from_u128(endpoint), at, event, sequence, copy))
}

/// The endpoint and the place of such a key; [`StoreError::Damaged`] when it is of another kind.
pub(super) fn unpack_delivery(kind: KeyKind, key: &[u8]) -> Result<(u128, WebhookPlace), StoreError> {
    let (found, endpoint, at, event, sequence, copy): (u16, Uuid, u64, Uuid, u64, u64) = parts(key, kind)?;
    if found != kind.number() {
        return Err(foreign(key, kind));
    }
    Ok((endpoint.as_u128(), WebhookPlace::of((at, event, sequence, copy))))
}

/// All keys of a kind and an endpoint: `begin <= key < end`.
pub(super) fn range_of_endpoint(kind: KeyKind, endpoint: u128) -> (Vec<u8>, Vec<u8>) {
    range_of(&(kind.number(), Uuid::from_u128(endpoint)))
}
