//! [`Log`] on FoundationDB.

use foundationdb::options::StreamingMode;
use foundationdb::{FdbResult, RangeOption};
use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_inventory::{EventId, Sequence};
use tessera_store::keys::{HeadKey, LogRecordKey, decode_head};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError, transact};
use tessera_writer::Head;

use crate::keyspace::Section;
use crate::rows::Assembler;
use crate::store::FoundationStore;

/// Bytes of one page of a read: what a storage server answers at once (`REPLY_BYTE_LIMIT`, and the most that `WantAll` asks for), and the row
/// that goes beyond. A larger page would be several such answers, one after the other, and no faster: the example `appends` reads a log of
/// 60 MB at some 200 MB/s with pages of 80 kB to 4 MB. A page is one transaction, and done long before its five seconds are over.
const PAGE_BYTES: usize = 80_000;
/// Least bytes that are asked for at once.
const PAGE_BYTES_MIN: usize = 4 << 10;

impl FoundationStore {
    async fn head_now(&self, event: EventId) -> Result<Head, StoreError> {
        let version = self.cluster().fresh_version().await?;
        self.head_at(event, version).await
    }

    async fn head_at(&self, event: EventId, version: i64) -> Result<Head, StoreError> {
        let key = self.keyspace().key(Section::Log, &HeadKey { event }.pack());
        let stored = self.cluster().read(version, |transaction| transaction.get(&key, true)).await?;
        stored.map_or(Ok(Head::GENESIS), |stored| decode_head(&stored))
    }

    /// Page by page. Records never change, so that a page may be of a later version than the one before.
    async fn read_now(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> Result<Vec<LogRecord>, StoreError> {
        let section = self.keyspace().section(Section::Log);
        let (begin, end) = LogRecordKey::range_after(event, after);
        let (mut begin, end) = ([&section[..], &begin].concat(), [&section[..], &end].concat());
        let mut version = self.cluster().fresh_version().await?;
        let (mut assembler, mut records, mut bytes) = (Assembler::default(), Vec::new(), 0_usize);
        loop {
            let wanted = limit_bytes.saturating_sub(bytes).clamp(PAGE_BYTES_MIN, PAGE_BYTES);
            let read = self.cluster().read(version, |transaction| {
                let range = RangeOption {
                    target_bytes: wanted,
                    mode: StreamingMode::WantAll,
                    ..RangeOption::from((begin.as_slice(), end.as_slice()))
                };
                transaction.get_range(&range, 1, true)
            });
            let page = match read.await {
                Err(StoreError::Outdated { .. }) => {
                    version = self.cluster().fresh_version().await?;
                    continue;
                }
                page => page?,
            };
            for row in &page {
                let key = row.key().strip_prefix(&section[..]).unwrap_or_default();
                let Some(record) = assembler.take(key, row.value())? else { continue };
                bytes += record.bytes.len();
                records.push(record);
                if bytes >= limit_bytes {
                    return Ok(records);
                }
            }
            match page.last() {
                Some(last) if page.more() => begin = [last.key(), &[0]].concat(),
                _ if assembler.is_midway() => {
                    let reason = format!("the log of {event:?} ends in the middle of a record");
                    return Err(StoreError::Damaged { reason });
                }
                _ => return Ok(records),
            }
        }
    }

    async fn trim_now(&self, event: EventId, through: Sequence) -> Result<Sequence, StoreError> {
        let through = through.min(self.head_now(event).await?.sequence);
        let key = event.0.to_be_bytes();
        transact(&self.rows(Section::Trimmed), |mut transaction| async move {
            let unreadable = |_| StoreError::Damaged { reason: "how far a log is trimmed".to_owned() };
            let stored = transaction.get(&key).await?.map(<[u8; 8]>::try_from).transpose();
            let before = stored
                .map_err(unreadable)?
                .map_or(Sequence::ZERO, |stored| Sequence(u64::from_be_bytes(stored)));
            let trimmed = before.max(through);
            if trimmed > before {
                transaction.set(&key, &trimmed.0.to_be_bytes());
            }
            Ok((transaction, trimmed))
        })
        .await
    }

    /// Waits for the head to change, unless it has moved already. Whatever goes wrong leaves the caller to its polling.
    async fn head_moves(&self, event: EventId, beyond: Sequence) -> Result<(), StoreError> {
        let version = self.cluster().fresh_version().await?;
        if self.head_at(event, version).await?.sequence > beyond {
            return Ok(());
        }
        let key = self.keyspace().key(Section::Log, &HeadKey { event }.pack());
        let transaction = self.cluster().transaction()?;
        transaction.set_read_version(version);
        let watch = transaction.watch(&key);
        // A watch begins with the commit of its transaction, which has nothing to write and goes nowhere.
        let committed: FdbResult<()> = transaction.commit().await.map(drop).map_err(Into::into);
        committed.map_err(|error| self.cluster().read_failed(error))?;
        watch.await.map_err(|error| self.cluster().read_failed(error))
    }
}

impl Log for FoundationStore {
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome> {
        if let Some(refused) = AppendOutcome::too_large(&batch) {
            return std::future::ready(refused).boxed();
        }
        let store = self.clone();
        // A task of its own: whoever stops waiting does not cancel the commit.
        let append = self.runtime().spawn(async move { store.append_now(event, expected, batch).await });
        let lost =
            |error| AppendOutcome::Unknown { reason: format!("the append was not carried through: {error}") };
        append.map(move |outcome| outcome.unwrap_or_else(lost)).boxed()
    }

    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>> {
        let store = self.clone();
        async move { store.head_now(event).await }.boxed()
    }

    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>> {
        let store = self.clone();
        async move { store.read_now(event, after, limit_bytes).await }.boxed()
    }

    fn failed(&self) -> BoxFuture<'static, Option<String>> {
        let mut failure = self.cluster().failure();
        async move { failure.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone()) }
            .boxed()
    }

    fn moved(&self, event: EventId, beyond: Sequence) -> BoxFuture<'static, ()> {
        let store = self.clone();
        async move {
            if store.head_moves(event, beyond).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }

    /// Only remembered: records stay where they are, and FoundationDB's own backup is their archive.
    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        let store = self.clone();
        async move { store.trim_now(event, through).await }.boxed()
    }
}
