//! What every actor of one platform and its router share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwapOption;
use ractor::ActorRef;
use tessera_cluster::OtherClocks;
use tessera_heads::HeadWitness;
use tessera_inventory::EventId;
use tessera_projections::installation::Installation;
use tessera_projections::receipts::{Receipts, Signer};
use tessera_store::snapshot::SnapshotRepository;
use tessera_store::{Log, Table};
use tessera_writer::{ClockReading, Head};
use tokio::sync::{Mutex, Semaphore};

use crate::cluster::Cluster;
use crate::directory::Directory;
use crate::followers::{FOLLOWERS, FollowerKind, FollowerMessage};
use crate::health::{Health, SetAside};
use crate::ingress::Permits;
use crate::inventory::{FrozenViews, InventoryMessage};
use crate::limits::{CHECKPOINTS_LISTED_AT_ONCE_MAX, LARGE_DECODINGS_MAX, RECEIPTS_PROVEN_AT_ONCE_MAX};
use crate::messages::{MessageCourierMessage, People};
use crate::meters::{Meters, number};
use crate::payments::Money;
use crate::platform::Services;
use crate::slot::Slot;
use crate::webhooks::{CourierMessage, IN_FLIGHT_MAX, Postman};
use crate::witness::Witness;
use crate::{Environment, Limits};

/// What every actor of one platform and its router share. Nothing in it is global to the process.
pub(crate) struct Shared {
    pub(crate) environment: Environment,
    pub(crate) limits: Limits,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) table: Arc<dyn Table>,
    pub(crate) snapshots: SnapshotRepository,
    pub(crate) receipts: Receipts,
    /// Signs receipts; `None`: there are none.
    pub(crate) signer: Option<Arc<Signer>>,
    /// Renders and sends webhooks; `None`: there are none.
    pub(crate) postman: Option<Arc<dyn Postman>>,
    /// What this node has seen of each event; `None`: nothing is witnessed.
    pub(crate) heads: Option<Arc<HeadWitness>>,
    /// For readers of events that are not served.
    pub(crate) frozen: FrozenViews,
    /// Turns to send a webhook.
    pub(crate) webhooks_in_flight: Semaphore,
    pub(crate) courier: Port<CourierMessage>,
    /// Messages to people; `None`: nobody is told anything.
    pub(crate) told: Option<Arc<People>>,
    pub(crate) message_courier: Port<MessageCourierMessage>,
    /// Payments.
    pub(crate) money: Money,
    /// Turns to make the leaves of a receipt again.
    pub(crate) receipt_proofs: Arc<Semaphore>,
    /// Turns to read the checkpoints of many pages.
    pub(crate) checkpoint_lists: Semaphore,
    pub(crate) directory: Directory,
    pub(crate) health: Health,
    /// The nodes; `None`: this process is alone.
    pub(crate) cluster: Option<Arc<Cluster>>,
    pub(crate) meters: Meters,
    pub(crate) witness: Witness,
    /// Callers that wait for an activation.
    pub(crate) activation_waiters: Permits,
    /// Turns to decode a large record for a reader of the log.
    pub(crate) large_decodings: Arc<Semaphore>,
    pub(crate) inventory: Port<InventoryMessage>,
    /// Counts the starts of the inventory supervisor: what an earlier one began claims nothing any more.
    pub(crate) generation: AtomicU64,
    /// Held while the row of a quarantine is written or removed, so that the last one to say so is right.
    pub(crate) quarantine_rows: Mutex<()>,
    followers: [Port<FollowerMessage>; FOLLOWERS],
}

