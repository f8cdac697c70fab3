//! What 100,000 e-mails cost a sale: holds are offered at one rate while an announcement goes to everybody who has a ticket, and while none does.
//!
//! `cargo build --release -p tessera && cargo run --release -p tessera-benchmarks --bin mail`, with
//! `-- --emails 100000 --holds-per-second 5000 --seconds 20 --emails-per-second 500` unless told otherwise
//!
//! Server, mail relay and buyers share the machine, in a process each; the relay speaks SMTP on loopback, takes everything and counts it by
//! `Message-ID`. Tickets are sold while nobody is written to; then the server begins anew with `messages.enabled`, as one does that is told to.
//! Holds come in an open loop, at random, and count from when they were due, a window of `--seconds` after the other:
//! - one that is not counted (connections, caches, followers that catch up),
//! - some in which nothing is mailed,
//! - those from the announcement to its last mail,
//! - again some in which nothing is mailed: by then there are more live holds than at first.
//!
//! What is quoted is the median of the windows' 99th percentiles, with mail and without, and their ratio: the target is 1.5.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

#[path = "../mail/crowd.rs"]
mod crowd;
#[path = "../mail/holders.rs"]
mod holders;
#[path = "../http/product.rs"]
#[allow(dead_code)] // bare holds are not measured here
mod product;
#[path = "../mail/relay.rs"]
mod relay;

use std::path::Path;
use std::time::Instant;

use http::header::HeaderValue;
use serde_json::json;
use tessera_benchmarks::{median, number_argument, processor_us, row, title};
use tessera_demo::client::Server;
use tessera_rehearsal::open_files;

use crowd::{Crowds, Figures};
use relay::{Counted, Relay};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// People who have a ticket and an address, unless `--emails N` says otherwise.
const EMAILS: u64 = 100_000;
/// Holds that are offered a second, unless `--holds-per-second N` says otherwise.
const HOLDS_PER_SECOND: u64 = 5_000;
/// Length of a window, unless `--seconds N` says otherwise.
const SECONDS: u64 = 20;
/// Most messages a second of the server, unless `--emails-per-second N` says otherwise.
const EMAILS_PER_SECOND: u64 = 500;
/// Windows without mail, before it and after it.
const QUIET_BEFORE: u64 = 2;
const QUIET_AFTER: u64 = 3;
/// All the mail may take so many times what its rate allows, and a minute.
const DRAIN_TIMES_MAX: u64 = 3;
const DRAIN_BESIDE_S: u64 = 60;
/// Sockets over which holds are offered.
const SOCKETS: u32 = 256;
/// What the 99th percentile with mail may be, in times of that without.
const TARGET: f64 = 1.5;

/// What was asked for.
struct Wanted {
    emails: u64,
    rate: u64,
    seconds: u64,
    emails_per_second: u64,
}

/// Everything that is measured.
struct Bench {
    wanted: Wanted,
    product: product::Product,
    relay: Relay,
    crowds: Crowds,
}

/// One window.
struct Window {
    figures: Figures,
    /// What came at the relay in it.
    mails: u64,
    /// Whether more was still to come when it ended.
    is_whole: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, port] = arguments.as_slice()
        && what == relay::ARGUMENT
    {
        relay::serve(port);
        return;
    }
    let given = |flag: &str, usual: u64| number_argument(flag).unwrap_or(usual).max(1);
    let wanted = Wanted {
        emails: given("--emails", EMAILS),
        rate: given("--holds-per-second", HOLDS_PER_SECOND),
        seconds: given("--seconds", SECONDS),
        emails_per_second: given("--emails-per-second", EMAILS_PER_SECOND),
    };
    open_files::raise_for(2 * SOCKETS).expect("as many open files");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut bench = Bench::start(wanted, scratch.path());
    bench.measure();
}

impl Wanted {
    /// Most windows from the announcement to the last mail.
    fn drain_windows_max(&self) -> u64 {
        let allowed_s = DRAIN_TIMES_MAX * self.emails.div_ceil(self.emails_per_second) + DRAIN_BESIDE_S;
        allowed_s.div_ceil(self.seconds)
    }

