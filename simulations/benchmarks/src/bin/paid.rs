//! Orders that are paid through the sandbox: hold, begin, page, signed webhook, ticket, over HTTP on loopback, every answer durable.
//!
//! `cargo build --release -p tessera && cargo run --release -p tessera-benchmarks --bin paid -- --buyers 128 --seconds 10`
//!
//! Buyers, server and sandbox share the machine. Each buyer is one task with a connection to the server and one to the page; it begins its next
//! order when it has read that the last is sold.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

#[path = "../http/product.rs"]
#[allow(dead_code)] // bare holds are not measured here
mod product;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::header::HeaderValue;
use serde_json::json;
use tessera_benchmarks::{Latencies, number_argument, row, title};
use tessera_demo::client::{Call, Connection, Reply, Server};
use tessera_demo::keys::Keys;
use tessera_demo::page::{Choice, base_of, path_of};
use tessera_demo::wire::{Hold, Order, Payment};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Buyers at once, unless `--buyers N` says otherwise.
const BUYERS: u64 = 128;
/// Length of the run, unless `--seconds N` says otherwise.
const SECONDS: u64 = 10;
/// More orders than a second of it brings.
const ORDERS_PER_SECOND_MAX: f64 = 6_000.0;
/// Keys of the run.
const SEED: u64 = 1;

/// What all buyers share.
struct Sale {
    server: Server,
    event: String,
    tokens: Vec<HeaderValue>,
    /// The first token that nobody has used.
    next: AtomicUsize,
    ends: Instant,
}

/// What one buyer saw.
#[derive(Default)]
struct Seen {
    orders: u64,
    /// From the request for a hold to word of the sale.
    whole: Latencies,
    /// From the form at the page to word of the sale.
    paid: Latencies,
}

struct Buyer {
    sale: Arc<Sale>,
    connection: Connection,
    page: Option<Connection>,
    keys: Keys,
    seen: Seen,
}

fn main() {
    let buyers = number_argument("--buyers").unwrap_or(BUYERS);
    let seconds = number_argument("--seconds").unwrap_or(SECONDS);
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let settings = [
        ("TESSERA_PAYMENTS__SANDBOX__ENABLED", "true".to_owned()),
        ("TESSERA_RATE_LIMIT__ADDRESS_PER_SECOND", "0".to_owned()),
        ("TESSERA_RATE_LIMIT__CALLER_PER_SECOND", "0".to_owned()),
        ("TESSERA_HTTP__STREAMS_PER_ADDRESS_MAX", "10000".to_owned()),
        ("TESSERA_LOG_LEVEL", "warn".to_owned()),
    ];
    let product = product::Product::start_as(scratch.path(), &settings);
    #[allow(clippy::cast_precision_loss)]
    let minted = product.mint(scratch.path(), ORDERS_PER_SECOND_MAX * seconds as f64);
    let tokens = std::fs::read_to_string(minted).expect("the file of tokens");
    let bearer = |token: &str| HeaderValue::from_str(&format!("Bearer {token}")).expect("a token");
    let tokens = tokens.lines().map(bearer).collect();
    let before = Counts::of(&product);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (seen, took) = runtime.block_on(async {
        let server = Server::locate(product.base()).await.expect("an address");
        let ends = Instant::now() + Duration::from_secs(seconds);
        let event = product.event().to_owned();
        let sale = Arc::new(Sale { server, event, tokens, next: AtomicUsize::new(0), ends });
        let began = Instant::now();
        let tasks: Vec<_> = (0..buyers).map(|number| tokio::spawn(Buyer::new(&sale, number).buy())).collect();
        let mut all = Seen::default();
        for task in tasks {
            let seen = task.await.expect("no buyer panics");
            all.orders += seen.orders;
            all.whole.merge(&seen.whole);
            all.paid.merge(&seen.paid);
        }
        (all, began.elapsed())
    });
    report(&seen, took, &Counts::of(&product).since(&before));
}

#[allow(clippy::cast_precision_loss)]
fn report(seen: &Seen, took: Duration, counts: &Counts) {
    let orders = seen.orders as f64;
    title("paid orders through the sandbox");
    row("paid orders a second", format!("{:.0}", orders / took.as_secs_f64()));
    row("hold to word of the sale", seen.whole.summary());
    row("form at the page to word of the sale", seen.paid.summary());
    row("webhook received to order sold, as the server measures", counts.confirmed_in_words());
    row("items of the event's log an order", format!("{:.3}", counts.sequence as f64 / orders));
    row("turns of the event an order", format!("{:.3}", counts.turns / orders));
    row("processor of the server an order", format!("{:.0} µs", counts.processor_us / orders));
}

/// Counters of the server.
struct Counts {
    sequence: u64,
    turns: f64,
    processor_us: f64,
    /// Orders by the time from their webhook to their sale: upper bound in seconds, and how many took at most that.
    confirmed: Vec<(f64, f64)>,
}

