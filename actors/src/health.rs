//! How the tree is: written by its actors, read by readiness probes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tessera_inventory::EventId;
use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::supervision::Role;
use crate::{
    DOUBTED_CLOCKS_LISTED_MAX, PlatformStatus, STUCK_FOLLOWERS_MAX, StuckFollower, SupervisorStatus,
};

#[derive(Debug, Default)]
struct RoleHealth {
    running: AtomicBool,
    restarts: AtomicU32,
}

/// How the tree is.
#[derive(Debug)]
pub(crate) struct Health {
    roles: [RoleHealth; Role::ALL.len()],
    draining: AtomicBool,
    fatal: watch::Sender<Option<String>>,
    quarantined: Mutex<BTreeSet<EventId>>,
    /// Active events whose clock is doubted.
    doubted_clocks: Mutex<BTreeSet<EventId>>,
    /// Why a follower cannot go on with an event.
    stuck: Mutex<BTreeMap<(EventId, &'static str), String>>,
    wake_ups: AtomicUsize,
}

impl Health {
    pub(crate) fn new() -> Health {
        Health {
            roles: std::array::from_fn(|_| RoleHealth::default()),
            draining: AtomicBool::new(false),
            fatal: watch::Sender::new(None),
            quarantined: Mutex::default(),
            doubted_clocks: Mutex::default(),
            stuck: Mutex::default(),
            wake_ups: AtomicUsize::new(0),
        }
    }

    pub(crate) fn set_running(&self, role: Role, running: bool) {
        self.roles[role.index()].running.store(running, Ordering::Release);
    }

    pub(crate) fn count_restart(&self, role: Role) {
        self.roles[role.index()].restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The process must end. The first reason stays.
    pub(crate) fn fail(&self, reason: String) {
        tracing::error!(reason, "the process must end");
        self.fatal.send_if_modified(|fatal| {
            let first = fatal.is_none();
            fatal.get_or_insert(reason);
            first
        });
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.fatal.borrow().is_some()
    }

    /// Resolves with the reason once the process must end.
    pub(crate) async fn fatal(&self) -> String {
        let mut fatal = self.fatal.subscribe();
        loop {
            if let Some(reason) = fatal.borrow_and_update().clone() {
                return reason;
            }
            if fatal.changed().await.is_err() {
                // The sender lives as long as `self`; without it nothing can fail any more.
                std::future::pending::<()>().await;
            }
        }
    }

    pub(crate) fn set_quarantined(&self, event: EventId, quarantined: bool) -> usize {
        let mut events = locked(&self.quarantined);
        if quarantined {
            events.insert(event);
        } else {
            events.remove(&event);
        }
        events.len()
    }

    pub(crate) fn set_all_quarantined(&self, all: impl Iterator<Item = EventId>) -> usize {
        let mut events = locked(&self.quarantined);
        *events = all.collect();
        events.len()
    }

    pub(crate) fn is_quarantined(&self, event: EventId) -> bool {
        locked(&self.quarantined).contains(&event)
    }

    /// Returns how many are doubted.
    pub(crate) fn set_clock_doubted(&self, event: EventId, doubted: bool) -> usize {
        let mut events = locked(&self.doubted_clocks);
        if doubted {
            events.insert(event);
        } else {
            events.remove(&event);
        }
        events.len()
    }

    /// `None`: the follower goes on. Returns how many are stuck, as far as they are remembered.
    pub(crate) fn set_stuck(&self, event: EventId, follower: &'static str, reason: Option<String>) -> usize {
        let mut stuck = locked(&self.stuck);
        match reason {
            Some(reason) if stuck.len() < STUCK_FOLLOWERS_MAX => stuck.insert((event, follower), reason),
            Some(_) => None,
            None => stuck.remove(&(event, follower)),
        };
        stuck.len()
    }

    pub(crate) fn set_wake_ups(&self, count: usize) {
        self.wake_ups.store(count, Ordering::Relaxed);
    }

    pub(crate) fn wake_ups(&self) -> usize {
        self.wake_ups.load(Ordering::Relaxed)
    }

    pub(crate) fn status(&self, active_events: usize, cluster: Option<&Cluster>) -> PlatformStatus {
        let supervisors = Role::of(cluster.is_some()).map(|role| {
            let health = &self.roles[role.index()];
            SupervisorStatus {
                name: role.name(),
                running: health.running.load(Ordering::Acquire),
                restarts: health.restarts.load(Ordering::Relaxed),
            }
        });
        let (quarantined, doubted) = (locked(&self.quarantined), locked(&self.doubted_clocks));
        let stuck = |(&(event, follower), reason): (&(EventId, &'static str), &String)| StuckFollower {
            follower,
            event,
            reason: reason.clone(),
        };
        PlatformStatus {
            supervisors: supervisors.collect(),
            lacks_lease: cluster.is_some_and(|cluster| cluster.me().is_none() || cluster.is_doubtful()),
            active_events,
            scheduled_wake_ups: self.wake_ups.load(Ordering::Relaxed),
            quarantined: quarantined.iter().copied().collect(),
            doubted_clocks: doubted.iter().take(DOUBTED_CLOCKS_LISTED_MAX).copied().collect(),
            doubted_clocks_count: doubted.len(),
            stuck_followers: locked(&self.stuck).iter().map(stuck).collect(),
            draining: self.is_draining(),
            fatal: self.fatal.borrow().clone(),
        }
    }
}

fn locked<T>(set: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change to these is one insertion or removal: nobody leaves one half-done.
    set.lock().unwrap_or_else(PoisonError::into_inner)
}
