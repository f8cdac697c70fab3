//! Cases of the inventory as scripts: every line is a command and, after `=>`, its outcome. After every line all invariants
//! are checked; at the end the log is replayed and the state exported and imported, all to the same digest.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod hall;
mod script;
mod world;

mod channels;
mod configuration;
mod entry;
mod holds;
mod keys;
mod kills;
mod late;
mod limits;
mod orders;
mod phases;
mod pricing;
mod refunds;
mod requests;
mod seats;
mod snapshots;
mod stock;
mod tickets;
mod time;
mod uploads;
mod waitlist;
