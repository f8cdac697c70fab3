//! Runs seeds of the world until one fails, their number is reached, or the time is over.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its terminal")]

use std::process::ExitCode;

use tessera_world::{Plan, run};

const USAGE: &str = "usage: tessera-world [--seed N] [--from FIRST] [--seeds COUNT] [--seconds BUDGET]
  --seed N          run this seed alone and print its trace
  --from FIRST      the first seed (default 0)
  --seeds COUNT     run so many seeds (default 200)
  --seconds BUDGET  begin no further seed after so many seconds (default 60)";

struct Arguments {
    seed: Option<u64>,
    from: u64,
    seeds: u64,
    seconds: u64,
}

fn arguments() -> Option<Arguments> {
    let mut arguments = Arguments { seed: None, from: 0, seeds: 200, seconds: 60 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next()?.parse().ok()?;
        match word.as_str() {
            "--seed" => arguments.seed = Some(value),
            "--from" => arguments.from = value,
            "--seeds" => arguments.seeds = value,
            "--seconds" => arguments.seconds = value,
            _ => return None,
        }
    }
    Some(arguments)
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match arguments.seed {
        Some(seed) => one(seed),
        None => many(&arguments),
    }
}

fn one(seed: u64) -> ExitCode {
    match run(seed, Plan { keep_trace: true, ..Plan::stormy() }) {
        Ok(summary) => {
            println!("seed {seed} survives: {summary:#?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            for line in &failure.trace {
                println!("{line}");
            }
            println!("seed {seed} fails at step {}: {:#?}", failure.step, failure.violation);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the budget is in real time; the world itself has none")]
fn many(arguments: &Arguments) -> ExitCode {
    let &Arguments { from, seeds, seconds, .. } = arguments;
    let began = std::time::Instant::now();
    let mut steps = 0;
    for done in 0..seeds {
        let seed = from.wrapping_add(done);
        if began.elapsed().as_secs() >= seconds {
            println!("{done} of {seeds} seeds from {from} survive, {steps} steps; the time is over");
            return ExitCode::SUCCESS;
        }
        match run(seed, Plan::stormy()) {
            Ok(summary) => steps += summary.steps,
            Err(failure) => {
                println!("seed {seed} fails at step {}: {:#?}", failure.step, failure.violation);
                println!("reproduce: cargo run -p tessera-world -- --seed {seed}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{seeds} seeds from {from} survive, {steps} steps");
    ExitCode::SUCCESS
}
