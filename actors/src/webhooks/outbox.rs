//! The follower's part: a message for each endpoint that wants to be told, in the transaction that moves the cursor.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::{Config, Event, EventId, Sequence, Timestamp};
use tessera_projections::catalogue::Catalogue;
use tessera_projections::follower_cursors::Advance;
use tessera_projections::webhooks::{
    Batch, Deliveries, Delivery, ENDPOINTS_MAX, Endpoint, EndpointId, WebhookEndpoints, Why,
};
use tessera_store::keys::{FollowerCursor, WebhookPlace};
use tessera_store::{
    LogRecord, StoreError, TRANSACTION_BYTES_MAX, Table, VALUE_BYTES_MAX, read_bytes, set_bytes,
};

use super::{CourierMessage, Postman, TOLD_BEFORE_MS, note_disabled};
use crate::blocking::{Panicked, blocking};
use crate::inventory::decode;
use crate::shared::Shared;
use crate::slot::Slot;

/// Bytes of log that one step reads.
const STEP_LOG_BYTES: usize = 64_000;
/// A step ends with the event after which its messages have so many bytes, as a transaction counts them: they are one.
const STEP_BYTES: usize = 3_000_000;
/// No key of a message is longer, in bytes.
const KEY_BYTES: usize = 80;
/// What a message takes besides its payload: two rows are read and written, of which one has the payload and what stands before it.
const ROW_BYTES: usize = 2 * (read_bytes(KEY_BYTES) + set_bytes(KEY_BYTES, 0)) + 200;
// The last event of a step may be told to every endpoint, each time with the longest message.
const _: () = assert!(STEP_BYTES + ENDPOINTS_MAX * (VALUE_BYTES_MAX + 2 * ROW_BYTES) < TRANSACTION_BYTES_MAX);

/// What the follower works with.
#[derive(Clone)]
pub(crate) struct Outbox {
    catalogue: Catalogue,
    endpoints: WebhookEndpoints,
    deliveries: Deliveries,
    postman: Arc<dyn Postman>,
}

impl Outbox {
    pub(crate) fn new(table: &Arc<dyn Table>, postman: Arc<dyn Postman>) -> Outbox {
        Outbox {
            catalogue: Catalogue::new(Arc::clone(table)),
            endpoints: WebhookEndpoints::new(Arc::clone(table)),
            deliveries: Deliveries::new(Arc::clone(table)),
            postman,
        }
    }

    /// The endpoints that may want to be told of this event now. `None`: its organizer has no endpoint at all.
    pub(crate) async fn listeners(&self, event: EventId) -> Result<Option<Vec<Endpoint>>, StoreError> {
        let Some(card) = self.catalogue.get(event).await? else { return Ok(None) };
        let mut endpoints = self.endpoints.list(Some(card.organizer), None, ENDPOINTS_MAX).await?;
        if endpoints.is_empty() {
            return Ok(None);
        }
        endpoints.retain(|endpoint| {
            endpoint.listens() && (endpoint.events.is_empty() || endpoint.events.contains(&event))
        });
        Ok(Some(endpoints))
    }

    /// Keep the messages about the next part of the log, up to the end that it had before the listeners were looked at: what came since, others
    /// may want to hear.
    pub(crate) async fn step(
        &self,
        shared: &Shared,
        slot: &Slot,
        cursor: FollowerCursor,
        follower: &'static str,
        (listeners, end): (Vec<Endpoint>, Sequence),
    ) -> Result<Advance, StoreError> {
        let now = shared.environment.clock.wall();
        let records = shared.log.read(slot.event, cursor.sequence, STEP_LOG_BYTES).await?;
        let stretch = (cursor.sequence, records, end);
        let (reached, batches) = self.gather(shared, slot, stretch, listeners, now).await?;
        let followed =
            self.deliveries.follow((slot.event, follower), cursor, reached, (&batches, now)).await?;
        if let Advance::Advanced(_) = followed.advance {
            told(shared, &batches, &followed.disabled);
        }
        Ok(followed.advance)
    }

