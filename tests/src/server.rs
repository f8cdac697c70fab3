//! A real server on loopback over a memory store, and a client that asks it.

use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tessera_actors::Clock;
use tessera_server::environment;
use tessera_server::server::{ServeError, Server as Running, Stores};
use tessera_server::settings::Settings;
use tessera_store::memory::MemoryStore;
use tessera_writer::Mutation;

use crate::clock::ForwardClock;
use crate::contract::{Contract, Exchange};

/// The administrator's token of every tested server.
pub const ADMIN_TOKEN: &str = "tsa_test-0123456789abcdef0123456789abcdef";

/// A running server. Several may run in one process.
pub struct Server {
    /// The store under it: faults may be injected there.
    pub store: Arc<MemoryStore>,
    running: Running,
    client: reqwest::Client,
}

/// One request in the making.
#[must_use]
pub struct Ask {
    builder: RequestBuilder,
}

/// One reply, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; null where it is none.
    pub json: Value,
}

/// A key that nobody used before.
#[must_use]
pub fn fresh_key() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl Server {
    /// Starts a server with one worker and the default settings on a free port.
    pub async fn start() -> Server {
        Server::start_with(Server::settings()).await
    }

    /// Settings of a tested server, to be changed and given to [`Server::start_with`].
    #[must_use]
    pub fn settings() -> Settings {
        Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            admin_token: Some(ADMIN_TOKEN.to_owned().into()),
            workers: 1,
            ..Settings::default()
        }
    }

    /// Starts a server with these settings.
    pub async fn start_with(settings: Settings) -> Server {
        Server::start_on(Arc::new(MemoryStore::new()), settings).await
    }

    /// Starts a server over a store that there is, as after a restart.
    pub async fn start_on(store: Arc<MemoryStore>, settings: Settings) -> Server {
        let running = Running::start(settings, Stores::of(Arc::clone(&store))).await.unwrap();
        Server::of(running, store)
    }

    /// Starts a node over a store that is apart from its data directory.
    pub async fn start_apart(store: Arc<MemoryStore>, settings: Settings) -> Result<Server, ServeError> {
        let running = Running::start(settings, Stores::apart(Arc::clone(&store))).await?;
        Ok(Server::of(running, store))
    }

    /// Starts a server whose time the test sets forward.
    pub async fn start_with_clock(settings: Settings) -> (Server, Arc<ForwardClock>) {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ForwardClock::default()));
        let mut environment = environment::system(tokio::runtime::Handle::current());
        environment.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let stores = Stores::of(Arc::clone(&store));
        let running = Running::start_in(environment, settings, stores).await.unwrap();
        (Server::of(running, store), clock)
    }

    /// Starts a server with a deliberate defect.
    pub async fn start_mutated(settings: Settings, mutation: Mutation) -> Server {
        let store = Arc::new(MemoryStore::new());
        let mut environment = environment::system(tokio::runtime::Handle::current());
        environment.mutation = mutation;
        let running = Running::start_in(environment, settings, Stores::of(Arc::clone(&store))).await.unwrap();
        Server::of(running, store)
    }

    fn of(running: Running, store: Arc<MemoryStore>) -> Server {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Server { store, running, client }
    }

    /// Stops gracefully; the store is left.
    pub async fn stop(self) -> Arc<MemoryStore> {
        self.running.stop().await;
        self.store
    }

    /// The server itself.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// A request to a path.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        Ask { builder: self.client.request(method, format!("{}{path}", self.running.base_url())) }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    /// A POST with a fresh key.
    pub fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path).key(&fresh_key())
    }

    /// An organizer key with these scopes, of a new organizer or of `organizer`: (secret, organizer).
    pub async fn organizer(&self, scopes: &[&str], organizer: Option<&str>) -> (String, String) {
        let mut body = serde_json::json!({"name": "test", "scopes": scopes});
        if let Some(organizer) = organizer {
            body["organizer"] = organizer.into();
        }
        let made = self.post("/v1/api-keys").bearer(ADMIN_TOKEN).json(&body).expect(201).await;
        (made.text("secret"), made.text("organizer"))
    }

    /// An organizer key with every scope.
    pub async fn organizer_key(&self) -> String {
        let scopes = [
            "events:write",
            "events:read",
            "orders:write",
            "check-ins:write",
            "buyer-tokens:write",
            "webhooks:write",
            "api-keys:write",
        ];
        self.organizer(&scopes, None).await.0
    }

    /// A token of a fresh buyer.
    pub async fn buyer(&self) -> String {
        self.buyers(1).await.remove(0)
    }

    /// Tokens of fresh buyers.
    pub async fn buyers(&self, count: usize) -> Vec<String> {
        let body = serde_json::json!({"count": count});
        let made = self.post("/v1/buyer-tokens").bearer(ADMIN_TOKEN).json(&body).expect(201).await;
        made.json["tokens"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    }
}

