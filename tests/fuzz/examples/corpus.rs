//! `cargo run -p tessera-fuzz --example corpus`: writes the corpora that are made by a program (see `src/seeds.rs`).
#![allow(clippy::unwrap_used)] // a program for developers

use std::fs;
use std::path::Path;

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, inputs) in tessera_fuzz::seeds::all() {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder).unwrap();
        for (number, bytes) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), bytes).unwrap();
        }
    }
}
