//! The disk under the journal in the world: how it fails, and what ends with it.

use super::{Step, World};
use crate::disturbance::DiskFault;
use crate::oracle::Violation;

impl World {
    pub(super) fn disturb_disk(&mut self, fault: DiskFault) -> Result<(), Violation> {
        match fault {
            DiskFault::Slow(for_us) => self.slow_until_us = self.slow_until_us.max(self.now_us + for_us),
            DiskFault::Full(for_us) => {
                self.full_until_us = self.full_until_us.max(self.now_us + for_us);
                self.after(for_us, Step::DiskEmptied);
            }
            DiskFault::Lies(for_us) => self.after(for_us, Step::PowerLost),
            DiskFault::TornWrite | DiskFault::LostWrites | DiskFault::FailedSync => {}
        }
        if self.store.disturb(fault)? {
            self.machine_restarts()?;
        }
        Ok(())
    }

    /// A disk that has lied about syncs loses power.
    pub(super) fn power_is_lost(&mut self) -> Result<(), Violation> {
        if !self.is_calm && self.store.lose_power()? {
            self.machine_restarts()?;
        }
        Ok(())
    }
}
