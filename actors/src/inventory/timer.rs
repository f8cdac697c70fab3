//! The one timer of an actor: a task that sleeps until the actor wants to be woken.

use tessera_writer::Monotonic;
use tokio::sync::watch;

use crate::Environment;

/// Wakes an actor. An earlier time wakes the sleeping task; a later one lets it sleep on and
/// rearms when it fires, so that moving deadlines cost nothing.
#[derive(Debug)]
pub(crate) struct Timer {
    wanted: Option<Monotonic>,
    sleeping: watch::Sender<Option<Monotonic>>,
}

impl Timer {
    /// `wake` sends the message, and says whether somebody is there to get it. The task ends with the timer.
    pub(crate) fn start(environment: &Environment, wake: impl Fn() -> bool + Send + 'static) -> Timer {
        let (sleeping, mut times) = watch::channel(None::<Monotonic>);
        let clock = environment.clock.clone();
        environment.spawn.spawn(Box::pin(async move {
            loop {
                let until = *times.borrow_and_update();
                let moved = if let Some(at) = until {
                    tokio::select! {
                        biased;
                        moved = times.changed() => moved,
                        () = clock.sleep_until(at) => {
                            if !wake() {
                                return;
                            }
                            times.changed().await
                        }
                    }
                } else {
                    times.changed().await
                };
                if moved.is_err() {
                    return;
                }
            }
        }));
        Timer { wanted: None, sleeping }
    }

    /// Fire at `at` instead of any time before.
    pub(crate) fn arm(&mut self, at: Monotonic) {
        self.wanted = Some(at);
        let is_earlier = self.sleeping.borrow().is_none_or(|until| at < until);
        if is_earlier {
            self.sleeping.send_replace(Some(at));
        }
    }

    /// When it is to fire.
    pub(crate) fn wanted(&self) -> Option<Monotonic> {
        self.wanted
    }

    /// The task woke the actor: whether it is time.
    pub(crate) fn fired(&mut self, now: Monotonic) -> bool {
        let is_due = self.wanted.is_some_and(|at| at <= now);
        if is_due {
            self.wanted = None;
        }
        self.sleeping.send_replace(self.wanted);
        is_due
    }
}
