//! Which events an installation has: those with a log, those in the catalogue, and those that are set aside. After a repair whose tables
//! could not be read, an event may have a log and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::EventId;
use tessera_projections::catalogue::{Catalogue, CatalogueEvent};
use tessera_projections::quarantine::QuarantinedEvents;
use tessera_server::ids;
use tessera_store::{Log, StoreError};
use tessera_writer::Head;

use crate::failure::Failure;
use crate::store::Store;

/// Rows read at once.
const PAGE_EVENTS: usize = 200;

/// The events of an installation.
#[derive(Debug)]
pub(crate) struct Events {
    /// By their ids, each with its card if the catalogue has one.
    pub(crate) known: BTreeMap<EventId, Option<CatalogueEvent>>,
    /// Why not everything that the tables know is among them.
    pub(crate) unreadable: Option<StoreError>,
}

/// Every event.
pub(crate) async fn all(store: &Store) -> Result<Events, Failure> {
    let mut known: BTreeMap<_, _> = store.events().await?.into_iter().map(|event| (event, None)).collect();
    let unreadable = match from_tables(store, &mut known).await {
        Ok(()) => None,
        Err(error @ (StoreError::Damaged { .. } | StoreError::FormatTooNew { .. })) => Some(error),
        Err(error) => return Err(error.into()),
    };
    Ok(Events { known, unreadable })
}

async fn from_tables(
    store: &Store,
    known: &mut BTreeMap<EventId, Option<CatalogueEvent>>,
) -> Result<(), StoreError> {
    let quarantined = QuarantinedEvents::new(Arc::new(store.clone()));
    let mut after = None;
    loop {
        let page = quarantined.list(after, PAGE_EVENTS).await?;
        for set_aside in page.events {
            known.entry(set_aside.event).or_default();
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let catalogue = Catalogue::new(Arc::new(store.clone()));
    loop {
        let page = catalogue.list(after, PAGE_EVENTS).await?;
        known.extend(page.events.into_iter().map(|card| (card.event, Some(card))));
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Refuses an event that nothing here knows of.
pub(crate) async fn must_exist(store: &Store, event: EventId) -> Result<(), Failure> {
    // A head that cannot be read is one.
    let has_log = !store.head(event).await.is_ok_and(|head| head == Head::GENESIS);
    let tables = || Arc::new(store.clone());
    if has_log
        || Catalogue::new(tables()).get(event).await?.is_some()
        || QuarantinedEvents::new(tables()).get(event).await?.is_some()
    {
        return Ok(());
    }
    Err(Failure::NoSuchEvent(ids::event(event).to_string()))
}
