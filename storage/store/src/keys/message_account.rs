//! How an account of a channel stands: since when it is used, what it has ended, whether it fails.
//!
//! - key: (kind, channel, account)
//! - value: the repository's row
//! - mutability: written at the first start that knows the account, rewritten with every round

use foundationdb_tuple::pack;

use super::message_place::byte;
use super::{KeyKind, MessageLane, foreign, parts};
use crate::StoreError;

/// Key of an account of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAccountKey {
    /// Which.
    pub lane: MessageLane,
}

impl MessageAccountKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::MessageAccount.number(), u16::from(self.lane.channel), self.lane.account.as_str()))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<MessageAccountKey, StoreError> {
        let (kind, channel, account): (u16, u16, String) = parts(key, KeyKind::MessageAccount)?;
        if kind != KeyKind::MessageAccount.number() {
            return Err(foreign(key, KeyKind::MessageAccount));
        }
        let channel = byte(channel, key, KeyKind::MessageAccount)?;
        Ok(MessageAccountKey { lane: MessageLane { channel, account } })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::message_place::examples::lane;
    use super::*;

    #[test]
    fn round_trip() {
        let key = MessageAccountKey { lane: lane() };
        assert_eq!(MessageAccountKey::unpack(&key.pack()).unwrap(), key);
    }
}
