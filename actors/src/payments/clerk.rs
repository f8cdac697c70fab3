//! The clerk: refund runs of the lanes that this process looks after, step by step. A step is `tessera_money::refunding`'s.

mod forget;
mod writers;

use std::collections::BTreeSet;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_money::Lane;
use tessera_money::refunding::{self, Rest};
use tessera_projections::orders::OrdersBySubject;
use tessera_store::StoreError;
use tessera_store::keys::RefundRunKey;

use crate::blocking::{Panicked, caught};
use crate::shared::Shared;
use writers::Router;

/// How often runs are looked for that somebody else began, in milliseconds.
const LOOK_MS: u64 = 10_000;
/// Runs of a lane that go on at once.
const RUNS_OF_LANE_MAX: usize = 16;
/// How often contacts of what was never paid are forgotten, in milliseconds.
const FORGET_MS: u64 = 60_000;
/// Pause after a step that failed, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// What the clerk is told.
#[derive(Debug)]
pub(crate) enum ClerkMessage {
    /// A run may have been begun or resumed.
    Look,
    /// These go on.
    Found(Vec<RefundRunKey>),
    /// The next step of a run.
    Step(RefundRunKey),
    /// A step of a run is over.
    Stepped(RefundRunKey, Rest),
    /// Look now and then.
    Sweep,
    /// Forget how buyers are reached of what was never paid.
    Forget,
}

/// The actor.
#[derive(Debug)]
pub(crate) struct Clerk {
    pub(crate) shared: Arc<Shared>,
}

impl Actor for Clerk {
    type Msg = ClerkMessage;
    type State = BTreeSet<RefundRunKey>;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<ClerkMessage>,
        (): (),
    ) -> Result<BTreeSet<RefundRunKey>, ActorProcessingErr> {
        self.shared.money.clerk.attach(myself.clone());
        myself.cast(ClerkMessage::Sweep)?;
        self.after_ms(&myself, FORGET_MS, ClerkMessage::Forget);
        Ok(BTreeSet::new())
    }

    async fn handle(
        &self,
        myself: ActorRef<ClerkMessage>,
        message: ClerkMessage,
        running: &mut BTreeSet<RefundRunKey>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ClerkMessage::Look => self.look(&myself),
            ClerkMessage::Found(runs) => {
                for run in runs {
                    if running.insert(run) {
                        self.step(&myself, run);
                    }
                }
            }
            ClerkMessage::Step(run) => self.step(&myself, run),
            ClerkMessage::Stepped(run, Rest::AfterMs(ms)) => {
                self.after_ms(&myself, ms, ClerkMessage::Step(run))
            }
            ClerkMessage::Stepped(run, Rest::Over) => {
                running.remove(&run);
            }
            ClerkMessage::Sweep => {
                self.look(&myself);
                self.after_ms(&myself, LOOK_MS, ClerkMessage::Sweep);
            }
            ClerkMessage::Forget => self.forget(&myself),
        }
        Ok(())
    }
}

impl Clerk {
    /// In a cluster each lane has one node that looks after it.
    fn is_mine(&self, lane: Lane) -> bool {
        let Some(cluster) = self.shared.cluster.as_ref() else { return true };
        cluster.me().is_some() && cluster.keeper(u128::from(lane.number())).is_none()
    }

    fn look(&self, myself: &ActorRef<ClerkMessage>) {
        let mine: Vec<_> = Lane::all().filter(|lane| self.is_mine(*lane)).collect();
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let mut found = Vec::new();
            for lane in mine {
                match shared.money.runs.open(lane, RUNS_OF_LANE_MAX).await {
                    Ok(runs) => found.extend(runs),
                    Err(error) => {
                        return tracing::warn!(%error, "refund runs could not be read; they are read later");
                    }
                }
            }
            let _ = myself.cast(ClerkMessage::Found(found));
        }));
    }

    /// Forget what is due in the lanes of this process, and again a while after that.
    fn forget(&self, myself: &ActorRef<ClerkMessage>) {
        let mine: Vec<_> = Lane::all().filter(|lane| self.is_mine(*lane)).collect();
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            if let Err(Panicked { reason }) = caught(forget::forget(&shared, &mine)).await {
                tracing::warn!(reason, "contacts of what was never paid are forgotten later");
            }
            let sleep = shared.environment.sleep_ms(FORGET_MS);
            // A sleep does not keep the store open.
            drop(shared);
            sleep.await;
            let _ = myself.cast(ClerkMessage::Forget);
        }));
    }

    fn step(&self, myself: &ActorRef<ClerkMessage>, run: RefundRunKey) {
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let error = match caught(step(&shared, run)).await {
                Ok(Ok(rest)) => {
                    let _ = myself.cast(ClerkMessage::Stepped(run, rest));
                    return;
                }
                Ok(Err(error)) => error.to_string(),
                Err(panicked) => panicked.reason,
            };
            let (event, run_id) = (run.event, run.run);
            tracing::warn!(error, ?event, run = run_id, "a step of a refund run failed; it is made again");
            let _ = myself.cast(ClerkMessage::Stepped(run, Rest::AfterMs(RETRY_MS)));
        }));
    }

    fn after_ms(&self, myself: &ActorRef<ClerkMessage>, wait_ms: u64, message: ClerkMessage) {
        let (sleep, myself) = (self.shared.environment.sleep_ms(wait_ms), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            let _ = myself.cast(message);
        }));
    }
}

async fn step(shared: &Arc<Shared>, run: RefundRunKey) -> Result<Rest, StoreError> {
    let orders = OrdersBySubject::new(Arc::clone(&shared.table));
    let clerk = refunding::Clerk {
        log: &*shared.log,
        runs: &shared.money.runs,
        orders: &orders,
        writers: &Router(Arc::clone(shared)),
    };
    clerk.step(run, shared.environment.clock.wall()).await
}
