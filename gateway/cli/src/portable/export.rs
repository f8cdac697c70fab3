//! `tessera export`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use tessera_inventory::{Digest, EventId, Sequence};
use tessera_projections::api_keys::ApiKeys;
use tessera_projections::catalogue::Catalogue;
use tessera_projections::installation::Installation;
use tessera_server::ids;
use tessera_store::keys::ApiKeyKey;
use tessera_store::{Log, Row, StoreError, Table};
use tessera_writer::Head;

use super::piece::{EventPiece, Piece};
use super::writer::Writer;
use crate::arguments::ExportArguments;
use crate::events::{self, must_exist};
use crate::failure::Failure;
use crate::output::line;
use crate::replay::verify;
use crate::rows::{LogEnds, ROWS_PER_TRANSACTION, Source, event_of, is_of_everything, keep};
use crate::store::Store;

/// Bytes of log read at once.
const READ_BYTES: usize = 4_000_000;
/// Organizer keys read at once.
const PAGE_KEYS: usize = 200;
/// A key after every other one.
const LAST_KEY: &[u8] = &[0xff];

/// Writes a stopped installation, or one event of it, to a file.
pub(crate) async fn run(arguments: ExportArguments) -> Result<(), Failure> {
    let ExportArguments { installation, out, event } = arguments;
    let store = Store::find(&installation.settings()?).await?;
    let only = match event {
        Some(text) => {
            let event = ids::parse_event(&text).ok_or(Failure::NotAnEvent(text))?;
            must_exist(&store, event).await?;
            Some(event)
        }
        None => None,
    };
    let events = events_of(&store, only).await?;
    export(&store, events, only, &out).await
}

/// Every event, or the one that is meant.
async fn events_of(store: &Store, only: Option<EventId>) -> Result<BTreeSet<EventId>, Failure> {
    let known = events::all(store).await?;
    if let Some(error) = known.unreadable {
        return Err(error.into());
    }
    Ok(known.known.into_keys().filter(|event| only.is_none_or(|only| only == *event)).collect())
}

async fn export(
    store: &Store,
    events: BTreeSet<EventId>,
    only: Option<EventId>,
    out: &Path,
) -> Result<(), Failure> {
    let result = write(store, events, only, out).await;
    if result.is_err() {
        // It never got its name, and without it nobody takes it for an export.
        let _ = std::fs::remove_file(crate::fresh::unfinished(out));
    }
    result
}

async fn write(
    store: &Store,
    events: BTreeSet<EventId>,
    only: Option<EventId>,
    out: &Path,
) -> Result<(), Failure> {
    let installation = Installation::find(store).await?.ok_or_else(|| {
        Failure::NotSound(
            "the installation's secret is lost: nobody would be recognised in a copy".to_owned(),
        )
    })?;
    let mut writer = Writer::begin(out, installation.id)?;
    let mut heads = BTreeMap::new();
    for event in events {
        let mut head = store.head(event).await?;
        if head != Head::GENESIS {
            head = log(store, event, &mut writer).await?;
        }
        heads.insert(event, head);
    }
    let with_log = heads.iter().filter(|(_, head)| **head != Head::GENESIS);
    let ends: LogEnds = with_log.map(|(event, head)| (*event, head.sequence)).collect();
    rows(store, only, &ends, &mut writer).await?;
    is_still(store, only, &heads).await?;
    let (totals, bytes) = writer.finish()?;
    line(format_args!(
        "{}: {} events, {} records, {} rows, {bytes} bytes; whoever reads it has the installation's secret",
        out.display(),
        totals.events,
        totals.records,
        totals.rows
    ));
    Ok(())
}

/// Nothing has moved since it was read. Over FoundationDB no lock keeps a node away, and what is written of an installation that is
/// served does not fit together.
async fn is_still(
    store: &Store,
    only: Option<EventId>,
    heads: &BTreeMap<EventId, Head>,
) -> Result<(), Failure> {
    for event in events_of(store, only).await? {
        if heads.get(&event) != Some(&store.head(event).await?) {
            return Err(Failure::Served(ids::event(event).to_string()));
        }
    }
    Ok(())
}

