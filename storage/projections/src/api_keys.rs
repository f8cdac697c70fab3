//! API keys of organizers. The secret is shown once and never stored: a row holds its keyed hash.

use std::num::NonZeroU128;
use std::sync::Arc;

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_store::keys::{ApiKeyKey, OrganizerApiKeysKey};
use tessera_store::{StoreError, Table, transact};

use crate::{damage::damaged, page::after};

/// Most keys that an organizer has in its life: rows stay when a key is revoked, so that it is known for what it was.
pub const ORGANIZER_API_KEYS_MAX: u32 = 1_000;
/// Keys of all organizers that are looked at for one page of one organizer's.
pub const KEYS_LOOKED_AT_MAX: usize = 1_000;

/// Keyed hash (BLAKE3, made at the gateway) of an API key's secret.
pub type SecretHash = [u8; 32];

/// Names an API key: the first 16 bytes of its secret's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(pub [u8; 16]);

impl ApiKeyId {
    /// The id of the key whose secret has this hash.
    #[must_use]
    pub fn of(secret_hash: &SecretHash) -> ApiKeyId {
        let mut id = [0; 16];
        id.copy_from_slice(&secret_hash[..16]);
        ApiKeyId(id)
    }
}

/// One API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Keyed hash of its secret; gives its [`ApiKeyId`].
    pub secret_hash: SecretHash,
    /// The 128 bits of its organizer's id.
    pub organizer: u128,
    /// Shown to people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// The number of the device at a gate that has it; `None`: it is nobody's in particular.
    pub device: Option<u32>,
}

impl ApiKey {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> ApiKeyId {
        ApiKeyId::of(&self.secret_hash)
    }

    fn is_of(&self, organizer: Option<NonZeroU128>) -> bool {
        organizer.is_none_or(|organizer| organizer.get() == self.organizer)
    }
}

/// API keys, over a table.
#[derive(Clone)]
pub struct ApiKeys {
    table: Arc<dyn Table>,
}

/// API keys in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeysPage {
    /// The keys, revoked ones included.
    pub keys: Vec<ApiKey>,
    /// Where the next page begins, if there may be more: give it as `after_id`.
    pub next: Option<ApiKeyId>,
}

impl ApiKeys {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> ApiKeys {
        ApiKeys { table }
    }

    /// Keep a new key; `false` where its organizer has had [`ORGANIZER_API_KEYS_MAX`].
    ///
    /// # Errors
    /// As the table says; [`StoreError::Damaged`] where another key has its id.
    pub async fn insert(&self, api_key: &ApiKey) -> Result<bool, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let key = ApiKeyKey { id: api_key.id().0 }.pack();
            if let Some(row) = transaction.get(&key).await? {
                let is_same = decode(&row)? == *api_key;
                let other = || damaged("an API key has the id of another".to_owned());
                return if is_same { Ok((transaction, true)) } else { Err(other()) };
            }
            let counted = OrganizerApiKeysKey { organizer: api_key.organizer }.pack();
            let count = transaction.get(&counted).await?;
            let count = count.map_or(Ok(0), |row| OrganizerApiKeysKey::decode(&row))?;
            if count >= ORGANIZER_API_KEYS_MAX {
                return Ok((transaction, false));
            }
            transaction.set(&key, &encode(api_key));
            transaction.set(&counted, &OrganizerApiKeysKey::encode(count + 1));
            Ok((transaction, true))
        })
        .await
    }

    /// The key whose secret has this hash, revoked or not.
    ///
    /// # Errors
    /// As the table says.
    pub async fn find(&self, secret_hash: &SecretHash) -> Result<Option<ApiKey>, StoreError> {
        let found = self.get(ApiKeyId::of(secret_hash)).await?;
        Ok(found.filter(|key| key.secret_hash == *secret_hash))
    }

    /// The key with this id, revoked or not.
    ///
    /// # Errors
    /// As the table says.
    pub async fn get(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let row = transaction.get(&ApiKeyKey { id: id.0 }.pack()).await?;
        row.map(|row| decode(&row)).transpose()
    }

    /// Up to `limit` keys, those after `after_id`; `of` one organizer, or of everyone. There may be more after a page that has fewer.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        of: Option<NonZeroU128>,
        after_id: Option<ApiKeyId>,
        limit: usize,
    ) -> Result<ApiKeysPage, StoreError> {
        let (first, end) = ApiKeyKey::range();
        let begin = after_id.map_or(first, |id| after(ApiKeyKey { id: id.0 }.pack()));
        // Those of one organizer stand among the others.
        let looked_at = if of.is_some() { KEYS_LOOKED_AT_MAX.max(limit) } else { limit };
        let mut transaction = self.table.begin().await?;
        let rows = transaction.range(&begin, &end, looked_at, false).await?;
        let (mut keys, mut last) = (Vec::new(), None);
        for (_, row) in &rows {
            if keys.len() == limit {
                break;
            }
            let key = decode(row)?;
            last = Some(key.id());
            keys.extend(Some(key).filter(|key| key.is_of(of)));
        }
        let next = last.filter(|_| keys.len() == limit || rows.len() == looked_at);
        Ok(ApiKeysPage { keys, next })
    }

    /// Revoke a key `of` one organizer, or of anyone; one that is revoked already keeps its first time. `None` where there is no such key.
    ///
    /// # Errors
    /// As the table says.
    pub async fn revoke(
        &self,
        of: Option<NonZeroU128>,
        id: ApiKeyId,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let key = ApiKeyKey { id: id.0 }.pack();
            let row = transaction.get(&key).await?;
            let found = row.map(|row| decode(&row)).transpose()?.filter(|key| key.is_of(of));
            let Some(mut api_key) = found else { return Ok((transaction, None)) };
            if api_key.revoked_at.is_none() {
                api_key.revoked_at = Some(now);
                transaction.set(&key, &encode(&api_key));
            }
            Ok((transaction, Some(api_key)))
        })
        .await
    }
}

#[derive(Clone, PartialEq, Message)]
struct ApiKeyRow {
    #[prost(bytes = "vec", tag = "1")]
    secret_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    organizer: Vec<u8>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, repeated, tag = "4")]
    scopes: Vec<String>,
    #[prost(uint64, tag = "5")]
    created_at_ms: u64,
    #[prost(uint64, optional, tag = "6")]
    revoked_at_ms: Option<u64>,
    #[prost(uint32, optional, tag = "7")]
    device: Option<u32>,
}

fn encode(key: &ApiKey) -> Vec<u8> {
    ApiKeyRow {
        secret_hash: key.secret_hash.to_vec(),
        organizer: key.organizer.to_be_bytes().to_vec(),
        name: key.name.clone(),
        scopes: key.scopes.clone(),
        created_at_ms: key.created_at.0,
        revoked_at_ms: key.revoked_at.map(|at| at.0),
        device: key.device,
    }
    .encode_to_vec()
}

fn decode(row: &[u8]) -> Result<ApiKey, StoreError> {
    let unreadable = || damaged("the row of an API key cannot be read".to_owned());
    let row = ApiKeyRow::decode(row).map_err(|_| unreadable())?;
    Ok(ApiKey {
        secret_hash: row.secret_hash.try_into().map_err(|_| unreadable())?,
        organizer: u128::from_be_bytes(row.organizer.try_into().map_err(|_| unreadable())?),
        name: row.name,
        scopes: row.scopes,
        created_at: Timestamp(row.created_at_ms),
        revoked_at: row.revoked_at_ms.map(Timestamp),
        device: row.device,
    })
}
