//! The tree above the domain: the root, its six children, and when a failed child is started again.

mod restart;
mod root;

pub(crate) use self::restart::{RestartBudget, Verdict, backoff_ms};
pub(crate) use self::root::{Root, RootMessage};

/// The six children of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Keeps up what requests read: the projection of orders by subject.
    Gateway,
    /// Keeps up the writers.
    Inventory,
    /// Keeps up the follower of payments.
    Payment,
    /// Keeps up the follower of the waitlist.
    Waitlist,
    /// Keeps up the follower of notifications.
    Notification,
    /// Keeps up the notary.
    Notary,
}

impl Role {
    pub(crate) const ALL: [Role; 6] =
        [Role::Gateway, Role::Inventory, Role::Payment, Role::Waitlist, Role::Notification, Role::Notary];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Role::Gateway => "gateway",
            Role::Inventory => "inventory",
            Role::Payment => "payment",
            Role::Waitlist => "waitlist",
            Role::Notification => "notification",
            Role::Notary => "notary",
        }
    }
}
