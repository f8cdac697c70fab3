//! The record codec, from the outside: round trips, damaged bytes, and bytes that earlier formats left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_possible_truncation, missing_docs)]

mod entry;
mod examples;
mod golden;
mod malformed;
mod replay;
mod round_trip;
mod schema;
mod snapshot;
mod strategies;
mod tariffs;
