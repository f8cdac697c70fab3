//! The courier of messages to people: one lane for each account of a channel, so a slow account holds up nobody but itself. Attempts are made
//! beside each other; a round, one at a time, records those that have ended and begins as many. And the broadcasts that run.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_cluster::NodeId;
use tessera_correspondence::{BroadcastState, Broadcasts, Outcome, Verdict, Want};
use tessera_inventory::{EventId, Timestamp};
use tessera_store::StoreError;
use tessera_store::keys::MessagePlace;
use tessera_writer::Monotonic;

use super::lane::{Lane, Tried};
use super::letter::Desk;
use super::round::{self, Next, Rest};
use super::runs::{self, NextStep};
use super::{Channel, People};
use crate::blocking::caught;
use crate::meters::number;
use crate::shared::Shared;

/// Pause after a round or a step that failed, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// Longest sleep of a lane and of a broadcast, in milliseconds: what is due stands in wall time, which may be set.
const LOOK_EVERY_MS: u64 = 60_000;
/// The same in a cluster, where others write what one looks after.
const LOOK_EVERY_IN_CLUSTER_MS: u64 = 2_000;
/// Broadcasts that are looked up at once.
const LOOK_BROADCASTS: usize = 200;
/// How often all broadcasts are looked through for some that nobody goes on with, in milliseconds, besides when it changes which node looks
/// after what: every broadcast has a row for ever.
const LOOK_ALL_EVERY_MS: u64 = 300_000;

/// A broadcast.
type RunId = (EventId, u64);

/// What the courier is told.
#[derive(Debug)]
pub(crate) enum MessageCourierMessage {
    /// Something may be due.
    Work,
    /// Look whether it is time to look for broadcasts that were left running.
    Sweep,
    /// Look for them, from this one on.
    Look(Option<RunId>),
    /// A broadcast may go on.
    Run(EventId, u64),
    /// The pause of a broadcast is over; the number says which.
    Rested(RunId, u64),
    /// A round of a lane is over.
    RoundOver(usize, Rest),
    /// An attempt of a lane has ended.
    Ended(usize, Box<Tried>),
    /// An attempt of a lane has ended, and nobody knows how.
    Lost(usize, MessagePlace),
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
    runs: BTreeMap<RunId, Run>,
    sleeps: u64,
    /// When all broadcasts were looked through, and who was there then.
    looked_at: Option<Monotonic>,
    nodes: Vec<NodeId>,
}

/// A broadcast that goes on here.
#[derive(Default)]
struct Run {
    /// Whether a step is under way.
    steps: bool,
    /// Somebody said during the step that it may go on.
    again: bool,
    /// The pause it is in: an earlier one wakes nobody.
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
        let lane = |channel: &Arc<dyn Channel>| Lane::new(Arc::clone(channel), now);
        myself.cast(MessageCourierMessage::Work)?;
        myself.cast(MessageCourierMessage::Sweep)?;
        let lanes = self.told.messaging.channels.iter().map(lane).collect();
        Ok(Rounds { lanes, runs: BTreeMap::new(), sleeps: 0, looked_at: None, nodes: Vec::new() })
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
                if let Some(lane) = rounds.lanes.get_mut(position).filter(|lane| lane.sleep == sleep) {
                    lane.wakes_at = None;
                    self.work(&myself, position, rounds);
                }
            }
            MessageCourierMessage::RoundOver(position, rest) => self.over(&myself, position, rest, rounds),
            MessageCourierMessage::Ended(position, tried) => {
                if let Some(lane) = rounds.lanes.get_mut(position) {
                    lane.ends(*tried, self.shared.environment.clock.monotonic());
                }
                self.work(&myself, position, rounds);
            }
            MessageCourierMessage::Lost(position, place) => {
                if let Some(lane) = rounds.lanes.get_mut(position) {
                    lane.loses(&place);
                }
                self.sleep(&myself, position, RETRY_MS, rounds);
            }
            MessageCourierMessage::Sweep => self.sweep(&myself, rounds),
            MessageCourierMessage::Look(after) => self.look(&myself, after, rounds).await,
            MessageCourierMessage::Run(event, run) => self.step(&myself, (event, run), rounds),
            MessageCourierMessage::Rested(id, sleep) => {
                if rounds.runs.get(&id).is_some_and(|run| run.sleep == sleep) {
                    self.step(&myself, id, rounds);
                }
            }
            MessageCourierMessage::Stepped(id, next) => self.stepped(&myself, id, next, rounds),
        }
        Ok(())
    }
}

