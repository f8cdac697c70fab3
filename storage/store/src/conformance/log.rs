//! Cases of [`Log`].

use std::future::Future;
use std::sync::Arc;

use futures::future::join_all;
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::{BatchId, Chain, Head};

use crate::{AppendOutcome, Batch, LOG_RECORD_BYTES_MAX, Log, LogRecord};

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0001);
/// How often an append of unknown outcome is submitted again.
const RESUBMISSIONS_MAX: u32 = 20;
const OTHER: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0002);

/// Every case.
pub async fn all<S: Log, F: Fn() -> R, R: Future<Output = S>>(open: &F) {
    compare_and_swap(&open().await).await;
    resubmission_answers_committed(&open().await).await;
    head_only_appends(&open().await).await;
    two_appends_in_one_batch(&open().await).await;
    racing_claims(&open().await).await;
    records_in_order_without_gaps(&open().await).await;
    large_records(&open().await).await;
    too_large_a_record_is_refused(&open().await).await;
    events_are_isolated(&open().await).await;
    a_dropped_future_does_not_cancel(&open().await).await;
    trimmed_records_stay_readable(&open().await).await;
}

/// The batch that appends `events` events as `record` after `expected`.
#[must_use]
pub fn batch(expected: Head, id: u128, events: u64, record: &[u8]) -> Batch {
    let next = Head {
        epoch: Epoch(expected.epoch.0.max(1)),
        sequence: expected.sequence.plus(events),
        batch_id: BatchId(id),
        chain: expected.chain.extend(record),
        ..expected
    };
    Batch { next, record: Arc::from(record) }
}

/// Submit an append at once; then, while its outcome is unknown, the same bytes again, as a writer does. A healthy store may answer so.
fn settled(
    log: &impl Log,
    event: EventId,
    expected: Head,
    batch: Batch,
) -> impl Future<Output = AppendOutcome> {
    let first = log.append(event, expected, batch.clone());
    async move {
        let mut outcome = first.await;
        for _ in 0..RESUBMISSIONS_MAX {
            if !matches!(outcome, AppendOutcome::Unknown { .. }) {
                break;
            }
            outcome = log.append(event, expected, batch.clone()).await;
        }
        outcome
    }
}

async fn commit(log: &impl Log, event: EventId, expected: Head, batch: Batch) -> Head {
    let next = batch.next;
    assert_eq!(settled(log, event, expected, batch).await, AppendOutcome::Committed);
    next
}

/// Read the whole log in pieces and check that it continues from genesis to the head without a gap.
pub async fn read_whole(log: &impl Log, event: EventId, limit_bytes: usize) -> Vec<LogRecord> {
    let mut records: Vec<LogRecord> = Vec::new();
    let mut chain = Chain::default();
    loop {
        let after = records.last().map_or(Sequence::ZERO, |record| record.last_sequence);
        let more = log.read(event, after, limit_bytes).await.expect("a healthy log is readable");
        if more.is_empty() {
            break;
        }
        for record in &more {
            let after = records.last().map_or(Sequence::ZERO, |record| record.last_sequence);
            assert_eq!(record.first_sequence, after.plus(1), "records continue without a gap");
            assert!(record.last_sequence >= record.first_sequence);
            chain = chain.extend(&record.bytes);
            assert_eq!(record.chain, chain, "the chain continues");
            records.push(record.clone());
        }
    }
    let head = log.head(event).await.expect("a healthy log has a head");
    assert_eq!(records.last().map_or(Sequence::ZERO, |record| record.last_sequence), head.sequence);
    assert_eq!(chain, head.chain);
    records
}

