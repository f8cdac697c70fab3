//! The way from a request to the writer of its event.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tessera_inventory::{ClaimView, Event, EventId, Sequence};
use tessera_store::{LogRecord, StoreError};
use tessera_writer::{Ask, Head, Monotonic, RECORD_BYTES_MAX, Reply};
use tokio::sync::{oneshot, watch};

use crate::blocking::blocking;
use crate::cluster::{is_here, open_mirror};
use crate::inventory::{InventoryMessage, decode};
use crate::reply_desk::{DeskSender, ReplyDesk, reply_desk};
use crate::shared::Shared;
use crate::slot::{Slot, TurnedAway};
use crate::timeline::Timeline;
use crate::{ActivateError, Answer, CHANGES_MAX, NotExecuted, Published};

/// How often an ask looks for the new writer after it met one that was ending.
const ASK_ATTEMPTS_MAX: u32 = 4;
/// Bytes of log read for one page of changes: about what the page holds.
const CHANGES_READ_BYTES: usize = 64_000;

/// The way from a request to the writer of its event. Cheap to clone; usable from any thread and runtime.
#[derive(Clone, Debug)]
pub struct InventoryRouter {
    pub(crate) shared: Arc<Shared>,
    /// Where the replies to whoever asks this way arrive.
    desk: Option<DeskSender>,
}

impl InventoryRouter {
    pub(crate) fn new(shared: Arc<Shared>) -> InventoryRouter {
        InventoryRouter { shared, desk: None }
    }

    /// The same way for one serving thread, which runs the desk as a task of its own: replies to it arrive there together.
    #[must_use]
    pub fn with_desk(&self) -> (InventoryRouter, ReplyDesk) {
        let (sender, desk) = reply_desk();
        (InventoryRouter { shared: Arc::clone(&self.shared), desk: Some(sender) }, desk)
    }

    /// Ask the writer of an event; activates the event on first use. Answers within `give_up`.
    ///
    /// A full queue, a shutdown, an event that is set aside or a store that is away answer [`Answer::NotExecuted`] at once.
    pub async fn ask(&self, event: EventId, ask: Ask, give_up: Duration) -> Answer {
        self.ask_traced(event, ask, give_up, None).await
    }

    /// The same; the timeline says afterwards where the time went.
    pub async fn ask_traced(
        &self,
        event: EventId,
        ask: Ask,
        give_up: Duration,
        timeline: Option<&Arc<Timeline>>,
    ) -> Answer {
        let give_up_at = self.deadline(give_up);
        match self.shared.cluster.as_deref() {
            None => self.ask_here(event, ask, give_up_at, timeline).await,
            Some(cluster) => self.ask_cluster(cluster, event, ask, (give_up_at, timeline)).await,
        }
    }

    /// Ask the writer of an event in this process.
    pub(crate) async fn ask_here(
        &self,
        event: EventId,
        ask: Ask,
        give_up_at: Monotonic,
        timeline: Option<&Arc<Timeline>>,
    ) -> Answer {
        let mut ask = ask;
        for _ in 0..ASK_ATTEMPTS_MAX {
            let slot = match self.slot(event, give_up_at).await {
                Ok(slot) => slot,
                Err(error) => return self.turned_away(event, &ask, reason_of(&error)).await,
            };
            // The writer hears of an earlier deadline than the caller waits for: its refusal still arrives.
            match slot.push(ask, self.earlier(give_up_at), self.desk.clone(), timeline.cloned()) {
                Ok(reply) => return self.answer(event, &slot, reply, give_up_at).await,
                Err((TurnedAway::Full, _)) => return self.not_executed(NotExecuted::QueueFull),
                Err((TurnedAway::Stalled, _)) => return self.not_executed(NotExecuted::StoreAway),
                Err((TurnedAway::Ended, back)) => ask = back,
            }
        }
        self.not_executed(NotExecuted::Restarting)
    }

    /// The newest published view, without locks and without waiting; `None` when the event is not active.
    #[must_use]
    pub fn published(&self, event: EventId) -> Option<Arc<Published>> {
        if let Some(slot) = self.shared.directory.find(event) {
            return Some(slot.published());
        }
        let mirror = self.shared.cluster.as_ref()?.mirrors.find(event)?;
        Some(mirror.published(&self.shared))
    }

