//! Followers of the log: what happens after an event is durable, outside of its inventory. A follower that falls behind never holds up
//! a writer: it is told that the log has grown, at most once at a time, and reads the log itself.

mod entry;
mod follower;
mod notary;
mod supervisor;
mod work;

pub(crate) use self::follower::{Follower, FollowerMessage};
pub(crate) use self::supervisor::FollowerSupervisor;
pub(crate) use self::work::Step;

/// The followers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FollowerKind {
    /// Projects orders by subject, for the gateway's lists.
    OrdersBySubject,
    /// Writes what is wanted of payments, and the ledger.
    Payment,
    /// Keeps who waits.
    Waitlist,
    /// Keeps webhooks, and writes what is to be said to people.
    Notification,
    /// Signs receipts.
    Notary,
    /// Projects what passed the gates, for devices and the gateway's lists.
    Entry,
}

/// How many followers there are.
pub(crate) const FOLLOWERS: usize = FollowerKind::ALL.len();

impl FollowerKind {
    pub(crate) const ALL: [FollowerKind; 6] = [
        FollowerKind::OrdersBySubject,
        FollowerKind::Payment,
        FollowerKind::Waitlist,
        FollowerKind::Notification,
        FollowerKind::Notary,
        FollowerKind::Entry,
    ];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The name of its cursor; stored, never reused for another purpose.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            FollowerKind::OrdersBySubject => "orders-by-subject",
            FollowerKind::Payment => tessera_money::following::FOLLOWER,
            FollowerKind::Waitlist => "waitlist",
            FollowerKind::Notification => "notification",
            FollowerKind::Notary => "notary",
            FollowerKind::Entry => "entry",
        }
    }
}
