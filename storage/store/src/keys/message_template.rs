//! A version of a template.
//!
//! - key: (kind, organizer, kind of message, channel, locale, version)
//! - value: the repository's row
//! - mutability: a version is written once; the oldest leave

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::message_place::byte;
use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a version of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTemplateKey {
    /// Whose; 0: of the installation.
    pub organizer: u128,
    /// The number of the kind of message.
    pub kind: u8,
    /// The number of the channel.
    pub channel: u8,
    /// A language tag in lower case.
    pub locale: String,
    /// From 1.
    pub version: u32,
}

impl MessageTemplateKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let organizer = Uuid::from_u128(self.organizer);
        let kind = KeyKind::MessageTemplate.number();
        let (of, channel) = (u16::from(self.kind), u16::from(self.channel));
        pack(&(kind, organizer, of, channel, self.locale.as_str(), self.version))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<MessageTemplateKey, StoreError> {
        type Whole = (u16, Uuid, u16, u16, String, u32);
        let (found, organizer, kind, channel, locale, version): Whole = parts(key, KeyKind::MessageTemplate)?;
        if found != KeyKind::MessageTemplate.number() {
            return Err(foreign(key, KeyKind::MessageTemplate));
        }
        let of = |number| byte(number, key, KeyKind::MessageTemplate);
        let (organizer, kind, channel) = (organizer.as_u128(), of(kind)?, of(channel)?);
        Ok(MessageTemplateKey { organizer, kind, channel, locale, version })
    }

    /// All of an organizer: `begin <= key < end`.
    #[must_use]
    pub fn range(organizer: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::MessageTemplate.number(), Uuid::from_u128(organizer)))
    }

    /// All of an organizer of a kind of message for a channel, in every locale: `begin <= key < end`.
    #[must_use]
    pub fn range_of_kind(organizer: u128, kind: u8, channel: u8) -> (Vec<u8>, Vec<u8>) {
        let (kind, channel) = (u16::from(kind), u16::from(channel));
        range_of(&(KeyKind::MessageTemplate.number(), Uuid::from_u128(organizer), kind, channel))
    }

    /// All versions, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range_of_locale(organizer: u128, kind: u8, channel: u8, locale: &str) -> (Vec<u8>, Vec<u8>) {
        let number = KeyKind::MessageTemplate.number();
        range_of(&(number, Uuid::from_u128(organizer), u16::from(kind), u16::from(channel), locale))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_versions() {
        let locale = "de-ch".to_owned();
        let key = MessageTemplateKey { organizer: 7, kind: 1, channel: 1, locale, version: 256 };
        assert_eq!(MessageTemplateKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = MessageTemplateKey::range_of_locale(7, 1, 1, "de-ch");
        assert!(begin <= key.pack() && key.pack() < end);
        assert!(MessageTemplateKey { version: 255, ..key.clone() }.pack() < key.pack());
        let (begin, end) = MessageTemplateKey::range_of_locale(7, 1, 1, "de");
        assert!(key.pack() < begin || key.pack() >= end);
        let (begin, end) = MessageTemplateKey::range_of_kind(7, 1, 1);
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
