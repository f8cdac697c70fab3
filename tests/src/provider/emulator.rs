//! What all emulators have in common: they listen, remember keys for as long as their provider does, and do what goes wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tessera_actors::Clock;
use tessera_inventory::Timestamp;

use super::asked::{Asked, Replied, pairs};

/// Largest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What an emulated provider knows and does.
pub trait Books: Send + 'static {
    /// The header that has the key of a call.
    const KEY_HEADER: &'static str;
    /// How long a key is remembered, in milliseconds: then the same call is made again.
    const KEY_LIFE_MS: u64;

    /// Why whoever calls is not let in.
    fn turns_away(&self, asked: &Asked) -> Option<Replied>;

    /// Do it.
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Replied;

    /// Something else was asked under this key before.
    fn is_other(&self) -> Replied;

    /// Too much is asked.
    fn is_busy(&self) -> Replied;

    /// The headers of a webhook that is sent now.
    fn sign(&self, body: &[u8], now: Timestamp) -> Vec<(String, String)>;

    /// What happened since this was last asked, as it is told.
    fn news(&mut self) -> Vec<Value>;
}

/// A webhook, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// With the signature.
    pub headers: Vec<(String, String)>,
    /// The event.
    pub body: Vec<u8>,
}

/// An emulator that runs.
pub struct Emulator<B> {
    shared: Arc<Shared<B>>,
    address: String,
    handle: actix_web::dev::ServerHandle,
}

struct Shared<B> {
    clock: Arc<dyn Clock>,
    state: Mutex<State<B>>,
}

struct State<B> {
    books: B,
    /// What was answered under which key: when, to what, and what.
    keys: BTreeMap<String, (Timestamp, Asked, Replied)>,
    faults: Faults,
    told: Vec<Told>,
    /// Where webhooks go by themselves.
    tells: Option<String>,
}

#[derive(Default)]
struct Faults {
    /// Answers that are lost after the work is done.
    lost: u32,
    /// Calls that are told to come later.
    busy: u32,
}

impl<B: Books> Emulator<B> {
    /// Starts on a free port.
    #[must_use]
    pub fn start(books: B, clock: Arc<dyn Clock>) -> Emulator<B> {
        let state =
            State { books, keys: BTreeMap::new(), faults: Faults::default(), told: Vec::new(), tells: None };
        let shared = Arc::new(Shared { clock, state: Mutex::new(state) });
        let data = Arc::clone(&shared);
        let app = move || {
            App::new()
                .app_data(web::Data::from(Arc::clone(&data)))
                .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
                .default_service(web::to(serve::<B>))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Emulator { shared, address, handle }
    }

    /// `http://` and the address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The next answers are lost, after what was asked is done; those to questions are not.
    pub fn lose_answers(&self, count: u32) {
        self.shared.state().faults.lost = count;
    }

    /// The next calls are told to come later.
    pub fn be_busy(&self, count: u32) {
        self.shared.state().faults.busy = count;
    }

    /// Webhooks are sent there by themselves from now on; `None`: they are not sent.
    pub fn tell(&self, url: Option<String>) {
        self.shared.state().tells = url;
    }

    /// Somebody does something at the provider, and what follows is told.
    pub fn act<T>(&self, act: impl FnOnce(&mut B) -> T) -> T {
        let mut state = self.shared.state();
        let done = act(&mut state.books);
        self.shared.tell_news(&mut state);
        done
    }

    /// All webhooks so far, sent or not, with signatures of now.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let state = self.shared.state();
        let now = self.shared.clock.wall();
        let fresh =
            |told: &Told| Told { headers: state.books.sign(&told.body, now), body: told.body.clone() };
        state.told.iter().map(fresh).collect()
    }

    /// Stops.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

impl<B: Books> Shared<B> {
    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap()
    }

    fn tell_news(&self, state: &mut State<B>) {
        for event in state.books.news() {
            let body = serde_json::to_vec(&event).unwrap();
            let headers = state.books.sign(&body, self.clock.wall());
            let told = Told { headers, body };
            state.told.push(told.clone());
            if let Some(url) = state.tells.clone() {
                tokio::spawn(async move { told.send(&url).await });
            }
        }
    }

    fn answer(&self, asked: &Asked) -> Replied {
        let (now, mut state) = (self.clock.wall(), self.state());
        if state.faults.busy > 0 {
            state.faults.busy -= 1;
            return state.books.is_busy();
        }
        if let Some(refused) = state.books.turns_away(asked) {
            return refused;
        }
        let key = asked.header(B::KEY_HEADER).filter(|_| asked.method != "GET").map(str::to_owned);
        state.keys.retain(|_, (since, ..)| now.0 < since.0 + B::KEY_LIFE_MS);
        let known = key.as_ref().and_then(|key| state.keys.get(key));
        let replied = match known {
            Some((_, first, replied)) if first.path == asked.path && first.body == asked.body => {
                replied.clone()
            }
            Some(_) => state.books.is_other(),
            None => {
                let replied = state.books.answer(asked, now);
                if let Some(key) = key {
                    state.keys.insert(key, (now, asked.clone(), replied.clone()));
                }
                replied
            }
        };
        self.tell_news(&mut state);
        if state.faults.lost > 0 && asked.method != "GET" {
            state.faults.lost -= 1;
            return Replied::json(504, Value::Null);
        }
        replied
    }
}

impl Told {
    /// Sends it; the status of the answer.
    pub async fn send(&self, url: &str) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.post(url).header("content-type", "application/json").body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.send().await.map_or(0, |answered| answered.status().as_u16())
    }
}

async fn serve<B: Books>(
    shared: web::Data<Shared<B>>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let header =
        |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
    let asked = Asked {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: pairs(request.query_string()),
        headers: request.headers().iter().map(header).collect(),
        body: body.to_vec(),
    };
    shared.answer(&asked).response()
}
