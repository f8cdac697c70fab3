//! `tessera-sim`: runs seeds of the world until one fails, their number is reached, or the time is over.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its terminal")]

mod campaign;

use std::process::ExitCode;

use campaign::Campaign;
use clap::Parser;
use tessera_world::{Failure, MUTANTS, NamedMutant, Plan, minimise, run};

/// Deterministic fault simulation: real engine, protocol, journal and followers in one world from one seed.
#[derive(Clone, Debug, Parser)]
#[command(name = "tessera-sim")]
pub(crate) struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Begin no further seed after so many seconds.
    #[arg(long, default_value_t = 600)]
    time_budget: u64,
    /// This seed alone, with its trace.
    #[arg(long)]
    seed: Option<u64>,
    /// Shorten the plan of a seed that fails, and print the shortest with its trace.
    #[arg(long)]
    minimise: bool,
    /// Build in the deliberate defect of this name.
    #[arg(long)]
    mutant: Option<String>,
    /// Catch every deliberate defect, and print how fast.
    #[arg(long)]
    mutants: bool,
    /// Threads that run seeds.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl Arguments {
    /// The world of a seed, with the defect that was asked for.
    pub(crate) fn plan(&self, seed: u64) -> Result<Plan, String> {
        let Some(name) = &self.mutant else { return Ok(Plan::drawn(seed)) };
        let named = NamedMutant::find(name).ok_or_else(|| format!("there is no mutant {name}"))?;
        Ok(Plan::drawn(seed).with(named.mutant))
    }

    /// The command that runs a seed again.
    fn command(&self, seed: u64) -> String {
        let mutant = self.mutant.as_ref().map(|name| format!(" --mutant {name}")).unwrap_or_default();
        format!("cargo run -p tessera-world --bin tessera-sim -- --seed {seed}{mutant}")
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic in the world is a failure of its seed, told with it.
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = if arguments.mutants {
        mutants()
    } else if let Some(seed) = arguments.seed {
        one(&arguments, seed)
    } else {
        many(&arguments)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("tessera-sim: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn one(arguments: &Arguments, seed: u64) -> Result<(), String> {
    let plan = Plan { keep_trace: true, ..arguments.plan(seed)? };
    match run(seed, &plan) {
        Ok(summary) => {
            println!("seed {seed} survives: {} steps, trace {:?}", summary.steps, summary.trace);
            println!("{}", summary.tally.table());
            Ok(())
        }
        Err(failure) => {
            let (plan, failure) =
                if arguments.minimise { minimise(seed, &plan, &failure) } else { (plan, failure) };
            tell(&plan, &failure);
            Err(format!("seed {seed} fails: {}", failure.violation.rule))
        }
    }
}

fn tell(plan: &Plan, failure: &Failure) {
    for line in &failure.trace {
        println!("{line}");
    }
    println!("{plan:#?}");
    println!("step {}, {} us: {:#?}", failure.step, failure.at_us, failure.violation);
}

fn many(arguments: &Arguments) -> Result<(), String> {
    let campaign = Campaign::run(arguments)?;
    println!("{}", campaign.report());
    let Some((seed, failure)) = campaign.first_failure() else {
        return campaign.check_coverage();
    };
    println!("seed {seed} fails at step {}: {:#?}", failure.step, failure.violation);
    println!("reproduce: {}", arguments.command(*seed));
    if arguments.minimise {
        let (plan, failure) = minimise(*seed, &arguments.plan(*seed)?, failure);
        tell(&plan, &failure);
    }
    Err(format!("seed {seed} fails: {}", failure.violation.rule))
}

fn mutants() -> Result<(), String> {
    println!("| mutant | seeds needed | at most | caught by the rule |");
    println!("| --- | ---: | ---: | --- |");
    let (mut escaped, mut seeds) = (Vec::new(), 0);
    for named in MUTANTS {
        let NamedMutant { name, seeds_max, .. } = named;
        match named.catch() {
            Some((seed, failure)) => {
                seeds = seeds.max(seed + 1);
                println!("| {name} | {} | {seeds_max} | {} |", seed + 1, failure.violation.rule);
            }
            None => escaped.push(name),
        }
    }
    if !escaped.is_empty() {
        return Err(format!("escaped: {}", escaped.join(", ")));
    }
    let survives = |seed: &u64| run(*seed, &Plan::drawn(*seed)).is_ok();
    match (0..seeds).find(|seed| !survives(seed)) {
        Some(seed) => Err(format!("seed {seed} fails without a defect, too")),
        None => {
            println!("without a defect these {seeds} seeds survive");
            Ok(())
        }
    }
}
