//! Nodes that own the event by the protocol of a cluster: their registrations, their calls to the rows, and what follows from them.

use tessera_cluster::{
    Beat, Claim, Membership, MembershipInput, MembershipOptions, MembershipOutput, NodeId, Renewed, Transfer,
};
use tessera_projections::nodes::Owner;
use tessera_store::memory::CommitFault;
use tessera_writer::{Input, Monotonic};

use super::network::{CALL, STORE_ANSWER};
use super::{Step, World};
use crate::cluster::{ClusterMutant, Progress, Told, Wish, load, unanswered};
use crate::disturbance::Place;
use crate::node::Role;
use crate::oracle::{Violation, broken};

/// After so long without an answer a node does not wait for its call to the rows any more, in microseconds.
const ROWS_PATIENCE_US: u64 = 2_500_000;
/// A transaction that others overtake halts at most so long, in microseconds.
const HALT_US_MAX: u64 = 5_000_000;
/// Of a thousand transactions so many are overtaken so.
const HALTS: u64 = 20;
/// How often a node that hands over looks whether its writer has ended, in microseconds.
const HAND_OVER_US: u64 = 20_000;
/// A node that drains leaves so long afterwards, in microseconds.
const LEAVES_AFTER_US: u64 = 5_000_000;
/// Of a thousand looks at an event whose place is elsewhere, so many hand it over.
const REBALANCED: u64 = 100;
/// Beside two leases: for what is on its way when a node dies, and for the claim, in microseconds.
const CLAIMED_WITHIN_US: u64 = 4_000_000;

/// What happens to a process of the cluster.
#[derive(Debug)]
pub(super) enum ClusterStep {
    /// It starts, and registers.
    Join(usize),
    /// Its timer of this number.
    Tick { process: usize, number: u64 },
    /// A call is in the store, or goes on there.
    Transact(u64),
    /// A call is answered.
    Told { call: u64, told: Told },
    /// A call was not answered in time.
    Unanswered(u64),
    /// It gives the event to another when its writer has ended.
    HandOver { process: usize, life: u64 },
    /// It leaves for good, having drained.
    Leave { process: usize, life: u64 },
}

impl World {
    pub(super) fn cluster_step(&mut self, step: ClusterStep) -> Result<(), Violation> {
        match step {
            ClusterStep::Join(process) => self.joins(process),
            ClusterStep::Tick { process, number } => {
                if let Some(wait_us) = self.pause_us(process) {
                    self.cluster_after(wait_us, ClusterStep::Tick { process, number });
                    return Ok(());
                }
                let is_newest = self.process(process).is_some_and(|here| here.timers == number);
                if is_newest { self.member(process, MembershipInput::Tick) } else { Ok(()) }
            }
            ClusterStep::Transact(call) => self.transact(call),
            ClusterStep::Told { call, told } => self.told(call, told),
            ClusterStep::Unanswered(call) => match self.cluster.as_ref().and_then(|rows| rows.waits(call)) {
                Some(waiting) => self.told(call, unanswered(waiting.wish)),
                None => Ok(()),
            },
            ClusterStep::HandOver { process, life } => self.gives(process, life),
            ClusterStep::Leave { process, life } => {
                let is_there = self.process(process).is_some_and(|here| here.life == life);
                if is_there { self.member(process, MembershipInput::Leave) } else { Ok(()) }
            }
        }
    }

    pub(super) fn process(&self, process: usize) -> Option<&crate::cluster::Process> {
        self.cluster.as_ref().map(|cluster| &cluster.processes[process])
    }

    fn process_mut(&mut self, process: usize) -> Option<&mut crate::cluster::Process> {
        self.cluster.as_mut().map(|cluster| &mut cluster.processes[process])
    }

    pub(super) fn cluster_after(&mut self, wait_us: u64, step: ClusterStep) {
        self.after(wait_us, Step::Cluster(step));
    }

    fn joins(&mut self, process: usize) -> Result<(), Violation> {
        let node = NodeId(self.prng.bits());
        let now_us = self.now_us;
        let Some(cluster) = &mut self.cluster else { return Ok(()) };
        let options = MembershipOptions { lease_ms: cluster.lease_ms() };
        let here = &mut cluster.processes[process];
        if here.membership.is_some() {
            return Ok(());
        }
        here.membership = Some(Membership::new(options, here.clock(now_us)));
        self.note("node joined");
        self.member(process, MembershipInput::Join(node))
    }

    /// The process is gone, and starts again.
    pub(super) fn process_dies(&mut self, process: usize) {
        let Some(cluster) = &mut self.cluster else { return };
        cluster.ends(process);
        let waits = [(10_000, 2_000_000), (5_000_000, 15_000_000)];
        let (least, most) = waits[usize::from(!self.is_calm && self.prng.chance(200))];
        let wait_us = self.prng.between(least, most);
        self.cluster_after(wait_us, ClusterStep::Join(process));
    }

