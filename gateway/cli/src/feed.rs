//! `tessera inspect feed`.

use tessera_server::settings::{Settings, StoreKind};

use crate::arguments::FeedArguments;
use crate::failure::Failure;

/// Prints what was appended to any event after a place, a line of JSON each; follows it, where that is asked for.
pub(crate) async fn run(settings: &Settings, arguments: FeedArguments) -> Result<(), Failure> {
    match settings.store.kind {
        StoreKind::Embedded => Err(Failure::NoFeed),
        StoreKind::FoundationDb => foundation::run(settings, arguments).await,
    }
}

#[cfg(feature = "foundationdb")]
mod foundation {
    use std::ops::Range;
    use std::time::Duration;

    use tessera_foundationdb::cursor::Cursor;
    use tessera_foundationdb::keyspace::{FEED_SHARDS, feed_shard};
    use tessera_foundationdb::{FeedEntry, FeedRead};
    use tessera_server::ids;
    use tessera_server::settings::Settings;
    use tessera_store::StoreError;

    use crate::arguments::FeedArguments;
    use crate::failure::Failure;
    use crate::output::{heard, remark};
    use crate::store::foundation::find_cluster;

    /// Entries of one shard read at once.
    const PAGE_ENTRIES: usize = 1_000;
    /// Pause of a follower that has all there is, or that the store does not answer.
    const PAUSE: Duration = Duration::from_millis(250);

    pub(super) async fn run(settings: &Settings, arguments: FeedArguments) -> Result<(), Failure> {
        let shards = shards(arguments.shard)?;
        let after = arguments.after.as_deref().map(str::parse::<Cursor>).transpose()?;
        let store = find_cluster(settings).await?;
        let mut cursor = after.unwrap_or_else(|| Cursor::begin(store.era()));
        loop {
            match store.feed(shards.clone(), cursor, PAGE_ENTRIES).await {
                Ok(FeedRead::OtherEra(begin)) => return Err(Failure::OtherEra { after: cursor, begin }),
                Ok(FeedRead::Entries(entries)) if entries.is_empty() && !arguments.follow => return Ok(()),
                Ok(FeedRead::Entries(entries)) if entries.is_empty() => tokio::time::sleep(PAUSE).await,
                Ok(FeedRead::Entries(entries)) => {
                    for entry in entries {
                        cursor.position = entry.position;
                        if !heard(line(&cursor, &entry)) {
                            return Ok(());
                        }
                    }
                }
                Err(error @ (StoreError::Unavailable { .. } | StoreError::Outdated { .. }))
                    if arguments.follow =>
                {
                    remark(error);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn shards(only: Option<u8>) -> Result<Range<u8>, Failure> {
        match only {
            None => Ok(0..FEED_SHARDS),
            Some(shard) if shard < FEED_SHARDS => Ok(shard..shard + 1),
            Some(shard) => Err(Failure::NoSuchShard(shard)),
        }
    }

    /// Written by hand for the order of the fields, which people read.
    fn line(Cursor { era, position }: &Cursor, entry: &FeedEntry) -> String {
        let FeedEntry { event, sequence, .. } = entry;
        let (shard, event) = (feed_shard(*event), ids::event(*event));
        format!(
            r#"{{"era":"{era}","position":"{position}","shard":{shard},"event":"{event}","sequence":{sequence}}}"#
        )
    }
}

/// A binary that was built without FoundationDB says so.
#[cfg(not(feature = "foundationdb"))]
mod foundation {
    use tessera_server::settings::Settings;

    use crate::arguments::FeedArguments;
    use crate::failure::Failure;

    pub(super) async fn run(_: &Settings, _: FeedArguments) -> Result<(), Failure> {
        Err(Failure::WithoutFoundationDb)
    }
}
