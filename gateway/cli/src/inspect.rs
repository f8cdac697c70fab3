//! `tessera inspect`.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{Config, Counters, EventId, Inventory};
use tessera_projections::catalogue::{Catalogue, CatalogueEvent};
use tessera_server::ids;
use tessera_server::instant::Rfc3339;
use tessera_store::Log;
use tessera_writer::Head;

use crate::arguments::{InspectArguments, View};
use crate::failure::Failure;
use crate::output::line;
use crate::replay::{replay, verify};

/// Rows of the catalogue read at once.
const PAGE_EVENTS: usize = 200;

/// Shows what is asked for.
pub(crate) async fn run(arguments: InspectArguments) -> Result<(), Failure> {
    let store = open(&arguments.installation.settings()?.data)?;
    // `inspect verify` without an event means all of them.
    let alone = arguments.event.as_deref().filter(|_| arguments.view.is_none());
    if let Some(view) = alone.and_then(|text| View::from_str(text, false).ok()) {
        return all(&store, Some(view)).await;
    }
    match &arguments.event {
        None => all(&store, None).await,
        Some(text) => {
            let event = ids::parse_event(text).ok_or_else(|| Failure::NotAnEvent(text.clone()))?;
            if store.head(event).await? == Head::GENESIS && catalogue(&store).get(event).await?.is_none() {
                return Err(Failure::NoSuchEvent(text.clone()));
            }
            show(&store, event, arguments.view.unwrap_or(View::State)).await
        }
    }
}

/// Opens a store that is there already: looking must not make one.
pub(crate) fn open(data: &Path) -> Result<EmbeddedStore, Failure> {
    if !data.is_dir() {
        return Err(Failure::NoData(data.to_owned()));
    }
    Ok(EmbeddedStore::open(data, &Options::default())?)
}

fn catalogue(store: &EmbeddedStore) -> Catalogue {
    Catalogue::new(Arc::new(store.clone()))
}

/// Every event of the catalogue.
pub(crate) async fn events(store: &EmbeddedStore) -> Result<Vec<CatalogueEvent>, Failure> {
    let catalogue = catalogue(store);
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let page = catalogue.list(after, PAGE_EVENTS).await?;
        events.extend(page.events);
        after = page.next;
        if after.is_none() {
            return Ok(events);
        }
    }
}

async fn all(store: &EmbeddedStore, view: Option<View>) -> Result<(), Failure> {
    let events = events(store).await?;
    if events.is_empty() {
        line("there are no events");
    }
    for card in events {
        let Head { sequence, epoch, .. } = store.head(card.event).await?;
        let id = ids::event(card.event);
        line(format_args!(
            "{id}  sequence {sequence}  epoch {epoch}  {}  {:?}",
            Rfc3339(card.starts_at),
            card.name
        ));
        if let Some(view) = view {
            show(store, card.event, view).await?;
        }
    }
    Ok(())
}

async fn show(store: &EmbeddedStore, event: EventId, view: View) -> Result<(), Failure> {
    match view {
        View::State => {
            let replay = replay(store, event, |_, _| {}).await?;
            state(replay.inventory());
        }
        View::Log => {
            let show = |sequence, event: &tessera_inventory::Event| {
                let what = format!("{:?}", event.body);
                line(format_args!("{sequence:>10}  {}  {}", Rfc3339(event.at), brief(&what)));
            };
            replay(store, event, show).await?;
        }
        View::Digest => {
            let replay = replay(store, event, |_, _| {}).await?;
            line(format_args!("sequence  {}", replay.sequence()));
            line(format_args!("state     {:032x}", replay.inventory().digest().0));
            line(format_args!("chain     {:?}", replay.chain()));
        }
        View::Verify => {
            let verified = store.verify(event).await?;
            let sound = verify(store, event).await?;
            line(format_args!(
                "sound: {} events in {} records, epoch {}, chain {:?}, state {:032x}; checksums, chain, replay and every invariant hold",
                sound.events, verified.records, sound.head.epoch, sound.head.chain, sound.digest
            ));
        }
    }
    Ok(())
}

/// A configuration is too long for a line.
fn brief(what: &str) -> &str {
    const CHARACTERS_MAX: usize = 200;
    what.char_indices().nth(CHARACTERS_MAX).map_or(what, |(end, _)| &what[..end])
}

fn state(inventory: &Inventory) {
    let view = inventory.availability();
    line(format_args!("event          {}", ids::event(inventory.event())));
    line(format_args!("sequence       {} at {}", view.sequence, Rfc3339(view.at)));
    line(format_args!("phase          {:?}", view.phase));
    line(format_args!("configuration  version {}", view.config_version));
    line(format_args!("live holds     {}", view.live_holds));
    line(format_args!("orders         {}", view.orders));
    let Some((_, config)) = inventory.config() else { return };
    let config: &Config = config;
    for (pool, counters) in config.pools.iter().zip(&view.pools) {
        counted("pool", &pool.name, counters);
    }
    for (category, counters) in config.categories.iter().zip(&view.categories) {
        counted("category", &category.name, counters);
    }
}

fn counted(kind: &str, name: &str, counters: &Counters) {
    let Counters { free, held, sold, killed } = counters;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{kind:<14} {name:<24} free {free:>8}  held {held:>8}  sold {sold:>8}  killed {killed:>8}"
    );
    line(text);
}
