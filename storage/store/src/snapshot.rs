//! Snapshots of an event's state: written in chunks under a new id, then a pointer flips.

use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_writer::{Chain, Format};

use crate::keys::{SnapshotChunkKey, SnapshotId, SnapshotPointer, SnapshotPointerKey};
use crate::mutant::{Mutant, Mutation};
use crate::{CHUNK_BYTES, StoreError, TRANSACTION_BYTES_MAX, Table, Transaction, transact};

/// Chunks written or read in one transaction.
const CHUNKS_PER_TRANSACTION: usize = 10;
/// How often a reader starts over because the snapshot was replaced while it read.
const READ_ATTEMPTS_MAX: u32 = 8;

const _: () = assert!(CHUNKS_PER_TRANSACTION * CHUNK_BYTES * 2 < TRANSACTION_BYTES_MAX);

/// A state at a sequence, as bytes. Replay continues with the first record after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Format of `bytes`.
    pub format: Format,
    /// Sequence of the last event that the state includes.
    pub sequence: Sequence,
    /// The log's chain at that sequence.
    pub chain: Chain,
    /// The encoded state.
    pub bytes: Arc<[u8]>,
}

/// What became of a snapshot that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotOutcome {
    /// It is the newest now.
    Written,
    /// A snapshot at the same or a later sequence took its place; nothing of this one is left.
    Superseded,
}

/// Reads and writes the snapshots of every event in a [`Table`].
#[derive(Clone)]
pub struct SnapshotRepository {
    table: Arc<dyn Table>,
    mutation: Mutation,
}

impl SnapshotRepository {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> SnapshotRepository {
        SnapshotRepository { table, mutation: Mutation::default() }
    }

    /// Over `table`, with a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(table: Arc<dyn Table>, mutant: Mutant) -> SnapshotRepository {
        SnapshotRepository { table, mutation: Mutation::of(mutant) }
    }

    /// Write `snapshot` under `id`, which must never have been used for this event, then make it the newest and clear
    /// what it replaces. Two may write at once: the later sequence wins.
    pub async fn write(
        &self,
        event: EventId,
        id: SnapshotId,
        snapshot: &Snapshot,
    ) -> Result<SnapshotOutcome, StoreError> {
        let chunks: Vec<&[u8]> = snapshot.bytes.chunks(CHUNK_BYTES).collect();
        let too_large = |_| StoreError::TooLarge {
            what: "snapshot",
            actual: snapshot.bytes.len(),
            limit: u32::MAX as usize * CHUNK_BYTES,
        };
        let count = u32::try_from(chunks.len()).map_err(too_large)?;
        for (group, first) in chunks.chunks(CHUNKS_PER_TRANSACTION).zip((0..).step_by(CHUNKS_PER_TRANSACTION))
        {
            transact(&*self.table, |mut transaction| async move {
                for (bytes, chunk) in group.iter().zip(first..) {
                    let key = SnapshotChunkKey { event, id, chunk }.pack();
                    // Read, so that an attempt of unknown outcome that lands late conflicts with a flip that cleared the chunk.
                    transaction.get(&key).await?;
                    transaction.set(&key, bytes);
                }
                Ok::<_, StoreError>((transaction, ()))
            })
            .await?;
        }
        let pointer = SnapshotPointer {
            format: snapshot.format,
            sequence: snapshot.sequence,
            chain: snapshot.chain,
            id,
            chunks: count,
            length: snapshot.bytes.len() as u64,
            hash: *blake3::hash(&snapshot.bytes).as_bytes(),
        };
        transact(&*self.table, |mut transaction| async move {
            let outcome = flip(transaction.as_mut(), event, pointer, self.mutation).await?;
            Ok((transaction, outcome))
        })
        .await
    }

    /// The newest snapshot of `event`, verified; `None` where none was written.
    pub async fn newest(&self, event: EventId) -> Result<Option<Snapshot>, StoreError> {
        for _ in 0..READ_ATTEMPTS_MAX {
            let Some(pointer) = self.pointer(event).await? else { return Ok(None) };
            let bytes = self.chunks(event, &pointer).await?;
            if bytes.len() as u64 == pointer.length && *blake3::hash(&bytes).as_bytes() == pointer.hash {
                let SnapshotPointer { format, sequence, chain, .. } = pointer;
                return Ok(Some(Snapshot { format, sequence, chain, bytes: bytes.into() }));
            }
            if self.pointer(event).await? == Some(pointer) {
                let reason = format!(
                    "the snapshot of {event:?} at sequence {} does not have the hash its pointer names",
                    pointer.sequence
                );
                return Err(StoreError::Damaged { reason });
            }
        }
        let reason =
            format!("the snapshot of {event:?} was replaced {READ_ATTEMPTS_MAX} times during the read");
        Err(StoreError::Unavailable { reason })
    }

    /// What the newest snapshot of `event` is, without its bytes.
    pub async fn pointer(&self, event: EventId) -> Result<Option<SnapshotPointer>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let value = transaction.get(&SnapshotPointerKey { event }.pack()).await?;
        value.map(|value| SnapshotPointer::decode(&value)).transpose()
    }

    async fn chunks(&self, event: EventId, pointer: &SnapshotPointer) -> Result<Vec<u8>, StoreError> {
        let (mut begin, end) = SnapshotChunkKey::range(event, pointer.id);
        let mut bytes = Vec::new();
        loop {
            let mut transaction = self.table.begin().await?;
            let rows = transaction.range(&begin, &end, CHUNKS_PER_TRANSACTION, false).await?;
            for (_, value) in &rows {
                bytes.extend_from_slice(value);
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == CHUNKS_PER_TRANSACTION) else {
                return Ok(bytes);
            };
            begin.clone_from(last);
            begin.push(0);
        }
    }
}

