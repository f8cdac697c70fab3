//! Where the browsers of buyers take messages: data of persons, as contacts are.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{Subject, Timestamp};
use tessera_store::keys::PushSubscriptionKey;
use tessera_store::{Row, StoreError, Table, Transaction, transact};

use crate::SUBSCRIPTIONS_MAX;
use crate::read::unreadable;

/// Bytes of a public key: a point of P-256, uncompressed.
const KEY_BYTES: usize = 65;
/// Bytes of the secret that only the browser and we know.
const SECRET_BYTES: usize = 16;

/// Where one browser of a buyer takes messages (RFC 8030, RFC 8291).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSubscription {
    /// The URL of its push service, as secret as a key.
    pub endpoint: String,
    /// The public key of the browser: a point of P-256, uncompressed.
    pub key: [u8; KEY_BYTES],
    /// The secret that only the browser and we know.
    pub secret: [u8; SECRET_BYTES],
    /// When the browser said so.
    pub since: Timestamp,
}

#[derive(Clone, PartialEq, Message)]
struct SubscriptionRow {
    #[prost(string, tag = "1")]
    endpoint: String,
    #[prost(bytes = "vec", tag = "2")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    secret: Vec<u8>,
    #[prost(uint64, tag = "4")]
    since_ms: u64,
}

impl PushSubscription {
    fn encode(&self) -> Vec<u8> {
        let PushSubscription { endpoint, key, secret, since } = self;
        let (key, secret) = (key.to_vec(), secret.to_vec());
        SubscriptionRow { endpoint: endpoint.clone(), key, secret, since_ms: since.0 }.encode_to_vec()
    }

    fn decode(row: &[u8]) -> Result<PushSubscription, StoreError> {
        let wrong = || unreadable("push subscriptions");
        let SubscriptionRow { endpoint, key, secret, since_ms } =
            SubscriptionRow::decode(row).map_err(|_| wrong())?;
        let (key, secret) = (key.try_into().map_err(|_| wrong())?, secret.try_into().map_err(|_| wrong())?);
        Ok(PushSubscription { endpoint, key, secret, since: Timestamp(since_ms) })
    }
}

/// Where browsers take messages, over a table.
#[derive(Clone)]
pub struct PushSubscriptions {
    table: Arc<dyn Table>,
}

fn key_of(subject: Subject, endpoint: &str) -> Vec<u8> {
    let hash = blake3::derive_key("tessera 2026-11 push endpoint v1", endpoint.as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    PushSubscriptionKey { subject, endpoint: u128::from_be_bytes(first) }.pack()
}

/// Every browser of a buyer is forgotten.
///
/// # Errors
/// As the transaction says.
pub(crate) async fn forget_in(transaction: &mut dyn Transaction, subject: Subject) -> Result<(), StoreError> {
    for (key, _) in rows(transaction, subject).await? {
        transaction.clear(&key);
    }
    Ok(())
}

/// There are never more than the bound, but that two transactions at once may each have added one.
async fn rows(transaction: &mut dyn Transaction, subject: Subject) -> Result<Vec<Row>, StoreError> {
    let (begin, end) = PushSubscriptionKey::range(subject);
    transaction.range(&begin, &end, 2 * SUBSCRIPTIONS_MAX, false).await
}

impl PushSubscriptions {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> PushSubscriptions {
        PushSubscriptions { table }
    }

    /// Keeps where a browser of a buyer takes messages; beyond [`SUBSCRIPTIONS_MAX`] the oldest leaves.
    ///
    /// # Errors
    /// As the table says.
    pub async fn keep(&self, subject: Subject, subscription: &PushSubscription) -> Result<(), StoreError> {
        let key = &key_of(subject, &subscription.endpoint);
        transact(self.table.as_ref(), |mut transaction| async move {
            let mut others = Vec::new();
            for (other, row) in rows(transaction.as_mut(), subject).await? {
                if other != *key {
                    others.push((PushSubscription::decode(&row)?.since, other));
                }
            }
            others.sort_unstable();
            let beyond = (others.len() + 1).saturating_sub(SUBSCRIPTIONS_MAX);
            for (_, oldest) in others.iter().take(beyond) {
                transaction.clear(oldest);
            }
            transaction.set(key, &subscription.encode());
            Ok((transaction, ()))
        })
        .await
    }

    /// Where the browsers of a buyer take messages.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(&self, subject: Subject) -> Result<Vec<PushSubscription>, StoreError> {
        let rows = rows(self.table.begin().await?.as_mut(), subject).await?;
        rows.iter().map(|(_, row)| PushSubscription::decode(row)).collect()
    }

    /// A browser takes no more messages; `None`: none of the buyer's does.
    ///
    /// # Errors
    /// As the table says.
    pub async fn remove(&self, subject: Subject, endpoint: Option<&str>) -> Result<(), StoreError> {
        let key = &endpoint.map(|endpoint| key_of(subject, endpoint));
        transact(self.table.as_ref(), |mut transaction| async move {
            match key {
                Some(key) => transaction.clear(key),
                None => forget_in(transaction.as_mut(), subject).await?,
            }
            Ok((transaction, ()))
        })
        .await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::executor::block_on;
    use tessera_store::memory::MemoryStore;

    use super::*;
    use crate::contacts::Contacts;

    fn subscription(number: u64) -> PushSubscription {
        let endpoint = format!("https://push.example/{number}");
        PushSubscription {
            endpoint,
            key: [4; KEY_BYTES],
            secret: [7; SECRET_BYTES],
            since: Timestamp(number),
        }
    }

    #[test]
    fn the_oldest_browser_leaves_and_a_buyer_that_is_forgotten_has_none() {
        let table: Arc<dyn Table> = Arc::new(MemoryStore::new());
        let subscriptions = PushSubscriptions::new(Arc::clone(&table));
        let subject = Subject(7);
        let listed = || {
            let mut since: Vec<_> =
                block_on(subscriptions.list(subject)).unwrap().iter().map(|one| one.since.0).collect();
            since.sort_unstable();
            since
        };
        for number in (1..=9).chain([9]) {
            block_on(subscriptions.keep(subject, &subscription(number))).unwrap();
        }
        assert_eq!(listed(), [2, 3, 4, 5, 6, 7, 8, 9]);
        block_on(subscriptions.remove(subject, Some("https://push.example/4"))).unwrap();
        assert_eq!(listed(), [2, 3, 5, 6, 7, 8, 9]);
        assert!(block_on(subscriptions.list(subject)).unwrap().contains(&subscription(3)));
        block_on(Contacts::new(table).erase(subject, Timestamp(10))).unwrap();
        assert_eq!(listed(), [0; 0]);
        block_on(subscriptions.keep(subject, &subscription(1))).unwrap();
        block_on(subscriptions.remove(subject, None)).unwrap();
        assert_eq!(listed(), [0; 0]);
    }
}
