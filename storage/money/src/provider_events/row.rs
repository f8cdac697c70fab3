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
    /// What it told is recorded, or there was nothing in it for us: what it said is dropped.
    Handled = 1,
    /// Nobody can read it yet.
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
    /// Of the body.
    #[prost(bytes = "vec", tag = "6")]
    hash: Vec<u8>,
}

const STANDINGS: [Standing; 5] =
    [Standing::Waits, Standing::Handled, Standing::Unparsed, Standing::Unknown, Standing::Unverified];

impl Standing {
    /// Whether something is to be done about it.
    #[must_use]
    pub const fn waits(self) -> bool {
        !matches!(self, Standing::Handled)
    }
}

/// The first chunk, with the first part of the body, and the hash of all of it. What is handled has the hash alone.
pub(super) fn encode(event: &ProviderEvent, body: &[u8], hash: &[u8]) -> Vec<u8> {
    let (headers, body) =
        if event.standing.waits() { (&event.headers[..], body) } else { <(&[_], &[_])>::default() };
    let headers = headers.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
    EventRow {
        received_at_ms: event.received_at.0,
        lane: u32::from(event.lane.number()),
        standing: event.standing as u32,
        headers: headers.collect(),
        body: body.to_vec(),
        hash: hash.to_vec(),
    }
    .encode_to_vec()
}

/// The event with the first part of its body, and the hash of all of it.
pub(super) fn decode(id: &ProviderEventId, row: &[u8]) -> Result<(ProviderEvent, Vec<u8>), StoreError> {
    let row = EventRow::decode(row).map_err(|_| unreadable(WHAT))?;
    let lane = Lane::numbered(narrow(row.lane, WHAT)?).ok_or_else(|| unreadable(WHAT))?;
    let standing = STANDINGS.into_iter().find(|standing| *standing as u32 == row.standing);
    let header = |pair: &[String]| Some((pair.first()?.clone(), pair.get(1)?.clone()));
    let event = ProviderEvent {
        id: id.clone(),
        received_at: Timestamp(row.received_at_ms),
        lane,
        standing: standing.ok_or_else(|| unreadable(WHAT))?,
        headers: row.headers.chunks(2).filter_map(header).collect(),
        body: row.body,
    };
    Ok((event, row.hash))
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
        let bytes = encode(&event, &event.body, &[7, 8]);
        let body = [8, 9, 16, lane, 24, 3, 34, 1, b'a', 34, 1, b'b', 42, 2, b'{', b'}'];
        assert_eq!(bytes, [&body[..], &[50, 2, 7, 8]].concat());
        assert_eq!(decode(&id, &bytes).unwrap(), (event.clone(), vec![7, 8]));
        assert_eq!(decode(&id, &body).unwrap(), (event.clone(), Vec::new()));
        let handled = ProviderEvent { standing: Standing::Handled, ..event };
        let dropped = ProviderEvent { headers: Vec::new(), body: Vec::new(), ..handled.clone() };
        let bytes_handled = encode(&handled, &handled.body, &[7, 8]);
        assert_eq!(bytes_handled, [8, 9, 16, lane, 24, 1, 50, 2, 7, 8]);
        assert_eq!(decode(&id, &bytes_handled).unwrap(), (dropped, vec![7, 8]), "its hash is left");
        let later = [&bytes[..4], &[24, 9]].concat();
        assert!(decode(&id, &later).is_err(), "a standing that nobody knows");
    }
}
