//! A message that waits to be sent.
//!
//! - key: (kind, channel, account, then the message's place: time, event, sequence, recipient, kind of message)
//! - value: the repository's row
//! - mutability: written with the cursor of the follower or of a broadcast, rewritten after every attempt, removed when it ends

use super::message_place::{pack_message, range_of_lane, unpack_message};
use super::{KeyKind, MessageLane, MessagePlace};
use crate::StoreError;

/// Key of a message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePendingKey {
    /// Through which lane it goes.
    pub lane: MessageLane,
    /// Which message.
    pub place: MessagePlace,
}

impl MessagePendingKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack_message(KeyKind::MessagePending, &self.lane, self.place)
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<MessagePendingKey, StoreError> {
        let (lane, place) = unpack_message(KeyKind::MessagePending, key)?;
        Ok(MessagePendingKey { lane, place })
    }

    /// All of a lane, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(lane: &MessageLane) -> (Vec<u8>, Vec<u8>) {
        range_of_lane(KeyKind::MessagePending, lane)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::message_place::examples::{lane, place};
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_time() {
        let key = MessagePendingKey { lane: lane(), place: place() };
        assert_eq!(MessagePendingKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = MessagePendingKey::range(&lane());
        assert!(begin <= key.pack() && key.pack() < end);
        let other = MessageLane { account: "smtp2".to_owned(), ..lane() };
        assert!(MessagePendingKey { lane: other, place: place() }.pack() >= end);
    }
}
