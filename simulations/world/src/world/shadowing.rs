//! Shadows in the world: when they go on, and what goes wrong.

use super::following::TABLE_FAULTS;
use super::{Step, World};
use crate::follower::Followed;
use crate::node::Role;
use crate::oracle::Violation;

/// One that halts goes on after at most so long, in microseconds.
const HALT_US_MAX: u64 = 4_000_000;
/// One that has looked looks again after at most so long, in microseconds.
const PAUSE_US_MAX: u64 = 2_000_000;
/// Of a thousand that halt, so many go on after at most so long, in microseconds, unless the faults are over.
const STALLS: u64 = 100;
const STALL_US_MAX: u64 = 20_000_000;
/// Of a thousand steps, so many end in the death of the shadow.
const DEATHS: u64 = 30;

impl World {
    pub(super) fn shadow(&mut self, node: usize) -> Result<(), Violation> {
        if let Some(wait_us) = self.pause_us(node) {
            self.after(wait_us, Step::Shadow(node));
            return Ok(());
        }
        let is_serving = matches!(self.nodes[node].role, Role::Serving(_));
        let log = self.store.shared_log().filter(|_| !self.store.is_away);
        let has_faults = !self.is_calm && self.plan.table_faults > 0;
        let snapshots = self.plan.snapshots;
        let Some(shadows) = &mut self.shadows else { return Ok(()) };
        // What it is at when the ownership ends it brings to its end.
        let is_at_work = is_serving || shadows.is_at_work(node);
        if !is_at_work || has_faults && shadows.chance(DEATHS) {
            shadows.die(node);
        }
        let writes = shadows.chance(snapshots);
        if has_faults && writes && shadows.chance(self.plan.table_faults) {
            let (name, fault) = TABLE_FAULTS[shadows.index(TABLE_FAULTS.len())];
            self.followers.inject(fault);
            self.summary.tally.note(name);
        }
        let followed = match log.filter(|_| is_at_work) {
            Some(log) => shadows.go_on(node, &log, writes)?,
            None => Followed::Failed,
        };
        let most = match followed {
            Followed::Halted if !self.is_calm && shadows.chance(STALLS) => STALL_US_MAX,
            Followed::Halted => HALT_US_MAX,
            _ => PAUSE_US_MAX,
        };
        let wait_us = shadows.between(1_000, most);
        if shadows.look(&self.oracle)? {
            self.note("snapshot written");
        }
        if followed == Followed::Overtaken {
            self.note("snapshot superseded");
        }
        self.trace.note(self.now_us, format_args!("shadow {node}: {followed:?}"));
        self.after(wait_us, Step::Shadow(node));
        Ok(())
    }
}
