//! Which rows of a damaged installation go into the new one.

use tessera_embedded::EmbeddedStore;
use tessera_embedded::salvage::{Salvage, Salvaged};
use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_store::keys::{FollowerCursor, FollowerCursorKey, KeyKind, WakeUpKey};
use tessera_store::{Row, StoreError, transact};

use crate::failure::Failure;
use crate::output::line;

/// Rows written in one transaction.
const ROWS_PER_TRANSACTION: usize = 50;

/// What became of the rows.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    /// How many were kept.
    pub(crate) kept: u64,
    /// Why the rows after some key could not be read, if so.
    pub(crate) unreadable: Option<String>,
}

/// Writes every row that comes from nowhere else. What follows the log is written again by its followers.
pub(crate) async fn copy(salvage: &Salvage, store: &EmbeddedStore) -> Result<Copied, Failure> {
    let mut copied = Copied::default();
    if !salvage.has_tables() {
        let lost = "names, API keys and the installation's secret are lost: people and keys of the old log will not be recognised";
        copied.unreadable = Some(lost.to_owned());
    }
    let mut after = Vec::new();
    loop {
        let rows = match salvage.rows(&after, ROWS_PER_TRANSACTION) {
            Ok(rows) => rows,
            Err(error) => {
                copied.unreadable = Some(format!("the rows after the first {}: {error}", copied.kept));
                break;
            }
        };
        let Some((last, _)) = rows.last() else { break };
        after.clone_from(last);
        let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
        for row in &rows {
            match keep(row, salvage.events()) {
                Ok(row) => kept.extend(row),
                Err(error) => copied.unreadable = Some(format!("a row is left out: {error}")),
            }
        }
        copied.kept += kept.len() as u64;
        write(store, &kept).await?;
    }
    if let Some(unreadable) = &copied.unreadable {
        line(format_args!("rows: {unreadable}"));
    }
    Ok(copied)
}

/// Lets time into every event at the next start, and its followers begin anew.
pub(crate) async fn wake(salvage: &Salvage, store: &EmbeddedStore) -> Result<(), Failure> {
    for events in salvage.events().chunks(ROWS_PER_TRANSACTION) {
        let at_once = WakeUpKey::encode(Timestamp(0)).to_vec();
        let row = |event: &Salvaged| (WakeUpKey { event: event.event }.pack(), at_once.clone());
        write(store, &events.iter().map(row).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

async fn write(store: &EmbeddedStore, rows: &[Row]) -> Result<(), StoreError> {
    transact(store, |mut transaction| async move {
        rows.iter().for_each(|(key, value)| transaction.set(key, value));
        Ok((transaction, ()))
    })
    .await
}

/// The row as it goes into the new installation, if it does.
fn keep((key, value): &Row, events: &[Salvaged]) -> Result<Option<Row>, StoreError> {
    let same = || Ok(Some((key.clone(), value.clone())));
    let Some(kind) = KeyKind::of(key) else { return same() };
    match kind {
        KeyKind::CatalogueEvent
        | KeyKind::OrganizerEvent
        | KeyKind::CatalogueRequest
        | KeyKind::VenueChunk
        | KeyKind::ApiKey
        | KeyKind::Installation
        | KeyKind::ReceiptKeys
        | KeyKind::Quarantine => same(),
        // Its effects are done and must not be done again; but it never stands beyond the log.
        KeyKind::FollowerCursor => {
            let FollowerCursor { fence, sequence } = FollowerCursor::decode(value)?;
            let end = log_end(FollowerCursorKey::unpack(key)?.event, events);
            let cursor = FollowerCursor { fence, sequence: sequence.min(end) };
            Ok(Some((key.clone(), cursor.encode())))
        }
        // Made from the log. Refusals are not in it; but a tree that goes beyond a log that was cut could not go on.
        KeyKind::Head
        | KeyKind::LogRecord
        | KeyKind::SnapshotChunk
        | KeyKind::SnapshotPointer
        | KeyKind::Order
        | KeyKind::OrderBySubject
        | KeyKind::EventOrders
        | KeyKind::ProjectionCursor
        | KeyKind::ReceiptTree
        | KeyKind::ReceiptPage
        | KeyKind::ReceiptIndex
        | KeyKind::WakeUp => Ok(None),
    }
}

fn log_end(event: EventId, events: &[Salvaged]) -> Sequence {
    let found = events.binary_search_by_key(&event, |salvaged| salvaged.event);
    found.ok().and_then(|index| events.get(index)).map_or(Sequence::ZERO, |event| event.kept.sequence)
}
