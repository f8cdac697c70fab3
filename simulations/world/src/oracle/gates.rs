//! What passes the gates, from the events alone: online nobody is let in twice, nor on a ticket that was given back or by an old code; what
//! a device tells is recorded once, in its order; and whatever contradicts is said once, with both sides.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::{
    ClaimNumber, ConflictKind, Dispute, Event, EventBody, HoldPlaced, OtherPassage, Rejection, RequestError,
    Scan, ScansRecorded, Sequence, TicketRef, Timestamp,
};

use super::{Violation, broken};

/// A passage that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Passage {
    /// The order of passages: when, by which device (0: online), its number of the device, or online the sequence.
    at: Timestamp,
    device: u32,
    number: u64,
    gate: u16,
    inward: bool,
}

/// A ticket of an order.
#[derive(Clone, Debug, Default)]
struct Ticket {
    generation: u8,
    is_given_back: bool,
    /// Every passage, in whatever order they were told.
    passages: Vec<Passage>,
}

impl Ticket {
    /// The passage by which its holder is in.
    fn is_in(&self) -> Option<Passage> {
        self.passages.iter().max().copied().filter(|passage| passage.inward)
    }
}

/// Every ticket, and how many scans each device has told.
#[derive(Debug, Default)]
pub(super) struct Gates {
    /// Units of every hold, which become tickets when it is sold.
    units: BTreeMap<u64, u16>,
    tickets: BTreeMap<(u64, u16), Ticket>,
    told: BTreeMap<u32, u64>,
    /// Orders whose payment is in dispute.
    disputed: BTreeSet<u64>,
}

impl Gates {
    pub(super) fn event(&mut self, sequence: Sequence, event: &Event) -> Result<(), Violation> {
        match &event.body {
            EventBody::HoldPlaced(placed) => {
                self.units.insert(sequence.0, units_of(placed));
            }
            EventBody::Confirmed { order, .. } => {
                let units = self.units.get(&order.0).copied().unwrap_or(0);
                self.sold(order.0, units);
            }
            EventBody::SoldLate(sold) => self.sold(sold.order.0, units_of(&sold.hold)),
            EventBody::TicketsRefunded { order, tickets, .. } => self.given_back(*order, tickets, event)?,
            EventBody::OrderDisputed { order, dispute, revoked } => {
                match dispute {
                    Dispute::Open => self.disputed.insert(order.0),
                    Dispute::Won | Dispute::Lost => self.disputed.remove(&order.0),
                };
                self.given_back(*order, revoked, event)?;
            }
            EventBody::TicketTransferred { ticket, generation, .. }
            | EventBody::TicketReissued { ticket, generation } => {
                let known = self.ticket(*ticket, event)?;
                if known.is_in().is_some() || known.is_given_back || known.generation >= *generation {
                    return Err(broken(
                        "who is in, or gone, gets no new code",
                        format!("{known:?}: {event:?}"),
                    ));
                }
                known.generation = *generation;
            }
            EventBody::CheckedIn { ticket, .. } if self.disputed.contains(&ticket.order.0) => {
                return Err(broken("no ticket in dispute is let in online", format!("{event:?}")));
            }
            EventBody::CheckedIn { ticket, gate, .. } => {
                let known = self.ticket(*ticket, event)?;
                if let Some(passage) = known.is_in() {
                    let detail = format!("{passage:?}, and then {event:?}");
                    return Err(broken("nobody is let in twice online", detail));
                }
                if known.is_given_back {
                    return Err(broken("no refunded ticket is let in online", format!("{event:?}")));
                }
                known.passages.push(online(sequence, event, *gate, true));
            }
            EventBody::CheckedOut { ticket, gate, .. } => {
                let known = self.ticket(*ticket, event)?;
                if known.is_in().is_none() {
                    return Err(broken("only who is in goes out online", format!("{known:?}: {event:?}")));
                }
                known.passages.push(online(sequence, event, *gate, false));
            }
            EventBody::ScansRecorded(record) => self.recorded(event, record)?,
            _ => {}
        }
        Ok(())
    }

    fn sold(&mut self, order: u64, units: u16) {
        self.tickets.extend((0..units).map(|index| ((order, index), Ticket::default())));
    }

