//! The deterministic world: writers, clients and a faulty store from one seed, judged by an oracle after every step.
//!
//! The same seed and plan give the same trace, byte for byte. To reproduce a failing seed: `cargo run -p tessera-world -- --seed N`.

mod buyer;
mod catalogue;
mod disturbance;
mod happened;
mod node;
mod oracle;
mod plan;
mod prng;
mod store;
mod trace;
mod world;

pub use disturbance::{Disturbance, Evidence};
pub use happened::Happened;
pub use oracle::Violation;
pub use plan::{Crash, CrashPoint, MakeOptions, Orphans, Plan};
pub use world::{Failure, Summary, run};
