//! Events that are set aside until an operator repairs or reconciles them, in memory and as rows, so that it outlives the process and is
//! known to every node.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::EventId;
use tessera_projections::quarantine::{Quarantined, QuarantinedEvents, WentBack};
use tessera_store::StoreError;
use tessera_writer::{Monotonic, QUARANTINE_FAILURES, Quarantine, Verdict};

use super::{InventoryMessage, went_back};
use crate::NotExecuted;
use crate::health::{Reason, SetAside};
use crate::shared::Shared;

/// Rows read at once.
const ROWS_PER_PAGE: usize = 1_000;
/// Pause after a row could not be written, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// Whoever asks for an event that is set aside has its row looked at again, at most once in this time, in milliseconds: an operator may
/// have told another node.
const LOOK_AGAIN_MS: u64 = 1_000;

/// The failures of every event that failed lately, and which are set aside.
#[derive(Debug)]
pub(crate) struct Quarantines {
    shared: Arc<Shared>,
    of: BTreeMap<EventId, Quarantine>,
    /// When the row of an event that is set aside was last looked at.
    looked_at: BTreeMap<EventId, Monotonic>,
}

impl Quarantines {
    /// Those that are stored.
    pub(crate) async fn load(shared: Arc<Shared>) -> Result<Quarantines, StoreError> {
        let rows = QuarantinedEvents::new(Arc::clone(&shared.table));
        let mut quarantines = Quarantines { shared, of: BTreeMap::new(), looked_at: BTreeMap::new() };
        let (mut after, mut aside) = (None, BTreeMap::new());
        loop {
            let page = rows.list(after, ROWS_PER_PAGE).await?;
            for row in page.events {
                let (event, reason) = (row.event, &row.reason);
                tracing::error!(?event, reason, "the event is still set aside; it waits for an operator");
                quarantines.of.entry(event).or_default().set();
                aside.insert(event, stored(&row));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        quarantines.shared.health.set_all_aside(aside);
        quarantines.shared.meter_set_aside();
        Ok(quarantines)
    }

    pub(crate) fn contains(&self, event: EventId) -> bool {
        self.of.get(&event).is_some_and(Quarantine::is_quarantined)
    }

    /// Why somebody who asks for the event is turned away, if it is set aside.
    pub(crate) fn refusal(&mut self, event: EventId) -> Option<NotExecuted> {
        if !self.contains(event) {
            return None;
        }
        let aside = self.shared.health.aside(event);
        if aside.is_some_and(|aside| aside.is_recorded) {
            self.look_again(event);
        }
        Some(match aside.map(|aside| aside.reason) {
            Some(Reason::WentBack) => NotExecuted::StoreWentBack,
            Some(Reason::Failed) | None => NotExecuted::Quarantined,
        })
    }

    fn look_again(&mut self, event: EventId) {
        let now = self.shared.environment.clock.monotonic();
        if self.looked_at.get(&event).is_some_and(|at| now.since_ms(*at) < LOOK_AGAIN_MS) {
            return;
        }
        self.looked_at.insert(event, now);
        let shared = Arc::clone(&self.shared);
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let row = QuarantinedEvents::new(Arc::clone(&shared.table)).get(event).await;
            if row == Ok(None) {
                shared.inventory.cast(InventoryMessage::Lifted(event));
            }
        }));
    }

    /// The writer of an event failed.
    pub(crate) fn failed(&mut self, event: EventId, now: Monotonic, reason: &str) -> Verdict {
        if self.of.len() >= self.shared.limits.active_events_max {
            self.of.retain(|_, quarantine| quarantine.is_quarantined());
        }
        let verdict = self.of.entry(event).or_default().failed(now);
        if verdict == Verdict::Quarantined {
            self.set_aside(event, reason, QUARANTINE_FAILURES, None);
        }
        verdict
    }

    /// Set an event aside at once.
    pub(crate) fn set(&mut self, event: EventId, reason: &str) {
        self.of.entry(event).or_default().set();
        self.set_aside(event, reason, 0, None);
    }

    /// Set an event aside of which the store lacks something.
    pub(crate) fn went_back(&mut self, event: EventId, lacks: WentBack) {
        self.of.entry(event).or_default().set();
        self.set_aside(event, &went_back::reason(&lacks), 0, Some(lacks));
    }

    /// An event was found set aside.
    pub(crate) fn found(&mut self, row: &Quarantined) {
        tracing::error!(event = ?row.event, reason = row.reason, "the event is set aside, as another node has found");
        self.of.entry(row.event).or_default().set();
        self.shared.set_aside(row.event, Some(stored(row)));
    }

    /// An operator has repaired or reconciled an event, and its row is gone.
    pub(crate) fn lift(&mut self, event: EventId) {
        self.of.remove(&event);
        self.looked_at.remove(&event);
        self.shared.set_aside(event, None);
    }

    fn set_aside(&self, event: EventId, reason: &str, failures: u32, went_back: Option<WentBack>) {
        tracing::error!(
            ?event,
            reason,
            "the event is set aside until an operator says otherwise; others go on"
        );
        let kind = if went_back.is_some() { Reason::WentBack } else { Reason::Failed };
        self.shared.set_aside(event, Some(SetAside { reason: kind, is_recorded: false }));
        let since = self.shared.environment.clock.wall();
        let row = Quarantined { event, reason: reason.to_owned(), since, failures, went_back };
        let shared = Arc::clone(&self.shared);
        self.shared.environment.spawn.spawn(Box::pin(record(shared, row)));
    }
}

fn stored(row: &Quarantined) -> SetAside {
    let reason = if row.went_back.is_some() { Reason::WentBack } else { Reason::Failed };
    SetAside { reason, is_recorded: true }
}

/// Write the row of an event, however long the store is away, unless an operator has lifted it meanwhile.
async fn record(shared: Arc<Shared>, row: Quarantined) {
    loop {
        let order = shared.quarantine_rows.lock().await;
        if shared.health.aside(row.event).is_none() {
            return;
        }
        let Err(error) = recorded(&shared, &row).await else {
            return shared.health.recorded_aside(row.event);
        };
        drop(order);
        if shared.health.has_failed() {
            return;
        }
        tracing::warn!(event = ?row.event, %error, "that an event is set aside could not be recorded; it is tried again");
        shared.environment.sleep_ms(RETRY_MS).await;
    }
}

async fn recorded(shared: &Shared, row: &Quarantined) -> Result<(), StoreError> {
    QuarantinedEvents::new(Arc::clone(&shared.table)).set(row).await?;
    if row.went_back.is_some() {
        // Another node may serve it, which has not seen what is missing.
        went_back::fence(shared, row.event).await?;
    }
    Ok(())
}

/// Lift the quarantine of an event: first its row, so that what an operator was told outlives the process. `false` where the store went
/// back.
pub(crate) async fn lift(shared: &Shared, event: EventId) -> Result<bool, StoreError> {
    let _order = shared.quarantine_rows.lock().await;
    let is_lifted = QuarantinedEvents::new(Arc::clone(&shared.table)).lift(event).await?;
    let is_noticed = || shared.health.aside(event).is_some_and(|aside| aside.reason == Reason::WentBack);
    if !is_lifted || is_noticed() {
        return Ok(false);
    }
    shared.set_aside(event, None);
    Ok(true)
}
