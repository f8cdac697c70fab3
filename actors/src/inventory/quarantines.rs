//! Events that are set aside until an operator repairs them, in memory and as rows, so that a quarantine outlives the process.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::EventId;
use tessera_projections::quarantine::{Quarantined, QuarantinedEvents};
use tessera_store::StoreError;
use tessera_writer::{Monotonic, QUARANTINE_FAILURES, Quarantine, Verdict};

use crate::meters::number;
use crate::shared::Shared;

/// Rows read at once.
const ROWS_PER_PAGE: usize = 1_000;
/// Pause after a row could not be written, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// The failures of every event that failed lately, and which are quarantined.
#[derive(Debug)]
pub(crate) struct Quarantines {
    shared: Arc<Shared>,
    of: BTreeMap<EventId, Quarantine>,
}

impl Quarantines {
    /// Those that are stored.
    pub(crate) async fn load(shared: Arc<Shared>) -> Result<Quarantines, StoreError> {
        let rows = QuarantinedEvents::new(Arc::clone(&shared.table));
        let mut quarantines = Quarantines { shared, of: BTreeMap::new() };
        let mut after = None;
        loop {
            let page = rows.list(after, ROWS_PER_PAGE).await?;
            for Quarantined { event, reason, .. } in page.events {
                tracing::error!(?event, reason, "the event is still quarantined; it waits for its repair");
                quarantines.of.entry(event).or_default().set();
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let count = quarantines.shared.health.set_all_quarantined(quarantines.of.keys().copied());
        quarantines.shared.meters.quarantined_events.set(number(count as u64));
        Ok(quarantines)
    }

    pub(crate) fn contains(&self, event: EventId) -> bool {
        self.of.get(&event).is_some_and(Quarantine::is_quarantined)
    }

    /// The writer of an event failed.
    pub(crate) fn failed(&mut self, event: EventId, now: Monotonic, reason: &str) -> Verdict {
        if self.of.len() >= self.shared.limits.active_events_max {
            self.of.retain(|_, quarantine| quarantine.is_quarantined());
        }
        let verdict = self.of.entry(event).or_default().failed(now);
        if verdict == Verdict::Quarantined {
            self.set_aside(event, reason, QUARANTINE_FAILURES);
        }
        verdict
    }

    /// Set an event aside at once.
    pub(crate) fn set(&mut self, event: EventId, reason: &str) {
        self.of.entry(event).or_default().set();
        self.set_aside(event, reason, 0);
    }

    /// The row of an event says that it is set aside.
    pub(crate) fn learn(&mut self, event: EventId, reason: &str) {
        tracing::error!(?event, reason, "the event is quarantined; it waits for its repair");
        self.of.entry(event).or_default().set();
        self.note(event, true);
    }

    /// An operator has repaired an event, and its row is gone.
    pub(crate) fn lift(&mut self, event: EventId) {
        self.of.remove(&event);
        self.note(event, false);
    }

    fn set_aside(&self, event: EventId, reason: &str, failures: u32) {
        tracing::error!(?event, reason, "the event is quarantined until it is repaired; others go on");
        self.note(event, true);
        let since = self.shared.environment.clock.wall();
        let row = Quarantined { event, reason: reason.to_owned(), since, failures };
        let shared = Arc::clone(&self.shared);
        self.shared.environment.spawn.spawn(Box::pin(record(shared, row)));
    }

    fn note(&self, event: EventId, quarantined: bool) {
        let count = self.shared.health.set_quarantined(event, quarantined);
        self.shared.meters.quarantined_events.set(number(count as u64));
    }
}

/// Write the row of an event, however long the store is away, unless an operator has lifted the quarantine meanwhile.
async fn record(shared: Arc<Shared>, row: Quarantined) {
    let rows = QuarantinedEvents::new(Arc::clone(&shared.table));
    loop {
        let order = shared.quarantine_rows.lock().await;
        if !shared.health.is_quarantined(row.event) {
            return;
        }
        let Err(error) = rows.set(&row).await else { return };
        drop(order);
        if shared.health.has_failed() {
            return;
        }
        tracing::warn!(event = ?row.event, %error, "a quarantine could not be recorded; it is tried again");
        shared.environment.sleep_ms(RETRY_MS).await;
    }
}

/// Lift the quarantine of an event: first its row, so that what an operator was told outlives the process.
pub(crate) async fn lift(shared: &Shared, event: EventId) -> Result<(), StoreError> {
    let _order = shared.quarantine_rows.lock().await;
    QuarantinedEvents::new(Arc::clone(&shared.table)).remove(event).await?;
    shared.health.set_quarantined(event, false);
    Ok(())
}
