//! What a rehearsal leaves behind: plain data, written beside the report, enough to judge the run again without the server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the file. A reader refuses another.
pub const RECORDING_VERSION: u32 = 2;

/// Everything of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// [`RECORDING_VERSION`].
    pub version: u32,
    /// The scenario as it was written, so that the report can show it and another run can repeat it.
    pub scenario: ScenarioText,
    /// What it ran on and against.
    pub environment: Environment,
    /// What must hold.
    pub objectives: Vec<Objective>,
    /// The configuration of the event, as a venue file.
    pub venue: serde_json::Value,
    /// Second by second since the first arrival was due.
    pub seconds: Vec<Second>,
    /// Latency of each operation over the whole run.
    pub latencies: Vec<OperationLatency>,
    /// Refusals by their code.
    pub refusals: BTreeMap<String, u64>,
    /// Replies that say *later* (429, 503), by their code.
    #[serde(default)]
    pub turned_away: BTreeMap<String, u64>,
    /// Replies that no right server gives (5xx other than 503, or one that cannot be read), by what they are.
    pub defects: BTreeMap<String, u64>,
    /// How each kind of buyer fared.
    pub behaviours: Vec<BehaviourFigures>,
    /// Every request that asked for a decision, with what its client saw.
    pub history: Vec<Operation>,
    /// Items of the change feed, as they were served.
    pub feed: Vec<serde_json::Value>,
    /// Availability documents in the order in which they were read; the last one when all was quiet.
    pub availabilities: Vec<serde_json::Value>,
    /// The seat map when all was quiet; none for an event without seats.
    pub seat_map: Option<serde_json::Value>,
    /// What all accounts of the ledger sum to when all was quiet, by currency, in minor units.
    #[serde(default)]
    pub books: BTreeMap<String, i64>,
}

/// The scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioText {
    /// Its name.
    pub name: String,
    /// What it is about, in a sentence.
    pub description: String,
    /// The file.
    pub toml: String,
    /// Decides everything that is drawn.
    pub seed: u64,
    /// The buyers that the file asks for, where the run had fewer: then objectives that a full crowd must meet are not judged.
    #[serde(default)]
    pub fewer_than: Option<u32>,
}

/// Where the run took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Start of the run, RFC 3339.
    pub started_at: String,
    /// The target, without credentials.
    pub target: String,
    /// Whether the rehearsal started the server itself.
    pub is_own_server: bool,
    /// Version of this program.
    pub version: String,
    /// Version of the server, as its API document says.
    pub server_version: String,
    /// Whether the server ran on the machine that rehearsed.
    #[serde(default)]
    pub is_here: bool,
    /// Operating system and kernel of the machine that rehearsed.
    pub system: String,
    /// Model of its processor.
    pub processor: String,
    /// Its processors.
    pub processors: u32,
    /// Its memory in bytes.
    pub memory_bytes: u64,
    /// Threads of the generator.
    #[serde(default)]
    pub threads: u32,
    /// The event.
    pub event: String,
    /// Most sockets open at once.
    pub sockets_max: u32,
    /// Sockets that were allowed at once.
    #[serde(default)]
    pub sockets_allowed: u32,
}

/// An objective of the scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// What is measured.
    pub measure: Measure,
    /// The bound, in the measure's unit.
    pub bound: f64,
}

/// What an objective bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// 50th percentile of the latency of *place hold*, in milliseconds: at most.
    HoldP50Ms,
    /// 99th percentile of the latency of *place hold*, in milliseconds: at most.
    HoldP99Ms,
    /// 99.9th percentile of the latency of *place hold*, in milliseconds: at most.
    HoldP999Ms,
    /// 99th percentile of the latency of commands on existing holds and orders, in milliseconds: at most.
    ExistingP99Ms,
    /// Share of the operations that ended without an answer or were not executed, after all retries, 0 to 1: at most.
    ErrorShare,
    /// Share of the units for sale that are sold or held at the end, 0 to 1: at least.
    SoldShare,
    /// Accepted holds a second, over the busiest ten seconds: at least.
    AcceptedPerSecond,
}

/// One second of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Requests that were due.
    pub due: u32,
    /// Requests that were sent.
    pub sent: u32,
    /// Replies.
    pub answered: u32,
    /// Accepted commands.
    pub accepted: u32,
    /// Refused commands (409, 403 and 422).
    pub refused: u32,
    /// 429 and 503.
    pub turned_away: u32,
    /// 5xx other than 503: the server failed.
    pub failed: u32,
    /// Requests without an answer: refused connections, resets, timeouts of the client.
    pub unanswered: u32,
    /// Requests that the network of an unlucky client cut off half-way, on purpose; they count as sent.
    #[serde(default)]
    pub half_sent: u32,
    /// Sockets that were open at its end.
    pub sockets: u32,
    /// Buyers who were on their way at its end.
    pub buyers: u32,
    /// Latency of all replies in microseconds, each from the moment at which its own sending was due: p50, p99, largest.
    pub latency_us: [u64; 3],
    /// How late the generator itself was at worst, in microseconds.
    pub lag_us: u64,
    /// Units at its end as the last availability document told: free, held, sold, killed.
    pub units: [u64; 4],
    /// Requests that turns found waiting in the server's lanes, new and existing, on average, by its metrics; none where they could not be read.
    pub queued: Option<[f64; 2]>,
    /// Processors that the server used on average since the look before, by the operating system or its metrics.
    pub server_cpu: Option<f64>,
}

