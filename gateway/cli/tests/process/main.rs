//! The real binary as a process: killed, restarted, started twice, given nonsense.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods
)] // tests of a process

mod certificates;
mod crowd;
mod demo;
mod disk;
mod export;
mod formats;
mod foundationdb;
mod inspect;
mod installation;
mod kill;
mod memory;
#[cfg(feature = "mutants")]
mod mutants;
#[cfg(feature = "foundationdb")]
mod nodes;
mod paid;
mod repair;
mod server;
#[path = "../../../../tests/fault-shim/tests/rig/build.rs"]
mod shim;
mod simulate;
mod start;
mod verify;
