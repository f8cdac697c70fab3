//! Bounded caches in front of the repositories, for what nearly every request of an organizer asks.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU128;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tessera_inventory::{EventId, Timestamp};
use tessera_projections::api_keys::{ApiKey, ApiKeyId, ApiKeys, SecretHash};
use tessera_projections::catalogue::{Catalogue, CatalogueEvent};
use tessera_store::StoreError;
use tokio::sync::watch;

use crate::auth::{Scope, ScopeSet};
use crate::limits::{API_KEY_CACHE_MAX, EVENT_CARD_CACHE_MAX, UNKNOWN_KEY_CACHE_MAX};

/// What a live key gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LiveKey {
    /// Whose it is.
    pub(crate) organizer: NonZeroU128,
    /// What it may do.
    pub(crate) scopes: ScopeSet,
    /// The number of the device at a gate that has it, where one has.
    pub(crate) device: Option<u32>,
}

impl LiveKey {
    /// What a kept key gives; `None` when it is revoked, or when it names no organizer: number zero is the administrator,
    /// whom no key makes.
    fn of(key: &ApiKey) -> Option<LiveKey> {
        let organizer = NonZeroU128::new(key.organizer)?;
        let scopes = key.scopes.iter().filter_map(|name| Scope::find(name)).collect();
        key.revoked_at.is_none().then_some(LiveKey { organizer, scopes, device: key.device })
    }
}

type Keys = HashMap<SecretHash, LiveKey>;

/// Organizer keys in use. Revoking one takes effect at once on this node.
pub(crate) struct KeyCache {
    pub(crate) repository: ApiKeys,
    live: ArcSwap<Keys>,
    /// Hashes of secrets of no key. A secret is made after its hash was never seen, so that none of these becomes one.
    unknown: Mutex<HashSet<SecretHash>>,
    /// Tells streams that a key was revoked: it may be theirs.
    revoked: watch::Sender<()>,
}

impl KeyCache {
    pub(crate) fn new(repository: ApiKeys) -> KeyCache {
        KeyCache {
            repository,
            live: ArcSwap::default(),
            unknown: Mutex::default(),
            revoked: watch::Sender::default(),
        }
    }

    /// The live key whose secret has this hash.
    pub(crate) async fn find(&self, hash: &SecretHash) -> Result<Option<LiveKey>, StoreError> {
        if let Some(key) = self.live.load().get(hash) {
            return Ok(Some(*key));
        }
        if self.unknown().contains(hash) {
            return Ok(None);
        }
        // If a revocation changes the cache while the row is read, the row may be stale: it is not kept.
        let before = self.live.load_full();
        let Some(key) = self.repository.find(hash).await?.as_ref().and_then(LiveKey::of) else {
            let mut unknown = self.unknown();
            if unknown.len() >= UNKNOWN_KEY_CACHE_MAX {
                unknown.clear();
            }
            unknown.insert(*hash);
            return Ok(None);
        };
        let mut grown = if before.len() < API_KEY_CACHE_MAX { Keys::clone(&before) } else { Keys::new() };
        grown.insert(*hash, key);
        self.live.compare_and_swap(&before, Arc::new(grown));
        Ok(Some(key))
    }

    fn unknown(&self) -> MutexGuard<'_, HashSet<SecretHash>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Revokes a key: `false` when there is none.
    pub(crate) async fn revoke(
        &self,
        of: Option<NonZeroU128>,
        id: ApiKeyId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.repository.revoke(of, id, now).await?.is_none() {
            return Ok(false);
        }
        // A new map even when the key was not in it: whoever read the row before it was revoked cannot add it now.
        self.live.rcu(|live| {
            let mut shrunk = Keys::clone(live);
            shrunk.retain(|hash, _| ApiKeyId::of(hash) != id);
            shrunk
        });
        self.revoked.send_replace(());
        Ok(true)
    }

