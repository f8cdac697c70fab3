//! The writer's rules as scripts: each line with `>` is an input, each other line an output that must follow it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod activation;
mod bounds;
mod clock;
mod closing;
mod outcomes;
mod receipts;
mod stage;
mod turn;
mod waitlist;
