//! Everything that the actors do not make themselves: time, randomness, and where futures and heavy work run.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use tessera_inventory::Timestamp;
use tessera_writer::{Monotonic, Mutation};

/// Time. The composition root gives the system's, tests and simulations their own.
pub trait Clock: Send + Sync + 'static {
    /// Monotonic time since a fixed origin of the process.
    fn monotonic(&self) -> Monotonic;

    /// Wall time. Read at activation and for reports; never trusted to be monotonic.
    fn wall(&self) -> Timestamp;

    /// Resolves once [`Clock::monotonic`] has reached `deadline_at`.
    fn sleep_until(&self, deadline_at: Monotonic) -> BoxFuture<'static, ()>;
}

/// Randomness for identities of batches and for jitter; unpredictable in production, seeded in tests.
pub trait Random: Send + Sync + 'static {
    /// 128 uniformly distributed bits.
    fn bits(&self) -> u128;
}

/// Where futures and heavy synchronous work run.
pub trait Spawn: Send + Sync + 'static {
    /// Run a future to its end, independently of whoever started it.
    fn spawn(&self, future: BoxFuture<'static, ()>);

    /// Run work that occupies a thread (replay, snapshots) off the threads that serve.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>);
}

/// Everything injected into the supervision tree.
#[derive(Clone)]
pub struct Environment {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Tasks and threads.
    pub spawn: Arc<dyn Spawn>,
    /// A deliberate defect of every writer, for tests of what must find it. None can be chosen without the feature `mutants` of
    /// the writer's crate.
    #[doc(hidden)]
    pub mutation: Mutation,
}

impl Environment {
    /// The instant `ms` milliseconds from now.
    #[must_use]
    pub(crate) fn after_ms(&self, ms: u64) -> Monotonic {
        Monotonic(self.clock.monotonic().0.saturating_add(ms.saturating_mul(1_000)))
    }

    /// Resolves after `ms` milliseconds of the injected clock.
    pub(crate) fn sleep_ms(&self, ms: u64) -> BoxFuture<'static, ()> {
        self.clock.sleep_until(self.after_ms(ms))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// [`Spawn`] on a tokio runtime that the composition root owns.
#[derive(Clone, Debug)]
pub struct TokioSpawn(pub tokio::runtime::Handle);

impl Spawn for TokioSpawn {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        drop(self.0.spawn(future));
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(self.0.spawn_blocking(work));
    }
}
