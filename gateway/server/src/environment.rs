//! Time, randomness and tasks of the operating system: what the composition root hands to everything below it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;
use tessera_actors::{Clock, Environment, Random, TokioSpawn};
use tessera_inventory::Timestamp;
use tessera_writer::{Monotonic, Mutation};

/// The clocks of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // this is where ambient time comes in
    pub fn new() -> SystemClock {
        SystemClock { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Monotonic {
        Monotonic(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    #[allow(clippy::disallowed_methods)] // this is where ambient time comes in
    fn wall(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, deadline_at: Monotonic) -> BoxFuture<'static, ()> {
        let at = self.origin + Duration::from_micros(deadline_at.0);
        Box::pin(tokio::time::sleep_until(at.into()))
    }
}

/// The randomness of the operating system.
#[derive(Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn bits(&self) -> u128 {
        let mut bytes = [0; 16];
        // Without randomness no identity is safe: there is nothing to go on with.
        #[allow(clippy::expect_used)]
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        u128::from_be_bytes(bytes)
    }
}

/// The environment of a real process, on this runtime.
#[must_use]
pub fn system(runtime: tokio::runtime::Handle) -> Environment {
    Environment {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
        spawn: Arc::new(TokioSpawn(runtime)),
        mutation: Mutation::default(),
    }
}
