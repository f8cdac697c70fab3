mod examples;
mod golden;
mod inventory;

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use tessera_actors::{Forwarded, ForwardedAsk, Told};
use tessera_cluster::NodeId;
use tessera_money::Lane;
use tessera_projections::webhooks::EndpointId;
use tessera_records::{RecordEncoder, RecordError};

use super::words::Word;
use super::{
    AnswerFrame, AskFrame, decode_answer, decode_ask, encode_answer, encode_ask, put_answer, put_ask,
};

fn answer_bytes(forwarded: &Forwarded) -> Bytes {
    encode_answer(forwarded, &mut RecordEncoder::default()).into()
}

/// Asks and answers have no equality of their own; what they print has everything in it.
fn text(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

#[test]
fn every_ask_comes_out_as_it_went_in() {
    for (name, ask) in examples::asks() {
        let read = decode_ask(encode_ask(&ask).into(), ask.give_up).unwrap();
        assert_eq!(text(&read), text(&ask), "{name}");
    }
}

#[test]
fn every_answer_comes_out_as_it_went_in() {
    for (name, forwarded) in examples::answers() {
        let read = decode_answer(answer_bytes(&forwarded)).unwrap();
        assert_eq!(text(&read), text(&forwarded), "{name}");
    }
}

fn words<W: Word + PartialEq + std::fmt::Debug>() {
    for value in W::ALL {
        assert_ne!(value.word(), 0, "{value:?}");
        assert_eq!(W::of_word(value.word()).unwrap(), *value);
    }
    let numbers: std::collections::BTreeSet<u32> = W::ALL.iter().map(|value| value.word()).collect();
    assert_eq!(numbers.len(), W::ALL.len(), "two values have one number");
    assert!(W::of_word(0).is_err() && W::of_word(1_000).is_err());
}

#[test]
fn every_word_has_a_number_of_its_own() {
    words::<tessera_inventory::Phase>();
    words::<tessera_inventory::PhaseCommand>();
    words::<tessera_inventory::ClaimState>();
    words::<tessera_inventory::Origin>();
    words::<tessera_inventory::PaymentKind>();
    words::<tessera_inventory::RefundedUnits>();
    words::<tessera_inventory::RequestError>();
    words::<tessera_actors::NotExecuted>();
}

#[test]
fn a_frame_keeps_numbers_times_and_bytes_together() {
    let told = [
        Told::Given(examples::EVENT),
        Told::Move { event: examples::EVENT, to: NodeId(u128::MAX - 3) },
        Told::Webhooks(EndpointId { organizer: 1 << 100, endpoint: 7 }),
        Told::Drain,
        Told::Payments(Lane::numbered(15).unwrap()),
    ];
    let mut frame = AskFrame { told: told.map(Into::into).to_vec(), ..AskFrame::default() }.encode_to_vec();
    put_ask(7, 1_500, vec![1, 2], &mut frame);
    put_ask(9, 0, Vec::new(), &mut frame);
    let read = AskFrame::decode(frame.as_slice()).unwrap();
    assert_eq!(read.told.iter().filter_map(|tiding| tiding.told()).collect::<Vec<_>>(), told);
    let asks: Vec<_> = read.asks.iter().map(|ask| (ask.number, ask.give_up_us, ask.ask.to_vec())).collect();
    assert_eq!(asks, [(7, 1_500, vec![1, 2]), (9, 0, vec![])]);

    let mut frame = Vec::new();
    put_answer(9, vec![3], &mut frame);
    frame.extend(AnswerFrame { goodbye: true, ..AnswerFrame::default() }.encode_to_vec());
    let read = AnswerFrame::decode(frame.as_slice()).unwrap();
    assert!(read.goodbye && read.hello.is_none());
    assert_eq!((read.answers[0].number, read.answers[0].answer.as_ref()), (9, [3].as_slice()));
}

/// A field that no release has: number 200, a number of one byte.
const FIELD_OF_A_NEWER_NODE: [u8; 3] = [0xc0, 0x0c, 0x01];

#[test]
fn an_ask_that_says_more_than_this_binary_knows_is_not_read() {
    for (name, ask) in examples::asks() {
        let mut bytes = encode_ask(&ask);
        bytes.extend(FIELD_OF_A_NEWER_NODE);
        let refused = decode_ask(bytes.into(), ask.give_up);
        assert!(matches!(refused, Err(RecordError::Malformed { .. })), "{name}");
    }
    // A kind of ask that it does not know: field 7 of the message.
    let mut bytes = encode_ask(&examples::asks()[0].1);
    bytes.truncate(18);
    bytes.extend([0x38, 0x01]);
    assert!(decode_ask(bytes.into(), Duration::ZERO).is_err());
}

#[test]
fn an_answer_that_says_more_than_this_binary_knows_is_not_read() {
    for (name, forwarded) in examples::answers() {
        let mut bytes = answer_bytes(&forwarded).to_vec();
        bytes.extend(FIELD_OF_A_NEWER_NODE);
        assert!(decode_answer(bytes.into()).is_err(), "{name}");
    }
    // An answer of a kind that it does not know, and none at all.
    assert!(decode_answer(Bytes::from_static(&[0xa2, 0x01, 0x00])).is_err());
    assert!(decode_answer(Bytes::new()).is_err());
}

/// One byte changed, or the end cut off.
fn damage(mut bytes: Vec<u8>, at: usize, byte: u8, cut: bool) -> Bytes {
    if !bytes.is_empty() {
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
    }
    bytes.into()
}

proptest! {
    #[test]
    fn damaged_bytes_are_read_or_refused_and_nothing_panics(
        at in any::<usize>(), byte in any::<u8>(), cut in any::<bool>(), which in any::<prop::sample::Index>()
    ) {
        let asks = examples::asks();
        let ask: &ForwardedAsk = &which.get(&asks).1;
        let _ = decode_ask(damage(encode_ask(ask), at, byte, cut), ask.give_up);
        let answers = examples::answers();
        let _ = decode_answer(damage(answer_bytes(&which.get(&answers).1).to_vec(), at, byte, cut));
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        let _ = decode_ask(bytes.clone(), Duration::ZERO);
        let _ = decode_answer(bytes.clone());
        let _ = AskFrame::decode(bytes.clone());
        let _ = AnswerFrame::decode(bytes);
    }
}
