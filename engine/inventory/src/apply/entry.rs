//! What passes the gates.

use crate::mutant::Mutant;
use crate::passages::{Device, Passage};
use crate::{Inventory, ScansRecorded, TicketRef, Timestamp};

impl Inventory {
    pub(super) fn apply_reissued(&mut self, ticket: TicketRef, generation: u8) {
        let (at, slot) = self.ticket_at(ticket);
        self.orders.reissue(at, slot, generation, &self.subjects);
    }

    /// A passage that the log decided: later than all before it.
    pub(super) fn apply_passage(&mut self, ticket: TicketRef, passed_at: Timestamp, gate: u16, inward: bool) {
        let (at, slot) = self.ticket_at(ticket);
        self.orders.pass(at, slot, Passage::online(passed_at, gate, inward), &self.subjects);
    }

    /// A way out of format 1, which left nothing behind.
    pub(super) fn apply_unstamped_way_out(&mut self, ticket: TicketRef) {
        let (at, slot) = self.ticket_at(ticket);
        self.orders.forget_passage(at, slot, &self.subjects);
    }

    pub(super) fn apply_scans(&mut self, record: &ScansRecorded) {
        for scan in record.scans.iter().filter(|scan| scan.admitted) {
            let Some((at, slot)) = self.find_ticket(scan.ticket) else { continue };
            let passage = Passage::scanned(record.device, scan);
            let before = self.orders.passage(slot);
            let is_last = before.is_none_or(|before| before.rank() < passage.rank());
            if is_last || self.mutation.is(Mutant::LastUploadWins) {
                self.orders.pass(at, slot, passage, &self.subjects);
            }
        }
        if let Some(last) = record.scans.last() {
            self.devices.set(record.device, Device { next: last.number + 1, last_at: last.at });
        }
    }
}
