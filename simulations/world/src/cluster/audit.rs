//! What must be so of the rows of a cluster, after every step that could change it.

use std::collections::{BTreeMap, BTreeSet};

use futures::executor::block_on;
use tessera_cluster::{Listed, NodeId, OwnerRow, Standing};
use tessera_projections::nodes::Nodes;

use crate::catalogue::EVENT;
use crate::oracle::{Violation, broken};

/// No clock that counts a lease is faster than time by more than this share of it, in millionths.
pub(super) const DRIFT_PPM_MAX: i64 = 20_000;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Audit {
    owner: Option<OwnerRow>,
    /// The newest beat of each node, and when it landed, in microseconds.
    beats: BTreeMap<NodeId, (u64, u64)>,
    evicted: BTreeSet<NodeId>,
    /// Nodes that have begun to leave by themselves.
    pub(super) left: BTreeSet<NodeId>,
}

/// Who is there, and who owns the event.
pub(super) struct Seen {
    pub(super) live: BTreeSet<NodeId>,
    pub(super) owner: Option<OwnerRow>,
    pub(super) evictions: usize,
}

impl Audit {
    pub(super) fn look(&mut self, nodes: &Nodes, now_us: u64) -> Result<Seen, Violation> {
        let unread = |error| broken("the rows of the nodes can be read", format!("{error}"));
        let listed = block_on(nodes.list()).map_err(unread)?;
        let mut seen = Seen { live: BTreeSet::new(), owner: None, evictions: 0 };
        for Listed { node, row, beat } in &listed {
            let known = self.beats.entry(*node).or_insert((beat.number, now_us));
            if beat.number < known.0 {
                let detail = format!("{node}: {} after {}", beat.number, known.0);
                return Err(broken("the beats of a node go on", detail));
            }
            if known.0 != beat.number {
                *known = (beat.number, now_us);
            }
            if row.standing != Standing::Evicted {
                seen.live.insert(*node);
            } else if self.evicted.insert(*node) {
                seen.evictions += 1;
                let lease_us = row.lease_ms * 1_000;
                let tolerated_us = lease_us / 1_000_000 * DRIFT_PPM_MAX.unsigned_abs() * 2;
                let age_us = now_us - known.1;
                if !self.left.contains(node) && age_us + tolerated_us < lease_us {
                    let detail = format!("{node}: its beat was {age_us} us old");
                    return Err(broken("nobody is evicted before its lease is over", detail));
                }
            }
        }
        seen.owner = block_on(nodes.owner(EVENT)).map_err(unread)?.map(|owner| owner.owner);
        self.terms(seen.owner)?;
        Ok(seen)
    }

    /// Every owner has the term that follows the one before; in these worlds no event falls asleep.
    fn terms(&mut self, owner: Option<OwnerRow>) -> Result<(), Violation> {
        let before = std::mem::replace(&mut self.owner, owner);
        let follows = match (before, owner) {
            (Some(before), Some(owner)) => owner == before || owner.term == before.term + 1,
            (Some(_), None) => false,
            (None, owner) => owner.is_none_or(|owner| owner.term == 1),
        };
        if follows {
            return Ok(());
        }
        Err(broken("the terms of the owners follow each other", format!("{owner:?} after {before:?}")))
    }
}
