//! Notaries in the world: when they go on, and what goes wrong.

use tessera_inventory::Timestamp;

use super::following::TABLE_FAULTS;
use super::{Step, World};
use crate::catalogue::WALL_BASE_MS;
use crate::follower::Followed;
use crate::node::Role;
use crate::oracle::Violation;

/// One that halts, or has looked, goes on after at most so long, in microseconds.
const PAUSE_US_MAX: u64 = 5_000_000;
/// After the faults, in microseconds.
const HASTE_US_MAX: u64 = 400_000;
/// Of a thousand steps, so many end in the death of the notary.
const DEATHS: u64 = 40;
/// Of a thousand steps, so many come after a restart of the process that signs.
const REOPENINGS: u64 = 10;
/// Of a thousand steps, so many come after a rotation.
const ROTATIONS: u64 = 20;

impl World {
    pub(super) fn notarise(&mut self, node: usize) -> Result<(), Violation> {
        if let Some(wait_us) = self.pause_us(node) {
            self.after(wait_us, Step::Notarise(node));
            return Ok(());
        }
        let wall = self.nodes[node].wall(self.now_us);
        self.disturb_notary(node, wall)?;
        let serving = matches!(self.nodes[node].role, Role::Serving(_)).then_some(self.nodes[node].life);
        let log = self.store.shared_log().filter(|_| !self.store.is_away);
        let Some(notaries) = &mut self.notaries else { return Ok(()) };
        let followed = match &log {
            Some(log) => notaries.go_on(node, serving, log, wall)?,
            None => Followed::Failed,
        };
        let most = if self.is_calm { HASTE_US_MAX } else { PAUSE_US_MAX };
        let mut wait_us = notaries.between(1_000, most);
        if let Some(log) = log {
            let (events, refusals) = notaries.look(&self.oracle, &*log)?;
            self.summary.tally.add("acceptance in a page", events);
            self.summary.tally.add("refusal in a page", refusals);
        }
        if followed == Followed::Overtaken {
            self.note("notary overtaken");
        }
        if self.all_is_proven() {
            wait_us = self.patiently(wait_us);
        }
        self.trace.note(self.now_us, format_args!("notary {node}: {followed:?}"));
        self.after(wait_us, Step::Notarise(node));
        Ok(())
    }

    fn disturb_notary(&mut self, node: usize, wall: Timestamp) -> Result<(), Violation> {
        let Some(notaries) = self.notaries.as_mut().filter(|_| !self.is_calm) else { return Ok(()) };
        if notaries.chance(ROTATIONS) && notaries.rotate(wall)? {
            self.summary.tally.note("signing key rotated");
        }
        if self.plan.table_faults == 0 {
            return Ok(());
        }
        if notaries.chance(DEATHS) {
            self.summary.tally.note("notary restarted");
            notaries.restart(node);
        }
        if notaries.chance(REOPENINGS) {
            self.summary.tally.note("signer opened again");
            notaries.reopen(wall)?;
        }
        if notaries.chance(self.plan.table_faults) {
            self.summary.tally.note(notaries.inject(&TABLE_FAULTS));
        }
        Ok(())
    }

    /// A process ends: what its notary had not proven is lost.
    pub(super) fn notary_dies(&mut self, node: usize) {
        let lost = self.notaries.as_mut().map_or(0, |notaries| notaries.die(node));
        self.summary.tally.add("refusal lost with its node", lost as u64);
    }

    /// The machine restarts, and the process that signs with it.
    pub(super) fn signer_restarts(&mut self) -> Result<(), Violation> {
        let now = Timestamp(WALL_BASE_MS + self.now_us / 1_000);
        self.notaries.as_mut().map_or(Ok(()), |notaries| notaries.reopen(now))
    }
}
