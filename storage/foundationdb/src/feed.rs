//! The feed across events: what was appended anywhere, in the order of the commits, in a fixed number of shards.
//!
//! Every append with a record writes one key of its own, so that no two appends meet in it. Positions are the versionstamps of the commits: a
//! reader that stands behind one has missed nothing before it. They mean nothing in another era: an import begins a new one.

use foundationdb::RangeOption;
use foundationdb::options::StreamingMode;
use tessera_inventory::{EventId, Sequence};
use tessera_store::StoreError;

use crate::keyspace::{FEED_SHARDS, STAMP_BYTES, Section};
use crate::rows::{FormatRow, decode_feed_entry};
use crate::store::FoundationStore;

/// Where a reader stands in a shard of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which life of the installation the position is of.
    pub era: u64,
    /// The versionstamp of the last entry that was read; zeros before the first.
    pub position: [u8; STAMP_BYTES],
}

/// An append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// To which event.
    pub event: EventId,
    /// The last sequence that it wrote.
    pub sequence: Sequence,
}

/// Some entries, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPage {
    /// In the order of the commits.
    pub entries: Vec<FeedEntry>,
    /// After the last of them.
    pub cursor: Cursor,
}

/// What a reader of the feed is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedRead {
    /// What came after its cursor.
    Page(FeedPage),
    /// Its cursor is of another era: it reads every event from what it knows of it, and goes on from this cursor.
    OtherEra(Cursor),
}

impl FoundationStore {
    /// Before the first entry of any shard.
    #[must_use]
    pub fn feed_begin(&self) -> Cursor {
        Cursor { era: self.era(), position: [0; STAMP_BYTES] }
    }

    /// Up to `limit` entries of a shard (below [`FEED_SHARDS`]) after `cursor`.
    ///
    /// # Errors
    /// As the store says; [`StoreError::TooLarge`] where there is no such shard.
    pub async fn feed(&self, shard: u8, cursor: Cursor, limit: usize) -> Result<FeedRead, StoreError> {
        if shard >= FEED_SHARDS {
            let (actual, limit) = (shard.into(), (FEED_SHARDS - 1).into());
            return Err(StoreError::TooLarge { what: "the number of a shard", actual, limit });
        }
        let version = self.cluster().fresh_version().await?;
        let format = self.keyspace().section(Section::Format);
        let row = self.cluster().read(version, |transaction| transaction.get(&format, true)).await?;
        let FormatRow { era, .. } = FormatRow::decode(row.as_deref().unwrap_or_default())?;
        if era != cursor.era {
            return Ok(FeedRead::OtherEra(Cursor { era, position: [0; STAMP_BYTES] }));
        }
        let shard = self.keyspace().key(Section::Feed, &[shard]);
        let begin = [&shard[..], &cursor.position, &[0]].concat();
        let end = [&shard[..], &[0xff; STAMP_BYTES]].concat();
        let read = self.cluster().read(version, |transaction| {
            let range = RangeOption {
                limit: Some(limit.max(1)),
                mode: StreamingMode::WantAll,
                ..RangeOption::from((begin.as_slice(), end.as_slice()))
            };
            transaction.get_range(&range, 1, true)
        });
        let mut page = FeedPage { entries: Vec::new(), cursor };
        for row in &read.await? {
            let unreadable =
                || StoreError::Damaged { reason: "an entry of the feed cannot be read".to_owned() };
            let position = row.key().strip_prefix(&shard[..]).ok_or_else(unreadable)?;
            page.cursor.position = position.try_into().map_err(|_| unreadable())?;
            let (event, sequence) = decode_feed_entry(row.value()).ok_or_else(unreadable)?;
            page.entries.push(FeedEntry { event, sequence });
        }
        Ok(FeedRead::Page(page))
    }
}
