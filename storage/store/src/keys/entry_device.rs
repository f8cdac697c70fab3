//! A device that scans at gates.
//!
//! - key: (kind, organizer, number of the device); number 0 is the count of devices
//! - value: the device repository's row
//! - mutability: replaced at each contact, never removed

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryDeviceKey {
    /// Whose.
    pub organizer: u128,
    /// Its number among those of the organizer, from 1; 0: how many there are.
    pub number: u32,
}

impl EntryDeviceKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::EntryDevice.number(), Uuid::from_u128(self.organizer), self.number))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<EntryDeviceKey, StoreError> {
        let (kind, organizer, number): (u16, Uuid, u32) = parts(key, KeyKind::EntryDevice)?;
        if kind != KeyKind::EntryDevice.number() {
            return Err(foreign(key, KeyKind::EntryDevice));
        }
        Ok(EntryDeviceKey { organizer: organizer.as_u128(), number })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = EntryDeviceKey { organizer: 42, number: 70_000 };
        assert_eq!(EntryDeviceKey::unpack(&key.pack()).unwrap(), key);
    }
}