impl Counts {
    fn of(product: &product::Product) -> Counts {
        let metrics = product.metrics();
        let value = |name: &str| {
            let lines = metrics.lines().filter(|line| line.starts_with(name));
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>()
        };
        let confirmed = metrics.lines().filter_map(|line| {
            let rest = line.strip_prefix("tessera_payment_confirmed_seconds_bucket{le=\"")?;
            let (bound, count) = rest.split_once("\"} ")?;
            Some((bound.replace("+Inf", "inf").parse().ok()?, count.parse().ok()?))
        });
        Counts {
            sequence: product.sequence(),
            turns: value("tessera_turn_seconds_count"),
            processor_us: product.processor_us(),
            confirmed: confirmed.collect(),
        }
    }

    fn since(&self, before: &Counts) -> Counts {
        let earlier =
            |bound: f64| before.confirmed.iter().find(|one| one.0 == bound).map_or(0.0, |one| one.1);
        Counts {
            sequence: self.sequence - before.sequence,
            turns: self.turns - before.turns,
            processor_us: self.processor_us - before.processor_us,
            confirmed: self.confirmed.iter().map(|one| (one.0, one.1 - earlier(one.0))).collect(),
        }
    }

    /// Upper bounds of the median and of the 99th percentile.
    fn confirmed_in_words(&self) -> String {
        let all = self.confirmed.last().map_or(0.0, |last| last.1);
        let at = |quantile: f64| {
            let found = self.confirmed.iter().find(|(_, count)| *count >= all * quantile);
            found.map_or(f64::NAN, |found| found.0 * 1e3)
        };
        format!("p50 ≤ {} ms, p99 ≤ {} ms ({all} orders)", at(0.5), at(0.99))
    }
}

impl Buyer {
    fn new(sale: &Arc<Sale>, number: u64) -> Buyer {
        Buyer {
            sale: Arc::clone(sale),
            connection: Connection::new(&sale.server),
            page: None,
            keys: Keys::new(SEED, number),
            seen: Seen::default(),
        }
    }

    async fn buy(mut self) -> Seen {
        while Instant::now() < self.sale.ends {
            let sale = Arc::clone(&self.sale);
            let place = sale.next.fetch_add(1, Ordering::Relaxed);
            let token = sale.tokens.get(place).expect("enough tokens: raise ORDERS_PER_SECOND_MAX");
            self.order(token).await;
        }
        self.seen
    }

    async fn order(&mut self, token: &HeaderValue) {
        let began = Instant::now();
        let path = |rest: &str| format!("/v1/events/{}{rest}", self.sale.event);
        let (holds, orders) = (path("/holds"), path("/orders"));
        let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
        let hold: Hold = self.post(holds, token, lines.to_string()).await;
        let begin = json!({"hold": hold.id, "payment": {"provider": "sandbox"}});
        let order: Order = self.post(orders, token, begin.to_string()).await;
        let payment = format!("/v1/events/{}/orders/{}/payment?wait_ms=10000", self.sale.event, order.id);
        let asked: Payment = self.get(payment.clone(), token).await;
        let page = asked.page.expect("a page");
        let form = Call::form(path_of(&page).expect("a path"), Choice::Pay.fields());
        let paid = Instant::now();
        let (answered, _) = self.cashier(&page).await.call(&form).await.expect("the page answers");
        assert_eq!(answered.status, 303, "{answered:?}");
        let sold: Payment = self.get(format!("{payment}&until=decided"), token).await;
        assert!(Choice::Pay.is_reached(&sold.state), "{sold:?}");
        self.seen.paid.record(paid.elapsed());
        self.seen.whole.record(began.elapsed());
        self.seen.orders += 1;
    }

    async fn cashier(&mut self, page: &str) -> &mut Connection {
        if self.page.is_none() {
            let server = Server::locate(base_of(page).expect("a base")).await.expect("an address");
            self.page = Some(Connection::new(&server));
        }
        self.page.as_mut().expect("just made")
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &mut self,
        path: String,
        token: &HeaderValue,
        body: String,
    ) -> T {
        let call = Call::post(path, token, body).keyed(self.keys.mint());
        read(&self.connection.call(&call).await.expect("the server answers").0)
    }

    async fn get<T: serde::de::DeserializeOwned>(&mut self, path: String, token: &HeaderValue) -> T {
        let call = Call { credential: Some(token.clone()), ..Call::get(path) };
        read(&self.connection.call(&call).await.expect("the server answers").0)
    }
}

fn read<T: serde::de::DeserializeOwned>(reply: &Reply) -> T {
    assert!(reply.accepted(), "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
    serde_json::from_slice(&reply.body).expect("a document")
}
