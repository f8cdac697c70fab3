//! The load rehearsal: a crowd from a scenario file, sent at a server whatever that does, and everything that was seen, recorded.
//!
//! [`scenario::Scenario`] is read from a file; [`run::Rehearsal::run`] sets its event up, sends its crowd and hands back the recording.
//! `docs/simulate.md` describes both for those who rehearse.
//!
//! Deliberately absent: any of the engine's or the server's code, and any judgement. `tessera_verdict` judges the recording.

// The rehearsal is a client from outside of the system: its clock is the wall's, its threads and its patience are its own.
#![allow(clippy::disallowed_methods)]

mod arrivals;
pub mod capacity;
pub mod crowd;
mod dashboard;
mod door;
mod environment;
pub mod error;
mod latencies;
pub mod live;
mod metrics;
pub mod notes;
pub mod open_files;
pub mod own_server;
mod payment;
pub mod plan;
mod prepare;
mod quiet;
pub mod run;
pub mod scenario;
pub mod screen;
mod session;
pub mod shard;
mod sockets;
pub mod stage;
pub mod summary;
pub mod target;
mod visitor;
pub mod watch;
pub mod wishes;
