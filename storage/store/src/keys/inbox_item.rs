//! A message in the inbox of a buyer.
//!
//! - key: (kind, subject, then the message's place: time, event, sequence, recipient, kind of message)
//! - value: the repository's row
//! - mutability: written with the cursor of the follower or of a broadcast, rewritten when it is read; the oldest of a subject leave

use foundationdb_tuple::pack;
use tessera_inventory::Subject;
use uuid::Uuid;

use super::{KeyKind, MessagePlace, foreign, parts, range_of};
use crate::StoreError;

/// Key of a message in an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxItemKey {
    /// Whose.
    pub subject: Subject,
    /// Which message.
    pub place: MessagePlace,
}

impl InboxItemKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (at, event, sequence, recipient, about) = self.place.parts();
        let subject = Uuid::from_u128(self.subject.0);
        pack(&(KeyKind::InboxItem.number(), subject, at, event, sequence, recipient, about))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<InboxItemKey, StoreError> {
        type Whole = (u16, Uuid, u64, Uuid, u64, u64, u16);
        let (kind, subject, at, event, sequence, recipient, about): Whole = parts(key, KeyKind::InboxItem)?;
        if kind != KeyKind::InboxItem.number() {
            return Err(foreign(key, KeyKind::InboxItem));
        }
        let parts = (at, event, sequence, recipient, about);
        let place = MessagePlace::of(parts, (key, KeyKind::InboxItem))?;
        Ok(InboxItemKey { subject: Subject(subject.as_u128()), place })
    }

    /// All of a subject, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(subject: Subject) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::InboxItem.number(), Uuid::from_u128(subject.0)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::message_place::examples::place;
    use super::*;

    #[test]
    fn round_trip() {
        let key = InboxItemKey { subject: Subject(1 << 100), place: place() };
        assert_eq!(InboxItemKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = InboxItemKey::range(key.subject);
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
