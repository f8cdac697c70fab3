//! Fuzz targets: plain functions of bytes that panic when a promise is broken.
//!
//! `tests/corpus.rs` runs each over its corpus and seeded mutations of it, with every `cargo test`; `libfuzzer/` runs them for as long as
//! one likes. `README.md` says how.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a broken promise is a panic here

pub mod codec;
pub mod commands;
pub mod damage;
pub mod http;
pub mod mutation;
pub mod scenario;
mod scene;
pub mod seeds;
pub mod tickets;
pub mod venue;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of the folder of its corpus.
    pub name: &'static str,
    /// Panics when the input breaks a promise.
    pub run: fn(&[u8]),
    /// Longest input that is worth its time, in bytes.
    pub bytes_max: usize,
    /// How many mutations of its corpus are tried with every `cargo test`.
    pub mutations: u64,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "records", run: codec::records, bytes_max: 4_096, mutations: 4_000 },
    Target { name: "snapshots", run: codec::snapshots, bytes_max: 16_384, mutations: 2_000 },
    Target { name: "logs", run: damage::logs, bytes_max: 256, mutations: 1_000 },
    Target { name: "journals", run: damage::journals, bytes_max: 256, mutations: 40 },
    Target { name: "commands", run: commands::run, bytes_max: 4_096, mutations: 800 },
    Target { name: "venues", run: venue::run, bytes_max: 16_384, mutations: 6_000 },
    Target { name: "tickets", run: tickets::run, bytes_max: 512, mutations: 6_000 },
    Target { name: "scenarios", run: scenario::run, bytes_max: 16_384, mutations: 6_000 },
    Target { name: "http", run: http::run, bytes_max: 16_384, mutations: 1_500 },
];
