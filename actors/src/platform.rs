//! The running supervision tree.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tessera_correspondence::Messages;
use tessera_heads::HeadWitness;
use tessera_inventory::EventId;
use tessera_money::Lane;
use tessera_money::payments::{Judge, Payments};
use tessera_money::provider_events::ProviderEvents;
use tessera_projections::catalogue::CatalogueEvent;
use tessera_projections::installation::Installation;
use tessera_projections::receipts::Signer;
use tessera_projections::webhooks::EndpointId;
use tessera_store::{Log, StoreError, Table};

use crate::cluster::{ClusterStatus, RegistrarMessage, Told, hand_over, register};
use crate::inventory::InventoryMessage;
use crate::messages::{self, MessageCourierMessage, Messaging, People, Replaced, inbox_lane};
use crate::payments::{Provider, Till};
use crate::shared::Shared;
use crate::supervision::{Role, Root, RootMessage};
use crate::webhooks::{CourierMessage, Postman};
use crate::{
    ClusterOptions, Environment, InventoryRouter, Limits, PlatformStatus, ReconcileError, Reconciled,
    StartError,
};

/// What follows the decisions, where the composition root has it.
#[derive(Clone, Default)]
pub struct Services {
    /// Signs receipts, which prove what is decided.
    pub signer: Option<Arc<Signer>>,
    /// Renders and sends webhooks.
    pub postman: Option<Arc<dyn Postman>>,
    /// Makes a node of this process, over a store that others share; `None`: it is alone.
    pub cluster: Option<ClusterOptions>,
    /// What this node has seen acknowledged of each event, where a store that others restore may go back in time.
    pub heads: Option<Arc<HeadWitness>>,
    /// Whom buyers may pay through. With none payments are not followed, and the ledger is not kept.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Through what people are told of what concerns them; `None`: nobody is told anything, and inboxes stay as they are.
    pub messaging: Option<Messaging>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// The running supervision tree: root → gateway, inventory, payment, waitlist, notification and notary supervisors.
#[derive(Debug)]
pub struct Platform {
    pub(crate) shared: Arc<Shared>,
    root: ActorRef<RootMessage>,
}

impl Platform {
    /// Start the tree, without receipts and webhooks. Must be called within a tokio runtime, which it runs on.
    ///
    /// # Errors
    /// [`StartError`] when the store cannot be read or a supervisor does not start.
    pub async fn start(
        environment: Environment,
        log: Arc<dyn Log>,
        table: Arc<dyn Table>,
        limits: Limits,
    ) -> Result<Platform, StartError> {
        Platform::start_with(environment, log, table, limits, Services::default()).await
    }

    /// The same with what makes receipts and webhooks of what is decided.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(
        environment: Environment,
        log: Arc<dyn Log>,
        table: Arc<dyn Table>,
        limits: Limits,
        services: Services,
    ) -> Result<Platform, StartError> {
        let installation = installation(&table, &services).await?;
        let told = told(&environment, &table, &services).await?;
        let shared = Arc::new(Shared::new(environment, log, table, limits, services, installation, told));
        crate::inventory::check_witnessed(&shared).await?;
        let root = Root { shared: Arc::clone(&shared) };
        // No names: they are global to the process, and a simulation runs several platforms in one.
        let started = Actor::spawn(None, root, ()).await;
        let failed = |error: ractor::SpawnErr| StartError::Supervisor {
            supervisor: "root",
            reason: error.to_string(),
        };
        let (root, _) = started.map_err(failed)?;
        // A store that fails while nobody asks anything of it must end the process too.
        let (store_failed, told) = (shared.log.failed(), Arc::downgrade(&shared));
        shared.environment.spawn.spawn(Box::pin(async move {
            if let (Some(reason), Some(shared)) = (store_failed.await, told.upgrade()) {
                shared.health.fail(reason);
            }
        }));
        Ok(Platform { shared, root })
    }

    /// The way to the writers.
    #[must_use]
    pub fn inventory(&self) -> InventoryRouter {
        InventoryRouter::new(Arc::clone(&self.shared))
    }

    /// The way in to payments.
    #[must_use]
    pub fn till(&self) -> Till {
        Till::new(Arc::clone(&self.shared))
    }

    /// How the tree is.
    #[must_use]
    pub fn status(&self) -> PlatformStatus {
        self.shared.health.status(self.shared.directory.len(), self.shared.cluster.as_deref())
    }

    /// The nodes, as this one sees them; `None`: this process is alone.
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterStatus> {
        self.shared.cluster.as_deref().map(|cluster| ClusterStatus::of(&self.shared, cluster))
    }

    /// Resolves with the reason when the process must end with a failure: the store failed for good, or a supervisor could not be kept up.
    pub async fn fatal(&self) -> String {
        self.shared.health.fatal().await
    }

