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

/// Why an event is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It failed again and again, or what is stored of it cannot be served.
    Failed,
    /// The store lacks what was acknowledged of it.
    WentBack,
}

/// An event that is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetAside {
    pub(crate) reason: Reason,
    /// Whether its row is known to be written: when it is gone then, an operator has lifted it, through any node.
    pub(crate) is_recorded: bool,
}

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
    set_aside: Mutex<BTreeMap<EventId, SetAside>>,
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
            set_aside: Mutex::default(),
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

    /// `None`: it is not any more.
    pub(crate) fn set_aside(&self, event: EventId, aside: Option<SetAside>) {
        let mut events = locked(&self.set_aside);
        match aside {
            Some(aside) => drop(events.insert(event, aside)),
            None => drop(events.remove(&event)),
        }
    }

    pub(crate) fn set_all_aside(&self, all: BTreeMap<EventId, SetAside>) {
        *locked(&self.set_aside) = all;
    }

    /// The row of an event is written, if it is still set aside.
    pub(crate) fn recorded_aside(&self, event: EventId) {
        if let Some(aside) = locked(&self.set_aside).get_mut(&event) {
            aside.is_recorded = true;
        }
    }

    pub(crate) fn aside(&self, event: EventId) -> Option<SetAside> {
        locked(&self.set_aside).get(&event).copied()
    }

    /// How many failed, and how many went back.
    pub(crate) fn count_set_aside(&self) -> (usize, usize) {
        let events = locked(&self.set_aside);
        let failed = events.values().filter(|aside| aside.reason == Reason::Failed).count();
        (failed, events.len() - failed)
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
        let (aside, doubted) = (locked(&self.set_aside), locked(&self.doubted_clocks));
        let set_aside = |reason: Reason| {
            let events = aside.iter().filter(|(_, aside)| aside.reason == reason);
            events.map(|(event, _)| *event).collect()
        };
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
            quarantined: set_aside(Reason::Failed),
            went_back: set_aside(Reason::WentBack),
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
