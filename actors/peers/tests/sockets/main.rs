//! Nodes that speak with each other over real sockets of this machine.
#![allow(clippy::unwrap_used)] // tests

mod certificates;
mod failures;
mod forwarding;
mod nodes;
mod proxy;
mod stopping;
