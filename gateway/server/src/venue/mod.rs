//! The venue file: what an organizer writes, and how it becomes the engine's configuration.

mod entry;
mod field;
mod intake;
mod resolve;
mod schema;
mod tariff;
mod tariff_schema;
mod waitlist;

pub(crate) use field::in_file;
pub(crate) use intake::{Intake, Room};
pub use resolve::resolve;
pub use schema::Venue;
pub(crate) use tariff::{per_cent, per_cent_text};
