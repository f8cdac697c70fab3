//! `tessera export`.

use std::collections::BTreeSet;
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
use crate::rows::{LogEnds, ROWS_PER_TRANSACTION, Source, event_of, is_webhook, keep};
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
    let known = events::all(&store).await?;
    if let Some(error) = known.unreadable {
        return Err(error.into());
    }
    let events = known.known.into_keys().filter(|event| only.is_none_or(|only| only == *event)).collect();
    let result = write(&store, events, only, &out).await;
    if result.is_err() {
        // It never got its name, and without it nobody takes it for an export.
        let _ = std::fs::remove_file(crate::fresh::unfinished(&out));
    }
    result
}

async fn write(
    store: &Store,
    events: Vec<EventId>,
    only: Option<EventId>,
    out: &Path,
) -> Result<(), Failure> {
    let installation = Installation::find(store).await?.ok_or_else(|| {
        Failure::NotSound(
            "the installation's secret is lost: nobody would be recognised in a copy".to_owned(),
        )
    })?;
    let mut writer = Writer::begin(out, installation.id)?;
    let mut ends = LogEnds::new();
    for event in events {
        let head = store.head(event).await?;
        if head != Head::GENESIS {
            log(store, event, &mut writer).await?;
            ends.insert(event, head.sequence);
        }
    }
    rows(store, only, &ends, &mut writer).await?;
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

/// The whole log of an event, once it is known to be sound.
async fn log(store: &Store, event: EventId, writer: &mut Writer) -> Result<(), Failure> {
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
    Ok(())
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
            let is_meant = only.is_none() || about == only || about.is_none() && !is_webhook(&row);
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
