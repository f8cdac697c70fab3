//! The world: one queue of steps in virtual time, taken one by one.

mod clients;
mod clustering;
mod disks;
mod following;
mod forwarding;
mod network;
mod nodes;
mod notarising;
mod paying;
mod serving;
mod shadowing;
mod sleeping;
mod watch;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tessera_inventory::Timestamp;
use tessera_store::Batch;
use tessera_writer::{Chain, Head, Reply};

use crate::catalogue::WALL_BASE_MS;
use crate::client::{Client, View};
use crate::cluster::Cluster;
use crate::disturbance::{DiskFault, Disturbance, Evidence, Place};
use crate::follower::{FOLLOWERS, Followers};
use crate::mutant::Mutant;
use crate::node::{Attempt, Call, Node, NodeInput, Role};
use crate::notary::Notaries;
use crate::oracle::{Oracle, Violation, broken};
use crate::paying::Money;
use crate::plan::Plan;
use crate::prng::Prng;
use crate::shadow::Shadows;
use crate::store::Store;
use crate::tally::{self, Tally};
use crate::trace::Trace;
use clustering::ClusterStep;
use paying::PayStep;
use watch::WATCH_US;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    /// Hash of the trace.
    pub trace: Chain,
    /// Steps taken.
    pub steps: u64,
    /// Time in the world, in microseconds.
    pub simulated_us: u64,
    /// Requests that clients sent, repetitions included.
    pub attempts: u64,
    /// Events in the log.
    pub events: u64,
    /// Commands answered as accepted.
    pub accepted: u64,
    /// Commands answered as accepted before.
    pub repeated: u64,
    /// Commands refused.
    pub refused: u64,
    /// Answers that were not executed, given up or unknown.
    pub unsure: u64,
    /// Nodes killed.
    pub crashes: u64,
    /// Activations that succeeded.
    pub activations: u64,
    /// Writers that were fenced.
    pub fenced: u64,
    /// Appends of unknown outcome.
    pub unknown_appends: u64,
    /// Highest number of requests that waited in one writer.
    pub queued_max: u64,
    /// Steps of those who look after payments.
    pub money_steps: u64,
    /// How often everything else happened.
    pub tally: Tally,
}

/// A run in which a rule was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The rule.
    pub violation: Violation,
    /// At this step.
    pub step: u64,
    /// At this virtual time, in microseconds.
    pub at_us: u64,
    /// The trace up to there, if the plan keeps it.
    pub trace: Vec<String>,
}

/// One step of the world.
#[derive(Debug)]
enum Step {
    /// A client looks what to do next.
    Client(usize),
    /// A client has waited long enough for this attempt.
    Impatient {
        client: usize,
        attempt: Attempt,
    },
    /// A request reaches a node.
    Arrive {
        node: usize,
        client: usize,
        attempt: Attempt,
    },
    /// An answer reaches a client.
    Answer {
        client: usize,
        attempt: Attempt,
        reply: Reply,
    },
    /// A call reaches the store.
    Call {
        node: usize,
        life: u64,
        call: Call,
        /// When it is not waited for any more.
        until_us: u64,
    },
    /// Something reaches a node.
    Input {
        node: usize,
        life: u64,
        input: NodeInput,
    },
    /// An append that was left in flight lands.
    Land,
    /// An append lands whose writer died long ago.
    Ghost {
        expected: Head,
        batch: Batch,
    },
    /// A node begins to activate the event.
    Start(usize),
    Disturb(Disturbance),
    OutageEnds,
    /// A disk that lies loses power.
    PowerLost,
    /// There is room on the disk again.
    DiskEmptied,
    FaultsEnd,
    Watch,
    /// A follower goes on.
    Follow(usize),
    /// The notary of a node goes on.
    Notarise(usize),
    /// The shadow of a node goes on.
    Shadow(usize),
    /// Something is due in an event that was put to rest.
    Wake {
        node: usize,
        rest: u64,
    },
    /// Something of the protocol of ownership.
    Cluster(ClusterStep),
    /// Something of payments.
    Pay(PayStep),
}

