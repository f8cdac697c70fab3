//! How far each supervisor's follower has worked off the log of each event, and who may move it on.

use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_store::{
    StoreError, Table, Transaction,
    keys::{FollowerCursor, FollowerCursorKey},
    transact,
};

use crate::mutant::{Mutant, Mutation};

/// A follower without effects stores its place whenever it is so many events behind, and at the end of an ownership: what a crash takes
/// back has no effects to repeat. Where somebody may want effects later it does so at once.
pub const STORE_EVERY_EVENTS: u64 = 1_000;

/// The cursors of followers, over a table.
#[derive(Clone)]
pub struct FollowerCursors {
    table: Arc<dyn Table>,
    mutation: Mutation,
}

/// What became of an attempt to move a cursor on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// It stands here now.
    Advanced(FollowerCursor),
    /// Another follower took over, or moved it: stop.
    Fenced {
        /// What stands there.
        found: FollowerCursor,
    },
}

/// A follower that never ran.
const FRESH: FollowerCursor = FollowerCursor { fence: 0, sequence: Sequence::ZERO };

impl FollowerCursors {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> FollowerCursors {
        FollowerCursors { table, mutation: Mutation::default() }
    }

    /// Over `table`, with a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(table: Arc<dyn Table>, mutant: Mutant) -> FollowerCursors {
        FollowerCursors { mutation: Mutation::of(mutant), ..FollowerCursors::new(table) }
    }

    /// Where `follower` stands in the log of `event`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn read(&self, event: EventId, follower: &str) -> Result<FollowerCursor, StoreError> {
        stored(self.table.begin().await?.as_mut(), &key(event, follower)).await
    }

    /// Become the one who moves the cursor: whoever did so before is fenced from now on.
    ///
    /// # Errors
    /// As the table says.
    pub async fn take_over(&self, event: EventId, follower: &str) -> Result<FollowerCursor, StoreError> {
        let key = &key(event, follower);
        transact(self.table.as_ref(), |mut transaction| async move {
            let FollowerCursor { fence, sequence } = stored(transaction.as_mut(), key).await?;
            // Taken over twice where an earlier attempt of unknown outcome had landed: no harm, only numbers.
            let taken = FollowerCursor { fence: fence + 1, sequence };
            transaction.set(key, &taken.encode());
            Ok((transaction, taken))
        })
        .await
    }

    /// Move the cursor from `expected` to `sequence`, which is not before it. Do so after the effects of the events up to
    /// there are durable.
    ///
    /// # Errors
    /// As the table says.
    pub async fn advance(
        &self,
        event: EventId,
        follower: &str,
        expected: FollowerCursor,
        sequence: Sequence,
    ) -> Result<Advance, StoreError> {
        let mutation = self.mutation;
        transact(self.table.as_ref(), |mut transaction| async move {
            let place = (event, follower);
            let moved = moved(transaction.as_mut(), place, expected, sequence, mutation).await?;
            let next = FollowerCursor { sequence: sequence.max(expected.sequence), ..expected };
            Ok((transaction, moved.unwrap_or(Advance::Advanced(next))))
        })
        .await
    }
}

/// Move a cursor in a transaction that has effects besides. `None`: it moves; what is otherwise answered has been so before, and the
/// effects with it, or must not be.
///
/// # Errors
/// As the transaction says.
pub async fn advance_in(
    transaction: &mut dyn Transaction,
    place: (EventId, &str),
    expected: FollowerCursor,
    sequence: Sequence,
) -> Result<Option<Advance>, StoreError> {
    moved(transaction, place, expected, sequence, Mutation::default()).await
}

async fn moved(
    transaction: &mut dyn Transaction,
    (event, follower): (EventId, &str),
    expected: FollowerCursor,
    sequence: Sequence,
    mutation: Mutation,
) -> Result<Option<Advance>, StoreError> {
    let key = key(event, follower);
    let next = FollowerCursor { sequence: sequence.max(expected.sequence), ..expected };
    let found = stored(transaction, &key).await?;
    if found == next {
        return Ok(Some(Advance::Advanced(next)));
    }
    if found != expected && !mutation.is(Mutant::FenceIgnored) {
        return Ok(Some(Advance::Fenced { found }));
    }
    transaction.set(&key, &next.encode());
    Ok(None)
}

fn key(event: EventId, follower: &str) -> Vec<u8> {
    FollowerCursorKey { event, follower: follower.to_owned() }.pack()
}

async fn stored(transaction: &mut dyn Transaction, key: &[u8]) -> Result<FollowerCursor, StoreError> {
    match transaction.get(key).await? {
        Some(value) => FollowerCursor::decode(&value),
        None => Ok(FRESH),
    }
}
