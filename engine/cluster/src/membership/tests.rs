//! Two nodes over one table of rows, with clocks of their own.

use super::*;
use crate::Load;

const LEASE_MS: u64 = 3_000;
const OPTIONS: MembershipOptions = MembershipOptions { lease_ms: LEASE_MS };

#[derive(Default)]
struct Rows(BTreeMap<NodeId, (Standing, u64)>);

impl Rows {
    fn renew(&mut self, node: NodeId, number: u64, standing: Standing) -> Renewed {
        match self.0.get_mut(&node) {
            None if number == 1 => {
                self.0.insert(node, (standing, 1));
                Renewed::Written
            }
            None | Some((Standing::Evicted, _)) => Renewed::Evicted,
            Some(row) => {
                *row = (standing, number);
                Renewed::Written
            }
        }
    }

    fn evict(&mut self, node: NodeId, number: u64) -> Evicted {
        match self.0.get_mut(&node) {
            Some((_, beat)) if *beat != number => Evicted::Alive,
            Some(row) => {
                row.0 = Standing::Evicted;
                Evicted::Gone
            }
            None => Evicted::Gone,
        }
    }

    fn list(&self) -> Vec<Listed> {
        let listed = |(node, (standing, number)): (&NodeId, &(Standing, u64))| Listed {
            node: *node,
            row: NodeRow {
                name: node.to_string(),
                peer_address: String::new(),
                client_address: None,
                lease_ms: LEASE_MS,
                release: String::new(),
                standing: *standing,
            },
            beat: Beat { number: *number, load: Load::default(), ..Beat::default() },
        };
        self.0.iter().map(listed).collect()
    }
}

struct Node {
    membership: Membership,
    origin_us: u64,
    timer: Option<Monotonic>,
    members: Option<Members>,
    lost: Vec<NodeId>,
    doubtful: bool,
    has_store: bool,
}

impl Node {
    fn new(id: u128, origin_us: u64, now_us: u64, rows: &mut Rows) -> Node {
        let now = Monotonic(origin_us + now_us);
        let mut node = Node {
            membership: Membership::new(OPTIONS, now),
            origin_us,
            timer: None,
            members: None,
            lost: Vec::new(),
            doubtful: false,
            has_store: true,
        };
        node.input(MembershipInput::Join(NodeId(id)), now_us, rows);
        node
    }

    fn input(&mut self, input: MembershipInput, now_us: u64, rows: &mut Rows) {
        let now = Monotonic(self.origin_us + now_us);
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut out = Vec::new();
            self.membership.handle(input, now, &mut out);
            for output in out {
                match output {
                    MembershipOutput::Renew { node, number, standing } => {
                        let renewed = if self.has_store {
                            rows.renew(node, number, standing)
                        } else {
                            Renewed::Unknown
                        };
                        inputs.push(MembershipInput::Renewed(renewed));
                    }
                    MembershipOutput::List => {
                        inputs.push(MembershipInput::Listed(self.has_store.then(|| rows.list())));
                    }
                    MembershipOutput::Evict { node, number } => {
                        let evicted = rows.evict(node, number);
                        inputs.push(MembershipInput::EvictionDone { node, evicted });
                    }
                    MembershipOutput::Leave(node) => {
                        rows.0.insert(node, (Standing::Evicted, 0));
                        inputs.push(MembershipInput::Left(true));
                    }
                    MembershipOutput::Lost(node) => self.lost.push(node),
                    MembershipOutput::Members(members) => self.members = Some(members),
                    MembershipOutput::Doubtful(doubtful) => self.doubtful = doubtful,
                    MembershipOutput::ArmTimer(at) => self.timer = Some(at),
                }
            }
        }
    }

    /// Let time pass up to `to_us`, timer by timer.
    fn run(&mut self, to_us: u64, rows: &mut Rows) {
        while let Some(at) = self.timer.filter(|at| at.0 <= self.origin_us + to_us) {
            self.timer = None;
            self.input(MembershipInput::Tick, at.0.saturating_sub(self.origin_us), rows);
        }
    }
}

/// Both run, in steps of a tenth of a second.
fn run_both(a: &mut Node, b: &mut Node, from_ms: u64, to_ms: u64, rows: &mut Rows) {
    for at_ms in (from_ms..to_ms).step_by(100) {
        a.run(at_ms * 1_000, rows);
        b.run(at_ms * 1_000, rows);
    }
}

#[test]
fn nodes_that_beat_see_each_other_and_evict_nobody() {
    let mut rows = Rows::default();
    let mut a = Node::new(1, 0, 0, &mut rows);
    let mut b = Node::new(2, 77_000_000_000, 500_000, &mut rows);
    run_both(&mut a, &mut b, 500, 60_000, &mut rows);
    for node in [&a, &b] {
        assert!(node.lost.is_empty() && !node.doubtful);
        assert_eq!(node.members.as_ref().map(|members| members.serving().count()), Some(2));
    }
}

#[test]
fn a_dead_node_is_evicted_after_its_lease_and_before_twice_that() {
    let mut rows = Rows::default();
    let mut a = Node::new(1, 0, 0, &mut rows);
    let mut b = Node::new(2, 5, 0, &mut rows);
    run_both(&mut a, &mut b, 0, 10_000, &mut rows);
    a.run(10_000_000 + LEASE_MS * 1_000 / 2, &mut rows);
    assert_ne!(rows.0[&NodeId(2)].0, Standing::Evicted);
    a.run(10_000_000 + 2 * LEASE_MS * 1_000, &mut rows);
    assert_eq!(rows.0[&NodeId(2)].0, Standing::Evicted);
    assert_eq!(a.members.map(|members| members.gone().collect()), Some(vec![NodeId(2)]));
}

