//! What is written is read back, whatever it is.

use std::sync::Arc;

use proptest::prelude::*;
use tessera_inventory::*;
use tessera_records::{RecordEncoder, decode_record, encode_record, for_each};

use crate::{examples, strategies};

proptest! {
    #[test]
    fn arbitrary_events_come_back(
        first in 1..u64::MAX / 2,
        events in proptest::collection::vec(strategies::event(), 0..20),
    ) {
        let mut bytes = Vec::new();
        encode_record(Sequence(first), &events, &mut bytes);
        let record = decode_record(&bytes).unwrap();
        prop_assert_eq!(record.first_sequence, Sequence(first));
        prop_assert_eq!(record.events, events);
    }

    #[test]
    fn an_encoder_that_is_used_again_writes_the_same(
        records in proptest::collection::vec(proptest::collection::vec(strategies::event(), 0..5), 1..5),
    ) {
        let mut encoder = RecordEncoder::default();
        for events in records {
            let (mut again, mut fresh) = (Vec::new(), Vec::new());
            encoder.encode_record(Sequence(9), &events, &mut again);
            encode_record(Sequence(9), &events, &mut fresh);
            prop_assert_eq!(again, fresh);
        }
    }
}

#[test]
fn events_stream_with_their_sequences() {
    let events: Vec<Event> = examples::all().into_iter().map(|(_, event)| event).collect();
    let mut bytes = Vec::new();
    encode_record(Sequence(100), &events, &mut bytes);
    let mut sequences = Vec::new();
    for_each(&bytes, |sequence, event| {
        assert_eq!(event, events[sequences.len()]);
        sequences.push(sequence.0);
    })
    .unwrap();
    assert_eq!(sequences, (100..100 + events.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_placed_hold_of_one_standing_unit_takes_at_most_90_bytes() {
    let placed = examples::event(EventBody::HoldPlaced(examples::hold(vec![examples::standing_line()])));
    let size = |events: &[Event]| {
        let mut bytes = Vec::new();
        encode_record(Sequence(1_000_000), events, &mut bytes);
        bytes.len()
    };
    let each = size(&[placed.clone(), placed.clone()]) - size(&[placed]);
    assert!(each <= 90, "{each} bytes");
}

#[test]
fn a_hall_of_100_000_seats_takes_less_than_a_megabyte_and_comes_back() {
    let block = |row: i32, block: i32| {
        (0..20).map(move |place| {
            let number = block * 20 + place + 1;
            let mut label = [0; SEAT_LABEL_BYTES_MAX];
            let text = number.to_string();
            label[..text.len()].copy_from_slice(text.as_bytes());
            Seat {
                label,
                category: CategoryId((row / 200) as u16),
                channel: (row % 50 == 0).then_some(ChannelId(1)),
                position: Point { x_mm: number * 520 - 26_000, y_mm: row * 850 },
                accessible: place == 0 && row % 10 == 0,
                companion: place == 1 && row % 10 == 0,
                restricted_view: false,
            }
        })
    };
    let rows: Arc<[Row]> = (0..1_000)
        .map(|row| Row {
            section: SectionId((row / 25) as u16),
            label: (row % 25 + 1).to_string().into(),
            blocks: (0..5).map(|of_row| block(row, of_row).collect()).collect(),
        })
        .collect();
    let config = Arc::new(Config { rows, ..examples::config() });
    let events = [examples::event(EventBody::Configured { version: 1, config })];
    let mut bytes = Vec::new();
    encode_record(Sequence(1), &events, &mut bytes);
    assert!(bytes.len() < 1_000_000, "{} bytes", bytes.len());
    assert_eq!(decode_record(&bytes).unwrap().events, events);
}
