//! Worlds whose nodes own the event by the protocol of a cluster.

use super::{Media, Plan};
use crate::disturbance::{Disturbance, Place};
use crate::prng::Prng;

/// Of a thousand worlds, so many have the protocol.
const CLUSTERS: u64 = 150;
/// Fewest nodes of such a world.
const NODES_MIN: usize = 3;
/// Most links between nodes that are cut in it.
const CUTS_MAX: u64 = 6;
/// Of a thousand requests, at least so many go to a node that is not known as the owner.
const STALE_ROUTES_MIN: u64 = 300;
/// From so slow a store on a lease is long, in microseconds.
const SLOW_STORE_US: u64 = 100_000;
const SECOND_US: u64 = 1_000_000;

/// How nodes own the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The length of a lease, in milliseconds.
    pub lease_ms: u64,
}

impl Plan {
    /// Nodes own the event by the protocol, whatever the plan said of their number.
    #[must_use]
    pub fn owned(self, lease_ms: u64) -> Plan {
        Plan {
            nodes: self.nodes.max(NODES_MIN),
            stale_routes: self.stale_routes.max(STALE_ROUTES_MIN),
            media: Media::Service,
            rests: 0,
            ownership: Some(Ownership { lease_ms }),
            paying: None,
            ..self
        }
    }

    /// Some worlds are so. What else was drawn for them stays.
    pub(super) fn perhaps_owned(self, seed: u64) -> Plan {
        let prng = &mut Prng::new(seed ^ 0x0c1u64.rotate_left(32));
        if !prng.chance(CLUSTERS) {
            return self;
        }
        let is_slow = self.store_delay_us_max >= SLOW_STORE_US;
        let lease_ms = if is_slow { 3_000 } else { [1_000, 2_000, 3_000][prng.index(3)] };
        let mut plan = self.owned(lease_ms);
        for _ in 0..prng.between(0, CUTS_MAX) {
            let (from, to) = (prng.index(plan.nodes), prng.index(plan.nodes));
            let both = [(from, to), (to, from)];
            let at_us = prng.between(0, plan.faults_end_us - 1);
            let for_us = prng.between(1, 30) * SECOND_US;
            // One way, or both.
            for (from, to) in both.into_iter().take(1 + prng.index(2)).filter(|(from, to)| from != to) {
                plan.script.push((at_us, Disturbance::Cut(Place::Node(from), Place::Node(to), for_us)));
            }
        }
        plan
    }
}
