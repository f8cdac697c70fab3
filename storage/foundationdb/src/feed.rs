//! The feed across events: what was appended anywhere, in the order of the commits, in a fixed number of shards.
//!
//! Every append with a record writes one key of its own, so that no two appends meet in it. Positions are the versionstamps of the commits, of
//! the whole cluster: who has read all of some shards behind a position has missed nothing before it there. They mean nothing in another era.

use std::ops::Range;

use foundationdb::RangeOption;
use foundationdb::options::StreamingMode;
use futures::future::try_join_all;
use tessera_inventory::{EventId, Sequence};
use tessera_store::StoreError;

use crate::cursor::{Cursor, Position};
use crate::keyspace::{FEED_SHARDS, STAMP_BYTES, Section};
use crate::rows::{FormatRow, decode_feed_entry};
use crate::store::FoundationStore;

/// An append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// Where it stands in the feed.
    pub position: Position,
    /// To which event.
    pub event: EventId,
    /// The last sequence that it wrote.
    pub sequence: Sequence,
}

/// What a reader of the feed is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedRead {
    /// What came after its cursor, in the order of the commits; nothing where it has all there is.
    Entries(Vec<FeedEntry>),
    /// Its cursor is of another era: what it knows may never have been. It begins anew, from this cursor.
    OtherEra(Cursor),
}

/// What came in one shard.
struct Answered {
    entries: Vec<FeedEntry>,
    has_more: bool,
}

impl FoundationStore {
    /// Entries of some shards (`0..FEED_SHARDS`: of all) after `cursor`: at least one, where there is one, and at most `limit` of each shard.
    ///
    /// # Errors
    /// As the store says; [`StoreError::TooLarge`] where there is no such shard.
    pub async fn feed(
        &self,
        shards: Range<u8>,
        cursor: Cursor,
        limit: usize,
    ) -> Result<FeedRead, StoreError> {
        if shards.end > FEED_SHARDS {
            let (actual, limit) = (shards.end.into(), FEED_SHARDS.into());
            return Err(StoreError::TooLarge { what: "a range of shards", actual, limit });
        }
        // One version for all of it: what a shard does not have then comes after what the others have.
        let version = self.cluster().fresh_version().await?;
        let format = self.keyspace().section(Section::Format);
        let row = self.cluster().read(version, |transaction| transaction.get(&format, true)).await?;
        let FormatRow { era, .. } = FormatRow::decode(row.as_deref().unwrap_or_default())?;
        if era != cursor.era {
            return Ok(FeedRead::OtherEra(Cursor::begin(era)));
        }
        let limit = limit.max(1);
        let read = shards.map(|shard| self.shard_after(shard, version, cursor.position, limit));
        let answered = try_join_all(read).await?;
        // Of a shard that has more, nothing is known behind its last entry here.
        let cut = answered.iter().filter(|shard| shard.has_more);
        let known = cut.filter_map(|shard| shard.entries.last()).map(|entry| entry.position).min();
        let mut entries: Vec<FeedEntry> = answered.into_iter().flat_map(|shard| shard.entries).collect();
        entries.retain(|entry| known.is_none_or(|known| entry.position <= known));
        entries.sort_unstable_by_key(|entry| entry.position);
        Ok(FeedRead::Entries(entries))
    }

    async fn shard_after(
        &self,
        shard: u8,
        version: i64,
        position: Position,
        limit: usize,
    ) -> Result<Answered, StoreError> {
        let shard = self.keyspace().key(Section::Feed, &[shard]);
        let begin = [&shard[..], &position.0, &[0]].concat();
        let end = [&shard[..], &[0xff; STAMP_BYTES]].concat();
        let read = self.cluster().read(version, |transaction| {
            let range = RangeOption {
                limit: Some(limit),
                mode: StreamingMode::WantAll,
                ..RangeOption::from((begin.as_slice(), end.as_slice()))
            };
            transaction.get_range(&range, 1, true)
        });
        let rows = read.await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let unreadable =
                || StoreError::Damaged { reason: "an entry of the feed cannot be read".to_owned() };
            let position = row.key().strip_prefix(&shard[..]).ok_or_else(unreadable)?;
            let position = Position(position.try_into().map_err(|_| unreadable())?);
            let (event, sequence) = decode_feed_entry(row.value()).ok_or_else(unreadable)?;
            entries.push(FeedEntry { position, event, sequence });
        }
        Ok(Answered { entries, has_more: rows.more() || rows.len() >= limit })
    }
}
