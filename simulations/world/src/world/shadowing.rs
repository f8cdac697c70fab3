//! Shadows in the world: when they go on, and what goes wrong.

use super::following::TABLE_FAULTS;
use super::{Step, World};
use crate::follower::Followed;
use crate::node::Role;
use crate::oracle::Violation;

/// One that halts, or has looked, goes on after at most so long, in microseconds.
const PAUSE_US_MAX: u64 = 2_000_000;
/// Of a thousand steps, so many end in the death of the shadow.
const DEATHS: u64 = 8;

impl World {
    pub(super) fn shadow(&mut self, node: usize) -> Result<(), Violation> {
        if let Some(wait_us) = self.pause_us(node) {
            self.after(wait_us, Step::Shadow(node));
            return Ok(());
        }
        let here = &self.nodes[node];
        let serving = matches!(here.role, Role::Serving(_)).then_some(here.life);
        let log = self.store.shared_log().filter(|_| !self.store.is_away);
        let has_faults = !self.is_calm && self.plan.table_faults > 0;
        let Some(shadows) = &mut self.shadows else { return Ok(()) };
        if has_faults && shadows.chance(DEATHS) {
            shadows.die(node);
        }
        let writes = shadows.chance(self.plan.snapshots);
        if has_faults && writes && shadows.chance(self.plan.table_faults) {
            let (name, fault) = TABLE_FAULTS[shadows.index(TABLE_FAULTS.len())];
            self.followers.inject(fault);
            self.summary.tally.note(name);
        }
        let stalls_from_us = (!self.is_calm).then_some(self.now_us);
        let followed = match log {
            Some(log) => shadows.go_on((node, serving), &log, writes, stalls_from_us)?,
            None => Followed::Failed,
        };
        let wait_us = shadows.between(1_000, PAUSE_US_MAX);
        if shadows.look(&self.oracle)? {
            self.note("snapshot written");
        }
        if followed == Followed::Overtaken {
            self.note("snapshot superseded");
        }
        self.trace.note(self.now_us, format_args!("shadow {node}: {followed:?}"));
        self.after(self.patiently(wait_us), Step::Shadow(node));
        Ok(())
    }
}
