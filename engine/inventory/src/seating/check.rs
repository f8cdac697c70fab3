//! The seats' part of invariant I2: bitmaps, counters and index agree with the states.

use std::sync::Arc;

use super::Seating;
use crate::{SeatIndex, SeatState, Violation};

impl Seating {
    /// Recomputes everything that is kept incrementally.
    ///
    /// # Errors
    /// What disagrees.
    pub(crate) fn check(&self) -> Result<(), Violation> {
        let fresh = Seating::with_states(Arc::clone(&self.layout), self.released, self.states.clone());
        let agrees = |what: &str, agrees: bool| match agrees {
            true => Ok(()),
            false => Err(Violation { invariant: "I2", detail: format!("{what} disagree with the states") }),
        };
        agrees("bitmaps of free seats", self.free == fresh.free)?;
        agrees("counters of categories", self.counters == fresh.counters)?;
        agrees("counters of available seats", self.available == fresh.available)?;
        agrees("sizes of groups", self.fits == fresh.fits)?;
        agrees("sets of the index", self.index == fresh.index)?;
        let free = (0..self.seats()).filter(|&seat| self.state(SeatIndex(seat)) == SeatState::Free).count();
        let bits: usize = self.free.iter().map(|block| block.count_ones() as usize).sum();
        agrees("numbers of free seats", free == bits)
    }
}
