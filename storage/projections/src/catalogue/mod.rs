//! The catalogue: what an event is called, whose it is, when it starts, and the venue file behind its configuration.

mod row;
mod venue;

use std::sync::Arc;

use tessera_inventory::{EventId, Timestamp};
use tessera_store::{
    Row, StoreError, Table, Transaction,
    keys::{CatalogueEventKey, CatalogueRequestKey, OrganizerEventKey},
    transact,
};

pub use venue::{VENUE_FILE_BYTES_MAX, VenueFile};

use crate::{damage::damaged, page::after};

/// One event of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEvent {
    /// Its identity.
    pub event: EventId,
    /// The 128 bits of its organizer's id.
    pub organizer: u128,
    /// Shown to people.
    pub name: String,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends, where that is known.
    pub ends_at: Option<Timestamp>,
    /// IANA time zone of the venue, such as `Europe/Berlin`.
    pub zone: String,
    /// Where it is, as people say it; empty: not said.
    pub place: String,
    /// When it was put into the catalogue.
    pub created_at: Timestamp,
    /// When what people are told of it was last changed; at first when it was put into the catalogue.
    pub changed_at: Timestamp,
    /// How often that was changed.
    pub changes: u32,
}

/// Identity of the request that creates an event, as in [`tessera_inventory::IdempotencyKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueRequest {
    /// Keyed hash of principal and idempotency key.
    pub digest: u128,
    /// Hash of the request's body.
    pub fingerprint: u64,
}

/// What became of a request to create an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is in the catalogue now.
    Created(CatalogueEvent),
    /// The same request created this one before.
    Repeated(CatalogueEvent),
    /// The same key came with another body before.
    KeyReused,
}

/// Events in the order of their ids, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CataloguePage {
    /// The events.
    pub events: Vec<CatalogueEvent>,
    /// Where the next page begins, if there may be more: give it as `after_event`.
    pub next: Option<EventId>,
}

/// One event, in a transaction.
///
/// # Errors
/// As the transaction says.
pub async fn card_in(
    transaction: &mut dyn Transaction,
    event: EventId,
) -> Result<Option<CatalogueEvent>, StoreError> {
    Ok(row::read(transaction, event).await?.map(|stored| stored.catalogue_event))
}

/// Replaces what people are told of an event, in a transaction: its name, times, zone and place. Whose it is and when it was put there
/// stay; where anything is another, that counts as a change, at the `changed_at` of `new`. The event as it is then; `None`: the catalogue
/// does not have it.
///
/// # Errors
/// As the transaction says.
pub async fn replace_card_in(
    transaction: &mut dyn Transaction,
    new: &CatalogueEvent,
) -> Result<Option<CatalogueEvent>, StoreError> {
    let Some(stored) = row::read(transaction, new.event).await? else { return Ok(None) };
    let row::StoredEvent { catalogue_event: before, venue } = stored;
    let CatalogueEvent { organizer, created_at, changed_at, changes, .. } = before;
    let mut catalogue_event = CatalogueEvent { organizer, created_at, changed_at, changes, ..new.clone() };
    if catalogue_event == before {
        return Ok(Some(before));
    }
    (catalogue_event.changed_at, catalogue_event.changes) = (new.changed_at, changes.saturating_add(1));
    row::write(transaction, &row::StoredEvent { catalogue_event: catalogue_event.clone(), venue });
    Ok(Some(catalogue_event))
}

/// The catalogue, over a table.
#[derive(Clone)]
pub struct Catalogue {
    table: Arc<dyn Table>,
}

impl Catalogue {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Catalogue {
        Catalogue { table }
    }

    /// Put `event` into the catalogue, unless the same request did so before: then its identity is that of then, and it is
    /// described as it is by now.
    ///
    /// # Errors
    /// As the table says; [`StoreError::Damaged`] where another event has its id.
    pub async fn create(
        &self,
        event: &CatalogueEvent,
        request: CatalogueRequest,
    ) -> Result<Creation, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let creation = create(transaction.as_mut(), event, request).await?;
            Ok((transaction, creation))
        })
        .await
    }

    /// One event.
    ///
    /// # Errors
    /// As the table says.
    pub async fn get(&self, event: EventId) -> Result<Option<CatalogueEvent>, StoreError> {
        let mut transaction = self.table.begin().await?;
        Ok(row::read(transaction.as_mut(), event).await?.map(|stored| stored.catalogue_event))
    }

    /// Up to `limit` events of every organizer, those after `after_event`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        after_event: Option<EventId>,
        limit: usize,
    ) -> Result<CataloguePage, StoreError> {
        let (first, end) = CatalogueEventKey::range();
        let begin = after_event.map_or(first, |event| after(CatalogueEventKey { event }.pack()));
        let mut transaction = self.table.begin().await?;
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let event = |(key, row): &Row| {
            let CatalogueEventKey { event } = CatalogueEventKey::unpack(key)?;
            Ok(row::decode(event, row)?.catalogue_event)
        };
        let events = rows.iter().map(event).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(page(events, limit))
    }

    /// Up to `limit` events of `organizer`, those after `after_event`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list_of(
        &self,
        organizer: u128,
        after_event: Option<EventId>,
        limit: usize,
    ) -> Result<CataloguePage, StoreError> {
        let (first, end) = OrganizerEventKey::range(organizer);
        let begin = after_event.map_or(first, |event| after(OrganizerEventKey { organizer, event }.pack()));
        let mut transaction = self.table.begin().await?;
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let mut events = Vec::with_capacity(rows.len());
        for (key, _) in &rows {
            let OrganizerEventKey { event, .. } = OrganizerEventKey::unpack(key)?;
            let stored = row::read(transaction.as_mut(), event).await?;
            let stored = stored.ok_or_else(|| damaged(format!("{event:?} is listed but has no row")))?;
            events.push(stored.catalogue_event);
        }
        Ok(page(events, limit))
    }
}

/// The event that the row of a request is about.
///
/// # Errors
/// [`StoreError::Damaged`] for the bytes of no such row.
pub fn requested_event(row: &[u8]) -> Result<EventId, StoreError> {
    row::decode_request(row).map(|(_, event)| event)
}

fn page(events: Vec<CatalogueEvent>, limit: usize) -> CataloguePage {
    let next = events.last().filter(|_| events.len() == limit).map(|last| last.event);
    CataloguePage { events, next }
}

async fn create(
    transaction: &mut dyn Transaction,
    new: &CatalogueEvent,
    request: CatalogueRequest,
) -> Result<Creation, StoreError> {
    let request_key = CatalogueRequestKey { digest: request.digest }.pack();
    if let Some(stored) = transaction.get(&request_key).await? {
        let (fingerprint, event) = row::decode_request(&stored)?;
        if fingerprint != request.fingerprint {
            return Ok(Creation::KeyReused);
        }
        let stored = row::read(transaction, event).await?;
        let stored = stored.ok_or_else(|| damaged(format!("{event:?} was created but has no row")))?;
        return Ok(Creation::Repeated(stored.catalogue_event));
    }
    let event = new.event;
    if row::read(transaction, event).await?.is_some() {
        return Err(damaged(format!("{event:?} is in the catalogue already")));
    }
    transaction.set(&request_key, &row::encode_request(request.fingerprint, event));
    transaction.set(&OrganizerEventKey { organizer: new.organizer, event }.pack(), &[]);
    row::write(transaction, &row::StoredEvent { catalogue_event: new.clone(), venue: None });
    Ok(Creation::Created(new.clone()))
}
