//! Judges a recording again and writes its report: `cargo run -p tessera-verdict --example report RECORDING FOLDER`.
#![allow(clippy::print_stdout)] // what it found goes to the terminal

use std::error::Error;
use std::path::PathBuf;

use tessera_verdict::{judge, load, report};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(recording), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: report RECORDING FOLDER".into());
    };
    let recording = load::load(&recording)?;
    let verdict = judge::judge(&recording);
    let paths = report::write(&folder, &recording, &verdict)?;
    println!("{}\n{}", verdict.reason, paths.page.display());
    Ok(())
}
