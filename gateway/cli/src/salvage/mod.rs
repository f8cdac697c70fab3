//! `tessera repair` of a damaged installation: what would be lost, and a new installation from what is intact.

mod rows;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use tessera_embedded::salvage::{Cut, Salvage, Salvaged, Scratch, Standing};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::Timestamp;
use tessera_projections::quarantine::{Quarantined, QuarantinedEvents};
use tessera_server::ids;
use tessera_store::StoreError;

use crate::failure::Failure;
use crate::fresh::Unfinished;
use crate::output::line;
use crate::repair::TOKEN_FILE;
use crate::rows::wake;

/// Where a repaired installation lists what was lost.
const LOSSES_FILE: &str = "losses.json";
/// The copy of the old tables, below the unfinished directory.
const SCRATCH: &str = "old-tables";

/// Says what a repair would keep and lose. Changes nothing.
pub(crate) fn report(data: &Path, cut: Option<Cut>) -> Result<(), Failure> {
    let salvage = read(data, cut, Scratch::make(&beside(data)?))?;
    print(&salvage);
    let lossless = salvage.damage().is_empty() && salvage.events().iter().all(|event| !is_lossy(event));
    if lossless && salvage.has_tables() {
        line("the journal and the tables can be read from beginning to end");
    }
    Err(Failure::NotSound(
        "nothing was changed. Restore a backup, or keep what is listed with `tessera repair --accept-loss --into NEW`: see docs/operations/embedded-store.md"
            .to_owned(),
    ))
}

/// Makes a new installation at `target` from what is intact in `data`, which is not changed.
pub(crate) async fn into(data: &Path, cut: Option<Cut>, target: &Path) -> Result<(), Failure> {
    let unfinished = Unfinished::begin(target)?;
    if let Err(source) = fill(data, cut, &unfinished.path).await {
        return Err(Failure::RepairUnfinished { unfinished: unfinished.path, source: Box::new(source) });
    }
    unfinished.finish()?;
    let target = target.display();
    line(format_args!("{target} is a sound installation; what was lost stands in {target}/{LOSSES_FILE}"));
    Ok(())
}

/// Where the tables of `data` are copied to for a look at them: beside it, where there is as much room, and nobody else's eye.
fn beside(data: &Path) -> Result<PathBuf, Failure> {
    let whole = fs::canonicalize(data).map_err(|source| Failure::File { path: data.to_owned(), source })?;
    Ok(whole.with_added_extension(format!("tables-{}", std::process::id())))
}

fn read(data: &Path, cut: Option<Cut>, scratch: Result<Scratch, StoreError>) -> Result<Salvage, Failure> {
    let salvage = Salvage::read(data, cut, scratch)?;
    match cut {
        Some(Cut { event, .. }) if salvage.events().iter().all(|salvaged| salvaged.event != event) => {
            Err(Failure::NoSuchEvent(ids::event(event).to_string()))
        }
        _ => Ok(salvage),
    }
}

async fn fill(data: &Path, cut: Option<Cut>, new: &Path) -> Result<(), Failure> {
    // A new installation must not lack the old tables only because there was no room to read them.
    let scratch = Scratch::make(&new.join(SCRATCH))?;
    let salvage = read(data, cut, Ok(scratch))?;
    print(&salvage);
    let store = EmbeddedStore::open(new, &Options::default())?;
    salvage.copy_log(&store).await?;
    let ends = salvage.events().iter().map(|event| (event.event, event.kept.sequence)).collect();
    let copied = rows::copy(&salvage, &ends, &store).await?;
    wake(&ends, &store).await?;
    let quarantine = QuarantinedEvents::new(Arc::new(store.clone()));
    for event in salvage.events().iter().filter(|event| is_lossy(event)) {
        quarantine.set(&set_aside(event)).await?;
    }
    for event in salvage.events() {
        store.verify(event.event).await?;
    }
    copy_token(data, new)?;
    write_losses(data, new, &salvage, &copied)
}

fn is_lossy(event: &Salvaged) -> bool {
    event.standing != Standing::Sound
}

fn set_aside(event: &Salvaged) -> Quarantined {
    let kept = event.kept.sequence;
    let what = match event.standing {
        Standing::Cut => "cut by repair after sequence",
        Standing::InDoubt | Standing::Sound => "in doubt since repair after sequence",
    };
    let reason = format!(
        "{what} {kept}; reconcile the losses listed in {LOSSES_FILE} with what buyers were told, then lift the quarantine"
    );
    // The command has nothing but the ambient clock.
    #[allow(clippy::disallowed_methods)]
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since = Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    Quarantined { event: event.event, reason, since, failures: 0, went_back: None }
}

fn print(salvage: &Salvage) {
    for damage in salvage.damage() {
        line(format_args!("damaged: {damage}"));
    }
    for event in salvage.events() {
        let (id, kept, records) = (ids::event(event.event), event.kept.sequence, event.records);
        match event.standing {
            Standing::Sound => line(format_args!("{id}  sound through sequence {kept}, {records} records")),
            Standing::Cut if event.appended_through > kept => line(format_args!(
                "{id}  CUT after sequence {kept}: {} to at least {} are lost",
                kept.plus(1),
                event.appended_through
            )),
            Standing::Cut => line(format_args!("{id}  CUT after sequence {kept}: what followed is lost")),
            Standing::InDoubt => line(format_args!(
                "{id}  IN DOUBT: sound through sequence {kept}; nobody can tell whether more followed"
            )),
        }
    }
}

/// The administrator's token of the old installation goes on to open the new one.
fn copy_token(data: &Path, new: &Path) -> Result<(), Failure> {
    let path = data.join(TOKEN_FILE);
    match fs::copy(&path, new.join(TOKEN_FILE)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Failure::File { path, source }),
    }
}

fn write_losses(data: &Path, new: &Path, salvage: &Salvage, copied: &rows::Copied) -> Result<(), Failure> {
    let events: Vec<Value> = salvage.events().iter().filter(|event| is_lossy(event)).map(lost).collect();
    let losses = json!({
        "from": data.display().to_string(),
        "damage": salvage.damage(),
        "events_sound": salvage.events().len() - events.len(),
        "events": events,
        "rows_kept": copied.kept,
        "rows_unreadable": copied.unreadable,
    });
    let path: PathBuf = new.join(LOSSES_FILE);
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(format!("{losses:#}\n").as_bytes()).and_then(|()| file.sync_all())
    });
    written.map_err(|source| Failure::File { path, source })
}

fn lost(event: &Salvaged) -> Value {
    json!({
        "event": ids::event(event.event).to_string(),
        "state": if event.standing == Standing::Cut { "cut" } else { "in_doubt" },
        "kept_through": event.kept.sequence.0,
        "appended_through_at_least": event.appended_through.0,
    })
}
