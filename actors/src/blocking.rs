//! Heavy synchronous work off the threads that serve, and panics as values.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;
use tokio::sync::oneshot;

use crate::Spawn;

/// The work panicked, or its thread is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panicked {
    /// What it said.
    pub(crate) reason: String,
}

/// Run `work` on a thread that may block, and wait for it.
pub(crate) async fn blocking<T: Send + 'static>(
    spawn: &dyn Spawn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panicked> {
    let (sender, receiver) = oneshot::channel();
    spawn.spawn_blocking(Box::new(move || {
        // Nothing of the work is used after a panic, so nothing half-changed is seen.
        let outcome =
            catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Panicked { reason: describe(&*panic) });
        let _ = sender.send(outcome);
    }));
    let gone = || Panicked { reason: "the thread pool is shutting down".to_owned() };
    receiver.await.unwrap_or_else(|_| Err(gone()))
}

/// Wait for `future`; a panic in it comes back as a value, so that whoever waits for its answer gets one.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    // Nothing of the future is used after a panic, so nothing half-changed is seen.
    let outcome = AssertUnwindSafe(future).catch_unwind().await;
    outcome.map_err(|panic| Panicked { reason: describe(&*panic) })
}

/// What a panic said.
pub(crate) fn describe(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let owned = || panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(owned).unwrap_or("a panic without a message").to_owned()
}
