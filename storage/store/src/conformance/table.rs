//! Cases of [`Table`].

use std::future::Future;

use crate::{
    CommitOutcome, KEY_BYTES_MAX, Row, StoreError, TRANSACTION_BYTES_MAX, Table, Transaction,
    VALUE_BYTES_MAX, transact,
};

/// How often a case is tried whose commits have no known outcome.
const SETTLE_ATTEMPTS_MAX: u32 = 40;
/// A transaction that every store takes: FoundationDB counts the keys, and what was read, too.
const LARGE_TRANSACTION_BYTES: usize = TRANSACTION_BYTES_MAX / 10 * 9;

/// The outcome of a commit is unknown, which a healthy store may say: nothing follows from it, and the case begins anew.
#[derive(Debug)]
pub struct Unsettled;

/// Every case.
pub async fn all<S: Table, F: Fn() -> R, R: Future<Output = S>>(open: &F) {
    settle(open, get_set_clear).await;
    settle(open, reading_ahead).await;
    settle(open, ranges_both_ways_with_own_writes).await;
    settle(open, clear_range).await;
    settle(open, commits_at_once).await;
    settle(open, nothing_is_visible_before_commit).await;
    settle(open, reads_are_of_one_version).await;
    settle(open, lost_updates_conflict).await;
    settle(open, write_skew_conflicts).await;
    settle(open, phantoms_conflict).await;
    settle(open, unrelated_transactions_do_not_conflict).await;
    settle(open, limits).await;
    settle(open, counting_under_contention).await;
}

/// Run a case on stores of its own until every outcome in it is known.
async fn settle<S: Table, F: Fn() -> R, R: Future<Output = S>>(
    open: &F,
    case: impl AsyncFn(&S) -> Result<(), Unsettled>,
) {
    for _ in 0..SETTLE_ATTEMPTS_MAX {
        if case(&open().await).await.is_ok() {
            return;
        }
    }
    panic!("the outcome of a commit was unknown in {SETTLE_ATTEMPTS_MAX} attempts at a case");
}

async fn begin(table: &impl Table) -> Box<dyn Transaction> {
    table.begin().await.expect("a healthy table begins a transaction")
}

async fn commit(transaction: Box<dyn Transaction>) -> Result<CommitOutcome, Unsettled> {
    match transaction.commit().await.expect("a healthy table commits or conflicts") {
        CommitOutcome::Unknown { .. } => Err(Unsettled),
        outcome => Ok(outcome),
    }
}

async fn set_all(table: &impl Table, rows: &[(&[u8], &[u8])]) {
    let written: Result<(), StoreError> = transact(table, |mut transaction| async move {
        rows.iter().for_each(|(key, value)| transaction.set(key, value));
        Ok((transaction, ()))
    })
    .await;
    written.expect("a healthy table is writable");
}

async fn get(transaction: &mut Box<dyn Transaction>, key: &[u8]) -> Option<Vec<u8>> {
    transaction.get(key).await.expect("a healthy table is readable")
}

async fn keys(
    transaction: &mut Box<dyn Transaction>,
    begin: &[u8],
    end: &[u8],
    limit: usize,
    reverse: bool,
) -> String {
    let rows: Vec<Row> =
        transaction.range(begin, end, limit, reverse).await.expect("a healthy table is readable");
    rows.iter().map(|(key, _)| String::from_utf8_lossy(key)).collect::<Vec<_>>().join(" ")
}

/// Values are written, replaced, removed, and seen by the transaction that did it.
pub async fn get_set_clear(table: &impl Table) -> Result<(), Unsettled> {
    let mut transaction = begin(table).await;
    assert_eq!(get(&mut transaction, b"a").await, None);
    transaction.set(b"a", b"1");
    transaction.set(b"empty", b"");
    assert_eq!(get(&mut transaction, b"a").await, Some(b"1".to_vec()));
    transaction.clear(b"a");
    assert_eq!(get(&mut transaction, b"a").await, None);
    transaction.set(b"a", b"2");
    assert_eq!(commit(transaction).await?, CommitOutcome::Committed);

    let mut transaction = begin(table).await;
    assert_eq!(get(&mut transaction, b"a").await, Some(b"2".to_vec()));
    assert_eq!(get(&mut transaction, b"empty").await, Some(Vec::new()));
    transaction.clear(b"a");
    transaction.clear(b"never");
    assert_eq!(commit(transaction).await?, CommitOutcome::Committed);
    let mut transaction = begin(table).await;
    assert_eq!(get(&mut transaction, b"a").await, None);
    assert_eq!(commit(transaction).await?, CommitOutcome::Committed);
    Ok(())
}

