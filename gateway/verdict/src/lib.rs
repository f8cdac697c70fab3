//! Judges the recording of a rehearsal, and shows it to people.
//!
//! Deliberately absent: any of the engine's or the server's code. What the verdict believes, clients were told over HTTP.

pub mod recording;
