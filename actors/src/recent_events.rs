//! The newest accepted events of one ownership, so that a fresh retry is answered without reading the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tessera_inventory::{Event, EventBody, Sequence};

use crate::RECENT_EVENTS_MAX;

/// Written once a turn by the shell, before the turn's replies; read by repeats only.
#[derive(Debug, Default)]
pub(crate) struct RecentEvents {
    /// In the order of their sequences.
    events: Mutex<VecDeque<(Sequence, Arc<Event>)>>,
}

impl RecentEvents {
    /// Keep durable events that are newer than those kept; the oldest leave.
    pub(crate) fn keep<'a>(&self, accepted: impl Iterator<Item = (Sequence, &'a Arc<Event>)>) {
        let mut accepted = accepted.filter(|(_, event)| is_kept(event)).peekable();
        if accepted.peek().is_none() {
            return;
        }
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        for (sequence, event) in accepted {
            // A duplicate within a turn has the reply of the first.
            if events.back().is_none_or(|(last, _)| *last < sequence) {
                events.push_back((sequence, Arc::clone(event)));
            }
        }
        let surplus = events.len().saturating_sub(RECENT_EVENTS_MAX);
        events.drain(..surplus);
    }

    pub(crate) fn find(&self, sequence: Sequence) -> Option<Arc<Event>> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let place = events.binary_search_by_key(&sequence, |(sequence, _)| *sequence).ok()?;
        Some(Arc::clone(&events[place].1))
    }
}

/// Only what has a key can be repeated. The organizer's few large events are read from the log.
fn is_kept(event: &Event) -> bool {
    let is_bulk = matches!(
        event.body,
        EventBody::Configured { .. } | EventBody::UnitsKilled(_) | EventBody::UnitsRestored(_)
    );
    event.key.is_some() && !is_bulk
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::RecentEvents;
    use crate::RECENT_EVENTS_MAX;
    use std::sync::Arc;
    use tessera_inventory::{ClaimNumber, Event, EventBody, KeyMark, Sequence, Timestamp};

    fn event(digest: Option<u128>) -> Arc<Event> {
        let key = digest.map(|digest| KeyMark { digest, fingerprint: 7 });
        let body = EventBody::HoldReleased { hold: ClaimNumber(1) };
        Arc::new(Event { at: Timestamp(0), key, body })
    }

    #[test]
    fn the_newest_are_found_and_the_oldest_leave() {
        let recent = RecentEvents::default();
        let count = RECENT_EVENTS_MAX as u64 + 10;
        for number in 1..=count {
            // Every other sequence is of an event without a reply.
            recent.keep([(Sequence(2 * number), &event(Some(number.into())))].into_iter());
        }
        assert_eq!(recent.find(Sequence(2 * count)), Some(event(Some(count.into()))));
        assert_eq!(recent.find(Sequence(2 * count - 1)), None);
        assert_eq!(recent.find(Sequence(22)), Some(event(Some(11))));
        assert_eq!(recent.find(Sequence(20)), None);
    }

    #[test]
    fn duplicates_and_events_without_a_key_take_no_room() {
        let recent = RecentEvents::default();
        let (keyed, keyless) = (event(Some(1)), event(None));
        recent.keep([(Sequence(5), &keyed), (Sequence(5), &keyed), (Sequence(6), &keyless)].into_iter());
        assert_eq!(recent.events.lock().unwrap().len(), 1);
    }
}