impl MessageCourier {
    /// Begin a round, unless one is under way: then another follows.
    fn work(&self, myself: &ActorRef<MessageCourierMessage>, position: usize, rounds: &mut Rounds) {
        let clock = &self.shared.environment.clock;
        let (now, at) = (clock.wall(), clock.monotonic());
        let Some(lane) = rounds.lanes.get_mut(position) else { return };
        if lane.runs {
            lane.again = true;
            return;
        }
        let is_ours = !self.is_kept_elsewhere(&lane.channel);
        let Some(brought) = lane.brings(now, at, is_ours) else {
            let wait_ms = if is_ours { lane.wait_ms(at) } else { Some(LOOK_EVERY_MS) };
            if !is_ours {
                // What waits there is shown by whoever looks after it.
                self.show(position, None, false);
            }
            if let Some(wait_ms) = wait_ms {
                self.sleep(myself, position, wait_ms, rounds);
            }
            return;
        };
        (lane.runs, lane.again) = (true, false);
        let (shared, channel, myself) = (Arc::clone(&self.shared), Arc::clone(&lane.channel), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let rest = match caught(round::run(&shared, &*channel, brought)).await {
                Ok(Ok(rest)) => rest,
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
        let at = self.shared.environment.clock.monotonic();
        let Some(lane) = rounds.lanes.get_mut(position) else { return };
        lane.runs = false;
        let outcomes = lane.recorded(rest.recorded);
        note(&self.told, position, &lane.channel, &outcomes);
        self.show(position, rest.oldest, rest.is_paused);
        for want in &rest.begun {
            lane.begins(want, rest.failures, at);
        }
        self.begin(myself, position, &lane.channel, rest.begun);
        let (again, full_ms) = (lane.again, lane.wait_ms(at));
        match rest.next {
            Next::AtOnce => self.work(myself, position, rounds),
            _ if again => self.work(myself, position, rounds),
            Next::At(next_at) => {
                let wait_ms = next_at.0.saturating_sub(self.shared.environment.clock.wall().0);
                self.sleep(myself, position, wait_ms, rounds);
            }
            // What ends begins the next round.
            Next::Full => self.sleep(myself, position, full_ms.unwrap_or(LOOK_EVERY_MS), rounds),
            Next::Nothing => self.sleep(myself, position, LOOK_EVERY_MS, rounds),
        }
    }

    /// Makes attempts, each beside the others.
    fn begin(
        &self,
        myself: &ActorRef<MessageCourierMessage>,
        position: usize,
        channel: &Arc<dyn Channel>,
        wants: Vec<Want>,
    ) {
        let desk = Arc::new(Desk::new(&self.shared));
        for want in wants {
            let (shared, desk, channel) = (Arc::clone(&self.shared), Arc::clone(&desk), Arc::clone(channel));
            let (myself, place) = (myself.clone(), want.place);
            self.shared.environment.spawn.spawn(Box::pin(async move {
                let message = match caught(round::alone(&shared, &desk, &*channel, want)).await {
                    Ok(Ok(tried)) => MessageCourierMessage::Ended(position, Box::new(tried)),
                    Ok(Err(error)) => {
                        let _ = failed(&shared, &channel, &error);
                        MessageCourierMessage::Lost(position, place)
                    }
                    Err(panicked) => {
                        let (channel, reason) = (channel.medium().name(), panicked.reason);
                        tracing::error!(channel, reason, "what became of a message was lost by a panic");
                        MessageCourierMessage::Lost(position, place)
                    }
                };
                // A courier that was restarted meanwhile tries it again.
                let _ = myself.cast(message);
            }));
        }
    }

    /// What operators see of what waits in a lane.
    fn show(&self, position: usize, oldest: Option<Timestamp>, is_paused: bool) {
        if let Some(meters) = self.told.meters.of(position) {
            meters.oldest.set(oldest.map_or(0.0, |at| number(at.0 / 1_000)));
            meters.paused.set(if is_paused { 1.0 } else { 0.0 });
        }
    }

    /// A lane sleeps. Of two sleeps the longer wakes nobody.
    fn sleep(
        &self,
        myself: &ActorRef<MessageCourierMessage>,
        position: usize,
        wait_ms: u64,
        rounds: &mut Rounds,
    ) {
        let Some(lane) = rounds.lanes.get_mut(position) else { return };
        let wait_ms = wait_ms.min(self.look_every_ms());
        let wakes_at = self.shared.environment.clock.monotonic().plus_ms(wait_ms);
        if lane.wakes_at.is_some_and(|sooner| sooner <= wakes_at) {
            return;
        }
        rounds.sleeps += 1;
        (lane.sleep, lane.wakes_at) = (rounds.sleeps, Some(wakes_at));
        let message = MessageCourierMessage::Woken(position, lane.sleep);
        self.after_ms(myself, wait_ms, message);
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

    /// Who may look after something, this node first.
    fn nodes(&self) -> Vec<NodeId> {
        let Some(cluster) = &self.shared.cluster else { return Vec::new() };
        let members = cluster.members();
        members.me.into_iter().chain(members.serving().map(|(node, _)| node)).collect()
    }

    /// In a cluster each event has one node that goes on with its broadcasts when another has left them. Two that do so take each step once.
    fn is_mine(&self, event: EventId) -> bool {
        let Some(cluster) = &self.shared.cluster else { return true };
        cluster.me().is_some() && cluster.keeper(event.0).is_none()
    }

    /// Now and then, and when nodes come and go, look for broadcasts that nobody goes on with.
    fn sweep(&self, myself: &ActorRef<MessageCourierMessage>, rounds: &mut Rounds) {
        let (nodes, at) = (self.nodes(), self.shared.environment.clock.monotonic());
        let is_old = |looked_at: Monotonic| at.since_ms(looked_at) >= LOOK_ALL_EVERY_MS;
        if nodes != rounds.nodes || rounds.looked_at.is_none_or(is_old) {
            (rounds.nodes, rounds.looked_at) = (nodes, Some(at));
            let _ = myself.cast(MessageCourierMessage::Look(None));
        }
        self.after_ms(myself, self.look_every_ms(), MessageCourierMessage::Sweep);
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
                    let id = (broadcast.event, broadcast.run);
                    let is_left = broadcast.state == BroadcastState::Running && self.is_mine(id.0);
                    if is_left && !rounds.runs.contains_key(&id) {
                        self.step(myself, id, rounds);
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
        let run = rounds.runs.entry(id).or_default();
        if run.steps {
            run.again = true;
            return;
        }
        // If it was in a pause, that is over.
        *run = Run { steps: true, again: false, sleep: 0 };
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
        let again = rounds.runs.remove(&id).is_some_and(|run| run.again);
        let wait_ms = match next {
            NextStep::After(wait_ms) => wait_ms,
            NextStep::At(at) => {
                at.0.saturating_sub(self.shared.environment.clock.wall().0).min(LOOK_EVERY_MS)
            }
            NextStep::Never if again => 0,
            NextStep::Never => return,
        };
        rounds.sleeps += 1;
        rounds.runs.insert(id, Run { steps: false, again: false, sleep: rounds.sleeps });
        self.after_ms(myself, wait_ms, MessageCourierMessage::Rested(id, rounds.sleeps));
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
    Rest { next: Next::At(at), begun: Vec::new(), failures: 0, recorded: 0, oldest: None, is_paused: false }
}
