//! The key that signs checkpoints, its rotation, and the history of public keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message as _;
use tessera_inventory::Timestamp;
use tessera_proof::{Checkpoint, Note, PublicKey, SigningKey};
use tessera_store::{StoreError, Table, keys::ReceiptKeysKey, transact};

use crate::key_ring::{KEYS_MAX, KeyRing, RingKey, unreadable};
use crate::mutant::{Mutant, Mutation};

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
    /// This key signs from now on; it is new, or less than [`crate::ROTATION_MS_MIN`] old.
    Done(PublicKey),
    /// The installation has had [`KEYS_MAX`] keys.
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
                    let row = KeyRing { promised_ms: now.0, ..KeyRing::first(seed, now) }.encode_to_vec();
                    transaction.set(&key, &row);
                    row
                }
            };
            Ok((transaction, row))
        })
        .await?;
        let row = KeyRing::read(&row)?;
        let (key, history) = opened(&row)?;
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
            let mut row = KeyRing::read(&transaction.get(&key).await?.ok_or_else(unreadable)?)?;
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

    /// Take the key of this seed, drawn at random by the caller, instead, unless the key is less than [`crate::ROTATION_MS_MIN`] old. The old one
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
            let mut row = KeyRing::read(&transaction.get(&key).await?.ok_or_else(unreadable)?)?;
            let newest = row.newest()?;
            if newest.valid_from_ms < from_ms && !newest.is_fresh(now) {
                if row.keys.len() >= KEYS_MAX {
                    return Ok((transaction, None));
                }
                row.rotate(seed, from_ms, now);
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
    fn adopt(&mut self, row: &KeyRing) -> Result<(), StoreError> {
        self.promised_ms = self.promised_ms.max(row.promised_ms);
        if row.keys.len() > self.history.len() {
            (self.key, self.history) = opened(row)?;
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

/// The key that signs, and all public keys.
fn opened(ring: &KeyRing) -> Result<(SigningKey, Vec<PublicKey>), StoreError> {
    let history = ring.keys.iter().map(public_key).collect::<Option<_>>();
    Ok((SigningKey::of_seed(&ring.seed()?), history.ok_or_else(unreadable)?))
}

fn public_key(key: &RingKey) -> Option<PublicKey> {
    let bytes = key.public.as_slice().try_into().ok()?;
    Some(PublicKey { bytes, valid_from_ms: key.valid_from_ms, valid_until_ms: key.valid_until_ms })
}
