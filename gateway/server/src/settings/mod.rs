//! Configuration of the process. Precedence: flags, then the environment, then the file, then the defaults.

mod channels;
mod cluster;
mod load;
mod messages;
mod payments;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub use channels::{DiscordSettings, PushSettings, TelegramSettings, TwilioSettings};
pub use cluster::{ClusterSettings, ClusterTlsSettings};
pub use load::{Overrides, SettingsError, load};
pub use messages::{MessageSettings, SmtpSettings, SmtpTls};
pub use payments::{PayPalSettings, PaymentSettings, RazorpaySettings, SandboxSettings, StripeSettings};

/// Our own life cycle; of the libraries only what is wrong.
const LOG_LEVEL_DEFAULT: &str =
    "warn,tessera=info,tessera_server=info,tessera_actors=info,tessera_embedded=info";

/// Everything that an operator may set. `docs/operations/configuration.md` describes each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Directory of the administrator's token, and of the embedded store.
    pub data: PathBuf,
    /// The administrator's token; absent: made at first start and kept in `DATA/admin-token`.
    pub admin_token: Option<Secret>,
    /// Where everything is kept.
    pub store: StoreSettings,
    /// HTTP worker threads; 0: one per processor.
    pub workers: usize,
    /// What is logged, in the syntax of `tracing` filters.
    pub log_level: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Limits of the HTTP side.
    pub http: HttpSettings,
    /// Limits per caller.
    pub rate_limit: RateLimitSettings,
    /// Buyer tokens.
    pub buyer_token: BuyerTokenSettings,
    /// Limits of the writers.
    pub writer: WriterSettings,
    /// Receipts.
    pub receipts: ReceiptSettings,
    /// Webhooks.
    pub webhooks: WebhookSettings,
    /// Through whom buyers pay.
    pub payments: PaymentSettings,
    /// Messages to people.
    pub messages: MessageSettings,
    /// Where telemetry goes.
    pub telemetry: TelemetrySettings,
    /// Other nodes.
    pub cluster: ClusterSettings,
}

/// A text that is never shown, neither in logs nor in errors.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text)
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> String {
        secret.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// Which store.
    pub kind: StoreKind,
    /// FoundationDB: the cluster file; absent: that of FoundationDB's own default.
    pub cluster_file: Option<PathBuf>,
    /// FoundationDB: what every key of this installation begins with.
    pub prefix: String,
}

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// In the directory `data` of one machine.
    Embedded,
    /// In a FoundationDB cluster that any number of machines share.
    FoundationDb,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Limits of the HTTP side.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Longest a request waits for its decision, in milliseconds; then 503: `not_executed` where nothing was decided,
    /// `outcome_unknown` where a decision was made and its append has not been answered.
    pub deadline_ms: u64,
    /// Most connections per worker.
    pub connections_max: usize,
    /// Connections waiting to be accepted.
    pub backlog: u32,
    /// How long an idle connection is kept, in seconds.
    pub keep_alive_s: u64,
    /// Longest the headers of a request may take, in seconds.
    pub header_deadline_s: u64,
    /// Most event streams (Server-Sent Events and long polls) at once.
    pub streams_max: usize,
    /// Most of them from one address (IPv6: one /64).
    pub streams_per_address_max: usize,
    /// Most of them of one buyer or organizer.
    pub streams_per_caller_max: usize,
    /// Most large documents (halls, large seat maps) on their way at once.
    pub downloads_max: usize,
    /// Most of them to one address (IPv6: one /64), and to one organizer.
    pub downloads_per_address_max: usize,
    /// Longest a graceful shutdown takes, in seconds.
    pub shutdown_s: u64,
    /// Addresses of the proxies in front, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

/// Limits per caller. Zero turns a limit off; where nothing may be saved up, zero stands for as many as a period gives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitSettings {
    /// Requests a second from one address (IPv6: one /64).
    pub address_per_second: u32,
    /// Requests that an address may save up.
    pub address_burst: u32,
    /// Requests a second of one buyer or organizer.
    pub caller_per_second: u32,
    /// Requests that a caller may save up.
    pub caller_burst: u32,
    /// Buyer tokens a minute that one address may get without a credential.
    pub minting_per_minute: u32,
    /// Tokens that an address may save up.
    pub minting_burst: u32,
    /// Buyer tokens a minute that one organizer's keys may have made.
    pub organizer_minting_per_minute: u32,
    /// Tokens that an organizer may save up.
    pub organizer_minting_burst: u32,
}

