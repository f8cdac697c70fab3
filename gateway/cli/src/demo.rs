//! `tessera demo`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tessera_demo::progress::Show;
use tessera_demo::run::{DemoOptions, DemoOutcome};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_server::ids;
use tessera_server::server::{Server, Stores};
use tessera_server::settings::{self, Overrides, RateLimitSettings, Settings};
use tessera_server::telemetry;

use crate::arguments::DemoArguments;
use crate::failure::Failure;
use crate::output::line;
use crate::replay::verify;
use crate::serve::until_the_end;

/// Where the demo keeps its store unless told otherwise, in the data directory. It is emptied first.
const FOLDER_DEFAULT: &str = "demo";

/// Sells the arena, checks everything, prints the report, and serves on.
pub(crate) async fn run(arguments: DemoArguments) -> Result<(), Failure> {
    let configured = settings::load(arguments.config.as_deref(), &Overrides::new())?;
    let data = prepare(arguments.data.as_deref(), &configured.data.join(FOLDER_DEFAULT))?;
    let settings = settings(configured, &arguments, &data);
    telemetry::start_logging(&settings)?;
    let venue = arguments.venue.as_ref().map(|path| read(path)).transpose()?;
    let store = Arc::new(EmbeddedStore::open(&data, &Options::default())?);
    let server = Server::start(settings, Stores::of(Arc::clone(&store))).await?;
    line(format_args!("serving {} from {}", server.base_url(), data.display()));
    let options = DemoOptions {
        base_url: server.base_url(),
        administrator_token: server.administrator_token().to_owned(),
        buyers: arguments.buyers,
        seed: arguments.seed,
        connections: arguments.connections.max(1),
        venue,
        show: Show::Automatic,
    };
    let outcome = tokio::select! {
        outcome = tessera_demo::run::run(options) => outcome?,
        reason = server.fatal() => {
            server.stop().await;
            return Err(Failure::Fatal(reason));
        }
    };
    line(&outcome);
    let inside = inside(&store, &outcome).await;
    let held = match inside {
        Ok(()) if outcome.all_held() => Ok(()),
        Ok(()) => Err(Failure::NotSound(
            "an invariant did not hold, seen from the outside; see the report".to_owned(),
        )),
        Err(failure) => Err(failure),
    };
    if arguments.exit || held.is_err() {
        server.stop().await;
        return held;
    }
    line(format_args!("\nserving {} until Ctrl-C. Try:", server.base_url()));
    line(format_args!("  curl -s {}/v1/events/{}/availability", server.base_url(), outcome.event));
    line(format_args!(
        "then, once it has stopped:\n  tessera inspect --data {} {} verify",
        data.display(),
        outcome.event
    ));
    until_the_end(server).await
}

/// The check from the inside: the log is replayed, record by record, and the state is checked from scratch.
async fn inside(store: &EmbeddedStore, outcome: &DemoOutcome) -> Result<(), Failure> {
    let event = ids::parse_event(&outcome.event).ok_or_else(|| Failure::NotAnEvent(outcome.event.clone()))?;
    let verified = store.verify(event).await?;
    let sound = verify(store, event).await?;
    if sound.events < outcome.sequence {
        let (found, seen) = (sound.events, outcome.sequence);
        return Err(Failure::NotSound(format!("clients saw sequence {seen}, but the log ends at {found}")));
    }
    line(format_args!(
        "\nfrom the inside: {} events in {} records replayed; checksums, chain and every invariant hold; state {:032x}",
        sound.events, verified.records, sound.digest
    ));
    Ok(())
}

/// What is configured, but for what makes it the demo.
fn settings(configured: Settings, arguments: &DemoArguments, data: &Path) -> Settings {
    Settings {
        listen: arguments.listen,
        data: data.to_owned(),
        log_level: "warn".to_owned(),
        // All of the buyers come from one address, and one organizer's till confirms all of their orders.
        rate_limit: RateLimitSettings {
            address_per_second: 0,
            caller_per_second: 0,
            organizer_minting_per_minute: 0,
            ..configured.rate_limit
        },
        ..configured
    }
}

/// An empty directory: the demo's own is emptied, another one must be.
fn prepare(data: Option<&Path>, own: &Path) -> Result<PathBuf, Failure> {
    let path = data.unwrap_or(own).to_owned();
    let failed = |source| Failure::File { path: path.clone(), source };
    match fs::read_dir(&path) {
        Ok(mut entries) => {
            if data.is_some() && entries.next().is_some() {
                return Err(Failure::NotEmpty(path));
            }
            if data.is_none() {
                fs::remove_dir_all(&path).map_err(failed)?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    fs::create_dir_all(&path).map_err(failed)?;
    Ok(path)
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { path: path.to_owned(), source })
}