struct World {
    plan: Plan,
    prng: Prng,
    now_us: u64,
    order: u64,
    queue: BTreeMap<(u64, u64), Step>,
    clients: Vec<Client>,
    /// Which request of which client an attempt is at.
    askers: Vec<(usize, u64)>,
    nodes: Vec<Node>,
    store: Store,
    oracle: Oracle,
    followers: Followers,
    /// None where nothing is proven.
    notaries: Option<Notaries>,
    /// None where no snapshot is written.
    shadows: Option<Shadows>,
    /// None where nobody pays at a provider.
    money: Option<Money>,
    trace: Trace,
    summary: Summary,
    /// Until when nothing passes from the one to the other.
    cuts: BTreeMap<(Place, Place), u64>,
    /// Until when the store does not answer, where it does not now.
    away_until_us: u64,
    /// Until when there is no room on the disk.
    full_until_us: u64,
    /// Until when syncs take long.
    slow_until_us: u64,
    /// Where clients send their requests.
    route: usize,
    is_calm: bool,
    crash_points: u64,
    /// Counts how often the event was put to rest.
    rests: u64,
    /// The rest that it is at, unless somebody has begun to own it since.
    asleep: Option<u64>,
    /// None where the plan says who owns the event.
    cluster: Option<Cluster>,
    /// The nodes that have passed a request on, in order.
    forwarded: BTreeMap<Attempt, Vec<usize>>,
}

/// Run one seed to its end.
///
/// # Errors
/// The first rule that was broken.
pub fn run(seed: u64, plan: &Plan) -> Result<Summary, Box<Failure>> {
    let mut world = match World::new(seed, plan.clone()) {
        Ok(world) => world,
        Err(violation) => return Err(Box::new(Failure { violation, step: 0, at_us: 0, trace: Vec::new() })),
    };
    // Nothing of the world is used after a panic but its trace.
    let lived = catch_unwind(AssertUnwindSafe(|| world.live())).unwrap_or_else(|panic| {
        let told = panic.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
        Err(broken("nothing panics", told))
    });
    match lived {
        Ok(()) => Ok(world.into_summary()),
        Err(violation) => Err(Box::new(Failure {
            violation,
            step: world.trace.steps(),
            at_us: world.now_us,
            trace: world.trace.into_lines(),
        })),
    }
}

impl World {
    fn new(seed: u64, plan: Plan) -> Result<World, Violation> {
        let mut prng = Prng::new(seed);
        let mut clients: Vec<_> =
            (0..plan.buyers).map(|number| Client::buyer(number, plan.wishes, seed)).collect();
        clients.push(Client::organizer(plan.buyers, &plan.duties, seed));
        let gate = |(at, device)| Client::gate(plan.buyers + at, device, plan.wishes, seed);
        clients.extend((1..=plan.doors).zip(1_u32..).map(gate));
        let nodes = (0..plan.nodes).map(|_| Node::new(prng.between(0, 1 << 40))).collect();
        let trace = Trace::new(plan.keep_trace);
        let followers = Followers::new(plan.mutant);
        let notaries = || Notaries::new(seed, followers.table(), plan.nodes, plan.mutant);
        let notaries = plan.receipts.then(notaries).transpose()?;
        let shadows = || Shadows::new(seed, followers.table(), plan.mutant);
        let shadows = (plan.snapshots > 0).then(shadows);
        let money = |paying| Money::new(seed, paying, followers.table(), plan.mutant);
        let money = plan.paying.map(money).transpose()?;
        let defect = match plan.mutant {
            Some(Mutant::Cluster(defect)) => Some(defect),
            _ => None,
        };
        let cluster = plan.ownership.map(|ownership| Cluster::new(plan.nodes, ownership, defect, &mut prng));
        let mut world = World {
            prng,
            now_us: 0,
            order: 0,
            queue: BTreeMap::new(),
            clients,
            askers: Vec::new(),
            nodes,
            store: Store::new(&plan, seed)?,
            oracle: Oracle::new(),
            followers,
            notaries,
            shadows,
            money,
            trace,
            summary: Summary::default(),
            cuts: BTreeMap::new(),
            away_until_us: 0,
            full_until_us: 0,
            slow_until_us: 0,
            route: 0,
            is_calm: false,
            crash_points: 0,
            rests: 0,
            asleep: None,
            cluster,
            forwarded: BTreeMap::new(),
            plan,
        };
        world.begin();
        Ok(world)
    }

