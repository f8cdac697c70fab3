//! The store of one installation: opening it, making it, emptying it.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_inventory::EventId;
use tessera_store::{StoreError, Table, Transaction, transact};
use tokio::runtime::Handle;

use crate::cluster::Cluster;
use crate::cursor::{Cursor, Era};
use crate::keyspace::{Keyspace, Section};
use crate::rows::{FormatRow, Standing};
use crate::table::Rows;

/// Events listed in one transaction.
const PAGE_EVENTS: usize = 1_000;
/// A key after every other one.
const LAST_KEY: &[u8] = &[0xff];

/// [`tessera_store::Log`] and [`Table`] of one installation in a cluster. Clones share it.
#[derive(Clone)]
pub struct FoundationStore {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: Cluster,
    keyspace: Keyspace,
    era: Era,
    /// Where commits run that nobody waits for any more.
    runtime: Handle,
}

impl fmt::Debug for FoundationStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundationStore").field("keyspace", &self.inner.keyspace).finish_non_exhaustive()
    }
}

impl FoundationStore {
    /// Opens the installation under these keys, making it where there is none: `fresh_era`, drawn at random by the caller, is its first
    /// era then. Commits run on the tokio runtime that this is called on.
    ///
    /// # Errors
    /// [`StoreError::FormatTooNew`]; [`StoreError::Damaged`] where an import has not come to its end; [`StoreError::Unavailable`] where the
    /// cluster does not answer.
    pub async fn open(
        cluster: &Cluster,
        keyspace: Keyspace,
        fresh_era: Era,
    ) -> Result<FoundationStore, StoreError> {
        let runtime = Handle::current();
        let fresh = FormatRow { era: fresh_era, standing: Standing::Whole };
        let format = rows(cluster, &runtime, keyspace.section(Section::Format));
        let stored = transact(&format, |mut transaction| async move {
            let stored = match transaction.get(b"").await? {
                Some(row) => FormatRow::decode(&row)?,
                None => {
                    transaction.set(b"", &fresh.encode());
                    fresh
                }
            };
            Ok((transaction, stored))
        })
        .await?;
        Ok(FoundationStore::of(cluster, keyspace, stored.whole()?.era, runtime))
    }

    /// Opens an installation that is there already; `None` where there is none.
    ///
    /// # Errors
    /// As [`FoundationStore::open`].
    pub async fn find(cluster: &Cluster, keyspace: Keyspace) -> Result<Option<FoundationStore>, StoreError> {
        let runtime = Handle::current();
        let format = rows(cluster, &runtime, keyspace.section(Section::Format));
        let Some(row) = format.begin().await?.get(b"").await? else { return Ok(None) };
        let FormatRow { era, .. } = FormatRow::decode(&row)?.whole()?;
        Ok(Some(FoundationStore::of(cluster, keyspace, era, runtime)))
    }

    /// Begins a new installation under keys of which none is there, in an era of its own; `None` where one is. Nobody else opens it before
    /// [`FoundationStore::finish`].
    ///
    /// # Errors
    /// As the cluster says.
    pub async fn create(
        cluster: &Cluster,
        keyspace: Keyspace,
        era: Era,
    ) -> Result<Option<FoundationStore>, StoreError> {
        let runtime = Handle::current();
        let row = FormatRow { era, standing: Standing::Filling };
        let format = keyspace.section(Section::Format).split_off(keyspace.whole().len());
        let format = &format[..];
        let whole = rows(cluster, &runtime, keyspace.whole().to_vec());
        let is_vacant = transact(&whole, |mut transaction| async move {
            let found = transaction.range(b"", LAST_KEY, 2, false).await?;
            // An attempt of unknown outcome may have begun it already.
            let is_vacant = match &found[..] {
                [] => true,
                [(key, value)] => key == format && value[..] == row.encode(),
                _ => false,
            };
            if is_vacant {
                transaction.set(format, &row.encode());
            }
            Ok((transaction, is_vacant))
        })
        .await?;
        Ok(is_vacant.then(|| FoundationStore::of(cluster, keyspace, era, runtime)))
    }

