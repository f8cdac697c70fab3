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

type Cards = HashMap<EventId, Card>;

/// What the catalogue has of an event.
#[derive(Clone)]
struct Card {
    event: Arc<CatalogueEvent>,
    /// Nobody has said since that it may have been replaced.
    is_fresh: bool,
}

/// Events of the catalogue in use. To replace what is kept of one takes effect at once on this node.
pub(crate) struct CardCache {
    pub(crate) repository: Catalogue,
    cards: ArcSwap<Cards>,
}

impl CardCache {
    pub(crate) fn new(repository: Catalogue) -> CardCache {
        CardCache { repository, cards: ArcSwap::default() }
    }

    /// The event, if the catalogue has it: as it is known here where the store cannot be asked.
    pub(crate) async fn find(&self, event: EventId) -> Result<Option<Arc<CatalogueEvent>>, StoreError> {
        // If cards may have been replaced while the row is read, it may be stale: it is not kept.
        let before = self.cards.load_full();
        let known = before.get(&event);
        if let Some(fresh) = known.filter(|known| known.is_fresh) {
            return Ok(Some(Arc::clone(&fresh.event)));
        }
        let found = match (self.repository.get(event).await, known) {
            (Err(_), Some(known)) => return Ok(Some(Arc::clone(&known.event))),
            (read, _) => read?,
        };
        let Some(found) = found.map(Arc::new) else { return Ok(None) };
        let mut grown =
            if before.len() < EVENT_CARD_CACHE_MAX { Cards::clone(&before) } else { Cards::new() };
        grown.insert(event, Card { event: Arc::clone(&found), is_fresh: true });
        self.cards.compare_and_swap(&before, Arc::new(grown));
        Ok(Some(found))
    }

    /// A card was replaced, or in a cluster may have been: all are looked up again.
    pub(crate) fn look_again(&self) {
        self.cards.rcu(|cards| {
            let stale = |(event, card): (&EventId, &Card)| (*event, Card { is_fresh: false, ..card.clone() });
            cards.iter().map(stale).collect::<Cards>()
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_projections::catalogue::{CatalogueRequest, replace_card_in};
    use tessera_store::memory::MemoryStore;
    use tessera_store::transact;

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
    async fn an_event_is_known_while_the_store_is_away_and_looked_up_when_it_is_back() {
        let store = Arc::new(MemoryStore::new());
        let table: Arc<dyn tessera_store::Table> = Arc::<MemoryStore>::clone(&store);
        let cache = CardCache::new(Catalogue::new(table));
        let named = |name: &str| CatalogueEvent {
            event: EventId(1),
            organizer: 7,
            name: name.to_owned(),
            starts_at: Timestamp(9),
            ends_at: None,
            zone: "Europe/Berlin".to_owned(),
            place: String::new(),
            created_at: Timestamp(1),
            changed_at: Timestamp(1),
            changes: 0,
        };
        let request = CatalogueRequest { digest: 1, fingerprint: 1 };
        cache.repository.create(&named("one"), request).await.unwrap();
        let name = async || Some(cache.find(EventId(1)).await.unwrap()?.name.clone());
        assert_eq!(name().await.as_deref(), Some("one"));
        cache.look_again();
        store.set_away(true);
        assert_eq!(name().await.as_deref(), Some("one"));
        assert!(cache.find(EventId(2)).await.is_err(), "nobody knows");
        store.set_away(false);
        let new = &named("another");
        let replaced = transact(&*store, |mut transaction| async move {
            replace_card_in(transaction.as_mut(), new).await?;
            Ok((transaction, ()))
        });
        replaced.await.unwrap();
        assert_eq!(name().await.as_deref(), Some("another"));
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
