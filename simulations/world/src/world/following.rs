//! Followers in the world: when they go on, and what goes wrong.

use tessera_store::memory::CommitFault;

use super::{Step, World};
use crate::follower::{Followed, is_projection};
use crate::oracle::Violation;

/// A follower that halts goes on after at most so long, in microseconds.
const HALT_US_MAX: u64 = 3_000_000;
/// A follower that is up to date looks again after at most so long, in microseconds.
const PAUSE_US_MAX: u64 = 4_000_000;
/// One that has something to do after the faults goes on after at most so long, in microseconds.
const HASTE_US_MAX: u64 = 100_000;
/// Of a thousand steps, so many end in the death of the follower.
const DEATHS: u64 = 40;
/// What the next commit of the table may meet.
pub(super) const TABLE_FAULTS: [(&str, CommitFault); 3] = [
    ("table conflict", CommitFault::Conflict),
    ("table commit unknown, applied", CommitFault::UnknownApplied),
    ("table commit unknown, not applied", CommitFault::UnknownNotApplied),
];

impl World {
    pub(super) fn follow(&mut self, follower: usize) -> Result<(), Violation> {
        let has_faults = !self.is_calm && self.plan.table_faults > 0;
        if has_faults && self.prng.chance(DEATHS) {
            self.note("follower restarted");
            self.followers.forget(follower);
        }
        if has_faults && self.prng.chance(self.plan.table_faults) {
            let (name, fault) = TABLE_FAULTS[self.prng.index(TABLE_FAULTS.len())];
            self.note(name);
            self.followers.inject(fault);
        }
        let dies = has_faults && !is_projection(follower) && self.prng.chance(DEATHS);
        let followed = match self.store.shared_log() {
            Some(log) if !self.store.is_away => self.followers.follow(follower, log, dies)?,
            _ => Followed::Failed,
        };
        match followed {
            Followed::Overtaken => self.note("follower overtaken"),
            Followed::Died => self.note("follower died between effect and cursor"),
            Followed::Halted | Followed::Went | Followed::Failed => {}
        }
        self.trace.note(self.now_us, format_args!("follower {follower}: {followed:?}"));
        // Once the faults are over they make haste, so that the end of the world is near.
        let most = match followed {
            _ if self.is_calm && !self.followers.has_seen(follower, self.oracle.sequence()) => HASTE_US_MAX,
            Followed::Halted => HALT_US_MAX,
            _ => self.patiently(PAUSE_US_MAX),
        };
        let wait_us = self.prng.between(1_000, most);
        self.after(wait_us, Step::Follow(follower));
        Ok(())
    }
}
