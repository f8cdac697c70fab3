//! The generator: threads with a runtime each, over which the sessions of a plan are dealt.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use crate::error::RehearsalError;
use crate::notes::Notes;
use crate::plan::Arrival;
use crate::shard::Shard;
use crate::stage::{Clock, Stage};

/// A crowd on its way. Dropping it sends everybody home.
#[derive(Debug)]
pub struct Crowd {
    shards: Vec<Arc<Shard>>,
    threads: Vec<JoinHandle<()>>,
    outcomes: Vec<oneshot::Receiver<Result<(), RehearsalError>>>,
    /// Its end stops the threads.
    go_on: watch::Sender<()>,
}

impl Crowd {
    /// Send the sessions of a schedule, over so many threads and at most so many sockets.
    ///
    /// # Errors
    /// [`RehearsalError::Threads`] when the operating system gives none.
    pub fn send(
        stage: &Arc<Stage>,
        clock: Clock,
        arrivals: &[Arrival],
        sockets_max: u32,
        threads: u32,
    ) -> Result<Self, RehearsalError> {
        let threads = threads.clamp(1, sockets_max.max(1));
        let (go_on, _) = watch::channel(());
        let mut crowd = Crowd { shards: Vec::new(), threads: Vec::new(), outcomes: Vec::new(), go_on };
        for thread in 0..threads {
            let sockets = sockets_max / threads + u32::from(thread < sockets_max % threads);
            let own = arrivals.iter().skip(thread as usize).step_by(threads as usize).copied().collect();
            crowd.begin(&Shard::new(stage, clock, sockets), own)?;
        }
        Ok(crowd)
    }

    fn begin(&mut self, shard: &Arc<Shard>, arrivals: Vec<Arrival>) -> Result<(), RehearsalError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RehearsalError::Threads)?;
        let (sender, outcome) = oneshot::channel();
        let mut stopped = self.go_on.subscribe();
        let running = Arc::clone(shard).run(arrivals);
        let thread = std::thread::Builder::new().name("generator".into()).spawn(move || {
            let outcome = runtime.block_on(async {
                tokio::select! {
                    outcome = running => outcome,
                    _ = stopped.changed() => Err(RehearsalError::Interrupted),
                }
            });
            // Nobody listens when the run was interrupted.
            drop(sender.send(outcome));
        });
        self.threads.push(thread.map_err(RehearsalError::Threads)?);
        self.shards.push(Arc::clone(shard));
        self.outcomes.push(outcome);
        Ok(())
    }

    /// Its threads, to look at while they run.
    #[must_use]
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// Wait until the last session has ended.
    ///
    /// # Errors
    /// What ended a thread early.
    pub async fn ended(&mut self) -> Result<(), RehearsalError> {
        for outcome in &mut self.outcomes {
            // A thread that panicked has dropped its sender.
            outcome.await.map_err(|_| RehearsalError::Threads(std::io::Error::other("one panicked")))??;
        }
        Ok(())
    }

    /// Everything that was seen, of all threads together.
    #[must_use]
    pub fn into_notes(mut self) -> Notes {
        let behaviours = self.shards.first().map(|shard| Arc::clone(&shard.stage));
        let names = behaviours.iter().flat_map(|stage| stage.behaviours.iter());
        let mut all = Notes::new(names.map(|behaviour| behaviour.name()));
        for shard in self.shards.drain(..) {
            let seen = std::mem::replace(&mut *shard.notes(), Notes::new(std::iter::empty()));
            all.merge(seen);
        }
        all.history.sort_by_key(|operation| operation.invoked_us);
        all
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let (gone, _) = watch::channel(());
        drop(std::mem::replace(&mut self.go_on, gone));
        for thread in self.threads.drain(..) {
            // A panic was told where it happened.
            thread.join().ok();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
