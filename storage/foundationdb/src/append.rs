//! One append: a transaction that really reads `head`, compares it, and writes the next one with its record.

use std::time::Duration;

use foundationdb::options::{MutationType, TransactionOption};
use foundationdb::{FdbError, FdbResult, Transaction};
use tessera_inventory::EventId;
use tessera_store::keys::{HeadKey, decode_head, encode_head};
use tessera_store::{AppendOutcome, Batch, StoreError};
use tessera_writer::Head;

use crate::cluster::{in_time, said};
use crate::errors::Meaning;
use crate::keyspace::{STAMP_BYTES, Section, feed_shard};
use crate::rows::{chunks, encode_feed_entry};
use crate::store::FoundationStore;

/// How often one call submits: again only where nothing was written by the attempt before. One whose outcome is unknown is the last.
const ATTEMPTS_MAX: u32 = 4;

/// What became of one attempt.
enum Attempt {
    Over(AppendOutcome),
    /// Nothing was written, and nothing can be said: again, at a fresh version.
    Again(String),
}

impl FoundationStore {
    /// Nobody may drop this future once it is polled: that would cancel the commit.
    pub(crate) async fn append_now(&self, event: EventId, expected: Head, batch: Batch) -> AppendOutcome {
        let mut known = self.cluster().known_version();
        let mut last = String::new();
        for _ in 0..ATTEMPTS_MAX {
            let (version, is_fresh) = match known.take() {
                Some(version) => (version, false),
                None => match self.cluster().fresh_version().await {
                    Ok(version) => (version, true),
                    Err(error) => return unwritten(error),
                },
            };
            match self.attempt(event, &expected, &batch, (version, is_fresh)).await {
                Ok(Attempt::Over(outcome)) => return outcome,
                Ok(Attempt::Again(reason)) => last = reason,
                Err(error) => return unwritten(error),
            }
            self.cluster().forget_version(version);
        }
        AppendOutcome::Unknown { reason: last }
    }

    /// An error is one before anything was submitted.
    async fn attempt(
        &self,
        event: EventId,
        expected: &Head,
        batch: &Batch,
        (version, is_fresh): (i64, bool),
    ) -> Result<Attempt, StoreError> {
        self.cluster().check()?;
        let transaction = self.cluster().transaction()?;
        let key = self.keyspace().key(Section::Log, &HeadKey { event }.pack());
        let prepared = prepare(&transaction, version);
        prepared.map_err(|error| self.cluster().read_failed(error))?;
        // Not a snapshot read: the resolver refuses the commit where anybody has written `head` since this version.
        let read = transaction.get(&key, false);
        let stored = in_time(async { read.await.map_err(|error| self.cluster().read_failed(error)) }).await;
        let found = match stored {
            Ok(stored) => stored.map_or(Ok(Head::GENESIS), |stored| decode_head(&stored))?,
            Err(StoreError::Outdated { reason }) => return Ok(Attempt::Again(reason)),
            Err(error) => return Err(error),
        };
        if found == batch.next {
            return Ok(Attempt::Over(AppendOutcome::Committed));
        }
        if found != *expected {
            // An old version may not know yet what this caller was told of.
            let fenced = AppendOutcome::Fenced { found };
            let again = || Attempt::Again("another head was seen at an old version".to_owned());
            return Ok(if is_fresh { Attempt::Over(fenced) } else { again() });
        }
        let written = self.write(&transaction, &key, event, expected, batch);
        written.map_err(|error| self.cluster().read_failed(error))?;
        let asked_at = self.cluster().now();
        Ok(self.submit(transaction, asked_at).await)
    }

    fn write(
        &self,
        transaction: &Transaction,
        head: &[u8],
        event: EventId,
        expected: &Head,
        batch: &Batch,
    ) -> FdbResult<()> {
        let keys = self.keyspace();
        transaction.set(head, &encode_head(&batch.next));
        // Nobody reads these with a part in a conflict: they cost the resolvers nothing.
        let unseen = || transaction.set_option(TransactionOption::NextWriteNoWriteConflictRange);
        for (key, value) in chunks(event, expected, batch) {
            unseen()?;
            transaction.set(&keys.key(Section::Log, &key), &value);
        }
        if *expected == Head::GENESIS {
            unseen()?;
            transaction.set(&keys.key(Section::Events, &event.0.to_be_bytes()), b"");
        }
        if !batch.record.is_empty() {
            unseen()?;
            let entry = encode_feed_entry(event, batch.next.sequence);
            let key = stamped(keys.key(Section::Feed, &[feed_shard(event)]));
            transaction.atomic_op(&key, &entry, MutationType::SetVersionstampedKey);
        }
        Ok(())
    }

    async fn submit(&self, transaction: Transaction, asked_at: Duration) -> Attempt {
        match transaction.commit().await {
            Ok(committed) => {
                if let Ok(version) = committed.committed_version() {
                    self.cluster().learn_version(version, asked_at);
                }
                Attempt::Over(AppendOutcome::Committed)
            }
            Err(error) => {
                let (meaning, reason) = (Meaning::of(error.code()), said(*error));
                Attempt::Over(match meaning {
                    Meaning::Conflict | Meaning::Outdated => return Attempt::Again(reason),
                    // It was not this attempt, but one before may have been: the writer waits, and submits again.
                    Meaning::Busy | Meaning::Unknown => AppendOutcome::Unknown { reason },
                    Meaning::TooLarge => AppendOutcome::Damaged { reason },
                    Meaning::Fatal => {
                        self.cluster().fail(&reason);
                        AppendOutcome::Fatal { reason }
                    }
                })
            }
        }
    }
}

fn prepare(transaction: &Transaction, version: i64) -> Result<(), FdbError> {
    // It reads one key before it writes anything.
    transaction.set_option(TransactionOption::ReadYourWritesDisable)?;
    transaction.set_read_version(version);
    Ok(())
}

/// A key that ends with the versionstamp of its commit, as the mutation wants it: room for the stamp, and where it goes.
fn stamped(mut key: Vec<u8>) -> Vec<u8> {
    // Keys are bounded far below.
    let at = u32::try_from(key.len()).unwrap_or(u32::MAX);
    key.extend_from_slice(&[0; STAMP_BYTES]);
    key.extend_from_slice(&at.to_le_bytes());
    key
}

/// Nothing of this attempt was written. One before may have been.
fn unwritten(error: StoreError) -> AppendOutcome {
    match error {
        StoreError::Fatal { reason } => AppendOutcome::Fatal { reason },
        StoreError::Damaged { .. } | StoreError::FormatTooNew { .. } | StoreError::TooLarge { .. } => {
            AppendOutcome::Damaged { reason: error.to_string() }
        }
        StoreError::Unavailable { .. }
        | StoreError::Outdated { .. }
        | StoreError::OutcomeUnknown { .. }
        | StoreError::Locked { .. } => AppendOutcome::Unknown { reason: error.to_string() },
    }
}
