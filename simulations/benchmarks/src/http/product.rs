//! The product under measurement: the real `tessera serve` in a process of its own, set up over its API.

use std::cell::Cell;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tessera_benchmarks::{Served, processor_us};

/// The administrator's token of the measured installation.
const ADMIN_TOKEN: &str = "tsa_benchmark-0123456789abcdef0123456789abcdef";
/// Tokens minted by one request.
const MINT_BATCH: usize = 1_000;
/// Tokens minted beyond the estimate of what a run needs.
const MINT_MARGIN: f64 = 1.3;
/// Capacity of the standing area: more than all runs take.
const CAPACITY: u32 = 10_000_000;
/// Units that one buyer may have.
pub(crate) const UNITS_PER_SUBJECT_MAX: u32 = 8;

/// What the event sells.
pub(crate) fn configuration() -> Value {
    json!({
        "currency": "EUR", "pools": [{"name": "Floor", "capacity": CAPACITY}], "categories": [], "sections": [], "rows": [],
        "channels": [], "ticket_types": [{"name": "Standing", "price": 4500, "per_order_min": 1, "per_order_max": 8, "draws_on": ["Floor"]}],
        "units_per_subject_max": UNITS_PER_SUBJECT_MAX
    })
}

/// A running `tessera serve` with one event on sale.
pub(crate) struct Product {
    server: Served,
    /// Where it keeps everything.
    data: PathBuf,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    base: String,
    event: String,
    key: String,
    identities: Cell<u64>,
}

impl Product {
    /// Start it on an empty folder and open the sale.
    pub(crate) fn start(scratch: &Path) -> Product {
        Product::start_with(scratch, true)
    }

    /// The same with or without receipts.
    pub(crate) fn start_with(scratch: &Path, receipts: bool) -> Product {
        Product::start_as(scratch, &[("TESSERA_RECEIPTS__ENABLED", receipts.to_string())])
    }

    /// The same with these settings, by the names that they have in the environment.
    pub(crate) fn start_as(scratch: &Path, settings: &[(&str, String)]) -> Product {
        let mut product = Product::launch(scratch.join(format!("data-{}", now_us())), settings);
        product.open_sale();
        product
    }

    /// The same installation with the same event, in a new process with other settings. The one that runs is killed: what it has answered is
    /// on the disk.
    pub(crate) fn restart(self, settings: &[(&str, String)]) -> Product {
        let Product { server, data, event, key, .. } = self;
        drop(server);
        Product { event, key, ..Product::launch(data, settings) }
    }

