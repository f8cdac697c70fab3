//! Tests that cross crates; one binary with a module per resource. Here is what they share: a server of their own, and a
//! sale in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // for tests only

mod clock;
mod contract;
pub mod provider;
pub mod reach;
pub mod receiver;
pub mod relay;
mod sale;
mod server;

pub use clock::ForwardClock;
pub use contract::Contract;
pub use sale::{Sale, hall, standing};
pub use server::{ADMIN_TOKEN, Ask, Reply, Server, fresh_key};
