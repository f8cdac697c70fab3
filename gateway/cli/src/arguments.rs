//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tessera_server::settings::{self, Overrides, Settings, SettingsError};

use crate::simulate::arguments::SimulateArguments;

/// Sells tickets: one single-writer actor per event, on a durable log.
#[derive(Debug, Parser)]
#[command(name = "tessera", version, about)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the HTTP API
    Serve(Box<ServeArguments>),
    /// Sell an arena to a hundred thousand buyers over HTTP, check every invariant, and keep serving
    Demo(DemoArguments),
    /// Rehearse an on-sale: send the crowd of a scenario at a server, and judge what it did
    Simulate(Box<SimulateArguments>),
    /// Look inside the store: events, state, log, digests, verification
    Inspect(InspectArguments),
    /// Verify a store, and lift the quarantine of an event
    Repair(RepairArguments),
    /// List the nodes of a running cluster, drain one, move an event, or make certificates for nodes
    Node(NodeArguments),
    /// Check receipts and transcripts offline: what they prove, or why they prove nothing
    Verify(VerifyArguments),
    /// Write a stopped installation, or one event of it, to one file
    Export(ExportArguments),
    /// Make a new installation of such a file
    Import(ImportArguments),
}

/// Flags win over the environment (TESSERA_…), which wins over the file, which wins over the defaults.
/// Every setting, those without a flag included, is described in docs/operations/configuration.md.
#[derive(Debug, Default, Args)]
pub(crate) struct ServeArguments {
    /// Configuration file (TOML) [none unless named]
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// The rehearsal that this server ends with
    #[arg(long, hide = true)]
    pub(crate) parent: Option<u32>,
    /// Address and port to listen on [TESSERA_LISTEN, default 127.0.0.1:8080]
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Directory of the store and the administrator's token [TESSERA_DATA, default ./data]
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// HTTP worker threads; 0: one per processor [TESSERA_WORKERS, default 0]
    #[arg(long)]
    pub(crate) workers: Option<usize>,
    /// What is logged, such as info or tessera_actors=debug [TESSERA_LOG_LEVEL, default info for tessera, warn for libraries]
    #[arg(long)]
    pub(crate) log_level: Option<String>,
    /// How it is logged [TESSERA_LOG_FORMAT, default text]
    #[arg(long)]
    pub(crate) log_format: Option<LogFormat>,
    /// Longest a request waits for its decision, in milliseconds [TESSERA_HTTP__DEADLINE_MS, default 5000]
    #[arg(long)]
    pub(crate) deadline_ms: Option<u64>,
    /// Most connections per worker [TESSERA_HTTP__CONNECTIONS_MAX, default 25000]
    #[arg(long)]
    pub(crate) connections_max: Option<usize>,
    /// Most event streams and long polls at once [TESSERA_HTTP__STREAMS_MAX, default 10000]
    #[arg(long)]
    pub(crate) streams_max: Option<usize>,
    /// Longest a graceful shutdown takes, in seconds [TESSERA_HTTP__SHUTDOWN_S, default 30]
    #[arg(long)]
    pub(crate) shutdown_s: Option<u64>,
    /// Requests a second from one address; 0: unlimited (TESSERA_RATE_LIMIT__ADDRESS_PER_SECOND)
    #[arg(long)]
    pub(crate) address_per_second: Option<u32>,
    /// Requests a second of one buyer or organizer; 0: unlimited (TESSERA_RATE_LIMIT__CALLER_PER_SECOND)
    #[arg(long)]
    pub(crate) caller_per_second: Option<u32>,
    /// How long a buyer token is valid, in seconds [TESSERA_BUYER_TOKEN__LIFE_S, default 3600]
    #[arg(long)]
    pub(crate) buyer_token_life_s: Option<u64>,
    /// A deliberate defect, to see what finds it
    #[cfg(feature = "mutants")]
    #[arg(long, env = "MUTANT")]
    pub(crate) mutant: Option<crate::defect::Defect>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl ServeArguments {
    /// The settings that flags set, by their paths.
    pub(crate) fn overrides(&self) -> Overrides {
        let log_format = self.log_format.map(|format| match format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        });
        let flags = [
            ("listen", self.listen.map(|value| value.to_string())),
            ("data", self.data.as_ref().map(|value| value.display().to_string())),
            ("workers", self.workers.map(|value| value.to_string())),
            ("log_level", self.log_level.clone()),
            ("log_format", log_format.map(str::to_owned)),
            ("http.deadline_ms", self.deadline_ms.map(|value| value.to_string())),
            ("http.connections_max", self.connections_max.map(|value| value.to_string())),
            ("http.streams_max", self.streams_max.map(|value| value.to_string())),
            ("http.shutdown_s", self.shutdown_s.map(|value| value.to_string())),
            ("rate_limit.address_per_second", self.address_per_second.map(|value| value.to_string())),
            ("rate_limit.caller_per_second", self.caller_per_second.map(|value| value.to_string())),
            ("buyer_token.life_s", self.buyer_token_life_s.map(|value| value.to_string())),
        ];
        flags.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The demo begins with an empty store.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Configuration file (TOML) [none unless named]
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Directory of its store; must be absent or empty [default `demo` in the data directory, which is emptied first]
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Address and port that the demo's server listens on; port 0: any free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// How many buyers come
    #[arg(long, default_value_t = 100_000)]
    pub(crate) buyers: u32,
    /// Decides everything but timing
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Connections that the buyers come over
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Venue file to sell instead of the shipped arena
    #[arg(long)]
    pub(crate) venue: Option<PathBuf>,
    /// End with a status instead of serving on
    #[arg(long)]
    pub(crate) exit: bool,
}

/// Which installation: the same settings as `serve` reads, from flags, environment and file.
#[derive(Debug, Args)]
pub(crate) struct InstallationArguments {
    /// Configuration file (TOML) [none unless named]
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Directory of the store and the administrator's token [TESSERA_DATA, default ./data]
    #[arg(long, global = true)]
    data: Option<PathBuf>,
}

impl InstallationArguments {
    /// The settings of the installation.
    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        let data = self.data.as_ref().map(|value| ("data", value.display().to_string()));
        settings::load(self.config.as_deref(), &data.into_iter().collect())
    }
}

