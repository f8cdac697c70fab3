//! Export and import of the state as plain columns.

mod entry;
mod export;
mod import;
mod money;
mod quoted;
mod waitlist;
