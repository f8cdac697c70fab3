//! Why a command failed, and the status that the process ends with.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use tessera_demo::error::DemoError;
use tessera_server::server::ServeError;
use tessera_server::settings::SettingsError;
use tessera_server::telemetry::LogLevelError;
use tessera_store::StoreError;

use crate::output;

/// The command could not be carried out.
const STATUS_FAILED: u8 = 1;
/// The store failed while the server ran (also: a supervisor could not be kept up).
const STATUS_STORE_FAILED: u8 = 3;
/// What was verified is not sound.
const STATUS_NOT_SOUND: u8 = 4;

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
    /// The data directory is not there.
    #[error("there is no data directory {}; name another with --data", .0.display())]
    NoData(PathBuf),
    /// A file or directory cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory of the demo holds something else.
    #[error("{} is not empty; the demo begins with an empty directory, name another with --data", .0.display())]
    NotEmpty(PathBuf),
    /// The directory that a repair is to fill holds something.
    #[error("{} is not empty; a repair fills a new directory, name another with --into", .0.display())]
    TargetNotEmpty(PathBuf),
    /// The repaired installation could not be completed.
    #[error("the repair did not come to its end; nothing in the old installation was changed; remove {} and try again", unfinished.display())]
    RepairUnfinished {
        /// What there is of the new one.
        unfinished: PathBuf,
        /// Why.
        source: Box<Failure>,
    },
    /// Not the identifier of an event.
    #[error("{0} is not the identifier of an event; `tessera inspect` lists them")]
    NotAnEvent(String),
    /// There is no such event.
    #[error("there is no event {0} in this installation; `tessera inspect` lists them")]
    NoSuchEvent(String),
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
        ExitCode::from(match self {
            Failure::Fatal(_) => STATUS_STORE_FAILED,
            Failure::NotSound(_) => STATUS_NOT_SOUND,
            _ => STATUS_FAILED,
        })
    }
}
