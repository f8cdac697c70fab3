//! What a follower does with records, and how far it is: its cursor, fenced so that two followers never work off the same records
//! under one fence.

use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_store::keys::{FollowerCursor, FollowerCursorKey};
use tessera_store::{LogRecord, StoreError, Table, transact};

use super::FollowerKind;

/// Works off records for one follower.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) kind: FollowerKind,
    pub(crate) table: Arc<dyn Table>,
}

/// How far a follower is in one event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) cursor: FollowerCursor,
}

/// What became of some records.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// They are worked off; the cursor is durable.
    Done(Position),
    /// Another follower has taken over: nothing was done.
    Fenced,
}

impl Worker {
    /// Take the event over: raise the fence of its cursor.
    pub(crate) async fn take_over(&self, event: EventId) -> Result<Position, StoreError> {
        let key = self.key(event);
        let key = &key;
        transact(&*self.table, |mut transaction| async move {
            let stored =
                transaction.get(key).await?.map(|value| FollowerCursor::decode(&value)).transpose()?;
            let before = stored.unwrap_or(FollowerCursor { fence: 0, sequence: Sequence::ZERO });
            let cursor = FollowerCursor { fence: before.fence + 1, ..before };
            transaction.set(key, &cursor.encode());
            Ok((transaction, Position { cursor }))
        })
        .await
    }

    /// Work off the records after the cursor and move it, in one transaction.
    pub(crate) async fn work_off(
        &self,
        event: EventId,
        position: Position,
        records: &[LogRecord],
    ) -> Result<Step, StoreError> {
        let key = self.key(event);
        let key = &key;
        let Some(last) = records.last() else { return Ok(Step::Done(position)) };
        let next = FollowerCursor { sequence: last.last_sequence, ..position.cursor };
        transact(&*self.table, |mut transaction| async move {
            let stored =
                transaction.get(key).await?.map(|value| FollowerCursor::decode(&value)).transpose()?;
            // The cursor is where this attempt or an earlier one, of unknown outcome, has put it.
            if stored != Some(position.cursor) && stored != Some(next) {
                return Ok((transaction, Step::Fenced));
            }
            transaction.set(key, &next.encode());
            Ok((transaction, Step::Done(Position { cursor: next })))
        })
        .await
    }

    fn key(&self, event: EventId) -> Vec<u8> {
        FollowerCursorKey { event, follower: self.kind.name().to_owned() }.pack()
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("kind", &self.kind).finish_non_exhaustive()
    }
}
