//! The tree above the domain: the root, its children, and when a failed child is started again.

mod restart;
mod root;

pub(crate) use self::restart::{RestartBudget, Verdict, backoff_ms};
pub(crate) use self::root::{Root, RootMessage};

/// The children of the root.
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
    /// Keeps this node registered; only in a cluster.
    Registrar,
}

impl Role {
    pub(crate) const ALL: [Role; 7] = [
        Role::Gateway,
        Role::Inventory,
        Role::Payment,
        Role::Waitlist,
        Role::Notification,
        Role::Notary,
        Role::Registrar,
    ];

    /// Those that there are.
    pub(crate) fn of(has_cluster: bool) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| has_cluster || *role != Role::Registrar)
    }

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
            Role::Registrar => "registrar",
        }
    }
}
