//! Benchmarks of the engine, the writer, the store and the HTTP surface: fixtures and printing that the binaries share.
//!
//! Figures are printed, never asserted; `docs/benchmarks.md` keeps them with the command that made them.
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // a benchmark prints, and reads the clock

mod counting;
mod fixture;
mod installation;
mod report;
mod served;

pub use counting::CountingAllocator;
pub use fixture::{
    EVENT, SALE_OPENS_AT, hall, hold_command, opened, priced, split_command, standing, subject,
    together_command,
};
pub use installation::Installation;
pub use report::{Latencies, median, number_argument, row, title};
pub use served::{Served, free_port, processor_us, wait_for};
