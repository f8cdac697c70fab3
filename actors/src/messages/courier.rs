//! The courier of messages to people: one lane for each account of a channel, with one round under way, so a slow account holds up nobody but
//! itself; and the broadcasts that run.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_correspondence::{BroadcastState, Broadcasts, Outcome, Verdict};
use tessera_inventory::{EventId, Timestamp};
use tessera_store::StoreError;

use super::decide::Bucket;
use super::round::{self, Next, Rest};
use super::runs::{self, NextStep};
use super::{Channel, LANE_IN_FLIGHT_MAX, People};
use crate::blocking::caught;
use crate::meters::number;
use crate::shared::Shared;

/// Pause after a round or a step that failed, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// Longest sleep of a lane and of a broadcast, in milliseconds: what is due stands in wall time, which may be set.
const LOOK_EVERY_MS: u64 = 60_000;
/// The same in a cluster, where others write what one looks after.
const LOOK_EVERY_IN_CLUSTER_MS: u64 = 2_000;
/// Broadcasts that are looked up at once when the courier starts.
const LOOK_BROADCASTS: usize = 200;

/// A broadcast.
type RunId = (EventId, u64);

/// What the courier is told.
#[derive(Debug)]
pub(crate) enum MessageCourierMessage {
    /// Something may be due.
    Work,
    /// Look for broadcasts that were left running, from this one on.
    Look(Option<RunId>),
    /// A broadcast may go on.
    Run(EventId, u64),
    /// A round of a lane is over.
    RoundOver(usize, Rest),
    /// The sleep of a lane is over; the number says of which.
    Woken(usize, u64),
    /// A step of a broadcast is over.
    Stepped(RunId, NextStep),
}

/// The actor.
pub(crate) struct MessageCourier {
    pub(crate) shared: Arc<Shared>,
    pub(crate) told: Arc<People>,
}

/// The lanes, and the broadcasts that run.
pub(crate) struct Rounds {
    lanes: Vec<Lane>,
    /// Each with whether somebody said during its step that it may go on.
    runs: BTreeMap<RunId, bool>,
    sleeps: u64,
}

/// The lane of a channel.
struct Lane {
    channel: Arc<dyn Channel>,
    bucket: Bucket,
    runs: bool,
    /// Something came during the round.
    again: bool,
    /// The sleep it is in: an earlier one wakes nobody.
    sleep: u64,
}

impl Actor for MessageCourier {
    type Msg = MessageCourierMessage;
    type State = Rounds;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<MessageCourierMessage>,
        (): (),
    ) -> Result<Rounds, ActorProcessingErr> {
        self.shared.message_courier.attach(myself.clone());
        let now = self.shared.environment.clock.wall();
        let lane = |channel: &Arc<dyn Channel>| Lane {
            channel: Arc::clone(channel),
            bucket: Bucket::full(channel.per_second(), now),
            runs: false,
            again: false,
            sleep: 0,
        };
        myself.cast(MessageCourierMessage::Work)?;
        myself.cast(MessageCourierMessage::Look(None))?;
        let lanes = self.told.messaging.channels.iter().map(lane).collect();
        Ok(Rounds { lanes, runs: BTreeMap::new(), sleeps: 0 })
    }

    async fn handle(
        &self,
        myself: ActorRef<MessageCourierMessage>,
        message: MessageCourierMessage,
        rounds: &mut Rounds,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            MessageCourierMessage::Work => {
                for position in 0..rounds.lanes.len() {
                    self.work(&myself, position, rounds);
                }
            }
            MessageCourierMessage::Woken(position, sleep) => {
                if rounds.lanes.get(position).is_some_and(|lane| lane.sleep == sleep) {
                    self.work(&myself, position, rounds);
                }
            }
            MessageCourierMessage::RoundOver(position, rest) => self.over(&myself, position, rest, rounds),
            MessageCourierMessage::Look(after) => self.look(&myself, after, rounds).await,
            MessageCourierMessage::Run(event, run) => self.step(&myself, (event, run), rounds),
            MessageCourierMessage::Stepped(id, next) => self.stepped(&myself, id, next, rounds),
        }
        Ok(())
    }
}

