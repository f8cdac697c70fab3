//! The courier: one lane for each endpoint for which something waits. A lane has one round under way, so a slow endpoint holds up nobody
//! but itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_inventory::Timestamp;
use tessera_projections::webhooks::{EndpointId, WebhookEndpoints};
use tessera_store::StoreError;

use super::round::{self, Next, Rest};
use super::{Names, names};
use crate::blocking::caught;
use crate::cluster::Told;
use crate::meters::number;
use crate::shared::Shared;

/// Endpoints that are looked up at once when the courier starts.
const LOOK_ENDPOINTS: usize = 200;
/// Pause after a round that failed, and before what could not be looked up is looked up again, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// Longest sleep of a lane, in milliseconds: what is due stands in wall time, which may be set.
const LOOK_EVERY_MS: u64 = 60_000;

/// What the courier is told.
#[derive(Debug)]
pub(crate) enum CourierMessage {
    /// Look for what was left waiting, from this endpoint on.
    Look(Option<EndpointId>),
    /// Something may be due.
    Work(EndpointId),
    /// Another node says that something may be due which this one looks after.
    Take(EndpointId),
    /// A round is over.
    RoundOver(EndpointId, Rest),
    /// The sleep of a lane is over; the number says of which.
    Woken(EndpointId, u64),
}

/// The actor.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(crate) shared: Arc<Shared>,
}

/// The lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    of: BTreeMap<EndpointId, Lane>,
    /// Sleeps so far: an earlier one of a lane that began another round since wakes nobody.
    sleeps: u64,
}

/// An endpoint for which something waits.
#[derive(Debug, Default)]
struct Lane {
    runs: bool,
    /// Something came during the round.
    again: bool,
    /// The sleep it is in.
    sleep: u64,
    /// Since when the oldest waits.
    oldest: Option<Timestamp>,
}

impl Actor for Courier {
    type Msg = CourierMessage;
    type State = Lanes;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<CourierMessage>, (): ()) -> Result<Lanes, ActorProcessingErr> {
        self.shared.courier.attach(myself.clone());
        myself.cast(CourierMessage::Look(None))?;
        Ok(Lanes::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<CourierMessage>,
        message: CourierMessage,
        lanes: &mut Lanes,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CourierMessage::Look(after) => self.look(&myself, after, lanes).await,
            CourierMessage::Work(id) => self.work_or_tell(&myself, id, lanes),
            CourierMessage::Take(id) => self.work(&myself, id, lanes),
            CourierMessage::Woken(id, sleep) => {
                if lanes.of.get(&id).is_some_and(|lane| !lane.runs && lane.sleep == sleep) {
                    lanes.of.remove(&id);
                    self.work_or_tell(&myself, id, lanes);
                }
            }
            CourierMessage::RoundOver(id, rest) => self.over(&myself, id, rest, lanes),
        }
        Ok(())
    }
}

impl Courier {
    /// Begin with what was left waiting by the process before.
    async fn look(&self, myself: &ActorRef<CourierMessage>, after: Option<EndpointId>, lanes: &mut Lanes) {
        let endpoints = WebhookEndpoints::new(Arc::clone(&self.shared.table));
        match endpoints.list(None, after, LOOK_ENDPOINTS).await {
            Ok(found) => {
                for endpoint in &found {
                    self.work_or_tell(myself, endpoint.id, lanes);
                }
                if let Some(last) = found.last().filter(|_| found.len() == LOOK_ENDPOINTS) {
                    let _ = myself.cast(CourierMessage::Look(Some(last.id)));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "webhook endpoints could not be read");
                self.after_ms(myself, RETRY_MS, CourierMessage::Look(after));
            }
        }
    }

    /// In a cluster each endpoint has one node that looks after it; it is told, and may believe it or not: a message may come twice all the
    /// same, while nodes come and go.
    fn work_or_tell(&self, myself: &ActorRef<CourierMessage>, id: EndpointId, lanes: &mut Lanes) {
        let cluster = self.shared.cluster.as_ref();
        if cluster.is_some_and(|cluster| cluster.me().is_none()) {
            // Who looks after what is looked at again once this node is registered.
            return;
        }
        match cluster.and_then(|cluster| Some((cluster, cluster.keeper(id.endpoint)?))) {
            Some((cluster, peer)) => cluster.options.peers.tell(&peer, Told::Webhooks(id)),
            None => self.work(myself, id, lanes),
        }
    }

    /// Begin a round, unless one is under way: then another follows.
    fn work(&self, myself: &ActorRef<CourierMessage>, id: EndpointId, lanes: &mut Lanes) {
        let lane = lanes.of.entry(id).or_default();
        if lane.runs {
            lane.again = true;
            return;
        }
        (lane.runs, lane.again) = (true, false);
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let rest = match caught(round::run(&shared, id)).await {
                Ok(Ok(rest)) => rest,
                Ok(Err(error)) => failed(&shared, id, &error),
                Err(panicked) => {
                    let Names { endpoint, organizer } = names(&shared, id);
                    let reason = panicked.reason;
                    tracing::error!(endpoint, organizer, reason, "a round of webhooks panicked");
                    later(&shared)
                }
            };
            // A courier that was restarted meanwhile looks at every endpoint by itself.
            let _ = myself.cast(CourierMessage::RoundOver(id, rest));
        }));
    }

    fn over(&self, myself: &ActorRef<CourierMessage>, id: EndpointId, rest: Rest, lanes: &mut Lanes) {
        let Some(lane) = lanes.of.get_mut(&id) else { return };
        (lane.runs, lane.oldest) = (false, rest.oldest);
        match rest.next {
            Next::AtOnce => self.work(myself, id, lanes),
            _ if lane.again => self.work(myself, id, lanes),
            Next::At(at) => {
                lanes.sleeps += 1;
                lane.sleep = lanes.sleeps;
                let wait_ms = at.0.saturating_sub(self.shared.environment.clock.wall().0);
                let message = CourierMessage::Woken(id, lanes.sleeps);
                self.after_ms(myself, wait_ms.min(LOOK_EVERY_MS), message);
            }
            Next::Nothing => {
                lanes.of.remove(&id);
            }
        }
        let oldest = lanes.of.values().filter_map(|lane| lane.oldest).min();
        self.shared.meters.webhooks_oldest.set(oldest.map_or(0.0, |at| number(at.0 / 1_000)));
    }

    fn after_ms(&self, myself: &ActorRef<CourierMessage>, wait_ms: u64, message: CourierMessage) {
        let (sleep, myself) = (self.shared.environment.sleep_ms(wait_ms), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            let _ = myself.cast(message);
        }));
    }
}

fn failed(shared: &Shared, id: EndpointId, error: &StoreError) -> Rest {
    let Names { endpoint, organizer } = names(shared, id);
    tracing::warn!(endpoint, organizer, %error, "what became of webhooks could not be kept; they are sent again");
    later(shared)
}

/// A round that failed is tried again in a while.
fn later(shared: &Shared) -> Rest {
    let now = shared.environment.clock.wall();
    Rest { next: Next::At(Timestamp(now.0.saturating_add(RETRY_MS))), oldest: None }
}