/// Only an append that expects the present head is written.
pub async fn compare_and_swap(log: &impl Log) {
    assert_eq!(log.head(EVENT).await, Ok(Head::GENESIS));
    assert_eq!(log.read(EVENT, Sequence::ZERO, 1).await, Ok(Vec::new()));
    let first = commit(log, EVENT, Head::GENESIS, batch(Head::GENESIS, 1, 2, b"first")).await;
    assert_eq!(log.head(EVENT).await, Ok(first));

    let late = batch(Head::GENESIS, 2, 1, b"late");
    let fenced = AppendOutcome::Fenced { found: first };
    assert_eq!(settled(log, EVENT, Head::GENESIS, late.clone()).await, fenced);
    let other_epoch = Head { epoch: Epoch(9), ..first };
    let other_batch = Head { batch_id: BatchId(9), ..first };
    let other_chain = Head { chain: Chain([9; 32]), ..first };
    for wrong in [other_epoch, other_batch, other_chain] {
        assert_eq!(settled(log, EVENT, wrong, batch(wrong, 3, 1, b"wrong")).await, fenced);
    }
    assert_eq!(log.head(EVENT).await, Ok(first));
    let records = read_whole(log, EVENT, usize::MAX).await;
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].first_sequence, records[0].last_sequence), (Sequence(1), Sequence(2)));
    assert_eq!((&records[0].bytes[..], records[0].epoch), (&b"first"[..], first.epoch));
}

/// The same bytes again are committed once.
pub async fn resubmission_answers_committed(log: &impl Log) {
    let first = batch(Head::GENESIS, 1, 1, b"first");
    for _ in 0..3 {
        commit(log, EVENT, Head::GENESIS, first.clone()).await;
    }
    let at_once = join_all((0..8).map(|_| {
        let expected = first.next;
        settled(log, EVENT, expected, batch(expected, 2, 1, b"second"))
    }))
    .await;
    assert!(at_once.iter().all(|outcome| *outcome == AppendOutcome::Committed), "{at_once:?}");
    assert_eq!(read_whole(log, EVENT, usize::MAX).await.len(), 2);
    let found = log.head(EVENT).await.expect("a healthy log has a head");
    assert_eq!(
        settled(log, EVENT, Head::GENESIS, first).await,
        AppendOutcome::Fenced { found },
        "a resubmission after somebody else's append is fenced"
    );
}

/// Activation and hand-over move the head without a record.
pub async fn head_only_appends(log: &impl Log) {
    let mut head = Head::GENESIS;
    for epoch in 1..=3 {
        let next = Head { epoch: Epoch(epoch), batch_id: BatchId(u128::from(epoch)), ..head };
        head = commit(log, EVENT, head, Batch { next, record: Arc::from([]) }).await;
        assert_eq!(log.head(EVENT).await, Ok(head));
        head = commit(log, EVENT, head, batch(head, 100 + u128::from(epoch), 1, b"record")).await;
    }
    assert_eq!(read_whole(log, EVENT, usize::MAX).await.len(), 3);
}

/// Two appends to one event that a store may merge into one synced batch: exactly one is committed.
pub async fn two_appends_in_one_batch(log: &impl Log) {
    const ROUNDS: u128 = 100;
    let mut head = Head::GENESIS;
    for round in 0..ROUNDS {
        let left = batch(head, round * 10 + 1, 1, b"left");
        let right = batch(head, round * 10 + 2, 1, b"right");
        // An append to another event first, so that the two wait together behind its sync.
        let other = log.head(OTHER).await.expect("a healthy log has a head");
        let before = settled(log, OTHER, other, batch(other, round + 1, 1, b"before"));
        let pair = [settled(log, EVENT, head, left.clone()), settled(log, EVENT, head, right.clone())];
        let outcomes = join_all(pair).await;
        assert_eq!(before.await, AppendOutcome::Committed);
        let winner = if outcomes[0] == AppendOutcome::Committed { &left } else { &right };
        let fenced = AppendOutcome::Fenced { found: winner.next };
        assert!(
            outcomes == [AppendOutcome::Committed, fenced.clone()]
                || outcomes == [fenced, AppendOutcome::Committed],
            "of two appends in one batch exactly one is committed: {outcomes:?}"
        );
        head = winner.next;
        assert_eq!(log.head(EVENT).await, Ok(head));
    }
    assert_eq!(read_whole(log, EVENT, 50).await.len() as u128, ROUNDS);
}

