//! Orders that are paid through the sandbox: hold, begin, page, signed webhook, ticket, over HTTP on loopback, every answer durable.
//!
//! `cargo build --release -p tessera && cargo run --release -p tessera-benchmarks --bin paid [-- --buyers 256 --seconds 10 --rate 2000 --refund]`
//!
//! Buyers, server and sandbox share the machine; server and sandbox are one process, the buyers are one thread of another. A buyer has a kept
//! connection to the server and one to the page, and makes five requests an order: hold, order, where to pay, the form of the page, and what came
//! of it. Tokens are minted before anything is measured, and the first seconds (connections, caches) are not counted. Then there are
//! - one buyer alone: what an order takes when nobody else buys. Each of its commands is a turn of its own, so this counts the turns of an order;
//! - a closed loop, in which each buyer begins its next order when it has read that the last is sold: orders a second;
//! - an open loop: orders begin when they are due, at `--rate` a second (or nine tenths of what the closed loop did, where that is less), whatever
//!   became of those before. Its latencies are those that buyers see at that rate.
//!
//! With `--refund` everything that was sold is refunded in one run then, at the highest rate that a run may have; half-way the server is killed and
//! started again, as after `kill -9`. It ends when nothing of all payments is left to be done, and says how the books stand.
//!
//! After each the captures that are still to come are waited for: what a sale leaves to be done afterwards is not hidden in the next one.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

#[path = "../paid/buyers.rs"]
mod buyers;
#[path = "../paid/counts.rs"]
mod counts;
#[path = "../http/product.rs"]
#[allow(dead_code)] // bare holds are not measured here
mod product;
#[path = "../paid/refund.rs"]
mod refund;

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use tessera_benchmarks::{number_argument, processor_us, row, title};
use tessera_demo::client::Server;
use tessera_rehearsal::open_files;

use buyers::{Buyer, Pace, Sale, Seen};
use counts::Counts;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Buyers of the closed loop, unless `--buyers N` says otherwise.
const BUYERS: u64 = 256;
/// Most buyers on their way in the open loop: beyond them an order begins later than it is due, which counts.
const OPEN_LOOP_BUYERS: u64 = 500;
/// Length of each loop, unless `--seconds N` says otherwise.
const SECONDS: u64 = 10;
/// Length of what is not counted.
const WARM_UP_S: u64 = 3;
/// Length of what one buyer does alone.
const ALONE_S: u64 = 3;
/// Orders a second of the open loop, unless `--rate N` says otherwise: the target.
const RATE: u64 = 2_000;
/// Share of what the closed loop did that the open loop has at most.
const RATE_SHARE_MAX: f64 = 0.9;
/// More orders than a second of the closed loop brings.
const ORDERS_PER_SECOND_MAX: u64 = 6_000;
/// Sockets of a buyer.
const SOCKETS: u64 = 2;
/// Beyond this share of its one thread the generator is what is measured.
const GENERATOR_SHARE_MAX: f64 = 0.9;

/// Everything that is measured.
struct Bench {
    product: product::Product,
    /// Everybody who buys.
    crew: Vec<Buyer>,
    runtime: tokio::runtime::Runtime,
}

fn main() {
    let buyers = number_argument("--buyers").unwrap_or(BUYERS);
    let seconds = number_argument("--seconds").unwrap_or(SECONDS);
    let rate = number_argument("--rate").unwrap_or(RATE);
    let crew = buyers.max(OPEN_LOOP_BUYERS);
    let sockets = u32::try_from(SOCKETS * crew).expect("fewer buyers");
    open_files::raise_for(sockets).expect("as many open files");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut bench = Bench::start(scratch.path(), crew, seconds, rate);
    bench.warm_up(crew);
    bench.measure("one buyer alone", 1, Pace::Closed, ALONE_S);
    let closed = format!("closed loop, {buyers} buyers for {seconds} s");
    let per_second = bench.measure(&closed, buyers, Pace::Closed, seconds);
    #[allow(clippy::cast_precision_loss)] // a rate
    let rate = (rate as f64).min(per_second * RATE_SHARE_MAX);
    let open = format!("open loop, {rate:.0} orders a second for {seconds} s");
    bench.measure(&open, OPEN_LOOP_BUYERS, Pace::Open { rate }, seconds);
    if std::env::args().any(|argument| argument == "--refund") {
        refund::everything(bench.product, &settings());
    }
}

