//! The bounded queue in front of one thread.
//!
//! The thread sleeps as soon as there is nothing. The receivers of channels yield their processor a few times first, and since Linux
//! 6.18 whoever yields gives up the rest of its slice for good: on a busy machine every pause of the committer cost a turn milliseconds.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Where the thread takes from.
pub(crate) struct Inbox<T>(Arc<Queue<T>>);

/// Where others put in. Clones share it.
pub(crate) struct Inlet<T>(Arc<Queue<T>>);

struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// The thread sleeps: nobody is woken in vain, which would cost a system call.
    asleep: bool,
    /// Nothing more will come.
    stopped: bool,
    /// Nobody takes any more.
    ended: bool,
}

/// Why something was not put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// As many wait as may.
    Full,
    /// The thread has ended.
    Ended,
}

/// A queue of at most `capacity` items.
pub(crate) fn inbox<T>(capacity: usize) -> (Inlet<T>, Inbox<T>) {
    let state = State { items: VecDeque::new(), asleep: false, stopped: false, ended: false };
    let queue = Arc::new(Queue { state: Mutex::new(state), filled: Condvar::new(), capacity });
    (Inlet(Arc::clone(&queue)), Inbox(queue))
}

impl<T> Inbox<T> {
    /// The next item, waiting for it. `None` once told to stop and empty.
    pub(crate) fn next(&self) -> Option<T> {
        let mut state = self.0.state();
        loop {
            if let Some(item) = state.items.pop_front() {
                return Some(item);
            }
            if state.stopped {
                return None;
            }
            state.asleep = true;
            state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep = false;
        }
    }

    /// The next item, if there is one.
    pub(crate) fn next_now(&self) -> Option<T> {
        self.0.state().items.pop_front()
    }
}

impl<T> Drop for Inbox<T> {
    /// However the thread ends, what waits is dropped, which tells those who wait for it.
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended = true;
        let waiting = std::mem::take(&mut state.items);
        drop(state);
        drop(waiting);
    }
}

impl<T> Inlet<T> {
    /// Put an item in.
    pub(crate) fn try_send(&self, item: T) -> Result<(), NotSent> {
        let mut state = self.0.state();
        if state.ended {
            return Err(NotSent::Ended);
        }
        if state.items.len() >= self.0.capacity {
            return Err(NotSent::Full);
        }
        state.items.push_back(item);
        self.0.wake(state);
        Ok(())
    }

    /// Tell the thread to end after what came before.
    pub(crate) fn stop(&self) {
        let mut state = self.0.state();
        state.stopped = true;
        self.0.wake(state);
    }
}

impl<T> Clone for Inlet<T> {
    fn clone(&self) -> Inlet<T> {
        Inlet(Arc::clone(&self.0))
    }
}

impl<T> Queue<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, state: MutexGuard<'_, State<T>>) {
        let asleep = state.asleep;
        drop(state);
        if asleep {
            self.filled.notify_one();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)] // threads of a test
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn everything_that_came_before_the_stop_is_taken() {
        let (inlet, inbox) = inbox(4);
        let taking = thread::spawn(move || std::iter::from_fn(|| inbox.next()).sum::<u64>());
        let mut sent = 0;
        for number in 1..=10_000 {
            while inlet.try_send(number) == Err(NotSent::Full) {
                thread::yield_now();
            }
            sent += number;
        }
        inlet.stop();
        assert_eq!(taking.join().unwrap(), sent);
    }

    #[test]
    fn a_full_inbox_says_so_and_an_abandoned_one_drops_what_waits() {
        let (inlet, inbox) = inbox(2);
        let item = Arc::new(());
        assert_eq!(inlet.try_send(Arc::clone(&item)), Ok(()));
        assert_eq!(inlet.try_send(Arc::clone(&item)), Ok(()));
        assert_eq!(inlet.try_send(Arc::clone(&item)), Err(NotSent::Full));
        assert!(inbox.next_now().is_some());
        drop(inbox);
        assert_eq!(Arc::strong_count(&item), 1, "what waited was dropped");
        assert_eq!(inlet.try_send(Arc::clone(&item)), Err(NotSent::Ended));
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
