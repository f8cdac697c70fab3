//! How the tree is: written by its actors, read by readiness probes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tessera_inventory::EventId;
use tokio::sync::watch;

use crate::supervision::Role;
use crate::{PlatformStatus, SupervisorStatus};

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
    wake_ups: AtomicUsize,
}

impl Health {
    pub(crate) fn new() -> Health {
        Health {
            roles: std::array::from_fn(|_| RoleHealth::default()),
            draining: AtomicBool::new(false),
            fatal: watch::Sender::new(None),
            quarantined: Mutex::default(),
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
        let mut events = self.quarantined.lock().unwrap_or_else(PoisonError::into_inner);
        if quarantined {
            events.insert(event);
        } else {
            events.remove(&event);
        }
        events.len()
    }

    pub(crate) fn set_wake_ups(&self, count: usize) {
        self.wake_ups.store(count, Ordering::Relaxed);
    }

    pub(crate) fn wake_ups(&self) -> usize {
        self.wake_ups.load(Ordering::Relaxed)
    }

    pub(crate) fn status(&self, active_events: usize) -> PlatformStatus {
        let supervisors = Role::ALL.map(|role| {
            let health = &self.roles[role.index()];
            SupervisorStatus {
                name: role.name(),
                running: health.running.load(Ordering::Acquire),
                restarts: health.restarts.load(Ordering::Relaxed),
            }
        });
        let quarantined = self.quarantined.lock().unwrap_or_else(PoisonError::into_inner);
        PlatformStatus {
            supervisors: supervisors.to_vec(),
            active_events,
            scheduled_wake_ups: self.wake_ups.load(Ordering::Relaxed),
            quarantined: quarantined.iter().copied().collect(),
            draining: self.is_draining(),
            fatal: self.fatal.borrow().clone(),
        }
    }
}