/// What the server is told, by the names that it has in the environment.
fn settings() -> Vec<(&'static str, String)> {
    vec![
        ("TESSERA_PAYMENTS__SANDBOX__ENABLED", "true".to_owned()),
        ("TESSERA_RATE_LIMIT__ADDRESS_PER_SECOND", "0".to_owned()),
        ("TESSERA_RATE_LIMIT__CALLER_PER_SECOND", "0".to_owned()),
        ("TESSERA_HTTP__STREAMS_PER_ADDRESS_MAX", "10000".to_owned()),
        ("TESSERA_LOG_LEVEL", "warn".to_owned()),
    ]
}

impl Bench {
    /// A server, an event on sale, and more tokens than are needed.
    fn start(scratch: &std::path::Path, crew: u64, seconds: u64, rate: u64) -> Bench {
        let product = product::Product::start_as(scratch, &settings());
        let orders = ORDERS_PER_SECOND_MAX * (WARM_UP_S + ALONE_S + seconds) + rate * seconds;
        #[allow(clippy::cast_precision_loss)] // a count
        let minted = product.mint(scratch, orders as f64);
        let tokens = std::fs::read_to_string(minted).expect("the file of tokens");
        let bearer = |token: &str| HeaderValue::from_str(&format!("Bearer {token}")).expect("a token");
        let tokens = tokens.lines().map(bearer).collect();
        // One thread, as the generator of a rehearsal: what it takes of the machine is seen.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = runtime.block_on(Server::locate(product.base())).expect("an address");
        let sale = Arc::new(Sale::new(server, product.event().to_owned(), tokens));
        let crew = (0..crew).map(|number| Buyer::new(&sale, number)).collect();
        Bench { product, crew, runtime }
    }

    fn run(&mut self, buyers: u64, pace: Pace, seconds: u64) -> (Seen, Duration) {
        let count = usize::try_from(buyers).expect("fewer buyers");
        let length = Duration::from_secs(seconds);
        self.runtime.block_on(buyers::send(&mut self.crew, count, pace, length))
    }

    /// Everybody buys, so that every connection is open.
    fn warm_up(&mut self, crew: u64) {
        let before = Counts::of(&self.product);
        let (seen, _) = self.run(crew, Pace::Closed, WARM_UP_S);
        counts::wait_for_captures(&self.product, &before, seen.orders);
    }

    /// Let them buy, and print what it came to; the orders a second.
    #[allow(clippy::cast_precision_loss)] // counts
    fn measure(&mut self, what: &str, buyers: u64, pace: Pace, seconds: u64) -> f64 {
        let (before, own) = (Counts::of(&self.product), processor_us(std::process::id()));
        let (seen, took) = self.run(buyers, pace, seconds);
        let generator_us = processor_us(std::process::id()) - own;
        let captured = counts::wait_for_captures(&self.product, &before, seen.orders);
        let counts = Counts::of(&self.product).since(&before);
        let (orders, took_s) = (seen.orders as f64, took.as_secs_f64());
        title(what);
        row("paid orders a second, until the last was sold", format!("{:.0}", orders / took_s));
        let whole = took_s + captured.as_secs_f64();
        row(
            "  and until the last was captured",
            format!("{:.0} ({:.0} ms later)", orders / whole, captured.as_secs_f64() * 1e3),
        );
        row("hold (open loop: when it was due) to word of the sale", seen.whole.summary());
        row("form at the page to word of the sale", seen.paid.summary());
        row("  to the ticket, read, of every 16th", seen.fetched.summary());
        row("webhook arrived to order sold, by the server's histogram", counts.confirmed_in_words());
        row("items of the event's log an order", format!("{:.3}", counts.sequence as f64 / orders));
        row("turns of the event an order (one may be of several)", format!("{:.3}", counts.turns / orders));
        row(
            "requests of the buyer an order",
            format!("{:.2}, {} told to come later", seen.requests as f64 / orders, seen.postponed),
        );
        row("calls of the server to the sandbox an order", format!("{:.2}", counts.calls / orders));
        row("processor of server and sandbox an order", format!("{:.0} µs", counts.processor_us / orders));
        let share = generator_us / 1e6 / took_s;
        row(
            "processor of the buyers an order",
            format!("{:.0} µs, {:.0} % of their thread", generator_us / orders, share * 100.0),
        );
        if share > GENERATOR_SHARE_MAX {
            row("", "the buyers' own thread is the bound: the server may do more");
        }
        orders / took_s
    }
}
