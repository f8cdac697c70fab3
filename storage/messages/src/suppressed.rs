//! Addresses to which nothing is sent any more, since a peer has said that they do not exist.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_store::keys::SuppressedKey;
use tessera_store::{StoreError, Table, Transaction, transact};

use crate::REASON_BYTES_MAX;
use crate::kind::Medium;
use crate::read::shortened;

#[derive(Clone, PartialEq, Message)]
struct SuppressedRow {
    #[prost(uint64, tag = "1")]
    since_ms: u64,
    #[prost(string, tag = "2")]
    why: String,
}

/// Addresses to which nothing is sent any more, over a table.
#[derive(Clone)]
pub struct Suppressed {
    table: Arc<dyn Table>,
}

/// The key of an address, whose case says nothing.
fn key(medium: Medium, address: &str) -> Vec<u8> {
    let hash = blake3::derive_key("tessera 2026-11 suppressed address v1", address.to_lowercase().as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    SuppressedKey { channel: medium.number(), address: u128::from_be_bytes(first) }.pack()
}

/// Sends to an address again: its owner has given it anew.
pub(crate) fn lift(transaction: &mut dyn Transaction, medium: Medium, address: &str) {
    transaction.clear(&key(medium, address));
}

impl Suppressed {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Suppressed {
        Suppressed { table }
    }

    /// Nothing is sent to this address any more.
    ///
    /// # Errors
    /// As the table says.
    pub async fn add(
        &self,
        medium: Medium,
        address: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let why = shortened(why, REASON_BYTES_MAX);
        let (key, row) = (&key(medium, address), &SuppressedRow { since_ms: now.0, why }.encode_to_vec());
        transact(self.table.as_ref(), |mut transaction| async move {
            transaction.set(key, row);
            Ok((transaction, ()))
        })
        .await
    }

    /// Whether nothing is sent to this address.
    ///
    /// # Errors
    /// As the table says.
    pub async fn has(&self, medium: Medium, address: &str) -> Result<bool, StoreError> {
        Ok(self.table.begin().await?.get(&key(medium, address)).await?.is_some())
    }
}
