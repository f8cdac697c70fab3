//! `fault-shim-restore LOG DIRECTORY [SEED]`: after a kill, take back what was not synced; with a seed, some of it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool at the console")]

#[path = "../undo.rs"]
mod undo;

use std::path::Path;
use std::process::ExitCode;

use undo::{Loss, restore};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (log, directory, loss) = match arguments.as_slice() {
        [log, directory] => (log, directory, Some(Loss::Everything)),
        [log, directory, seed] => (log, directory, seed.parse().ok().map(Loss::Some)),
        _ => {
            eprintln!("usage: fault-shim-restore LOG DIRECTORY [SEED]");
            return ExitCode::from(2);
        }
    };
    let Some(loss) = loss else {
        eprintln!("the seed is a number");
        return ExitCode::from(2);
    };
    match restore(Path::new(log), Path::new(directory), loss) {
        Ok(unsynced) => {
            println!("{unsynced} bytes were not synced");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
