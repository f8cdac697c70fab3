//! Entry lists, and what devices scanned offline.

use tessera_inventory::{
    ConflictKind, EntryList, EventBody, OtherPassage, Rejection, RequestError, Scan, ScanConflict,
    ScansRecorded, TicketKind, TicketRef, TicketTypeId, Timestamp,
};

use super::{Decided, Model, Ticket};

/// Most scans of an upload.
const UPLOAD_MAX: usize = 500;
/// Most gates that a refusal names.
const NAMED_MAX: usize = 16;

/// A ticket that passed a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// When.
    pub at: Timestamp,
    /// By which device; 0: online.
    pub device: u32,
    /// The scan of the device, or online the sequence.
    pub number: u64,
    /// Where.
    pub gate: u16,
    /// In or out.
    pub inward: bool,
}

impl Ticket {
    /// The passage that stands.
    pub fn last(&self) -> Option<Passed> {
        self.passages.iter().copied().max_by_key(|passed| (passed.at, passed.device, passed.number))
    }

    /// The passage by which it is in.
    pub fn is_in(&self) -> Option<Passed> {
        self.last().filter(|passed| passed.inward)
    }
}

impl Model {
    fn lists(&self) -> &[EntryList] {
        self.config.as_ref().map_or(&[], |config| &config.entry)
    }

    /// The list that a passage counts for: an open one before a closed one, then the first.
    pub(crate) fn list_of(&self, at: Timestamp, of: TicketTypeId, gate: u16) -> Option<u8> {
        let fits = |list: &EntryList| {
            (list.types.is_empty() || list.types.contains(&of))
                && (list.gates.is_empty() || list.gates.contains(&gate))
        };
        let found = self.lists().iter().position(|list| fits(list) && is_open(list, at));
        let found = found.or_else(|| self.lists().iter().position(fits));
        found.map(|position| u8::try_from(position).unwrap())
    }

    /// Where and when a type is admitted, if not at this gate now.
    fn elsewhere(&self, at: Timestamp, of: TicketTypeId, gate: u16) -> Option<Rejection> {
        let own: Vec<&EntryList> =
            self.lists().iter().filter(|list| list.types.is_empty() || list.types.contains(&of)).collect();
        let open: Vec<&&EntryList> = own.iter().filter(|list| is_open(list, at)).collect();
        if open.iter().any(|list| list.gates.is_empty() || list.gates.contains(&gate)) {
            return None;
        }
        let later = own.iter().filter_map(|list| list.opens_at).filter(|opens| *opens > at).min();
        let opens_at = if open.is_empty() { later } else { None };
        let then = opens_at.unwrap_or(at);
        let mut gates = vec![];
        for gate in own.iter().filter(|list| is_open(list, then)).flat_map(|list| &list.gates) {
            if !gates.contains(gate) {
                gates.push(*gate);
            }
        }
        gates.sort_unstable();
        gates.truncate(NAMED_MAX);
        Some(Rejection::NotAdmittedHere { gates, opens_at })
    }

    /// The list that admits a ticket.
    pub(crate) fn admit(
        &self,
        now: Timestamp,
        of: TicketTypeId,
        ticket: &Ticket,
        gate: u16,
    ) -> Decided<Option<u8>> {
        if self.lists().is_empty() {
            return Ok(None);
        }
        if let Some(elsewhere) = self.elsewhere(now, of, gate) {
            return Err(vec![elsewhere]);
        }
        let again = self.lists().iter().any(|list| {
            let here = list.gates.is_empty() || list.gates.contains(&gate);
            let its = list.types.is_empty() || list.types.contains(&of);
            here && its && is_open(list, now) && list.re_entry
        });
        match ticket.last() {
            Some(out) if !again => Err(vec![Rejection::NoReEntry { at: out.at, gate: out.gate }]),
            _ => Ok(self.list_of(now, of, gate)),
        }
    }