    /// A new installation is whole: it may be opened.
    ///
    /// # Errors
    /// As the cluster says.
    pub async fn finish(&self) -> Result<(), StoreError> {
        let row = FormatRow { era: self.inner.era, standing: Standing::Whole };
        transact(&self.rows(Section::Format), |mut transaction| async move {
            transaction.set(b"", &row.encode());
            Ok((transaction, ()))
        })
        .await
    }

    /// Begins a new era of an installation that was restored: places in the feed that were given before may be of what is not there any more.
    /// The feed itself stays, in its order. Nodes may serve meanwhile, and go on.
    ///
    /// # Errors
    /// As [`FoundationStore::open`].
    pub async fn renew_era(&self, fresh_era: Era) -> Result<Cursor, StoreError> {
        transact(&self.rows(Section::Format), |mut transaction| async move {
            let stored = transaction.get(b"").await?;
            let row = FormatRow::decode(stored.as_deref().unwrap_or_default())?.whole()?;
            transaction.set(b"", &FormatRow { era: fresh_era, ..row }.encode());
            Ok((transaction, ()))
        })
        .await?;
        Ok(Cursor::begin(fresh_era))
    }

    /// Removes everything that the installation has in the cluster.
    ///
    /// # Errors
    /// As the cluster says.
    pub async fn remove(self) -> Result<(), StoreError> {
        let Inner { cluster, keyspace, runtime, .. } = &*self.inner;
        transact(&rows(cluster, runtime, keyspace.whole().to_vec()), |mut transaction| async move {
            transaction.clear_range(b"", LAST_KEY);
            Ok((transaction, ()))
        })
        .await
    }

    /// Every event that was ever appended to, by its id, whether or not the tables have a row about it.
    ///
    /// # Errors
    /// As the cluster says.
    pub async fn events(&self) -> Result<Vec<EventId>, StoreError> {
        let rows = self.rows(Section::Events);
        let (mut events, mut begin) = (Vec::new(), Vec::new());
        loop {
            let page = rows.begin().await?.range(&begin, LAST_KEY_OF_EVENTS, PAGE_EVENTS, false).await?;
            let Some((last, _)) = page.last() else { return Ok(events) };
            begin = [&last[..], &[0]].concat();
            for (key, _) in &page {
                let reason = || "a key in the list of events is none of an event".to_owned();
                let key = key[..].try_into().map_err(|_| StoreError::Damaged { reason: reason() })?;
                events.push(EventId(u128::from_be_bytes(key)));
            }
        }
    }

    /// Why the store has failed for good; `None` while it is healthy.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.inner.cluster.failure().borrow().clone()
    }

    /// The installation's era when it was opened. An import begins a new one, and so does [`FoundationStore::renew_era`].
    #[must_use]
    pub fn era(&self) -> Era {
        self.inner.era
    }

    fn of(cluster: &Cluster, keyspace: Keyspace, era: Era, runtime: Handle) -> FoundationStore {
        let inner = Inner { cluster: cluster.clone(), keyspace, era, runtime };
        FoundationStore { inner: Arc::new(inner) }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.inner.cluster
    }

    pub(crate) fn keyspace(&self) -> &Keyspace {
        &self.inner.keyspace
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    pub(crate) fn rows(&self, section: Section) -> Rows {
        rows(&self.inner.cluster, &self.inner.runtime, self.inner.keyspace.section(section))
    }
}

/// A key after that of every event, whatever its id.
const LAST_KEY_OF_EVENTS: &[u8] = &[0xff; 17];

fn rows(cluster: &Cluster, runtime: &Handle, prefix: Vec<u8>) -> Rows {
    Rows { cluster: cluster.clone(), runtime: runtime.clone(), prefix }
}

impl Table for FoundationStore {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        self.rows(Section::Table).begin().boxed()
    }
}
