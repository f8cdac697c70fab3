//! `tessera repair`.

use std::path::Path;

use tessera_server::ids;

use crate::arguments::RepairArguments;
use crate::failure::Failure;
use crate::inspect::{events, open};
use crate::output::line;
use crate::replay::verify;

/// The file of the administrator's token, in the data directory.
const TOKEN_FILE: &str = "admin-token";
/// The environment variable that gives it instead.
const TOKEN_VARIABLE: &str = "TESSERA_ADMIN_TOKEN";

/// Lifts the quarantine of an event in a running server, or verifies a stopped installation.
pub(crate) async fn run(arguments: RepairArguments) -> Result<(), Failure> {
    match (&arguments.url, &arguments.event) {
        (Some(url), Some(event)) => release(url, event, &arguments.data).await,
        (_, event) => verify_all(&arguments.data, event.as_deref()).await,
    }
}

async fn release(url: &str, event: &str, data: &Path) -> Result<(), Failure> {
    let no_server = |source| Failure::NoServer { url: url.to_owned(), source };
    let address = format!("{}/v1/events/{event}/repairs", url.trim_end_matches('/'));
    let request = reqwest::Client::new().post(address).bearer_auth(token(data)?);
    let reply = request.send().await.map_err(no_server)?;
    let status = reply.status();
    let body = reply.text().await.map_err(no_server)?;
    if !status.is_success() {
        return Err(Failure::Refused { url: url.to_owned(), status: status.as_u16(), body });
    }
    line(body);
    Ok(())
}

fn token(data: &Path) -> Result<String, Failure> {
    // The token has the same variable as in `serve`, where the configuration reads it.
    #[allow(clippy::disallowed_methods)]
    if let Ok(token) = std::env::var(TOKEN_VARIABLE) {
        return Ok(token);
    }
    let path = data.join(TOKEN_FILE);
    let token = std::fs::read_to_string(&path).map_err(|source| Failure::File { path, source })?;
    Ok(token.trim().to_owned())
}

/// Opening the store verifies its journal and its anchor; then every log is verified and replayed. A quarantine does not
/// outlive the process: what replays soundly is served again at the next start.
async fn verify_all(data: &Path, only: Option<&str>) -> Result<(), Failure> {
    let store = open(data)?;
    let only = match only {
        Some(text) => Some(ids::parse_event(text).ok_or_else(|| Failure::NotAnEvent(text.to_owned()))?),
        None => None,
    };
    let mut damaged = Vec::new();
    for card in events(&store).await? {
        if only.is_some_and(|only| only != card.event) {
            continue;
        }
        let id = ids::event(card.event);
        match verify(&store, card.event).await {
            Ok(sound) => {
                line(format_args!("{id}  sound, {} events: it is served at the next start", sound.events))
            }
            Err(failure) => {
                line(format_args!("{id}  NOT SOUND: {failure}"));
                damaged.push(id.to_string());
            }
        }
    }
    if damaged.is_empty() {
        return Ok(());
    }
    Err(Failure::NotSound(format!(
        "not sound: {}. Nothing was changed. The other events can be served; restore these from a backup, see docs/operations/embedded-store.md",
        damaged.join(", ")
    )))
}
