//! The API over real HTTP on loopback, over the memory store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod first;
