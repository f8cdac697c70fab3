//! The tree above the domain: the root, its five children, and when a failed child is started again.

mod restart;
mod root;

pub(crate) use self::restart::{RestartBudget, Verdict, backoff_ms};
pub(crate) use self::root::{Root, RootMessage};

/// The five children of the root.
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
}

impl Role {
    pub(crate) const ALL: [Role; 5] =
        [Role::Gateway, Role::Inventory, Role::Payment, Role::Waitlist, Role::Notification];

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
        }
    }
}
