//! At most one wake-up under way to one sleeper.
//!
//! This file has no dependencies, so that the loom models compile it as it stands.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering};

/// Says whether the sleeper knows that there is work.
///
/// Producers make their work visible, then [`WakeFlag::raise`]: the one that is told `true` sends the wake-up. The sleeper
/// [`WakeFlag::lower`]s the flag before it looks for work; work that it does not see then raises the flag again.
/// While it is certain to look again by itself it may [`WakeFlag::hold`] the flag up, so that nobody wakes it.
#[derive(Debug)]
pub(crate) struct WakeFlag {
    raised: AtomicBool,
}

impl WakeFlag {
    pub(crate) fn new() -> WakeFlag {
        WakeFlag { raised: AtomicBool::new(false) }
    }

    /// There is work: whether the caller must send the wake-up.
    pub(crate) fn raise(&self) -> bool {
        !self.raised.swap(true, Ordering::AcqRel)
    }

    /// About to look for work.
    pub(crate) fn lower(&self) {
        // A read-modify-write, not a store: it synchronises with the producers that found the flag up.
        self.raised.swap(false, Ordering::AcqRel);
    }

    /// Sure to [`WakeFlag::lower`] and look again without being woken.
    pub(crate) fn hold(&self) {
        self.raised.store(true, Ordering::Release);
    }
}
