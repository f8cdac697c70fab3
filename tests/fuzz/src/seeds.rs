//! The corpora that a program writes: `cargo run -p tessera-fuzz --example corpus`. Those of venue files, of scenarios and of HTTP are written by hand.

use tessera_records::{Replay, decode_record, encode_record, encode_snapshot};

use crate::commands::played;
use crate::mutation::Random;
use crate::scene::{EVENT, Written};

/// How many inputs a corpus gets.
const INPUTS: u64 = 24;
/// Most bytes of a script of commands.
const SCRIPT_BYTES_MAX: usize = 2_500;
/// Most bytes that damage a log.
const DAMAGE_BYTES_MAX: usize = 36;
/// Events of one record of the corpus.
const RECORD_EVENTS: usize = 6;

/// The inputs of every such corpus, by the names of their targets.
#[must_use]
pub fn all() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let scripts: Vec<Vec<u8>> = (0..INPUTS).map(script).collect();
    let logs: Vec<Vec<Written>> = scripts.iter().map(|script| played(script).log).collect();
    vec![
        ("records", logs.iter().map(|log| record(log)).collect()),
        ("snapshots", logs.iter().map(|log| snapshot(log)).collect()),
        ("commands", scripts),
        ("logs", (0..INPUTS).map(damage).collect()),
        ("journals", (0..INPUTS).map(damage).collect()),
    ]
}

fn script(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let bytes = SCRIPT_BYTES_MAX / 4 + random.below(SCRIPT_BYTES_MAX * 3 / 4);
    random.bytes(bytes)
}

fn damage(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let bytes = 1 + random.below(DAMAGE_BYTES_MAX);
    random.bytes(bytes)
}

/// The last events of a log, as one record.
fn record(log: &[Written]) -> Vec<u8> {
    let last = &log[log.len().saturating_sub(RECORD_EVENTS)..];
    let events: Vec<_> = last
        .iter()
        .flat_map(|written| decode_record(&written.bytes).expect("it was written here").events)
        .collect();
    let mut bytes = Vec::new();
    if let Some(first) = last.first() {
        encode_record(first.first, &events, &mut bytes);
    }
    bytes
}

fn snapshot(log: &[Written]) -> Vec<u8> {
    let mut replay = Replay::from_genesis(EVENT);
    log.iter().for_each(|written| replay.apply(&written.record()).expect("it was written here"));
    encode_snapshot(&replay.inventory().export(), replay.chain())
}
