//! One chunk of a page of receipts: a signed checkpoint, and what its leaves need beside the log.
//!
//! - key: (hash of event, kind, event, page number from 1, chunk number from 0)
//! - value: up to [`crate::CHUNK_BYTES`] of the page
//! - mutability: written once, together with the tree; cleared when it is the oldest and too much is kept

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of one chunk of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptPageKey {
    /// Whose receipts.
    pub event: EventId,
    /// Number of the page, from 1.
    pub page: u64,
    /// Number of the chunk, from 0.
    pub chunk: u32,
}

impl ReceiptPageKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::ReceiptPage);
        pack(&(hash, kind, event, self.page, self.chunk))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ReceiptPageKey, StoreError> {
        let (hash, kind, event, page, chunk): (u64, u16, Uuid, u64, u32) = parts(key, KeyKind::ReceiptPage)?;
        let event = event_of(key, (hash, kind, event), KeyKind::ReceiptPage)?;
        Ok(ReceiptPageKey { event, page, chunk })
    }

    /// Every chunk of one page: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId, page: u64) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::ReceiptPage);
        range_of(&(hash, kind, event, page))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = ReceiptPageKey { event: EventId(42), page: 1 << 40, chunk: 7 };
        assert_eq!(ReceiptPageKey::unpack(&key.pack()).unwrap(), key);
    }

    #[test]
    fn the_range_of_one_page_excludes_the_others() {
        let event = EventId(42);
        let (begin, end) = ReceiptPageKey::range(event, 255);
        let key = |page, chunk| ReceiptPageKey { event, page, chunk }.pack();
        assert!(key(255, 0) >= begin && key(255, u32::MAX) < end);
        assert!(key(254, 9) < begin && key(256, 0) >= end);
    }
}
