//! A message that has ended.
//!
//! - key: (kind, channel, account, 1 for a dead letter and else 0, then the message's place, with the time at which it ended)
//! - value: the repository's row
//! - mutability: written once; the oldest of a lane leave

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::message_place::byte;
use super::{KeyKind, MessageLane, MessagePlace, foreign, parts, range_of};
use crate::StoreError;

/// Key of a message that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFinishedKey {
    /// Through which lane it went.
    pub lane: MessageLane,
    /// Whether it is a dead letter: tried in vain.
    pub is_dead: bool,
    /// Which message; its time is when it ended.
    pub place: MessagePlace,
}

impl MessageFinishedKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (at, event, sequence, recipient, about) = self.place.parts();
        let lane = (u16::from(self.lane.channel), self.lane.account.as_str(), u16::from(self.is_dead));
        pack(&(
            KeyKind::MessageFinished.number(),
            lane.0,
            lane.1,
            lane.2,
            at,
            event,
            sequence,
            recipient,
            about,
        ))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<MessageFinishedKey, StoreError> {
        type Whole = (u16, u16, String, u16, u64, Uuid, u64, u64, u16);
        let (kind, channel, account, dead, at, event, sequence, recipient, about): Whole =
            parts(key, KeyKind::MessageFinished)?;
        if kind != KeyKind::MessageFinished.number() || dead > 1 {
            return Err(foreign(key, KeyKind::MessageFinished));
        }
        let parts = (at, event, sequence, recipient, about);
        let place = MessagePlace::of(parts, (key, KeyKind::MessageFinished))?;
        let lane = MessageLane { channel: byte(channel, key, KeyKind::MessageFinished)?, account };
        Ok(MessageFinishedKey { lane, is_dead: dead == 1, place })
    }

    /// All dead letters of a lane, or all others, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(lane: &MessageLane, is_dead: bool) -> (Vec<u8>, Vec<u8>) {
        let kind = KeyKind::MessageFinished.number();
        range_of(&(kind, u16::from(lane.channel), lane.account.as_str(), u16::from(is_dead)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::message_place::examples::{lane, place};
    use super::*;

    #[test]
    fn round_trip_apart_from_dead_letters() {
        let key = MessageFinishedKey { lane: lane(), is_dead: true, place: place() };
        assert_eq!(MessageFinishedKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = MessageFinishedKey::range(&lane(), true);
        assert!(begin <= key.pack() && key.pack() < end);
        assert!(MessageFinishedKey { is_dead: false, ..key }.pack() < begin);
    }
}
