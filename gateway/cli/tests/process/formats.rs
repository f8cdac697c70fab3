//! Releases of different formats on one data directory: what must be refused is refused whole, and what may be read is handed over both
//! ways. A newer release is played by this test, which writes through the store what such a writer would write: the head and the header of its
//! records say so, and headers and events have a field that this binary does not know.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::json;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{
    Authority, Command, CommandBody, Decision, Epoch, Event, EventId, LineRequest, PlaceHold, Sequence,
    Subject, Subjects, TicketTypeId, Want,
};
use tessera_records::{Replay, encode_record};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord};
use tessera_writer::{BatchId, FORMAT_VERSION, Format, Head, ReplayRecord};

use crate::installation::{HOLDS, Installation, digest, hold, id, text, verify_whole};
use crate::server::{Sale, Server, free_port, get, run, tessera};

/// The next release, which this binary may read.
const NEXT_MINOR: Format = Format { version: FORMAT_VERSION + 1, minimum_reader: FORMAT_VERSION };
/// One after it, which this binary may not read.
const NEXT_MAJOR: Format = Format { version: FORMAT_VERSION + 1, minimum_reader: FORMAT_VERSION + 1 };
/// Field 127 of a message, a number: no release so far has it.
const UNKNOWN_FIELD: [u8; 3] = [0xf8, 0x07, 0x01];

fn open(data: &Path) -> EmbeddedStore {
    EmbeddedStore::open(data, &Options::default()).unwrap()
}

fn append(store: &EmbeddedStore, event: EventId, next: Head, record: Vec<u8>) {
    let expected = block_on(store.head(event)).unwrap();
    let outcome = block_on(store.append(event, expected, Batch { next, record: record.into() }));
    assert_eq!(outcome, AppendOutcome::Committed);
}

/// What a new owner of this format writes first.
fn claim(store: &EmbeddedStore, event: EventId, format: Format) -> Head {
    let head = block_on(store.head(event)).unwrap();
    let next = Head { format, epoch: Epoch(head.epoch.0 + 1), batch_id: BatchId(0x57), ..head };
    append(store, event, next, Vec::new());
    next
}

/// A record as a release of this format writes it.
fn newer(record: &[u8], format: Format) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), record);
    while let Some((&tag, after)) = rest.split_first() {
        let (length, after) = varint(after);
        let (message, after) = after.split_at(length);
        let mut message = message.to_vec();
        if rest.len() == record.len() {
            // The header begins with its two versions.
            assert_eq!((message[0], message[2]), (0x08, 0x10));
            message[1] = u8::try_from(format.version).unwrap();
            message[3] = u8::try_from(format.minimum_reader).unwrap();
        }
        message.extend(UNKNOWN_FIELD);
        out.push(tag);
        let mut left = message.len();
        while left >= 0x80 {
            out.push(0x80 | u8::try_from(left & 0x7f).unwrap());
            left >>= 7;
        }
        out.push(u8::try_from(left).unwrap());
        out.extend(message);
        rest = after;
    }
    out
}

fn varint(bytes: &[u8]) -> (usize, &[u8]) {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let value = bytes[..end].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    (value, &bytes[end..])
}

fn replayed(store: &EmbeddedStore, event: EventId) -> Replay {
    let mut replay = Replay::from_genesis(event);
    for LogRecord { first_sequence, last_sequence, epoch, chain, bytes } in
        block_on(store.read(event, Sequence::ZERO, usize::MAX)).unwrap()
    {
        replay.apply(&ReplayRecord { first_sequence, last_sequence, epoch, chain, bytes: &bytes }).unwrap();
    }
    replay
}

