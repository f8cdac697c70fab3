//! A few threads that do blocking reads, so that no executor's thread does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};
use tessera_store::StoreError;

/// Reads that may wait. Beyond, a read is answered [`StoreError::Unavailable`].
const READS_WAITING_MAX: usize = 4096;

type Job = Box<dyn FnOnce() + Send>;

enum Work {
    Job(Job),
    Stop,
}

/// Sends reads to the threads. Clones share them.
#[derive(Clone)]
pub(crate) struct Readers(Sender<Work>);

impl Readers {
    /// Start `count` threads; whoever holds them joins them after [`Readers::stop`].
    pub(crate) fn start(count: usize) -> io::Result<(Readers, Vec<JoinHandle<()>>)> {
        let (sender, receiver) = bounded(READS_WAITING_MAX);
        let threads = (0..count.max(1)).map(|_| {
            let receiver: Receiver<Work> = receiver.clone();
            Builder::new().name("store-reader".to_owned()).spawn(move || {
                while let Ok(Work::Job(job)) = receiver.recv() {
                    // Who waits for it is told by the end of the channel; the thread is there for the others.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })
        });
        Ok((Readers(sender), threads.collect::<io::Result<Vec<_>>>()?))
    }

    /// Run `read` on one of the threads.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            // Nobody may be waiting any more.
            let _ = answer.send(read());
        });
        if self.0.try_send(Work::Job(job)).is_err() {
            let reason = format!("{READS_WAITING_MAX} reads are waiting, or the store is closing");
            return future::ready(Err(StoreError::Unavailable { reason })).boxed();
        }
        let closed = || StoreError::Unavailable {
            reason: "the read panicked, or the store was closed during it".to_owned(),
        };
        answered.map(move |answer| answer.unwrap_or_else(|_| Err(closed()))).boxed()
    }

    /// Tell `count` threads to end after what came before.
    pub(crate) fn stop(&self, count: usize) {
        for _ in 0..count {
            // Threads that have ended already need no telling.
            let _ = self.0.send(Work::Stop);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn a_read_that_panics_costs_the_others_no_thread() {
        let (readers, threads) = Readers::start(1).unwrap();
        for _ in 0..3 {
            let panicked = block_on(readers.run(|| -> Result<(), StoreError> { panic!("injected") }));
            assert!(matches!(panicked, Err(StoreError::Unavailable { .. })), "{panicked:?}");
        }
        assert_eq!(block_on(readers.run(|| Ok(7))), Ok(7));
        readers.stop(threads.len());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