    fn launch(data: PathBuf, settings: &[(&str, String)]) -> Product {
        let program = std::env::current_exe().expect("this program").with_file_name("tessera");
        assert!(program.exists(), "build the product first: cargo build --release -p tessera");
        let server = Served::start("tessera serve", |port| {
            let mut command = Command::new(&program);
            command
                .arg("serve")
                .arg("--data")
                .arg(&data)
                .args(["--listen", &format!("127.0.0.1:{port}")])
                .env("TESSERA_ADMIN_TOKEN", ADMIN_TOKEN)
                .envs(settings.iter().map(|(name, value)| (name, value)))
                // A subject for each request: far more tokens than one organizer has made by default.
                .env("TESSERA_RATE_LIMIT__ORGANIZER_MINTING_PER_MINUTE", "0")
                .stdout(Stdio::null());
            command
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Product {
            base: format!("http://127.0.0.1:{}", server.port()),
            server,
            data,
            client: reqwest::Client::new(),
            runtime,
            event: String::new(),
            key: ADMIN_TOKEN.to_owned(),
            // No two servers of one installation begin with the same key.
            identities: Cell::new(now_us()),
        }
    }

    fn open_sale(&mut self) {
        let scopes = ["events:write", "events:read", "orders:write", "buyer-tokens:write"];
        let key = self.post("/v1/api-keys", &json!({"name": "benchmark", "scopes": scopes}));
        self.key = text(&key["secret"]);
        let event = json!({
            "name": "Benchmark", "starts_at": "2030-01-01T19:00:00Z", "zone": "Europe/Berlin", "configuration": configuration()
        });
        self.event = text(&self.post("/v1/events", &event)["id"]);
        self.post(&format!("/v1/events/{}/phase-changes", self.event), &json!({"to": "on_sale"}));
    }

    /// Where holds are placed.
    pub(crate) fn holds_url(&self) -> String {
        self.holds_url_at(self)
    }

    /// The event that is sold.
    pub(crate) fn event(&self) -> &str {
        &self.event
    }

    /// The secret of its organizer's key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.server.process()
    }

    /// Where another server takes holds of this one's event.
    pub(crate) fn holds_url_at(&self, other: &Product) -> String {
        format!("{}/v1/events/{}/holds", other.base, self.event)
    }

    /// Ask as the administrator.
    pub(crate) fn administer(&self, path: &str, body: Option<&Value>) -> Value {
        self.ask(ADMIN_TOKEN, path, body)
    }

    /// A number that no other run has.
    pub(crate) fn next_identity(&self) -> u64 {
        self.identities.set(self.identities.get() + 1);
        self.identities.get()
    }

    /// Resident memory of the product, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.process())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Processor time of all its threads so far, in microseconds.
    pub(crate) fn processor_us(&self) -> f64 {
        processor_us(self.server.process())
    }

    /// Units in holds now.
    pub(crate) fn held(&self) -> u64 {
        self.availability()["pools"][0]["held"].as_u64().expect("a counter")
    }

    /// Units that are sold now.
    pub(crate) fn sold(&self) -> u64 {
        self.availability()["pools"][0]["sold"].as_u64().expect("a counter")
    }

    /// Items of the event's log that everyone may see.
    pub(crate) fn sequence(&self) -> u64 {
        self.availability()["sequence"].as_u64().expect("a sequence")
    }

    fn availability(&self) -> Value {
        let url = format!("{}/v1/events/{}/availability", self.base, self.event);
        self.runtime.block_on(async {
            self.client.get(url).send().await.expect("the product answers").json().await.expect("a document")
        })
    }

    /// Where it is reached.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Turns of its events so far.
    pub(crate) fn turns(&self) -> f64 {
        metric(&self.metrics(), "tessera_turn_seconds_count", &[])
    }

    /// What it measures of itself, in the text format of Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let request = self.client.get(format!("{}/metrics", self.base)).bearer_auth(ADMIN_TOKEN);
        let reply = async { request.send().await.expect("the product answers").text().await };
        self.runtime.block_on(reply).expect("a text")
    }

    /// Write a file of fresh buyer tokens, a subject each, for about `requests` requests.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count
    pub(crate) fn mint(&self, scratch: &Path, requests: f64) -> PathBuf {
        let path = scratch.join("tokens");
        let mut file = BufWriter::new(std::fs::File::create(&path).expect("a file"));
        for _ in 0..(requests * MINT_MARGIN) as usize / MINT_BATCH + 1 {
            let minted = self.post("/v1/buyer-tokens", &json!({"count": MINT_BATCH}));
            for token in minted["tokens"].as_array().expect("tokens") {
                writeln!(file, "{}", text(token)).expect("the file is writable");
            }
        }
        path
    }

    /// Read as the organizer.
    pub(crate) fn read(&self, path: &str) -> Value {
        self.ask(&self.key, path, None)
    }

    /// Ask as the organizer, under a fresh key.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(&self.key, path, Some(body))
    }

    /// With a body: a command of its own.
    fn ask(&self, token: &str, path: &str, body: Option<&Value>) -> Value {
        self.runtime.block_on(async {
            let url = format!("{}{path}", self.base);
            let request = match body {
                None => self.client.get(url),
                Some(body) => {
                    let key = format!("setup-{}", self.next_identity());
                    self.client.post(url).json(body).header("Idempotency-Key", key)
                }
            };
            let reply = request.bearer_auth(token).timeout(Duration::from_secs(30)).send().await;
            let reply = reply.expect("the product answers");
            let status = reply.status();
            let document: Value = reply.json().await.expect("a document");
            assert!(status.is_success(), "{path}: {status}: {document}");
            document
        })
    }
}

/// The sum of a metric over those of its lines that have all of these labels.
pub(crate) fn metric(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let value = |line: &str| -> Option<f64> {
        let (series, value) = line.rsplit_once(' ')?;
        let rest = series.strip_prefix(name)?;
        let is_it = rest.is_empty() || rest.starts_with('{');
        (is_it && labels.iter().all(|label| rest.contains(label))).then(|| value.parse().ok())?
    };
    metrics.lines().filter_map(value).sum()
}

#[allow(clippy::cast_possible_truncation)] // microseconds since 1970
fn now_us() -> u64 {
    UNIX_EPOCH.elapsed().expect("a clock").as_micros() as u64
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}