/// The whole log of an event, once it is known to be sound; and its head.
async fn log(store: &Store, event: EventId, writer: &mut Writer) -> Result<Head, Failure> {
    let sound = verify(store, event, None).await?;
    let head = sound.head;
    writer.piece(&Piece::Event(EventPiece {
        event,
        head,
        records: sound.records,
        digest: Digest(sound.digest),
    }))?;
    let (mut after, mut records) = (Sequence::ZERO, 0);
    while after < head.sequence {
        for record in store.read(event, after, READ_BYTES).await? {
            after = record.last_sequence;
            records += 1;
            writer.piece(&Piece::Record(record))?;
        }
    }
    line(format_args!(
        "{}  exported {} events in {records} records, chain {:?}, state {:032x}",
        ids::event(event),
        sound.events,
        head.chain,
        sound.digest
    ));
    Ok(head)
}

/// Every row that goes into a new installation and is about what is exported.
async fn rows(
    store: &Store,
    only: Option<EventId>,
    ends: &LogEnds,
    writer: &mut Writer,
) -> Result<(), Failure> {
    let foreign_keys = match only {
        Some(event) => keys_of_others(store, event).await?,
        None => BTreeSet::new(),
    };
    let mut begin = Vec::new();
    loop {
        let mut transaction = store.begin().await?;
        let page: Vec<Row> = transaction.range(&begin, LAST_KEY, ROWS_PER_TRANSACTION, false).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        begin.clone_from(last);
        begin.push(0);
        for row in &page {
            let Some(row) = keep(row, ends, Source::Sound)? else { continue };
            let about = event_of(&row)?;
            let is_meant = only.is_none() || about == only || about.is_none() && !is_of_everything(&row);
            if is_meant && !foreign_keys.contains(&row.0) {
                writer.piece(&Piece::Row(row))?;
            }
        }
    }
}

/// The keys of the API keys of every organizer but that of the event.
async fn keys_of_others(store: &Store, event: EventId) -> Result<BTreeSet<Vec<u8>>, StoreError> {
    let table: Arc<dyn Table> = Arc::new(store.clone());
    let organizer = Catalogue::new(Arc::clone(&table)).get(event).await?.map(|card| card.organizer);
    let api_keys = ApiKeys::new(table);
    let (mut others, mut after) = (BTreeSet::new(), None);
    loop {
        let page = api_keys.list(None, after, PAGE_KEYS).await?;
        let foreign = page.keys.iter().filter(|key| Some(key.organizer) != organizer);
        others.extend(foreign.map(|key| ApiKeyKey { id: key.id().0 }.pack()));
        after = page.next;
        if after.is_none() {
            return Ok(others);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_embedded::{EmbeddedStore, Options};
    use tessera_inventory::Epoch;
    use tessera_store::{AppendOutcome, Batch};
    use tessera_writer::BatchId;

    use super::*;

    const EVENT: EventId = EventId(1);

    /// An installation without the lock that keeps nodes away.
    async fn installation(directory: &Path) -> Store {
        let store = Store::Embedded(EmbeddedStore::open(directory, &Options::default()).unwrap());
        let fresh = Installation { id: 7, secret: [7; 32] };
        Installation::open(&store, &fresh).await.unwrap();
        store
    }

    /// What a node does that takes an event: the head moves, and no record comes with it.
    async fn take(store: &Store, event: EventId) {
        let found = store.head(event).await.unwrap();
        let epoch = Epoch(found.epoch.0 + 1);
        let next = Head { epoch, batch_id: BatchId(epoch.0.into()), ..found };
        let appended = store.append(event, found, Batch { next, record: [].into() }).await;
        assert!(matches!(appended, AppendOutcome::Committed), "{appended:?}");
    }

    #[tokio::test]
    async fn what_a_node_moves_meanwhile_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let store = installation(folder.path()).await;
        take(&store, EVENT).await;
        let heads = BTreeMap::from([(EVENT, store.head(EVENT).await.unwrap())]);
        is_still(&store, None, &heads).await.unwrap();
        take(&store, EVENT).await;
        let moved = is_still(&store, None, &heads).await.unwrap_err();
        assert!(moved.to_string().contains("stop every node first"), "{moved}");
        let other = is_still(&store, Some(EventId(2)), &heads).await;
        assert!(other.is_ok(), "it is not exported");
    }

    #[tokio::test]
    async fn an_export_that_an_event_came_into_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = installation(&folder.path().join("data")).await;
        take(&store, EVENT).await;
        let out = folder.path().join("out");
        // As listed before the event was made.
        let ended = export(&store, BTreeSet::new(), None, &out).await;
        assert!(matches!(ended, Err(Failure::Served(_))), "{ended:?}");
        let there = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(there(), 1, "the store and nothing else");
        export(&store, BTreeSet::from([EVENT]), None, &out).await.unwrap();
        assert_eq!(there(), 2);
    }
}
