//! When a message is tried next.
//!
//! - key: (kind, channel, account, class, time, then the message's place)
//! - value: empty
//! - mutability: written with the message, moved after every attempt, removed when it ends

use foundationdb_tuple::pack;
use tessera_inventory::Timestamp;
use uuid::Uuid;

use super::message_place::byte;
use super::{KeyKind, MessageLane, MessagePlace, foreign, parts, range_of};
use crate::StoreError;

/// Key of a time at which a message is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageDueKey {
    /// Through which lane it goes.
    pub lane: MessageLane,
    /// The number of its class: the smaller goes first.
    pub class: u8,
    /// When.
    pub due_at: Timestamp,
    /// Which message.
    pub place: MessagePlace,
}

impl MessageDueKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (at, event, sequence, recipient, about) = self.place.parts();
        let lane = (u16::from(self.lane.channel), self.lane.account.as_str());
        pack(&(
            KeyKind::MessageDue.number(),
            lane.0,
            lane.1,
            u16::from(self.class),
            self.due_at.0,
            at,
            event,
            sequence,
            recipient,
            about,
        ))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<MessageDueKey, StoreError> {
        type Whole = (u16, u16, String, u16, u64, u64, Uuid, u64, u64, u16);
        let (kind, channel, account, class, due_at, at, event, sequence, recipient, about): Whole =
            parts(key, KeyKind::MessageDue)?;
        if kind != KeyKind::MessageDue.number() {
            return Err(foreign(key, KeyKind::MessageDue));
        }
        let of = |number| byte(number, key, KeyKind::MessageDue);
        let parts = (at, event, sequence, recipient, about);
        let place = MessagePlace::of(parts, (key, KeyKind::MessageDue))?;
        let (lane, class) = (MessageLane { channel: of(channel)?, account }, of(class)?);
        Ok(MessageDueKey { lane, class, due_at: Timestamp(due_at), place })
    }

    /// All of a class of a lane: `begin <= key < end`.
    #[must_use]
    pub fn range(lane: &MessageLane, class: u8) -> (Vec<u8>, Vec<u8>) {
        let (channel, class) = (u16::from(lane.channel), u16::from(class));
        range_of(&(KeyKind::MessageDue.number(), channel, lane.account.as_str(), class))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::message_place::examples::{lane, place};
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_time() {
        let key = MessageDueKey { lane: lane(), class: 1, due_at: Timestamp(8), place: place() };
        assert_eq!(MessageDueKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = MessageDueKey::range(&lane(), 1);
        assert!(begin <= key.pack() && key.pack() < end);
        assert!(MessageDueKey { due_at: Timestamp(256), ..key.clone() }.pack() > key.pack());
        assert!(MessageDueKey { class: 2, due_at: Timestamp(0), ..key }.pack() >= end);
    }
}
