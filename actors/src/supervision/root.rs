//! The root supervisor: keeps its children up, and ends the process when it cannot.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

use super::{RestartBudget, Role, Verdict};
use crate::cluster::Registrar;
use crate::followers::{FollowerKind, FollowerSupervisor};
use crate::inventory::InventorySupervisor;
use crate::shared::Shared;

/// What the root is told.
#[derive(Debug)]
pub(crate) enum RootMessage {
    /// The back-off of a child has passed.
    Restart(Role),
    /// Stop every child, then itself.
    Stop,
}

/// The root supervisor.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) shared: Arc<Shared>,
}

/// The children and their restarts.
#[derive(Debug)]
pub(crate) struct Children {
    running: BTreeMap<u64, Role>,
    budgets: [RestartBudget; Role::ALL.len()],
    is_stopping: bool,
}

impl Actor for Root {
    type Msg = RootMessage;
    type State = Children;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<RootMessage>, (): ()) -> Result<Children, ActorProcessingErr> {
        let budgets = std::array::from_fn(|_| RestartBudget::default());
        let mut children = Children { running: BTreeMap::new(), budgets, is_stopping: false };
        for role in Role::of(self.shared.cluster.is_some()) {
            self.start(&myself, role, &mut children).await?;
        }
        Ok(children)
    }

    async fn handle(
        &self,
        myself: ActorRef<RootMessage>,
        message: RootMessage,
        children: &mut Children,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RootMessage::Restart(role) if !children.is_stopping => {
                if let Err(error) = self.start(&myself, role, children).await {
                    self.failed(&myself, role, &error.to_string(), children);
                }
            }
            RootMessage::Restart(_) => {}
            RootMessage::Stop => {
                children.is_stopping = true;
                myself.stop(None);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RootMessage>,
        event: SupervisionEvent,
        children: &mut Children,
    ) -> Result<(), ActorProcessingErr> {
        let (who, reason) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, error.to_string()),
            SupervisionEvent::ActorTerminated(who, _, reason) => (who, reason.unwrap_or_default()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        if let Some(role) = children.running.remove(&who.get_id().pid()) {
            self.shared.health.set_running(role, false);
            self.failed(&myself, role, &reason, children);
        }
        Ok(())
    }
}

impl Root {
    async fn start(
        &self,
        myself: &ActorRef<RootMessage>,
        role: Role,
        children: &mut Children,
    ) -> Result<(), SpawnErr> {
        let cell = self.spawn(role, myself.get_cell()).await?;
        children.running.insert(cell.get_id().pid(), role);
        self.shared.health.set_running(role, true);
        Ok(())
    }

    async fn spawn(&self, role: Role, parent: ActorCell) -> Result<ActorCell, SpawnErr> {
        let shared = Arc::clone(&self.shared);
        let kind = match role {
            Role::Inventory => {
                let child = Actor::spawn_linked(None, InventorySupervisor { shared }, (), parent).await?;
                return Ok(child.0.get_cell());
            }
            Role::Registrar => {
                let cluster = self.shared.cluster.clone();
                let cluster = cluster.ok_or_else(|| SpawnErr::StartupFailed("there is no cluster".into()))?;
                let child = Actor::spawn_linked(None, Registrar { shared, cluster }, (), parent).await?;
                return Ok(child.0.get_cell());
            }
            Role::Gateway => FollowerKind::OrdersBySubject,
            Role::Payment => FollowerKind::Payment,
            Role::Waitlist => FollowerKind::Waitlist,
            Role::Notification => FollowerKind::Notification,
            Role::Notary => FollowerKind::Notary,
        };
        let child = Actor::spawn_linked(None, FollowerSupervisor { shared, kind }, (), parent).await?;
        Ok(child.0.get_cell())
    }

    fn failed(&self, myself: &ActorRef<RootMessage>, role: Role, reason: &str, children: &mut Children) {
        if children.is_stopping {
            return;
        }
        let environment = &self.shared.environment;
        let budget = &mut children.budgets[role.index()];
        match budget.failed(environment.clock.monotonic(), &self.shared.limits, &*environment.random) {
            Verdict::RestartAfter(wait_ms) => {
                tracing::error!(
                    supervisor = role.name(),
                    reason,
                    wait_ms,
                    "a supervisor ended; it is restarted"
                );
                self.shared.health.count_restart(role);
                self.shared.meters.restarts.increment(1);
                let (sleep, myself) = (environment.sleep_ms(wait_ms), myself.clone());
                environment.spawn.spawn(Box::pin(async move {
                    sleep.await;
                    let _ = myself.cast(RootMessage::Restart(role));
                }));
            }
            Verdict::GiveUp => {
                let name = role.name();
                self.shared.health.fail(format!("the {name} supervisor could not be kept up: {reason}"));
            }
        }
    }
}
