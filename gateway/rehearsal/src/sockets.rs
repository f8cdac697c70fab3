//! The sockets of one generator thread. New ones are opened until there are as many as allowed; then they are shared, the longest idle first, so that
//! every one of them stays in use. Who finds none waits, and its wait counts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tessera_demo::client::{Server, Socket};
use tokio::sync::oneshot;

/// The sockets of one thread.
#[derive(Debug)]
pub(crate) struct Sockets {
    server: Server,
    sockets_max: u32,
    /// Sockets that are open now.
    open: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    made: u32,
    idle: VecDeque<Socket>,
    waiting: VecDeque<oneshot::Sender<Socket>>,
}

impl Sockets {
    /// At most so many sockets to a server.
    pub(crate) fn new(server: &Server, sockets_max: u32) -> Self {
        let (open, state) = (AtomicU32::new(0), Mutex::new(State::default()));
        Sockets { server: server.clone(), sockets_max: sockets_max.max(1), open, state }
    }

    /// A socket; waits for one where all are in use. It must be given back.
    pub(crate) async fn take(&self) -> Socket {
        let waiting = {
            let mut state = self.state();
            if state.made < self.sockets_max {
                state.made += 1;
                return Socket::new(&self.server);
            }
            if let Some(socket) = state.idle.pop_front() {
                return socket;
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            receiver
        };
        // The sender stands in the queue until a socket is given to it.
        waiting.await.unwrap_or_else(|_| Socket::new(&self.server))
    }

    /// Give a socket back; whoever waits longest gets it.
    pub(crate) fn give(&self, mut socket: Socket) {
        let mut state = self.state();
        while let Some(waiting) = state.waiting.pop_front() {
            match waiting.send(socket) {
                Ok(()) => return,
                Err(returned) => socket = returned,
            }
        }
        state.idle.push_back(socket);
    }

    /// Note that a socket was opened or closed while it was in use.
    pub(crate) fn changed(&self, was_open: bool, is_open: bool) {
        match (was_open, is_open) {
            (false, true) => self.open.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.open.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// Sockets that are open.
    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked here ends the run; what it left is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_longest_gets_the_next_socket() {
        let server = Server::at("127.0.0.1:1".parse().unwrap(), "here").unwrap();
        let sockets = Sockets::new(&server, 1);
        let only = sockets.take().await;
        let mut first = Box::pin(sockets.take());
        let mut second = Box::pin(sockets.take());
        assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
        sockets.give(only);
        assert!(futures::poll!(&mut second).is_pending());
        sockets.give(first.await);
        second.await;
    }
}
