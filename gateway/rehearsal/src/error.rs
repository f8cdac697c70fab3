//! Why a rehearsal could not be carried out. What a server did wrong is no error: it is in the recording, and the verdict says so.

use std::fmt;
use std::io;
use std::path::PathBuf;

use tessera_demo::error::DemoError;

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The target may not be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Something on the command line does not fit the scenario.
    #[error("{0}")]
    Usage(String),
    /// The operating system lets this process open too few files.
    #[error(
        "the scenario needs {wanted} open files ({sockets} sockets), and the hard limit is {limit}: raise it (ulimit -Hn), or lower crowd.sockets"
    )]
    OpenFiles {
        /// Files that are needed.
        wanted: u64,
        /// Of them sockets.
        sockets: u32,
        /// What may be open.
        limit: u64,
    },
    /// The own server did not start, or ended in the middle.
    #[error("the server that the rehearsal started {what}; it said:\n{said}")]
    OwnServer {
        /// What happened to it.
        what: String,
        /// The end of its log.
        said: String,
    },
    /// The server refused the set-up, or is gone.
    #[error(transparent)]
    Server(DemoError),
    /// The operating system gives this process no more sockets.
    #[error(
        "this process gets no more sockets: raise the limit of open files (ulimit -n), or lower crowd.sockets"
    )]
    NoSockets(#[source] io::Error),
    /// A file cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A thread or a runtime did not start.
    #[error("the threads of the generator did not start")]
    Threads(#[source] io::Error),
    /// A part of the generator ended early: a defect.
    #[error("a part of the generator ended early")]
    Task(#[from] tokio::task::JoinError),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted; nothing was recorded")]
    Interrupted,
}

impl From<DemoError> for RehearsalError {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::NoSockets { source } => RehearsalError::NoSockets(source),
            other => RehearsalError::Server(other),
        }
    }
}

/// What is wrong with a scenario, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// Its line, where it is known.
    pub line: Option<usize>,
    /// The field, such as `crowd.buyers`.
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub detail: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// Why a target is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not `http://host:port`.
    #[error("the target must look like http://127.0.0.1:8080, not {0} (no path, no user, no https)")]
    NotAnAddress(String),
    /// Nobody knows the host.
    #[error("no address is known for {0}")]
    Unknown(String),
    /// It is not this machine.
    #[error(
        "{host} is {address}, which is not this machine, and a rehearsal is an attack on whatever it aims at: \
         add --i-own-this-target {host} if it is yours"
    )]
    NotLoopback {
        /// The host of the target.
        host: String,
        /// Its address.
        address: String,
    },
    /// `--i-own-this-target` names another host.
    #[error("--i-own-this-target names {named}, and the target is {host}: they must be the same")]
    OtherOwned {
        /// The host that was named.
        named: String,
        /// The host of the target.
        host: String,
    },
}
