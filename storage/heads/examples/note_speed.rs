//! What one durable turn pays for the head witness: `cargo run --release -p tessera-heads --example note_speed`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // a measurement

use std::time::Instant;

use tessera_heads::{HeadMark, HeadWitness};
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::Chain;

const NOTES: u64 = 2_000_000;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let witness = HeadWitness::open(directory.path(), 1).unwrap();
    for events in [1, 100, 100_000] {
        let began = Instant::now();
        for sequence in 1..=NOTES {
            let mark = HeadMark { epoch: Epoch(1), sequence: Sequence(sequence), chain: Chain([7; 32]) };
            witness.note(EventId(u128::from(sequence % events)), mark);
        }
        let nanos = began.elapsed().as_nanos() / u128::from(NOTES);
        println!("{events} events: {nanos} ns a note, while what moved is written every 100 ms");
    }
}
