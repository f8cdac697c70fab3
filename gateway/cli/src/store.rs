//! The store of an installation: the embedded one in its directory, or FoundationDB.

use std::sync::Arc;

use futures::future::BoxFuture;
use tessera_embedded::{EmbeddedStore, Options};
#[cfg(feature = "foundationdb")]
use tessera_foundationdb::FoundationStore;
use tessera_inventory::{EventId, Sequence};
use tessera_server::server::Stores;
use tessera_server::settings::{Settings, StoreKind};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError, Table, Transaction};
use tessera_writer::Head;

use crate::failure::Failure;
use crate::fresh::Unfinished;

/// Either store. Clones share it.
#[derive(Clone)]
pub(crate) enum Store {
    /// In a directory.
    Embedded(EmbeddedStore),
    /// In a cluster.
    #[cfg(feature = "foundationdb")]
    Foundation(FoundationStore),
}

impl Store {
    /// Opens the store that the settings name, making it where there is none.
    pub(crate) async fn open(settings: &Settings) -> Result<Store, Failure> {
        match settings.store.kind {
            StoreKind::Embedded => {
                Ok(Store::Embedded(EmbeddedStore::open(&settings.data, &Options::default())?))
            }
            StoreKind::FoundationDb => foundation::open(settings).await,
        }
    }

    /// Opens a store that is there already: looking must not make one.
    pub(crate) async fn find(settings: &Settings) -> Result<Store, Failure> {
        match settings.store.kind {
            StoreKind::Embedded if !settings.data.is_dir() => Err(Failure::NoData(settings.data.clone())),
            StoreKind::Embedded => Store::open(settings).await,
            StoreKind::FoundationDb => foundation::find(settings).await,
        }
    }

    /// Every event that was ever appended to, by its id, whether or not the tables have a row about it.
    pub(crate) async fn events(&self) -> Result<Vec<EventId>, StoreError> {
        match self {
            Store::Embedded(store) => store.events().await,
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => store.events().await,
        }
    }

    /// Reads the whole log of `event` and checks every checksum there is and every link of its chain. Answers how many records it has.
    pub(crate) async fn verify(&self, event: EventId) -> Result<u64, StoreError> {
        match self {
            Store::Embedded(store) => Ok(store.verify(event).await?.records),
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => foundation::verify(store, event).await,
        }
    }

    /// Begins a new era of an installation that was restored. Answers the place from which readers of its feed begin anew.
    pub(crate) async fn renew_era(&self) -> Result<String, Failure> {
        match self {
            Store::Embedded(_) => Err(Failure::NoFeed),
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => Ok(store.renew_era(foundation::fresh_era()).await?.to_string()),
        }
    }

    /// The store as the server takes it.
    pub(crate) fn shared(&self) -> Stores {
        match self {
            Store::Embedded(store) => Stores::of(Arc::new(store.clone())),
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => Stores::apart(Arc::new(store.clone())),
        }
    }

    /// Why the store has failed for good; `None` while it is healthy.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Store::Embedded(store) => store.failure(),
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => store.failure(),
        }
    }

    fn log(&self) -> &dyn Log {
        match self {
            Store::Embedded(store) => store,
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => store,
        }
    }
}

impl Log for Store {
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome> {
        self.log().append(event, expected, batch)
    }

    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>> {
        self.log().head(event)
    }

    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>> {
        self.log().read(event, after, limit_bytes)
    }

    fn failed(&self) -> BoxFuture<'static, Option<String>> {
        self.log().failed()
    }

    fn moved(&self, event: EventId, beyond: Sequence) -> BoxFuture<'static, ()> {
        self.log().moved(event, beyond)
    }

    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        self.log().trim(event, through)
    }
}

impl Table for Store {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        match self {
            Store::Embedded(store) => store.begin(),
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => store.begin(),
        }
    }
}

/// A new installation in the making: nobody serves from it before it is whole.
pub(crate) struct NewInstallation {
    /// Where it is made.
    pub(crate) store: Store,
    /// The directory of the embedded store, which gets its name in the end.
    unfinished: Option<Unfinished>,
}

impl NewInstallation {
    /// Begins one where the settings say, where nothing may be yet.
    pub(crate) async fn begin(settings: &Settings) -> Result<NewInstallation, Failure> {
        match settings.store.kind {
            StoreKind::Embedded => {
                let unfinished = Unfinished::begin(&settings.data)?;
                match EmbeddedStore::open(&unfinished.path, &Options::default()) {
                    Ok(store) => {
                        let store = Store::Embedded(store);
                        Ok(NewInstallation { store, unfinished: Some(unfinished) })
                    }
                    Err(error) => {
                        unfinished.give_up()?;
                        Err(error.into())
                    }
                }
            }
            StoreKind::FoundationDb => {
                let store = foundation::create(settings).await?;
                Ok(NewInstallation { store, unfinished: None })
            }
        }
    }

