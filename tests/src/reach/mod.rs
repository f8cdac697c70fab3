//! Peers through which people are reached, as they are seen from here: emulators over real HTTP, written from the peers' documentation.

mod discord;
mod push;
mod telegram;
mod twilio;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::Notify;

pub use discord::DiscordBooks;
pub use push::{BrowserKeys, PushBooks, Shown};
pub use telegram::TelegramBooks;
pub use twilio::{TwilioBooks, TwilioMessage};

use crate::provider::{Asked, Replied};

/// What a peer knows and does.
pub trait Peer: Send + 'static {
    /// What has arrived.
    type Taken: Clone + Send;

    /// Do it.
    fn answer(&mut self, asked: &Asked) -> Replied;

    /// What has arrived so far.
    fn taken(&self) -> &[Self::Taken];
}

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is answered so, and nothing is done.
    Answer(Replied),
    /// It is done, and the answer is lost.
    LoseAnswer,
}

/// A peer on a port of its own.
pub struct Reached<P: Peer> {
    shared: Arc<Shared<P>>,
    url: String,
}

struct Shared<P> {
    peer: Mutex<P>,
    faults: Mutex<VecDeque<Fault>>,
    asked: Mutex<Vec<Asked>>,
    arrived: Notify,
}

impl Fault {
    /// It is answered so.
    #[must_use]
    pub fn answer(status: u16, headers: &[(&'static str, &str)], body: Value) -> Fault {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Fault::Answer(Replied { status, headers, body })
    }
}

impl<P: Peer> Reached<P> {
    /// Starts one.
    #[must_use]
    pub fn start(peer: P) -> Reached<P> {
        let shared = Arc::new(Shared {
            peer: Mutex::new(peer),
            faults: Mutex::default(),
            asked: Mutex::default(),
            arrived: Notify::new(),
        });
        let data = Arc::clone(&shared);
        let app = move || {
            App::new().app_data(web::Data::from(Arc::clone(&data))).default_service(web::to(serve::<P>))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        Reached { shared, url }
    }

    /// `http://` and its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Fails so with the requests that come next, one after the other.
    pub fn fails(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.faults.lock().unwrap().extend(faults);
    }

    /// How many of the faults are still to come.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.shared.faults.lock().unwrap().len()
    }

    /// Every request so far, also those that failed.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The peer itself.
    pub fn peer(&self) -> MutexGuard<'_, P> {
        self.shared.peer.lock().unwrap()
    }

    /// What has arrived so far.
    #[must_use]
    pub fn taken(&self) -> Vec<P::Taken> {
        self.peer().taken().to_vec()
    }

    /// Waits until so many have arrived, in all.
    pub async fn wait_for(&self, count: usize) -> Vec<P::Taken> {
        self.wait_until(|| Some(self.taken()).filter(|taken| taken.len() >= count)).await
    }

    /// Waits until so many requests have come, in all, whatever became of them.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Asked> {
        self.wait_until(|| Some(self.asked()).filter(|asked| asked.len() >= count)).await
    }

    async fn wait_until<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            let mut arrived = std::pin::pin!(self.shared.arrived.notified());
            arrived.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            arrived.await;
        }
    }
}

impl<P: Peer> Shared<P> {
    fn answer(&self, asked: &Asked) -> Replied {
        let fault = self.faults.lock().unwrap().pop_front();
        let replied = match &fault {
            Some(Fault::Answer(replied)) => replied.clone(),
            _ => self.peer.lock().unwrap().answer(asked),
        };
        self.asked.lock().unwrap().push(asked.clone());
        self.arrived.notify_waiters();
        match fault {
            // As a gateway before it would say.
            Some(Fault::LoseAnswer) => Replied::json(504, Value::Null),
            _ => replied,
        }
    }
}

async fn serve<P: Peer>(
    shared: web::Data<Shared<P>>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let header =
        |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
    let headers: BTreeMap<_, _> = request.headers().iter().map(header).collect();
    let asked = Asked::new(request.method().as_str(), &request.uri().to_string(), headers, body.to_vec());
    shared.answer(&asked).response()
}
