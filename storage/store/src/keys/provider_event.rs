//! What a provider told by a webhook, as it came.
//!
//! - key: (kind, number of the provider, the provider's name for it, chunk)
//! - value: the money repository's row; what is too long for it, in further chunks
//! - mutability: the first chunk is rewritten as it stands otherwise, the others never; headers and body are dropped when it is handled, the key stays;
//!   what its provider did not tell is removed

use foundationdb_tuple::pack;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a chunk of a provider's event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEventKey {
    /// Whose.
    pub provider: u16,
    /// The provider's name for it.
    pub event: String,
    /// From 0.
    pub chunk: u32,
}

impl ProviderEventKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::ProviderEvent.number(), self.provider, self.event.as_str(), self.chunk))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ProviderEventKey, StoreError> {
        let (kind, provider, event, chunk): (u16, u16, String, u32) = parts(key, KeyKind::ProviderEvent)?;
        if kind == KeyKind::ProviderEvent.number() {
            Ok(ProviderEventKey { provider, event, chunk })
        } else {
            Err(foreign(key, KeyKind::ProviderEvent))
        }
    }

    /// All chunks of an event: `begin <= key < end`.
    #[must_use]
    pub fn range(provider: u16, event: &str) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::ProviderEvent.number(), provider, event))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_chunks_of_its_event() {
        let key = ProviderEventKey { provider: 2, event: "evt_1".to_owned(), chunk: 2 };
        assert_eq!(ProviderEventKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = ProviderEventKey::range(2, "evt_1");
        assert!(begin <= key.pack() && key.pack() < end);
        let longer = ProviderEventKey { event: "evt_10".to_owned(), ..key };
        assert!(!(begin <= longer.pack() && longer.pack() < end), "a longer name is another");
    }
}