/// Several activate the event from one head at once: one claim stands, and the others are told of it.
pub async fn racing_claims(log: &impl Log) {
    const CLAIMANTS: u128 = 8;
    let mut head = commit(log, EVENT, Head::GENESIS, batch(Head::GENESIS, 1, 1, b"record")).await;
    for round in 1..=10 {
        let claim = |claimant: u128| {
            let epoch = Epoch(head.epoch.0 + 1);
            let next = Head { epoch, batch_id: BatchId(round * 100 + claimant), ..head };
            Batch { next, record: Arc::from([]) }
        };
        let outcomes =
            join_all((0..CLAIMANTS).map(|claimant| settled(log, EVENT, head, claim(claimant)))).await;
        let found = log.head(EVENT).await.expect("a healthy log has a head");
        let fenced = AppendOutcome::Fenced { found };
        for (outcome, claimant) in outcomes.iter().zip(0..) {
            let expected = if claim(claimant).next == found { &AppendOutcome::Committed } else { &fenced };
            assert_eq!(outcome, expected, "claimant {claimant} of round {round}");
        }
        assert_eq!(found.epoch, Epoch(head.epoch.0 + 1), "one of them has it");
        head = found;
    }
    assert_eq!(read_whole(log, EVENT, usize::MAX).await.len(), 1);
}

/// Records come in order and whole, from any position, within about the limit.
pub async fn records_in_order_without_gaps(log: &impl Log) {
    const RECORDS: u64 = 200;
    let mut head = Head::GENESIS;
    for number in 1..=RECORDS {
        let record = vec![u8::try_from(number).unwrap(); 100];
        head = commit(log, EVENT, head, batch(head, u128::from(number), number % 3 + 1, &record)).await;
    }
    let whole = read_whole(log, EVENT, usize::MAX).await;
    assert_eq!(whole.len() as u64, RECORDS);
    for limit in [0, 1, 99, 100, 101, 1_000, 5_050] {
        assert_eq!(read_whole(log, EVENT, limit).await, whole, "limit {limit}");
        let some = log.read(EVENT, Sequence::ZERO, limit).await.expect("a healthy log is readable");
        let bytes: usize = some.iter().map(|record| record.bytes.len()).sum();
        assert!(!some.is_empty() && bytes <= limit + 100, "limit {limit} gave {bytes}");
    }
    for after in [1, 2, 3, 50, head.sequence.0 - 1] {
        let rest = log.read(EVENT, Sequence(after), usize::MAX).await.expect("a healthy log is readable");
        let from = whole.iter().position(|record| record.last_sequence > Sequence(after));
        assert_eq!(rest, whole[from.unwrap()..], "after {after}");
    }
    assert_eq!(log.read(EVENT, head.sequence, usize::MAX).await, Ok(Vec::new()));
    assert_eq!(log.read(EVENT, head.sequence.plus(9), usize::MAX).await, Ok(Vec::new()));
}

/// Records of several megabytes, larger than any value may be.
pub async fn large_records(log: &impl Log) {
    let sizes = [1, 89_999, 90_000, 90_001, 100_001, 1_000_000, 4_000_000, LOG_RECORD_BYTES_MAX];
    let mut head = Head::GENESIS;
    for (size, id) in sizes.into_iter().zip(1..) {
        let record: Vec<u8> =
            (0..size).map(|index| u8::try_from((index * 7 + index / 251) % 251).unwrap()).collect();
        head = commit(log, EVENT, head, batch(head, id, 3, &record)).await;
    }
    let whole = read_whole(log, EVENT, 1_000_000).await;
    assert_eq!(whole.iter().map(|record| record.bytes.len()).collect::<Vec<_>>(), sizes);
}

