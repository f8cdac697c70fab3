//! Deliveries as they are stored.

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_store::{StoreError, keys::WebhookPlace};

use super::Attempt;
use crate::damage::damaged;

/// A delivery that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its place, and what its message is about.
    pub place: WebhookPlace,
    /// The type of its message.
    pub kind: String,
    /// The message, as it is sent.
    pub payload: Vec<u8>,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// The last of them.
    pub last: Option<Attempt>,
}

/// A delivery that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// When it ended, and what its message is about.
    pub place: WebhookPlace,
    /// The type of its message.
    pub kind: String,
    /// When it began to wait.
    pub since: Timestamp,
    /// Attempts in all.
    pub attempts: u32,
    /// Whether the last one succeeded; if not, it was given up.
    pub delivered: bool,
    /// The last attempt.
    pub last: Attempt,
}

/// How an endpoint stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Deliveries that wait.
    pub pending: u64,
    /// Deliveries that have ended and are kept.
    pub finished: u64,
    /// When the first attempt failed since the last that succeeded.
    pub failing_since: Option<Timestamp>,
    /// Rounds of attempts since then, of which none succeeded.
    pub failures: u32,
    /// Until when nothing is sent to it: it failed, or asked for the pause.
    pub paused_until: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct DeliveryRow {
    #[prost(string, tag = "1")]
    kind: String,
    /// Of one that waits only.
    #[prost(bytes = "vec", tag = "2")]
    payload: Vec<u8>,
    /// Of one that waits only.
    #[prost(uint64, tag = "3")]
    due_at_ms: u64,
    #[prost(uint32, tag = "4")]
    attempts: u32,
    #[prost(message, optional, tag = "5")]
    last: Option<AttemptRow>,
    /// Of one that has ended only.
    #[prost(uint64, tag = "6")]
    since_ms: u64,
    #[prost(bool, tag = "7")]
    delivered: bool,
}

#[derive(Clone, PartialEq, Message)]
struct AttemptRow {
    #[prost(uint64, tag = "1")]
    at_ms: u64,
    #[prost(uint32, optional, tag = "2")]
    status: Option<u32>,
    #[prost(string, optional, tag = "3")]
    error: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct StandingRow {
    #[prost(uint64, tag = "1")]
    pending: u64,
    #[prost(uint64, tag = "2")]
    finished: u64,
    #[prost(uint64, optional, tag = "3")]
    failing_since_ms: Option<u64>,
    #[prost(uint32, tag = "4")]
    failures: u32,
    #[prost(uint64, optional, tag = "5")]
    paused_until_ms: Option<u64>,
}

impl AttemptRow {
    fn of(attempt: &Attempt) -> AttemptRow {
        AttemptRow {
            at_ms: attempt.at.0,
            status: attempt.status.map(u32::from),
            error: attempt.error.clone(),
        }
    }

    fn attempt(self) -> Result<Attempt, StoreError> {
        let status = self.status.map(u16::try_from).transpose().map_err(|_| unreadable())?;
        Ok(Attempt { at: Timestamp(self.at_ms), status, error: self.error })
    }
}

fn unreadable() -> StoreError {
    damaged("a row of webhook deliveries cannot be read".to_owned())
}

impl Delivery {
    pub(super) fn encode(&self) -> Vec<u8> {
        DeliveryRow {
            kind: self.kind.clone(),
            payload: self.payload.clone(),
            due_at_ms: self.due_at.0,
            attempts: self.attempts,
            last: self.last.as_ref().map(AttemptRow::of),
            ..DeliveryRow::default()
        }
        .encode_to_vec()
    }

    pub(super) fn decode(place: WebhookPlace, row: &[u8]) -> Result<Delivery, StoreError> {
        let row = DeliveryRow::decode(row).map_err(|_| unreadable())?;
        Ok(Delivery {
            place,
            kind: row.kind,
            payload: row.payload,
            due_at: Timestamp(row.due_at_ms),
            attempts: row.attempts,
            last: row.last.map(AttemptRow::attempt).transpose()?,
        })
    }
}

impl Finished {
    pub(super) fn encode(&self) -> Vec<u8> {
        DeliveryRow {
            kind: self.kind.clone(),
            attempts: self.attempts,
            last: Some(AttemptRow::of(&self.last)),
            since_ms: self.since.0,
            delivered: self.delivered,
            ..DeliveryRow::default()
        }
        .encode_to_vec()
    }

    pub(super) fn decode(place: WebhookPlace, row: &[u8]) -> Result<Finished, StoreError> {
        let row = DeliveryRow::decode(row).map_err(|_| unreadable())?;
        Ok(Finished {
            place,
            kind: row.kind,
            since: Timestamp(row.since_ms),
            attempts: row.attempts,
            delivered: row.delivered,
            last: row.last.ok_or_else(unreadable)?.attempt()?,
        })
    }
}

impl Standing {
    pub(super) fn encode(self) -> Vec<u8> {
        StandingRow {
            pending: self.pending,
            finished: self.finished,
            failing_since_ms: self.failing_since.map(|at| at.0),
            failures: self.failures,
            paused_until_ms: self.paused_until.map(|until| until.0),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(row: &[u8]) -> Result<Standing, StoreError> {
        let row = StandingRow::decode(row).map_err(|_| unreadable())?;
        Ok(Standing {
            pending: row.pending,
            finished: row.finished,
            failing_since: row.failing_since_ms.map(Timestamp),
            failures: row.failures,
            paused_until: row.paused_until_ms.map(Timestamp),
        })
    }

    /// Begins anew with an endpoint that is trusted again.
    pub(super) fn forgive(&mut self) {
        (self.failing_since, self.failures, self.paused_until) = (None, 0, None);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_read_as_it_was_written_and_one_of_before_pauses_as_not_paused() {
        let standing = Standing {
            pending: 2,
            finished: 1,
            failing_since: Some(Timestamp(7)),
            failures: 3,
            paused_until: Some(Timestamp(9)),
        };
        assert_eq!(Standing::decode(&standing.encode()).unwrap(), standing);
        let before = [0x08, 2, 0x10, 1, 0x18, 7];
        let expected = Standing { failures: 0, paused_until: None, ..standing };
        assert_eq!(Standing::decode(&before).unwrap(), expected);
    }
}
