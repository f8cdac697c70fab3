//! The keys that sign tickets: rotation, revocation, and the history of public keys.
//!
//! A rotation kills nothing: what an older key signed stays good. A revocation kills all that a key signed, and whoever holds such a
//! ticket shows it again, signed by another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_store::{StoreError, Table, Transaction, keys::TicketKeysKey, transact};
use tessera_tickets::{SigningKey, TicketKey};

use crate::key_ring::{KEYS_MAX, KeyRing, RingKey, unreadable};

/// Most keys that a ring may have had when the one that signs is revoked, which makes another: a key that leaked can be revoked when
/// [`KEYS_MAX`] are used up.
pub const KEYS_WITH_REVOCATIONS_MAX: usize = 2 * KEYS_MAX;

/// The keys of tickets, over a table.
pub struct TicketKeys {
    table: Arc<dyn Table>,
    ring: Mutex<Arc<TicketRing>>,
}

/// The keys as they were when they were looked at.
#[derive(Clone, Debug)]
pub struct TicketRing {
    /// The one that signs.
    pub signing: SigningKey,
    /// Every public key, oldest first; the last is that of `signing`.
    pub keys: Vec<TicketKey>,
}

/// What became of a rotation or a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // There is one at a time.
pub enum KeyChange {
    /// It is done. Of a rotation the key that signs from now on, which is less than [`crate::ROTATION_MS_MIN`] old; of a revocation the
    /// one that was revoked.
    Done(TicketKey),
    /// There is no key of this name.
    NoSuchKey,
    /// The ring has had as many keys as it may.
    TooMany,
}

impl TicketKeys {
    /// The keys of an installation; `seed`, drawn at random by the caller, becomes the first one where there is none yet.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for a row that cannot be read.
    pub async fn open(
        table: Arc<dyn Table>,
        seed: &[u8; 32],
        now: Timestamp,
    ) -> Result<TicketKeys, StoreError> {
        let ring = transact(table.as_ref(), |mut transaction| async move {
            let ring = match transaction.get(&TicketKeysKey.pack()).await? {
                Some(row) => KeyRing::read(&row)?,
                None => {
                    let ring = KeyRing::first(seed, now);
                    write(transaction.as_mut(), &ring);
                    ring
                }
            };
            Ok((transaction, ring))
        })
        .await?;
        let ring = Mutex::new(Arc::new(opened(&ring)?));
        Ok(TicketKeys { table, ring })
    }

    /// The keys as this process knows them.
    #[must_use]
    pub fn ring(&self) -> Arc<TicketRing> {
        Arc::clone(&self.known())
    }

    /// Learn what another process has changed.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for a row that cannot be read.
    pub async fn look_again(&self) -> Result<(), StoreError> {
        let ring = read(self.table.begin().await?.as_mut()).await?;
        self.adopt(&ring)
    }

    /// Sign with the key of this seed, drawn at random by the caller, from now on, unless the one that signs is fresh.
    ///
    /// # Errors
    /// As the table says.
    pub async fn rotate(&self, seed: &[u8; 32], now: Timestamp) -> Result<KeyChange, StoreError> {
        let ring = transact(self.table.as_ref(), |mut transaction| async move {
            let mut ring = read(transaction.as_mut()).await?;
            if !ring.newest()?.is_fresh(now) {
                if ring.keys.len() >= KEYS_MAX {
                    return Ok((transaction, None));
                }
                rotate(&mut ring, seed, now)?;
                write(transaction.as_mut(), &ring);
            }
            Ok((transaction, Some(ring)))
        })
        .await?;
        let Some(ring) = ring else { return Ok(KeyChange::TooMany) };
        self.adopt(&ring)?;
        let newest = ring.newest().map(ticket_key)?.ok_or_else(unreadable)?;
        Ok(KeyChange::Done(newest))
    }

    /// Believe nothing any more that the key of this name (see [`TicketKey::name`]) has signed or will be said to have. Where it is the
    /// one that signs, that of the seed signs from now on. To revoke a key again changes nothing.
    ///
    /// # Errors
    /// As the table says.
    pub async fn revoke(&self, name: &str, seed: &[u8; 32], now: Timestamp) -> Result<KeyChange, StoreError> {
        let (ring, change) = transact(self.table.as_ref(), |mut transaction| async move {
            let mut ring = read(transaction.as_mut()).await?;
            let named = |key: &RingKey| ticket_key(key).is_some_and(|key| key.name() == name);
            let Some(at) = ring.keys.iter().position(named) else {
                return Ok((transaction, (ring, KeyChange::NoSuchKey)));
            };
            if ring.keys[at].revoked_ms.is_none() {
                if at + 1 == ring.keys.len() {
                    if ring.keys.len() >= KEYS_WITH_REVOCATIONS_MAX {
                        return Ok((transaction, (ring, KeyChange::TooMany)));
                    }
                    rotate(&mut ring, seed, now)?;
                }
                ring.keys[at].revoked_ms = Some(now.0);
                write(transaction.as_mut(), &ring);
            }
            let revoked = ticket_key(&ring.keys[at]).ok_or_else(unreadable)?;
            Ok((transaction, (ring, KeyChange::Done(revoked))))
        })
        .await?;
        self.adopt(&ring)?;
        Ok(change)
    }

    /// Go on with what the table has, unless what is known here is newer: keys and revocations only ever come.
    fn adopt(&self, ring: &KeyRing) -> Result<(), StoreError> {
        let found = opened(ring)?;
        let mut known = self.known();
        if found.changes() > known.changes() {
            *known = Arc::new(found);
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Arc<TicketRing>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TicketRing {
    /// How much has become of the ring.
    fn changes(&self) -> usize {
        self.keys.len() + self.keys.iter().filter(|key| key.revoked_at_ms.is_some()).count()
    }
}

impl std::fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKeys").field("ring", &self.ring()).finish_non_exhaustive()
    }
}

async fn read(transaction: &mut dyn Transaction) -> Result<KeyRing, StoreError> {
    KeyRing::read(&transaction.get(&TicketKeysKey.pack()).await?.ok_or_else(unreadable)?)
}

fn write(transaction: &mut dyn Transaction, ring: &KeyRing) {
    transaction.set(&TicketKeysKey.pack(), &ring.encode_to_vec());
}

fn rotate(ring: &mut KeyRing, seed: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
    let from_ms = now.0.max(ring.newest()?.valid_from_ms + 1);
    ring.rotate(seed, from_ms, now);
    Ok(())
}

fn opened(ring: &KeyRing) -> Result<TicketRing, StoreError> {
    let keys = ring.keys.iter().map(ticket_key).collect::<Option<_>>().ok_or_else(unreadable)?;
    Ok(TicketRing { signing: SigningKey::of_seed(&ring.seed()?), keys })
}

fn ticket_key(key: &RingKey) -> Option<TicketKey> {
    let public = key.public.as_slice().try_into().ok()?;
    let mut shown = TicketKey::new(public, key.valid_from_ms)?;
    shown.valid_until_ms = key.valid_until_ms;
    shown.revoked_at_ms = key.revoked_ms;
    Some(shown)
}