/// Buyer tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuyerTokenSettings {
    /// How long a token is valid, in seconds.
    pub life_s: u64,
    /// Whether anyone gets one without a credential.
    pub anonymous: bool,
}

/// Receipts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiptSettings {
    /// Whether decisions are proven. Receipts that were given stay.
    pub enabled: bool,
}

/// Webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// Whether they may go to addresses that are not public: of this machine, of private networks, of a link.
    pub private_targets: bool,
}

/// Where telemetry goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// Address of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; `None`: no traces are exported.
    pub otlp_endpoint: Option<String>,
}

/// Limits of the writers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WriterSettings {
    /// Most new holds waiting in front of one writer.
    pub new_holds_max: u32,
    /// Most other requests waiting in front of one writer.
    pub existing_max: u32,
    /// An event without requests for this long leaves memory, in seconds.
    pub idle_s: u64,
    /// Most events in memory at once.
    pub active_events_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("data"),
            admin_token: None,
            store: StoreSettings::default(),
            workers: 0,
            log_level: LOG_LEVEL_DEFAULT.to_owned(),
            log_format: LogFormat::Text,
            http: HttpSettings::default(),
            rate_limit: RateLimitSettings::default(),
            buyer_token: BuyerTokenSettings::default(),
            writer: WriterSettings::default(),
            receipts: ReceiptSettings::default(),
            webhooks: WebhookSettings::default(),
            payments: PaymentSettings::default(),
            messages: MessageSettings::default(),
            telemetry: TelemetrySettings::default(),
            cluster: ClusterSettings::default(),
        }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        StoreSettings { kind: StoreKind::Embedded, cluster_file: None, prefix: "tessera".to_owned() }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings {
            deadline_ms: 5_000,
            connections_max: 25_000,
            backlog: 4_096,
            keep_alive_s: 75,
            header_deadline_s: 10,
            streams_max: 10_000,
            streams_per_address_max: 200,
            streams_per_caller_max: 100,
            downloads_max: 4_096,
            downloads_per_address_max: 128,
            shutdown_s: 30,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        RateLimitSettings {
            address_per_second: 100_000,
            address_burst: 100_000,
            caller_per_second: 1_000,
            caller_burst: 2_000,
            minting_per_minute: 60,
            minting_burst: 60,
            organizer_minting_per_minute: 100_000,
            organizer_minting_burst: 200_000,
        }
    }
}

impl Default for BuyerTokenSettings {
    fn default() -> Self {
        BuyerTokenSettings { life_s: 3_600, anonymous: true }
    }
}

impl Default for ReceiptSettings {
    fn default() -> Self {
        ReceiptSettings { enabled: true }
    }
}

impl Default for WriterSettings {
    fn default() -> Self {
        let limits = tessera_actors::Limits::default();
        WriterSettings {
            new_holds_max: limits.new_lane_requests_max,
            existing_max: limits.existing_lane_requests_max,
            idle_s: limits.idle_ms / 1_000,
            active_events_max: limits.active_events_max,
        }
    }
}

impl Settings {
    /// Longest a request waits for its decision.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.http.deadline_ms)
    }

    /// HTTP worker threads, one per processor unless set.
    #[must_use]
    pub fn workers(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            count => count,
        }
    }

    /// The limits of the supervision tree.
    #[must_use]
    pub fn limits(&self) -> tessera_actors::Limits {
        tessera_actors::Limits {
            new_lane_requests_max: self.writer.new_holds_max,
            existing_lane_requests_max: self.writer.existing_max,
            idle_ms: self.writer.idle_s.saturating_mul(1_000),
            active_events_max: self.writer.active_events_max,
            ..tessera_actors::Limits::default()
        }
    }
}
