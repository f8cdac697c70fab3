//! An upload of offline scans as a message, and back.

use prost::Message;
use tessera_inventory::{CommandBody, Scan, TicketRef, Timestamp};
use tessera_records::RecordError;
use tessera_records::wide::narrow;

use super::command::ticket;
use super::malformed;

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Ticket {
    #[prost(uint64, tag = "1")]
    pub(super) order: u64,
    #[prost(uint32, tag = "2")]
    pub(super) index: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RecordScans {
    #[prost(uint32, tag = "1")]
    device: u32,
    #[prost(message, repeated, tag = "2")]
    scans: Vec<OneScan>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct OneScan {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(uint64, tag = "2")]
    at_ms: u64,
    #[prost(uint32, tag = "3")]
    gate: u32,
    #[prost(uint64, tag = "4")]
    order: u64,
    #[prost(uint32, tag = "5")]
    index: u32,
    #[prost(uint32, tag = "6")]
    generation: u32,
    /// Bit 0 inward, bit 1 admitted.
    #[prost(uint32, tag = "7")]
    flags: u32,
}

impl Ticket {
    pub(super) fn of(ticket: TicketRef) -> Ticket {
        Ticket { order: ticket.order.0, index: ticket.index.into() }
    }
}

/// The message of an upload. The list of a scan is told by its record, not by its device: it does not cross.
pub(super) fn to_wire(device: u32, scans: &[Scan]) -> RecordScans {
    let one = |scan: &Scan| OneScan {
        number: scan.number,
        at_ms: scan.at.0,
        gate: scan.gate.into(),
        order: scan.ticket.order.0,
        index: scan.ticket.index.into(),
        generation: scan.generation.into(),
        flags: u32::from(scan.inward) | u32::from(scan.admitted) << 1,
    };
    RecordScans { device, scans: scans.iter().map(one).collect() }
}

/// The upload that the message says.
pub(super) fn from_wire(message: &RecordScans) -> Result<CommandBody, RecordError> {
    let one = |scan: &OneScan| {
        if scan.flags > 3 {
            return Err(malformed("a scan has known flags"));
        }
        Ok(Scan {
            number: scan.number,
            at: Timestamp(scan.at_ms),
            gate: narrow(scan.gate, "a gate is at most 65535")?,
            ticket: ticket(scan.order, scan.index)?,
            generation: narrow(scan.generation, "a generation is at most 255")?,
            inward: scan.flags & 1 != 0,
            admitted: scan.flags & 2 != 0,
            list: None,
        })
    };
    let scans = message.scans.iter().map(one).collect::<Result<_, _>>()?;
    Ok(CommandBody::RecordScans { device: message.device, scans })
}
