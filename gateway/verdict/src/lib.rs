//! Judges the recording of a rehearsal, and shows it to people.
//!
//! [`judge::judge`] makes a [`verdict::Verdict`] of a [`recording::Recording`]; [`report::write`] shows both to people, and
//! [`compare::compare`] puts two runs beside each other. `docs/simulate-report.md` tells how to read what they say.
//!
//! Deliberately absent: any of the engine's or the server's code. What the verdict believes, clients were told over HTTP.

pub mod compare;
pub mod evidence;
pub mod fairness;
pub mod judge;
pub mod linear;
pub mod load;
pub mod objectives;
pub mod record;
pub mod recording;
mod refusals;
pub mod report;
pub mod silence;
pub mod verdict;
