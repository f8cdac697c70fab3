//! Loom models of what the actors had to write themselves: the wake flag, the gate and the permits in front of a writer.
//!
//! A crate of its own, because `--cfg loom` hides the network of tokio. Run:
//! `RUSTFLAGS="--cfg loom" cargo test -p tessera-loom-models --release`. Without that flag there is nothing in it.
#![cfg(loom)]
// Only what the models exercise is used here; the platform uses all of it.
#![allow(dead_code)]

#[path = "../../src/ingress/gate.rs"]
mod gate;
#[path = "../../src/ingress/wake.rs"]
mod wake;

#[cfg(test)]
mod models;