    /// The messages about what of these records comes after `after`, up to `end`, and how far they go.
    pub(crate) async fn gather(
        &self,
        shared: &Shared,
        slot: &Slot,
        (after, records, end): (Sequence, Vec<LogRecord>, Sequence),
        listeners: Vec<Endpoint>,
        now: Timestamp,
    ) -> Result<(Sequence, Vec<Batch>), StoreError> {
        let (event, postman) = (slot.event, Arc::clone(&self.postman));
        // Looked at after the log: its names are at least as new as what is published.
        let published = slot.published();
        let through = published.availability.sequence.min(end);
        let config = published
            .config
            .as_ref()
            .map_or_else(|| Arc::new(Config::empty()), |(_, config)| Arc::clone(config));
        let part = Part { event, after, through, now, config, postman };
        let work = move || part.batches(&records, &listeners);
        let panicked =
            |Panicked { reason }| StoreError::Damaged { reason: format!("the outbox panicked: {reason}") };
        blocking(&*shared.environment.spawn, work).await.map_err(panicked)?
    }
}

/// What is kept is to be sent, and operators hear of endpoints that are disabled.
pub(crate) fn told(shared: &Shared, batches: &[Batch], disabled: &[EndpointId]) {
    for endpoint in disabled {
        note_disabled(shared, *endpoint, Why::Backlog);
    }
    for batch in batches {
        shared.courier.cast(CourierMessage::Work(batch.endpoint));
    }
}

/// The part of a log that one step is about.
struct Part {
    event: EventId,
    after: Sequence,
    /// The last that is looked at: it is published.
    through: Sequence,
    now: Timestamp,
    config: Arc<Config>,
    postman: Arc<dyn Postman>,
}

impl Part {
    /// How far it goes, and the messages.
    fn batches(
        &self,
        records: &[LogRecord],
        listeners: &[Endpoint],
    ) -> Result<(Sequence, Vec<Batch>), StoreError> {
        let (mut reached, mut told) = (self.after, 0);
        let mut batches: BTreeMap<EndpointId, Vec<Delivery>> = BTreeMap::new();
        for record in records {
            for (number, logged) in (record.first_sequence.0..).zip(decode(record)?) {
                if number <= self.after.0 || number > self.through.0 || told >= STEP_BYTES {
                    continue;
                }
                reached = Sequence(number);
                told += self.tell(reached, &logged, listeners, &mut batches);
            }
        }
        let batches = batches.into_iter().map(|(endpoint, deliveries)| Batch { endpoint, deliveries });
        Ok((reached, batches.collect()))
    }

    /// The messages about one event; how many bytes.
    fn tell(
        &self,
        sequence: Sequence,
        logged: &Event,
        listeners: &[Endpoint],
        batches: &mut BTreeMap<EndpointId, Vec<Delivery>>,
    ) -> usize {
        let kind = self.postman.kind(&logged.body);
        let is_told = |endpoint: &&Endpoint| {
            endpoint.wants(self.event, kind) && logged.at.plus_ms(TOLD_BEFORE_MS) >= endpoint.told_from
        };
        let (mut payload, mut told) = (None, 0);
        for endpoint in listeners.iter().filter(is_told) {
            let message = || self.postman.message(self.event, &self.config, sequence, logged);
            let payload = payload.get_or_insert_with(message).clone();
            told += payload.len() + ROW_BYTES;
            let delivery = waiting(self.event, sequence, kind, payload, self.now);
            batches.entry(endpoint.id).or_default().push(delivery);
        }
        told
    }
}

/// A message that waits from now on.
fn waiting(event: EventId, sequence: Sequence, kind: &str, payload: Vec<u8>, now: Timestamp) -> Delivery {
    Delivery {
        place: WebhookPlace { at: now, event, sequence, copy: 0 },
        kind: kind.to_owned(),
        payload,
        due_at: now,
        attempts: 0,
        last: None,
    }
}
