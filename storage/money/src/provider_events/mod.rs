//! What providers told by webhooks: kept before anything follows from it, and once, however often it is told. What is handled stays known by its
//! name for ever; what it said, data of persons among it, is dropped.

mod row;

use std::sync::Arc;

use tessera_inventory::Timestamp;
use tessera_payments::ProviderEventId;
use tessera_store::keys::{ProviderEventDueKey, ProviderEventKey};
use tessera_store::{CHUNK_BYTES, StoreError, Table, Transaction, transact};

use crate::Lane;
use crate::read::{provider_of, unreadable};

pub use row::{ProviderEvent, Standing};

/// Longest body of a provider's event, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Longest body of an event of which only its provider can say whether it is its own, in bytes: anybody may send such.
pub const UNVERIFIED_BYTES_MAX: usize = 64 * 1024;
/// While so many events of a lane wait, none is kept of which only its provider can say whether it is its own.
pub const UNVERIFIED_WAITING_MAX: usize = 512;
/// Longest name of a provider's event, in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// Most headers of a provider's event that are kept, in bytes.
pub const HEADERS_BYTES_MAX: usize = 8 * 1024;

/// Chunks that a body has at most.
const CHUNKS_MAX: usize = BODY_BYTES_MAX.div_ceil(CHUNK_BYTES) + 1;
/// What the first chunk has of a body at most, in bytes.
const FIRST_BYTES_MAX: usize = CHUNK_BYTES - HEADERS_BYTES_MAX;

/// What became of an event that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept now.
    Now,
    /// It was kept before.
    Before(Standing),
}

/// An event that waits to be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub id: ProviderEventId,
    /// When it came.
    pub received_at: Timestamp,
}

/// Where events that wait are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// With what came then.
    At(Timestamp),
    /// After one that was seen.
    After(Waiting),
}

/// The events of providers, over a table.
#[derive(Clone)]
pub struct ProviderEvents {
    table: Arc<dyn Table>,
}

impl ProviderEvents {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> ProviderEvents {
        ProviderEvents { table }
    }

