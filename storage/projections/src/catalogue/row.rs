//! The catalogue's rows.

use prost::Message;
use tessera_inventory::{EventId, Timestamp};
use tessera_store::{StoreError, Transaction, keys::CatalogueEventKey};

use super::CatalogueEvent;
use crate::damage::damaged;

/// A row: the event, and which venue file stands beside it.
pub(super) struct StoredEvent {
    pub(super) catalogue_event: CatalogueEvent,
    pub(super) venue: Option<VenuePointer>,
}

/// Which chunks are an event's venue file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VenuePointer {
    /// Version of the configuration that it is behind.
    pub(super) version: u32,
    /// Bytes over all chunks.
    pub(super) length: u64,
}

#[derive(Clone, PartialEq, Message)]
struct CatalogueRow {
    #[prost(bytes = "vec", tag = "1")]
    organizer: Vec<u8>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "3")]
    starts_at_ms: u64,
    #[prost(string, tag = "4")]
    zone: String,
    #[prost(uint64, tag = "5")]
    created_at_ms: u64,
    /// 0: no venue file yet.
    #[prost(uint32, tag = "6")]
    venue_version: u32,
    #[prost(uint64, tag = "7")]
    venue_length: u64,
    #[prost(uint64, optional, tag = "8")]
    ends_at_ms: Option<u64>,
    #[prost(string, tag = "9")]
    place: String,
    /// Absent in older rows: as it was created.
    #[prost(uint64, optional, tag = "10")]
    changed_at_ms: Option<u64>,
    #[prost(uint32, tag = "11")]
    changes: u32,
}

#[derive(Clone, PartialEq, Message)]
struct RequestRow {
    #[prost(fixed64, tag = "1")]
    fingerprint: u64,
    #[prost(bytes = "vec", tag = "2")]
    event: Vec<u8>,
}

pub(super) async fn read(
    transaction: &mut dyn Transaction,
    event: EventId,
) -> Result<Option<StoredEvent>, StoreError> {
    let row = transaction.get(&CatalogueEventKey { event }.pack()).await?;
    row.map(|row| decode(event, &row)).transpose()
}

pub(super) fn write(transaction: &mut dyn Transaction, stored: &StoredEvent) {
    let StoredEvent { catalogue_event, venue } = stored;
    let row = CatalogueRow {
        organizer: catalogue_event.organizer.to_be_bytes().to_vec(),
        name: catalogue_event.name.clone(),
        starts_at_ms: catalogue_event.starts_at.0,
        zone: catalogue_event.zone.clone(),
        created_at_ms: catalogue_event.created_at.0,
        venue_version: venue.map_or(0, |venue| venue.version),
        venue_length: venue.map_or(0, |venue| venue.length),
        ends_at_ms: catalogue_event.ends_at.map(|ends_at| ends_at.0),
        place: catalogue_event.place.clone(),
        changed_at_ms: Some(catalogue_event.changed_at.0),
        changes: catalogue_event.changes,
    };
    transaction.set(&CatalogueEventKey { event: catalogue_event.event }.pack(), &row.encode_to_vec());
}

pub(super) fn decode(event: EventId, row: &[u8]) -> Result<StoredEvent, StoreError> {
    let unreadable = || damaged(format!("the catalogue's row of {event:?} cannot be read"));
    let row = CatalogueRow::decode(row).map_err(|_| unreadable())?;
    let (version, length) = (row.venue_version, row.venue_length);
    Ok(StoredEvent {
        catalogue_event: CatalogueEvent {
            event,
            organizer: u128::from_be_bytes(row.organizer.try_into().map_err(|_| unreadable())?),
            name: row.name,
            starts_at: Timestamp(row.starts_at_ms),
            ends_at: row.ends_at_ms.map(Timestamp),
            zone: row.zone,
            place: row.place,
            created_at: Timestamp(row.created_at_ms),
            changed_at: Timestamp(row.changed_at_ms.unwrap_or(row.created_at_ms)),
            changes: row.changes,
        },
        venue: (version > 0).then_some(VenuePointer { version, length }),
    })
}

pub(super) fn encode_request(fingerprint: u64, event: EventId) -> Vec<u8> {
    RequestRow { fingerprint, event: event.0.to_be_bytes().to_vec() }.encode_to_vec()
}

/// Fingerprint and event of a request.
pub(super) fn decode_request(row: &[u8]) -> Result<(u64, EventId), StoreError> {
    let unreadable = || damaged("the row of a request to the catalogue cannot be read".to_owned());
    let row = RequestRow::decode(row).map_err(|_| unreadable())?;
    let event = row.event.try_into().map_err(|_| unreadable())?;
    Ok((row.fingerprint, EventId(u128::from_be_bytes(event))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_older_row_was_not_changed_since_it_was_created() {
        let row = CatalogueRow { organizer: vec![0; 16], created_at_ms: 7, ..CatalogueRow::default() };
        let read = decode(EventId(1), &row.encode_to_vec()).unwrap().catalogue_event;
        assert_eq!((read.changed_at, read.changes), (Timestamp(7), 0));
    }
}
