//! Bounds on what is sent and answered.

use std::time::Duration;

/// Longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// Most addresses of a name that are tried.
pub const ADDRESSES_MAX: usize = 4;
/// Longest an exchange may be given: no connection is older than [`CONNECTION_AGE`] and this.
pub const DEADLINE_MAX: Duration = Duration::from_secs(20);
/// Longest a connection is kept without use: shorter than servers usually do, so that seldom both end it at once.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(2);
/// Oldest a connection is over which something else is sent: then its name is resolved again.
pub const CONNECTION_AGE: Duration = Duration::from_secs(30);
/// Most connections that a client keeps without use.
pub const CONNECTIONS_KEPT_MAX: usize = 256;
/// Longest answer that nobody looks at, in bytes, after which its connection is kept.
pub const UNREAD_BYTES_MAX: usize = 65_536;
