//! What the command line says about a rehearsal.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tessera_rehearsal::scenario::objectives;
use tessera_verdict::recording::Objective;

/// Exit status: 0 the verdict is good, 1 it is not, 2 the scenario or a flag cannot be used, 5 the rehearsal did not come to its end, 130 Ctrl-C.
/// docs/simulate.md describes scenarios, the recording and what is measured.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct SimulateArguments {
    /// What else there is to do.
    #[command(subcommand)]
    pub(crate) command: Option<SimulateCommand>,
    /// Scenario file (TOML), such as scenarios/stadium.toml
    #[arg(required = true)]
    pub(crate) scenario: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) aim: AimArguments,
    /// Sessions instead of those of the scenario: the same crowd, smaller or larger
    #[arg(long)]
    pub(crate) buyers: Option<u32>,
    /// Directory of the recording and the report; made if it is missing [default rehearsals/SCENARIO-TIME]
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum SimulateCommand {
    /// Find the highest rate of arrivals at which objectives hold, by short runs, and what is saturated beyond it
    Capacity(CapacityArguments),
    /// Put two recordings beside each other and say what got worse, with a bound on the noise; status 1 when anything did
    Compare(CompareArguments),
}

/// Two runs.
#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// The earlier recording (recording.json)
    pub(crate) first: PathBuf,
    /// The later one
    pub(crate) second: PathBuf,
    /// Smallest change that counts: one build differs from itself by as much, from run to run [default 20%]
    #[arg(long, value_name = "PERCENT", value_parser = beyond)]
    pub(crate) beyond: Option<f64>,
}

/// Read a share in percent.
fn beyond(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percent) if (0.0..100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("give a number of percent from 0 to 100, such as 20%".to_owned()),
    }
}

/// Whom to aim at, and how.
#[derive(Debug, Args)]
pub(crate) struct AimArguments {
    /// Start a server for this rehearsal, as another process on a free port over a temporary directory
    #[arg(long = "self", conflicts_with_all = ["target", "i_own_this_target"])]
    pub(crate) own: bool,
    /// Server to aim at, such as http://127.0.0.1:8080; anything but this machine needs --i-own-this-target
    #[arg(long, required_unless_present = "own")]
    pub(crate) target: Option<String>,
    /// Its administrator's token
    #[arg(long, env = "TESSERA_ADMIN_TOKEN", hide_env_values = true)]
    pub(crate) admin_token: Option<String>,
    /// The host of the target: you may send a crowd at it
    #[arg(long, value_name = "HOST", requires = "target")]
    pub(crate) i_own_this_target: Option<String>,
    /// Decides everything that is drawn
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads of the generator [default one for two processors]
    #[arg(long)]
    pub(crate) threads: Option<u32>,
    /// Lines instead of the dashboard
    #[arg(long)]
    pub(crate) plain: bool,
}

/// A search for the capacity.
#[derive(Debug, Args)]
pub(crate) struct CapacityArguments {
    /// Scenario file (TOML): its event and its behaviours; arrivals come at one rate
    pub(crate) scenario: PathBuf,
    #[command(flatten)]
    pub(crate) aim: AimArguments,
    /// What must hold, such as hold_p99_ms=100; may be given several times [those of the scenario]
    #[arg(long = "objective", value_name = "NAME=BOUND", value_parser = objectives::parse)]
    pub(crate) objectives: Vec<Objective>,
    /// Length of each run, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) probe_s: u32,
    /// Runs at most
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) probes: u32,
}
