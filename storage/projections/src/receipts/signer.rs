//! The key that signs checkpoints, its rotation, and the history of public keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_proof::{Checkpoint, Note, PublicKey, SigningKey};
use tessera_store::{StoreError, Table, keys::ReceiptKeysKey, transact};

use crate::damage::damaged;

/// Most keys that an installation may have had: their history is one row.
pub const RECEIPT_KEYS_MAX: usize = 500;

/// Signs checkpoints with the newest key of the installation. Two processes must not sign for the same events: the second would not
/// hear of a rotation.
pub struct Signer {
    table: Arc<dyn Table>,
    installation: u128,
    state: Mutex<State>,
}

struct State {
    key: SigningKey,
    /// Oldest first; the last is the key's.
    history: Vec<PublicKey>,
    /// Time of the newest signature: the next is not earlier.
    signed_ms: u64,
    /// A rotation is on its way to the disk: the key signs nothing at this time or later.
    retires_ms: Option<u64>,
}

/// What became of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// This key signs from now on.
    Done(PublicKey),
    /// The installation has had [`RECEIPT_KEYS_MAX`] keys.
    TooMany,
}

impl Signer {
    /// The signer of an installation; `seed`, drawn at random by the caller, becomes its key where there is none yet.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for a row that cannot be read.
    pub async fn open(
        table: Arc<dyn Table>,
        installation: u128,
        seed: &[u8; 32],
        now: Timestamp,
    ) -> Result<Signer, StoreError> {
        let row = transact(table.as_ref(), |mut transaction| async move {
            let key = ReceiptKeysKey.pack();
            let row = match transaction.get(&key).await? {
                Some(row) => row,
                None => {
                    let row = KeysRow { keys: vec![KeyRow::new(seed, now.0)] }.encode_to_vec();
                    transaction.set(&key, &row);
                    row
                }
            };
            Ok((transaction, row))
        })
        .await?;
        let (key, history) = opened(&row)?;
        let state = State { key, history, signed_ms: 0, retires_ms: None };
        Ok(Signer { table, installation, state: Mutex::new(state) })
    }

    /// The installation that it signs for.
    #[must_use]
    pub const fn installation(&self) -> u128 {
        self.installation
    }

    /// Every public key, oldest first.
    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.state().history.clone()
    }

    /// Sign a checkpoint at its time, or a little earlier or later: no signature is earlier than the one before it, and none is outside of
    /// the validity of its key.
    #[must_use]
    pub fn sign(&self, checkpoint: Checkpoint) -> Note {
        let mut state = self.state();
        let valid_from = state.history.last().map_or(0, |key| key.valid_from_ms);
        let before = state.retires_ms.map_or(u64::MAX, |retires| retires - 1);
        let at_ms = checkpoint.at_ms.max(state.signed_ms).max(valid_from).min(before);
        state.signed_ms = at_ms;
        Checkpoint { at_ms, ..checkpoint }.sign(&state.key)
    }

    /// Take the key of this seed, drawn at random by the caller, instead. The old one is forgotten once the new one is durable; what it
    /// signed verifies by the history. After an error the old key goes on; try again.
    ///
    /// # Errors
    /// As the table says.
    pub async fn rotate(&self, seed: &[u8; 32], now: Timestamp) -> Result<Rotation, StoreError> {
        let from_ms = {
            let mut state = self.state();
            let next = now.0.max(state.signed_ms + 1).max(newest_from(&state.history) + 1);
            // A rotation that failed may have landed: what was promised then still holds.
            *state.retires_ms.get_or_insert(next)
        };
        let row = transact(self.table.as_ref(), |mut transaction| async move {
            let key = ReceiptKeysKey.pack();
            let row = transaction.get(&key).await?.ok_or_else(unreadable)?;
            let mut row = KeysRow::decode(row.as_slice()).map_err(|_| unreadable())?;
            let newest = row.keys.last().map(|newest| newest.valid_from_ms);
            if newest.is_some_and(|newest| newest < from_ms) {
                if row.keys.len() >= RECEIPT_KEYS_MAX {
                    return Ok((transaction, None));
                }
                for retired in &mut row.keys {
                    retired.valid_until_ms.get_or_insert(from_ms);
                    retired.seed.clear();
                }
                row.keys.push(KeyRow::new(seed, from_ms));
                transaction.set(&key, &row.encode_to_vec());
            }
            Ok((transaction, Some(row.encode_to_vec())))
        })
        .await?;
        let mut state = self.state();
        state.retires_ms = None;
        let Some(row) = row else { return Ok(Rotation::TooMany) };
        (state.key, state.history) = opened(&row)?;
        let newest = state.history.last().copied().ok_or_else(unreadable)?;
        Ok(Rotation::Done(newest))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn newest_from(history: &[PublicKey]) -> u64 {
    history.last().map_or(0, |key| key.valid_from_ms)
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("public_keys", &self.public_keys()).finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Message)]
struct KeysRow {
    #[prost(message, repeated, tag = "1")]
    keys: Vec<KeyRow>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyRow {
    #[prost(bytes = "vec", tag = "1")]
    public: Vec<u8>,
    /// Empty once it is retired.
    #[prost(bytes = "vec", tag = "2")]
    seed: Vec<u8>,
    #[prost(uint64, tag = "3")]
    valid_from_ms: u64,
    #[prost(uint64, optional, tag = "4")]
    valid_until_ms: Option<u64>,
}

impl KeyRow {
    fn new(seed: &[u8; 32], valid_from_ms: u64) -> KeyRow {
        let public = SigningKey::of_seed(seed).public().to_vec();
        KeyRow { public, seed: seed.to_vec(), valid_from_ms, valid_until_ms: None }
    }

    fn public_key(&self) -> Option<PublicKey> {
        let bytes = self.public.as_slice().try_into().ok()?;
        Some(PublicKey { bytes, valid_from_ms: self.valid_from_ms, valid_until_ms: self.valid_until_ms })
    }
}

fn opened(row: &[u8]) -> Result<(SigningKey, Vec<PublicKey>), StoreError> {
    let row = KeysRow::decode(row).map_err(|_| unreadable())?;
    let newest = row.keys.last().ok_or_else(unreadable)?;
    let seed = newest.seed.as_slice().try_into().map_err(|_| unreadable())?;
    let history = row.keys.iter().map(KeyRow::public_key).collect::<Option<_>>().ok_or_else(unreadable)?;
    Ok((SigningKey::of_seed(seed), history))
}

fn unreadable() -> StoreError {
    damaged("the row of the signing keys cannot be read".to_owned())
}