/// A hold that a newer release places.
fn place_as_newer(store: &EmbeddedStore, event: EventId, format: Format) {
    let head = claim(store, event, Format { minimum_reader: FORMAT_VERSION, ..format });
    let mut inventory = replayed(store, event).into_inventory();
    let buyer = Subject(0x57);
    let line = LineRequest {
        ticket_type: Some(TicketTypeId(0)),
        expected_price_minor: None,
        want: Want::Quantity(2),
    };
    let place = PlaceHold {
        subjects: Subjects { primary: buyer, extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    };
    let body = CommandBody::PlaceHold(place);
    let at = inventory.logged_at();
    let placed = inventory.decide(at, &Command { authority: Authority::Subject(buyer), key: None, body });
    let Ok(Decision::Accepted(body)) = placed else { panic!("{placed:?}") };
    let (sequence, mut record) = (head.sequence.plus(1), Vec::new());
    encode_record(sequence, &[Event { at, key: None, body }], &mut record);
    let record = newer(&record, format);
    let next = Head { sequence, batch_id: BatchId(0x58), chain: head.chain.extend(&record), ..head };
    append(store, event, next, record);
}

/// The bytes of every file that holds what was written.
fn journal(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The head says that nobody of this format may read on: not even the records before it are served, and nothing is changed.
#[tokio::test]
async fn scenario_28_a_head_of_a_newer_format_is_refused_whole() {
    let sold = Installation::sold().await;
    claim(&open(&sold.data), id(&sold.sales[1]), NEXT_MAJOR);
    let before = journal(&sold.data);
    let refused = |command: &[&str]| {
        let output = tessera().args(command).arg("--data").arg(&sold.data).output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{command:?}: {said}");
        assert!(said.contains("needs a reader of format 3 or newer"), "{command:?}: {said}");
    };
    refused(&["serve", "--listen", "127.0.0.1:0"]);
    refused(&["inspect", "verify"]);
    refused(&["repair"]);
    refused(&["export", "--out", sold.beside("out").to_str().unwrap()]);
    assert_eq!(journal(&sold.data), before, "nothing was written by those who may not read");
}

/// A record says so, whatever the head says: nothing of it is applied, its event is not served, and the others are.
#[tokio::test]
async fn scenario_28_a_record_of_a_newer_format_sets_its_event_aside() {
    let sold = Installation::sold().await;
    let newer = &sold.sales[1];
    place_as_newer(&open(&sold.data), id(newer), NEXT_MAJOR);
    let head = block_on(open(&sold.data).head(id(newer))).unwrap();

    let port = free_port();
    let server = Server::start(&sold.data, port).await;
    let (status, refused) = hold(port, newer).await;
    assert_eq!((status, &refused["code"]), (503, &json!("not_executed")), "{refused}");
    assert_eq!(hold(port, &sold.sales[0]).await.0, 201, "the others sell");
    assert!(server.terminate().success());

    let verified = run(&["inspect", "--data", sold.data.to_str().unwrap(), "verify"]);
    let said = text(&verified.stdout);
    assert_eq!(verified.status.code(), Some(4), "{said}");
    assert!(said.contains(&format!("{}  NOT SOUND", newer.event)), "{said}");
    assert_eq!(said.matches("sound:").count(), 2, "{said}");
    let now = block_on(open(&sold.data).head(id(newer))).unwrap();
    assert_eq!((now.sequence, now.chain), (head.sequence, head.chain), "nothing was decided on it");
}

/// A newer release of the same generation hands over to this one, and takes over from it: each reads what the other has decided.
#[tokio::test]
async fn scenario_57_hand_over_goes_both_ways_within_one_version() {
    let sold = Installation::sold().await;
    let sale = &sold.sales[0];
    let event = id(sale);
    for round in 1..=2_u64 {
        place_as_newer(&open(&sold.data), event, NEXT_MINOR);
        let written = block_on(open(&sold.data).head(event)).unwrap();
        assert_eq!(written.format, NEXT_MINOR);

        let port = free_port();
        let server = Server::start(&sold.data, port).await;
        let held = held(port, sale).await;
        assert_eq!(held, HOLDS as u64 + 2 * round + (round - 1), "what the newer one has decided holds");
        if round == 1 {
            let (status, document) = hold(port, sale).await;
            assert_eq!(status, 201, "{document}");
        }
        assert!(server.terminate().success());

        let head = block_on(open(&sold.data).head(event)).unwrap();
        assert!(head.epoch > written.epoch, "the newer one is fenced by the older one");
        assert_eq!(head.format.minimum_reader, NEXT_MINOR.minimum_reader);
        verify_whole(&sold.data);
    }
    // Seen from the newer one: what this binary wrote in between is in its log, once.
    let state = replayed(&open(&sold.data), event);
    assert_eq!(state.inventory().availability().live_holds as usize, HOLDS + 3);
    assert!(digest(&sold.data, &sale.event).contains(&format!("{:032x}", state.inventory().digest().0)));
}

async fn held(port: u16, sale: &Sale) -> u64 {
    let availability = get(port, &sale.path("/availability"), &sale.key).await;
    availability["pools"][0]["held"].as_u64().unwrap()
}

/// What the release before left behind is served by this one, which hands it back with nothing decided otherwise.
#[tokio::test]
async fn scenario_57_the_directory_of_an_older_release_is_taken_over() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v1");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for line in fs::read_to_string(golden.join("files.txt")).unwrap().lines() {
        let (name, length) = line.split_once(' ').unwrap();
        let path = data.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(golden.join("data").join(name), &path).unwrap();
        File::options().write(true).open(path).unwrap().set_len(length.parse().unwrap()).unwrap();
    }
    let server = Server::start(&data, free_port()).await;
    assert!(server.terminate().success());
    verify_whole(&data);
    let store = Arc::new(open(&data));
    for line in fs::read_to_string(golden.join("events.txt")).unwrap().lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let event = EventId(u128::from_str_radix(fields[0], 16).unwrap());
        // Holds of then have expired meanwhile: the log of then is the beginning of the log of now.
        let records = block_on(store.read(event, Sequence::ZERO, usize::MAX)).unwrap();
        let then = records.iter().find(|record| record.last_sequence.0.to_string() == fields[1]).unwrap();
        let chain: String = then.chain.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(chain, fields[2]);
        assert_eq!(replayed(&store, event).inventory().check(), Ok(()));
    }
}
