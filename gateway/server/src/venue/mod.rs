//! The venue file: what an organizer writes, and how it becomes the engine's configuration.

mod resolve;
mod schema;

pub use resolve::resolve;
pub use schema::Venue;
