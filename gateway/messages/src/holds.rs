//! Addresses that are left alone for a while, each for itself. They are kept in memory: after a restart the peer says it again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tessera_inventory::Timestamp;

/// Most addresses that are left alone at once. Beyond them nobody is: the peer says it again.
const HELD_MAX: usize = 10_000;

/// Longest that an address is left alone, in milliseconds, whatever its peer asks for: as long as a message waits for it.
const HELD_MS_MAX: u64 = 3_600_000;

/// Addresses, and until when each is left alone.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<BTreeMap<String, Timestamp>>);

impl Holds {
    /// Until when an address is left alone, if it is.
    pub(crate) fn until(&self, address: &str, now: Timestamp) -> Option<Timestamp> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(address).copied().filter(|until| *until > now)
    }

    /// Leaves an address alone until then.
    pub(crate) fn hold(&self, address: &str, until: Timestamp, now: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_MAX {
            held.retain(|_, until| *until > now);
        }
        if held.len() < HELD_MAX {
            let until = bounded(until, now);
            let stands = held.entry(address.to_owned()).or_insert(until);
            *stands = until.max(*stands);
        }
    }

    /// Leaves an address alone no more, where it is until just then: what others have said of it since stands.
    pub(crate) fn release(&self, address: &str, until: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(address) == Some(&until) {
            held.remove(address);
        }
    }

    /// Leaves an address alone until then, unless it is left alone already: of those that come at once, one goes.
    pub(crate) fn take(&self, address: &str, until: Timestamp, now: Timestamp) -> Result<(), Timestamp> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = held.get(address).copied().filter(|until| *until > now) {
            return Err(until);
        }
        if held.len() >= HELD_MAX {
            held.retain(|_, until| *until > now);
        }
        if held.len() < HELD_MAX {
            held.insert(address.to_owned(), bounded(until, now));
        }
        Ok(())
    }
}

fn bounded(until: Timestamp, now: Timestamp) -> Timestamp {
    until.min(now.plus_ms(HELD_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_left_alone_for_as_long_as_it_was_said_and_no_other() {
        let (holds, now) = (Holds::default(), Timestamp(1_000));
        holds.hold("a", now.plus_ms(500), now);
        holds.hold("a", now.plus_ms(200), now);
        assert_eq!(holds.until("a", now), Some(now.plus_ms(500)));
        assert_eq!(holds.until("a", now.plus_ms(500)), None);
        assert_eq!(holds.until("b", now), None);
        assert_eq!(holds.take("a", now.plus_ms(9), now), Err(now.plus_ms(500)));
        assert_eq!(holds.take("b", now.plus_ms(9), now), Ok(()));
        assert_eq!(holds.take("b", now.plus_ms(9), now), Err(now.plus_ms(9)));
        holds.release("b", now.plus_ms(8));
        assert_eq!(holds.until("b", now), Some(now.plus_ms(9)), "another has said so");
        holds.release("b", now.plus_ms(9));
        assert_eq!(holds.until("b", now), None);
        let long = now.plus_ms(HELD_MS_MAX + 1);
        holds.hold("long", long, now);
        assert_eq!(holds.until("long", now), Some(now.plus_ms(HELD_MS_MAX)));
        for number in 0..HELD_MAX {
            holds.hold(&number.to_string(), now.plus_ms(1), now);
        }
        holds.hold("late", now.plus_ms(5_000), now);
        assert_eq!(holds.until("late", now), None, "there is no room");
        let later = now.plus_ms(600);
        holds.hold("late", later.plus_ms(5), later);
        assert_eq!(holds.until("late", later), Some(later.plus_ms(5)), "what is over has left");
    }
}
