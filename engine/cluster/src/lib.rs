//! A cluster of nodes without I/O: when a node renews its lease, whom it evicts, where an event belongs, and who may claim it.
//!
//! Nothing here fences: `head` does ([`tessera_writer::Head`]). What is decided here only routes, and may be wrong for a while.
//! The reasons are in `docs/adr/0011-a-cluster-of-nodes.md`.

mod claims;
mod clocks;
mod limits;
mod members;
mod membership;
mod placement;
mod rows;

pub use claims::{Claim, Transfer, claim, transfer};
pub use clocks::OtherClocks;
pub use limits::{LEASE_MS_DEFAULT, LEASE_MS_MAX, LEASE_MS_MIN, NODES_MAX};
pub use members::{Member, Members};
pub use membership::{
    Evicted, Listed, Membership, MembershipInput, MembershipOptions, MembershipOutput, Renewed,
};
pub use placement::{place, rank};
pub use rows::{Beat, Load, NodeId, NodeRow, OwnerRow, Standing};