/// The server must not run on the same directory; in FoundationDB it may.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    pub(crate) installation: InstallationArguments,
    /// Which event; without one, every event is listed (or verified)
    pub(crate) event: Option<String>,
    /// What to show of it
    pub(crate) view: Option<View>,
    /// What to show of all of them
    #[command(subcommand)]
    pub(crate) command: Option<InspectCommand>,
}

/// What to show of all events together.
#[derive(Debug, Subcommand)]
pub(crate) enum InspectCommand {
    /// What was appended to any event, in the order of the commits, a line of JSON each (FoundationDB only)
    Feed(FeedArguments),
    /// The trial balance of every organizer and of all of them, and whether the stored balances are what the entries come to
    Ledger,
}

/// Nodes may serve meanwhile.
#[derive(Debug, Args)]
pub(crate) struct FeedArguments {
    /// Go on after this place, ERA:POSITION of an entry [default: begin with the first]
    #[arg(long, value_name = "ERA:POSITION")]
    pub(crate) after: Option<String>,
    /// Only this shard of the feed; each event is in one of 0 to 15
    #[arg(long)]
    pub(crate) shard: Option<u8>,
    /// Go on with what is appended from now on, until the command is ended
    #[arg(long)]
    pub(crate) follow: bool,
}

/// What to show of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// Counters, phase and configuration, by replaying the log
    State,
    /// Every record of the log and every event in it, a line of JSON each
    Log,
    /// Digest of the state and head of the chain
    Digest,
    /// Checksums, chain, replay, and every invariant
    Verify,
    /// Every decision without persons, with the signed checkpoints, for `tessera verify`
    Transcript,
    /// What every hold and order was quoted, computed again line by line from the tariff that the log has for it
    Quotes,
}