    fn begin(&mut self) {
        if self.cluster.is_some() {
            for node in 0..self.plan.nodes {
                let wait_us = self.prng.between(0, 1_000_000);
                self.cluster_after(wait_us, ClusterStep::Join(node));
            }
        } else {
            self.after(0, Step::Start(0));
        }
        for client in 0..self.clients.len() {
            let wait_us =
                if client == self.plan.buyers { 1_000 } else { self.prng.between(100_000, 4_000_000) };
            self.after(wait_us, Step::Client(client));
        }
        for (at_us, disturbance) in self.plan.script.clone() {
            self.after(at_us, Step::Disturb(disturbance));
        }
        self.after(self.plan.faults_end_us, Step::FaultsEnd);
        self.after(WATCH_US, Step::Watch);
        (0..FOLLOWERS).for_each(|follower| self.after(WATCH_US, Step::Follow(follower)));
        let nodes = 0..self.plan.nodes;
        if self.notaries.is_some() {
            nodes.clone().for_each(|node| self.after(WATCH_US, Step::Notarise(node)));
        }
        if self.shadows.is_some() {
            nodes.for_each(|node| self.after(WATCH_US, Step::Shadow(node)));
        }
        self.begin_paying();
    }

    fn live(&mut self) -> Result<(), Violation> {
        while let Some(((at_us, _), step)) = self.queue.pop_first() {
            self.now_us = at_us;
            if self.is_too_late() {
                return Err(broken("after the faults everything is answered", self.unfinished()));
            }
            self.take(step)?;
            self.observe()?;
            if self.store.is_given_up() {
                // Nobody can go on, and nobody goes on with less than was told.
                return self.oracle.finish();
            }
            if self.is_over()? {
                break;
            }
        }
        self.oracle.finish()?;
        self.notaries.as_ref().map_or(Ok(()), |notaries| notaries.finish(&self.oracle))?;
        self.followers.finish(self.oracle.events(), self.oracle.model())?;
        let now = Timestamp(WALL_BASE_MS + self.now_us / 1_000);
        self.money.as_ref().map_or(Ok(()), |money| money.finish(self.oracle.events(), now))
    }

    fn observe(&mut self) -> Result<(), Violation> {
        if self.store.is_touched {
            self.store.is_touched = false;
            self.store.met().into_iter().for_each(|name| self.note(name));
            // Whoever met the fault: the process of the store ends, and all others with it.
            if self.store.has_failed() {
                self.machine_restarts()?;
            }
            if self.store.is_given_up() {
                return Ok(());
            }
            if let Some((head, records)) = self.store.look(&self.oracle.head())? {
                self.oracle.observe(head, &records, self.now_us)?;
            }
        }
        self.audit_cluster()
    }

    fn into_summary(self) -> Summary {
        let mut summary = self.summary;
        summary.trace = self.trace.hash();
        summary.steps = self.trace.steps();
        summary.simulated_us = self.now_us;
        summary.attempts = self.askers.len() as u64;
        summary.money_steps = self.money.as_ref().map_or(0, Money::steps);
        summary.events = self.oracle.events().len() as u64;
        for event in self.oracle.events() {
            for name in tally::event(&event.body, event.key.is_some()) {
                summary.tally.note(name);
            }
        }
        self.oracle.count(&mut summary.tally);
        summary
    }

    fn take(&mut self, step: Step) -> Result<(), Violation> {
        self.trace.note(self.now_us, format_args!("{step:?}"));
        match step {
            Step::Client(client) => self.client(client),
            Step::Impatient { client, attempt } => return self.impatient(client, attempt),
            Step::Arrive { node, client, attempt } => return self.arrive(node, client, attempt),
            Step::Answer { client, attempt, reply } => return self.answered(client, attempt, &reply),
            Step::Call { node, life, call, until_us } => return self.call(node, life, call, until_us),
            Step::Input { node, life, input } => return self.input(node, life, input),
            Step::Land => self.store.land_next(),
            Step::Ghost { expected, batch } => self.store.append_unheard(expected, batch),
            Step::Start(node) => return self.own(node),
            Step::Disturb(disturbance) => return self.disturb(disturbance),
            Step::OutageEnds => self.store.is_away &= self.now_us < self.away_until_us,
            Step::PowerLost => return self.power_is_lost(),
            Step::DiskEmptied if self.now_us < self.full_until_us => {}
            Step::DiskEmptied => self.store.disk_emptied(),
            Step::FaultsEnd => self.calm_down(),
            Step::Watch => return self.watch(),
            Step::Follow(follower) => return self.follow(follower),
            Step::Notarise(node) => return self.notarise(node),
            Step::Shadow(node) => return self.shadow(node),
            Step::Wake { node, rest } => return self.wake_for_due(node, rest),
            Step::Cluster(step) => return self.cluster_step(step),
            Step::Pay(step) => return self.pay(step),
        }
        Ok(())
    }