    /// Buyers enough for the holds of all windows.
    fn buyers(&self) -> u64 {
        let windows = 1 + QUIET_BEFORE + self.drain_windows_max() + QUIET_AFTER;
        let units = u64::from(product::UNITS_PER_SUBJECT_MAX);
        // Nobody comes twice in one window.
        (self.rate * self.seconds * windows).div_ceil(units).max(self.rate * self.seconds)
    }

    /// Settings of a server that writes to people through this relay, or to nobody.
    fn settings(&self, relay: Option<&Relay>) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("TESSERA_RATE_LIMIT__ADDRESS_PER_SECOND", "0".to_owned()),
            ("TESSERA_RATE_LIMIT__CALLER_PER_SECOND", "0".to_owned()),
            ("TESSERA_LOG_LEVEL", "warn".to_owned()),
        ];
        if let Some(relay) = relay {
            settings.extend([
                ("TESSERA_MESSAGES__ENABLED", "true".to_owned()),
                ("TESSERA_MESSAGES__PUBLIC_URL", "https://tickets.example".to_owned()),
                ("TESSERA_MESSAGES__SMTP__HOST", "127.0.0.1".to_owned()),
                ("TESSERA_MESSAGES__SMTP__PORT", relay.port().to_string()),
                ("TESSERA_MESSAGES__SMTP__TLS", "none".to_owned()),
                ("TESSERA_MESSAGES__SMTP__FROM", "Tickets <tickets@example.com>".to_owned()),
                ("TESSERA_MESSAGES__SMTP__PER_SECOND", self.emails_per_second.to_string()),
            ]);
        }
        settings
    }
}

/// Tokens of so many buyers whom nobody has been.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // a count
fn buyers(product: &product::Product, scratch: &Path, count: u64) -> Vec<HeaderValue> {
    let minted = std::fs::read_to_string(product.mint(scratch, count as f64)).expect("the file of tokens");
    minted.lines().take(count as usize).map(bearer).collect()
}

fn bearer(token: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer {token}")).expect("a token")
}

impl Bench {
    /// Tickets that are sold, a server that may write to who has them, and buyers who have none.
    fn start(wanted: Wanted, scratch: &Path) -> Bench {
        let began = Instant::now();
        let relay = Relay::start();
        let product = product::Product::start_as(scratch, &wanted.settings(None));
        println!("{} tickets are sold …", wanted.emails);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let holders = buyers(&product, scratch, wanted.emails);
        let organizer = bearer(product.key());
        runtime.block_on(holders::sell(product.base(), product.event(), organizer, holders));
        println!("… in {} s; the server begins anew and writes to people", began.elapsed().as_secs());
        let product = product.restart(&wanted.settings(Some(&relay)));
        let server = runtime.block_on(Server::locate(product.base())).expect("an address");
        let tokens = buyers(&product, scratch, wanted.buyers());
        let configuration = product::configuration().to_string();
        let offered = (wanted.rate, wanted.seconds);
        let crowds = Crowds::new(server, (product.event(), configuration.as_str()), tokens, offered, SOCKETS);
        println!("everything is ready after {} s", began.elapsed().as_secs());
        Bench { wanted, product, relay, crowds }
    }

    fn measure(&mut self) {
        let Wanted { emails, rate, seconds, emails_per_second } = self.wanted;
        title(&format!(
            "{rate} holds a second, windows of {seconds} s; {emails} e-mails, at most {emails_per_second} a second"
        ));
        self.window("not counted");
        let mut without: Vec<Window> = (0..QUIET_BEFORE).map(|_| self.window("without mail")).collect();
        let none = self.relay.counted();
        // A follower without effects may be a thousand events behind its log: of those tickets it tells after the restart.
        assert!(none.mails < 1_000, "mail came before it was asked for: {none:?}");
        self.announce();
        let mut with = Vec::new();
        for _ in 0..self.wanted.drain_windows_max() {
            let window = self.window("with mail");
            let is_last = !window.is_whole;
            with.push(window);
            if is_last {
                break;
            }
        }
        let counted = self.relay.counted();
        without.extend((0..QUIET_AFTER).map(|_| self.window("without mail")));
        self.conclude(&without, &with, counted);
    }

