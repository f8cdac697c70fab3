//! Small exhaustive models: every order of everything that may happen, within bounds, explored completely.
//!
//! The deterministic world (`simulations/world`) runs the whole product over long histories, one order of events a seed. Here it is the
//! other way round: short histories, in all orders. Both run the product's own machines.

mod appends;
mod event;
mod footprint;
pub mod lease;
mod owners;
mod seen;
pub mod takeover;
