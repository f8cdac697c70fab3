//! Messages as they are stored.

use prost::Message;
use tessera_inventory::{ClaimNumber, Subject, Timestamp};
use tessera_store::StoreError;
use tessera_store::keys::MessagePlace;

use crate::kind::Kind;
use crate::read::{identity, unreadable};
use crate::want::{Ended, Finished, Recipient, Want, dispute_number, dispute_numbered};

#[derive(Clone, PartialEq, Message)]
struct WantRow {
    #[prost(bytes = "vec", tag = "1")]
    subject: Vec<u8>,
    /// The order whose contact is the recipient's.
    #[prost(uint64, optional, tag = "2")]
    contact_of: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    order: Option<u64>,
    #[prost(uint32, repeated, tag = "4")]
    tickets: Vec<u32>,
    #[prost(uint64, optional, tag = "5")]
    expires_at_ms: Option<u64>,
    /// Of one that waits only.
    #[prost(uint64, tag = "6")]
    due_at_ms: u64,
    #[prost(uint32, tag = "7")]
    attempts: u32,
    #[prost(string, optional, tag = "8")]
    last_error: Option<String>,
    /// Of one that has ended only.
    #[prost(uint64, optional, tag = "9")]
    since_ms: Option<u64>,
    /// Of one that has ended only.
    #[prost(uint32, tag = "10")]
    ended: u32,
    /// 0: it is about none; open, won, lost.
    #[prost(uint32, tag = "11")]
    dispute: u32,
    #[prost(bool, tag = "12")]
    is_giver: bool,
}

impl WantRow {
    fn of(want: &Want) -> WantRow {
        WantRow {
            subject: want.recipient.subject.0.to_be_bytes().to_vec(),
            contact_of: want.recipient.order.map(|order| order.0),
            order: want.order.map(|order| order.0),
            tickets: want.tickets.iter().copied().map(u32::from).collect(),
            expires_at_ms: want.expires_at.map(|at| at.0),
            due_at_ms: want.due_at.0,
            attempts: want.attempts,
            last_error: want.last_error.clone(),
            since_ms: None,
            ended: 0,
            dispute: dispute_number(want.dispute),
            is_giver: want.is_giver,
        }
    }

    fn want(self, place: MessagePlace) -> Result<Want, StoreError> {
        let wrong = || unreadable("messages");
        let order = self.contact_of.map(ClaimNumber);
        let subject = Subject(identity(&self.subject, "messages")?);
        let tickets = self.tickets.into_iter().map(u16::try_from).collect::<Result<_, _>>();
        Ok(Want {
            place,
            kind: Kind::numbered(place.kind).ok_or_else(wrong)?,
            recipient: Recipient { subject, order },
            order: self.order.map(ClaimNumber),
            tickets: tickets.map_err(|_| wrong())?,
            dispute: dispute_numbered(self.dispute, "messages")?,
            is_giver: self.is_giver,
            expires_at: self.expires_at_ms.map(Timestamp),
            due_at: Timestamp(self.due_at_ms),
            attempts: self.attempts,
            last_error: self.last_error,
        })
    }
}

impl Want {
    pub(crate) fn encode(&self) -> Vec<u8> {
        WantRow::of(self).encode_to_vec()
    }

    pub(crate) fn decode(place: MessagePlace, row: &[u8]) -> Result<Want, StoreError> {
        WantRow::decode(row).map_err(|_| unreadable("messages"))?.want(place)
    }
}

impl Finished {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Finished { want, since, ended } = self;
        let row = WantRow { since_ms: Some(since.0), ended: *ended as u32, ..WantRow::of(want) };
        row.encode_to_vec()
    }

    pub(crate) fn decode(place: MessagePlace, row: &[u8]) -> Result<Finished, StoreError> {
        let row = WantRow::decode(row).map_err(|_| unreadable("messages"))?;
        let since = row.since_ms.map(Timestamp).ok_or_else(|| unreadable("messages"))?;
        let ended = match row.ended {
            0 => Ended::Delivered,
            1 => Ended::Dead,
            2 => Ended::Overtaken,
            3 => Ended::NoAddress,
            _ => return Err(unreadable("messages")),
        };
        Ok(Finished { want: row.want(place)?, since, ended })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::{Dispute, EventId, Sequence};

    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let place = MessagePlace {
            at: Timestamp(7),
            event: EventId(5),
            sequence: Sequence(3),
            recipient: 9,
            kind: Kind::Transfer.number(),
        };
        let want = Want {
            place,
            kind: Kind::Transfer,
            recipient: Recipient { subject: Subject(1 << 100), order: None },
            order: Some(ClaimNumber(2)),
            tickets: vec![0, 49],
            dispute: Some(Dispute::Lost),
            is_giver: true,
            expires_at: Some(Timestamp(8)),
            due_at: Timestamp(9),
            attempts: 2,
            last_error: Some("451".to_owned()),
        };
        assert_eq!(Want::decode(place, &want.encode()).unwrap(), want);
        let finished = Finished { want: want.clone(), since: Timestamp(1), ended: Ended::NoAddress };
        assert_eq!(Finished::decode(place, &finished.encode()).unwrap(), finished);
        assert!(Finished::decode(place, &want.encode()).is_err(), "it has not ended");
        let unknown = MessagePlace { kind: 0, ..place };
        assert!(Want::decode(unknown, &want.encode()).is_err());
    }
}
