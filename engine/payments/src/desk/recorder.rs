//! Group recording: one transaction is under way at most, and what is learnt meanwhile is the next.

use std::collections::BTreeMap;

use tessera_inventory::Timestamp;

use crate::limits::{AGAIN_MS_MAX, AGAIN_MS_MIN, NEWS_MAX, RECORDED_MAX};
use crate::{Change, PaymentId};

#[derive(Debug, Default)]
pub(super) struct Recorder {
    queue: BTreeMap<PaymentId, Change>,
    under_way: Option<BTreeMap<PaymentId, Change>>,
    /// Its number.
    batch: u64,
    /// Failures in a row.
    failures: u32,
    /// Not before this time, after a failure.
    not_before: Timestamp,
}

impl Recorder {
    /// To be recorded, with what waits of the same payment.
    pub(super) fn queue(&mut self, change: Change) {
        match self.queue.get_mut(&change.payment) {
            Some(waiting) => {
                waiting.at = change.at;
                waiting.news.extend(change.news);
                waiting.handled.extend(change.handled);
            }
            None => {
                self.queue.insert(change.payment, change);
            }
        }
    }

    /// Whether something of this payment is not known to be recorded.
    pub(super) fn has(&self, id: PaymentId) -> bool {
        self.unrecorded(id).next().is_some()
    }

    /// What of this payment is not known to be recorded, in order.
    pub(super) fn unrecorded(&self, id: PaymentId) -> impl Iterator<Item = &Change> {
        let under_way = self.under_way.as_ref().and_then(|under_way| under_way.get(&id));
        under_way.into_iter().chain(self.queue.get(&id))
    }

    /// The next transaction, if one may begin.
    pub(super) fn begin(&mut self, now: Timestamp) -> Option<(u64, Vec<Change>)> {
        if self.begin_at().is_none_or(|at| at > now) {
            return None;
        }
        let mut changes = Vec::new();
        while changes.len() < RECORDED_MAX {
            let Some((id, mut change)) = self.queue.pop_first() else { break };
            if change.news.len() > NEWS_MAX {
                let rest = change.news.split_off(NEWS_MAX);
                // The events are handled once all of it is there.
                let handled = std::mem::take(&mut change.handled);
                self.queue.insert(id, Change { news: rest, handled, ..change });
                changes.push(change);
                break;
            }
            changes.push(change);
        }
        self.under_way = Some(changes.iter().map(|change| (change.payment, change.clone())).collect());
        self.batch += 1;
        Some((self.batch, changes))
    }

    /// Whether this batch is under way.
    pub(super) fn is(&self, batch: u64) -> bool {
        self.under_way.is_some() && self.batch == batch
    }

    /// When the next transaction may begin; `None`: one is under way, or there is nothing to record.
    pub(super) fn begin_at(&self) -> Option<Timestamp> {
        (self.under_way.is_none() && !self.queue.is_empty()).then_some(self.not_before)
    }

    /// It is recorded: of these payments.
    pub(super) fn recorded(&mut self) -> Vec<PaymentId> {
        let changes = self.under_way.take().unwrap_or_default();
        (self.failures, self.not_before) = (0, Timestamp::default());
        changes.into_keys().collect()
    }

    /// It may not be recorded: it is recorded again, with what came meanwhile. Of these payments.
    pub(super) fn failed(&mut self, now: Timestamp) -> Vec<PaymentId> {
        let changes = self.under_way.take().unwrap_or_default();
        self.failures = self.failures.saturating_add(1);
        let doubled = AGAIN_MS_MIN.saturating_mul(1 << self.failures.saturating_sub(1).min(20));
        self.not_before = now.plus_ms(doubled.min(AGAIN_MS_MAX));
        let ids = changes.keys().copied().collect();
        for change in changes.into_values() {
            let newer = self.queue.remove(&change.payment);
            self.queue(change);
            if let Some(newer) = newer {
                self.queue(newer);
            }
        }
        ids
    }
}
