//! The event as the naive model tells it, now and at every sequence before.

use std::sync::Arc;

use tessera_inventory::{Event, Sequence};
use tessera_naive::Model;

/// A model is kept every so many events; those between are told again from there.
const KEPT_EVERY: usize = 64;

#[derive(Debug, Default)]
pub(super) struct History {
    events: Vec<Arc<Event>>,
    now: Model,
    /// At each multiple of [`KEPT_EVERY`] events.
    kept: Vec<Model>,
    /// The model that was asked for last: answers mostly come in order.
    past: Model,
}

impl History {
    pub(super) fn now(&self) -> &Model {
        &self.now
    }

    pub(super) fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    pub(super) fn push(&mut self, event: Arc<Event>) {
        if self.events.len().is_multiple_of(KEPT_EVERY) {
            self.kept.push(self.now.clone());
        }
        self.now.apply((*event).clone());
        self.events.push(event);
    }

    /// The event after this one; `None` when it has not happened.
    pub(super) fn at(&mut self, sequence: Sequence) -> Option<&Model> {
        if sequence.0 == self.now.sequence() {
            return Some(&self.now);
        }
        let wanted = usize::try_from(sequence.0).ok().filter(|wanted| *wanted < self.events.len())?;
        let from = wanted / KEPT_EVERY;
        let is_near =
            (from * KEPT_EVERY) as u64 <= self.past.sequence() && self.past.sequence() <= sequence.0;
        if !is_near {
            self.past = self.kept.get(from)?.clone();
        }
        let told = usize::try_from(self.past.sequence()).unwrap_or(usize::MAX);
        for event in &self.events[told..wanted] {
            self.past.apply((**event).clone());
        }
        Some(&self.past)
    }
}
