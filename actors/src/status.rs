//! How the supervision tree is, for readiness and metrics.

use tessera_inventory::EventId;

/// How the supervision tree is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformStatus {
    /// The supervisors: gateway, inventory, payment, waitlist, notification, notary; in a cluster the registrar, too.
    pub supervisors: Vec<SupervisorStatus>,
    /// Events with a running writer.
    pub active_events: usize,
    /// Idle events that will be activated when their schedule is due.
    pub scheduled_wake_ups: usize,
    /// Events set aside after repeated failures.
    pub quarantined: Vec<EventId>,
    /// Events set aside because the store lacks what was acknowledged of them.
    pub went_back: Vec<EventId>,
    /// Active events whose wall clock is implausible: their openings and expiries wait. At most
    /// [`crate::DOUBTED_CLOCKS_LISTED_MAX`] are listed.
    pub doubted_clocks: Vec<EventId>,
    /// How many there are.
    pub doubted_clocks_count: usize,
    /// Followers that cannot go on with an event, at most [`crate::STUCK_FOLLOWERS_MAX`].
    pub stuck_followers: Vec<StuckFollower>,
    /// In a cluster: whether this node has no lease, or could not renew it for its whole length.
    pub lacks_lease: bool,
    /// Whether a shutdown is under way.
    pub draining: bool,
    /// Why the process must end, if it must.
    pub fatal: Option<String>,
}

/// A follower that cannot go on with the log of an event: it is tried again when the event is next activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckFollower {
    /// Its name.
    pub follower: &'static str,
    /// The event.
    pub event: EventId,
    /// For the operator.
    pub reason: String,
}

/// How one supervisor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisorStatus {
    /// Its name.
    pub name: &'static str,
    /// Whether it runs (between a failure and its restart it does not).
    pub running: bool,
    /// How often it was restarted since the process started.
    pub restarts: u32,
}

impl PlatformStatus {
    /// Ready to sell: all supervisors run, nothing fatal, not draining, and in a cluster the lease is held.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.fatal.is_none()
            && !self.draining
            && !self.lacks_lease
            && self.supervisors.iter().all(|one| one.running)
    }
}
