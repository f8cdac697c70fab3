//! The store on FoundationDB: [`tessera_store::Log`] and [`tessera_store::Table`] on a cluster that any number of nodes share.
//!
//! Without the feature `foundationdb` there is only what needs no client library: which keys an installation has ([`keyspace`]), what stands
//! under them ([`rows`]), what an error means ([`errors`]), how long a read version is used again ([`read_version`]), and how a place in the
//! feed is written ([`cursor`]). With it there is the store, which needs `libfdb_c` to link. Decisions and traps are in `docs/adr/0012-foundationdb.md`.

pub mod cursor;
pub mod errors;
pub mod keyspace;
pub mod read_version;
pub mod rows;

#[cfg(feature = "foundationdb")]
mod append;
#[cfg(feature = "foundationdb")]
mod cluster;
#[cfg(feature = "foundationdb")]
mod feed;
#[cfg(feature = "foundationdb")]
mod log;
#[cfg(feature = "foundationdb")]
mod network;
#[cfg(feature = "foundationdb")]
mod store;
#[cfg(feature = "foundationdb")]
mod table;

#[cfg(feature = "foundationdb")]
pub use cluster::{Cluster, READ_ANSWER_MAX};
#[cfg(feature = "foundationdb")]
pub use feed::{FeedEntry, FeedRead};
#[cfg(feature = "foundationdb")]
pub use network::{ClientFaults, Network};
#[cfg(feature = "foundationdb")]
pub use store::FoundationStore;
