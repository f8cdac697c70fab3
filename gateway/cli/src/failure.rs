//! Why a command failed, and the status that the process ends with.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use tessera_demo::error::DemoError;
use tessera_inventory::EventId;
use tessera_peers::CertificatesError;
use tessera_rehearsal::error::RehearsalError;
use tessera_server::ids;
use tessera_server::server::ServeError;
use tessera_server::settings::SettingsError;
use tessera_server::telemetry::LogLevelError;
use tessera_store::StoreError;
use tessera_verdict::load::LoadError;

use crate::output;
use crate::portable::PortableError;

/// The command could not be carried out, or a rehearsal's verdict is not good.
const STATUS_FAILED: u8 = 1;
/// What was given on the command line or in a scenario cannot be used; the same as for flags that nobody knows.
const STATUS_USAGE: u8 = 2;
/// The store failed while the server ran (also: a supervisor could not be kept up).
const STATUS_STORE_FAILED: u8 = 3;
/// What is stored is not sound, or written by a newer release.
const STATUS_NOT_SOUND: u8 = 4;
/// A rehearsal did not come to its end: its server went away, or the machine did not give what it needs.
const STATUS_NO_VERDICT: u8 = 5;
/// The place that a reader of the feed goes on from is of another era: it must begin anew.
#[cfg(feature = "foundationdb")]
const STATUS_OTHER_ERA: u8 = 6;
/// Ctrl-C, as shells say it.
const STATUS_INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The log filter cannot be read.
    #[error(transparent)]
    LogLevel(#[from] LogLevelError),
    /// The server did not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The store could not be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The demo did not come to its end.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The rehearsal did not come to its end.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
    /// The rehearsal came to its end, and what must hold did not.
    #[error("the rehearsal failed")]
    RehearsalFailed,
    /// A search for the capacity found no rate at which the objectives hold.
    #[error("no rate that was tried holds")]
    NoCapacity,
    /// Of two runs, the later one is worse.
    #[error("something got worse")]
    GotWorse,
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(#[from] LoadError),
    /// The data directory is not there.
    #[error("there is no data directory {}; name another with --data", .0.display())]
    NoData(PathBuf),
    /// The cluster has no such installation.
    #[cfg(feature = "foundationdb")]
    #[error("there is no installation under the prefix {0:?}; name another in store.prefix")]
    NoPrefix(String),
    /// The prefix of a new installation holds something.
    #[cfg(feature = "foundationdb")]
    #[error(
        "there is something under the prefix {0:?}; a new installation needs a prefix of its own, name another in store.prefix"
    )]
    PrefixNotEmpty(String),
    /// The name of the prefix cannot be used.
    #[cfg(feature = "foundationdb")]
    #[error("store.prefix cannot be used")]
    Prefix(#[from] tessera_foundationdb::keyspace::NotAPrefix),
    /// The settings want what this binary does not have.
    #[cfg(not(feature = "foundationdb"))]
    #[error(
        "store.kind is foundationdb, and this binary was built without it: build it with `--features foundationdb`, which needs libclang and FoundationDB's client library"
    )]
    WithoutFoundationDb,
    /// Only FoundationDB has a feed across events, and eras.
    #[error(
        "the embedded store has no feed across events: `tessera inspect` lists its events, and `tessera inspect EVENT log` shows what was appended to one"
    )]
    NoFeed,
    /// The feed across events is of all of them.
    #[error("the feed is of all events; `tessera inspect EVENT log` shows what was appended to one")]
    FeedOfOne,
    /// The ledger is of all events and organizers.
    #[error("the ledger is of all events; `tessera inspect EVENT quotes` checks what one has sold")]
    LedgerOfOne,
    /// Nodes serve, and write to the ledger.
    #[error("the books change faster than they are read; try again, or stop the nodes first")]
    LedgerMoves,
    /// The place in the feed cannot be read.
    #[cfg(feature = "foundationdb")]
    #[error(transparent)]
    NotACursor(#[from] tessera_foundationdb::cursor::NotACursor),
    /// The feed has no such shard.
    #[cfg(feature = "foundationdb")]
    #[error("there is no shard {0} of the feed; the last is {last}", last = tessera_foundationdb::keyspace::FEED_SHARDS - 1)]
    NoSuchShard(u8),
    /// The place in the feed means nothing any more.
    #[cfg(feature = "foundationdb")]
    #[error(
        "{after} is a place of another era: this installation was imported, or restored from a backup, since then. What was read before may not be there any more; read it anew: --after {begin}"
    )]
    OtherEra {
        /// Where the reader stood.
        after: tessera_foundationdb::cursor::Cursor,
        /// Where it begins anew.
        begin: tessera_foundationdb::cursor::Cursor,
    },
    /// Only the embedded store is repaired here.
    #[error(
        "a damaged log of FoundationDB is brought back with FoundationDB's own backup; this repairs the embedded store"
    )]
    NotRepairable,
    /// A file or directory cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory of the demo holds something else.
    #[error("{} is not empty, and the demo begins with an empty directory; name another with --data", .0.display())]
    NotEmpty(PathBuf),
    /// The directory of a new installation holds something.
    #[error("{} is not empty; a new installation needs a directory of its own, name another", .0.display())]
    TargetNotEmpty(PathBuf),
    /// The repaired installation could not be completed.
    #[error("the repair did not come to its end; nothing in the old installation was changed; remove {} and try again", unfinished.display())]
    RepairUnfinished {
        /// What there is of the new one.
        unfinished: PathBuf,
        /// Why.
        source: Box<Failure>,
    },
    /// The file is not one that can be imported.
    #[error("nothing was imported")]
    NotImported(#[source] PortableError),
    /// Something moved while it was exported.
    #[error(
        "nothing was exported: {0} moved meanwhile, so a node serves this installation; stop every node first"
    )]
    Served(String),
    /// What was imported in part could not be taken away again.
    #[error("nothing was imported, and what there is of it could not be removed: {left}; remove it by hand")]
    ImportUnfinished {
        /// Why it is still there.
        left: Box<Failure>,
        /// Why nothing was imported.
        source: Box<Failure>,
    },
    /// Not the identifier of an event.
    #[error("{0} is not the identifier of an event; `tessera inspect` lists them")]
    NotAnEvent(String),
    /// There is no such event.
    #[error("there is no event {0} in this installation; `tessera inspect` lists them")]
    NoSuchEvent(String),
    /// There is no such node.
    #[error("there is no node {0} in this cluster; `tessera node list` lists them")]
    NoSuchNode(String),
    /// Several nodes go by this name.
    #[error("more than one node is called {0}; name it by its id, see `tessera node list`")]
    ManyNodes(String),
    /// No certificates for nodes were made.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// Not a public key.
    #[error("{0} is not a public key")]
    NotAKey(String),
    /// Nothing of the event was ever proven.
    #[error("there are no receipts of event {0}")]
    NoReceipts(String),
    /// The store went back in time: lifting would hide what it lacks.
    #[error(
        "the store lacks what was acknowledged of {0}, so its quarantine is not lifted; reconcile it: {cmd}",
        cmd = reconciling(.0)
    )]
    WentBack(String),
    /// The running server refused.
    #[error("the server at {url} answered {status}: {body}")]
    Refused {
        /// Where.
        url: String,
        /// Its status.
        status: u16,
        /// What it said.
        body: String,
    },
    /// The running server does not answer.
    #[error("the server at {url} does not answer")]
    NoServer {
        /// Where.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Signals cannot be listened to.
    #[error("the signals of the operating system cannot be listened to")]
    Signals(#[source] io::Error),
    /// The runtime did not start.
    #[error("the threads of the runtime did not start")]
    Runtime(#[source] io::Error),
    /// The store failed while the server ran.
    #[error("the process ends because it must not acknowledge anything more: {0}")]
    Fatal(String),
    /// What was verified is not sound.
    #[error("{0}")]
    NotSound(String),
}

/// How an event of which the store lacks something is given back to its buyers.
pub(crate) fn reconciling(event: &dyn Display) -> String {
    format!("tessera repair --url URL --reconcile {event}")
}

impl Failure {
    /// Prints it with its causes, and gives the status to end with.
    pub(crate) fn report(&self) -> ExitCode {
        output::error(format_args!("tessera: {self}"));
        // What is transparent shows its source in its place already.
        let mut cause = self.source();
        while let Some(error) = cause {
            output::error(format_args!("  because: {error}"));
            cause = error.source();
        }
        ExitCode::from(self.status())
    }

    /// Says that an event is not sound, where this is about what is stored. Anything else, such as a file that cannot be opened just
    /// now, says nothing about that: it is given back, to end the command.
    pub(crate) fn found_in(self, event: EventId) -> Result<(), Failure> {
        if self.status() != STATUS_NOT_SOUND {
            return Err(self);
        }
        output::line(format_args!("{}  NOT SOUND: {self}", ids::event(event)));
        Ok(())
    }

    fn status(&self) -> u8 {
        match self {
            Failure::Fatal(_) => STATUS_STORE_FAILED,
            Failure::NotSound(_) | Failure::NotImported(_) | Failure::NotRepairable => STATUS_NOT_SOUND,
            Failure::RepairUnfinished { source, .. } | Failure::ImportUnfinished { source, .. } => {
                source.status()
            }
            Failure::Recording(_) | Failure::FeedOfOne | Failure::LedgerOfOne => STATUS_USAGE,
            #[cfg(feature = "foundationdb")]
            Failure::NotACursor(_) | Failure::NoSuchShard(_) => STATUS_USAGE,
            #[cfg(feature = "foundationdb")]
            Failure::OtherEra { .. } => STATUS_OTHER_ERA,
            Failure::Rehearsal(error) => match error {
                RehearsalError::Scenario(_) | RehearsalError::Target(_) | RehearsalError::Usage(_) => {
                    STATUS_USAGE
                }
                RehearsalError::Interrupted => STATUS_INTERRUPTED,
                _ => STATUS_NO_VERDICT,
            },
            _ => match self.stored() {
                Some(StoreError::Damaged { .. } | StoreError::FormatTooNew { .. }) => STATUS_NOT_SOUND,
                _ => STATUS_FAILED,
            },
        }
    }

    /// What the store said, if it is behind this.
    fn stored(&self) -> Option<&StoreError> {
        if let Failure::Store(error) = self {
            return Some(error);
        }
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(stored) = error.downcast_ref() {
                return Some(stored);
            }
            cause = error.source();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_are_told_apart_have_statuses_of_their_own() {
        let damaged = || StoreError::Damaged { reason: "a bit".to_owned() };
        let too_new = StoreError::FormatTooNew { needed: 9, supported: 1 };
        let locked = StoreError::Locked { directory: "data".to_owned() };
        let unfinished =
            |source| Failure::RepairUnfinished { unfinished: "new".into(), source: Box::new(source) };
        let own_server = RehearsalError::OwnServer { what: "ended".to_owned(), said: String::new() };
        let usage = RehearsalError::Usage("a flag".to_owned());
        let table = [
            (Failure::RehearsalFailed, STATUS_FAILED),
            (Failure::NoCapacity, STATUS_FAILED),
            (Failure::NoFeed, STATUS_FAILED),
            (Failure::LedgerMoves, STATUS_FAILED),
            (Failure::FeedOfOne, STATUS_USAGE),
            (Failure::LedgerOfOne, STATUS_USAGE),
            (usage.into(), STATUS_USAGE),
            (own_server.into(), STATUS_NO_VERDICT),
            (RehearsalError::Interrupted.into(), STATUS_INTERRUPTED),
            (Failure::Store(damaged()), STATUS_NOT_SOUND),
            (Failure::Store(too_new), STATUS_NOT_SOUND),
            (Failure::Serve(ServeError::Store(damaged())), STATUS_NOT_SOUND),
            (unfinished(Failure::Store(damaged())), STATUS_NOT_SOUND),
            (unfinished(Failure::Store(locked)), STATUS_FAILED),
            (Failure::NoData("data".into()), STATUS_FAILED),
            (Failure::Fatal("a sync".to_owned()), STATUS_STORE_FAILED),
        ];
        for (failure, status) in table {
            assert_eq!(failure.status(), status, "{failure:?}");
        }
    }

    #[test]
    fn only_what_is_stored_and_damaged_or_too_new_is_found_in_an_event() {
        let store = |error| Failure::Store(error);
        let finding = |failure: Failure| failure.found_in(EventId(1)).is_ok();
        assert!(finding(store(StoreError::Damaged { reason: "a bit".to_owned() })));
        assert!(finding(store(StoreError::FormatTooNew { needed: 9, supported: 1 })));
        assert!(finding(Failure::NotSound("I4".to_owned())));
        assert!(!finding(store(StoreError::Unavailable { reason: "too many open files".to_owned() })));
        assert!(!finding(store(StoreError::Fatal { reason: "a sync".to_owned() })));
    }
}
