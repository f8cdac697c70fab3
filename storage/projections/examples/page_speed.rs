//! What the notary does for a hold: nanoseconds per leaf of full pages, drafted and signed, and of that the reading alone:
//! `cargo run --release -p tessera-projections --example page_speed`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use tessera_inventory::{
    Epoch, Event, EventBody, EventId, HoldPlaced, KeyMark, Line, Origin, Sequence, Subject, Subjects,
    TermsId, TicketTypeId, Timestamp,
};
use tessera_projections::receipts::{Draft, PAGE_LOG_BYTES, Signer, Tree};
use tessera_records::{encode_record, for_each};
use tessera_store::LogRecord;
use tessera_store::memory::MemoryStore;

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0005);
/// Holds of a turn, and rounds that are measured.
const HOLDS_PER_RECORD: u64 = 64;
const ROUNDS: u32 = 300;

fn placed(number: u64) -> Event {
    let at = Timestamp(1_790_000_000_000 + number / 150);
    let line = Line {
        ticket_type: TicketTypeId(1),
        terms: TermsId(3),
        quantity: 1,
        price_minor: 4_950,
        seats: Vec::new(),
    };
    let digest = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let body = EventBody::HoldPlaced(HoldPlaced {
        subjects: Subjects { primary: Subject(!digest), extra: Vec::new() },
        deadline_at: at.plus_ms(600_000),
        life_ends_at: at.plus_ms(1_800_000),
        channel: None,
        origin: Origin::Direct,
        lines: vec![line],
        quote: None,
        entry: None,
    });
    Event { at, key: Some(KeyMark { digest, fingerprint: number }), body }
}

/// The records of a full page.
fn page() -> Vec<LogRecord> {
    let (mut records, mut bytes, mut chain, mut first) = (Vec::new(), 0, Tree::default().chain, Sequence(1));
    while bytes < PAGE_LOG_BYTES {
        let events: Vec<Event> = (first.0..first.0 + HOLDS_PER_RECORD).map(placed).collect();
        let mut record = Vec::new();
        encode_record(first, &events, &mut record);
        chain = chain.extend(&record);
        bytes += record.len();
        let last_sequence = Sequence(first.0 + HOLDS_PER_RECORD - 1);
        let bytes = record.into();
        records.push(LogRecord { first_sequence: first, last_sequence, epoch: Epoch(1), chain, bytes });
        first = last_sequence.plus(1);
    }
    records
}

fn main() {
    let store = Arc::new(MemoryStore::new());
    let signer = futures::executor::block_on(Signer::open(store, 7, &[1; 32], Timestamp(50))).unwrap();
    let records = page();
    let leaves = records.len() as u64 * HOLDS_PER_RECORD;
    let show = |name: &str, work: &dyn Fn()| {
        work();
        let began = Instant::now();
        (0..ROUNDS).for_each(|_| work());
        let ns = began.elapsed().as_nanos() / u128::from(ROUNDS);
        println!("{name:<44} {:>6} µs a page, {:>5} ns a leaf", ns / 1_000, ns / u128::from(leaves));
    };
    println!("{} records, {leaves} holds", records.len());
    show("the whole page: checked, read, hashed, signed", &|| {
        let draft = Draft::of(EVENT, Tree::default(), &records, &[], (&signer, Timestamp(100)));
        black_box(draft.unwrap());
    });
    show("the chain alone", &|| {
        black_box(records.iter().fold(Tree::default().chain, |chain, record| chain.extend(&record.bytes)));
    });
    show("the events alone", &|| {
        for record in &records {
            for_each(&record.bytes, |_, event| drop(black_box(event))).unwrap();
        }
    });
}
