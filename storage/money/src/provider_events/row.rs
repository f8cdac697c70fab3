//! Events of providers as they are stored: the first chunk.

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_payments::ProviderEventId;
use tessera_store::StoreError;

use crate::Lane;
use crate::read::{narrow, unreadable};

const WHAT: &str = "a provider's events";

/// How an event stands. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Standing {
    /// It is to be handled.
    Waits = 0,
    /// What it told is recorded, or there was nothing in it for us.
    Handled = 1,
    /// Nobody can read it.
    Unparsed = 2,
    /// It is about a payment that is not known yet.
    Unknown = 3,
    /// Whether it is the provider's must be asked of the provider.
    Unverified = 4,
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Whose, and its name there.
    pub id: ProviderEventId,
    /// When it came.
    pub received_at: Timestamp,
    /// Who looks after it.
    pub lane: Lane,
    /// How it stands.
    pub standing: Standing,
    /// Names and values of the headers that verify it.
    pub headers: Vec<(String, String)>,
    /// The body, byte by byte.
    pub body: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct EventRow {
    #[prost(uint64, tag = "1")]
    received_at_ms: u64,
    #[prost(uint32, tag = "2")]
    lane: u32,
    #[prost(uint32, tag = "3")]
    standing: u32,
    /// Name, value, name, value …
    #[prost(string, repeated, tag = "4")]
    headers: Vec<String>,
    #[prost(bytes = "vec", tag = "5")]
    body: Vec<u8>,
}

const STANDINGS: [Standing; 5] =
    [Standing::Waits, Standing::Handled, Standing::Unparsed, Standing::Unknown, Standing::Unverified];

impl Standing {
    /// Whether something is to be done about it.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Standing::Waits | Standing::Unknown | Standing::Unverified)
    }
}

/// The first chunk, with the first part of the body.
pub(super) fn encode(event: &ProviderEvent, body: &[u8]) -> Vec<u8> {
    let headers = event.headers.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
    EventRow {
        received_at_ms: event.received_at.0,
        lane: u32::from(event.lane.number()),
        standing: event.standing as u32,
        headers: headers.collect(),
        body: body.to_vec(),
    }
    .encode_to_vec()
}

/// The event with the first part of its body.
pub(super) fn decode(id: &ProviderEventId, row: &[u8]) -> Result<ProviderEvent, StoreError> {
    let row = EventRow::decode(row).map_err(|_| unreadable(WHAT))?;
    let lane = Lane::numbered(narrow(row.lane, WHAT)?).ok_or_else(|| unreadable(WHAT))?;
    let standing = STANDINGS.into_iter().find(|standing| *standing as u32 == row.standing);
    let header = |pair: &[String]| Some((pair.first()?.clone(), pair.get(1)?.clone()));
    Ok(ProviderEvent {
        id: id.clone(),
        received_at: Timestamp(row.received_at_ms),
        lane,
        standing: standing.ok_or_else(|| unreadable(WHAT))?,
        headers: row.headers.chunks(2).filter_map(header).collect(),
        body: row.body,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::num::NonZeroU16;

    use tessera_inventory::{EventId, ProviderId};

    use super::*;

    #[test]
    fn an_event_has_the_bytes_that_it_always_had() {
        let id = ProviderEventId { provider: ProviderId(NonZeroU16::new(2).unwrap()), event: "evt_1".into() };
        let event = ProviderEvent {
            id: id.clone(),
            received_at: Timestamp(9),
            lane: Lane::of(EventId(1)),
            standing: Standing::Unknown,
            headers: vec![("a".to_owned(), "b".to_owned())],
            body: b"{}".to_vec(),
        };
        let lane = event.lane.number();
        let bytes = encode(&event, &event.body);
        assert_eq!(bytes, [8, 9, 16, lane, 24, 3, 34, 1, b'a', 34, 1, b'b', 42, 2, b'{', b'}']);
        assert_eq!(decode(&id, &bytes).unwrap(), event);
        let later = [&bytes[..4], &[24, 9]].concat();
        assert!(decode(&id, &later).is_err(), "a standing that nobody knows");
    }
}
