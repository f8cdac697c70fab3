//! How many bodies of what providers tell are taken in at once: whoever sends them shows no credential.

use tessera_actors::NotExecuted;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::code::Code;
use crate::limits::{PROVIDER_EVENTS_MAX, RETRY_AFTER_S};
use crate::problem::Problem;

/// Room for what providers tell.
#[derive(Debug)]
pub(crate) struct Hearing {
    room: Semaphore,
}

impl Default for Hearing {
    fn default() -> Hearing {
        Hearing { room: Semaphore::new(PROVIDER_EVENTS_MAX) }
    }
}

impl Hearing {
    /// Room for one body, from before it is read until it is kept.
    ///
    /// # Errors
    /// `not_executed`: it never waits, so that bodies do not pile up. Providers come again.
    pub(crate) fn admit(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.room
            .try_acquire()
            .map_err(|_| full("as much is told at once as there is room for; tell it again"))
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
        let mut taken: Vec<_> = (0..PROVIDER_EVENTS_MAX).map(|_| hearing.admit().unwrap()).collect();
        assert_eq!(hearing.admit().unwrap_err().code(), Code::NotExecuted);
        taken.pop();
        drop(hearing.admit().unwrap());
    }
}
