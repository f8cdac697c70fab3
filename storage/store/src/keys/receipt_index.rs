//! In which page of receipts a decision is.
//!
//! - key: (hash of event, kind, event, epoch, number): of the last refusal in the page; of an acceptance the epoch is 0 and the number
//!   the last sequence in the page
//! - value: number of the page, 8 bytes big-endian
//! - mutability: written once, together with its page; cleared with it, but for the newest refusal of each epoch, which is cleared with a later one

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{Fields, KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of the last decision of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptIndexKey {
    /// Whose receipts.
    pub event: EventId,
    /// Epoch of the writer that refused; 0: accepted.
    pub epoch: u64,
    /// Number of the refusal, or sequence of what was accepted.
    pub number: u64,
}

impl ReceiptIndexKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::ReceiptIndex);
        pack(&(hash, kind, event, self.epoch, self.number))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ReceiptIndexKey, StoreError> {
        let (hash, kind, event, epoch, number): (u64, u16, Uuid, u64, u64) =
            parts(key, KeyKind::ReceiptIndex)?;
        let event = event_of(key, (hash, kind, event), KeyKind::ReceiptIndex)?;
        Ok(ReceiptIndexKey { event, epoch, number })
    }

    /// This key and those after it of the same epoch: `begin <= key < end`. The first of them is of the page to look in.
    #[must_use]
    pub fn from_here(&self) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::ReceiptIndex);
        (self.pack(), range_of(&(hash, kind, event, self.epoch)).1)
    }

    /// The stored bytes.
    #[must_use]
    pub fn encode(page: u64) -> [u8; 8] {
        page.to_be_bytes()
    }

    /// The number of the page with these bytes.
    pub fn decode(value: &[u8]) -> Result<u64, StoreError> {
        let mut fields = Fields::of(KeyKind::ReceiptIndex, value);
        let page = u64::from_be_bytes(fields.take()?);
        fields.end()?;
        Ok(page)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = ReceiptIndexKey { event: EventId(42), epoch: 3, number: 1 << 40 };
        assert_eq!(ReceiptIndexKey::unpack(&key.pack()).unwrap(), key);
        assert_eq!(ReceiptIndexKey::decode(&ReceiptIndexKey::encode(77)).unwrap(), 77);
        assert!(ReceiptIndexKey::decode(b"short").is_err());
    }

    #[test]
    fn what_follows_is_of_the_same_epoch() {
        let key = |epoch, number| ReceiptIndexKey { event: EventId(42), epoch, number };
        let (begin, end) = key(3, 10).from_here();
        let is_in = |epoch, number| {
            let key = key(epoch, number).pack();
            begin <= key && key < end
        };
        assert!(is_in(3, 10) && is_in(3, 300) && is_in(3, u64::MAX));
        assert!(!is_in(3, 9) && !is_in(2, 300) && !is_in(4, 1));
    }
}
