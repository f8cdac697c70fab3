//! The set-up of a run, all of it through the API: the organizer's key, buyer tokens, the event with its venue, its opening.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tessera_demo::client::{Call, Connection, Server};
use tessera_demo::feed::{PAGE_ITEMS, Page};
use tessera_demo::setup::{self, Organizer, accepted, bearer};
use tessera_demo::tally::Tally;
use tessera_demo::venue::{self, Venue};

use crate::error::RehearsalError;
use crate::scenario::Scenario;
use crate::scenario::event::Event;
use crate::stage::Stage;
use crate::wishes::Menu;

/// Status of what is not there.
const NOT_FOUND: u16 = 404;
/// What the organizer's key is called.
const KEY_NAME: &str = "rehearsal";
/// What the door's key is called.
const GATE_NAME: &str = "rehearsal door";
/// From now to the day of the event.
const STARTS_AFTER: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Tokens between two lines about how many there are.
const TOLD_EVERY: usize = 20_000;

/// Everything that stands before the first buyer comes.
pub(crate) struct Prepared {
    pub(crate) stage: Arc<Stage>,
    pub(crate) configuration: Value,
    pub(crate) organizer: Organizer,
    /// How long the presale lasts, in seconds of the run.
    pub(crate) presale_s: Option<f64>,
    /// As the server's API document says.
    pub(crate) server_version: String,
}

#[derive(Deserialize)]
struct EventReply {
    organizer: String,
    phase: String,
}

#[derive(Deserialize)]
struct ConfigurationReply {
    configuration: Value,
}

struct Opened {
    event: String,
    configuration: Value,
    credential: HeaderValue,
    /// Whose event it is.
    owner: String,
    organizer: Organizer,
    presale_s: Option<f64>,
}

/// Make everything ready. `told` hears what happens.
pub(crate) async fn prepare(
    scenario: &Scenario,
    tokens: u32,
    server: &Server,
    administrator_token: &str,
    seed: u64,
    told: &(dyn Fn(String) + Sync),
) -> Result<Prepared, RehearsalError> {
    let mut connection = Connection::new(server);
    told(format!("waiting for the server at {}", server.address()));
    connection.call(&Call::get("/readyz".into())).await?;
    told("setting the event up".into());
    let administrator = bearer(administrator_token)?;
    let opened = match &scenario.event {
        Event::Created { configuration, presale_s, channel_release_s } => {
            let release = SignedDuration::from_secs(i64::from(*channel_release_s));
            let name = &scenario.name;
            let mut opened = create(server, &administrator, name, configuration, release, seed).await?;
            opened.presale_s = *presale_s;
            open(&mut opened).await?;
            opened
        }
        Event::Existing { id } => find(server, &administrator, id, seed).await?,
    };
    let venue = Venue::read(&opened.configuration.to_string())?;
    let menu = |behaviour| Menu::new(&venue, behaviour).map_err(RehearsalError::Usage);
    let menus = scenario.behaviours.iter().map(menu).collect::<Result<_, _>>()?;
    let count = |made: usize| {
        if made.is_multiple_of(TOLD_EVERY) {
            told(format!("{made} of {tokens} buyer tokens"));
        }
    };
    let scanner = setup::scanner_key(&mut connection, &administrator, GATE_NAME, &opened.owner).await?;
    let tokens = setup::buyer_tokens(&mut connection, &opened.credential, tokens, count).await?;
    let stage = Stage {
        server: server.clone(),
        event: opened.event,
        venue,
        organizer: opened.credential,
        scanner,
        has_sandbox: has_sandbox(&mut connection).await?,
        tokens,
        behaviours: scenario.behaviours.clone(),
        menus,
        patience: Duration::from_secs_f64(scenario.crowd.patience_s),
        seed,
    };
    Ok(Prepared {
        stage: Arc::new(stage),
        configuration: opened.configuration,
        organizer: opened.organizer,
        presale_s: opened.presale_s,
        server_version: server_version(&mut connection).await?,
    })
}

