//! A cluster of nodes in the world: the product's membership, claims and placement, over rows in a store that all nodes share.
//!
//! Each transaction halts between its reads and its commit; it may get through when its node waits no more, or has died.

mod audit;
mod process;
mod slow;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::noop_waker_ref;
use tessera_cluster::{
    Beat, Claim, Evicted, Listed, Load, MembershipInput, NodeId, NodeRow, Renewed, Standing, Transfer,
};
use tessera_projections::nodes::{Nodes, Owner};
use tessera_store::Table;
use tessera_store::memory::{CommitFault, MemoryStore};

use crate::catalogue::EVENT;
use crate::oracle::{Violation, broken};
use crate::plan::Ownership;
use crate::prng::Prng;
use audit::{Audit, DRIFT_PPM_MAX};
pub(crate) use process::Process;
use slow::SlowTable;

/// A defect of a cluster, of the shell around what is the product's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterMutant {
    /// An eviction does not read whether the node has renewed.
    BeatUnread,
    /// A node is evicted after half its lease.
    EvictedEarly,
    /// A node that was evicted goes on, and refuses without reading `head`.
    LossIgnored,
    /// A node gives the event away before its writer has ended.
    GivenWhileServing,
    /// Nobody takes what a gone node has left.
    NothingAdopted,
}

/// What a process asks of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Renew { node: NodeId, beat: Beat, standing: Standing },
    List,
    Evict { node: NodeId, number: u64 },
    Leave(NodeId),
    Claim(NodeId),
    LookUp,
    Transfer { me: NodeId, to: NodeId },
    Forget(NodeId),
}

/// What it is told; where the store does not answer, `None` or unknown.
#[derive(Debug)]
pub(crate) enum Told {
    Membership(MembershipInput),
    Claimed(NodeId, Option<Claim>),
    LookedUp(Option<Option<Owner>>),
    Given(NodeId, Option<Transfer>),
    Forgotten(bool),
}

/// How far a call has got in the store.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is lost.
    Gone,
    /// It has read, and will commit.
    Halted,
    Ended(Told),
}

/// Who waits for a call, in which of its lives, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) process: usize,
    pub(crate) life: u64,
    pub(crate) wish: Wish,
}

/// The nodes, and what they share.
pub(crate) struct Cluster {
    table: MemoryStore,
    nodes: Nodes,
    slow: Nodes,
    pub(crate) processes: Vec<Process>,
    running: BTreeMap<u64, BoxFuture<'static, Told>>,
    waiting: BTreeMap<u64, Waiting>,
    calls: u64,
    audit: Audit,
    lease_ms: u64,
    pub(crate) mutant: Option<ClusterMutant>,
    /// Something may have changed since the last look.
    pub(crate) is_touched: bool,
    /// When a node that is there was seen to own the event last, in microseconds.
    pub(crate) owned_at_us: u64,
}

impl Cluster {
    pub(crate) fn new(
        nodes: usize,
        ownership: Ownership,
        mutant: Option<ClusterMutant>,
        prng: &mut Prng,
    ) -> Cluster {
        let table = MemoryStore::new();
        let shared: Arc<dyn Table> = Arc::new(table.clone());
        let drift = |prng: &mut Prng| {
            let width = DRIFT_PPM_MAX.unsigned_abs() * 2;
            i64::try_from(prng.between(0, width)).unwrap_or(DRIFT_PPM_MAX) - DRIFT_PPM_MAX
        };
        Cluster {
            table,
            nodes: Nodes::new(Arc::clone(&shared)),
            slow: Nodes::new(Arc::new(SlowTable::over(shared))),
            processes: (0..nodes).map(|_| Process::new(drift(prng))).collect(),
            running: BTreeMap::new(),
            waiting: BTreeMap::new(),
            calls: 0,
            audit: Audit::default(),
            lease_ms: ownership.lease_ms,
            mutant,
            is_touched: false,
            owned_at_us: 0,
        }
    }

    /// The length of a lease, in milliseconds.
    pub(crate) fn lease_ms(&self) -> u64 {
        self.lease_ms
    }

    /// A process ends. What it has sent to the store goes on there.
    pub(crate) fn ends(&mut self, process: usize) {
        self.processes[process].forget();
    }

    /// The process that is registered under this id now.
    pub(crate) fn process_of(&self, node: NodeId) -> Option<usize> {
        self.processes.iter().position(|process| process.me() == Some(node))
    }

    /// A process asks something. Answers the number of the call.
    pub(crate) fn ask(&mut self, process: usize, wish: Wish) -> u64 {
        self.calls += 1;
        let life = self.processes[process].life;
        self.waiting.insert(self.calls, Waiting { process, life, wish });
        let task = self.task(wish);
        self.running.insert(self.calls, task);
        self.calls
    }

    /// The next commit meets this.
    pub(crate) fn inject(&self, fault: CommitFault) {
        self.table.inject_commit(fault);
    }

    /// A call is in the store, and gets as far as it can without halting.
    pub(crate) fn go_on(&mut self, call: u64) -> Progress {
        let Some(task) = self.running.get_mut(&call) else { return Progress::Gone };
        self.is_touched = true;
        match task.poll_unpin(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(told) => {
                self.running.remove(&call);
                Progress::Ended(told)
            }
            Poll::Pending => Progress::Halted,
        }
    }