    /// What the membership of a process is told, and what follows.
    fn member(&mut self, process: usize, input: MembershipInput) -> Result<(), Violation> {
        let now_us = self.now_us;
        let Some(here) = self.process_mut(process) else { return Ok(()) };
        let now = here.clock(now_us);
        let Some(membership) = &mut here.membership else { return Ok(()) };
        let has_left = input == MembershipInput::Left(true);
        let mut out = Vec::new();
        membership.handle(input, now, &mut out);
        if has_left {
            self.note("node left");
            self.crash(process);
            return Ok(());
        }
        for output in out {
            self.trace.note(self.now_us, format_args!("process {process}: {output:?}"));
            self.perform_member(process, output, now)?;
        }
        Ok(())
    }

    fn perform_member(
        &mut self,
        process: usize,
        output: MembershipOutput,
        now: Monotonic,
    ) -> Result<(), Violation> {
        match output {
            MembershipOutput::Renew { node, number, standing } => {
                let owns = self.process(process).is_some_and(|here| here.owns.is_some());
                let wall = self.nodes[process].wall(self.now_us);
                let beat = Beat { number, load: load(owns), wall };
                self.ask_rows(process, Wish::Renew { node, beat, standing });
            }
            MembershipOutput::List => self.ask_rows(process, Wish::List),
            MembershipOutput::Evict { node, number } => self.ask_rows(process, Wish::Evict { node, number }),
            MembershipOutput::Leave(node) => self.ask_rows(process, Wish::Leave(node)),
            MembershipOutput::Lost(_) => return self.lost(process),
            MembershipOutput::Members(members) => {
                let gone: Vec<NodeId> = members.gone().filter(|node| Some(*node) != members.me).collect();
                if let Some(here) = self.process_mut(process) {
                    here.members = Some(members);
                }
                gone.into_iter().for_each(|node| self.ask_rows(process, Wish::Forget(node)));
                self.look_up(process);
            }
            MembershipOutput::Doubtful(true) => self.note("lease in doubt"),
            MembershipOutput::Doubtful(false) => {}
            MembershipOutput::ArmTimer(at) => {
                let now_us = self.now_us;
                let Some(here) = self.process_mut(process) else { return Ok(()) };
                here.timers += 1;
                let number = here.timers;
                let wait_us = here.world_us(at.max(now)).saturating_sub(now_us);
                self.cluster_after(wait_us, ClusterStep::Tick { process, number });
            }
        }
        Ok(())
    }

    /// The registration is gone, and every ownership with it; the process registers anew.
    fn lost(&mut self, process: usize) -> Result<(), Violation> {
        self.note("node learned that it was evicted");
        let ignores =
            self.cluster.as_ref().and_then(|cluster| cluster.mutant) == Some(ClusterMutant::LossIgnored);
        if !ignores {
            if let Some(here) = self.process_mut(process) {
                (here.owns, here.gives_to, here.claims) = (None, None, false);
            }
            match self.nodes[process].role {
                Role::Serving(_) => self.close(process, Input::OwnershipLost)?,
                Role::Activating(_) => self.nodes[process].forget(),
                Role::Away => {}
            }
        }
        let node = NodeId(self.prng.bits());
        self.member(process, MembershipInput::Join(node))
    }

    /// A call sets out to the rows.
    fn ask_rows(&mut self, process: usize, wish: Wish) {
        let Some(cluster) = &mut self.cluster else { return };
        let call = cluster.ask(process, wish);
        let usual_us = self.store_delay_us();
        let way = (Place::Node(process), Place::Store);
        match self.travel(way, &CALL, usual_us).first {
            Some(wait_us) => self.cluster_after(wait_us, ClusterStep::Transact(call)),
            None => self.cluster.iter_mut().for_each(|cluster| cluster.lose(call)),
        }
        self.cluster_after(ROWS_PATIENCE_US, ClusterStep::Unanswered(call));
    }

