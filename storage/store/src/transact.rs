//! Running a table transaction until it is through.

use crate::{CommitOutcome, StoreError, Table, Transaction};

/// How often a transaction is run before its caller is told that the store is unavailable.
pub const TRANSACTION_ATTEMPTS_MAX: u32 = 64;

/// Run `body` in a transaction and commit it; run it again when it conflicts or its outcome is unknown, at most
/// [`TRANSACTION_ATTEMPTS_MAX`] times. `body` is given the transaction and gives it back with its value; it must be
/// repeatable: everything it changes goes through the transaction. Its own errors end the transaction without a commit.
///
/// (The transaction goes by value because a future that borrows it could not be proved `Send` by the compiler.)
pub async fn transact<T, E, F, R>(table: &dyn Table, body: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: Fn(Box<dyn Transaction>) -> R,
    R: Future<Output = Result<(Box<dyn Transaction>, T), E>>,
{
    for _ in 0..TRANSACTION_ATTEMPTS_MAX {
        let (transaction, value) = body(table.begin().await?).await?;
        match transaction.commit().await? {
            CommitOutcome::Committed => return Ok(value),
            CommitOutcome::Conflict | CommitOutcome::Unknown { .. } => {}
        }
    }
    let reason = format!("a transaction did not get through in {TRANSACTION_ATTEMPTS_MAX} attempts");
    Err(StoreError::Unavailable { reason }.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::memory::{CommitFault, MemoryStore};

    async fn increment(table: &dyn Table) -> Result<u64, StoreError> {
        transact(table, |mut transaction| async move {
            let stored = transaction.get(b"counter").await?;
            let next = stored.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap())) + 1;
            transaction.set(b"counter", &next.to_be_bytes());
            Ok((transaction, next))
        })
        .await
    }

    fn sendable<T: Send>(future: T) -> T {
        future
    }

    #[tokio::test]
    async fn conflicts_and_unknown_outcomes_are_run_again() {
        let store = MemoryStore::new();
        store.inject_commit(CommitFault::Conflict);
        store.inject_commit(CommitFault::UnknownNotApplied);
        assert_eq!(sendable(increment(&store)).await, Ok(1));
        assert_eq!(increment(&store).await, Ok(2));
    }

    #[tokio::test]
    async fn attempts_are_bounded() {
        let store = MemoryStore::new();
        for _ in 0..TRANSACTION_ATTEMPTS_MAX {
            store.inject_commit(CommitFault::Conflict);
        }
        assert!(matches!(increment(&store).await, Err(StoreError::Unavailable { .. })));
        assert_eq!(increment(&store).await, Ok(1));
    }
}
