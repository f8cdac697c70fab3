//! How many configurations the process takes in at once: their bodies by bytes, the reading of them by number.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use tessera_actors::NotExecuted;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::code::Code;
use crate::limits::{
    CONFIGURATION_BYTES_MAX, CONFIGURATIONS_BYTES_MAX, CONFIGURATIONS_READ_MAX, RETRY_AFTER_S,
};
use crate::problem::{self, Problem};

/// Room for configurations on their way into the process.
#[derive(Debug)]
pub(crate) struct Intake {
    bytes: Arc<Semaphore>,
    readings: Arc<Semaphore>,
}

/// Room that is taken; it is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    _taken: OwnedSemaphorePermit,
}

impl Default for Intake {
    fn default() -> Intake {
        Intake {
            bytes: Arc::new(Semaphore::new(CONFIGURATIONS_BYTES_MAX)),
            readings: Arc::new(Semaphore::new(CONFIGURATIONS_READ_MAX)),
        }
    }
}

impl Intake {
    /// Room for the body of a request: as much as it announces, and for one that does not as much as it may have.
    ///
    /// # Errors
    /// `not_executed`: it never waits, so that bodies do not pile up.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<Room, Problem> {
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = announced.unwrap_or(CONFIGURATION_BYTES_MAX).min(CONFIGURATION_BYTES_MAX);
        let taken = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok());
        taken.map(|taken| Room { _taken: taken }).ok_or_else(full)
    }

    /// The turn of one body to be read; it waits for those before it.
    ///
    /// # Errors
    /// Never: nobody closes the room.
    pub(crate) async fn turn(&self) -> Result<Room, Problem> {
        let taken = Arc::clone(&self.readings).acquire_owned().await;
        taken.map(|taken| Room { _taken: taken }).map_err(|error| problem::internal(error.to_string()))
    }
}

fn full() -> Problem {
    let detail =
        "as many configurations are being taken in as there is room for; try again with the same key";
    Problem::new(Code::NotExecuted, detail)
        .with("reason", NotExecuted::QueueFull.name())
        .retry_after(RETRY_AFTER_S)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use futures::FutureExt;

    use super::*;

    fn announcing(bytes: usize) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
        headers
    }

    #[test]
    fn bodies_are_admitted_as_long_as_their_bytes_fit() {
        let intake = Intake::default();
        let fits = CONFIGURATIONS_BYTES_MAX / CONFIGURATION_BYTES_MAX;
        // One that does not say how long it is counts like the longest; one that lies is refused by its length elsewhere.
        let mut admitted: Vec<_> = (1..fits).map(|_| intake.admit(&HeaderMap::new()).unwrap()).collect();
        admitted.push(intake.admit(&announcing(usize::MAX)).unwrap());
        assert_eq!(intake.admit(&announcing(1)).unwrap_err().code(), Code::NotExecuted);
        admitted.pop();
        let small: Vec<_> = (0..1_000).map(|_| intake.admit(&announcing(10_000)).unwrap()).collect();
        assert_eq!(intake.admit(&HeaderMap::new()).unwrap_err().code(), Code::NotExecuted);
        drop(small);
        intake.admit(&HeaderMap::new()).unwrap();
    }

    #[test]
    fn a_bounded_number_is_read_at_once() {
        let intake = Intake::default();
        let mut reading: Vec<_> =
            (0..CONFIGURATIONS_READ_MAX).map(|_| intake.turn().now_or_never().unwrap().unwrap()).collect();
        assert!(intake.turn().now_or_never().is_none(), "the next one waits");
        reading.pop();
        assert!(intake.turn().now_or_never().is_some());
    }
}
