//! The two ways to write and to read a placed hold, against each other.

use proptest::{collection::vec, option, prelude::*};
use prost::Message;
use tessera_inventory::{
    ChannelId, Event, EventBody, HoldPlaced, KeyMark, Line, Origin, SeatIndex, Subject, Subjects, TermsId,
    TicketTypeId, Timestamp,
};

use super::{put_event, read_event};
use crate::{
    RecordError,
    framing::{BODY_TAG, put_field, split_field},
    from_wire, to_wire, wire,
};

const BEFORE: Timestamp = Timestamp(1_790_000_000_000);

/// Values of every length, 0 often.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..300_u64, (any::<u64>(), 0..64_u32).prop_map(|(value, by)| value >> by)]
}

fn small() -> impl Strategy<Value = u16> {
    prop_oneof![Just(0), 1..200_u16, any::<u16>()]
}

fn wide() -> impl Strategy<Value = u128> {
    (word(), word()).prop_map(|(high, low)| (u128::from(high) << 64) | u128::from(low))
}

fn line() -> impl Strategy<Value = Line> {
    let seats = prop_oneof![
        Just(Vec::new()),
        vec((0..100_000_u32).prop_map(SeatIndex), 1..60),
        vec(any::<u32>().prop_map(SeatIndex), 1..5),
    ];
    (small(), small(), small(), word(), seats).prop_map(|(ticket_type, terms, quantity, price, seats)| Line {
        ticket_type: TicketTypeId(ticket_type),
        terms: TermsId(terms),
        quantity,
        price_minor: price.cast_signed(),
        seats,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let key = option::of((wide(), word()).prop_map(|(digest, fingerprint)| KeyMark { digest, fingerprint }));
    let origin = prop_oneof![Just(Origin::Direct), Just(Origin::Offer)];
    let hold = (wide(), word(), word(), option::of(any::<u8>()), origin, vec(line(), 0..4));
    (word(), key, hold).prop_map(|(later, key, (subject, deadline, life, channel, origin, lines))| {
        let at = Timestamp(BEFORE.0.wrapping_add(later));
        let placed = HoldPlaced {
            subjects: Subjects { primary: Subject(subject), extra: Vec::new() },
            deadline_at: Timestamp(at.0.wrapping_add(deadline)),
            life_ends_at: Timestamp(at.0.wrapping_add(deadline).wrapping_sub(life)),
            channel: channel.map(ChannelId),
            origin,
            lines,
            quote: None,
            entry: None,
        };
        Event { at, key, body: EventBody::HoldPlaced(placed) }
    })
}

fn by_hand(event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(put_event(event, BEFORE, &mut out));
    out
}

fn by_message(event: &Event) -> Vec<u8> {
    let mut message = wire::Event::default();
    to_wire::put_event(&mut message, event, BEFORE);
    let mut out = Vec::new();
    put_field(BODY_TAG, &message, &mut out);
    out
}

fn read_by_message(bytes: &[u8]) -> Result<Event, RecordError> {
    from_wire::event(wire::Event::decode(bytes)?, BEFORE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_write_the_same_bytes_and_read_them_back(event in event()) {
        let bytes = by_hand(&event);
        prop_assert_eq!(&bytes, &by_message(&event));
        let (message, rest) = split_field(BODY_TAG, &bytes).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(read_event(message, BEFORE), Some(event.clone()));
        prop_assert_eq!(read_by_message(message), Ok(event));
    }

    #[test]
    fn what_is_read_by_hand_of_damaged_bytes_is_what_the_messages_say(
        event in event(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let bytes = by_hand(&event);
        let mut message = split_field(BODY_TAG, &bytes).unwrap().0.to_vec();
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        if let Some(read) = read_event(&message, BEFORE) {
            prop_assert_eq!(read_by_message(&message), Ok(read));
        }
    }

    #[test]
    fn what_is_read_by_hand_of_any_bytes_is_what_the_messages_say(
        bytes in vec(prop_oneof![0..0x43_u8, any::<u8>()], 0..60)
    ) {
        if let Some(read) = read_event(&bytes, BEFORE) {
            prop_assert_eq!(read_by_message(&bytes), Ok(read));
        }
    }
}
