//! A provider's event that is not handled.
//!
//! - key: (kind, lane, time it came, number of the provider, the provider's name for it)
//! - value: empty
//! - mutability: written with the event, removed when it is handled

use foundationdb_tuple::pack;
use tessera_inventory::Timestamp;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of an event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEventDueKey {
    /// In which lane.
    pub lane: u8,
    /// When it came.
    pub received_at: Timestamp,
    /// Whose.
    pub provider: u16,
    /// The provider's name for it.
    pub event: String,
}

impl ProviderEventDueKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (lane, at) = (u16::from(self.lane), self.received_at.0);
        pack(&(KeyKind::ProviderEventDue.number(), lane, at, self.provider, self.event.as_str()))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ProviderEventDueKey, StoreError> {
        let (kind, lane, at, provider, event): (u16, u16, u64, u16, String) =
            parts(key, KeyKind::ProviderEventDue)?;
        let lane = u8::try_from(lane).map_err(|_| foreign(key, KeyKind::ProviderEventDue))?;
        if kind == KeyKind::ProviderEventDue.number() {
            Ok(ProviderEventDueKey { lane, received_at: Timestamp(at), provider, event })
        } else {
            Err(foreign(key, KeyKind::ProviderEventDue))
        }
    }

    /// All of a lane, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(lane: u8) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::ProviderEventDue.number(), u16::from(lane)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_time() {
        let event = "evt_1".to_owned();
        let key = ProviderEventDueKey { lane: 3, received_at: Timestamp(255), provider: 2, event };
        assert_eq!(ProviderEventDueKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = ProviderEventDueKey::range(3);
        assert!(begin <= key.pack() && key.pack() < end);
        let later = ProviderEventDueKey { received_at: Timestamp(256), provider: 1, ..key.clone() };
        assert!(key.pack() < later.pack());
    }
}