impl Ask {
    /// With a bearer credential.
    pub fn bearer(self, token: &str) -> Ask {
        Ask { builder: self.builder.bearer_auth(token) }
    }

    /// With this idempotency key instead of an earlier one.
    pub fn key(self, key: &str) -> Ask {
        self.header("idempotency-key", key)
    }

    /// With a header, in place of an earlier one of its name.
    pub fn header(self, name: &'static str, value: &str) -> Ask {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Ask { builder: self.builder.headers(headers) }
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Ask {
        Ask { builder: self.builder.json(body) }
    }

    /// With these bytes, said to be JSON.
    pub fn raw(self, body: impl Into<Vec<u8>>) -> Ask {
        Ask { builder: self.builder.header("content-type", "application/json").body(body.into()) }
    }

    /// The request, for what this builder does not know.
    pub fn builder(self) -> RequestBuilder {
        self.builder
    }

    /// Sends it and reads the reply, which must be as the OpenAPI document says.
    pub async fn send(self) -> Reply {
        let (client, request) = self.builder.build_split();
        let request = request.unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let sent = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        let response = client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Contract::served().await.check(&Exchange {
            method: method.as_str(),
            path: &path,
            sent: &sent,
            status,
            headers: &headers,
            body: &bytes,
        });
        Reply { status, headers, bytes, json }
    }

    /// Sends it; any other status than this one fails the test.
    pub async fn expect(self, status: u16) -> Reply {
        let reply = self.send().await;
        assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&reply.bytes));
        reply
    }

    /// Sends it; anything but a problem of this status and code fails the test.
    pub async fn refused(self, status: u16, code: &str) -> Reply {
        let reply = self.send().await;
        reply.is_problem(status, code);
        reply
    }
}

impl Reply {
    /// A text member of the body.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.json[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.json)).to_owned()
    }

    /// A number member of the body.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.json[name].as_u64().unwrap_or_else(|| panic!("{name} in {}", self.json))
    }

    /// A header, or the empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Whether the server said that it repeated an earlier answer.
    #[must_use]
    pub fn replayed(&self) -> bool {
        self.header("idempotency-replayed") == "true"
    }

    /// Fails unless this is a well-formed problem of this status and code.
    pub fn is_problem(&self, status: u16, code: &str) {
        let body = String::from_utf8_lossy(&self.bytes);
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        assert_eq!(self.json["status"], status, "{body}");
        assert_eq!(self.json["type"], format!("/docs/errors/{code}"), "{body}");
        assert!(self.json["title"].is_string() && self.json["detail"].is_string(), "{body}");
        assert!(!self.header("x-request-id").is_empty(), "every reply has a request id");
        assert_eq!(self.header("cache-control"), "no-store", "no cache keeps a problem: {body}");
        let later = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        if later.iter().any(|later| later.as_u16() == status) {
            assert!(self.header("retry-after").parse::<u32>().is_ok(), "{body}");
        }
    }
}
