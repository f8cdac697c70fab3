//! How many bodies of what providers tell are taken in at once: whoever sends them shows no credential.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tessera_actors::NotExecuted;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::code::Code;
use crate::limits::{PROVIDER_EVENTS_MAX, PROVIDER_EVENTS_PER_ADDRESS_MAX, RETRY_AFTER_S};
use crate::problem::Problem;

/// Room for what providers tell.
#[derive(Debug)]
pub(crate) struct Hearing {
    room: Semaphore,
    /// Only addresses from which bodies are taken in now.
    by_address: Mutex<HashMap<u128, usize>>,
}

/// The right to have one body taken in.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    hearing: &'a Hearing,
    address: u128,
    _room: SemaphorePermit<'a>,
}

impl Default for Hearing {
    fn default() -> Hearing {
        Hearing { room: Semaphore::new(PROVIDER_EVENTS_MAX), by_address: Mutex::default() }
    }
}

impl Hearing {
    /// Room for one body from this address, as rate limits count it, from before it is read until it is kept. One address has a share of it, so
    /// that bodies which never arrive do not shut out those of others.
    ///
    /// # Errors
    /// `not_executed`: it never waits, so that bodies do not pile up. Providers come again.
    pub(crate) fn admit(&self, address: u128) -> Result<Admitted<'_>, Problem> {
        let room = self.room.try_acquire();
        let room = room.map_err(|_| full("as much is told at once as there is room for; tell it again"))?;
        let mut by_address = self.by_address();
        let taken = by_address.entry(address).or_default();
        if *taken >= PROVIDER_EVENTS_PER_ADDRESS_MAX {
            return Err(full("as much is told at once from this address as one address may; tell it again"));
        }
        *taken += 1;
        Ok(Admitted { hearing: self, address, _room: room })
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<u128, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let mut by_address = self.hearing.by_address();
        if let Some(taken) = by_address.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// There is no room for what a provider tells.
pub(crate) fn full(detail: &'static str) -> Problem {
    Problem::new(Code::NotExecuted, detail)
        .with("reason", NotExecuted::QueueFull.name())
        .retry_after(RETRY_AFTER_S)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_bodies_is_taken_in_at_once() {
        let hearing = Hearing::default();
        let mut taken: Vec<_> =
            (0..PROVIDER_EVENTS_MAX as u128).map(|address| hearing.admit(address).unwrap()).collect();
        assert_eq!(hearing.admit(7).unwrap_err().code(), Code::NotExecuted);
        taken.pop();
        drop(hearing.admit(7).unwrap());
    }

    #[test]
    fn one_address_has_a_share_of_the_room() {
        let hearing = Hearing::default();
        let mut taken: Vec<_> =
            (0..PROVIDER_EVENTS_PER_ADDRESS_MAX).map(|_| hearing.admit(1).unwrap()).collect();
        assert_eq!(hearing.admit(1).unwrap_err().code(), Code::NotExecuted);
        drop(hearing.admit(2).unwrap());
        taken.pop();
        drop(hearing.admit(1).unwrap());
        drop(taken);
        assert!(hearing.by_address().is_empty(), "nobody is remembered who tells nothing");
    }
}
