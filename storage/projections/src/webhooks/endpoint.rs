//! One endpoint.

use prost::Message;
use tessera_inventory::{EventId, Timestamp};
use tessera_store::StoreError;

use super::{PENDING_LOW, Standing};
use crate::damage::damaged;

/// Names an endpoint, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    /// The 128 bits of its organizer's id.
    pub organizer: u128,
    /// The 128 bits of its own.
    pub endpoint: u128,
}

/// Where an organizer wants to be told, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its identity.
    pub id: EndpointId,
    /// Where messages are posted to.
    pub url: String,
    /// Types of messages that are wanted; none: all.
    pub types: Vec<String>,
    /// Events of which messages are wanted; none: all of the organizer's.
    pub events: Vec<EventId>,
    /// What messages are signed with, the newest first.
    pub secrets: Vec<Secret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is told of what happens: since it was made, enabled, or has caught up.
    pub told_from: Timestamp,
    /// Why nothing is sent to it, if nothing is.
    pub disabled: Option<Disabled>,
    /// It is sent what waits, and not told of what happens before at most [`PENDING_LOW`] do.
    pub catches_up: bool,
}

/// A secret that messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The key.
    pub bytes: Vec<u8>,
    /// Until when it signs; `None`: until another one is made.
    pub valid_until: Option<Timestamp>,
}

/// Since when and why nothing is sent to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub why: Why,
}

/// Why nothing is sent to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Why {
    /// Its organizer said so.
    Organizer = 1,
    /// It answered that it is gone.
    Gone = 2,
    /// Nothing succeeded for too long.
    Failing = 3,
    /// Too much waits for it.
    Backlog = 4,
}

impl Why {
    const ALL: [Why; 4] = [Why::Organizer, Why::Gone, Why::Failing, Why::Backlog];
}

impl Endpoint {
    /// Whether it wants to be told of this.
    #[must_use]
    pub fn wants(&self, event: EventId, kind: &str) -> bool {
        let event_wanted = self.events.is_empty() || self.events.contains(&event);
        event_wanted && (self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind))
    }

    /// Whether it is told of what happens now.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.disabled.is_none() && !self.catches_up
    }

    /// Sends to it from now on; what failed before does not count.
    pub fn enable(&mut self, standing: &mut Standing, now: Timestamp) {
        standing.forgive();
        if self.disabled.take().is_some() {
            self.catches_up = standing.pending > PENDING_LOW;
            self.told_from = now;
        }
    }

    /// The secrets that sign now, the newest first.
    pub fn valid_secrets(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().filter(move |secret| secret.valid_until.is_none_or(|until| now < until))
    }

    /// Signs with a new secret from now on; what signed until now does so until `until`.
    pub fn rotate(&mut self, bytes: Vec<u8>, now: Timestamp, until: Timestamp) {
        self.secrets.retain(|secret| secret.valid_until.is_none_or(|until| now < until));
        for secret in &mut self.secrets {
            secret.valid_until = Some(secret.valid_until.map_or(until, |earlier| earlier.min(until)));
        }
        self.secrets.retain(|secret| secret.valid_until.is_some_and(|until| now < until));
        self.secrets.insert(0, Secret { bytes, valid_until: None });
        self.secrets.truncate(super::SECRETS_MAX);
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        EndpointRow {
            url: self.url.clone(),
            types: self.types.clone(),
            events: self.events.iter().map(|event| event.0.to_be_bytes().to_vec()).collect(),
            secrets: self.secrets.iter().map(SecretRow::of).collect(),
            created_at_ms: self.created_at.0,
            disabled_at_ms: self.disabled.map(|disabled| disabled.at.0),
            why: self.disabled.map_or(0, |disabled| disabled.why as u32),
            catches_up: self.catches_up,
            told_from_ms: Some(self.told_from.0),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(id: EndpointId, row: &[u8]) -> Result<Endpoint, StoreError> {
        let unreadable = || damaged("the row of a webhook endpoint cannot be read".to_owned());
        let row = EndpointRow::decode(row).map_err(|_| unreadable())?;
        let event = |bytes: Vec<u8>| {
            bytes.try_into().map(|bytes| EventId(u128::from_be_bytes(bytes))).map_err(|_| unreadable())
        };
        let disabled = match row.disabled_at_ms {
            None => None,
            Some(at) => {
                let why = Why::ALL.into_iter().find(|why| *why as u32 == row.why).ok_or_else(unreadable)?;
                Some(Disabled { at: Timestamp(at), why })
            }
        };
        Ok(Endpoint {
            id,
            url: row.url,
            types: row.types,
            events: row.events.into_iter().map(event).collect::<Result<_, _>>()?,
            secrets: row.secrets.into_iter().map(SecretRow::secret).collect(),
            created_at: Timestamp(row.created_at_ms),
            told_from: Timestamp(row.told_from_ms.unwrap_or(row.created_at_ms)),
            disabled,
            catches_up: row.catches_up,
        })
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("valid_until", &self.valid_until).finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Message)]
struct EndpointRow {
    #[prost(string, tag = "1")]
    url: String,
    #[prost(string, repeated, tag = "2")]
    types: Vec<String>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    events: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "4")]
    secrets: Vec<SecretRow>,
    #[prost(uint64, tag = "5")]
    created_at_ms: u64,
    #[prost(uint64, optional, tag = "6")]
    disabled_at_ms: Option<u64>,
    #[prost(uint32, tag = "7")]
    why: u32,
    #[prost(bool, tag = "8")]
    catches_up: bool,
    /// Absent in rows of before it was kept.
    #[prost(uint64, optional, tag = "9")]
    told_from_ms: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct SecretRow {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
    #[prost(uint64, optional, tag = "2")]
    valid_until_ms: Option<u64>,
}

