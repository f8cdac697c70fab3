//! `tessera inspect`.

use std::fmt::Write;

use clap::ValueEnum;
use tessera_inventory::{Config, Counters, EventId, Inventory};
use tessera_projections::catalogue::CatalogueEvent;
use tessera_server::ids;
use tessera_server::instant::Rfc3339;
use tessera_store::Log;
use tessera_writer::Head;

use crate::arguments::{InspectArguments, InspectCommand, View};
use crate::events::{self, must_exist};
use crate::failure::Failure;
use crate::feed;
use crate::ledger;
use crate::output::line;
use crate::printer::Printer;
use crate::quotes;
use crate::replay::{Alone, replay, verify};
use crate::store::Store;
use crate::transcript;

/// Shows what is asked for.
pub(crate) async fn run(arguments: InspectArguments) -> Result<(), Failure> {
    let settings = arguments.installation.settings()?;
    match (arguments.command, arguments.event.is_some()) {
        (Some(InspectCommand::Feed(arguments)), false) => return feed::run(&settings, arguments).await,
        (Some(InspectCommand::Feed(_)), true) => return Err(Failure::FeedOfOne),
        (Some(InspectCommand::Ledger), true) => return Err(Failure::LedgerOfOne),
        (Some(InspectCommand::Ledger), false) => return ledger::run(&Store::find(&settings).await?).await,
        (None, _) => {}
    }
    let store = Store::find(&settings).await?;
    // `inspect verify` without an event means all of them.
    let alone = arguments.event.as_deref().filter(|_| arguments.view.is_none());
    if let Some(view) = alone.and_then(|text| View::from_str(text, false).ok()) {
        return all(&store, Some(view)).await;
    }
    match &arguments.event {
        None => all(&store, None).await,
        Some(text) => {
            let event = ids::parse_event(text).ok_or_else(|| Failure::NotAnEvent(text.clone()))?;
            must_exist(&store, event).await?;
            show(&store, event, arguments.view.unwrap_or(View::State)).await
        }
    }
}

/// Every event, one after the other; one that is not sound does not keep the next from being looked at.
async fn all(store: &Store, view: Option<View>) -> Result<(), Failure> {
    let events = events::all(store).await?;
    let mut unsound = 0;
    if let Some(error) = &events.unreadable {
        line(format_args!("NOT SOUND: not every event of the tables can be listed: {error}"));
        unsound += 1;
    }
    if events.known.is_empty() {
        line("there are no events");
    }
    for (event, card) in &events.known {
        if let Err(failure) = one(store, *event, card.as_ref(), view).await {
            failure.found_in(*event)?;
            unsound += 1;
        }
    }
    match unsound {
        0 => Ok(()),
        _ => Err(Failure::NotSound(format!(
            "{unsound} findings; `tessera repair` says what is damaged and what would be lost"
        ))),
    }
}

async fn one(
    store: &Store,
    event: EventId,
    card: Option<&CatalogueEvent>,
    view: Option<View>,
) -> Result<(), Failure> {
    let Head { sequence, epoch, .. } = store.head(event).await?;
    let what = match card {
        Some(card) => format!("{}  {:?}", Rfc3339(card.starts_at), card.name),
        None => "not in the catalogue".to_owned(),
    };
    line(format_args!("{}  sequence {sequence}  epoch {epoch}  {what}", ids::event(event)));
    match view {
        Some(view) => show(store, event, view).await,
        None => Ok(()),
    }
}

async fn show(store: &Store, event: EventId, view: View) -> Result<(), Failure> {
    match view {
        View::State => {
            let replay = replay(store, event, &mut Alone).await?;
            state(replay.inventory());
        }
        View::Log => {
            replay(store, event, &mut Printer::new(store, event).await?).await?;
        }
        View::Digest => {
            let replay = replay(store, event, &mut Alone).await?;
            line(format_args!("sequence  {}", replay.sequence()));
            line(format_args!("state     {:032x}", replay.inventory().digest().0));
            line(format_args!("chain     {:?}", replay.chain()));
        }
        View::Transcript => transcript::print(store, event).await?,
        View::Quotes => quotes::check(store, event).await?,
        View::Verify => {
            let sound = verify(store, event, None).await?;
            line(format_args!(
                "sound: {} events in {} records, epoch {}, chain {:?}, state {:032x}; checksums, chain, replay and every invariant hold",
                sound.events, sound.records, sound.head.epoch, sound.head.chain, sound.digest
            ));
        }
    }
    Ok(())
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
