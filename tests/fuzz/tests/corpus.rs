//! Every target over its corpus, and over seeded mutations of it: the same ones in every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // tests that say what they did

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use tessera_fuzz::mutation::mutated;
use tessera_fuzz::{TARGETS, Target};

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// The inputs of a corpus, with their names.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| (path.display().to_string(), fs::read(&path).unwrap());
    let mut inputs: Vec<_> = entries.map(read).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "no corpus of {}", target.name);
    inputs
}

/// Runs one input; what breaks a promise is kept, so that it can join the corpus.
fn run(target: &Target, name: &str, bytes: &[u8]) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))) else { return };
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-failed", target.name));
    fs::write(&kept, bytes).unwrap();
    eprintln!("{name} breaks a promise of {}; the input is kept in {}", target.name, kept.display());
    resume_unwind(panic);
}

fn check(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = corpus(target);
    for (name, bytes) in &inputs {
        assert!(bytes.len() <= target.bytes_max, "{name} is longer than its target reads");
        run(target, name, bytes);
    }
    let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, bytes)| bytes).collect();
    for seed in 0..target.mutations {
        run(target, &format!("the mutation of seed {seed}"), &mutated(seed, &inputs, target.bytes_max));
    }
}

macro_rules! corpora {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_target_is_tested() {
            assert!(TARGETS.iter().map(|target| target.name).eq([$(stringify!($name)),*]));
        }
    };
}

corpora!(records, snapshots, logs, journals, commands, venues, tickets, scenarios, http);

/// Random scripts that the engine refuses from the first command on would test nothing.
#[test]
fn the_scripts_of_the_corpus_sell() {
    let target = TARGETS.iter().find(|target| target.name == "commands").unwrap();
    let events: Vec<u64> =
        corpus(target).iter().map(|(_, bytes)| tessera_fuzz::commands::events(bytes)).collect();
    let selling = events.iter().filter(|events| **events >= 10).count();
    assert!(selling * 2 > events.len(), "events of each script: {events:?}");
}