    /// A call gets on in the store, as far as the next commit.
    fn transact(&mut self, call: u64) -> Result<(), Violation> {
        let fault = self.row_fault();
        let is_away = self.store.is_away;
        let Some(cluster) = &mut self.cluster else { return Ok(()) };
        if is_away {
            cluster.lose(call);
            return Ok(());
        }
        if let Some(fault) = fault {
            cluster.inject(fault);
        }
        let progress = cluster.go_on(call);
        let waiting = cluster.waits(call);
        match (progress, waiting) {
            (Progress::Gone, _) => {}
            (Progress::Halted, _) => {
                let overtaken = !self.is_calm && self.plan.table_faults > 0 && self.prng.chance(HALTS);
                if overtaken {
                    self.note("transaction of rows overtaken");
                }
                let most = if overtaken { HALT_US_MAX } else { self.plan.store_delay_us_max };
                let wait_us = self.prng.between(50, most);
                self.cluster_after(wait_us, ClusterStep::Transact(call));
            }
            (Progress::Ended(_), None) => self.note("transaction of rows ended unheard"),
            (Progress::Ended(told), Some(waiting)) => {
                let usual_us = self.store_delay_us();
                let way = (Place::Store, Place::Node(waiting.process));
                if let Some(wait_us) = self.travel(way, &STORE_ANSWER, usual_us).first {
                    self.cluster_after(wait_us, ClusterStep::Told { call, told });
                }
            }
        }
        Ok(())
    }

    fn row_fault(&mut self) -> Option<CommitFault> {
        if self.is_calm || !self.prng.chance(self.plan.table_faults) {
            return None;
        }
        let faults = [
            (CommitFault::Conflict, "rows conflict"),
            (CommitFault::UnknownApplied, "rows unknown, applied"),
            (CommitFault::UnknownNotApplied, "rows unknown, not applied"),
        ];
        let (fault, name) = faults[self.prng.index(faults.len())];
        self.note(name);
        Some(fault)
    }

    /// A process is told what became of its call, if it waits for it still.
    fn told(&mut self, call: u64, told: Told) -> Result<(), Violation> {
        let Some(waiting) = self.cluster.as_ref().and_then(|cluster| cluster.waits(call)) else {
            return Ok(());
        };
        if let Some(wait_us) = self.pause_us(waiting.process) {
            self.cluster_after(wait_us, ClusterStep::Told { call, told });
            return Ok(());
        }
        let Some(cluster) = &mut self.cluster else { return Ok(()) };
        cluster.ended(call);
        let process = waiting.process;
        let here = &mut cluster.processes[process];
        if here.life != waiting.life {
            return Ok(());
        }
        cluster.is_touched = true;
        match told {
            Told::Membership(input) => {
                if input == MembershipInput::Renewed(Renewed::Written) {
                    self.note("lease renewed");
                }
                self.member(process, input)
            }
            Told::Claimed(me, claim) => {
                here.claims = false;
                self.claimed(process, me, claim)
            }
            Told::LookedUp(owner) => {
                here.looks = false;
                match owner {
                    Some(owner) => self.looked_up(process, owner),
                    None => Ok(()),
                }
            }
            Told::Given(to, given) => {
                here.gives_to = None;
                if let Some(Transfer::Give(_)) = given {
                    here.knows = Some(to);
                    self.note("event handed to another");
                }
                Ok(())
            }
            Told::Forgotten(true) => {
                self.note("gone node forgotten");
                Ok(())
            }
            Told::Forgotten(false) => Ok(()),
        }
    }

    /// A process wants to own the event: it claims it, and activates it then.
    pub(super) fn own(&mut self, process: usize) -> Result<(), Violation> {
        if self.cluster.is_none() {
            return self.start(process);
        }
        let Some(here) = self.process_mut(process) else { return Ok(()) };
        let Some(me) = here.me().filter(|_| !here.claims && here.gives_to.is_none()) else { return Ok(()) };
        here.claims = true;
        self.ask_rows(process, Wish::Claim(me));
        Ok(())
    }

    fn claimed(&mut self, process: usize, me: NodeId, claim: Option<Claim>) -> Result<(), Violation> {
        let Some(here) = self.process_mut(process) else { return Ok(()) };
        match claim {
            Some(Claim::Take(_) | Claim::Ours(_)) if here.me() == Some(me) => {
                (here.owns, here.knows) = (Some(me), None);
                self.note("event claimed");
                self.start(process)
            }
            Some(Claim::Elsewhere(owner)) => {
                here.knows = Some(owner.node);
                self.note("claim found another owner");
                Ok(())
            }
            Some(Claim::NotServing) => {
                self.note("claim of a node that does not serve");
                Ok(())
            }
            Some(Claim::Take(_) | Claim::Ours(_)) | None => Ok(()),
        }
    }

    /// Look who owns the event, unless that is under way.
    pub(super) fn look_up(&mut self, process: usize) {
        let Some(here) = self.process_mut(process) else { return };
        if here.me().is_some() && !here.looks {
            here.looks = true;
            self.ask_rows(process, Wish::LookUp);
        }
    }

