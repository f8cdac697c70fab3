//! The named limits of a cluster.

/// The length of a lease where none is set, in milliseconds.
pub const LEASE_MS_DEFAULT: u64 = 3_000;
/// The shortest lease, in milliseconds: a beat must get through a busy store several times within it.
pub const LEASE_MS_MIN: u64 = 500;
/// The longest lease, in milliseconds: for that long, and up to twice, the events of a dead node have no owner.
pub const LEASE_MS_MAX: u64 = 60_000;
/// Most nodes of an installation: every node reads the rows of all of them several times in a lease.
pub const NODES_MAX: usize = 200;

/// A lease is renewed, and the nodes are listed, so many times in its length.
pub(crate) const RENEWALS_PER_LEASE: u64 = 3;
/// What the store did not answer is asked again so many times in the length of a lease.
pub(crate) const RETRIES_PER_LEASE: u64 = 10;