#[test]
fn a_node_that_was_stopped_evicts_nobody_and_learns_that_it_is_lost() {
    let mut rows = Rows::default();
    let mut a = Node::new(1, 0, 0, &mut rows);
    let mut b = Node::new(2, 5, 0, &mut rows);
    run_both(&mut a, &mut b, 0, 10_000, &mut rows);
    // b sleeps for ten leases; when it wakes its view of a is as old.
    for at_ms in (10_000..40_000).step_by(100) {
        a.run(at_ms * 1_000, &mut rows);
    }
    b.input(MembershipInput::Tick, 40_000_000, &mut rows);
    assert_eq!(b.lost, [NodeId(2)]);
    assert_eq!(rows.0[&NodeId(1)].0, Standing::Serving);
    b.input(MembershipInput::Join(NodeId(3)), 40_000_000, &mut rows);
    run_both(&mut a, &mut b, 40_000, 50_000, &mut rows);
    assert_eq!(rows.0[&NodeId(3)].0, Standing::Serving);
    assert_eq!(b.membership.node(), Some(NodeId(3)));
    assert!(!b.doubtful, "the doubt ended with the registration");
}

#[test]
fn after_an_outage_of_the_store_nobody_evicts_anybody() {
    let mut rows = Rows::default();
    let mut a = Node::new(1, 0, 0, &mut rows);
    let mut b = Node::new(2, 5, 0, &mut rows);
    run_both(&mut a, &mut b, 0, 10_000, &mut rows);
    (a.has_store, b.has_store) = (false, false);
    run_both(&mut a, &mut b, 10_000, 30_000, &mut rows);
    assert!(a.doubtful && b.doubtful);
    (a.has_store, b.has_store) = (true, true);
    run_both(&mut a, &mut b, 30_000, 60_000, &mut rows);
    assert!(a.lost.is_empty() && b.lost.is_empty());
    assert!(!a.doubtful && !b.doubtful);
}

#[test]
fn without_the_store_a_node_doubts_its_lease_and_others_take_it() {
    let mut rows = Rows::default();
    let mut a = Node::new(1, 0, 0, &mut rows);
    let mut b = Node::new(2, 5, 0, &mut rows);
    run_both(&mut a, &mut b, 0, 10_000, &mut rows);
    b.has_store = false;
    run_both(&mut a, &mut b, 10_000, 14_000, &mut rows);
    assert!(b.doubtful && b.lost.is_empty());
    run_both(&mut a, &mut b, 14_000, 17_000, &mut rows);
    b.has_store = true;
    run_both(&mut a, &mut b, 17_000, 18_000, &mut rows);
    assert_eq!(b.lost, [NodeId(2)]);
}

#[test]
fn who_drains_says_so_at_once_and_who_leaves_is_not_waited_for() {
    let mut rows = Rows::default();
    let mut a = Node::new(1, 0, 0, &mut rows);
    a.input(MembershipInput::Drain, 100_000, &mut rows);
    assert_eq!(rows.0[&NodeId(1)].0, Standing::Draining);
    a.input(MembershipInput::Leave, 200_000, &mut rows);
    assert_eq!(rows.0[&NodeId(1)].0, Standing::Evicted);
    assert_eq!(a.membership.node(), None);
    let beats = rows.0[&NodeId(1)].1;
    a.run(60_000_000, &mut rows);
    assert_eq!(rows.0[&NodeId(1)].1, beats, "it beats no more");
}

#[test]
fn an_eviction_that_comes_too_late_changes_nothing() {
    let mut membership = Membership::new(OPTIONS, Monotonic(0));
    let mut out = Vec::new();
    let mut rows = Rows::default();
    rows.renew(NodeId(2), 1, Standing::Serving);
    membership.handle(MembershipInput::Join(NodeId(1)), Monotonic(0), &mut out);
    membership.handle(MembershipInput::Listed(Some(rows.list())), Monotonic(0), &mut out);
    let half = Monotonic(LEASE_MS * 500);
    membership.handle(MembershipInput::Tick, half, &mut out);
    membership.handle(MembershipInput::Listed(Some(rows.list())), half, &mut out);
    membership.handle(MembershipInput::Tick, Monotonic(LEASE_MS * 1_000), &mut out);
    out.clear();
    membership.handle(MembershipInput::Listed(Some(rows.list())), Monotonic(LEASE_MS * 1_000), &mut out);
    assert!(out.contains(&MembershipOutput::Evict { node: NodeId(2), number: 1 }));
    rows.renew(NodeId(2), 2, Standing::Serving);
    assert_eq!(rows.evict(NodeId(2), 1), Evicted::Alive);
    let done = MembershipInput::EvictionDone { node: NodeId(2), evicted: Evicted::Alive };
    membership.handle(done, Monotonic(LEASE_MS * 1_000), &mut out);
    out.clear();
    let later = Monotonic(LEASE_MS * 1_000 + 1);
    membership.handle(MembershipInput::Listed(Some(rows.list())), later, &mut out);
    assert!(!out.iter().any(|output| matches!(output, MembershipOutput::Evict { .. })));
}
