//! The one timer of a shell: a task that sleeps until the writer wants to be woken.

use ractor::ActorRef;
use tessera_writer::Monotonic;
use tokio::sync::watch;

use super::ShellMessage;
use crate::Environment;

/// Wakes a shell with [`ShellMessage::TimerFired`]. An earlier time wakes the sleeping task; a later one lets it sleep on and
/// rearms when it fires, so that moving deadlines cost nothing.
#[derive(Debug)]
pub(crate) struct Timer {
    wanted: Option<Monotonic>,
    sleeping: watch::Sender<Option<Monotonic>>,
}

impl Timer {
    /// The task ends with the timer.
    pub(crate) fn start(environment: &Environment, shell: ActorRef<ShellMessage>) -> Timer {
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
                            if shell.cast(ShellMessage::TimerFired).is_err() {
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

    /// The task woke the shell: whether it is time.
    pub(crate) fn fired(&mut self, now: Monotonic) -> bool {
        let is_due = self.wanted.is_some_and(|at| at <= now);
        if is_due {
            self.wanted = None;
        }
        self.sleeping.send_replace(self.wanted);
        is_due
    }
}
