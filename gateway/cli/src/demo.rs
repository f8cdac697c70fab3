//! `tessera demo`.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tessera_demo::papers::Papers;
use tessera_demo::progress::Show;
use tessera_demo::run::{DemoOptions, DemoOutcome};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_server::ids;
use tessera_server::server::{Server, Stores};
use tessera_server::settings::{
    self, Overrides, PaymentSettings, RateLimitSettings, SandboxSettings, Settings,
};
use tessera_server::telemetry;

use crate::arguments::DemoArguments;
use crate::failure::Failure;
use crate::output::line;
use crate::replay::{Shown, verify};
use crate::serve::{stop, until_the_end};
use crate::store::Store;

mod books;

/// Where the demo keeps its store unless told otherwise, in the data directory. It is emptied first.
const FOLDER_DEFAULT: &str = "demo";
/// Where the demo writes what a buyer keeps, in the directory of its store.
const TICKETS_FOLDER: &str = "tickets";

/// Sells the arena, checks everything, prints the report, and serves on.
pub(crate) async fn run(arguments: DemoArguments) -> Result<(), Failure> {
    let configured = settings::load(arguments.config.as_deref(), &Overrides::new())?;
    let venue = arguments.venue.as_ref().map(|path| read(path)).transpose()?;
    let own = configured.data.join(FOLDER_DEFAULT);
    let (data, store) = open(arguments.data.as_deref(), &own)?;
    let settings = settings(configured, &arguments, &data);
    telemetry::start_logging(&settings)?;
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
            server.stop_failed().await;
            return Err(Failure::Fatal(reason));
        }
    };
    line(&outcome);
    if let Some(papers) = &outcome.papers {
        keep(papers, &data)?;
    }
    let inside = match inside(&store, &server, &outcome).await {
        Ok(()) => books::balance(&store, outcome.revenue_minor).await,
        broken => broken,
    };
    let held = match inside {
        Ok(()) if outcome.all_held() => Ok(()),
        Ok(()) => Err(Failure::NotSound(
            "an invariant did not hold, seen from the outside; see the report".to_owned(),
        )),
        Err(failure) => Err(failure),
    };
    if arguments.exit || held.is_err() {
        return stop(server, &store).await.and(held);
    }
    line(format_args!("\nserving {} until Ctrl-C. Try:", server.base_url()));
    line(format_args!("  curl -s {}/v1/events/{}/availability", server.base_url(), outcome.event));
    line(format_args!(
        "then, once it has stopped:\n  {} inspect --data {} {} verify",
        program().display(),
        data.display(),
        outcome.event
    ));
    until_the_end(server, &store).await
}

/// Writes the tickets of a buyer down.
fn keep(papers: &Papers, data: &Path) -> Result<(), Failure> {
    let folder = data.join(TICKETS_FOLDER);
    let path = folder.join(format!("{}.pdf", papers.order));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &papers.pdf));
    written.map_err(|source| Failure::File { path: path.clone(), source })?;
    line(format_args!(
        "\non paper: {}, {} tickets; {} was let in by its QR",
        path.display(),
        papers.tickets,
        papers.admitted
    ));
    Ok(())
}

/// How this process was started, as far as the operating system knows: it need not stand on the search path.
fn program() -> PathBuf {
    let Ok(program) = env::current_exe() else { return PathBuf::from("tessera") };
    let below_here =
        env::current_dir().ok().and_then(|here| Some(program.strip_prefix(here).ok()?.to_owned()));
    below_here.map_or(program, |below| Path::new(".").join(below))
}

/// The check from the inside: the log is replayed, record by record, the state is checked from scratch, and it is the state that the
/// server shows.
async fn inside(store: &Store, server: &Server, outcome: &DemoOutcome) -> Result<(), Failure> {
    let event = ids::parse_event(&outcome.event).ok_or_else(|| Failure::NotAnEvent(outcome.event.clone()))?;
    let Some(published) = server.platform().inventory().published(event) else {
        return Err(Failure::NotSound("the server shows no state of the event".to_owned()));
    };
    let shown = Shown { sequence: published.availability.sequence, digest: published.digest };
    let sound = verify(store, event, Some(shown)).await?;
    if sound.events < outcome.sequence {
        let (found, seen) = (sound.events, outcome.sequence);
        return Err(Failure::NotSound(format!("clients saw sequence {seen}, but the log ends at {found}")));
    }
    line(format_args!(
        "\nfrom the inside: {} events in {} records replayed; checksums, chain and every invariant hold; at {} the state is the server's, {:032x}",
        sound.events, sound.records, shown.sequence, shown.digest.0
    ));
    Ok(())
}

/// What is configured, but for what makes it the demo.
fn settings(configured: Settings, arguments: &DemoArguments, data: &Path) -> Settings {
    Settings {
        listen: arguments.listen,
        data: data.to_owned(),
        log_level: "warn".to_owned(),
        // All of the buyers come from one address, and pay at the sandbox, which charges nothing.
        rate_limit: RateLimitSettings {
            address_per_second: 0,
            caller_per_second: 0,
            organizer_minting_per_minute: 0,
            ..configured.rate_limit
        },
        payments: PaymentSettings {
            sandbox: SandboxSettings { enabled: true, ..SandboxSettings::default() },
            ..configured.payments
        },
        ..configured
    }
}

/// An empty store: the demo's own directory is emptied, unless it holds something else; one that was named must be empty.
fn open(named: Option<&Path>, own: &Path) -> Result<(PathBuf, Arc<Store>), Failure> {
    let path = named.unwrap_or(own).to_owned();
    let may_be_emptied = named.is_none() && EmbeddedStore::is_in(&path);
    let is_empty = match fs::read_dir(&path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(source) => return Err(Failure::File { path, source }),
    };
    if !is_empty && !may_be_emptied {
        return Err(Failure::NotEmpty(path));
    }
    let options = Options::default();
    let store = if may_be_emptied {
        EmbeddedStore::open_emptied(&path, &options)
    } else {
        EmbeddedStore::open(&path, &options)
    };
    Ok((path, Arc::new(Store::Embedded(store?))))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { path: path.to_owned(), source })
}