    /// An operator has repaired a quarantined event: activate it again. `false` where the store went back: nothing was done, that must be
    /// reconciled.
    ///
    /// # Errors
    /// The quarantine could not be lifted for good: the event stays quarantined.
    pub async fn release(&self, event: EventId) -> Result<bool, StoreError> {
        let is_lifted = crate::inventory::lift_quarantine(&self.shared, event).await?;
        if is_lifted {
            self.released(event);
        }
        Ok(is_lifted)
    }

    /// An operator accepts what the store has of an event that went back: what it lacks is given up, and it is sold again.
    ///
    /// # Errors
    /// [`ReconcileError`]: it stays set aside.
    pub async fn reconcile(&self, event: EventId) -> Result<Reconciled, ReconcileError> {
        let reconciled = crate::inventory::reconcile(&self.shared, event).await?;
        self.released(event);
        Ok(reconciled)
    }

    /// An event may be sold again: every node learns it.
    fn released(&self, event: EventId) {
        self.shared.inventory.cast(InventoryMessage::Release(event));
        if let Some(cluster) = &self.shared.cluster {
            cluster.tell_all(Told::Given(event));
        }
    }

    /// Something may be due for a webhook endpoint: it was enabled, or is to be told something again.
    pub fn send_webhooks(&self, endpoint: EndpointId) {
        self.shared.courier.cast(CourierMessage::Work(endpoint));
    }

    /// Messages to people may be due: dead letters are to be sent again.
    pub fn send_messages(&self) {
        self.shared.message_courier.cast(MessageCourierMessage::Work);
    }

    /// A broadcast was begun, or may go on.
    pub fn run_broadcast(&self, event: EventId, run: u64) {
        self.shared.message_courier.cast(MessageCourierMessage::Run(event, run));
    }

    /// Replaces what people are told of an event; those who have tickets hear of another date or place if they `are_told`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn replace_card(&self, card: &CatalogueEvent, are_told: bool) -> Result<Replaced, StoreError> {
        let (environment, table) = (&self.shared.environment, self.shared.table.as_ref());
        let request = are_told.then(|| environment.random.bits());
        let replaced = messages::replace(table, card, request, environment.clock.wall()).await?;
        if let Replaced::Card(_, Some(run)) = &replaced {
            self.run_broadcast(card.event, *run);
        }
        Ok(replaced)
    }

    /// An operator vouches for the wall clock, after an implausible jump has blocked openings and expiries.
    pub fn acknowledge_clock(&self) {
        self.shared.inventory.cast(InventoryMessage::AcknowledgeClock);
    }

    /// Shut down: new asks are not executed, every writer hands over, followers reach the head or `deadline` passes.
    pub async fn drain(&self, deadline: Duration) {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let end_at = self.shared.environment.after_ms(deadline_ms);
        let drained = async {
            hand_over(&self.shared).await;
            register(&self.shared, RegistrarMessage::Leave).await;
        };
        tokio::select! {
            biased;
            () = drained => {}
            () = self.shared.environment.clock.sleep_until(end_at) => {
                tracing::warn!("the drain has taken too long; what is left is recovered at the next start");
            }
        }
        // The tree ends by itself; nothing in it is needed any more.
        let _ = self.root.cast(RootMessage::Stop);
    }
}

/// What is shared of messages to people, and since when they are told.
async fn told(
    environment: &Environment,
    table: &Arc<dyn Table>,
    services: &Services,
) -> Result<Option<People>, StoreError> {
    let Some(messaging) = services.messaging.clone() else { return Ok(None) };
    let (messages, now) = (Messages::new(Arc::clone(table)), environment.clock.wall());
    let since = messages.open(&inbox_lane(), now).await?.since;
    Ok(Some(People::new(messaging, since)))
}

/// What calls to providers are named by; there must be one where there are providers. `None`: nobody is or was paid through one.
async fn installation(
    table: &Arc<dyn Table>,
    services: &Services,
) -> Result<Option<Installation>, StartError> {
    if services.providers.is_empty() && !has_payments(table).await? {
        return Ok(None);
    }
    let lacking = || StartError::Supervisor {
        supervisor: Role::Payment.name(),
        reason: "there is no installation that providers could know".to_owned(),
    };
    match Installation::find(&**table).await? {
        None if !services.providers.is_empty() => Err(lacking()),
        found => Ok(found),
    }
}

/// Whether anybody was ever paid through a provider here, or one has told something that is not handled: somebody must look after that, though no
/// provider is configured any more.
async fn has_payments(table: &Arc<dyn Table>) -> Result<bool, StoreError> {
    let payments = Payments::new(Arc::clone(table), Judge { providers: BTreeMap::new() });
    let events = ProviderEvents::new(Arc::clone(table));
    if payments.named(None, 1).await?.next.is_some() {
        return Ok(true);
    }
    for lane in Lane::all() {
        let is_unsettled = payments.backlog(lane, 1).await?.unsettled > 0;
        if is_unsettled || !events.due(lane, None, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Drop for Platform {
    /// A platform that is dropped undrained ends like a crash: what it acknowledged is durable.
    fn drop(&mut self) {
        let _ = self.root.cast(RootMessage::Stop);
    }
}
