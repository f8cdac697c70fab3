//! The actor around the membership of this node: it performs what the machine puts out, and tells the others of this process what
//! follows from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_cluster::{
    Beat, Evicted, Members, Membership, MembershipInput, MembershipOptions, MembershipOutput, NodeId,
    Renewed, Standing,
};
use tessera_writer::Monotonic;
use tokio::sync::oneshot;

use super::{Cluster, adoption, operations};
use crate::inventory::{InventoryMessage, Timer};
use crate::meters::{number, seconds};
use crate::payments::DeskMessage;
use crate::shared::Shared;
use crate::webhooks::CourierMessage;

/// The wake-ups that other nodes have stored are looked at this often, in milliseconds: so much later at most is an event woken whose
/// node is gone.
const WAKE_UPS_EVERY_MS: u64 = 10_000;

/// The webhook endpoints that this node looks after are looked at this often, in milliseconds: so much later at most is a message sent
/// whose node was not told.
const ENDPOINTS_EVERY_MS: u64 = 60_000;

/// What the registrar is told.
#[derive(Debug)]
pub(crate) enum RegistrarMessage {
    /// What happened to the membership.
    Input(MembershipInput),
    /// Hand over: answer when the store says that this node drains.
    Drain(oneshot::Sender<()>),
    /// Leave the cluster: answer when the store says so.
    Leave(oneshot::Sender<()>),
}

/// The actor.
#[derive(Debug)]
pub(crate) struct Registrar {
    pub(crate) shared: Arc<Shared>,
    pub(crate) cluster: Arc<Cluster>,
}

/// The machine, and who waits for it.
#[derive(Debug)]
pub(crate) struct Registration {
    membership: Membership,
    timer: Timer,
    /// Nodes that were there at the last look, to see who joins.
    known: BTreeSet<NodeId>,
    /// When the stored wake-ups are looked at next.
    wake_ups_at: Monotonic,
    /// When the webhook endpoints are.
    endpoints_at: Monotonic,
    draining: Vec<oneshot::Sender<()>>,
    leaving: Vec<oneshot::Sender<()>>,
}

