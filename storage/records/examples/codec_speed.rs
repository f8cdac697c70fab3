//! Nanoseconds per placed hold, and milliseconds per snapshot, written and read: `cargo run --release -p tessera-records --example codec_speed`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

use std::{hint::black_box, sync::Arc, time::Instant};

use tessera_inventory::{
    Event, EventBody, EventId, HoldPlaced, Image, Inventory, KeyMark, Line, Origin, SeatIndex, Sequence,
    Subject, Subjects, TermsId, TicketTypeId, Timestamp,
};
use tessera_records::{RecordEncoder, decode_snapshot, encode_snapshot, for_each};
use tessera_writer::Chain;

const EVENTS: usize = 250_000;
const EVENTS_PER_RECORD: usize = 500;
const ROUNDS: usize = 5;

fn placed(number: u64, seats: &[u32]) -> Event {
    let at = Timestamp(1_790_000_000_000 + number / 150);
    let line = Line {
        ticket_type: TicketTypeId(1),
        terms: TermsId(3),
        quantity: u16::try_from(seats.len().max(1)).unwrap(),
        price_minor: 4_950,
        seats: seats.iter().map(|seat| SeatIndex(*seat)).collect(),
    };
    let digest = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Event {
        at,
        key: Some(KeyMark { digest, fingerprint: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) }),
        body: EventBody::HoldPlaced(HoldPlaced {
            subjects: Subjects { primary: Subject(!digest), extra: Vec::new() },
            deadline_at: at.plus_ms(600_000),
            life_ends_at: at.plus_ms(1_800_000),
            channel: None,
            origin: Origin::Direct,
            lines: vec![line],
            quote: None,
            entry: None,
        }),
    }
}

fn measure(name: &str, seats: &[u32]) {
    let events: Vec<Event> = (0..EVENTS as u64).map(|number| placed(number, seats)).collect();
    let mut encoder = RecordEncoder::default();
    for round in 0..ROUNDS {
        let mut records: Vec<Vec<u8>> =
            (0..EVENTS / EVENTS_PER_RECORD).map(|_| Vec::with_capacity(64_000)).collect();
        let started = Instant::now();
        for (events, record) in events.chunks(EVENTS_PER_RECORD).zip(&mut records) {
            encoder.encode_record(Sequence(1), events, record);
        }
        let written = started.elapsed();
        let started = Instant::now();
        for record in &records {
            for_each(record, |sequence, event| {
                black_box((sequence, &event));
            })
            .unwrap();
        }
        let read = started.elapsed();
        let bytes: usize = records.iter().map(Vec::len).sum();
        if round + 1 == ROUNDS {
            let each = |total: u128| total / EVENTS as u128;
            println!(
                "{name}: {} ns written, {} ns read, {} bytes each",
                each(written.as_nanos()),
                each(read.as_nanos()),
                bytes / EVENTS
            );
        }
    }
}

/// A sold-out event of a million orders of one ticket each, every subject and key fresh.
fn sold_out() -> Image {
    const ORDERS: usize = 1_000_000;
    let words = |each: usize| (0..(each * ORDERS) as u64).collect::<Vec<u64>>();
    let halves = |each: usize| (0..u32::try_from(each * ORDERS).unwrap()).collect::<Vec<u32>>();
    Image {
        subjects: words(2),
        subject_units: halves(1),
        orders: halves(5),
        tickets: words(1),
        keys_settled: words(2),
        keys_recent: words(2),
        ..Inventory::new(EventId(1)).export()
    }
}

fn measure_snapshot() {
    let image = sold_out();
    for round in 0..ROUNDS {
        let started = Instant::now();
        let bytes: Arc<[u8]> = encode_snapshot(&image, Chain::default()).into();
        let written = started.elapsed();
        let started = Instant::now();
        let read = decode_snapshot(bytes.clone()).unwrap();
        let elapsed = started.elapsed();
        assert!(read.image == image, "the snapshot came back changed");
        if round + 1 == ROUNDS {
            println!(
                "snapshot of a million orders: {} ms written, {} ms read, {} MB",
                written.as_millis(),
                elapsed.as_millis(),
                bytes.len() / 1_000_000
            );
        }
    }
}

fn main() {
    measure("hold of one standing unit", &[]);
    measure("hold of four seats", &[20_001, 20_002, 20_003, 20_004]);
    measure_snapshot();
}