/// Verifies every log of a stopped installation and says what is damaged, and what would be lost. Changes nothing unless told to.
#[derive(Debug, Args)]
pub(crate) struct RepairArguments {
    #[command(flatten)]
    pub(crate) installation: InstallationArguments,
    /// Address of a running server, such as `http://127.0.0.1:8080`: has it set a quarantined event going again
    #[arg(long, requires = "event", conflicts_with_all = ["lift", "accept_loss", "into", "through"])]
    pub(crate) url: Option<String>,
    /// Have that server accept what the store has of an event that went back, and give up what it lacks
    #[arg(long, requires = "url")]
    pub(crate) reconcile: bool,
    /// The store was restored from a backup: begin a new era, so that no reader of the feed across events goes on from a place of before (FoundationDB only)
    #[arg(long, conflicts_with_all = ["url", "lift", "accept_loss", "into", "through", "event"])]
    pub(crate) restored: bool,
    /// Lift the quarantine of the event in a stopped installation, if its log is sound
    #[arg(long, requires = "event", conflicts_with_all = ["accept_loss", "into", "through"])]
    pub(crate) lift: bool,
    /// Keep what is intact and give up the rest, in a new installation; each event that may have lost something is quarantined there
    #[arg(long, requires = "into")]
    pub(crate) accept_loss: bool,
    /// Directory of the new installation; must be absent or empty
    #[arg(long, requires = "accept_loss")]
    pub(crate) into: Option<PathBuf>,
    /// Cut the event after this sequence, so that a record which cannot be replayed is left behind
    #[arg(long, requires = "event")]
    pub(crate) through: Option<u64>,
    /// Which event; without one, all
    pub(crate) event: Option<String>,
}

/// Asks a running node, with the administrator's token; `certificates` asks nobody.
#[derive(Debug, Args)]
pub(crate) struct NodeArguments {
    #[command(flatten)]
    pub(crate) installation: InstallationArguments,
    /// Address of any node, such as `http://127.0.0.1:8080`
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: NodeCommand,
}

/// What is asked of the nodes.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Who is there, what each does and owns, and how long ago it gave a sign of life
    List,
    /// Have a node hand its events to others and take none until it is started anew; says how many are left until there are none
    Drain {
        /// Its name or id
        node: String,
        /// Tell it, and do not wait
        #[arg(long)]
        no_wait: bool,
    },
    /// Have the owner of an event give it to another node
    Move {
        /// Which event
        event: String,
        /// To whom, by name or id
        node: String,
    },
    /// Make the certificates by which nodes know each other, and the authority that signs them, where it is not there yet
    Certificates {
        /// Directory of the files, made for its owner only where it is missing; nothing in it is written over
        #[arg(long)]
        out: PathBuf,
        /// What the files of each node are called; of a to z, 0 to 9 and -
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

/// Needs neither a server nor a network. Ends with 0 where everything is genuine, and with 4 and the reason where something is not.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Receipts (as the API gives them) and transcripts (of `tessera inspect EVENT transcript`); a receipt must agree with the transcript of its event, where that has its decision
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The seller's public keys, as `/.well-known/tessera-keys` gives them
    #[arg(long, required_unless_present = "key")]
    pub(crate) keys: Option<PathBuf>,
    /// A public key that you trust, in base64; may be given several times
    #[arg(long)]
    pub(crate) key: Vec<String>,
}

/// Every log is verified on the way. Over FoundationDB every node must be stopped first. The file holds the installation's secret and is for its owner only.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    pub(crate) installation: InstallationArguments,
    /// The file to write, which must not be there yet
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Only this event, with its organizer's keys
    #[arg(long)]
    pub(crate) event: Option<String>,
}

/// The data directory, or the prefix in FoundationDB, is the new one, and must be absent or empty. Every log is replayed and compared with what was exported.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    pub(crate) installation: InstallationArguments,
    /// The file that `tessera export` has written
    #[arg(long = "in")]
    pub(crate) input: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_of_serve_becomes_a_setting() {
        let arguments = Arguments::parse_from([
            "tessera",
            "serve",
            "--listen",
            "127.0.0.1:1",
            "--data",
            "d",
            "--workers",
            "3",
            "--log-level",
            "warn",
            "--log-format",
            "json",
            "--deadline-ms",
            "700",
            "--connections-max",
            "9",
            "--streams-max",
            "8",
            "--shutdown-s",
            "7",
            "--address-per-second",
            "6",
            "--caller-per-second",
            "5",
            "--buyer-token-life-s",
            "60",
        ]);
        let Command::Serve(serve) = arguments.command else { unreachable!("serve was asked for") };
        assert_eq!(serve.overrides().len(), 12);
        let settings = settings::load(None, &serve.overrides());
        assert_eq!(settings.map(|settings| settings.http.deadline_ms).ok(), Some(700));
    }
}
