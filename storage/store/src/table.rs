//! `Table`: serializable transactions over an ordered map of bytes, for everything outside an event's inventory.

use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::{self, BoxFuture};

use crate::StoreError;

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// What became of a table transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Durable.
    Committed,
    /// Something that the transaction read has changed; nothing was written. Run it again.
    Conflict,
    /// It may or may not have been written. Run it again; transactions are written to be repeatable.
    Unknown {
        /// For the operator.
        reason: String,
    },
}

/// One transaction: reads see a consistent state and its own writes; nothing is visible before `commit`.
pub trait Transaction: Send {
    /// The value under `key`.
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>>;

    /// Read these keys together, so that [`Transaction::get`] has the value of each at hand: one way to the store instead of one each. Only what is got
    /// then counts as read. A transaction that wraps another may leave it out.
    fn read_ahead<'a>(&'a mut self, keys: BTreeSet<Vec<u8>>) -> BoxFuture<'a, Result<(), StoreError>> {
        drop(keys);
        future::ready(Ok(())).boxed()
    }

    /// Up to `limit` rows with `begin <= key < end`, ascending, or descending when `reverse`.
    fn range<'a>(
        &'a mut self,
        begin: &'a [u8],
        end: &'a [u8],
        limit: usize,
        reverse: bool,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// Write `value` under `key` (key at most [`crate::KEY_BYTES_MAX`], value at most [`crate::VALUE_BYTES_MAX`]).
    fn set(&mut self, key: &[u8], value: &[u8]);

    /// Remove `key`.
    fn clear(&mut self, key: &[u8]);

    /// Remove every key with `begin <= key < end`.
    fn clear_range(&mut self, begin: &[u8], end: &[u8]);

    /// Make all of it durable, or nothing.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitOutcome, StoreError>>;
}

/// An ordered map of bytes with serializable transactions.
pub trait Table: Send + Sync + 'static {
    /// Begin a transaction at a fresh read version.
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>>;
}