    /// The published view, activating the event if it is idle; in a cluster, of an event that another node owns, its mirror.
    ///
    /// # Errors
    /// [`ActivateError`]; `NotFound` where nothing was ever written.
    pub async fn activate(&self, event: EventId, give_up: Duration) -> Result<Arc<Published>, ActivateError> {
        if let Some(published) = self.published(event) {
            return Ok(published);
        }
        if self.shared.log.head(event).await.map_err(ActivateError::Store)? == Head::GENESIS {
            return Err(ActivateError::NotFound);
        }
        if is_here(&self.shared, event).await.map_err(ActivateError::Store)? {
            match self.slot(event, self.deadline(give_up)).await {
                Ok(slot) => return Ok(slot.published()),
                // Nothing is sold from it, but everybody may read what there is.
                Err(ActivateError::NotNow { reason: NotExecuted::StoreWentBack }) => {
                    let frozen = self.shared.frozen.find(&self.shared, event).await;
                    return frozen.map(|frozen| Arc::clone(&frozen.published)).map_err(ActivateError::Store);
                }
                Err(ActivateError::NotNow { reason })
                    if self.shared.cluster.is_some() && reason.may_be_elsewhere() => {}
                Err(error) => return Err(error),
            }
        }
        open_mirror(&self.shared, event, self.deadline(give_up)).await
    }