    fn looked_up(&mut self, process: usize, owner: Option<Owner>) -> Result<(), Violation> {
        let is_away = matches!(self.nodes[process].role, Role::Away);
        let adopts_nothing =
            self.cluster.as_ref().and_then(|cluster| cluster.mutant) == Some(ClusterMutant::NothingAdopted);
        let Some(here) = self.process_mut(process) else { return Ok(()) };
        let (me, is_placed_here) = (here.me(), here.is_placed_here());
        match owner {
            Some(Owner { owner, .. }) if Some(owner.node) == me => {
                if is_away {
                    return self.own(process);
                }
                let drains = here.drains();
                let better = here.better_place();
                if better.is_some() && (drains || self.prng.chance(REBALANCED)) {
                    self.hand_over(process, better)?;
                }
                Ok(())
            }
            Some(Owner { owner, node: Some(_) }) => {
                here.knows = Some(owner.node);
                Ok(())
            }
            gone if is_placed_here && !(adopts_nothing && gone.is_some()) => {
                self.note(if gone.is_some() { "event adopted" } else { "event without an owner taken" });
                self.own(process)
            }
            _ => Ok(()),
        }
    }

    /// The writer ends in good order, then the event is another's.
    pub(super) fn hand_over(&mut self, process: usize, to: Option<NodeId>) -> Result<(), Violation> {
        let gives_at_once = self.cluster.as_ref().and_then(|cluster| cluster.mutant)
            == Some(ClusterMutant::GivenWhileServing);
        let is_serving = matches!(self.nodes[process].role, Role::Serving(_));
        let Some(here) = self.process_mut(process) else { return Ok(()) };
        let to = to.or_else(|| here.better_place());
        // What is being claimed is not given away, as in the product's roster.
        let (Some(me), Some(to), None, false) = (here.owns, to, here.gives_to, here.claims) else {
            return Ok(());
        };
        if !is_serving || here.me() != Some(me) {
            return Ok(());
        }
        here.gives_to = Some(to);
        let life = here.life;
        if gives_at_once {
            self.ask_rows(process, Wish::Transfer { me, to });
            return Ok(());
        }
        self.close(process, Input::HandOver)?;
        self.gives(process, life)
    }

    fn gives(&mut self, process: usize, life: u64) -> Result<(), Violation> {
        let is_away = matches!(self.nodes[process].role, Role::Away);
        let Some(here) = self.process_mut(process) else { return Ok(()) };
        let (Some(me), Some(to)) = (here.owns, here.gives_to) else { return Ok(()) };
        if here.life != life {
            return Ok(());
        }
        if !is_away {
            self.cluster_after(HAND_OVER_US, ClusterStep::HandOver { process, life });
            return Ok(());
        }
        here.owns = None;
        self.ask_rows(process, Wish::Transfer { me, to });
        Ok(())
    }

    /// An operator drains a node, and stops it then.
    pub(super) fn drain(&mut self, process: usize) -> Result<(), Violation> {
        let Some(here) = self.process(process) else { return Ok(()) };
        if here.me().is_none() {
            return Ok(());
        }
        let life = here.life;
        self.note("node drained");
        self.cluster_after(LEAVES_AFTER_US, ClusterStep::Leave { process, life });
        self.member(process, MembershipInput::Drain)
    }

    /// After every step that could change it: who is there, and who believes to own the event.
    pub(super) fn audit_cluster(&mut self) -> Result<(), Violation> {
        let roles = &self.nodes;
        let is_at_work = |node: usize| !matches!(roles[node].role, Role::Away);
        let Some(cluster) = self.cluster.as_mut().filter(|cluster| cluster.is_touched) else { return Ok(()) };
        let evictions = cluster.check(is_at_work, self.now_us)?;
        (0..evictions).for_each(|_| self.summary.tally.note("node evicted"));
        Ok(())
    }

    /// After the faults the event has an owner again within two leases, from when anybody runs.
    pub(super) fn is_owned_in_time(&mut self) -> Result<(), Violation> {
        let now_us = self.now_us;
        let slow_us = 20 * self.plan.store_delay_us_max;
        let Some(cluster) = &mut self.cluster else { return Ok(()) };
        cluster.is_touched = true;
        let mut processes = cluster.processes.iter().zip(&self.nodes);
        let somebody_runs =
            processes.any(|(process, node)| process.membership.is_some() && node.paused_until_us <= now_us);
        if !somebody_runs {
            cluster.owned_at_us = now_us;
        }
        let since_us = cluster.owned_at_us.max(self.plan.faults_end_us);
        let most_us = 2 * cluster.lease_ms() * 1_000 + CLAIMED_WITHIN_US + slow_us;
        if !self.is_calm || now_us <= since_us + most_us {
            return Ok(());
        }
        let detail = format!("nobody since {since_us} us");
        Err(broken("after the faults the event has an owner again", detail))
    }
}
