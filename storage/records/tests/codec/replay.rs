//! Replay refuses a log that is not the one that was written.

use std::sync::Arc;

use tessera_inventory::*;
use tessera_records::{RecordError, Replay, ReplayError, decode_snapshot, encode_record, encode_snapshot};
use tessera_writer::{Chain, ReplayRecord};

use crate::examples;

const EVENT: EventId = EventId(3);

struct Written {
    first: Sequence,
    last: Sequence,
    epoch: Epoch,
    chain: Chain,
    bytes: Vec<u8>,
}

impl Written {
    fn record(&self) -> ReplayRecord<'_> {
        ReplayRecord {
            first_sequence: self.first,
            last_sequence: self.last,
            epoch: self.epoch,
            chain: self.chain,
            bytes: &self.bytes,
        }
    }
}

fn phase(to: Phase) -> Event {
    examples::event(EventBody::PhaseChanged { to })
}

fn config() -> Event {
    let config = Arc::new(Config { rows: Arc::default(), channels: Vec::new(), ..examples::config() });
    examples::event(EventBody::Configured { version: 1, config })
}

/// Three records of four events.
fn log() -> Vec<Written> {
    let turns =
        [vec![config()], vec![phase(Phase::Scheduled), phase(Phase::OnSale)], vec![phase(Phase::Paused)]];
    let (mut first, mut chain, mut written) = (Sequence(1), Chain::default(), Vec::new());
    for (turn, epoch) in turns.iter().zip([1, 1, 2]) {
        let mut bytes = Vec::new();
        encode_record(first, turn, &mut bytes);
        chain = chain.extend(&bytes);
        let last = Sequence(first.0 + turn.len() as u64 - 1);
        written.push(Written { first, last, epoch: Epoch(epoch), chain, bytes });
        first = last.plus(1);
    }
    written
}

/// The error of the first record after `damage` was done to it, as its own log.
fn refused(damage: impl FnOnce(&mut Written)) -> ReplayError {
    let mut written = log().swap_remove(0);
    damage(&mut written);
    let mut replay = Replay::from_genesis(EVENT);
    let error = replay.apply(&written.record()).unwrap_err();
    assert_eq!(replay.sequence(), Sequence::ZERO);
    assert_eq!(replay.chain(), Chain::default());
    error
}

#[test]
fn a_gap_is_refused() {
    let mut replay = Replay::from_genesis(EVENT);
    let error = replay.apply(&log()[1].record()).unwrap_err();
    assert_eq!(error, ReplayError::Gap { after: Sequence(0), found: Sequence(2) });
}

#[test]
fn a_changed_byte_breaks_the_chain() {
    let error = refused(|written| written.bytes[40] ^= 1);
    assert_eq!(error, ReplayError::ChainBroken { first: Sequence(1), last: Sequence(1) });
}

#[test]
fn scenario_28_a_record_for_newer_readers_stops_the_replay() {
    let error = refused(|written| {
        (written.bytes[3], written.bytes[5]) = (9, 9);
        written.chain = Chain::default().extend(&written.bytes);
    });
    let ReplayError::Record { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source, RecordError::TooNew { needed: 9, supported: tessera_writer::FORMAT_VERSION });
}

#[test]
fn a_record_of_other_sequences_than_the_store_says_is_refused() {
    let error = refused(|written| written.last = Sequence(2));
    let (first, last) = (Sequence(1), Sequence(2));
    assert_eq!(error, ReplayError::OtherSequences { first, last, found: first, count: 1 });
}

#[test]
fn a_log_replays_to_its_state_from_the_beginning_and_from_a_snapshot() {
    let log = log();
    let mut whole = Replay::from_genesis(EVENT);
    let mut snapshot = Vec::new();
    for written in &log {
        whole.apply(&written.record()).unwrap();
        if snapshot.is_empty() {
            snapshot = encode_snapshot(&whole.inventory().export(), whole.chain());
        }
    }
    assert_eq!(whole.sequence(), Sequence(4));
    assert_eq!(whole.inventory().sequence(), Sequence(4));
    assert_eq!(whole.inventory().availability().phase, Phase::Paused);
    let mut rest = Replay::from_snapshot(decode_snapshot(snapshot.into()).unwrap()).unwrap();
    for written in &log[1..] {
        rest.apply(&written.record()).unwrap();
    }
    assert_eq!(rest.chain(), whole.chain());
    assert_eq!(rest.inventory().digest(), whole.inventory().digest());
}

#[test]
fn every_event_is_shown_beside_the_state_that_it_is_applied_to() {
    let mut replay = Replay::from_genesis(EVENT);
    let mut seen = Vec::new();
    for written in log() {
        let see = |state: &Inventory, event: &Event| seen.push((state.sequence(), event.clone()));
        replay.apply_seen(&written.record(), see).unwrap();
    }
    let events = [config(), phase(Phase::Scheduled), phase(Phase::OnSale), phase(Phase::Paused)];
    let sequences = (0..).map(Sequence);
    assert_eq!(seen, sequences.zip(events).collect::<Vec<_>>());
    let mut written = log().swap_remove(0);
    written.bytes[40] ^= 1;
    let mut shown = 0;
    let refused = Replay::from_genesis(EVENT).apply_seen(&written.record(), |_, _| shown += 1);
    assert!(refused.is_err() && shown == 0, "what is not verified is not shown");
}

#[test]
fn an_epoch_that_goes_back_is_refused() {
    let mut log = log();
    log[1].epoch = Epoch(0);
    let mut replay = Replay::from_genesis(EVENT);
    replay.apply(&log[0].record()).unwrap();
    let error = replay.apply(&log[1].record()).unwrap_err();
    assert_eq!(error, ReplayError::EpochWentBack { first: Sequence(2), after: Epoch(1), found: Epoch(0) });
}