async fn create(
    server: &Server,
    administrator: &HeaderValue,
    name: &str,
    configuration: &Value,
    release: SignedDuration,
    seed: u64,
) -> Result<Opened, RehearsalError> {
    let mut connection = Connection::new(server);
    let (credential, owner) = setup::organizer_key(&mut connection, administrator, KEY_NAME, None).await?;
    let mut organizer = Organizer::new(connection, credential.clone(), seed);
    let now = Timestamp::now();
    let configuration = venue::configuration(&configuration.to_string(), &(now + release).to_string())?;
    let starts_at = (now + STARTS_AFTER).to_string();
    let event = organizer.create_event(name, configuration.clone(), &starts_at, &mut unread()).await?;
    Ok(Opened { event, configuration, credential, owner, organizer, presale_s: None })
}

async fn open(opened: &mut Opened) -> Result<(), RehearsalError> {
    let first = if opened.presale_s.is_some() { "presale" } else { "on_sale" };
    for phase in ["scheduled", first] {
        opened.organizer.change_phase(&opened.event, phase, &mut unread()).await?;
    }
    Ok(())
}

/// The organizer's own acknowledgements: the feed shows what they did.
pub(crate) fn unread() -> Tally {
    Tally::new(Instant::now())
}

async fn find(
    server: &Server,
    administrator: &HeaderValue,
    event: &str,
    seed: u64,
) -> Result<Opened, RehearsalError> {
    let mut connection = Connection::new(server);
    let mut call = Call::get(format!("/v1/events/{event}"));
    call.credential = Some(administrator.clone());
    let (reply, _) = connection.call(&call).await?;
    if reply.status == NOT_FOUND {
        return Err(RehearsalError::Usage(format!("there is no event {event} at this server")));
    }
    let found: EventReply = accepted("finding the event", &reply)?;
    if !matches!(found.phase.as_str(), "presale" | "on_sale") {
        return Err(RehearsalError::Usage(format!(
            "the event {event} is {}, and nobody could buy: open it first (POST /v1/events/{event}/phase-changes)",
            found.phase
        )));
    }
    let owner = found.organizer;
    let (credential, _) =
        setup::organizer_key(&mut connection, administrator, KEY_NAME, Some(owner.as_str())).await?;
    if has_holds(&mut connection, &credential, event).await? {
        // Of what was held before, nobody's record tells.
        return Err(RehearsalError::Usage(format!(
            "somebody has bought at the event {event} before, and the record of a rehearsal must be whole: rehearse at a fresh event"
        )));
    }
    let mut call = Call::get(format!("/v1/events/{event}/configuration"));
    call.credential = Some(credential.clone());
    let (reply, _) = connection.call(&call).await?;
    let ConfigurationReply { configuration } = accepted("reading the configuration", &reply)?;
    let organizer = Organizer::new(connection, credential.clone(), seed);
    Ok(Opened { event: event.to_owned(), configuration, credential, owner, organizer, presale_s: None })
}

/// The version that a server's API document names; empty where it has none.
async fn server_version(connection: &mut Connection) -> Result<String, RehearsalError> {
    let (reply, _) = connection.call(&Call::get("/openapi.json".into())).await?;
    let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    Ok(document["info"]["version"].as_str().unwrap_or_default().to_owned())
}

/// Whether orders can be paid through the sandbox of a server: only then it listens to what a sandbox tells.
async fn has_sandbox(connection: &mut Connection) -> Result<bool, RehearsalError> {
    let call = Call::form("/v1/provider-events/sandbox".into(), "");
    Ok(connection.call(&call).await?.0.status != NOT_FOUND)
}

/// Whether anybody ever placed a hold at an event.
async fn has_holds(
    connection: &mut Connection,
    credential: &HeaderValue,
    event: &str,
) -> Result<bool, RehearsalError> {
    let mut after = 0;
    loop {
        let mut call = Call::get(format!("/v1/events/{event}/changes?after={after}&limit={PAGE_ITEMS}"));
        call.credential = Some(credential.clone());
        let (reply, _) = connection.call(&call).await?;
        let page: Page<Value> = accepted("reading the change feed", &reply)?;
        if page.items.iter().any(|item| item["type"] == "hold_placed") {
            return Ok(true);
        }
        if page.items.is_empty() || page.next >= page.head {
            return Ok(false);
        }
        after = page.next;
    }
}
