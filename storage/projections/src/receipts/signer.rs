//! The key that signs checkpoints, its rotation, and the history of public keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_proof::{Checkpoint, Note, PublicKey, SigningKey};
use tessera_store::{StoreError, Table, keys::ReceiptKeysKey, transact};

use crate::damage::damaged;
use crate::mutant::{Mutant, Mutation};

/// Most keys that an installation may have had: their history is one row.
pub const RECEIPT_KEYS_MAX: usize = 500;
/// Shortest time between two rotations, in milliseconds: who asks again meanwhile is given the newest key, so that a client which
/// repeats itself does not use [`RECEIPT_KEYS_MAX`] up.
pub const ROTATION_MS_MIN: u64 = 60_000;
/// The table is told so many milliseconds ahead that there will be signatures.
const SIGNED_AHEAD_MS: u64 = 10_000;

/// Signs checkpoints with the newest key of the installation. Two processes must not sign for the same events: the second would not
/// hear of a rotation.
pub struct Signer {
    table: Arc<dyn Table>,
    installation: u128,
    state: Mutex<State>,
    mutation: Mutation,
}

struct State {
    key: SigningKey,
    /// Oldest first; the last is the key's.
    history: Vec<PublicKey>,
    /// Time of the newest signature, of processes before this one, too: the next is not earlier.
    signed_ms: u64,
    /// The table knows that there may be signatures up to this time: there are none later.
    promised_ms: u64,
    /// A rotation is on its way to the disk, or has failed and may have landed: the key signs nothing at this time or later.
    retires_ms: Option<u64>,
    /// Rotations that were begun,
    begun: u64,
    /// and those that are under way.
    under_way: u64,
}

/// A rotation that is under way, until it ends or is given up.
struct UnderWay<'a>(&'a Signer);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