    /// A call comes to nothing.
    pub(crate) fn lose(&mut self, call: u64) {
        self.running.remove(&call);
    }

    /// Who waits for a call still.
    pub(crate) fn waits(&self, call: u64) -> Option<Waiting> {
        self.waiting.get(&call).copied()
    }

    /// The waiting is over.
    pub(crate) fn ended(&mut self, call: u64) -> Option<Waiting> {
        self.waiting.remove(&call)
    }

    fn row(&self, standing: Standing) -> NodeRow {
        NodeRow {
            name: String::new(),
            peer_address: String::new(),
            client_address: None,
            lease_ms: self.lease_ms,
            release: String::new(),
            standing,
        }
    }

    fn task(&mut self, wish: Wish) -> BoxFuture<'static, Told> {
        let nodes = self.slow.clone();
        let mutant = self.mutant;
        match wish {
            Wish::Renew { node, beat, standing } => {
                let row = self.row(standing);
                async move {
                    let renewed = nodes.renew(node, &row, &beat).await.unwrap_or(Renewed::Unknown);
                    Told::Membership(MembershipInput::Renewed(renewed))
                }
                .boxed()
            }
            Wish::List => async move {
                let listed = nodes.list().await.ok();
                let halved = mutant == Some(ClusterMutant::EvictedEarly);
                let listed = if halved { listed.map(with_half_a_lease) } else { listed };
                Told::Membership(MembershipInput::Listed(listed))
            }
            .boxed(),
            Wish::Evict { node, .. } if mutant == Some(ClusterMutant::BeatUnread) => async move {
                let evicted = nodes.leave(node).await.map_or(Evicted::Unknown, |()| Evicted::Gone);
                Told::Membership(MembershipInput::EvictionDone { node, evicted })
            }
            .boxed(),
            Wish::Evict { node, number } => async move {
                let evicted = nodes.evict(node, number).await.unwrap_or(Evicted::Unknown);
                Told::Membership(MembershipInput::EvictionDone { node, evicted })
            }
            .boxed(),
            Wish::Leave(node) => {
                self.audit.left.insert(node);
                async move { Told::Membership(MembershipInput::Left(nodes.leave(node).await.is_ok())) }
                    .boxed()
            }
            Wish::Claim(me) => async move {
                let claimed = nodes.claim(me, EVENT).await;
                Told::Claimed(me, claimed.ok().map(|(claim, _)| claim))
            }
            .boxed(),
            Wish::LookUp => async move { Told::LookedUp(nodes.owner(EVENT).await.ok()) }.boxed(),
            Wish::Transfer { me, to } => {
                async move { Told::Given(to, nodes.transfer(me, EVENT, to).await.ok()) }.boxed()
            }
            Wish::Forget(node) => {
                async move { Told::Forgotten(nodes.forget(node).await.unwrap_or(false)) }.boxed()
            }
        }
    }

    /// Judge the rows, and who believes what. `is_at_work`: whether a process activates or serves the event. Answers how many nodes were
    /// evicted since the last look.
    pub(crate) fn check(
        &mut self,
        is_at_work: impl Fn(usize) -> bool,
        now_us: u64,
    ) -> Result<usize, Violation> {
        self.is_touched = false;
        let seen = self.audit.look(&self.nodes, now_us)?;
        let believes = |(number, process): (usize, &Process)| process.owns.filter(|_| is_at_work(number));
        let believers = self.processes.iter().enumerate().filter_map(believes);
        let live: Vec<NodeId> = believers.filter(|node| seen.live.contains(node)).collect();
        let named = seen.owner.map(|owner| owner.node);
        if live.len() > 1 || live.iter().any(|node| Some(*node) != named) {
            let detail = format!("{live:?} believe it, the store says {named:?}");
            return Err(broken("one live node believes that it owns the event", detail));
        }
        if !live.is_empty() {
            self.owned_at_us = now_us;
        }
        Ok(seen.evictions)
    }
}

fn with_half_a_lease(mut listed: Vec<Listed>) -> Vec<Listed> {
    listed.iter_mut().for_each(|listed| listed.row.lease_ms /= 2);
    listed
}

/// What a process is told of a call that the store has not answered.
pub(crate) fn unanswered(wish: Wish) -> Told {
    match wish {
        Wish::Renew { .. } => Told::Membership(MembershipInput::Renewed(Renewed::Unknown)),
        Wish::List => Told::Membership(MembershipInput::Listed(None)),
        Wish::Evict { node, .. } => {
            Told::Membership(MembershipInput::EvictionDone { node, evicted: Evicted::Unknown })
        }
        Wish::Leave(_) => Told::Membership(MembershipInput::Left(false)),
        Wish::Claim(me) => Told::Claimed(me, None),
        Wish::LookUp => Told::LookedUp(None),
        Wish::Transfer { to, .. } => Told::Given(to, None),
        Wish::Forget(_) => Told::Forgotten(false),
    }
}

/// The load of a process that owns the event, or does not.
pub(crate) fn load(owns: bool) -> Load {
    Load { owned_events: u32::from(owns) }
}