    /// Write to everybody who has a ticket.
    fn announce(&self) {
        let path = format!("/v1/events/{}/broadcasts", self.product.event());
        let text = "Doors open at seven, one hour later than announced.\nTickets stay valid.";
        let announcement = json!({"kind": "announcement", "title": "Doors open later", "text": text});
        self.product.post(&path, &announcement);
    }

    /// Offer holds for one window, and print what became of them.
    #[allow(clippy::cast_precision_loss)] // counts and microseconds
    fn window(&mut self, what: &str) -> Window {
        let processors = |bench: &Bench| {
            let own = processor_us(std::process::id());
            [bench.product.processor_us(), bench.relay.processor_us(), own]
        };
        let (mails, before, began) = (self.relay.counted().names, processors(self), Instant::now());
        let notes = self.crowds.send();
        let (after, took_us) = (processors(self), began.elapsed().as_micros() as f64);
        let arrived = self.relay.counted().names;
        let figures = Figures::of(&notes);
        let later: u64 = notes.turned_away.values().sum();
        let [server, relay, own] = [0, 1, 2].map(|at| (after[at] - before[at]) / took_us * 100.0);
        row(
            what,
            format!(
                "p50 {:.2}, p99 {:.2}, max {:.0} ms of {} holds; {} told to come later, {} unanswered",
                figures.p50_ms, figures.p99_ms, figures.max_ms, figures.count, later, figures.unanswered
            ),
        );
        let mails = arrived - mails;
        row(
            "",
            format!(
                "{mails} mails; of a processor: server {server:.0} %, relay {relay:.0} %, buyers {own:.0} %"
            ),
        );
        Window { figures, mails, is_whole: arrived < self.wanted.emails }
    }

    #[allow(clippy::cast_precision_loss)] // counts and milliseconds
    fn conclude(&self, without: &[Window], with: &[Window], counted: Counted) {
        let p99 = |windows: &[&Window]| median(windows.iter().map(|window| window.figures.p99_ms).collect());
        let quiet: Vec<&Window> = without.iter().collect();
        // The last one had mail in a part of it only; where it is the only one, it must do.
        let mut busy: Vec<&Window> = with.iter().filter(|window| window.is_whole).collect();
        if busy.is_empty() {
            busy.extend(with);
        }
        let (quiet_ms, busy_ms) = (p99(&quiet), p99(&busy));
        let longest = busy.iter().map(|window| window.figures.p99_ms).fold(0.0, f64::max);
        title("holds beside mail, from when each was due");
        row("p99 without mail, median of the windows", format!("{quiet_ms:.2} ms ({} windows)", quiet.len()));
        row(
            "p99 with mail, median of the windows",
            format!("{busy_ms:.2} ms ({} windows, at worst {longest:.2} ms)", busy.len()),
        );
        let ratio = busy_ms / quiet_ms;
        let verdict = if ratio <= TARGET { "met" } else { "missed" };
        row("ratio (target: at most 1.5)", format!("{ratio:.2}, {verdict}"));
        let took_s = (counted.last_ms - counted.first_ms) as f64 / 1e3;
        row(
            "e-mails at the relay, by name",
            format!("{} of {}, in {took_s:.1} s", counted.names, self.wanted.emails),
        );
        let quiet_mails: u64 = without.iter().map(|window| window.mails).sum();
        row(
            "  come twice, without a name, beside the windows with mail",
            format!(
                "{}, {}, {quiet_mails}",
                counted.mails - counted.names - counted.unnamed,
                counted.unnamed
            ),
        );
        let metrics = self.product.metrics();
        for outcome in ["delivered", "failed", "dead", "overtaken", "no_address"] {
            let label = format!("outcome=\"{outcome}\"");
            let labels = ["channel=\"email\"", label.as_str()];
            let count = product::metric(&metrics, "tessera_messages_total", &labels);
            row(&format!("  by the server's counter, {outcome}"), format!("{count:.0}"));
        }
        if counted.names < self.wanted.emails {
            row("", "not everybody was written to in the time that it may take: the figures are of a part");
        }
    }
}