/// Latency of one kind of operation: from the moment at which each was first due to its answer, its retries included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationLatency {
    /// Its name, as in the report.
    pub operation: String,
    /// Operations.
    pub count: u64,
    /// Of them those that ended without an answer. They count with the time until their client gave up, and at least its patience.
    pub unanswered: u64,
    /// Percentiles in hundredths of a percent and their latency in microseconds, ascending, up to 10,000 (the largest).
    pub percentiles: Vec<(u32, u64)>,
}

/// How one kind of buyer fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BehaviourFigures {
    /// Its name.
    pub behaviour: String,
    /// Buyers of this kind.
    pub buyers: u64,
    /// Who ended with tickets.
    pub bought: u64,
    /// Who was refused for good.
    pub refused: u64,
    /// Who left on their own account.
    pub left: u64,
    /// Who got no answer in the end.
    pub unanswered: u64,
}

/// A request that asked for a decision, as its client saw it. A retry under the same key is the same operation:
/// its time runs from the first sending to the last answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The buyer, by number; none: the organizer.
    pub buyer: Option<u32>,
    /// First due, in microseconds since the run began.
    pub due_us: u64,
    /// From then to its answer, or to the moment at which its client gave up, in microseconds; what the client's own network dropped on
    /// purpose is left out.
    pub latency_us: u64,
    /// First sent as a whole, in microseconds since the run began; where it never was, last tried.
    pub invoked_us: u64,
    /// Answered; none if no answer came (it may have taken effect at any later time).
    pub returned_us: Option<u64>,
    /// How often it was sent as a whole; 0: no socket was free for as long as its client was patient, or only halves went out.
    pub sent: u32,
    /// How often its client's own network cut it off half-way, on purpose.
    #[serde(default)]
    pub half_sent: u32,
    /// What was asked.
    pub asked: Asked,
    /// What was answered.
    pub outcome: Outcome,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum Asked {
    /// Place a hold.
    PlaceHold {
        /// Its lines, as they were sent.
        lines: Vec<AskedLine>,
        /// The access code that was shown.
        #[serde(default)]
        access_code: Option<String>,
    },
    /// Renew a hold.
    RenewHold {
        /// The hold.
        hold: String,
    },
    /// Give a hold back.
    ReleaseHold {
        /// The hold.
        hold: String,
    },
    /// Begin the payment of a hold.
    BeginPayment {
        /// The hold.
        hold: String,
    },
    /// Report a payment that failed, or be declined at the page of its provider.
    FailPayment {
        /// The order.
        order: String,
    },
    /// Confirm an order, or pay it at the page of its provider: then it is asked with the form, and answered with word of the sale.
    Confirm {
        /// The order.
        order: String,
    },
    /// Show a ticket at the door.
    CheckIn {
        /// The ticket.
        ticket: String,
    },
}

/// One line that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedLine {
    /// The type; none: whatever stands together.
    pub ticket_type: Option<String>,
    /// Units.
    pub quantity: u16,
    /// Exactly these seats.
    pub seats: Vec<u32>,
    /// Seats that stand together.
    pub together: bool,
}

/// What a client was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// Accepted.
    Accepted {
        /// The decision.
        sequence: u64,
        /// The hold or order.
        id: String,
        /// The units of a placed hold: type, quantity, seats.
        lines: Vec<(String, u16, Vec<u32>)>,
        /// Until when the hold lasts, in microseconds since the run began (may lie before it).
        deadline_us: Option<i64>,
        /// Whether the reply said that it was given before.
        replayed: bool,
    },
    /// Refused by a rule.
    Refused {
        /// The reason.
        code: String,
        /// The sequence it was decided on.
        sequence: Option<u64>,
        /// The problem document.
        problem: serde_json::Value,
    },
    /// Said not to be executed (429, 503 `not_executed`), at every sending: where one was not answered, nobody knows.
    NotExecuted {
        /// The code.
        code: String,
    },
    /// Its client left after half a request: no whole one was ever sent, so nothing can have happened.
    HalfSent,
    /// Nobody knows: 503 `outcome_unknown`, a broken connection, or no answer in time.
    Unknown,
}