    /// It is whole.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        #[cfg(feature = "foundationdb")]
        if let Store::Foundation(store) = &self.store {
            store.finish().await?;
        }
        drop(self.store);
        self.unfinished.map_or(Ok(()), Unfinished::finish)
    }

    /// It will not be whole: nothing of it is left.
    pub(crate) async fn give_up(self) -> Result<(), Failure> {
        match self.store {
            Store::Embedded(store) => drop(store),
            #[cfg(feature = "foundationdb")]
            Store::Foundation(store) => store.remove().await?,
        }
        self.unfinished.map_or(Ok(()), Unfinished::give_up)
    }
}

#[cfg(feature = "foundationdb")]
pub(crate) mod foundation {
    use tessera_foundationdb::cursor::Era;
    use tessera_foundationdb::keyspace::Keyspace;
    use tessera_foundationdb::{Cluster, FoundationStore, Network};
    use tessera_inventory::{EventId, Sequence};
    use tessera_server::environment;
    use tessera_server::settings::Settings;
    use tessera_store::{Log, StoreError};
    use tessera_writer::Chain;
    use tokio::runtime::Handle;

    use super::Store;
    use crate::failure::Failure;

    /// Bytes of log read at once.
    const READ_BYTES: usize = 4_000_000;

    fn connect(settings: &Settings) -> Result<(Cluster, Keyspace), Failure> {
        let keyspace = Keyspace::new(&settings.store.prefix)?;
        let network = Network::start(None)?;
        Ok((Cluster::connect(&network, settings.store.cluster_file.as_deref())?, keyspace))
    }

    /// Drawn at random, so that no two lives of an installation have the same.
    pub(super) fn fresh_era() -> Era {
        let bits = environment::system(Handle::current()).random.bits();
        Era(u64::try_from(bits >> 64).unwrap_or_default())
    }

    pub(super) async fn open(settings: &Settings) -> Result<Store, Failure> {
        let (cluster, keyspace) = connect(settings)?;
        Ok(Store::Foundation(FoundationStore::open(&cluster, keyspace, fresh_era()).await?))
    }

    pub(super) async fn find(settings: &Settings) -> Result<Store, Failure> {
        find_cluster(settings).await.map(Store::Foundation)
    }

    /// The store of the cluster itself, which has more to show than every store has.
    pub(crate) async fn find_cluster(settings: &Settings) -> Result<FoundationStore, Failure> {
        let (cluster, keyspace) = connect(settings)?;
        let found = FoundationStore::find(&cluster, keyspace).await?;
        found.ok_or_else(|| Failure::NoPrefix(settings.store.prefix.clone()))
    }

    pub(super) async fn create(settings: &Settings) -> Result<Store, Failure> {
        let (cluster, keyspace) = connect(settings)?;
        let created = FoundationStore::create(&cluster, keyspace, fresh_era()).await?;
        created.map(Store::Foundation).ok_or_else(|| Failure::PrefixNotEmpty(settings.store.prefix.clone()))
    }

    /// FoundationDB checks its pages itself: what is left is the chain.
    pub(super) async fn verify(store: &FoundationStore, event: EventId) -> Result<u64, StoreError> {
        let (mut after, mut chain, mut records) = (Sequence::ZERO, Chain::default(), 0);
        loop {
            let page = store.read(event, after, READ_BYTES).await?;
            if page.is_empty() {
                return Ok(records);
            }
            for record in &page {
                chain = chain.extend(&record.bytes);
                if record.chain != chain || record.first_sequence != after.plus(1) {
                    let reason = format!("the log of {event:?} does not continue after sequence {after}");
                    return Err(StoreError::Damaged { reason });
                }
                after = record.last_sequence;
                records += 1;
            }
        }
    }
}

/// A binary that was built without FoundationDB says so.
#[cfg(not(feature = "foundationdb"))]
mod foundation {
    use tessera_server::settings::Settings;

    use super::Store;
    use crate::failure::Failure;

    pub(super) async fn open(_: &Settings) -> Result<Store, Failure> {
        Err(Failure::WithoutFoundationDb)
    }

    pub(super) async fn find(_: &Settings) -> Result<Store, Failure> {
        Err(Failure::WithoutFoundationDb)
    }

    pub(super) async fn create(_: &Settings) -> Result<Store, Failure> {
        Err(Failure::WithoutFoundationDb)
    }
}
