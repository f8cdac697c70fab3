//! Who waits for the rows of an order to be written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tessera_inventory::{ClaimNumber, EventId, Sequence};
use tessera_payments::Payment;
use tokio::sync::watch;

type Order = (EventId, ClaimNumber);
/// What was written last of the newest attempt, since somebody waits.
type Newest = Option<Arc<Payment>>;

/// Those who wait, at most as many as there are long polls.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<BTreeMap<Order, Waiting>>);

/// Those who wait for one order.
#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    newest: watch::Sender<Newest>,
}

/// What this process writes of an order from the time on at which it was made. Who gives up drops it.
#[derive(Debug)]
pub struct RowsWritten {
    watchers: Arc<Watchers>,
    order: Order,
    newest: watch::Receiver<Newest>,
}

impl Watchers {
    pub(super) fn watch(self: &Arc<Self>, event: EventId, order: ClaimNumber) -> RowsWritten {
        let mut all = self.locked();
        let waiting = all.entry((event, order)).or_default();
        waiting.count += 1;
        let newest = waiting.newest.subscribe();
        drop(all);
        RowsWritten { watchers: Arc::clone(self), order: (event, order), newest }
    }

    /// This row is written.
    pub(super) fn tell(&self, row: &Payment) {
        let all = self.locked();
        let Some(waiting) = all.get(&(row.id.event, row.id.order)) else { return };
        waiting.newest.send_if_modified(|newest| {
            // Whoever wrote a row may tell of it later than who wrote it after that.
            let is_newer = newest.as_ref().is_none_or(|known| age(known) <= age(row));
            if is_newer {
                *newest = Some(Arc::new(row.clone()));
            }
            is_newer
        });
    }

    /// Nothing in here panics half-way.
    fn locked(&self) -> MutexGuard<'_, BTreeMap<Order, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which attempt, and which decision of the log it follows.
fn age(row: &Payment) -> (u8, Sequence) {
    (row.id.attempt, row.wanted_by)
}

impl RowsWritten {
    /// The newest attempt as it was written last, once it was written since this was asked last.
    pub async fn next(&mut self) -> Arc<Payment> {
        // The other end stays for as long as this one, and only rows are sent.
        while self.newest.changed().await.is_ok() {
            if let Some(row) = self.newest.borrow_and_update().clone() {
                return row;
            }
        }
        std::future::pending().await
    }
}

impl Drop for RowsWritten {
    fn drop(&mut self) {
        let mut all = self.watchers.locked();
        if let Some(waiting) = all.get_mut(&self.order) {
            waiting.count -= 1;
            if waiting.count == 0 {
                all.remove(&self.order);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use futures::FutureExt;
    use tessera_inventory::Timestamp;
    use tessera_payments::{Begun, PaymentId, ProviderId};

    use super::*;

    fn row(order: u64, attempt: u8) -> Payment {
        let begun = Begun {
            organizer: 1,
            provider: ProviderId(NonZeroU16::MIN),
            amount_minor: 100,
            currency: *b"EUR",
            grace_until: Timestamp(9),
            sequence: Sequence(1),
        };
        let id = PaymentId { event: EventId(1), order: ClaimNumber(order), attempt };
        Payment::begin(id, &begun, Timestamp(0))
    }

    fn told(waiting: &mut RowsWritten) -> Option<u8> {
        waiting.next().now_or_never().map(|row| row.id.attempt)
    }

    #[test]
    fn who_waits_for_an_order_is_told_of_its_newest_attempt_and_who_gave_up_is_forgotten() {
        let watchers = Arc::new(Watchers::default());
        let mut first = watchers.watch(EventId(1), ClaimNumber(7));
        let second = watchers.watch(EventId(1), ClaimNumber(7));
        let mut other = watchers.watch(EventId(1), ClaimNumber(8));
        drop(second);
        assert_eq!(told(&mut first), None);
        watchers.tell(&row(7, 1));
        assert_eq!((told(&mut first), told(&mut first)), (Some(1), None), "once");
        watchers.tell(&row(7, 2));
        let mut late = watchers.watch(EventId(1), ClaimNumber(7));
        watchers.tell(&row(7, 1));
        watchers.tell(&Payment { wanted_by: Sequence::ZERO, ..row(7, 2) });
        let newest = watchers.locked()[&(EventId(1), ClaimNumber(7))].newest.borrow().clone();
        assert_eq!(newest.map(|row| row.wanted_by), Some(Sequence(1)), "nor does what was decided before");
        assert_eq!(told(&mut first), Some(2), "an older attempt hides nothing");
        assert_eq!(told(&mut late), None, "what was written before is read");
        assert_eq!(told(&mut other), None);
        drop((first, late, other));
        assert!(watchers.locked().is_empty(), "nobody waits");
    }
}