/// Point to the new snapshot and clear every other one. A concurrent flip has cleared this one's chunks, the first of
/// them included: reading it here makes one of the two flips fail or run again.
async fn flip(
    transaction: &mut dyn Transaction,
    event: EventId,
    new: SnapshotPointer,
    mutation: Mutation,
) -> Result<SnapshotOutcome, StoreError> {
    let key = SnapshotPointerKey { event }.pack();
    let (begin, end) = SnapshotChunkKey::range(event, new.id);
    let stored = transaction.get(&key).await?.map(|value| SnapshotPointer::decode(&value)).transpose()?;
    if stored == Some(new) {
        return Ok(SnapshotOutcome::Written);
    }
    let first = SnapshotChunkKey { event, id: new.id, chunk: 0 }.pack();
    let cleared = new.chunks > 0
        && transaction.get(&first).await?.is_none()
        && !mutation.is(Mutant::ClearedChunksUnnoticed);
    let is_older = stored.is_some_and(|stored| stored.sequence >= new.sequence)
        && !mutation.is(Mutant::OlderSnapshotWins);
    if cleared || is_older {
        transaction.clear_range(&begin, &end);
        return Ok(SnapshotOutcome::Superseded);
    }
    let (first_of_event, end_of_event) = SnapshotChunkKey::range_of_event(event);
    transaction.clear_range(&first_of_event, &begin);
    transaction.clear_range(&end, &end_of_event);
    transaction.set(&key, &new.encode());
    Ok(SnapshotOutcome::Written)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    const EVENT: EventId = EventId(5);

    fn snapshot(sequence: u64, length: usize) -> Snapshot {
        let bytes: Vec<u8> = (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect();
        Snapshot {
            format: Format { version: 1, minimum_reader: 1 },
            sequence: Sequence(sequence),
            chain: Chain([9; 32]),
            bytes: bytes.into(),
        }
    }

    async fn chunk_count(store: &MemoryStore) -> usize {
        let (begin, end) = SnapshotChunkKey::range_of_event(EVENT);
        store.begin().await.unwrap().range(&begin, &end, usize::MAX, false).await.unwrap().len()
    }

    #[tokio::test]
    async fn the_newest_is_read_back_and_the_old_chunks_are_gone() {
        let store = MemoryStore::new();
        let repository = SnapshotRepository::new(Arc::new(store.clone()));
        assert_eq!(repository.newest(EVENT).await.unwrap(), None);
        for (id, length) in [(7, 2_500_000), (3, 0), (9, CHUNK_BYTES), (1, CHUNK_BYTES + 1)] {
            let written = snapshot(id * 100 + length as u64, length);
            let outcome = repository.write(EVENT, SnapshotId(u128::from(id)), &written).await.unwrap();
            let newest = repository.newest(EVENT).await.unwrap().unwrap();
            if outcome == SnapshotOutcome::Written {
                assert_eq!(newest, written);
            }
            assert_eq!(chunk_count(&store).await, newest.bytes.len().div_ceil(CHUNK_BYTES));
        }
    }

    #[tokio::test]
    async fn an_older_snapshot_does_not_replace_a_newer_one() {
        let store = MemoryStore::new();
        let repository = SnapshotRepository::new(Arc::new(store.clone()));
        let newer = snapshot(50, 300_000);
        repository.write(EVENT, SnapshotId(1), &newer).await.unwrap();
        let outcome = repository.write(EVENT, SnapshotId(2), &snapshot(40, 900_000)).await.unwrap();
        assert_eq!(outcome, SnapshotOutcome::Superseded);
        assert_eq!(repository.newest(EVENT).await.unwrap().unwrap(), newer);
        assert_eq!(chunk_count(&store).await, 4);
    }

    #[tokio::test]
    async fn a_changed_byte_is_damage() {
        let store = MemoryStore::new();
        let repository = SnapshotRepository::new(Arc::new(store.clone()));
        repository.write(EVENT, SnapshotId(1), &snapshot(50, 300_000)).await.unwrap();
        let key = SnapshotChunkKey { event: EVENT, id: SnapshotId(1), chunk: 2 }.pack();
        let mut transaction = store.begin().await.unwrap();
        transaction.set(&key, b"other");
        transaction.commit().await.unwrap();
        assert!(matches!(repository.newest(EVENT).await, Err(StoreError::Damaged { .. })));
    }
}
