//! The venue file behind an event's configuration, byte by byte as the organizer gave it, in chunks.

use tessera_inventory::EventId;
use tessera_store::{CHUNK_BYTES, StoreError, TRANSACTION_BYTES_MAX, keys::VenueChunkKey, transact};

use super::{Catalogue, row};
use crate::{damage::damaged, page::after};

/// Longest venue file, in bytes.
pub const VENUE_FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Chunks written or read in one transaction.
const CHUNKS_PER_TRANSACTION: usize = 10;

const _: () = assert!(CHUNKS_PER_TRANSACTION * CHUNK_BYTES * 2 < TRANSACTION_BYTES_MAX);

/// A venue file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueFile {
    /// Version of the configuration that it is behind.
    pub version: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Catalogue {
    /// Keep the file behind version `version` (at least 1) of the configuration, after that version was accepted. A file
    /// of an earlier version goes; beside one of a later version, this one does not stay. Repeatable with the same bytes.
    ///
    /// # Errors
    /// As the table says; [`StoreError::TooLarge`] for a file over [`VENUE_FILE_BYTES_MAX`]; [`StoreError::Damaged`]
    /// where the event is not in the catalogue.
    pub async fn put_venue_file(&self, event: EventId, version: u32, bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.len() > VENUE_FILE_BYTES_MAX {
            let (actual, limit) = (bytes.len(), VENUE_FILE_BYTES_MAX);
            return Err(StoreError::TooLarge { what: "venue file", actual, limit });
        }
        let chunks: Vec<(u32, &[u8])> = (0..).zip(bytes.chunks(CHUNK_BYTES)).collect();
        for group in chunks.chunks(CHUNKS_PER_TRANSACTION) {
            transact(self.table.as_ref(), |mut transaction| async move {
                for &(chunk, bytes) in group {
                    let key = VenueChunkKey { event, version, chunk }.pack();
                    // Read, so that an attempt of unknown outcome that lands late conflicts with what came after it.
                    transaction.get(&key).await?;
                    transaction.set(&key, bytes);
                }
                Ok::<_, StoreError>((transaction, ()))
            })
            .await?;
        }
        let pointer = row::VenuePointer { version, length: bytes.len() as u64 };
        transact(self.table.as_ref(), |mut transaction| async move {
            let stored = row::read(transaction.as_mut(), event).await?;
            let mut stored = stored.ok_or_else(|| damaged(format!("{event:?} is not in the catalogue")))?;
            if stored.venue.is_some_and(|stands| stands.version > version) {
                let (begin, end) = VenueChunkKey::range(event, version);
                transaction.clear_range(&begin, &end);
            } else {
                let (begin, end) = VenueChunkKey::range_before(event, version);
                transaction.clear_range(&begin, &end);
                stored.venue = Some(pointer);
                row::write(transaction.as_mut(), &stored);
            }
            Ok((transaction, ()))
        })
        .await
    }

    /// The file of the latest version that has one.
    ///
    /// # Errors
    /// As the table says; [`StoreError::Unavailable`] where a newer file took its place while it was read.
    pub async fn venue_file(&self, event: EventId) -> Result<Option<VenueFile>, StoreError> {
        let Some(pointer) = self.venue_pointer(event).await? else { return Ok(None) };
        let bytes = self.chunks(event, pointer.version).await?;
        if bytes.len() as u64 == pointer.length {
            return Ok(Some(VenueFile { version: pointer.version, bytes }));
        }
        if self.venue_pointer(event).await? == Some(pointer) {
            return Err(damaged(format!("the venue file of {event:?} is not as long as it was")));
        }
        let reason = format!("the venue file of {event:?} was replaced during the read");
        Err(StoreError::Unavailable { reason })
    }

    async fn venue_pointer(&self, event: EventId) -> Result<Option<row::VenuePointer>, StoreError> {
        let mut transaction = self.table.begin().await?;
        Ok(row::read(transaction.as_mut(), event).await?.and_then(|stored| stored.venue))
    }

    async fn chunks(&self, event: EventId, version: u32) -> Result<Vec<u8>, StoreError> {
        let (mut begin, end) = VenueChunkKey::range(event, version);
        let mut bytes = Vec::new();
        loop {
            let mut transaction = self.table.begin().await?;
            let rows = transaction.range(&begin, &end, CHUNKS_PER_TRANSACTION, false).await?;
            let full = rows.len() == CHUNKS_PER_TRANSACTION;
            for (key, chunk) in rows {
                bytes.extend_from_slice(&chunk);
                begin = after(key);
            }
            if !full {
                return Ok(bytes);
            }
        }
    }
}
