//! HTTP bodies through a real server in this process: its router, its parsers, its writers, over a store in memory.
//!
//! An input is a line `METHOD /path` and the body after it. `{event}`, `{hold}`, `{order}`, `{ticket}`, `{code}` and `{endpoint}` stand for
//! what there is, in the path and in the body.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use reqwest::{Method, Url};
use serde_json::{Value, json};
use tessera_inventory::{EventId, Phase, Sequence};
use tessera_records::Replay;
use tessera_server::ids;
use tessera_server::settings::{RateLimitSettings, Settings};
use tessera_store::Log;
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server, fresh_key};
use tessera_writer::ReplayRecord;
use tokio::runtime::{Builder, Runtime};

/// Inputs that one event takes before the next.
const INPUTS_PER_EVENT: u32 = 200;
/// Events that one server takes before the next: it keeps everything in memory.
const EVENTS_PER_SERVER: u32 = 20;

/// A request and the server's answer.
///
/// # Panics
/// When a promise is broken.
pub fn run(bytes: &[u8]) {
    static WORLD: OnceLock<Mutex<World>> = OnceLock::new();
    let world = WORLD.get_or_init(|| Mutex::new(World::new()));
    let mut world: MutexGuard<'_, World> = world.lock().unwrap_or_else(PoisonError::into_inner);
    let World { runtime, stage, events } = &mut *world;
    runtime.block_on(async {
        if stage.as_ref().is_none_or(|stage| stage.inputs >= INPUTS_PER_EVENT || !stage.sells()) {
            *events += 1;
            let server = match stage.take() {
                Some(stage) => stage.end(events.is_multiple_of(EVENTS_PER_SERVER)).await,
                None => None,
            };
            *stage = Some(Stage::begin(server).await);
        }
        stage.as_mut().expect("it was made").input(bytes).await;
    });
}

struct World {
    runtime: Runtime,
    stage: Option<Stage>,
    events: u32,
}

impl World {
    fn new() -> World {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        World { runtime, stage: None, events: 0 }
    }
}

/// An event on sale in a server.
struct Stage {
    server: Server,
    sale: Sale,
    event: EventId,
    buyer: String,
    /// A webhook endpoint of the organizer, which nobody can reach.
    endpoint: String,
    inputs: u32,
}

fn settings() -> Settings {
    let rate_limit = RateLimitSettings {
        address_per_second: 0,
        caller_per_second: 0,
        minting_per_minute: 0,
        organizer_minting_per_minute: 0,
        ..RateLimitSettings::default()
    };
    Settings { rate_limit, ..Server::settings() }
}

/// A bit of everything, and enough of it.
fn configuration() -> Value {
    let mut hall = tessera_tests::hall(3);
    hall["pools"] = json!([{"name": "Floor", "capacity": 1_000_000}]);
    let free = json!({"name": "Free", "price": 0, "draws_on": ["Floor"]});
    let hidden = json!({"name": "Hidden", "price": 100, "draws_on": ["Floor"], "access_code": "FRIENDS"});
    if let Some(types) = hall["ticket_types"].as_array_mut() {
        types.extend([free, hidden]);
    }
    hall
}

impl Stage {
    async fn begin(server: Option<Server>) -> Stage {
        let server = match server {
            Some(server) => server,
            None => Server::start_with(settings()).await,
        };
        let sale = Sale::open(&server, &configuration()).await;
        let event = ids::parse_event(&sale.event).unwrap();
        let buyer = server.buyer().await;
        let endpoint = json!({"url": "https://hooks.invalid/tessera"});
        let endpoint =
            server.post("/v1/webhook-endpoints").bearer(&sale.key).json(&endpoint).expect(201).await;
        let endpoint = endpoint.text("id");
        Stage { server, sale, event, buyer, endpoint, inputs: 0 }
    }

    fn sells(&self) -> bool {
        let published = self.server.running().platform().inventory().published(self.event);
        published.is_some_and(|published| published.availability.phase == Phase::OnSale)
    }

    async fn sequence(&self) -> Sequence {
        self.server.store.head(self.event).await.unwrap().sequence
    }

