//! A ring of signing keys: one row in which the newest key signs, and the public halves of those before it are kept. Receipts have one,
//! and tickets another.

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_proof::SigningKey;
use tessera_store::StoreError;

use crate::damage::damaged;

/// Most keys that a ring may have had when another is asked for: their history is one row.
pub const KEYS_MAX: usize = 500;
/// Shortest time between two rotations, in milliseconds: who asks again meanwhile is given the newest key, so that a client which
/// repeats itself does not use [`KEYS_MAX`] up.
pub const ROTATION_MS_MIN: u64 = 60_000;

/// The row.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyRing {
    /// Oldest first; the last one signs.
    #[prost(message, repeated, tag = "1")]
    pub(crate) keys: Vec<RingKey>,
    /// Of receipts: there may be signatures up to this time, and there are none later.
    #[prost(uint64, tag = "2")]
    pub(crate) promised_ms: u64,
}

/// A key of the ring.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RingKey {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) public: Vec<u8>,
    /// Empty once it is retired.
    #[prost(bytes = "vec", tag = "2")]
    seed: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(crate) valid_from_ms: u64,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) valid_until_ms: Option<u64>,
    /// What the clock said when a rotation made it; the first key of a ring was made by none.
    #[prost(uint64, optional, tag = "5")]
    rotated_ms: Option<u64>,
    /// Of tickets: when it was revoked.
    #[prost(uint64, optional, tag = "6")]
    pub(crate) revoked_ms: Option<u64>,
}

impl KeyRing {
    /// A ring of one key.
    pub(crate) fn first(seed: &[u8; 32], now: Timestamp) -> KeyRing {
        KeyRing { keys: vec![RingKey::new(seed, now.0, None)], promised_ms: 0 }
    }

    /// The ring of a row.
    pub(crate) fn read(row: &[u8]) -> Result<KeyRing, StoreError> {
        KeyRing::decode(row).map_err(|_| unreadable())
    }

    /// The key that signs.
    pub(crate) fn newest(&self) -> Result<&RingKey, StoreError> {
        self.keys.last().ok_or_else(unreadable)
    }

    /// The secret half of the key that signs.
    pub(crate) fn seed(&self) -> Result<[u8; 32], StoreError> {
        self.newest()?.seed.as_slice().try_into().map_err(|_| unreadable())
    }

    /// Another key signs from a time on; of those before it only the public halves are left.
    pub(crate) fn rotate(&mut self, seed: &[u8; 32], from_ms: u64, now: Timestamp) {
        for retired in &mut self.keys {
            retired.valid_until_ms.get_or_insert(from_ms);
            retired.seed.clear();
        }
        self.keys.push(RingKey::new(seed, from_ms, Some(now.0)));
    }
}

impl RingKey {
    fn new(seed: &[u8; 32], valid_from_ms: u64, rotated_ms: Option<u64>) -> RingKey {
        let public = SigningKey::of_seed(seed).public().to_vec();
        let (valid_until_ms, revoked_ms) = (None, None);
        RingKey { public, seed: seed.to_vec(), valid_from_ms, valid_until_ms, rotated_ms, revoked_ms }
    }

    /// Whether a rotation made it less than [`ROTATION_MS_MIN`] ago, as far as the clock can be believed.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        let age_ms = self.rotated_ms.and_then(|rotated_ms| now.0.checked_sub(rotated_ms));
        age_ms.is_some_and(|age_ms| age_ms < ROTATION_MS_MIN)
    }
}

pub(crate) fn unreadable() -> StoreError {
    damaged("the row of the signing keys cannot be read".to_owned())
}
