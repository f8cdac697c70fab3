//! Keeps one follower up.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

use super::{Follower, FollowerKind};
use crate::shared::Shared;
use crate::supervision::{RestartBudget, Verdict};

/// The back-off of the follower has passed.
#[derive(Debug)]
pub(crate) struct RestartFollower;

/// The supervisor of one follower: payment, waitlist, notification, or the gateway's projection.
#[derive(Debug)]
pub(crate) struct FollowerSupervisor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) kind: FollowerKind,
}

impl Actor for FollowerSupervisor {
    type Msg = RestartFollower;
    type State = RestartBudget;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<RestartFollower>,
        (): (),
    ) -> Result<RestartBudget, ActorProcessingErr> {
        self.start(&myself).await?;
        Ok(RestartBudget::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<RestartFollower>,
        _message: RestartFollower,
        budget: &mut RestartBudget,
    ) -> Result<(), ActorProcessingErr> {
        match self.start(&myself).await {
            Ok(()) => Ok(()),
            Err(error) => self.failed(&myself, &error.to_string(), budget),
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RestartFollower>,
        event: SupervisionEvent,
        budget: &mut RestartBudget,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(_, error) => self.failed(&myself, &error.to_string(), budget),
            SupervisionEvent::ActorTerminated(_, _, reason) => {
                self.failed(&myself, &reason.unwrap_or_default(), budget)
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => Ok(()),
        }
    }
}

impl FollowerSupervisor {
    async fn start(&self, myself: &ActorRef<RestartFollower>) -> Result<(), SpawnErr> {
        let follower = Follower { shared: Arc::clone(&self.shared), kind: self.kind };
        Actor::spawn_linked(None, follower, (), myself.get_cell()).await?;
        Ok(())
    }

    /// Start it again, or fail towards the root when the budget is used up.
    fn failed(
        &self,
        myself: &ActorRef<RestartFollower>,
        reason: &str,
        budget: &mut RestartBudget,
    ) -> Result<(), ActorProcessingErr> {
        let environment = &self.shared.environment;
        let now = environment.clock.monotonic();
        match budget.failed(now, &self.shared.limits, &*environment.random) {
            Verdict::RestartAfter(wait_ms) => {
                let follower = self.kind.name();
                tracing::error!(follower, reason, wait_ms, "a follower ended; it is restarted");
                self.shared.meters.restarts.increment(1);
                let (sleep, myself) = (environment.sleep_ms(wait_ms), myself.clone());
                environment.spawn.spawn(Box::pin(async move {
                    sleep.await;
                    let _ = myself.cast(RestartFollower);
                }));
                Ok(())
            }
            Verdict::GiveUp => Err(format!("the follower could not be kept up: {reason}").into()),
        }
    }
}