    fn disturb(&mut self, disturbance: Disturbance) -> Result<(), Violation> {
        if matches!(disturbance, Disturbance::Disk(_)) && self.store.is_service() {
            return Ok(());
        }
        if self.is_met(disturbance) {
            self.note(tally::disturbance(disturbance));
        }
        match disturbance {
            Disturbance::Crash(node) => self.crash(node),
            Disturbance::Panic(node) => return self.panic(node),
            Disturbance::Pause(node, for_us) => {
                let node = &mut self.nodes[node];
                node.paused_until_us = node.paused_until_us.max(self.now_us + for_us);
            }
            Disturbance::TakeOver(node) => return self.own(node),
            Disturbance::HandOver(node) if self.cluster.is_some() => return self.hand_over(node, None),
            Disturbance::LoseLease(node) if self.cluster.is_some() => return self.drain(node),
            Disturbance::HandOver(node) => return self.close(node, tessera_writer::Input::HandOver),
            Disturbance::LoseLease(node) => return self.close(node, tessera_writer::Input::OwnershipLost),
            Disturbance::Skew(node, skew_ms) => {
                let node = &mut self.nodes[node];
                (node.evidence, node.skew_ms) = (Evidence::Heartbeats, skew_ms);
            }
            // An event without history believes any clock; that is not what these worlds are about.
            Disturbance::Alone(..) if self.oracle.events().is_empty() => {}
            Disturbance::Alone(node, evidence, skew_ms) => {
                let node = &mut self.nodes[node];
                (node.evidence, node.skew_ms) = (evidence, skew_ms);
            }
            Disturbance::Acknowledge(node) => return self.acknowledge(node),
            Disturbance::Outage(for_us) => {
                self.store.is_away = true;
                self.away_until_us = self.away_until_us.max(self.now_us + for_us);
                self.after(for_us, Step::OutageEnds);
            }
            Disturbance::Cut(from, to, for_us) => {
                self.cuts.insert((from, to), self.now_us + for_us);
            }
            Disturbance::Disk(fault) => return self.disturb_disk(fault),
        }
        Ok(())
    }

    /// Whether anything comes of a disturbance here and now. What shows only later is noted there.
    fn is_met(&self, disturbance: Disturbance) -> bool {
        let role = |node: usize| &self.nodes[node].role;
        match disturbance {
            Disturbance::Crash(node) | Disturbance::Pause(node, _) => !matches!(role(node), Role::Away),
            Disturbance::TakeOver(node) => matches!(role(node), Role::Away),
            Disturbance::HandOver(node) | Disturbance::LoseLease(node) => {
                matches!(role(node), Role::Serving(_))
            }
            Disturbance::Skew(_, skew_ms) => skew_ms != 0,
            Disturbance::Alone(..) => !self.oracle.events().is_empty(),
            Disturbance::Outage(_) | Disturbance::Cut(..) | Disturbance::Disk(DiskFault::LostWrites) => true,
            Disturbance::Panic(_) | Disturbance::Acknowledge(_) | Disturbance::Disk(_) => false,
        }
    }

    fn calm_down(&mut self) {
        self.is_calm = true;
        self.store.calm_down();
        self.cuts.clear();
        self.slow_until_us = 0;
        for node in &mut self.nodes {
            node.fuse.set(false);
            (node.evidence, node.skew_ms) = (Evidence::Heartbeats, 0);
        }
    }

    /// What clients see.
    fn view(&self) -> View<'_> {
        View {
            model: self.oracle.model(),
            mix: &self.plan.mix,
            venue: self.plan.venue,
            pays: self.plan.paying.is_some(),
            now: Timestamp(WALL_BASE_MS + self.now_us / 1_000),
        }
    }

    fn note(&mut self, name: &'static str) {
        self.summary.tally.note(name);
    }

    fn after(&mut self, wait_us: u64, step: Step) {
        self.order += 1;
        self.queue.insert((self.now_us + wait_us, self.order), step);
    }
}
