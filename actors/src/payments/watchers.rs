//! Who waits for the row of an order to be written.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tessera_inventory::{ClaimNumber, EventId};
use tokio::sync::oneshot;

type Order = (EventId, ClaimNumber);

/// Those who wait, at most as many as there are long polls.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Counted up, so that each has a name of its own.
    named: u64,
    of: BTreeMap<Order, BTreeMap<u64, oneshot::Sender<()>>>,
}

/// Resolves once a row of the order is written by this process after it was made. Who gives up drops it.
#[derive(Debug)]
pub struct RowWritten {
    watchers: Arc<Watchers>,
    order: Order,
    name: u64,
    told: oneshot::Receiver<()>,
}

impl Watchers {
    pub(super) fn watch(self: &Arc<Self>, event: EventId, order: ClaimNumber) -> RowWritten {
        let (sender, told) = oneshot::channel();
        let name = self.with(|waiting| {
            waiting.named += 1;
            waiting.of.entry((event, order)).or_default().insert(waiting.named, sender);
            waiting.named
        });
        RowWritten { watchers: Arc::clone(self), order: (event, order), name, told }
    }

    /// A row of this order is written.
    pub(super) fn tell(&self, event: EventId, order: ClaimNumber) {
        let waiting = self.with(|waiting| waiting.of.remove(&(event, order)));
        for sender in waiting.into_iter().flatten().map(|(_, sender)| sender) {
            // It may have given up.
            let _ = sender.send(());
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        // Nothing in here panics half-way.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Future for RowWritten {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.told).poll(context).map(drop)
    }
}

impl Drop for RowWritten {
    fn drop(&mut self) {
        self.watchers.with(|waiting| {
            if let Some(of) = waiting.of.get_mut(&self.order) {
                of.remove(&self.name);
                if of.is_empty() {
                    waiting.of.remove(&self.order);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn who_waits_for_an_order_is_told_of_it_and_who_gave_up_is_forgotten() {
        let watchers = Arc::new(Watchers::default());
        let mut first = watchers.watch(EventId(1), ClaimNumber(7));
        let second = watchers.watch(EventId(1), ClaimNumber(7));
        let mut other = watchers.watch(EventId(1), ClaimNumber(8));
        drop(second);
        assert_eq!((&mut first).now_or_never(), None);
        watchers.tell(EventId(1), ClaimNumber(7));
        assert_eq!((&mut first).now_or_never(), Some(()));
        assert_eq!((&mut other).now_or_never(), None);
        drop((first, other));
        assert!(watchers.with(|waiting| waiting.of.is_empty()), "nobody waits");
    }
}