    fn given_back(&mut self, order: ClaimNumber, tickets: &[u16], event: &Event) -> Result<(), Violation> {
        for &index in tickets {
            self.ticket(TicketRef { order, index }, event)?.is_given_back = true;
        }
        Ok(())
    }

    fn ticket(&mut self, named: TicketRef, event: &Event) -> Result<&mut Ticket, Violation> {
        let found = self.tickets.get_mut(&(named.order.0, named.index));
        found.ok_or_else(|| broken("only what was sold is a ticket", format!("{event:?}")))
    }

    /// An upload: scans that were not told before, each with everything that contradicts it.
    fn recorded(&mut self, event: &Event, record: &ScansRecorded) -> Result<(), Violation> {
        for (position, scan) in (0_u16..).zip(&record.scans) {
            let told = self.told.entry(record.device).or_default();
            *told += 1;
            if scan.number != *told || scan.at >= event.at {
                let detail = format!("{scan:?} of device {}, whose scan {told} is next", record.device);
                return Err(broken("a scan is recorded once", detail));
            }
            let expected = self.contradicts(record.device, scan);
            let mut said: Vec<_> = record.conflicts.iter().filter(|said| said.scan == position).collect();
            // Which gate admits what is the configuration's: the naive model judges that.
            said.retain(|said| said.kind != ConflictKind::WrongGate);
            let said: Vec<_> = said.iter().map(|said| (said.kind, said.other)).collect();
            if said != expected {
                let detail = format!("{scan:?}: said is {said:?}, and it is {expected:?}");
                return Err(broken("what contradicts is said once, with both sides", detail));
            }
            let ticket = self.tickets.get_mut(&(scan.ticket.order.0, scan.ticket.index));
            if let Some(ticket) = ticket.filter(|_| scan.admitted) {
                let Scan { at, number, gate, inward, .. } = *scan;
                ticket.passages.push(Passage { at, device: record.device, number, gate, inward });
            }
        }
        if record.conflicts.iter().any(|said| usize::from(said.scan) >= record.scans.len()) {
            return Err(broken("what contradicts is said once, with both sides", format!("{record:?}")));
        }
        Ok(())
    }

    fn contradicts(&self, device: u32, scan: &Scan) -> Vec<(ConflictKind, Option<OtherPassage>)> {
        let Some(ticket) = self.tickets.get(&(scan.ticket.order.0, scan.ticket.index)) else {
            let unknown = scan.admitted.then_some((ConflictKind::UnknownTicket, None));
            return unknown.into_iter().collect();
        };
        let mut found = Vec::new();
        if !scan.admitted || !scan.inward {
            return found;
        }
        if ticket.is_given_back {
            found.push((ConflictKind::AfterRefund, None));
        }
        if scan.generation < ticket.generation {
            found.push((ConflictKind::OldCode, None));
        }
        if self.disputed.contains(&scan.ticket.order.0) {
            found.push((ConflictKind::InDispute, None));
        }
        if let Some(Passage { at, device: other, gate, .. }) = ticket.is_in()
            && (other, gate) != (device, scan.gate)
        {
            found.push((ConflictKind::DoubleAdmission, Some(OtherPassage { at, gate, device: other })));
        }
        found
    }
}

fn units_of(placed: &HoldPlaced) -> u16 {
    placed.lines.iter().map(|line| line.quantity).sum()
}

fn online(sequence: Sequence, event: &Event, gate: u16, inward: bool) -> Passage {
    Passage { at: event.at, device: 0, number: sequence.0, gate, inward }
}

/// Whether a record of scans may be refused so: for its shape, its numbers, its key or its teller, and never for what it says.
pub(super) fn may_refuse_facts(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::Forbidden
        | Rejection::KeyReused
        | Rejection::KeyExpired
        | Rejection::ScanNumbers { .. } => true,
        Rejection::InvalidRequest(error) => matches!(
            error,
            RequestError::NoScans
                | RequestError::TooManyScans
                | RequestError::ScansOutOfOrder
                | RequestError::UnknownDevice
                | RequestError::TooManyDevices
        ),
        _ => false,
    }
}
