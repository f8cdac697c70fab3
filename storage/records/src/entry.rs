//! What devices scanned offline as messages, and back.

use tessera_inventory::{
    ClaimNumber, ConflictKind, EntryList, OtherPassage, Scan, ScanConflict, ScansRecorded, TicketRef,
    TicketTypeId, Timestamp,
};

use crate::{
    RecordError,
    error::malformed,
    wide::{after_ms, at_after, narrow},
    wire,
};

const GATE: &str = "a gate is at most 65535";
const INWARD: u32 = 1;
const ADMITTED: u32 = 2;

/// The message of the lists of a configuration; none where there are none.
pub(crate) fn lists_to_wire(lists: &[EntryList]) -> Option<wire::Entry> {
    let list = |list: &EntryList| wire::EntryList {
        name: list.name.to_string(),
        gates: list.gates.iter().map(|&gate| gate.into()).collect(),
        types: list.types.iter().map(|known| known.0.into()).collect(),
        re_entry: list.re_entry,
        opens_at_ms: list.opens_at.map(|at| at.0),
        closes_at_ms: list.closes_at.map(|at| at.0),
    };
    (!lists.is_empty()).then(|| wire::Entry { lists: lists.iter().map(list).collect() })
}

/// The lists that the message says.
pub(crate) fn lists_from_wire(message: Option<wire::Entry>) -> Result<Vec<EntryList>, RecordError> {
    let Some(message) = message else { return Ok(Vec::new()) };
    if message.lists.is_empty() {
        return Err(malformed("what has no entry lists says nothing of them"));
    }
    let list = |list: wire::EntryList| {
        let gates = list.gates.iter().map(|&gate| narrow(gate, GATE)).collect::<Result<_, _>>()?;
        let types = list.types.iter().map(|&known| narrow(known, "a ticket type is at most 65535"));
        Ok(EntryList {
            gates,
            types: types.map(|known| known.map(TicketTypeId)).collect::<Result<_, _>>()?,
            re_entry: list.re_entry,
            opens_at: list.opens_at_ms.map(Timestamp),
            closes_at: list.closes_at_ms.map(Timestamp),
            name: list.name.into(),
        })
    };
    message.lists.into_iter().map(list).collect()
}

/// The position of a list, as a passage says it.
pub(crate) fn list_to_wire(list: Option<u8>) -> u32 {
    list.map_or(0, |list| u32::from(list) + 1)
}

/// The position of the list that a passage says.
pub(crate) fn list_from_wire(list: u32) -> Result<Option<u8>, RecordError> {
    list.checked_sub(1).map(|list| narrow(list, "an entry list is at most 255")).transpose()
}

/// The message of an upload that was recorded at `at`.
pub(crate) fn to_wire(record: &ScansRecorded, at: Timestamp) -> wire::ScansRecorded {
    let scan = |scan: &Scan| wire::Scan {
        number: scan.number,
        at_before_ms: after_ms(scan.at, at),
        gate: scan.gate.into(),
        order: scan.ticket.order.0,
        index: scan.ticket.index.into(),
        generation: scan.generation.into(),
        flags: if scan.inward { INWARD } else { 0 } | if scan.admitted { ADMITTED } else { 0 },
        list: list_to_wire(scan.list),
    };
    let conflict = |conflict: &ScanConflict| wire::ScanConflict {
        scan: conflict.scan.into(),
        kind: kind_to_wire(conflict.kind).into(),
        other_before_ms: conflict.other.map(|other| after_ms(other.at, at)),
        other_gate: conflict.other.map_or(0, |other| other.gate.into()),
        other_device: conflict.other.map_or(0, |other| other.device),
    };
    wire::ScansRecorded {
        device: record.device,
        scans: record.scans.iter().map(scan).collect(),
        conflicts: record.conflicts.iter().map(conflict).collect(),
    }
}

/// The upload that the message says, recorded at `at`.
pub(crate) fn from_wire(message: &wire::ScansRecorded, at: Timestamp) -> Result<ScansRecorded, RecordError> {
    let scans = message.scans.iter().map(|scan| self::scan(scan, at)).collect::<Result<_, _>>()?;
    let conflicts = message.conflicts.iter().map(|one| conflict(one, at)).collect::<Result<_, _>>()?;
    Ok(ScansRecorded { device: message.device, scans, conflicts })
}

fn scan(scan: &wire::Scan, at: Timestamp) -> Result<Scan, RecordError> {
    if scan.flags & !(INWARD | ADMITTED) != 0 {
        return Err(malformed("a scan has known flags"));
    }
    let index = narrow(scan.index, "a ticket's position is at most 65535")?;
    Ok(Scan {
        number: scan.number,
        at: at_after(at, scan.at_before_ms.wrapping_neg()),
        gate: narrow(scan.gate, GATE)?,
        ticket: TicketRef { order: ClaimNumber(scan.order), index },
        generation: narrow(scan.generation, "a generation is at most 255")?,
        inward: scan.flags & INWARD != 0,
        admitted: scan.flags & ADMITTED != 0,
        list: list_from_wire(scan.list)?,
    })
}

fn conflict(conflict: &wire::ScanConflict, at: Timestamp) -> Result<ScanConflict, RecordError> {
    let gate = narrow(conflict.other_gate, GATE)?;
    let device = conflict.other_device;
    let other = match conflict.other_before_ms {
        Some(before) => Some(OtherPassage { at: at_after(at, before.wrapping_neg()), gate, device }),
        None if (gate, device) == (0, 0) => None,
        None => return Err(malformed("another passage has a time")),
    };
    Ok(ScanConflict {
        scan: narrow(conflict.scan, "a scan's position is at most 65535")?,
        kind: kind_from_wire(conflict.kind)?,
        other,
    })
}

fn kind_to_wire(kind: ConflictKind) -> wire::ConflictKind {
    match kind {
        ConflictKind::DoubleAdmission => wire::ConflictKind::DoubleAdmission,
        ConflictKind::AfterRefund => wire::ConflictKind::AfterRefund,
        ConflictKind::OldCode => wire::ConflictKind::OldCode,
        ConflictKind::InDispute => wire::ConflictKind::InDispute,
        ConflictKind::WrongGate => wire::ConflictKind::WrongGate,
        ConflictKind::UnknownTicket => wire::ConflictKind::UnknownTicket,
    }
}

fn kind_from_wire(kind: i32) -> Result<ConflictKind, RecordError> {
    match wire::ConflictKind::try_from(kind) {
        Ok(wire::ConflictKind::DoubleAdmission) => Ok(ConflictKind::DoubleAdmission),
        Ok(wire::ConflictKind::AfterRefund) => Ok(ConflictKind::AfterRefund),
        Ok(wire::ConflictKind::OldCode) => Ok(ConflictKind::OldCode),
        Ok(wire::ConflictKind::InDispute) => Ok(ConflictKind::InDispute),
        Ok(wire::ConflictKind::WrongGate) => Ok(ConflictKind::WrongGate),
        Ok(wire::ConflictKind::UnknownTicket) => Ok(ConflictKind::UnknownTicket),
        Ok(wire::ConflictKind::Unspecified) | Err(_) => Err(malformed("a conflict is of a known kind")),
    }
}
