//! Bytes that protocol version 1 sends: every later binary must read them and, while it speaks version 1, send the same.
//!
//! A missing file is written by `TESSERA_WRITE_GOLDEN=1`; one that exists is never rewritten.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use prost::Message;
use tessera_actors::Told;
use tessera_cluster::NodeId;

use super::{answer_bytes, examples, text};
use crate::hello;
use crate::wire::{AnswerFrame, AskFrame, decode_answer, decode_ask, encode_ask, put_answer, put_ask};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn bytes(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// The golden bytes in this file, one message a line, which today's must equal.
fn golden(name: &str, messages: &[(&str, Vec<u8>)]) -> Vec<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/v1").join(format!("{name}.txt"));
    if !path.exists() && std::env::var_os("TESSERA_WRITE_GOLDEN").is_some() {
        let lines: String = messages.iter().map(|(name, bytes)| format!("{name} {}\n", hex(bytes))).collect();
        fs::write(&path, lines).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(golden.lines().count(), messages.len(), "{name}: one line a message");
    let lines = golden.lines().zip(messages);
    lines
        .map(|(line, (name, today))| {
            let (golden_name, digits) = line.split_once(' ').unwrap();
            assert_eq!(golden_name, *name);
            assert_eq!(hex(today), digits, "{name} is no longer sent as version 1 did");
            bytes(digits)
        })
        .collect()
}

#[test]
fn asks_are_sent_and_read_as_version_1_did() {
    let asks = examples::asks();
    let messages: Vec<_> = asks.iter().map(|(name, ask)| (*name, encode_ask(ask))).collect();
    for (bytes, (name, ask)) in golden("asks", &messages).into_iter().zip(&asks) {
        let read = decode_ask(bytes.into(), ask.give_up).unwrap();
        assert_eq!(text(&read), text(ask), "{name} is no longer read as version 1 meant it");
    }
}

#[test]
fn answers_are_sent_and_read_as_version_1_did() {
    let answers = examples::answers();
    let messages: Vec<_> =
        answers.iter().map(|(name, answer)| (*name, answer_bytes(answer).to_vec())).collect();
    for (bytes, (name, answer)) in golden("answers", &messages).into_iter().zip(&answers) {
        let read = decode_answer(bytes.into()).unwrap();
        assert_eq!(text(&read), text(answer), "{name} is no longer read as version 1 meant it");
    }
}

#[test]
fn frames_are_sent_as_version_1_did() {
    let hello = Some(hello::ours(u128::MAX - 1, NodeId(0x0123_4567_89ab_cdef_0011_2233_4455_6677)));
    let mut asks =
        AskFrame { told: vec![Told::Given(examples::EVENT).into()], ..AskFrame::default() }.encode_to_vec();
    put_ask(300, 1_500_000, vec![1, 2, 3], &mut asks);
    let mut answers = AnswerFrame { goodbye: true, ..AnswerFrame::default() }.encode_to_vec();
    put_answer(300, vec![4, 5], &mut answers);
    let messages = [
        ("hello_of_asks", AskFrame { hello, ..AskFrame::default() }.encode_to_vec()),
        ("hello_of_answers", AnswerFrame { hello, ..AnswerFrame::default() }.encode_to_vec()),
        ("asks", asks),
        ("answers", answers),
    ];
    golden("frames", &messages);
}
