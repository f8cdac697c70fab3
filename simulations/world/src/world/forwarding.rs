//! Requests that reach a node which does not own the event: it passes them on, and the answers come back the same way.

use super::network::Road;
use super::{Step, World};
use crate::disturbance::Place;
use crate::node::{Attempt, Role};

/// A request is passed on so often: to the owner that a node knows, and once more to the one that is named there.
const HOPS_MAX: usize = 2;
const FORWARDED: Road =
    Road { cut: "forwarded request cut off", lost: "forwarded request lost", duplicated: None };
const ANSWERED: Road =
    Road { cut: "forwarded answer cut off", lost: "forwarded answer lost", duplicated: None };

impl World {
    /// Pass a request on, if that is to be done; answers whether it was.
    pub(super) fn forward(&mut self, node: usize, client: usize, attempt: Attempt) -> bool {
        if matches!(self.nodes[node].role, Role::Serving(_)) {
            return false;
        }
        let Some(cluster) = &self.cluster else { return false };
        let known = cluster.processes[node].knows.and_then(|owner| cluster.process_of(owner));
        let hops = self.forwarded.get(&attempt).map_or(0, Vec::len);
        let Some(to) = known.filter(|to| *to != node && hops < HOPS_MAX) else {
            // Who is asked looks, and may claim.
            self.look_up(node);
            return false;
        };
        self.note(if hops == 0 { "request forwarded" } else { "request redirected" });
        self.forwarded.entry(attempt).or_default().push(node);
        let usual_us = self.prng.between(50, 2_000);
        let arrivals = self.travel((Place::Node(node), Place::Node(to)), &FORWARDED, usual_us);
        if let Some(wait_us) = arrivals.first {
            self.after(wait_us, Step::Arrive { node: to, client, attempt });
        }
        true
    }

    /// How long an answer is on its way back from this node to the one that a client has asked; `None`: it is lost. With that node.
    pub(super) fn way_back(&mut self, node: usize, attempt: Attempt) -> Option<(usize, u64)> {
        let Some(path) = self.forwarded.remove(&attempt) else { return Some((node, 0)) };
        let (mut from, mut total_us) = (node, 0);
        for to in path.into_iter().rev() {
            let usual_us = self.prng.between(50, 2_000);
            total_us += self.travel((Place::Node(from), Place::Node(to)), &ANSWERED, usual_us).first?;
            from = to;
        }
        Some((from, total_us))
    }
}
