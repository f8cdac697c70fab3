//! The place of a message among those of its lane, and the lane: the last parts of the keys of messages; and those keys that have nothing
//! else.

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Sequence, Timestamp};
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Through which channel a message goes, and through which account of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageLane {
    /// The number of the channel; stored, never reused.
    pub channel: u8,
    /// The account: a relay, a sender, a bot.
    pub account: String,
}

/// The place of a message: by time, then by what it is about and whom it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessagePlace {
    /// When it began to wait.
    pub at: Timestamp,
    /// The event that it is about.
    pub event: EventId,
    /// The sequence that it is about; of a broadcast, the number of its run.
    pub sequence: Sequence,
    /// Whom it goes to: eight bytes of a hash.
    pub recipient: u64,
    /// The number of its kind; stored, never reused.
    pub kind: u8,
}

pub(super) type Parts = (u64, Uuid, u64, u64, u16);

impl MessagePlace {
    pub(super) fn parts(self) -> Parts {
        (self.at.0, Uuid::from_u128(self.event.0), self.sequence.0, self.recipient, self.kind.into())
    }

    /// The place in a key of this kind.
    pub(super) fn of(
        (at, event, sequence, recipient, about): Parts,
        (key, kind): (&[u8], KeyKind),
    ) -> Result<MessagePlace, StoreError> {
        let (at, event, sequence) = (Timestamp(at), EventId(event.as_u128()), Sequence(sequence));
        Ok(MessagePlace { at, event, sequence, recipient, kind: byte(about, key, kind)? })
    }
}

/// A number of one byte in a key of this kind: tuples know none so small.
pub(super) fn byte(number: u16, key: &[u8], kind: KeyKind) -> Result<u8, StoreError> {
    u8::try_from(number).map_err(|_| foreign(key, kind))
}

/// The bytes of a key that is a kind, a lane, and a place.
pub(super) fn pack_message(kind: KeyKind, lane: &MessageLane, place: MessagePlace) -> Vec<u8> {
    let (at, event, sequence, recipient, about) = place.parts();
    pack(&(
        kind.number(),
        u16::from(lane.channel),
        lane.account.as_str(),
        at,
        event,
        sequence,
        recipient,
        about,
    ))
}

/// The lane and the place of such a key; [`StoreError::Damaged`] when it is of another kind.
pub(super) fn unpack_message(kind: KeyKind, key: &[u8]) -> Result<(MessageLane, MessagePlace), StoreError> {
    type Whole = (u16, u16, String, u64, Uuid, u64, u64, u16);
    let (found, channel, account, at, event, sequence, recipient, about): Whole = parts(key, kind)?;
    if found != kind.number() {
        return Err(foreign(key, kind));
    }
    let place = MessagePlace::of((at, event, sequence, recipient, about), (key, kind))?;
    Ok((MessageLane { channel: byte(channel, key, kind)?, account }, place))
}

/// All keys of a kind and a lane: `begin <= key < end`.
pub(super) fn range_of_lane(kind: KeyKind, lane: &MessageLane) -> (Vec<u8>, Vec<u8>) {
    range_of(&(kind.number(), u16::from(lane.channel), lane.account.as_str()))
}

#[cfg(test)]
pub(super) mod examples {
    use super::*;

    pub(in super::super) fn lane() -> MessageLane {
        MessageLane { channel: 1, account: "smtp".to_owned() }
    }

    pub(in super::super) fn place() -> MessagePlace {
        MessagePlace { at: Timestamp(7), event: EventId(5), sequence: Sequence(300), recipient: 9, kind: 1 }
    }
}