    /// Keep an event, unless one of its name is there. Its body has at most [`BODY_BYTES_MAX`], its headers [`HEADERS_BYTES_MAX`], its name
    /// [`NAME_BYTES_MAX`] bytes. Of one that is handled already its name is kept, and a hash of its body.
    ///
    /// # Errors
    /// As the table says.
    pub async fn keep(&self, event: &ProviderEvent) -> Result<Kept, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            if let Some(row) = transaction.get(&key(&event.id, 0).pack()).await? {
                let (kept, _) = row::decode(&event.id, &row)?;
                return Ok((transaction, Kept::Before(kept.standing)));
            }
            let hash = blake3::hash(&event.body);
            let (first, rest) = event.body.split_at(event.body.len().min(FIRST_BYTES_MAX));
            transaction.set(&key(&event.id, 0).pack(), &row::encode(event, first, hash.as_bytes()));
            if event.standing.waits() {
                for (chunk, body) in (1..).zip(rest.chunks(CHUNK_BYTES)) {
                    transaction.set(&key(&event.id, chunk).pack(), body);
                }
                transaction.set(&due_key(event).pack(), &[]);
            }
            Ok((transaction, Kept::Now))
        })
        .await
    }

    /// An event as it came; one that is handled has neither headers nor a body any more.
    ///
    /// # Errors
    /// As the table says.
    pub async fn load(&self, id: &ProviderEventId) -> Result<Option<ProviderEvent>, StoreError> {
        let (begin, end) = ProviderEventKey::range(id.provider.0.get(), &id.event);
        let rows = self.table.begin().await?.range(&begin, &end, CHUNKS_MAX, false).await?;
        let mut rows = rows.into_iter().map(|(_, row)| row);
        let Some(first) = rows.next() else { return Ok(None) };
        let (mut event, _) = row::decode(id, &first)?;
        rows.for_each(|chunk| event.body.extend(chunk));
        Ok(Some(event))
    }

    /// Up to `most` events of a lane that wait, the oldest first, from a place on.
    ///
    /// # Errors
    /// As the table says.
    pub async fn due(
        &self,
        lane: Lane,
        from: Option<&Cursor>,
        most: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        let (first, end) = ProviderEventDueKey::range(lane.number());
        let of = |received_at, provider, event: String| {
            ProviderEventDueKey { lane: lane.number(), received_at, provider, event }.pack()
        };
        let begin = match from {
            None => first,
            Some(Cursor::At(at)) => of(*at, 0, String::new()),
            Some(Cursor::After(seen)) => {
                let key = of(seen.received_at, seen.id.provider.0.get(), seen.id.event.to_string());
                [&key[..], &[0x00]].concat()
            }
        };
        let rows = self.table.begin().await?.range(&begin, &end, most, false).await?;
        let waiting = rows.iter().map(|(key, _)| {
            let ProviderEventDueKey { received_at, provider, event, .. } = ProviderEventDueKey::unpack(key)?;
            let id = ProviderEventId {
                provider: provider_of(provider, "a provider's events")?,
                event: event.into_boxed_str(),
            };
            Ok(Waiting { id, received_at })
        });
        waiting.collect()
    }

    /// Whether an event of which only its provider can say whether it is its own finds no room in a lane: [`UNVERIFIED_WAITING_MAX`] wait there.
    ///
    /// # Errors
    /// As the table says.
    pub async fn is_full(&self, lane: Lane) -> Result<bool, StoreError> {
        let (begin, end) = ProviderEventDueKey::range(lane.number());
        let rows = self.table.begin().await?.range(&begin, &end, UNVERIFIED_WAITING_MAX, false).await?;
        Ok(rows.len() == UNVERIFIED_WAITING_MAX)
    }

    /// Forget an event that its provider did not tell, as far as anybody says: nothing of it is left. One that stands otherwise than unverified
    /// meanwhile stays.
    ///
    /// # Errors
    /// As the table says.
    pub async fn forget(&self, id: &ProviderEventId) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            if let Some(row) = transaction.get(&key(id, 0).pack()).await? {
                let (event, _) = row::decode(id, &row)?;
                if event.standing == Standing::Unverified {
                    let (begin, end) = ProviderEventKey::range(id.provider.0.get(), &id.event);
                    transaction.clear_range(&begin, &end);
                    transaction.clear(&due_key(&event).pack());
                }
            }
            Ok((transaction, ()))
        })
        .await
    }

    /// An event stands otherwise now; one that is handled stays so, is not due any more, and has lost what it said.
    ///
    /// # Errors
    /// As the table says; [`StoreError::Damaged`] where there is no such event.
    pub async fn stand(&self, id: &ProviderEventId, standing: Standing) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            stand(transaction.as_mut(), id, standing).await?;
            Ok((transaction, ()))
        })
        .await
    }
}

/// What was told by this event is in the rows of the same transaction.
pub(crate) async fn handled(
    transaction: &mut dyn Transaction,
    id: &ProviderEventId,
) -> Result<(), StoreError> {
    stand(transaction, id, Standing::Handled).await
}

async fn stand(
    transaction: &mut dyn Transaction,
    id: &ProviderEventId,
    standing: Standing,
) -> Result<(), StoreError> {
    let key = key(id, 0).pack();
    let row = transaction.get(&key).await?.ok_or_else(|| unreadable("a provider's events"))?;
    let (mut event, hash) = row::decode(id, &row)?;
    if event.standing == standing || event.standing == Standing::Handled {
        return Ok(());
    }
    event.standing = standing;
    transaction.set(&key, &row::encode(&event, &event.body, &hash));
    if standing.waits() {
        transaction.set(&due_key(&event).pack(), &[]);
        return Ok(());
    }
    transaction.clear(&due_key(&event).pack());
    if event.body.len() >= FIRST_BYTES_MAX {
        drop_rest(transaction, id);
    }
    Ok(())
}

/// Drop what a body has beyond the first chunk.
fn drop_rest(transaction: &mut dyn Transaction, id: &ProviderEventId) {
    let (_, end) = ProviderEventKey::range(id.provider.0.get(), &id.event);
    transaction.clear_range(&key(id, 1).pack(), &end);
}

/// The row that says how an event stands.
pub(crate) fn first_key(id: &ProviderEventId) -> Vec<u8> {
    key(id, 0).pack()
}

fn key(id: &ProviderEventId, chunk: u32) -> ProviderEventKey {
    ProviderEventKey { provider: id.provider.0.get(), event: id.event.to_string(), chunk }
}

fn due_key(event: &ProviderEvent) -> ProviderEventDueKey {
    ProviderEventDueKey {
        lane: event.lane.number(),
        received_at: event.received_at,
        provider: event.id.provider.0.get(),
        event: event.id.event.to_string(),
    }
}