    /// In a cluster: another node may have revoked a key. All are looked up again, those of streams too.
    pub(crate) fn look_again(&self) {
        self.live.store(Arc::default());
        self.revoked.send_replace(());
    }

    /// Changes whenever a key is revoked.
    pub(crate) fn revocations(&self) -> watch::Receiver<()> {
        self.revoked.subscribe()
    }
}

type Cards = HashMap<EventId, Arc<CatalogueEvent>>;

/// Events of the catalogue in use. To replace what is kept of one takes effect at once on this node.
pub(crate) struct CardCache {
    pub(crate) repository: Catalogue,
    cards: ArcSwap<Cards>,
}

impl CardCache {
    pub(crate) fn new(repository: Catalogue) -> CardCache {
        CardCache { repository, cards: ArcSwap::default() }
    }

    /// The event, if the catalogue has it.
    pub(crate) async fn find(&self, event: EventId) -> Result<Option<Arc<CatalogueEvent>>, StoreError> {
        if let Some(card) = self.cards.load().get(&event) {
            return Ok(Some(Arc::clone(card)));
        }
        // If cards are forgotten while the row is read, it may be stale: it is not kept.
        let before = self.cards.load_full();
        let Some(card) = self.repository.get(event).await?.map(Arc::new) else { return Ok(None) };
        let mut grown =
            if before.len() < EVENT_CARD_CACHE_MAX { Cards::clone(&before) } else { Cards::new() };
        grown.insert(event, Arc::clone(&card));
        self.cards.compare_and_swap(&before, Arc::new(grown));
        Ok(Some(card))
    }

    /// A card was replaced, or in a cluster may have been: all are looked up again.
    pub(crate) fn look_again(&self) {
        self.cards.store(Arc::default());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_store::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_revoked_key_is_gone_at_once() {
        let cache = KeyCache::new(ApiKeys::new(Arc::new(MemoryStore::new())));
        let key = ApiKey {
            secret_hash: [9; 32],
            organizer: 7,
            name: "box office".to_owned(),
            scopes: vec!["events:read".to_owned(), "a scope of a later release".to_owned()],
            created_at: Timestamp(1),
            revoked_at: None,
            device: None,
        };
        cache.repository.insert(&key).await.unwrap();
        let live = cache.find(&[9; 32]).await.unwrap().unwrap();
        assert!(
            live.organizer.get() == 7
                && live.scopes.has(Scope::EventsRead)
                && !live.scopes.has(Scope::EventsWrite)
        );
        assert_eq!(cache.find(&[9; 32]).await.unwrap(), Some(live), "from the cache");
        assert_eq!(cache.find(&[8; 32]).await.unwrap(), None);
        assert!(cache.revoke(None, key.id(), Timestamp(2)).await.unwrap());
        assert_eq!(cache.find(&[9; 32]).await.unwrap(), None);
        assert!(!cache.revoke(None, ApiKeyId([1; 16]), Timestamp(2)).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_no_key_is_looked_up_once() {
        let store = Arc::new(MemoryStore::new());
        let table: Arc<dyn tessera_store::Table> = Arc::<MemoryStore>::clone(&store);
        let cache = KeyCache::new(ApiKeys::new(table));
        assert_eq!(cache.find(&[8; 32]).await.unwrap(), None);
        store.set_away(true);
        assert!(cache.find(&[7; 32]).await.is_err(), "nobody knows");
        assert_eq!(cache.find(&[8; 32]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_kept_key_of_no_organizer_opens_nothing() {
        let cache = KeyCache::new(ApiKeys::new(Arc::new(MemoryStore::new())));
        let key = ApiKey {
            secret_hash: [9; 32],
            organizer: 0,
            name: "of nobody".to_owned(),
            scopes: vec!["events:write".to_owned()],
            created_at: Timestamp(1),
            revoked_at: None,
            device: None,
        };
        cache.repository.insert(&key).await.unwrap();
        assert_eq!(cache.find(&[9; 32]).await.unwrap(), None);
    }
}