    pub(crate) fn record_scans(&self, now: Timestamp, device: u32, scans: &[Scan]) -> Decided<EventBody> {
        let mut wrong = vec![];
        let mut say = |is_so: bool, error: RequestError| {
            if is_so {
                wrong.push(Rejection::InvalidRequest(error));
            }
        };
        say(device == 0, RequestError::UnknownDevice);
        say(scans.is_empty(), RequestError::NoScans);
        say(scans.len() > UPLOAD_MAX, RequestError::TooManyScans);
        let numbers: Vec<u64> = scans.iter().map(|scan| scan.number).collect();
        let follows = numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
        say(!follows || numbers.contains(&0) || numbers.contains(&u64::MAX), RequestError::ScansOutOfOrder);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let known = self.scans.get(&device).map_or(&[][..], |scans| scans);
        let next = known.len() as u64 + 1;
        if numbers[0] > next || numbers.last().is_some_and(|last| *last < next) {
            return Err(vec![Rejection::ScanNumbers { next }]);
        }
        // What is new happens to a copy, one by one.
        let mut then = self.clone();
        let mut record = ScansRecorded { device, scans: vec![], conflicts: vec![] };
        for scan in scans.iter().filter(|scan| scan.number >= next) {
            let not_before = then.scans.get(&device).and_then(|scans| scans.last()).map(|scan| scan.at);
            let at = scan.at.min(Timestamp(now.0.saturating_sub(1))).max(not_before.unwrap_or(Timestamp(0)));
            let list = then.type_of(scan).and_then(|of| self.list_of(at, of, scan.gate));
            let scan = Scan { at, list, ..*scan };
            let position = u16::try_from(record.scans.len()).unwrap();
            for (kind, other) in then.conflicts(device, &scan) {
                record.conflicts.push(ScanConflict { scan: position, kind, other });
            }
            record.scans.push(scan);
            then.add_scans(ScansRecorded { device, scans: vec![scan], conflicts: vec![] });
        }
        Ok(EventBody::ScansRecorded(record))
    }

    fn type_of(&self, scan: &Scan) -> Option<TicketTypeId> {
        let (ticket, _) = self.ticket(scan.ticket).ok()?;
        Some(self.claims[&scan.ticket.order.0].lines[usize::from(ticket.line)].ticket_type)
    }

    /// What contradicts a scan.
    fn conflicts(&self, device: u32, scan: &Scan) -> Vec<(ConflictKind, Option<OtherPassage>)> {
        if !scan.admitted {
            return vec![];
        }
        let (Ok((ticket, _)), Some(of)) = (self.ticket(scan.ticket), self.type_of(scan)) else {
            return vec![(ConflictKind::UnknownTicket, None)];
        };
        if !scan.inward {
            return vec![];
        }
        let mut found = vec![];
        if ticket.refunded {
            found.push((ConflictKind::AfterRefund, None));
        }
        if scan.generation < ticket.generation {
            found.push((ConflictKind::OldCode, None));
        }
        if self.claims[&scan.ticket.order.0].in_dispute {
            found.push((ConflictKind::InDispute, None));
        }
        let is_voucher = self.ticket_type(of).is_some_and(|known| known.kind != TicketKind::Admission);
        let is_elsewhere = !self.lists().is_empty() && self.elsewhere(scan.at, of, scan.gate).is_some();
        if is_voucher || is_elsewhere {
            found.push((ConflictKind::WrongGate, None));
        }
        if let Some(Passed { at, gate, device: other, .. }) = ticket.is_in()
            && (other != device || gate != scan.gate)
        {
            found.push((ConflictKind::DoubleAdmission, Some(OtherPassage { at, gate, device: other })));
        }
        found
    }

    /// Remembers a passage.
    pub(crate) fn pass(&mut self, ticket: TicketRef, passed: Passed) {
        self.ticket_mut(ticket.order, ticket.index).passages.push(passed);
    }

    /// Remembers scans.
    pub(crate) fn add_scans(&mut self, record: ScansRecorded) {
        for scan in record.scans {
            self.scans.entry(record.device).or_default().push(scan);
            if scan.admitted && self.ticket(scan.ticket).is_ok() {
                let Scan { at, number, gate, inward, .. } = scan;
                self.pass(scan.ticket, Passed { at, device: record.device, number, gate, inward });
            }
        }
    }
}

fn is_open(list: &EntryList, at: Timestamp) -> bool {
    list.opens_at.is_none_or(|opens| opens <= at) && list.closes_at.is_none_or(|closes| at < closes)
}
