//! The deterministic world: writers, clients and a faulty store from one seed, judged by an oracle after every step.
//!
//! The same seed and plan give the same trace, byte for byte. `tessera-sim` runs it; `docs/reliability.md` says what it covers.

mod catalogue;
mod client;
mod cluster;
mod disturbance;
mod follower;
mod minimise;
mod mutant;
mod node;
mod notary;
mod oracle;
mod paying;
mod plan;
mod prng;
mod shadow;
mod store;
mod tally;
mod trace;
mod world;

pub use cluster::ClusterMutant;
pub use disturbance::{DiskFault, Disturbance, Evidence, Place};
pub use minimise::minimise;
pub use mutant::{MUTANTS, Mutant, NamedMutant};
pub use oracle::Violation;
pub use plan::{Crash, CrashPoint, Duty, Media, Mix, Network, Orphans, Ownership, Paying, Plan, Till, Venue};
pub use tally::Tally;
pub use world::{Failure, Summary, run};
