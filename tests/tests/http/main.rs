//! The API over real HTTP on loopback, over the memory store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)] // tests of a server from outside

mod availability;
mod bad_commands;
mod bad_input;
mod changes;
mod check_ins;
mod codes;
mod credentials;
mod documents;
mod events;
mod first;
mod holds;
mod idempotency;
mod nodes;
mod offers;
mod operations;
mod orders;
mod papers;
mod payments;
mod pricing;
mod rate_limit;
mod raw_socket;
mod receipts;
mod scenarios;
mod slow_readers;
mod sockets;
mod store_faults;
mod tickets_shown;
mod traces;
mod webhook_endpoints;
mod webhooks;
mod went_back;