impl Actor for Registrar {
    type Msg = RegistrarMessage;
    type State = Registration;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<RegistrarMessage>,
        (): (),
    ) -> Result<Registration, ActorProcessingErr> {
        let environment = &self.shared.environment;
        let options = MembershipOptions { lease_ms: self.cluster.options.lease_ms };
        let membership = Membership::new(options, environment.clock.monotonic());
        let waker = myself.clone();
        let wake = move || waker.cast(RegistrarMessage::Input(MembershipInput::Tick)).is_ok();
        let timer = Timer::start(environment, wake);
        self.cluster.registrar.attach(myself.clone());
        // After a restart the registration of the one before is let go, and what it owned is claimed anew.
        if let Some(before) = self.cluster.me() {
            let nodes = self.cluster.nodes.clone();
            self.shared.environment.spawn.spawn(Box::pin(async move {
                // Otherwise its lease ends by itself.
                let _ = nodes.leave(before).await;
            }));
            self.lost();
        }
        if self.shared.health.is_draining() {
            myself.cast(RegistrarMessage::Input(MembershipInput::Drain))?;
        }
        myself.cast(RegistrarMessage::Input(MembershipInput::Join(self.fresh())))?;
        Ok(Registration {
            membership,
            timer,
            known: BTreeSet::new(),
            wake_ups_at: environment.clock.monotonic(),
            endpoints_at: environment.clock.monotonic(),
            draining: Vec::new(),
            leaving: Vec::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<RegistrarMessage>,
        message: RegistrarMessage,
        state: &mut Registration,
    ) -> Result<(), ActorProcessingErr> {
        let input = match message {
            RegistrarMessage::Input(input) => input,
            RegistrarMessage::Drain(done) => {
                state.draining.push(done);
                MembershipInput::Drain
            }
            RegistrarMessage::Leave(done) => {
                state.leaving.push(done);
                MembershipInput::Leave
            }
        };
        self.feed(&myself, input, state);
        Ok(())
    }
}

impl Registrar {
    fn fresh(&self) -> NodeId {
        NodeId(self.shared.environment.random.bits())
    }

    fn feed(&self, myself: &ActorRef<RegistrarMessage>, input: MembershipInput, state: &mut Registration) {
        let now = self.shared.environment.clock.monotonic();
        state.timer.fired(now);
        if let MembershipInput::Left(true) = input {
            tell_all(&mut state.leaving);
        }
        let mut out = Vec::new();
        state.membership.handle(input, now, &mut out);
        for output in out {
            self.perform(myself, output, state);
        }
    }

    fn perform(
        &self,
        myself: &ActorRef<RegistrarMessage>,
        output: MembershipOutput,
        state: &mut Registration,
    ) {
        match output {
            MembershipOutput::Renew { node, number, standing } => self.renew(myself, node, number, standing),
            MembershipOutput::List => self.list(myself),
            MembershipOutput::Evict { node, number } => self.evict(myself, node, number),
            MembershipOutput::Leave(node) => {
                let nodes = self.cluster.nodes.clone();
                let left = async move { MembershipInput::Left(nodes.leave(node).await.is_ok()) };
                self.answer(myself, left);
            }
            MembershipOutput::Lost(node) => {
                if self.cluster.me() == Some(node) {
                    tracing::warn!(%node, "this node was evicted: its events belong to others; it joins again");
                } else {
                    // The first beat was of unknown outcome, and is not there.
                    tracing::info!(%node, "this node could not be registered; it joins again");
                }
                self.lost();
                let _ = myself.cast(RegistrarMessage::Input(MembershipInput::Join(self.fresh())));
            }
            MembershipOutput::Members(members) => self.look(members, state),
            MembershipOutput::Doubtful(doubtful) => {
                self.cluster.set_doubtful(doubtful);
                if doubtful {
                    tracing::warn!("the lease could not be renewed for its whole length");
                }
            }
            MembershipOutput::ArmTimer(at) => state.timer.arm(at),
        }
    }

    /// Run a call to the store; what it says comes back as an input.
    fn answer(
        &self,
        myself: &ActorRef<RegistrarMessage>,
        call: impl Future<Output = MembershipInput> + Send + 'static,
    ) {
        let myself = myself.clone();
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let _ = myself.cast(RegistrarMessage::Input(call.await));
        }));
    }

    fn renew(&self, myself: &ActorRef<RegistrarMessage>, node: NodeId, number: u64, standing: Standing) {
        let (shared, cluster) = (Arc::clone(&self.shared), Arc::clone(&self.cluster));
        let clock = Arc::clone(&shared.environment.clock);
        let beat = Beat { number, load: Cluster::load(shared.directory.len()), wall: clock.wall() };
        let row = cluster.row(standing);
        self.answer(myself, async move {
            let began = clock.monotonic();
            let renewed = cluster.nodes.renew(node, &row, &beat).await.unwrap_or_else(|error| {
                tracing::warn!(%node, %error, "the lease could not be renewed; it is tried again");
                Renewed::Unknown
            });
            shared.meters.lease_renewal_seconds.record(seconds(clock.monotonic().0.saturating_sub(began.0)));
            if renewed == Renewed::Written {
                shared.meters.lease_renewals.increment(1);
            }
            MembershipInput::Renewed(renewed)
        });
    }

    fn list(&self, myself: &ActorRef<RegistrarMessage>) {
        let nodes = self.cluster.nodes.clone();
        self.answer(myself, async move {
            let listed = nodes.list().await;
            let listed = listed.map_err(|error| tracing::warn!(%error, "the nodes could not be listed"));
            MembershipInput::Listed(listed.ok())
        });
    }

    fn evict(&self, myself: &ActorRef<RegistrarMessage>, node: NodeId, number: u64) {
        let (nodes, shared) = (self.cluster.nodes.clone(), Arc::clone(&self.shared));
        self.answer(myself, async move {
            let evicted = nodes.evict(node, number).await.unwrap_or(Evicted::Unknown);
            if evicted == Evicted::Gone {
                shared.meters.evictions.increment(1);
                tracing::warn!(%node, "a node has not renewed its lease; it is evicted");
            }
            MembershipInput::EvictionDone { node, evicted }
        });
    }

    /// No registration, no ownership: every writer of this process stops.
    fn lost(&self) {
        let members = self.cluster.members();
        self.cluster.set_members(Members { me: None, ..Members::clone(&members) });
        self.cluster.set_doubtful(false);
        for slot in self.shared.directory.all() {
            slot.lose_ownership();
        }
    }

    /// Who is there was looked at: others of this process are told who joined, and who has left something to adopt.
    fn look(&self, members: Members, state: &mut Registration) {
        let present: BTreeSet<_> = members.serving().map(|(node, _)| node).collect();
        let joined: Vec<_> = present.difference(&state.known).copied().collect();
        let mine = members.me.and_then(|me| members.find(me));
        let drains = mine.is_none_or(|mine| mine.row.standing == Standing::Draining);
        let is_first_look = state.known.is_empty();
        let now = self.shared.environment.clock.monotonic();
        if present != state.known || now >= state.endpoints_at {
            // What another node looked after may be this one's now, or what it told was lost.
            state.endpoints_at = now.plus_ms(ENDPOINTS_EVERY_MS);
            self.shared.courier.cast(CourierMessage::Look(None));
            self.shared.money.desks.cast(DeskMessage::Look);
        }
        self.shared.meters.nodes.set(number(present.len() as u64));
        self.shared.meters.owned_events.set(number(self.shared.directory.len() as u64));
        let gone: Vec<_> = members.gone().filter(|node| Some(*node) != members.me).collect();
        state.known = present;
        self.cluster.set_members(members);
        if drains {
            tell_all(&mut state.draining);
            if self.shared.health.is_draining() && self.shared.directory.len() == 0 {
                // What could not be given away before.
                operations::give_the_rest_later(&self.shared, &self.cluster);
            }
            return;
        }
        let joined = !is_first_look && joined.iter().any(|node| Some(*node) != self.cluster.me());
        self.shared.inventory.cast(InventoryMessage::Rebalance { joined });
        if now >= state.wake_ups_at {
            state.wake_ups_at = now.plus_ms(WAKE_UPS_EVERY_MS);
            self.shared.inventory.cast(InventoryMessage::LookForWakeUps);
        }
        adoption::adopt(&self.shared, &self.cluster, gone);
    }
}

/// Who waits may have gone.
fn tell_all(waiting: &mut Vec<oneshot::Sender<()>>) {
    for done in waiting.drain(..) {
        let _ = done.send(());
    }
}
