//! Export and import of the state as plain columns.

mod export;
mod import;
mod quoted;
