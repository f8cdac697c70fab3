//! When idle events must be activated again because time does something in them: 48 bytes an event, and only for events that have
//! something ahead.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::EventId;
use tessera_writer::Monotonic;

/// The wake-ups of idle events, by event and by time.
#[derive(Debug, Default)]
pub(crate) struct WakeUps {
    due_of: BTreeMap<EventId, Monotonic>,
    by_due: BTreeSet<(Monotonic, EventId)>,
}

impl WakeUps {
    /// Wake `event` at `due_at` instead of any time before.
    pub(crate) fn set(&mut self, event: EventId, due_at: Monotonic) {
        self.remove(event);
        self.due_of.insert(event, due_at);
        self.by_due.insert((due_at, event));
    }

    /// Wake `event` at `due_at`, or before if that is its time already.
    pub(crate) fn set_no_later(&mut self, event: EventId, due_at: Monotonic) {
        if self.due_of.get(&event).is_none_or(|at| due_at < *at) {
            self.set(event, due_at);
        }
    }

    pub(crate) fn remove(&mut self, event: EventId) {
        if let Some(due_at) = self.due_of.remove(&event) {
            self.by_due.remove(&(due_at, event));
        }
    }

    /// Take the first that is due by `now`.
    pub(crate) fn take_due(&mut self, now: Monotonic) -> Option<EventId> {
        let (due_at, event) = *self.by_due.first()?;
        if due_at > now {
            return None;
        }
        self.remove(event);
        Some(event)
    }

    /// When the next is due.
    pub(crate) fn next_due_at(&self) -> Option<Monotonic> {
        self.by_due.first().map(|(due_at, _)| *due_at)
    }

    pub(crate) fn len(&self) -> usize {
        self.due_of.len()
    }
}

#[cfg(test)]
mod tests {
    use super::WakeUps;
    use tessera_inventory::EventId;
    use tessera_writer::Monotonic;

    #[test]
    fn each_event_is_woken_once_at_its_last_time() {
        let mut wake_ups = WakeUps::default();
        for (event, due_at) in [(1, 50), (2, 20), (3, 30), (1, 10), (3, 90)] {
            wake_ups.set(EventId(event), Monotonic(due_at));
        }
        wake_ups.remove(EventId(2));
        assert_eq!(wake_ups.len(), 2);
        assert_eq!(wake_ups.take_due(Monotonic(9)), None);
        assert_eq!(wake_ups.take_due(Monotonic(40)), Some(EventId(1)));
        assert_eq!(wake_ups.take_due(Monotonic(40)), None);
        assert_eq!(wake_ups.next_due_at(), Some(Monotonic(90)));
    }
}