/// Ranges ascend and descend, respect the limit, and see the transaction's own writes.
pub async fn ranges_both_ways_with_own_writes(table: &impl Table) -> Result<(), Unsettled> {
    set_all(table, &[(b"a", b""), (b"b", b""), (b"b\0", b""), (b"c", b""), (b"e", b"")]).await;
    let mut transaction = begin(table).await;
    assert_eq!(keys(&mut transaction, b"a", b"e", 10, false).await, "a b b\0 c");
    assert_eq!(keys(&mut transaction, b"a", b"e", 10, true).await, "c b\0 b a");
    assert_eq!(keys(&mut transaction, b"a", b"e", 2, false).await, "a b");
    assert_eq!(keys(&mut transaction, b"a", b"e", 2, true).await, "c b\0");
    assert_eq!(keys(&mut transaction, b"b", b"b", 10, false).await, "");
    assert_eq!(keys(&mut transaction, b"z", b"a", 10, false).await, "");
    assert_eq!(keys(&mut transaction, b"a", b"z", 0, false).await, "");
    transaction.set(b"d", b"own");
    transaction.set(b"0", b"own");
    transaction.set(b"b", b"own");
    transaction.clear(b"c");
    assert_eq!(keys(&mut transaction, b"", b"z", 10, false).await, "0 a b b\0 d e");
    assert_eq!(keys(&mut transaction, b"", b"z", 10, true).await, "e d b\0 b a 0");
    assert_eq!(keys(&mut transaction, b"", b"z", 3, true).await, "e d b\0");
    assert_eq!(keys(&mut transaction, b"", b"z", 4, false).await, "0 a b b\0");
    assert_eq!(keys(&mut transaction, b"", b"z", 1, false).await, "0");
    assert_eq!(keys(&mut transaction, b"d", b"z", 1, true).await, "e");
    let rows = transaction.range(b"b", b"b\0", 10, false).await;
    assert_eq!(rows, Ok(vec![(b"b".to_vec(), b"own".to_vec())]));
    assert_eq!(commit(transaction).await?, CommitOutcome::Committed);
    let mut transaction = begin(table).await;
    assert_eq!(keys(&mut transaction, b"", b"z", 10, false).await, "0 a b b\0 d e");
    Ok(())
}

/// A range is removed, except what is set in it afterwards.
pub async fn clear_range(table: &impl Table) -> Result<(), Unsettled> {
    set_all(table, &[(b"a", b"1"), (b"b", b"1"), (b"c", b"1"), (b"d", b"1")]).await;
    let mut transaction = begin(table).await;
    transaction.set(b"bb", b"2");
    transaction.clear_range(b"b", b"d");
    transaction.set(b"c", b"2");
    assert_eq!(get(&mut transaction, b"b").await, None);
    assert_eq!(get(&mut transaction, b"bb").await, None);
    assert_eq!(keys(&mut transaction, b"a", b"z", 10, false).await, "a c d");
    assert_eq!(keys(&mut transaction, b"a", b"z", 2, true).await, "d c");
    transaction.clear_range(b"z", b"a");
    assert_eq!(commit(transaction).await?, CommitOutcome::Committed);
    let mut transaction = begin(table).await;
    assert_eq!(keys(&mut transaction, b"a", b"z", 10, false).await, "a c d");
    assert_eq!(get(&mut transaction, b"c").await, Some(b"2".to_vec()));
    Ok(())
}

/// Transactions that a store may write together are written as if one came after the other.
pub async fn commits_at_once(table: &impl Table) -> Result<(), Unsettled> {
    for _ in 0..50 {
        set_all(table, &[(b"a0", b""), (b"a1", b"old")]).await;
        let (mut setting, mut clearing) = (begin(table).await, begin(table).await);
        setting.set(b"a1", b"new");
        setting.set(b"a2", b"new");
        clearing.clear_range(b"a", b"b");
        clearing.set(b"a9", b"");
        let (set, cleared) = futures::future::join(commit(setting), commit(clearing)).await;
        assert_eq!((set?, cleared?), (CommitOutcome::Committed, CommitOutcome::Committed));
        let found = keys(&mut begin(table).await, b"a", b"b", 10, false).await;
        assert!(found == "a9" || found == "a1 a2 a9", "{found}");
    }
    Ok(())
}

