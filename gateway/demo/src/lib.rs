//! The demo: a flash sale driven over real HTTP, with its report.
//!
//! [`run::run`] takes the address of a running server and the administrator's token. It sets an event up through the
//! API, sends the buyers of [`mix`] at it, and then checks from the outside, with nothing but replies, the change feed and
//! the public documents, that every invariant held. `docs/demo.md` tells the story; `docs/api.md` is the contract.
//!
//! Deliberately absent: any of the engine's or the server's code. What the demo believes, it was told over HTTP.

// The demo is a client from outside of the system: its clock is the wall's, and its patience is its own.
#![allow(clippy::disallowed_methods)]

pub mod aftermath;
pub mod arena;
pub mod buyer;
mod cashier;
pub mod check;
pub mod client;
pub mod error;
pub mod feed;
pub mod fold;
pub mod keys;
pub mod mix;
pub mod page;
pub mod papers;
pub mod pick;
pub mod progress;
pub mod random;
pub mod refusal;
pub mod report;
pub mod run;
pub mod sale;
pub mod setup;
pub mod stranding;
pub mod tally;
pub mod together;
pub mod unacknowledged;
pub mod venue;
pub mod watcher;
pub mod wire;
