//! What every store must do, as one suite that each implementation passes unchanged.
//!
//! Every case opens a store of its own through the function it is given and panics with a sentence when the store
//! does not conform; call [`all`] from a test.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a suite of assertions: panicking is how it reports"
)]

pub mod log;
pub mod table;

use std::future::Future;

use crate::{Log, Table};

/// Every case of the suite, one after the other. `open` gives an empty store each time.
pub async fn all<S, F, R>(open: F)
where
    S: Log + Table,
    F: Fn() -> R,
    R: Future<Output = S>,
{
    log::all(&open).await;
    table::all(&open).await;
}