/// Others see a transaction whole or not at all; a dropped one leaves nothing.
pub async fn nothing_is_visible_before_commit(table: &impl Table) -> Result<(), Unsettled> {
    let mut writing = begin(table).await;
    writing.set(b"a", b"1");
    writing.set(b"b", b"1");
    let mut reading = begin(table).await;
    assert_eq!(get(&mut reading, b"a").await, None);
    drop(writing);
    let mut reading = begin(table).await;
    assert_eq!(keys(&mut reading, b"a", b"z", 10, false).await, "");
    Ok(())
}

/// What commits after a transaction began is not seen by it.
pub async fn reads_are_of_one_version(table: &impl Table) -> Result<(), Unsettled> {
    set_all(table, &[(b"a", b"old"), (b"b", b"old")]).await;
    let mut reading = begin(table).await;
    assert_eq!(get(&mut reading, b"a").await, Some(b"old".to_vec()));
    set_all(table, &[(b"a", b"new"), (b"b", b"new"), (b"c", b"new")]).await;
    assert_eq!(get(&mut reading, b"b").await, Some(b"old".to_vec()));
    assert_eq!(keys(&mut reading, b"a", b"z", 10, false).await, "a b");
    Ok(())
}

/// What was read ahead is what the others were at the version, own writes hide it, and only what is got of it conflicts.
pub async fn reading_ahead(table: &impl Table) -> Result<(), Unsettled> {
    set_all(table, &[(b"a", b"1"), (b"b", b"1"), (b"c", b"1")]).await;
    let ahead = || [&b"a"[..], b"b", b"c", b"never"].map(<[u8]>::to_vec).into();
    let (mut unread, mut read) = (begin(table).await, begin(table).await);
    for transaction in [&mut unread, &mut read] {
        transaction.set(b"b", b"own");
        transaction.read_ahead(ahead()).await.expect("a healthy table is readable");
        transaction.clear_range(b"c", b"d");
    }
    set_all(table, &[(b"a", b"2"), (b"b", b"2")]).await;
    for transaction in [&mut unread, &mut read] {
        assert_eq!(get(transaction, b"b").await, Some(b"own".to_vec()));
        assert_eq!(get(transaction, b"c").await, None);
        assert_eq!(get(transaction, b"never").await, None);
    }
    assert_eq!(get(&mut read, b"a").await, Some(b"1".to_vec()));
    assert_eq!(commit(read).await?, CommitOutcome::Conflict);
    assert_eq!(commit(unread).await?, CommitOutcome::Committed);
    Ok(())
}

/// Two that read and write the same key: the second conflicts.
pub async fn lost_updates_conflict(table: &impl Table) -> Result<(), Unsettled> {
    set_all(table, &[(b"a", b"0")]).await;
    let (mut left, mut right) = (begin(table).await, begin(table).await);
    for transaction in [&mut left, &mut right] {
        assert_eq!(get(transaction, b"a").await, Some(b"0".to_vec()));
        transaction.set(b"a", b"1");
    }
    assert_eq!(commit(right).await?, CommitOutcome::Committed);
    assert_eq!(commit(left).await?, CommitOutcome::Conflict);
    Ok(())
}

/// Two that each read what the other writes: serializable means that one conflicts.
pub async fn write_skew_conflicts(table: &impl Table) -> Result<(), Unsettled> {
    set_all(table, &[(b"a", b"1"), (b"b", b"1")]).await;
    let (mut left, mut right) = (begin(table).await, begin(table).await);
    assert_eq!(get(&mut left, b"b").await, Some(b"1".to_vec()));
    assert_eq!(get(&mut right, b"a").await, Some(b"1".to_vec()));
    left.set(b"a", b"0");
    right.set(b"b", b"0");
    assert_eq!(commit(left).await?, CommitOutcome::Committed);
    assert_eq!(commit(right).await?, CommitOutcome::Conflict);
    let mut reading = begin(table).await;
    assert_eq!(get(&mut reading, b"b").await, Some(b"1".to_vec()));
    Ok(())
}

