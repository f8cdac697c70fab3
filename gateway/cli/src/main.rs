//! The `tessera` command. This file only composes.

mod arguments;
#[cfg(feature = "mutants")]
mod defect;
mod demo;
mod events;
mod failure;
mod feed;
mod fresh;
mod inspect;
mod ledger;
mod node;
mod output;
mod portable;
mod printer;
mod quotes;
mod repair;
mod replay;
mod rows;
mod salvage;
mod serve;
mod simulate;
mod store;
mod transcript;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.worker_threads(writer_threads()).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::Runtime(error).report(),
    };
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Serve(arguments) => serve::run(*arguments).await,
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Simulate(arguments) => simulate::run(*arguments).await,
            Command::Inspect(arguments) => inspect::run(arguments).await,
            Command::Node(arguments) => node::run(arguments).await,
            Command::Repair(arguments) => repair::run(arguments).await,
            Command::Verify(arguments) => verify::run(&arguments),
            Command::Export(arguments) => portable::export(arguments).await,
            Command::Import(arguments) => portable::import(arguments).await,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Threads of the runtime under the writers. The HTTP workers and the committing thread are others, so half of the processors are enough; more of
/// them only pass turns to each other (on two processors one serves a fifth more holds than two, see `docs/benchmarks.md`).
fn writer_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).div_ceil(2)
}
