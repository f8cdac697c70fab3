//! Running a table transaction until it is through.

use crate::{CommitOutcome, StoreError, Table, Transaction};

/// How often a transaction is run before its caller is told that the store is unavailable.
pub const TRANSACTION_ATTEMPTS_MAX: u32 = 64;

/// Run `body` in a transaction and commit it; run it again when it conflicts, took too long or its outcome is unknown, at most
/// [`TRANSACTION_ATTEMPTS_MAX`] times. `body` is given the transaction and gives it back with its value; it must be
/// repeatable: everything it changes goes through the transaction. Its own errors end the transaction without a commit.
///
/// # Errors
/// As the table says, and what `body` says. [`StoreError::OutcomeUnknown`] where an attempt of unknown outcome may have
/// landed and no later one could tell: every other error means that nothing was written.
///
/// (The transaction goes by value because a future that borrows it could not be proved `Send` by the compiler.)
pub async fn transact<T, F, R>(table: &dyn Table, body: F) -> Result<T, StoreError>
where
    F: Fn(Box<dyn Transaction>) -> R,
    R: Future<Output = Result<(Box<dyn Transaction>, T), StoreError>>,
{
    let mut may_have_landed = false;
    for _ in 0..TRANSACTION_ATTEMPTS_MAX {
        let told = |error: StoreError| if may_have_landed { undecided(error) } else { error };
        let (transaction, value) = match body(table.begin().await.map_err(told)?).await {
            Err(StoreError::Outdated { .. }) => continue,
            ran => ran.map_err(told)?,
        };
        match transaction.commit().await.map_err(told)? {
            CommitOutcome::Committed => return Ok(value),
            CommitOutcome::Conflict => {}
            CommitOutcome::Unknown { .. } => may_have_landed = true,
        }
    }
    let reason = format!("a transaction did not get through in {TRANSACTION_ATTEMPTS_MAX} attempts");
    let error = StoreError::Unavailable { reason };
    Err(if may_have_landed { undecided(error) } else { error })
}

/// The error of a transaction of which an earlier attempt may have landed. What the body says about what it read stands:
/// it has seen whether that attempt landed.
fn undecided(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable { reason }
        | StoreError::Outdated { reason }
        | StoreError::Fatal { reason } => StoreError::OutcomeUnknown { reason },
        seen @ (StoreError::OutcomeUnknown { .. }
        | StoreError::Damaged { .. }
        | StoreError::FormatTooNew { .. }
        | StoreError::Locked { .. }
        | StoreError::TooLarge { .. }) => seen,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

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
    async fn what_took_too_long_is_run_again() {
        let store = MemoryStore::new();
        let runs = AtomicU32::new(0);
        let ran = transact(&store, |transaction| async {
            match runs.fetch_add(1, Ordering::Relaxed) {
                0 => Err(StoreError::Outdated { reason: "injected".to_owned() }),
                run => Ok((transaction, run)),
            }
        });
        assert_eq!(ran.await, Ok(1));
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

    #[tokio::test]
    async fn what_may_have_landed_is_not_said_to_have_failed() {
        let store = MemoryStore::new();
        for attempt in 0..TRANSACTION_ATTEMPTS_MAX {
            store.inject_commit(if attempt == 0 {
                CommitFault::UnknownApplied
            } else {
                CommitFault::Conflict
            });
        }
        assert!(matches!(increment(&store).await, Err(StoreError::OutcomeUnknown { .. })));
        assert_eq!(increment(&store).await, Ok(2), "it had landed");
        for _ in 0..TRANSACTION_ATTEMPTS_MAX {
            store.inject_commit(CommitFault::UnknownNotApplied);
        }
        assert!(matches!(increment(&store).await, Err(StoreError::OutcomeUnknown { .. })));
        assert_eq!(increment(&store).await, Ok(3), "it had not");
    }
}
