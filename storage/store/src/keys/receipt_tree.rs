//! How far the receipts of an event go: the right edge of its tree, and which pages are kept.
//!
//! - key: (hash of event, kind, event)
//! - value: the receipt repository's row
//! - mutability: moved forward with every page; cleared never

use foundationdb_tuple::pack;
use tessera_inventory::EventId;

use super::{EventPrefix, KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of the one tree of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptTreeKey {
    /// Whose tree.
    pub event: EventId,
}

impl ReceiptTreeKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&event_prefix(self.event, KeyKind::ReceiptTree))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ReceiptTreeKey, StoreError> {
        let prefix: EventPrefix = parts(key, KeyKind::ReceiptTree)?;
        Ok(ReceiptTreeKey { event: event_of(key, prefix, KeyKind::ReceiptTree)? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = ReceiptTreeKey { event: EventId(42) };
        assert_eq!(ReceiptTreeKey::unpack(&key.pack()).unwrap(), key);
    }
}
