//! A supervision tree on an embedded store in a temporary folder.

use std::sync::Arc;
use std::time::Duration;

use tessera_actors::{Answer, InventoryRouter, Limits, Platform};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{Authority, Command, CommandBody, Config, EventId, Phase};
use tessera_server::environment;
use tessera_store::StoreError;
use tessera_store::snapshot::SnapshotRepository;
use tessera_writer::Ask;

use crate::EVENT;

/// How long setting up may take.
const SET_UP: Duration = Duration::from_secs(30);

/// A running installation; its folder goes with it.
pub struct Installation {
    platform: Platform,
    snapshots: SnapshotRepository,
    folder: tempfile::TempDir,
}

impl Installation {
    /// Start on an empty folder; `u64::MAX` writes no snapshots.
    ///
    /// # Panics
    /// Where it does not start.
    #[allow(clippy::expect_used)] // a benchmark
    pub async fn start(snapshot_every_events: u64) -> Installation {
        Installation::start_in(tempfile::tempdir().expect("a temporary folder"), snapshot_every_events).await
    }

    /// Start on a folder that may hold an installation already.
    ///
    /// # Panics
    /// Where it does not start.
    #[allow(clippy::expect_used)] // a benchmark
    pub async fn start_in(folder: tempfile::TempDir, snapshot_every_events: u64) -> Installation {
        Installation::start_with(folder, Limits { snapshot_every_events, ..Limits::default() }).await
    }

    /// Start with limits of one's own.
    ///
    /// # Panics
    /// Where it does not start.
    #[allow(clippy::expect_used)] // a benchmark
    pub async fn start_with(folder: tempfile::TempDir, limits: Limits) -> Installation {
        // The actors of an installation before may hold the folder a moment longer than its drain.
        let mut opened = EmbeddedStore::open(folder.path(), &Options::default());
        while matches!(opened, Err(StoreError::Locked { .. })) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            opened = EmbeddedStore::open(folder.path(), &Options::default());
        }
        let store = opened.expect("the store opens");
        let environment = environment::system(tokio::runtime::Handle::current());
        let snapshots = SnapshotRepository::new(Arc::new(store.clone()));
        let platform = Platform::start(environment, Arc::new(store.clone()), Arc::new(store), limits).await;
        Installation { platform: platform.expect("the platform starts"), snapshots, folder }
    }

    /// Configure the measured event and put it on sale.
    ///
    /// # Panics
    /// Where the engine refuses.
    pub async fn open_sale(&self, config: Config) {
        self.open_sale_of(EVENT, config).await;
    }

    /// Configure an event and put it on sale.
    ///
    /// # Panics
    /// Where the engine refuses.
    #[allow(clippy::panic)] // a benchmark
    pub async fn open_sale_of(&self, event: EventId, config: Config) {
        let bodies = [
            CommandBody::Configure { expected_version: 0, config: Arc::new(config) },
            CommandBody::ChangePhase { to: Phase::OnSale },
        ];
        for body in bodies {
            let command = Command { authority: Authority::Organizer, key: None, body };
            match self.router().ask(event, Ask::Command(Box::new(command)), SET_UP).await {
                Answer::Accepted { .. } => {}
                other => panic!("the sale was not opened: {other:?}"),
            }
        }
    }

    /// Events with a running writer.
    #[must_use]
    pub fn active_events(&self) -> usize {
        self.platform.status().active_events
    }

    /// The way to the writer.
    #[must_use]
    pub fn router(&self) -> InventoryRouter {
        self.platform.inventory()
    }

    /// Wait until a snapshot of the measured event covers `sequence`.
    ///
    /// # Panics
    /// Where the store does not answer.
    #[allow(clippy::expect_used)] // a benchmark
    pub async fn wait_for_snapshot(&self, sequence: u64) {
        let covered = async || {
            let pointer = self.snapshots.pointer(EVENT).await.expect("the store answers");
            pointer.is_some_and(|pointer| pointer.sequence.0 >= sequence)
        };
        while !covered().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Hand over and stop; the folder stays with the caller.
    pub async fn stop(self) -> tempfile::TempDir {
        self.platform.drain(SET_UP).await;
        self.folder
    }
}
