//! The repositories, over the memory store.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod api_keys;
mod catalogue;
mod entry;
mod follower_cursors;
mod installation;
mod orders;
mod quarantine;
mod receipts;
mod ticket_keys;
mod waitlist;
mod webhooks;
