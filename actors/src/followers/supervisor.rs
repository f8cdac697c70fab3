//! Keeps one follower up, and what works beside it.

use std::sync::Arc;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

use super::{Follower, FollowerKind};
use crate::messages::MessageCourier;
use crate::payments::{Clerk, Desks};
use crate::shared::Shared;
use crate::supervision::{RestartBudget, Verdict};
use crate::webhooks::Courier;

/// What is kept up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    /// The follower.
    Follower,
    /// What sends webhooks, beside the follower of notifications.
    Courier,
    /// What sends messages to people, beside the follower of notifications.
    MessageCourier,
    /// What drives payments, beside the follower of payments.
    Desks,
    /// What refunds many orders, beside the follower of payments.
    Clerk,
    /// The follower of entry, beside that of orders by subject.
    Entry,
}

/// The back-off of a child has passed.
#[derive(Debug)]
pub(crate) struct Restart(Child);

/// The supervisor of one follower: payment, waitlist, notification, or the gateway's projection.
#[derive(Debug)]
pub(crate) struct FollowerSupervisor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) kind: FollowerKind,
}

/// The children and their restarts.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    budget: RestartBudget,
    /// Who works beside the follower.
    beside: Vec<(ActorId, Child)>,
}

impl Actor for FollowerSupervisor {
    type Msg = Restart;
    type State = Kept;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Restart>, (): ()) -> Result<Kept, ActorProcessingErr> {
        let mut kept = Kept::default();
        self.start(&myself, Child::Follower, &mut kept).await?;
        let courier = self.shared.postman.is_some().then_some(Child::Courier);
        let message_courier = self.shared.told.is_some().then_some(Child::MessageCourier);
        let desks = self.shared.money.has_payments().then_some(Child::Desks);
        let beside = match self.kind {
            FollowerKind::Notification => vec![courier, message_courier],
            FollowerKind::Payment => vec![desks, Some(Child::Clerk)],
            FollowerKind::OrdersBySubject => vec![Some(Child::Entry)],
            _ => Vec::new(),
        };
        for child in beside.into_iter().flatten() {
            self.start(&myself, child, &mut kept).await?;
        }
        Ok(kept)
    }

    async fn handle(
        &self,
        myself: ActorRef<Restart>,
        Restart(child): Restart,
        kept: &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        match self.start(&myself, child, kept).await {
            Ok(()) => Ok(()),
            Err(error) => self.failed(&myself, child, &error.to_string(), kept),
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Restart>,
        event: SupervisionEvent,
        kept: &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        let (who, reason) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, error.to_string()),
            SupervisionEvent::ActorTerminated(who, _, reason) => (who, reason.unwrap_or_default()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        let beside = kept.beside.iter().find(|(beside, _)| *beside == who.get_id());
        let child = beside.map_or(Child::Follower, |(_, child)| *child);
        self.failed(&myself, child, &reason, kept)
    }
}

impl Kept {
    /// A child works beside the follower, instead of the one before.
    fn now_is(&mut self, child: Child, id: ActorId) {
        self.beside.retain(|(_, known)| *known != child);
        self.beside.push((id, child));
    }
}

impl FollowerSupervisor {
    async fn start(&self, myself: &ActorRef<Restart>, child: Child, kept: &mut Kept) -> Result<(), SpawnErr> {
        let shared = Arc::clone(&self.shared);
        match child {
            Child::Follower => {
                let follower = Follower { shared, kind: self.kind };
                Actor::spawn_linked(None, follower, (), myself.get_cell()).await?;
            }
            Child::Courier => {
                let (courier, _) =
                    Actor::spawn_linked(None, Courier { shared }, (), myself.get_cell()).await?;
                kept.now_is(child, courier.get_id());
            }
            Child::MessageCourier => {
                // Without anybody to tell, nobody starts it.
                let Some(told) = shared.told.clone() else { return Ok(()) };
                let courier = MessageCourier { shared, told };
                let (courier, _) = Actor::spawn_linked(None, courier, (), myself.get_cell()).await?;
                kept.now_is(child, courier.get_id());
            }
            Child::Desks => {
                let (desks, _) = Actor::spawn_linked(None, Desks { shared }, (), myself.get_cell()).await?;
                kept.now_is(child, desks.get_id());
            }
            Child::Clerk => {
                let (clerk, _) = Actor::spawn_linked(None, Clerk { shared }, (), myself.get_cell()).await?;
                kept.now_is(child, clerk.get_id());
            }
            Child::Entry => {
                let follower = Follower { shared, kind: FollowerKind::Entry };
                let (entry, _) = Actor::spawn_linked(None, follower, (), myself.get_cell()).await?;
                kept.now_is(child, entry.get_id());
            }
        }
        Ok(())
    }

    /// Start a child again, or fail towards the root when the budget is used up.
    fn failed(
        &self,
        myself: &ActorRef<Restart>,
        child: Child,
        reason: &str,
        kept: &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        let environment = &self.shared.environment;
        let now = environment.clock.monotonic();
        match kept.budget.failed(now, &self.shared.limits, &*environment.random) {
            Verdict::RestartAfter(wait_ms) => {
                let follower = self.kind.name();
                tracing::error!(follower, ?child, reason, wait_ms, "a follower ended; it is restarted");
                self.shared.meters.restarts.increment(1);
                let (sleep, myself) = (environment.sleep_ms(wait_ms), myself.clone());
                environment.spawn.spawn(Box::pin(async move {
                    sleep.await;
                    let _ = myself.cast(Restart(child));
                }));
                Ok(())
            }
            Verdict::GiveUp => Err(format!("the follower could not be kept up: {reason}").into()),
        }
    }
}
