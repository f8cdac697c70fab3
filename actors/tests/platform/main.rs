//! The supervision tree over the memory store, on a clock that the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod cluster;
mod drain;
mod expiry;
mod failures;
mod flood;
mod following;
mod messages;
mod ownership;
mod payments;
mod poison;
mod publication;
mod receipts;
mod recovery;
mod refunds;
mod selling;
mod sleep;
mod store;
mod storm;
mod webhooks;
mod went_back;
mod world;