impl Shared {
    pub(crate) fn new(
        environment: Environment,
        log: Arc<dyn Log>,
        table: Arc<dyn Table>,
        limits: Limits,
        Services { signer, postman, cluster, heads, providers, messaging: _ }: Services,
        installation: Option<Installation>,
        told: Option<People>,
    ) -> Shared {
        Shared {
            witness: Witness::new(environment.clock.as_ref()),
            snapshots: SnapshotRepository::new(Arc::clone(&table)),
            receipts: Receipts::new(Arc::clone(&table)),
            signer,
            postman,
            heads,
            frozen: FrozenViews::default(),
            webhooks_in_flight: Semaphore::new(IN_FLIGHT_MAX),
            courier: Port::default(),
            told: told.map(Arc::new),
            message_courier: Port::default(),
            money: Money::new(&table, providers, installation),
            receipt_proofs: Arc::new(Semaphore::new(RECEIPTS_PROVEN_AT_ONCE_MAX)),
            checkpoint_lists: Semaphore::new(CHECKPOINTS_LISTED_AT_ONCE_MAX),
            directory: Directory::default(),
            health: Health::new(),
            cluster: cluster.map(|options| Arc::new(Cluster::new(options, Arc::clone(&table)))),
            meters: Meters::new(),
            activation_waiters: Permits::new(limits.activation_waiters_max, 0),
            large_decodings: Arc::new(Semaphore::new(LARGE_DECODINGS_MAX)),
            inventory: Port::default(),
            generation: AtomicU64::new(0),
            quarantine_rows: Mutex::new(()),
            followers: std::array::from_fn(|_| Port::default()),
            environment,
            limits,
            log,
            table,
        }
    }

    pub(crate) fn follower(&self, kind: FollowerKind) -> &Port<FollowerMessage> {
        &self.followers[kind.index()]
    }

    /// The clock of an active event is doubted, or believed again.
    pub(crate) fn note_doubted_clock(&self, event: EventId, doubted: bool) {
        let count = self.health.set_clock_doubted(event, doubted);
        self.meters.doubted_clocks.set(number(count as u64));
    }

    /// An event is set aside, or is not any more.
    pub(crate) fn set_aside(&self, event: EventId, aside: Option<SetAside>) {
        self.health.set_aside(event, aside);
        self.meter_set_aside();
    }

    /// How many events are set aside, for the metrics.
    pub(crate) fn meter_set_aside(&self) {
        let (quarantined, went_back) = self.health.count_set_aside();
        self.meters.quarantined_events.set(number(quarantined as u64));
        self.meters.went_back_events.set(number(went_back as u64));
    }

    /// Both clocks now, and what contradicts the wall clock.
    pub(crate) fn read_clocks(&self) -> ClockReading {
        let clock = &*self.environment.clock;
        let (wall, now) = (clock.wall(), clock.monotonic());
        let others = self.cluster.as_ref().map_or(OtherClocks::Alone, |cluster| cluster.clocks(wall, now));
        self.witness.read((wall, now), others)
    }

    /// The store has acknowledged this head.
    pub(crate) fn witness_head(&self, event: EventId, head: Head) {
        if let Some(heads) = &self.heads {
            heads.note(event, head);
        }
    }

    /// Tell a follower that the log of an event has grown. While the follower restarts, the message goes nowhere: at its start it
    /// looks at every active event.
    pub(crate) fn nudge(&self, kind: FollowerKind, slot: &Arc<Slot>) {
        self.follower(kind).cast(FollowerMessage::Moved(Arc::clone(slot)));
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Where an actor can be reached, across its restarts.
#[derive(Debug)]
pub(crate) struct Port<M>(ArcSwapOption<ActorRef<M>>);

impl<M> Default for Port<M> {
    fn default() -> Self {
        Port(ArcSwapOption::empty())
    }
}

impl<M: ractor::Message> Port<M> {
    pub(crate) fn attach(&self, actor: ActorRef<M>) {
        self.0.store(Some(Arc::new(actor)));
    }

    /// Send a message; `false` when nobody is there.
    pub(crate) fn cast(&self, message: M) -> bool {
        self.0.load().as_ref().is_some_and(|actor| actor.cast(message).is_ok())
    }
}
