//! Where the replies to one serving thread arrive together.
//!
//! Waking a task of another thread costs a system call. The replies of a turn leave at once, and most go to the same few threads:
//! so they are laid on the desk of the thread that asked, which is woken for the first and hands out what lies there by itself.

use tessera_writer::Reply;
use tokio::sync::{mpsc, oneshot};

/// Replies handed out before other tasks of the thread have their turn.
const HANDED_OUT_AT_ONCE_MAX: usize = 256;

type Waiting = (oneshot::Sender<Reply>, Reply);

/// The replies to one serving thread. At most as many lie here as that thread has requests in the lanes of the writers.
#[derive(Debug)]
pub struct ReplyDesk(mpsc::UnboundedReceiver<Waiting>);

/// The way to a desk.
#[derive(Clone, Debug)]
pub(crate) struct DeskSender(mpsc::UnboundedSender<Waiting>);

/// A desk, and the way to it.
pub(crate) fn reply_desk() -> (DeskSender, ReplyDesk) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (DeskSender(sender), ReplyDesk(receiver))
}

impl ReplyDesk {
    /// Hands replies out for as long as anyone can ask. Runs as a task of the thread that asks; a reply that finds its desk
    /// dropped goes straight to its caller.
    pub async fn run(mut self) {
        let mut replies = Vec::with_capacity(HANDED_OUT_AT_ONCE_MAX);
        while self.0.recv_many(&mut replies, HANDED_OUT_AT_ONCE_MAX).await > 0 {
            for (caller, reply) in replies.drain(..) {
                // The caller may have gone; the decision stands all the same.
                let _ = caller.send(reply);
            }
        }
    }
}

impl DeskSender {
    pub(crate) fn deliver(&self, caller: oneshot::Sender<Reply>, reply: Reply) {
        if let Err(mpsc::error::SendError((caller, reply))) = self.0.send((caller, reply)) {
            // As above.
            let _ = caller.send(reply);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn replies_are_handed_out_and_survive_the_end_of_their_desk() {
        let (sender, desk) = reply_desk();
        let running = tokio::spawn(desk.run());
        let (caller, reply) = oneshot::channel();
        sender.deliver(caller, Reply::GaveUp);
        assert!(matches!(reply.await.unwrap(), Reply::GaveUp));
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        let (caller, reply) = oneshot::channel();
        sender.deliver(caller, Reply::NotExecuted);
        assert!(matches!(reply.await.unwrap(), Reply::NotExecuted));
    }
}
