//! Why a demo could not run to its end. A broken invariant is no error: it stands in the report.

use std::io;

/// Why the demo stopped before its report.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The base URL is not `http://host:port`.
    #[error("the server's address must look like http://127.0.0.1:8080, not {0}")]
    Address(String),
    /// Nothing answers at the address, and nothing did for [`crate::client::PATIENCE`].
    #[error("the server at {address} does not answer any more; was it stopped? see its log")]
    ServerGone {
        /// Where it was expected.
        address: String,
        /// The last failure to connect.
        source: io::Error,
    },
    /// The operating system gives this process no more sockets.
    #[error(
        "the demo cannot open another connection to its server, which runs in the same process; raise the limit of open files (ulimit -n), \
         or come over fewer connections (--connections)"
    )]
    NoSockets {
        /// What the operating system says.
        source: io::Error,
    },
    /// The server took a request and did not answer it for [`crate::client::PATIENCE`].
    #[error(
        "the server at {address} has not answered for too long; see its log (if that tells of too many open files: ulimit -n)"
    )]
    Silent {
        /// Where it was asked.
        address: String,
    },
    /// The server kept saying *later* for longer than [`crate::client::PATIENCE`].
    #[error("the server at {address} answered {status} to {route} for too long; see its log")]
    StillUnavailable {
        /// Where it was asked.
        address: String,
        /// The route.
        route: String,
        /// The last status.
        status: u16,
    },
    /// A step of the set-up was refused.
    #[error("{step} was refused with {status}: {detail}")]
    Refused {
        /// What was tried.
        step: String,
        /// HTTP status.
        status: u16,
        /// The problem document.
        detail: String,
    },
    /// A reply is not what `docs/api.md` promises.
    #[error("the reply to {step} cannot be read: {body}")]
    Unreadable {
        /// What was asked.
        step: String,
        /// The beginning of the body.
        body: String,
        /// Where it fails.
        source: serde_json::Error,
    },
    /// The venue file cannot be read.
    #[error("the venue file cannot be read: {detail}")]
    Venue {
        /// What is wrong.
        detail: String,
    },
    /// A task of the demo itself failed.
    #[error("a task of the demo ended early")]
    Task(#[from] tokio::task::JoinError),
}

impl DemoError {
    /// An unreadable reply, with the beginning of its body.
    #[must_use]
    pub fn unreadable(step: &str, body: &[u8], source: serde_json::Error) -> Self {
        let shown = &body[..body.len().min(200)];
        DemoError::Unreadable {
            step: step.to_owned(),
            body: String::from_utf8_lossy(shown).into_owned(),
            source,
        }
    }
}