/// A key that appears in, or vanishes from, a range that was read conflicts; so does one read as absent.
pub async fn phantoms_conflict(table: &impl Table) -> Result<(), Unsettled> {
    set_all(table, &[(b"a1", b""), (b"a5", b"")]).await;
    let mut appears = begin(table).await;
    assert_eq!(keys(&mut appears, b"a", b"b", 10, false).await, "a1 a5");
    appears.set(b"count", b"2");
    let mut vanishes = begin(table).await;
    assert_eq!(keys(&mut vanishes, b"a", b"b", 10, true).await, "a5 a1");
    vanishes.set(b"count", b"2");
    let mut absent = begin(table).await;
    assert_eq!(get(&mut absent, b"a3").await, None);
    absent.set(b"a3 is free", b"");
    set_all(table, &[(b"a3", b"")]).await;
    assert_eq!(commit(appears).await?, CommitOutcome::Conflict);
    assert_eq!(commit(absent).await?, CommitOutcome::Conflict);
    let mut clearing = begin(table).await;
    clearing.clear_range(b"a4", b"a9");
    assert_eq!(commit(clearing).await?, CommitOutcome::Committed);
    assert_eq!(commit(vanishes).await?, CommitOutcome::Conflict);
    let mut reading = begin(table).await;
    assert_eq!(get(&mut reading, b"count").await, None);
    Ok(())
}

/// Transactions that read nothing of each other's all commit.
pub async fn unrelated_transactions_do_not_conflict(table: &impl Table) -> Result<(), Unsettled> {
    let (mut left, mut right, mut blind) = (begin(table).await, begin(table).await, begin(table).await);
    assert_eq!(get(&mut left, b"left").await, None);
    assert_eq!(get(&mut right, b"right").await, None);
    left.set(b"left", b"1");
    right.set(b"right", b"1");
    blind.set(b"left", b"blind");
    assert_eq!(commit(left).await?, CommitOutcome::Committed);
    assert_eq!(commit(right).await?, CommitOutcome::Committed);
    assert_eq!(commit(blind).await?, CommitOutcome::Committed);
    let mut reading = begin(table).await;
    assert_eq!(get(&mut reading, b"left").await, Some(b"blind".to_vec()));
    Ok(())
}

/// Keys, values and transactions over their limits are refused whole.
pub async fn limits(table: &impl Table) -> Result<(), Unsettled> {
    let mut transaction = begin(table).await;
    transaction.set(&vec![b'k'; KEY_BYTES_MAX], &vec![b'v'; VALUE_BYTES_MAX]);
    assert_eq!(commit(transaction).await?, CommitOutcome::Committed);
    let mut transaction = begin(table).await;
    transaction.set(b"before", b"");
    transaction.set(&vec![b'k'; KEY_BYTES_MAX + 1], b"");
    assert!(matches!(transaction.commit().await, Err(StoreError::TooLarge { .. })));
    let mut transaction = begin(table).await;
    transaction.set(b"before", &vec![b'v'; VALUE_BYTES_MAX + 1]);
    assert!(matches!(transaction.commit().await, Err(StoreError::TooLarge { .. })));
    let mut transaction = begin(table).await;
    for index in 0..=TRANSACTION_BYTES_MAX / VALUE_BYTES_MAX {
        transaction.set(&index.to_be_bytes(), &vec![b'v'; VALUE_BYTES_MAX]);
    }
    assert!(matches!(transaction.commit().await, Err(StoreError::TooLarge { .. })));
    let mut reading = begin(table).await;
    assert_eq!(get(&mut reading, b"before").await, None);
    let mut transaction = begin(table).await;
    for index in 0..LARGE_TRANSACTION_BYTES / VALUE_BYTES_MAX {
        transaction.set(&index.to_be_bytes(), &vec![b'v'; VALUE_BYTES_MAX]);
    }
    assert_eq!(commit(transaction).await?, CommitOutcome::Committed, "just below the limit");
    Ok(())
}

/// Four that count the same counter at once lose no step.
/// (The slowest of them loses at most as often as the others count, which is less than the attempts it has.)
pub async fn counting_under_contention(table: &impl Table) -> Result<(), Unsettled> {
    let count = async |who: u8| {
        for step in 0..15 {
            let counted: Result<(), StoreError> = transact(table, |mut transaction| async move {
                // An attempt of unknown outcome may have counted this step already.
                let counted = [b's', who, step];
                if transaction.get(&counted).await?.is_some() {
                    return Ok((transaction, ()));
                }
                transaction.set(&counted, b"");
                let stored = transaction.get(b"counter").await?;
                let value = stored.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
                transaction.set(b"counter", &(value + 1).to_be_bytes());
                Ok((transaction, ()))
            })
            .await;
            counted.expect("a contended transaction gets through");
        }
    };
    futures::future::join_all((0..4).map(count)).await;
    let mut reading = begin(table).await;
    assert_eq!(get(&mut reading, b"counter").await, Some(60_u64.to_be_bytes().to_vec()));
    Ok(())
}