    async fn input(&mut self, bytes: &[u8]) {
        self.inputs += 1;
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (first, body) = (&bytes[..line], bytes.get(line + 1..).unwrap_or_default());
        let Ok(first) = str::from_utf8(first) else { return };
        let Some((method, path)) = first.split_once(' ') else { return };
        // What has no body is not fuzzed here.
        let method = match method {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            _ => return,
        };
        let names = self.names(bytes).await;
        let (path, body) = (put_in(path.as_bytes(), &names), put_in(body, &names));
        let path = String::from_utf8(path).expect("identifiers are text");
        let is_path = path.starts_with("/") && Url::parse(&format!("http://localhost{path}")).is_ok();
        if is_path {
            self.ask(&method, &path, &body).await;
        }
    }

    /// What the placeholders of this input stand for.
    async fn names(&self, input: &[u8]) -> Vec<(&'static str, String)> {
        let wants = |name: &str| input.windows(name.len()).any(|window| window == name.as_bytes());
        let mut names = vec![("{event}", self.sale.event.clone()), ("{endpoint}", self.endpoint.clone())];
        if wants("{hold}") {
            let hold = self.sale.hold(&self.server, &self.buyer, "Free", 1).await;
            names.push(("{hold}", hold.text("id")));
        }
        if ["{order}", "{ticket}", "{code}"].into_iter().any(wants) {
            let order = self.sale.buy_free(&self.server, &self.buyer, 2).await;
            let ticket = |name: &str| order.json["tickets"][0][name].as_str().unwrap().to_owned();
            names.extend([
                ("{order}", order.text("id")),
                ("{ticket}", ticket("id")),
                ("{code}", ticket("code")),
            ]);
        }
        names
    }

    /// The credential that a route asks for.
    fn credential(&self, path: &str) -> &str {
        let of_buyers = ["/holds", "/orders", "/transfer"].iter().any(|part| path.contains(part));
        let of_organizers = path.contains("/refunds") || path.contains("/payment-failures");
        match path {
            "/v1/api-keys" | "/v1/clock-acknowledgements" | "/v1/receipt-keys" => ADMIN_TOKEN,
            _ if path.ends_with("/repairs") => ADMIN_TOKEN,
            _ if of_buyers && !of_organizers => &self.buyer,
            _ => &self.sale.key,
        }
    }

    async fn ask(&self, method: &Method, path: &str, body: &[u8]) {
        let key = fresh_key();
        let request =
            || self.server.ask(method.clone(), path).bearer(self.credential(path)).key(&key).raw(body);
        let before = self.sequence().await;
        let reply = request().send().await;
        let shown = || format!("{method} {path}\n{}\n{reply:?}", String::from_utf8_lossy(body));
        if reply.status >= 400 {
            assert!(reply.status < 500, "a defect of ours: {}", shown());
            let code = reply.json["code"].as_str().unwrap_or_else(|| panic!("no problem: {}", shown()));
            reply.is_problem(reply.status, code);
            assert_eq!(self.sequence().await, before, "what was refused changed something: {}", shown());
            return;
        }
        assert!(reply.json.is_object(), "{}", shown());
        // Repairs need no key.
        if path.starts_with("/v1/events") && !path.ends_with("/repairs") {
            repeats(&reply, &request().send().await, &shown());
        }
    }

    /// The log leads to a sound state, and to the one that is shown. Answers the server, unless it was to end too.
    async fn end(self, with_server: bool) -> Option<Server> {
        let mut replay = Replay::from_genesis(self.event);
        let records = self.server.store.read(self.event, Sequence::ZERO, usize::MAX).await.unwrap();
        for record in &records {
            let (first_sequence, last_sequence) = (record.first_sequence, record.last_sequence);
            let (epoch, chain, bytes) = (record.epoch, record.chain, &*record.bytes);
            replay.apply(&ReplayRecord { first_sequence, last_sequence, epoch, chain, bytes }).unwrap();
        }
        assert_eq!(replay.inventory().check(), Ok(()));
        if with_server {
            self.server.stop().await;
            return None;
        }
        Some(self.server)
    }
}

/// The same request under the same key has the same answer.
fn repeats(first: &Reply, again: &Reply, shown: &str) {
    assert_eq!(
        (again.status, &again.json),
        (first.status, &first.json),
        "another answer to a retry: {shown}"
    );
    assert!(again.replayed(), "it does not say so: {shown}");
}

fn put_in(text: &[u8], names: &[(&'static str, String)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'{') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        match names.iter().find(|(name, _)| rest.starts_with(name.as_bytes())) {
            Some((name, value)) => {
                out.extend_from_slice(value.as_bytes());
                rest = &rest[name.len()..];
            }
            None => {
                out.push(b'{');
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}