    /// Up to `limit` (at most [`crate::CHANGES_MAX`]) events after `after`, from the durable log, in order.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn changes(
        &self,
        event: EventId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Arc<Event>)>, StoreError> {
        let limit = limit.min(CHANGES_MAX);
        let mut changes = Vec::new();
        let mut read_to = after;
        while changes.len() < limit {
            let records = self.shared.log.read(event, read_to, CHANGES_READ_BYTES).await?;
            let Some(last) = records.last() else { break };
            read_to = last.last_sequence;
            for record in records {
                let first_sequence = record.first_sequence;
                let numbered = (first_sequence.0..).map(Sequence).zip(self.decoded(record).await?);
                let wanted = numbered.filter(|(sequence, _)| *sequence > after);
                let room = limit - changes.len();
                changes.extend(wanted.take(room).map(|(sequence, event)| (sequence, Arc::new(event))));
            }
        }
        Ok(changes)
    }

    /// The events of a record. One that is larger than those of sales (the configuration of a large hall has every seat) is decoded off
    /// the threads that serve, and few of them at once: decoded, it takes several times its bytes.
    async fn decoded(&self, record: LogRecord) -> Result<Vec<Event>, StoreError> {
        if record.bytes.len() <= RECORD_BYTES_MAX {
            return decode(&record);
        }
        let turn = Arc::clone(&self.shared.large_decodings).acquire_owned().await;
        let work = move || {
            let _turn = turn;
            decode(&record)
        };
        let decoded = blocking(&*self.shared.environment.spawn, work).await;
        decoded.unwrap_or_else(|panicked| Err(StoreError::Unavailable { reason: panicked.reason }))
    }

    /// The durable sequence as it moves, for long polls and streams; `None` when the event is not active.
    /// An event with subscribers is not passivated. A closed channel means that the writer ended: activate and subscribe again.
    #[must_use]
    pub fn subscribe(&self, event: EventId) -> Option<watch::Receiver<Sequence>> {
        if let Some(slot) = self.shared.directory.find(event) {
            return slot.subscribe();
        }
        let mirror = self.shared.cluster.as_ref()?.mirrors.find(event)?;
        Some(mirror.subscribe())
    }

    /// The slot of an event with a running writer, activated on first use.
    async fn slot(&self, event: EventId, give_up_at: Monotonic) -> Result<Arc<Slot>, ActivateError> {
        if let Some(slot) = self.shared.directory.find(event)
            && !slot.ingress.is_closed()
        {
            return Ok(slot);
        }
        let not_now = |reason| Err(ActivateError::NotNow { reason });
        if self.shared.health.is_draining() {
            return not_now(NotExecuted::Draining);
        }
        if self.shared.health.has_failed() {
            return not_now(NotExecuted::StoreAway);
        }
        let Some(_waiting) = WaiterPermit::take(&self.shared) else {
            return not_now(NotExecuted::TooManyActivations);
        };
        let (waiter, slot) = oneshot::channel();
        if !self.shared.inventory.cast(InventoryMessage::Activate { event, waiter }) {
            return not_now(NotExecuted::Restarting);
        }
        tokio::select! {
            biased;
            slot = slot => slot.unwrap_or(not_now(NotExecuted::Restarting)),
            () = self.sleep_until(give_up_at) => not_now(NotExecuted::GaveUp),
        }
    }

    async fn answer(
        &self,
        event: EventId,
        slot: &Slot,
        reply: oneshot::Receiver<Reply>,
        give_up_at: Monotonic,
    ) -> Answer {
        let reply = tokio::select! {
            biased;
            reply = reply => reply.unwrap_or(Reply::OutcomeUnknown),
            () = self.sleep_until(give_up_at) => Reply::OutcomeUnknown,
        };
        match reply {
            Reply::Accepted { sequence, event, claim } => Answer::Accepted { sequence, event, claim },
            Reply::Rejected { sequence, rejection, place } => Answer::Rejected { sequence, rejection, place },
            Reply::Read { sequence, claim } => Answer::Read { sequence, claim },
            Reply::Repeated { sequence, claim } => self.repeated(event, slot, sequence, claim).await,
            Reply::GaveUp => self.not_executed(NotExecuted::GaveUp),
            Reply::OutcomeUnknown => self.outcome_unknown(),
            Reply::NotExecuted if self.shared.health.is_draining() => {
                self.not_executed(NotExecuted::Draining)
            }
            Reply::NotExecuted if slot.ingress.is_closed() => self.not_executed(NotExecuted::Restarting),
            Reply::NotExecuted => self.not_executed(NotExecuted::StoreAway),
        }
    }

    /// Nobody serves the event. Where that is because the store went back, holds and orders can still be read.
    async fn turned_away(&self, event: EventId, ask: &Ask, reason: NotExecuted) -> Answer {
        let (Ask::Read(number), NotExecuted::StoreWentBack) = (ask, reason) else {
            return self.not_executed(reason);
        };
        match self.shared.frozen.find(&self.shared, event).await {
            Ok(frozen) => {
                let claim = frozen.replay.inventory().claim(*number).map(Box::new);
                Answer::Read { sequence: frozen.replay.sequence(), claim }
            }
            Err(error) => {
                tracing::warn!(?event, %error, "an event that is not served could not be read");
                self.not_executed(NotExecuted::StoreAway)
            }
        }
    }

    /// Render an accepted command again, from memory while it is recent, then from the log.
    async fn repeated(
        &self,
        event: EventId,
        slot: &Slot,
        sequence: Sequence,
        claim: Option<Box<ClaimView>>,
    ) -> Answer {
        if let Some(event) = slot.recent.find(sequence) {
            return Answer::Repeated { sequence, event, claim };
        }
        match self.logged(event, sequence).await {
            Ok(Some(event)) => Answer::Repeated { sequence, event, claim },
            Ok(None) => {
                tracing::error!(?event, %sequence, "an accepted event is not in the log");
                self.outcome_unknown()
            }
            Err(error) => {
                tracing::warn!(?event, %sequence, %error, "an accepted event could not be read again");
                self.outcome_unknown()
            }
        }
    }

    async fn logged(&self, event: EventId, sequence: Sequence) -> Result<Option<Arc<Event>>, StoreError> {
        let before = Sequence(sequence.0.saturating_sub(1));
        // One byte: exactly the one record that has it.
        let records = self.shared.log.read(event, before, 1).await?;
        let Some(record) = records.into_iter().next() else { return Ok(None) };
        let position =
            sequence.0.checked_sub(record.first_sequence.0).and_then(|at| usize::try_from(at).ok());
        let mut events = self.decoded(record).await?.into_iter();
        Ok(position.and_then(|position| events.nth(position)).map(Arc::new))
    }

    pub(crate) fn not_executed(&self, reason: NotExecuted) -> Answer {
        let meters = &self.shared.meters;
        let counter = if reason == NotExecuted::GaveUp { &meters.gave_up } else { &meters.not_executed };
        counter.increment(1);
        Answer::NotExecuted { reason, retry_after_ms: self.shared.limits.retry_after_ms }
    }

    pub(crate) fn outcome_unknown(&self) -> Answer {
        self.shared.meters.outcome_unknown.increment(1);
        Answer::OutcomeUnknown { retry_after_ms: self.shared.limits.retry_after_ms }
    }

    pub(crate) fn deadline(&self, give_up: Duration) -> Monotonic {
        let give_up_ms = u64::try_from(give_up.as_millis()).unwrap_or(u64::MAX);
        self.shared.environment.after_ms(give_up_ms)
    }

    /// A tenth of the remaining time earlier.
    fn earlier(&self, give_up_at: Monotonic) -> Monotonic {
        let remaining = give_up_at.0.saturating_sub(self.shared.environment.clock.monotonic().0);
        Monotonic(give_up_at.0 - remaining / 10)
    }

    fn sleep_until(&self, at: Monotonic) -> BoxFuture<'static, ()> {
        self.shared.environment.clock.sleep_until(at)
    }
}

/// One of the callers that wait for an activation.
struct WaiterPermit<'a>(&'a Shared);

impl WaiterPermit<'_> {
    fn take(shared: &Shared) -> Option<WaiterPermit<'_>> {
        shared.activation_waiters.take(0).then_some(WaiterPermit(shared))
    }
}

impl Drop for WaiterPermit<'_> {
    fn drop(&mut self) {
        self.0.activation_waiters.give_back(0);
    }
}

fn reason_of(error: &ActivateError) -> NotExecuted {
    match error {
        ActivateError::NotNow { reason } => *reason,
        ActivateError::NotFound | ActivateError::Store(_) => NotExecuted::StoreAway,
    }
}