impl MessageCourier {
    /// Begin a round, unless one is under way: then another follows.
    fn work(&self, myself: &ActorRef<MessageCourierMessage>, position: usize, rounds: &mut Rounds) {
        let Some(lane) = rounds.lanes.get_mut(position) else { return };
        if lane.runs {
            lane.again = true;
            return;
        }
        if self.is_kept_elsewhere(&lane.channel) {
            // What waits there is shown by whoever looks after it.
            self.show(position, None, false);
            return self.sleep(myself, position, LOOK_EVERY_MS, rounds);
        }
        let allowed = lane.bucket.available(self.shared.environment.clock.wall()).min(LANE_IN_FLIGHT_MAX);
        if allowed == 0 {
            let wait_ms = lane.bucket.wait_ms();
            return self.sleep(myself, position, wait_ms, rounds);
        }
        (lane.runs, lane.again) = (true, false);
        let (shared, told, channel) =
            (Arc::clone(&self.shared), Arc::clone(&self.told), Arc::clone(&lane.channel));
        let myself = myself.clone();
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let rest = match caught(round::run(&shared, &channel, allowed)).await {
                Ok(Ok((rest, outcomes))) => {
                    note(&told, position, &channel, &outcomes);
                    rest
                }
                Ok(Err(error)) => failed(&shared, &channel, &error),
                Err(panicked) => {
                    let (channel, reason) = (channel.medium().name(), panicked.reason);
                    tracing::error!(channel, reason, "a round of messages panicked");
                    later(&shared)
                }
            };
            // A courier that was restarted meanwhile looks by itself.
            let _ = myself.cast(MessageCourierMessage::RoundOver(position, rest));
        }));
    }

    fn over(
        &self,
        myself: &ActorRef<MessageCourierMessage>,
        position: usize,
        rest: Rest,
        rounds: &mut Rounds,
    ) {
        let Some(lane) = rounds.lanes.get_mut(position) else { return };
        lane.runs = false;
        lane.bucket.take(rest.sent);
        self.show(position, rest.oldest, rest.is_paused);
        let again = lane.again;
        match rest.next {
            Next::AtOnce => self.work(myself, position, rounds),
            _ if again => self.work(myself, position, rounds),
            Next::At(at) => {
                let wait_ms = at.0.saturating_sub(self.shared.environment.clock.wall().0);
                self.sleep(myself, position, wait_ms, rounds);
            }
            Next::Nothing => self.sleep(myself, position, LOOK_EVERY_MS, rounds),
        }
    }

    /// What operators see of what waits in a lane.
    fn show(&self, position: usize, oldest: Option<Timestamp>, is_paused: bool) {
        if let Some(meters) = self.told.meters.of(position) {
            meters.oldest.set(oldest.map_or(0.0, |at| number(at.0 / 1_000)));
            meters.paused.set(if is_paused { 1.0 } else { 0.0 });
        }
    }

    /// A lane sleeps: the longer of two sleeps wakes nobody.
    fn sleep(
        &self,
        myself: &ActorRef<MessageCourierMessage>,
        position: usize,
        wait_ms: u64,
        rounds: &mut Rounds,
    ) {
        let Some(lane) = rounds.lanes.get_mut(position) else { return };
        rounds.sleeps += 1;
        lane.sleep = rounds.sleeps;
        let message = MessageCourierMessage::Woken(position, lane.sleep);
        self.after_ms(myself, wait_ms.min(self.look_every_ms()), message);
    }

    fn look_every_ms(&self) -> u64 {
        if self.shared.cluster.is_some() { LOOK_EVERY_IN_CLUSTER_MS } else { LOOK_EVERY_MS }
    }

    /// In a cluster each lane has one node that looks after it. Two that both believe so send some messages twice, under the same names.
    fn is_kept_elsewhere(&self, channel: &Arc<dyn Channel>) -> bool {
        let Some(cluster) = &self.shared.cluster else { return false };
        let lane = channel.lane();
        let hash = blake3::hash(format!("{}/{}", lane.channel, lane.account).as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        cluster.me().is_none() || cluster.keeper(u128::from_be_bytes(id)).is_some()
    }

    /// Go on with the broadcasts that were left running.
    async fn look(
        &self,
        myself: &ActorRef<MessageCourierMessage>,
        after: Option<RunId>,
        rounds: &mut Rounds,
    ) {
        let broadcasts = Broadcasts::new(Arc::clone(&self.shared.table));
        match broadcasts.list(None, after, LOOK_BROADCASTS).await {
            Ok(found) => {
                for broadcast in &found {
                    if broadcast.state == BroadcastState::Running {
                        self.step(myself, (broadcast.event, broadcast.run), rounds);
                    }
                }
                let last = found.last().filter(|_| found.len() == LOOK_BROADCASTS);
                if let Some(last) = last {
                    let _ = myself.cast(MessageCourierMessage::Look(Some((last.event, last.run))));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "broadcasts could not be read");
                self.after_ms(myself, RETRY_MS, MessageCourierMessage::Look(after));
            }
        }
    }

    /// Take a step of a broadcast, unless one is under way: then another follows.
    fn step(&self, myself: &ActorRef<MessageCourierMessage>, id: RunId, rounds: &mut Rounds) {
        if let Some(again) = rounds.runs.get_mut(&id) {
            *again = true;
            return;
        }
        rounds.runs.insert(id, false);
        let (shared, told, myself) = (Arc::clone(&self.shared), Arc::clone(&self.told), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let next = match caught(runs::step(&shared, &told, id)).await {
                Ok(Ok(next)) => next,
                Ok(Err(error)) => {
                    tracing::warn!(event = ?id.0, run = id.1, %error, "a broadcast could not go on");
                    NextStep::After(RETRY_MS)
                }
                Err(panicked) => {
                    let reason = panicked.reason;
                    tracing::error!(event = ?id.0, run = id.1, reason, "a step of a broadcast panicked");
                    NextStep::After(LOOK_EVERY_MS)
                }
            };
            let _ = myself.cast(MessageCourierMessage::Stepped(id, next));
        }));
    }

    fn stepped(
        &self,
        myself: &ActorRef<MessageCourierMessage>,
        id: RunId,
        next: NextStep,
        rounds: &mut Rounds,
    ) {
        let again = rounds.runs.remove(&id).unwrap_or(false);
        let wait_ms = match next {
            NextStep::After(wait_ms) => wait_ms,
            NextStep::At(at) => {
                at.0.saturating_sub(self.shared.environment.clock.wall().0).min(LOOK_EVERY_MS)
            }
            NextStep::Never if again => 0,
            NextStep::Never => return,
        };
        self.after_ms(myself, wait_ms, MessageCourierMessage::Run(id.0, id.1));
    }

    fn after_ms(
        &self,
        myself: &ActorRef<MessageCourierMessage>,
        wait_ms: u64,
        message: MessageCourierMessage,
    ) {
        let (sleep, myself) = (self.shared.environment.sleep_ms(wait_ms), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            let _ = myself.cast(message);
        }));
    }
}

/// What operators see of a round.
fn note(told: &People, position: usize, channel: &Arc<dyn Channel>, outcomes: &[Outcome]) {
    for Outcome { verdict, error, .. } in outcomes {
        let ended = match verdict {
            Verdict::Ended(ended) => Some(*ended),
            Verdict::Again(_) => None,
            // It was not tried.
            Verdict::Later(_) => continue,
        };
        if let Some(meters) = told.meters.of(position) {
            meters.count(ended);
        }
        if let Some(reason) = error {
            let channel = channel.medium().name();
            tracing::debug!(channel, reason, ?ended, "a message was not delivered");
        }
    }
}

fn failed(shared: &Shared, channel: &Arc<dyn Channel>, error: &StoreError) -> Rest {
    if let StoreError::Fatal { .. } | StoreError::Locked { .. } = error {
        shared.health.fail(error.to_string());
    }
    tracing::warn!(channel = channel.medium().name(), %error, "a round of messages failed");
    later(shared)
}

fn later(shared: &Shared) -> Rest {
    let at = Timestamp(shared.environment.clock.wall().0.saturating_add(RETRY_MS));
    Rest { next: Next::At(at), sent: 0, oldest: None, is_paused: false }
}