impl SecretRow {
    fn of(secret: &Secret) -> SecretRow {
        SecretRow { bytes: secret.bytes.clone(), valid_until_ms: secret.valid_until.map(|until| until.0) }
    }

    fn secret(self) -> Secret {
        Secret { bytes: self.bytes, valid_until: self.valid_until_ms.map(Timestamp) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            id: EndpointId { organizer: 1, endpoint: 2 },
            url: "https://receiver.example/hook".to_owned(),
            types: vec!["order.confirmed".to_owned()],
            events: vec![EventId(5)],
            secrets: vec![Secret { bytes: vec![1; 32], valid_until: None }],
            created_at: Timestamp(7),
            told_from: Timestamp(9),
            disabled: Some(Disabled { at: Timestamp(8), why: Why::Gone }),
            catches_up: true,
        }
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let endpoint = endpoint();
        assert_eq!(Endpoint::decode(endpoint.id, &endpoint.encode()).unwrap(), endpoint);
        assert!(Endpoint::decode(endpoint.id, &[0xff]).is_err());
        assert!(!format!("{endpoint:?}").contains("[1, 1"), "a secret is not shown");
    }

    #[test]
    fn a_row_of_before_is_told_since_it_was_made_and_listens() {
        let before = [&[0x0a, 1], b"u".as_slice(), &[0x28, 7]].concat();
        let endpoint = Endpoint::decode(endpoint().id, &before).unwrap();
        assert_eq!((endpoint.created_at, endpoint.told_from), (Timestamp(7), Timestamp(7)));
        assert!(endpoint.listens());
    }

    #[test]
    fn it_wants_what_it_named() {
        let mut endpoint = endpoint();
        assert!(endpoint.wants(EventId(5), "order.confirmed"));
        assert!(!endpoint.wants(EventId(6), "order.confirmed") && !endpoint.wants(EventId(5), "hold.placed"));
        (endpoint.types, endpoint.events) = (Vec::new(), Vec::new());
        assert!(endpoint.wants(EventId(6), "hold.placed"), "nothing named is everything");
    }

    #[test]
    fn old_secrets_sign_until_their_time_and_are_bounded() {
        let mut endpoint = endpoint();
        endpoint.rotate(vec![2; 32], Timestamp(100), Timestamp(200));
        let valid = |endpoint: &Endpoint, now| -> Vec<u8> {
            endpoint.valid_secrets(Timestamp(now)).map(|secret| secret.bytes[0]).collect()
        };
        assert_eq!((valid(&endpoint, 199), valid(&endpoint, 200)), (vec![2, 1], vec![2]));
        endpoint.rotate(vec![3; 32], Timestamp(150), Timestamp(1_000));
        assert_eq!(valid(&endpoint, 199), [3, 2, 1], "an earlier end stays");
        endpoint.rotate(vec![4; 32], Timestamp(150), Timestamp(150));
        assert_eq!(valid(&endpoint, 150), [4], "without an overlap the old ones end at once");
        for byte in 5..15 {
            endpoint.rotate(vec![byte; 32], Timestamp(150), Timestamp(1_000));
        }
        assert_eq!(valid(&endpoint, 150), [14, 13, 12, 11]);
    }
}
