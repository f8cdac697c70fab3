//! The embedded store: a segment journal under the log, fjall under the tables.
