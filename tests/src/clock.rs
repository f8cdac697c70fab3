//! A clock that a test sets forward, so that nothing waits for real time.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::Clock;
use tessera_inventory::Timestamp;
use tessera_server::environment::SystemClock;
use tessera_writer::Monotonic;
use tokio::sync::watch;

/// The system's clocks, ahead by as much as the test says.
pub struct ForwardClock {
    system: Arc<SystemClock>,
    ahead: watch::Sender<Duration>,
}

impl Default for ForwardClock {
    fn default() -> Self {
        ForwardClock { system: Arc::new(SystemClock::new()), ahead: watch::Sender::new(Duration::ZERO) }
    }
}

impl ForwardClock {
    /// Lets time pass: both clocks jump, and who sleeps until then wakes.
    pub fn advance(&self, by: Duration) {
        self.ahead.send_modify(|ahead| *ahead += by);
    }

    fn ahead_us(&self) -> u64 {
        micros(*self.ahead.borrow())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}

impl Clock for ForwardClock {
    fn monotonic(&self) -> Monotonic {
        Monotonic(self.system.monotonic().0 + self.ahead_us())
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.system.wall().0 + self.ahead_us() / 1_000)
    }

    fn sleep_until(&self, deadline_at: Monotonic) -> BoxFuture<'static, ()> {
        let (system, mut moved) = (Arc::clone(&self.system), self.ahead.subscribe());
        async move {
            loop {
                let ahead = micros(*moved.borrow_and_update());
                let at = Monotonic(deadline_at.0.saturating_sub(ahead));
                tokio::select! {
                    () = system.sleep_until(at) => return,
                    // A clock that is gone is not set any more.
                    Ok(()) = moved.changed() => {}
                }
            }
        }
        .boxed()
    }
}
