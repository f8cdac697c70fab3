//! Entry with devices: what they are told, what they tell, what came of it.

pub(crate) mod conflicts;
pub(crate) mod devices;
pub(crate) mod scans;
pub(crate) mod snapshots;
pub(crate) mod statistics;
