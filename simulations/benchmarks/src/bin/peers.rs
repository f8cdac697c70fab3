//! Accepted holds of the product against what a team would build instead, in one run: Redis 7 with a Lua script, and PostgreSQL 15
//! with rows that skip locks or with one counter. The same generator (`wrk`), the same HTTP server as the yardsticks' before each peer.
//!
//! `cargo build --release -p tessera && cargo run --release -p tessera-benchmarks --bin peers [-- --rounds 3 --seconds 5]`
//! needs the Debian packages `wrk`, `redis-server` and `postgresql`.
//!
//! What an accepted hold is worth: in the product, in Redis that always syncs and in PostgreSQL it is on the disk before the reply; in Redis that
//! syncs every second the last second of holds is lost with the machine. The peers check stock, the limit of a buyer and the idempotency key, and keep a deadline; they
//! verify no token, keep no log that can be replayed, and let nothing expire: all of that is to their advantage.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

#[path = "../http/bare.rs"]
mod bare;
#[path = "../peers/journal.rs"]
mod journal;
#[path = "../peers/postgres.rs"]
mod postgres;
#[path = "../http/product.rs"]
#[allow(dead_code)] // the minute of `--bin http` is not measured here
mod product;
#[path = "../peers/redis.rs"]
mod redis;
#[path = "../peers/serve.rs"]
mod serve;
#[path = "../http/wrk.rs"]
mod wrk;

use std::path::Path;
use std::process::Command;

use tessera_benchmarks::{Served, median, number_argument, row, title};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u64 = 3;
const SECONDS: u64 = 5;
const CONNECTIONS: u32 = 64;
/// More than all runs take.
const UNITS: u32 = 3_000_000;
/// Requests a second that tokens are made for: more than anyone here answers.
const PER_SECOND_MAX: u64 = 60_000;
const PEERS: [&str; 4] = ["redis-everysec", "redis-always", "postgres-rows", "postgres-counter"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("bare") => bare::serve(&arguments[2], Path::new(&arguments[3])),
        Some("peers") => {
            let [everysec, always, postgres] = [3, 4, 5].map(|at| arguments[at].clone());
            serve::serve(&arguments[2], serve::Addresses { everysec, always, postgres });
        }
        _ => measure(),
    }
}

fn measure() {
    let rounds = number_argument("--rounds").unwrap_or(ROUNDS);
    let seconds = number_argument("--seconds").unwrap_or(SECONDS);
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let field = Field::start(scratch.path());
    let mut figures: Vec<Vec<wrk::Figures>> = (0..PEERS.len() + 2).map(|_| Vec::new()).collect();
    for round in 0..rounds {
        let tokens = field.product.mint(scratch.path(), (PER_SECOND_MAX * seconds) as f64);
        let run = |url: String| {
            let identity = format!("round-{round}-{}-", field.product.next_identity());
            wrk::Run { url, identity, tokens: tokens.clone(), connections: CONNECTIONS, seconds }
                .measure(scratch.path())
        };
        figures[0].push(run(field.bare.url("/noop")));
        let held = field.product.held();
        let holds = run(field.product.holds_url());
        assert!(holds.refused == 0 && field.product.held() - held >= holds.requests, "all are accepted");
        figures[1].push(holds);
        for (at, peer) in PEERS.iter().enumerate() {
            let before = field.left(peer);
            let holds = run(format!("http://127.0.0.1:{}/{peer}", field.server.port()));
            assert_eq!(holds.refused, 0, "{peer} accepts all");
            assert!(before - field.left(peer) >= holds.requests, "{peer}: every 201 is a held unit");
            figures[at + 2].push(holds);
        }
    }
    report(&figures, rounds, seconds);
}

fn report(figures: &[Vec<wrk::Figures>], rounds: u64, seconds: u64) {
    title(&format!("{CONNECTIONS} connections, {rounds} rounds of {seconds} s, medians"));
    let middle = |runs: &[wrk::Figures], of: fn(&wrk::Figures) -> f64| median(runs.iter().map(of).collect());
    let ratio = |of: &[wrk::Figures], to: &[wrk::Figures]| {
        median(of.iter().zip(to).map(|(a, b)| a.per_second / b.per_second).collect())
    };
    for (name, runs) in ["no-op", "tessera"].iter().chain(&PEERS).zip(figures) {
        let rate = middle(runs, |run| run.per_second);
        let (p50, p99) = (middle(runs, |run| run.p50_ms), middle(runs, |run| run.p99_ms));
        let (of_noop, times) = (ratio(runs, &figures[0]), ratio(&figures[1], runs));
        row(
            name,
            format!(
                "{rate:>8.0} /s   p50 {p50:>6.2} ms   p99 {p99:>6.2} ms   {of_noop:.3} of the no-op   tessera is {times:.2} times it"
            ),
        );
    }
}

/// Everybody, started.
struct Field {
    /// The first to end: it asks the peers.
    server: Served,
    product: product::Product,
    bare: bare::Bare,
    everysec: redis::Redis,
    always: redis::Redis,
    postgres: postgres::Postgres,
    runtime: tokio::runtime::Runtime,
}

impl Field {
    fn start(scratch: &Path) -> Field {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let everysec = redis::Redis::start(scratch, redis::Sync::EverySecond);
        let always = redis::Redis::start(scratch, redis::Sync::Always);
        let postgres = postgres::Postgres::start(scratch);
        runtime.block_on(async {
            redis::stock(&everysec.address(), UNITS).await;
            redis::stock(&always.address(), UNITS).await;
            postgres::stock(&postgres.address(), UNITS).await;
        });
        let addresses = [everysec.address(), always.address(), postgres.address()];
        let server = Served::start("the server of the peers", |port| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["peers", &port.to_string()]).args(&addresses);
            command
        });
        let (product, bare) = (product::Product::start(scratch), bare::Bare::start(scratch));
        Field { server, product, bare, everysec, always, postgres, runtime }
    }

    fn left(&self, peer: &str) -> u64 {
        self.runtime.block_on(async {
            match peer {
                "redis-everysec" => redis::left(&self.everysec.address()).await,
                "redis-always" => redis::left(&self.always.address()).await,
                "postgres-rows" => postgres::left(&self.postgres.address(), postgres::Variant::Rows).await,
                _ => postgres::left(&self.postgres.address(), postgres::Variant::Counter).await,
            }
        })
    }
}