/// A record over the limit is refused, leaves no trace, and costs nobody the store.
pub async fn too_large_a_record_is_refused(log: &impl Log) {
    let too_large = batch(Head::GENESIS, 1, 1, &vec![7; LOG_RECORD_BYTES_MAX + 1]);
    let refused = settled(log, EVENT, Head::GENESIS, too_large).await;
    assert!(matches!(refused, AppendOutcome::Damaged { .. }), "{refused:?}");
    assert_eq!(log.head(EVENT).await, Ok(Head::GENESIS));
    let largest = batch(Head::GENESIS, 2, 1, &vec![7; LOG_RECORD_BYTES_MAX]);
    commit(log, EVENT, Head::GENESIS, largest).await;
    assert_eq!(read_whole(log, EVENT, usize::MAX).await.len(), 1);
}

/// No event sees anything of another.
pub async fn events_are_isolated(log: &impl Log) {
    let events: Vec<EventId> = (0..20).map(|index| EventId(EVENT.0 + index)).collect();
    let mut heads = vec![Head::GENESIS; events.len()];
    for round in 1..=10_u8 {
        let appends = events.iter().zip(&heads).zip(0_u8..).map(|((event, head), index)| {
            let batch = batch(*head, u128::from(round), 1, &[index, round]);
            let next = batch.next;
            let append = settled(log, *event, *head, batch);
            async move { (append.await, next) }
        });
        let outcomes = join_all(appends).await;
        for (head, (outcome, next)) in heads.iter_mut().zip(outcomes) {
            assert_eq!(outcome, AppendOutcome::Committed);
            *head = next;
        }
    }
    for ((event, head), index) in events.iter().zip(&heads).zip(0_u8..) {
        assert_eq!(log.head(*event).await, Ok(*head));
        let records = read_whole(log, *event, usize::MAX).await;
        assert_eq!(records.len(), 10);
        assert!(records.iter().all(|record| record.bytes[0] == index));
    }
}

/// Once submitted, an append is carried out whether or not anybody still waits for its answer.
pub async fn a_dropped_future_does_not_cancel(log: &impl Log) {
    let first = batch(Head::GENESIS, 1, 1, b"first");
    drop(log.append(EVENT, Head::GENESIS, first.clone()));
    // The next one waits behind it, whichever way the store orders them.
    let second = batch(first.next, 2, 1, b"second");
    loop {
        match settled(log, EVENT, first.next, second.clone()).await {
            AppendOutcome::Committed => break,
            AppendOutcome::Fenced { found } => assert_eq!(found, Head::GENESIS, "not landed yet"),
            other => panic!("a healthy log commits or fences: {other:?}"),
        }
    }
    assert_eq!(read_whole(log, EVENT, usize::MAX).await.len(), 2);
}

/// Trimming moves records out of the way; readers do not notice.
pub async fn trimmed_records_stay_readable(log: &impl Log) {
    const RECORDS: u64 = 100;
    let mut heads = [Head::GENESIS; 2];
    for number in 1..=RECORDS {
        for (event, head) in [EVENT, OTHER].into_iter().zip(&mut heads) {
            let record = vec![u8::try_from(number).unwrap(); 3_000];
            *head = commit(log, event, *head, batch(*head, u128::from(number), 1, &record)).await;
        }
    }
    let before = read_whole(log, EVENT, usize::MAX).await;
    assert_eq!(log.trim(EVENT, Sequence(60)).await, Ok(Sequence(60)));
    assert_eq!(log.trim(EVENT, Sequence(10)).await, Ok(Sequence(60)), "trimming never goes back");
    assert_eq!(log.trim(OTHER, Sequence(u64::MAX)).await, Ok(heads[1].sequence), "nor beyond the head");
    assert_eq!(read_whole(log, EVENT, usize::MAX).await, before);
    assert_eq!(read_whole(log, OTHER, 10_000).await.len() as u64, RECORDS);
    let head = commit(log, EVENT, heads[0], batch(heads[0], 1_000, 1, b"after")).await;
    assert_eq!(read_whole(log, EVENT, usize::MAX).await.len(), before.len() + 1);
    assert_eq!(log.head(EVENT).await, Ok(head));
}
