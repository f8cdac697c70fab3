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
    /// The newest beat of each node, and when it first landed, in microseconds. Kept when the node is forgotten: one that was, before it
    /// heard of its first beat, writes that same beat once more, and who has seen it since it first landed still counts from there.
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
        // A node that was forgotten before it heard that it is registered registers once more.
        self.evicted.retain(|node| listed.iter().any(|listed| listed.node == *node));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tessera_cluster::{Beat, Load, NodeRow};
    use tessera_inventory::Timestamp;
    use tessera_store::memory::MemoryStore;

    use super::*;

    const NODE: NodeId = NodeId(7);

    fn beats(nodes: &Nodes) {
        let row = NodeRow {
            name: String::new(),
            peer_address: String::new(),
            client_address: None,
            lease_ms: 1_000,
            release: String::new(),
            standing: Standing::Serving,
        };
        let beat = Beat { number: 1, load: Load::default(), wall: Timestamp(0) };
        block_on(nodes.renew(NODE, &row, &beat)).unwrap();
    }

    #[test]
    fn a_first_beat_that_is_written_again_is_as_old_as_it_is() {
        let nodes = Nodes::new(Arc::new(MemoryStore::new()));
        let mut audit = Audit::default();
        beats(&nodes);
        assert!(audit.look(&nodes, 0).is_ok());
        block_on(nodes.evict(NODE, 1)).unwrap();
        assert_eq!(audit.look(&nodes, 1_000_000).unwrap().evictions, 1);
        assert!(block_on(nodes.forget(NODE)).unwrap());
        assert!(audit.look(&nodes, 1_100_000).is_ok());
        // It had not heard of it.
        beats(&nodes);
        assert_eq!(audit.look(&nodes, 1_200_000).unwrap().live, BTreeSet::from([NODE]));
        block_on(nodes.evict(NODE, 1)).unwrap();
        assert_eq!(audit.look(&nodes, 1_300_000).unwrap().evictions, 1);
    }

    #[test]
    fn who_is_evicted_early_is_seen() {
        let nodes = Nodes::new(Arc::new(MemoryStore::new()));
        let mut audit = Audit::default();
        beats(&nodes);
        assert!(audit.look(&nodes, 0).is_ok());
        block_on(nodes.evict(NODE, 1)).unwrap();
        let early = audit.look(&nodes, 900_000).err().unwrap();
        assert_eq!(early.rule, "nobody is evicted before its lease is over");
    }
}
