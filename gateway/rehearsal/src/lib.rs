//! The load rehearsal: a crowd from a scenario file, sent at a server whatever that does, and everything that was seen, recorded.
//!
//! Deliberately absent: any of the engine's or the server's code, and any judgement. `tessera_verdict` judges the recording.
