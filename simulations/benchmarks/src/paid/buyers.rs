//! Buyers who hold, pay at the page of the sandbox, and read what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::header::HeaderValue;
use serde::de::DeserializeOwned;
use serde_json::json;
use tessera_benchmarks::Latencies;
use tessera_demo::client::{Call, Connection, Reply, Server};
use tessera_demo::keys::Keys;
use tessera_demo::page::{Choice, base_of, path_of};
use tessera_demo::wire::{Hold, Order, Payment};

/// Keys of all runs.
const SEED: u64 = 1;
/// One of so many orders is read, for its ticket.
const READ_EVERY: u64 = 16;
/// What the page answers to a form: go back to the shop.
const SEE_OTHER: u16 = 303;

/// When a buyer begins its next order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// When the last is sold.
    Closed,
    /// When it is due, at so many orders a second of all buyers.
    Open {
        /// Orders a second.
        rate: f64,
    },
}

/// What all buyers share.
pub(crate) struct Sale {
    server: Server,
    event: String,
    tokens: Vec<HeaderValue>,
    /// The first token that nobody has used.
    next: AtomicUsize,
}

/// One time that buyers are sent.
struct Run {
    pace: Pace,
    began: Instant,
    length: Duration,
    /// Orders that were begun.
    begun: AtomicU64,
}

/// What buyers saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) orders: u64,
    pub(crate) requests: u64,
    /// Answers of *later*, and connections that broke.
    pub(crate) postponed: u64,
    /// From the request for a hold, or from when it was due, to word of the sale.
    pub(crate) whole: Latencies,
    /// From the form at the page to word of the sale.
    pub(crate) paid: Latencies,
    /// From the form at the page to the paid order with its ticket, of some.
    pub(crate) fetched: Latencies,
}

/// One who buys again and again, each time as somebody else, over the same connections.
pub(crate) struct Buyer {
    sale: Arc<Sale>,
    connection: Connection,
    page: Option<Connection>,
    keys: Keys,
    seen: Seen,
}

impl Sale {
    pub(crate) fn new(server: Server, event: String, tokens: Vec<HeaderValue>) -> Sale {
        Sale { server, event, tokens, next: AtomicUsize::new(0) }
    }

    /// A buyer whom nobody has been.
    fn token(&self) -> &HeaderValue {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        self.tokens.get(place).expect("enough tokens: raise ORDERS_PER_SECOND_MAX")
    }
}

/// Send the first of these buyers for so long: what they saw, and how long it was until the last order was sold.
pub(crate) async fn send(
    crew: &mut Vec<Buyer>,
    buyers: usize,
    pace: Pace,
    length: Duration,
) -> (Seen, Duration) {
    let began = Instant::now();
    let run = Arc::new(Run { pace, began, length, begun: AtomicU64::new(0) });
    let tasks: Vec<_> = crew.drain(..buyers).map(|buyer| tokio::spawn(buyer.buy(Arc::clone(&run)))).collect();
    let mut all = Seen::default();
    for task in tasks {
        let mut buyer = task.await.expect("no buyer panics");
        all.merge(&std::mem::take(&mut buyer.seen));
        crew.push(buyer);
    }
    (all, began.elapsed())
}

impl Run {
    /// When the next order begins, which was due then; none when it is over.
    async fn next(&self) -> Option<(u64, Instant)> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let due = match self.pace {
            Pace::Closed => now,
            #[allow(clippy::cast_precision_loss)] // a count
            Pace::Open { rate } => self.began + Duration::from_secs_f64(number as f64 / rate),
        };
        if due >= self.began + self.length {
            return None;
        }
        // A timer rounds up to milliseconds.
        if due > now {
            tokio::time::sleep_until(due.into()).await;
        }
        Some((number, due))
    }
}

impl Seen {
    fn merge(&mut self, other: &Seen) {
        self.orders += other.orders;
        self.requests += other.requests;
        self.postponed += other.postponed;
        self.whole.merge(&other.whole);
        self.paid.merge(&other.paid);
        self.fetched.merge(&other.fetched);
    }
}

impl Buyer {
    pub(crate) fn new(sale: &Arc<Sale>, number: u64) -> Buyer {
        Buyer {
            sale: Arc::clone(sale),
            connection: Connection::new(&sale.server),
            page: None,
            keys: Keys::new(SEED, number),
            seen: Seen::default(),
        }
    }

    async fn buy(mut self, run: Arc<Run>) -> Buyer {
        let sale = Arc::clone(&self.sale);
        while let Some((number, due)) = run.next().await {
            self.order(sale.token(), number, due).await;
        }
        self
    }

    async fn order(&mut self, token: &HeaderValue, number: u64, due: Instant) {
        let path = |rest: &str| format!("/v1/events/{}{rest}", self.sale.event);
        let (holds, orders) = (path("/holds"), path("/orders"));
        let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
        let hold: Hold = self.post(holds, token, lines.to_string()).await;
        let begin = json!({"hold": hold.id, "payment": {"provider": "sandbox"}});
        let order: Order = self.post(orders.clone(), token, begin.to_string()).await;
        let own = format!("{orders}/{}", order.id);
        let asked: Payment = self.get(format!("{own}/payment?wait_ms=10000"), token).await;
        let page = asked.page.expect("a page");
        let form = Call::form(path_of(&page).expect("a path"), Choice::Pay.fields());
        let paid = Instant::now();
        let answered = self.at_page(&page, &form).await;
        assert_eq!(answered.status, SEE_OTHER, "{answered:?}");
        let sold: Payment = self.get(format!("{own}/payment?wait_ms=10000&until=decided"), token).await;
        assert!(Choice::Pay.is_reached(&sold.state), "{sold:?}");
        self.seen.paid.record(paid.elapsed());
        self.seen.whole.record(due.elapsed());
        self.seen.orders += 1;
        if number.is_multiple_of(READ_EVERY) {
            let read: Order = self.get(own, token).await;
            assert!(read.state == "paid" && read.tickets.len() == 1, "{read:?}");
            self.seen.fetched.record(paid.elapsed());
        }
    }

    async fn at_page(&mut self, page: &str, form: &Call) -> Reply {
        if self.page.is_none() {
            let server = Server::locate(base_of(page).expect("a base")).await.expect("an address");
            self.page = Some(Connection::new(&server));
        }
        let (reply, effort) =
            self.page.as_mut().expect("just made").call(form).await.expect("the page answers");
        self.count(effort.postponed + effort.broken);
        reply
    }

    async fn post<T: DeserializeOwned>(&mut self, path: String, token: &HeaderValue, body: String) -> T {
        let call = Call::post(path, token, body).keyed(self.keys.mint());
        self.ask(&call).await
    }

    async fn get<T: DeserializeOwned>(&mut self, path: String, token: &HeaderValue) -> T {
        self.ask(&Call { credential: Some(token.clone()), ..Call::get(path) }).await
    }

    async fn ask<T: DeserializeOwned>(&mut self, call: &Call) -> T {
        let (reply, effort) = self.connection.call(call).await.expect("the server answers");
        self.count(effort.postponed + effort.broken);
        assert!(reply.accepted(), "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
        serde_json::from_slice(&reply.body).expect("a document")
    }

    fn count(&mut self, postponed: u32) {
        self.seen.requests += 1;
        self.seen.postponed += u64::from(postponed);
    }
}
