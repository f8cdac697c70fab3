//! What an exploration has met: a model that never meets what it is about proves nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts by name.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<&'static str, u64>>);

impl Seen {
    pub(crate) fn note(&self, name: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(name, count)| (*name, *count)).collect()
    }
}
