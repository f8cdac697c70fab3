//! Recording what devices wrote down offline. A scan is a fact: only the shape of an upload can be refused.

use std::collections::BTreeMap;

use crate::entry::Admitted;
use crate::mutant::Mutant;
use crate::orders::TicketSlot;
use crate::passages::{Device, Passage};
use crate::{
    ConflictKind, DEVICES_MAX, EventBody, Inventory, OtherPassage, Rejection, RequestError, SCANS_MAX, Scan,
    ScanConflict, ScansRecorded, Timestamp,
};

impl Inventory {
    pub(super) fn decide_scans(
        &self,
        now: Timestamp,
        device: u32,
        scans: &[Scan],
    ) -> Result<EventBody, Rejection> {
        let (first, last) = check_shape(device, scans)?;
        let known = self.devices.get(device);
        if known.is_none() && self.devices.len() >= DEVICES_MAX {
            return Err(Rejection::InvalidRequest(RequestError::TooManyDevices));
        }
        let Device { next, last_at } = known.unwrap_or(Device::NEW);
        // A gap would be "seen" for ever once what follows it is; and where all is seen, there is nothing to log.
        let again = self.mutation.is(Mutant::ScanCountedTwice);
        if first > next || (last < next && !again) {
            return Err(Rejection::ScanNumbers { next });
        }
        if self.mutation.is(Mutant::FactRefused) && scans.iter().any(|scan| self.is_of_refunded(scan)) {
            return Err(Rejection::TicketRefunded);
        }
        let mut record = ScansRecorded { device, scans: Vec::new(), conflicts: Vec::new() };
        let mut latest = last_at;
        let mut passed = BTreeMap::new();
        let before_now = Timestamp(now.0.saturating_sub(1));
        for scan in scans.iter().filter(|scan| scan.number >= next || again) {
            latest = scan.at.min(before_now).max(latest);
            let scan = Scan { at: latest, ..*scan };
            self.record_scan(&mut record, &mut passed, scan);
        }
        Ok(EventBody::ScansRecorded(record))
    }

    fn is_of_refunded(&self, scan: &Scan) -> bool {
        self.settled_ticket(scan.ticket).is_ok_and(|(_, _, ticket)| ticket.is_refunded())
    }

    /// Adds a scan and what contradicts it. `passed` is what the scans before it in the upload made of the register.
    fn record_scan(
        &self,
        record: &mut ScansRecorded,
        passed: &mut BTreeMap<TicketSlot, Passage>,
        scan: Scan,
    ) {
        let position = u16::try_from(record.scans.len()).unwrap_or(u16::MAX);
        let Ok((_, slot, ticket)) = self.settled_ticket(scan.ticket) else {
            if scan.admitted {
                let kind = ConflictKind::UnknownTicket;
                record.conflicts.push(ScanConflict { scan: position, kind, other: None });
            }
            record.scans.push(Scan { list: None, ..scan });
            return;
        };
        let mut add = |kind: ConflictKind, other: Option<OtherPassage>| {
            if scan.admitted && scan.inward {
                record.conflicts.push(ScanConflict { scan: position, kind, other });
            }
        };
        let ticket_type = self.terms.get(ticket.terms).ticket_type;
        let passage = Passage::scanned(record.device, &scan);
        let before = passed.get(&slot).copied().or_else(|| self.orders.passage(slot));
        if ticket.is_refunded() {
            add(ConflictKind::AfterRefund, None);
        }
        if scan.generation < ticket.generation {
            add(ConflictKind::OldCode, None);
        }
        if self.check_undisputed(scan.ticket).is_err() {
            add(ConflictKind::InDispute, None);
        }
        if let Admitted::Elsewhere { .. } = self.config.admitted(ticket_type, scan.gate, scan.at) {
            add(ConflictKind::WrongGate, None);
        }
        if let Some(Passage { at, gate, device, inward: true, .. }) = before
            && (device, gate) != (passage.device, passage.gate)
            && !self.mutation.is(Mutant::ConflictUnrecorded)
        {
            add(ConflictKind::DoubleAdmission, Some(OtherPassage { at, gate, device }));
        }
        if scan.admitted && before.is_none_or(|before| before.rank() < passage.rank()) {
            passed.insert(slot, passage);
        }
        let list = self.config.entry_list(ticket_type, scan.gate, scan.at);
        record.scans.push(Scan { list, ..scan });
    }
}

/// The first and last number of an upload that has the shape of one.
fn check_shape(device: u32, scans: &[Scan]) -> Result<(u64, u64), Rejection> {
    let invalid = |error| Err(Rejection::InvalidRequest(error));
    if device == 0 {
        return invalid(RequestError::UnknownDevice);
    }
    if scans.len() > SCANS_MAX {
        return invalid(RequestError::TooManyScans);
    }
    let (Some(first), Some(last)) = (scans.first(), scans.last()) else {
        return invalid(RequestError::NoScans);
    };
    let follow = |pair: &[Scan]| pair[0].number.checked_add(1) == Some(pair[1].number);
    // The number after the last one is kept.
    if first.number == 0 || last.number == u64::MAX || !scans.windows(2).all(follow) {
        return invalid(RequestError::ScansOutOfOrder);
    }
    Ok((first.number, last.number))
}