/// What became of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// This key signs from now on; it is new, or less than [`ROTATION_MS_MIN`] old.
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
                    let keys = vec![KeyRow::new(seed, now.0, None)];
                    let row = KeysRow { keys, promised_ms: now.0 }.encode_to_vec();
                    transaction.set(&key, &row);
                    row
                }
            };
            Ok((transaction, row))
        })
        .await?;
        let row = KeysRow::read(&row)?;
        let (key, history) = row.opened()?;
        // The clock may have been ahead when the process before signed.
        let (signed_ms, promised_ms) = (row.promised_ms, row.promised_ms);
        let state = State { key, history, signed_ms, promised_ms, retires_ms: None, begun: 0, under_way: 0 };
        Ok(Signer { table, installation, state: Mutex::new(state), mutation: Mutation::default() })
    }

    /// The same with a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(self, mutant: Mutant) -> Signer {
        Signer { mutation: Mutation::of(mutant), ..self }
    }

    /// Whether it has this one.
    pub(super) fn has(&self, mutant: Mutant) -> bool {
        self.mutation.is(mutant)
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

    /// Before something is signed at this time: the table learns, a while ahead, that there may be signatures, so that a later process
    /// retires no key before its last one. After a rotation that failed it also says whether that had landed.
    ///
    /// # Errors
    /// As the table says.
    pub async fn promise(&self, now: Timestamp) -> Result<(), StoreError> {
        let unsettled = {
            let state = self.state();
            let unsettled = (state.retires_ms.is_some() && state.under_way == 0).then_some(state.begun);
            if now.0 <= state.promised_ms && unsettled.is_none() {
                return Ok(());
            }
            unsettled
        };
        let row = transact(self.table.as_ref(), |mut transaction| async move {
            let key = ReceiptKeysKey.pack();
            let mut row = KeysRow::read(&transaction.get(&key).await?.ok_or_else(unreadable)?)?;
            row.promised_ms = row.promised_ms.max(now.0.saturating_add(SIGNED_AHEAD_MS));
            transaction.set(&key, &row.encode_to_vec());
            Ok((transaction, row))
        })
        .await?;
        let mut state = self.state();
        if unsettled == Some(state.begun) {
            // What was under way before this row was written conflicts with it: it has landed by now, or never will.
            state.retires_ms = None;
        }
        state.adopt(&row)
    }

    /// Sign a checkpoint at its time, or a little earlier or later: no signature is earlier than the one before it, none is outside of
    /// the validity of its key, and none is later than what was promised.
    #[must_use]
    pub fn sign(&self, checkpoint: Checkpoint) -> Note {
        let mut state = self.state();
        let valid_from = state.history.last().map_or(0, |key| key.valid_from_ms);
        let before = state.retires_ms.map_or(u64::MAX, |retires| retires - 1);
        let latest = before.min(state.promised_ms);
        let timely_ms = checkpoint.at_ms.max(state.signed_ms).max(valid_from).min(latest);
        let at_ms = if self.has(Mutant::SignedUntimely) { checkpoint.at_ms } else { timely_ms };
        state.signed_ms = at_ms;
        Checkpoint { at_ms, ..checkpoint }.sign(&state.key)
    }

    /// Take the key of this seed, drawn at random by the caller, instead, unless the key is less than [`ROTATION_MS_MIN`] old. The old one
    /// is forgotten once the new one is durable; what it signed verifies by the history. After an error the old key goes on; try again.
    ///
    /// # Errors
    /// As the table says.
    pub async fn rotate(&self, seed: &[u8; 32], now: Timestamp) -> Result<Rotation, StoreError> {
        let (from_ms, _under_way) = {
            let mut state = self.state();
            (state.begun, state.under_way) = (state.begun + 1, state.under_way + 1);
            let next = now.0.max(state.signed_ms + 1).max(newest_from(&state.history) + 1);
            // A rotation that failed may have landed: what was promised then still holds.
            (*state.retires_ms.get_or_insert(next), UnderWay(self))
        };
        let row = transact(self.table.as_ref(), |mut transaction| async move {
            let key = ReceiptKeysKey.pack();
            let mut row = KeysRow::read(&transaction.get(&key).await?.ok_or_else(unreadable)?)?;
            let newest = row.keys.last().ok_or_else(unreadable)?;
            if newest.valid_from_ms < from_ms && !newest.is_fresh(now) {
                if row.keys.len() >= RECEIPT_KEYS_MAX {
                    return Ok((transaction, None));
                }
                for retired in &mut row.keys {
                    retired.valid_until_ms.get_or_insert(from_ms);
                    retired.seed.clear();
                }
                row.keys.push(KeyRow::new(seed, from_ms, Some(now.0)));
                row.promised_ms = row.promised_ms.max(from_ms);
                transaction.set(&key, &row.encode_to_vec());
            }
            Ok((transaction, Some(row)))
        })
        .await?;
        let mut state = self.state();
        // A later rotation, which overtook this one, has a promise of its own; one that is under way still relies on this one's.
        let is_alone = state.under_way == 1;
        state.retires_ms = state.retires_ms.filter(|retires| *retires != from_ms || !is_alone);
        let Some(row) = row else { return Ok(Rotation::TooMany) };
        state.adopt(&row)?;
        let newest = state.history.last().copied().ok_or_else(unreadable)?;
        Ok(Rotation::Done(newest))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Go on with what the table has, unless what is known here is newer.
    fn adopt(&mut self, row: &KeysRow) -> Result<(), StoreError> {
        self.promised_ms = self.promised_ms.max(row.promised_ms);
        if row.keys.len() > self.history.len() {
            (self.key, self.history) = row.opened()?;
        }
        Ok(())
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
    /// See [`State::promised_ms`].
    #[prost(uint64, tag = "2")]
    promised_ms: u64,
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
    /// What the clock said when a rotation made it; the first key of an installation was made by none.
    #[prost(uint64, optional, tag = "5")]
    rotated_ms: Option<u64>,
}

impl KeysRow {
    fn read(row: &[u8]) -> Result<KeysRow, StoreError> {
        KeysRow::decode(row).map_err(|_| unreadable())
    }

    /// The key that signs, and all public keys.
    fn opened(&self) -> Result<(SigningKey, Vec<PublicKey>), StoreError> {
        let newest = self.keys.last().ok_or_else(unreadable)?;
        let seed = newest.seed.as_slice().try_into().map_err(|_| unreadable())?;
        let history = self.keys.iter().map(KeyRow::public_key).collect::<Option<_>>();
        Ok((SigningKey::of_seed(seed), history.ok_or_else(unreadable)?))
    }
}

impl KeyRow {
    fn new(seed: &[u8; 32], valid_from_ms: u64, rotated_ms: Option<u64>) -> KeyRow {
        let public = SigningKey::of_seed(seed).public().to_vec();
        KeyRow { public, seed: seed.to_vec(), valid_from_ms, valid_until_ms: None, rotated_ms }
    }

    /// Whether a rotation made it less than [`ROTATION_MS_MIN`] ago, as far as the clock can be believed.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age_ms = self.rotated_ms.and_then(|rotated_ms| now.0.checked_sub(rotated_ms));
        age_ms.is_some_and(|age_ms| age_ms < ROTATION_MS_MIN)
    }

    fn public_key(&self) -> Option<PublicKey> {
        let bytes = self.public.as_slice().try_into().ok()?;
        Some(PublicKey { bytes, valid_from_ms: self.valid_from_ms, valid_until_ms: self.valid_until_ms })
    }
}

fn unreadable() -> StoreError {
    damaged("the row of the signing keys cannot be read".to_owned())
}
