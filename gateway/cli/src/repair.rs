//! `tessera repair`.

use std::path::Path;
use std::sync::Arc;

use tessera_embedded::salvage::Cut;
use tessera_inventory::{EventId, Sequence};
use tessera_projections::quarantine::QuarantinedEvents;
use tessera_server::ids;
use tessera_server::settings::{Settings, StoreKind};
use tessera_store::StoreError;

use crate::arguments::RepairArguments;
use crate::events::{self, must_exist};
use crate::failure::{Failure, reconciling};
use crate::output::line;
use crate::replay::verify;
use crate::salvage;
use crate::store::Store;

/// The file of the administrator's token, in the data directory.
pub(crate) const TOKEN_FILE: &str = "admin-token";

/// Lifts the quarantine of an event, brings a damaged installation back, or verifies a stopped one.
pub(crate) async fn run(arguments: RepairArguments) -> Result<(), Failure> {
    let RepairArguments { installation, url, reconcile, restored, lift, into, through, event, .. } =
        arguments;
    let settings = installation.settings()?;
    if let (Some(url), Some(event)) = (&url, &event) {
        let operation = if reconcile { "reconciliations" } else { "repairs" };
        return operate(url, event, operation, settings).await;
    }
    let event = match event {
        Some(text) => Some(ids::parse_event(&text).ok_or(Failure::NotAnEvent(text))?),
        None => None,
    };
    let cut = event.zip(through).map(|(event, through)| Cut { event, through: Sequence(through) });
    match (into, event, cut) {
        (Some(into), _, cut) => salvage::into(embedded(&settings)?, cut, &into).await,
        (None, _, Some(cut)) => salvage::report(embedded(&settings)?, Some(cut)),
        (None, Some(event), None) if lift => lift_quarantine(&settings, event).await,
        (None, only, None) => verify_all(&settings, only, restored).await,
    }
}

/// The directory of the embedded store, which alone can be brought back from what is left of it.
fn embedded(settings: &Settings) -> Result<&Path, Failure> {
    match settings.store.kind {
        StoreKind::Embedded if settings.data.is_dir() => Ok(&settings.data),
        StoreKind::Embedded => Err(Failure::NoData(settings.data.clone())),
        StoreKind::FoundationDb => Err(Failure::NotRepairable),
    }
}

async fn operate(url: &str, event: &str, operation: &str, settings: Settings) -> Result<(), Failure> {
    let no_server = |source| Failure::NoServer { url: url.to_owned(), source };
    let address = format!("{}/v1/events/{event}/{operation}", url.trim_end_matches('/'));
    let request = reqwest::Client::new().post(address).bearer_auth(token(settings)?);
    let reply = request.send().await.map_err(no_server)?;
    let status = reply.status();
    let body = reply.text().await.map_err(no_server)?;
    if !status.is_success() {
        return Err(Failure::Refused { url: url.to_owned(), status: status.as_u16(), body });
    }
    line(body);
    Ok(())
}

/// The administrator's token, as `serve` finds it: the setting, or the file.
pub(crate) fn token(settings: Settings) -> Result<String, Failure> {
    if let Some(token) = settings.admin_token {
        return Ok(token.into());
    }
    let path = settings.data.join(TOKEN_FILE);
    let token = std::fs::read_to_string(&path).map_err(|source| Failure::File { path, source })?;
    Ok(token.trim().to_owned())
}

async fn lift_quarantine(settings: &Settings, event: EventId) -> Result<(), Failure> {
    let store = Store::find(settings).await?;
    let id = ids::event(event);
    must_exist(&store, event).await?;
    let sound = verify(&store, event, None).await?;
    if !QuarantinedEvents::new(Arc::new(store)).lift(event).await? {
        return Err(Failure::WentBack(id.to_string()));
    }
    line(format_args!("{id}  sound, {} events: it is served at the next start", sound.events));
    Ok(())
}

/// Opening the store verifies its journal and its anchor; then every log is verified and replayed. Where something is
/// damaged, what a repair would lose is said too. One that was restored gets a new era first.
async fn verify_all(settings: &Settings, only: Option<EventId>, restored: bool) -> Result<(), Failure> {
    let store = match Store::find(settings).await {
        Err(Failure::Store(error @ StoreError::Damaged { .. })) => {
            line(format_args!("the store does not open: {error}"));
            return salvage::report(embedded(settings)?, None);
        }
        opened => opened?,
    };
    if restored {
        let begin = store.renew_era().await?;
        line(format_args!("a new era begins: readers of the feed across events begin anew, --after {begin}"));
    }
    let mut unsound = 0;
    if let Some(event) = only {
        must_exist(&store, event).await?;
        unsound += u32::from(!is_sound(&store, event).await?);
    } else {
        let events = events::all(&store).await?;
        if let Some(error) = &events.unreadable {
            line(format_args!("NOT SOUND: not every event of the tables can be listed: {error}"));
            unsound += 1;
        }
        for event in events.known.keys() {
            unsound += u32::from(!is_sound(&store, *event).await?);
        }
    }
    if unsound == 0 {
        return Ok(());
    }
    drop(store);
    salvage::report(embedded(settings)?, None)
}

/// Verifies one event, and says what came of it.
async fn is_sound(store: &Store, event: EventId) -> Result<bool, Failure> {
    let id = ids::event(event);
    let quarantine = async { Ok(QuarantinedEvents::new(Arc::new(store.clone())).get(event).await?) };
    let found = match verify(store, event, None).await {
        Ok(sound) => quarantine.await.map(|quarantined| (sound.events, quarantined)),
        Err(failure) => Err(failure),
    };
    match found {
        Ok((events, None)) => {
            line(format_args!("{id}  sound, {events} events: it is served at the next start"));
        }
        Ok((events, Some(set_aside))) => {
            let advice = match set_aside.went_back {
                Some(_) => format!("reconcile it at a running server: {}", reconciling(&id)),
                None => format!("lift it with --lift {id}"),
            };
            line(format_args!(
                "{id}  sound, {events} events, but quarantined ({}): {advice}",
                set_aside.reason
            ));
        }
        Err(failure) => return failure.found_in(event).map(|()| false),
    }
    Ok(true)
}
