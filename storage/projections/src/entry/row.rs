//! The rows: passages, tickets, conflicts, counts.

use prost::Message;
use tessera_inventory::{ClaimNumber, ConflictKind, HOLD_UNITS_MAX, Scan, Sequence, TicketRef, Timestamp};
use tessera_store::StoreError;
use tessera_store::keys::{EntryConflictKey, EntryScanKey};
use tessera_tickets::Passage;
use tessera_tickets::entry::Exception;

use crate::damage::damaged;

/// Every kind of conflict, by its number.
pub(super) const KINDS: [u16; 6] = [
    ConflictKind::DoubleAdmission as u16,
    ConflictKind::AfterRefund as u16,
    ConflictKind::OldCode as u16,
    ConflictKind::InDispute as u16,
    ConflictKind::WrongGate as u16,
    ConflictKind::UnknownTicket as u16,
];

/// A passage, or what a device refused.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct ScanRow {
    #[prost(uint32, tag = "1")]
    gate: u32,
    #[prost(bool, tag = "2")]
    inward: bool,
    #[prost(bool, tag = "3")]
    admitted: bool,
    /// Of the code that was shown; not told of what was decided online.
    #[prost(uint32, tag = "4")]
    generation: u32,
    /// Position of the list + 1; 0: none.
    #[prost(uint32, tag = "5")]
    list: u32,
    /// Of the event that told of it.
    #[prost(uint64, tag = "6")]
    sequence: u64,
}

impl ScanRow {
    pub(super) fn of(scan: &Scan, sequence: Sequence) -> ScanRow {
        ScanRow {
            gate: scan.gate.into(),
            inward: scan.inward,
            admitted: scan.admitted,
            generation: scan.generation.into(),
            list: scan.list.map_or(0, |list| u32::from(list) + 1),
            sequence: sequence.0,
        }
    }

    /// The passage of a row; `None` for what did not pass.
    pub(super) fn passage(key: &EntryScanKey, value: &[u8]) -> Result<Option<Passage>, StoreError> {
        let unreadable = || damaged(format!("the row of the passage {key:?} cannot be read"));
        let row = ScanRow::decode(value).map_err(|_| unreadable())?;
        let gate = row.gate.try_into().map_err(|_| unreadable())?;
        Ok(row.admitted.then_some(Passage {
            at_ms: key.at.0,
            device: key.device,
            number: key.number,
            gate,
            inward: row.inward,
        }))
    }
}

/// No ticket has the position that stands for its whole order.
const _: () = assert!(HOLD_UNITS_MAX <= Exception::WHOLE_ORDER as u16);

/// Where what is so of every ticket of an order stands.
pub(super) fn whole_order(order: ClaimNumber) -> TicketRef {
    TicketRef { order, index: Exception::WHOLE_ORDER.into() }
}

/// What is known of a ticket, or of a whole order.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct TicketRow {
    #[prost(uint32, tag = "1")]
    pub(super) generation: u32,
    /// The last transfer or re-issue; 0: none.
    #[prost(uint64, tag = "2")]
    pub(super) code_sequence: u64,
    /// Its refund; 0: none.
    #[prost(uint64, tag = "3")]
    pub(super) refund_sequence: u64,
    #[prost(message, optional, tag = "4")]
    pub(super) last: Option<LastRow>,
    /// Where its change stands; 0: nowhere.
    #[prost(uint64, tag = "5")]
    pub(super) changed_at: u64,
    /// Of a whole order: what opened the dispute over its payment; 0: none is open.
    #[prost(uint64, tag = "6")]
    pub(super) dispute_sequence: u64,
}

/// The last passage of a ticket.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct LastRow {
    #[prost(uint64, tag = "1")]
    at_ms: u64,
    #[prost(uint32, tag = "2")]
    device: u32,
    #[prost(uint64, tag = "3")]
    number: u64,
    #[prost(uint32, tag = "4")]
    gate: u32,
    #[prost(bool, tag = "5")]
    inward: bool,
}

impl LastRow {
    pub(super) fn of(passage: &Passage) -> LastRow {
        let Passage { at_ms, device, number, gate, inward } = *passage;
        LastRow { at_ms, device, number, gate: gate.into(), inward }
    }

    fn rank(&self) -> (u64, u32, u64) {
        (self.at_ms, self.device, self.number)
    }
}

impl TicketRow {
    /// Takes a passage, unless a later one is known.
    pub(super) fn pass(&mut self, passage: &Passage) {
        if self.last.is_none_or(|last| last.rank() < passage.rank()) {
            self.last = Some(LastRow::of(passage));
        }
    }

    /// What devices are told of it.
    fn exception(&self, (order, index): (u64, u8)) -> Option<Exception> {
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let passed = self.last.unwrap_or_default();
        Some(Exception {
            order,
            index,
            generation: self.generation.try_into().ok()?,
            bits: bit(self.refund_sequence > 0, Exception::REFUNDED)
                | bit(self.dispute_sequence > 0, Exception::IN_DISPUTE)
                | bit(self.last.is_some_and(|last| last.inward), Exception::IN)
                | bit(self.last.is_some_and(|last| !last.inward), Exception::OUT)
                | bit(self.generation > 0, Exception::NEW_CODE),
            since_ms: passed.at_ms,
            gate: passed.gate.try_into().ok()?,
        })
    }
}

/// What devices are told of a ticket; nothing of one that no QR can name.
pub(super) fn exception(ticket: TicketRef, value: &[u8]) -> Result<Option<Exception>, StoreError> {
    let unreadable = || damaged(format!("the row of the ticket {ticket:?} cannot be read"));
    let row = TicketRow::decode(value).map_err(|_| unreadable())?;
    let Ok(index) = u8::try_from(ticket.index) else { return Ok(None) };
    if ticket.order.0 >= tessera_tickets::ORDER_NUMBER_END {
        return Ok(None);
    }
    row.exception((ticket.order.0, index)).map(Some).ok_or_else(unreadable)
}

/// Whether a conflict stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// The way out between the two admissions turned up.
    Withdrawn,
}

/// One side of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictSide {
    /// A passage.
    Passage {
        /// When.
        at: Timestamp,
        /// Which device; `None`: online.
        device: Option<u32>,
        /// Among the scans of the device; online, the sequence.
        number: u64,
        /// Where.
        gate: u16,
    },
    /// An event of the log: a refund, a transfer, a re-issue, the opening of a dispute.
    Event(Sequence),
    /// What the scan itself says: another gate, no such ticket.
    None,
}

/// An admission that contradicts another one, or the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its key.
    pub key: EntryConflictKey,
    /// Of what kind.
    pub kind: ConflictKind,
    /// The admission; of two, the later one.
    pub admission: ConflictSide,
    /// What it contradicts.
    pub other: ConflictSide,
    /// Whether it stands.
    pub standing: Standing,
    /// The sequence that brought it about, or changed its standing.
    pub sequence: Sequence,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ConflictRow {
    #[prost(uint32, tag = "1")]
    gate: u32,
    #[prost(uint32, tag = "2")]
    other_gate: u32,
    #[prost(uint64, tag = "3")]
    other_sequence: u64,
    #[prost(bool, tag = "4")]
    withdrawn: bool,
    #[prost(uint64, tag = "5")]
    sequence: u64,
}

impl Conflict {
    pub(super) fn read(key: EntryConflictKey, value: &[u8]) -> Result<Conflict, StoreError> {
        let unreadable = || damaged(format!("the row of the conflict {key:?} cannot be read"));
        let row = ConflictRow::decode(value).map_err(|_| unreadable())?;
        let side = |(at, device, number), gate: u32| {
            let gate = gate.try_into().map_err(|_| unreadable())?;
            Ok::<_, StoreError>(ConflictSide::Passage {
                at,
                device: Some(device).filter(|&device| device != 0),
                number,
                gate,
            })
        };
        let kind = kind(key.conflict).ok_or_else(unreadable)?;
        let other = match kind {
            ConflictKind::DoubleAdmission => side(key.first, row.other_gate)?,
            ConflictKind::AfterRefund | ConflictKind::OldCode | ConflictKind::InDispute => {
                ConflictSide::Event(Sequence(row.other_sequence))
            }
            ConflictKind::WrongGate | ConflictKind::UnknownTicket => ConflictSide::None,
        };
        Ok(Conflict {
            admission: side(key.second, row.gate)?,
            standing: if row.withdrawn { Standing::Withdrawn } else { Standing::Open },
            sequence: Sequence(row.sequence),
            key,
            kind,
            other,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let gate = |side: &ConflictSide| match side {
            ConflictSide::Passage { gate, .. } => u32::from(*gate),
            ConflictSide::Event(_) | ConflictSide::None => 0,
        };
        let other_sequence = match self.other {
            ConflictSide::Event(sequence) => sequence.0,
            ConflictSide::Passage { .. } | ConflictSide::None => 0,
        };
        ConflictRow {
            gate: gate(&self.admission),
            other_gate: gate(&self.other),
            other_sequence,
            withdrawn: self.standing == Standing::Withdrawn,
            sequence: self.sequence.0,
        }
        .encode_to_vec()
    }
}

const fn kind(number: u16) -> Option<ConflictKind> {
    Some(match number {
        1 => ConflictKind::DoubleAdmission,
        2 => ConflictKind::AfterRefund,
        3 => ConflictKind::OldCode,
        4 => ConflictKind::InDispute,
        5 => ConflictKind::WrongGate,
        6 => ConflictKind::UnknownTicket,
        _ => return None,
    })
}

/// A side that is a passage.
pub(super) fn side(passage: &Passage) -> ConflictSide {
    ConflictSide::Passage {
        at: Timestamp(passage.at_ms),
        device: Some(passage.device).filter(|&device| device != 0),
        number: passage.number,
        gate: passage.gate,
    }
}

/// How many passed a gate in a minute.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Counts {
    /// In.
    #[prost(uint64, tag = "1")]
    pub inwards: u64,
    /// Out.
    #[prost(uint64, tag = "2")]
    pub outwards: u64,
    /// Turned away by devices that were offline.
    #[prost(uint64, tag = "3")]
    pub refused: u64,
}

impl Counts {
    pub(super) fn read(value: &[u8]) -> Result<Counts, StoreError> {
        Counts::decode(value).map_err(|_| damaged("counts of entry cannot be read".to_owned()))
    }
}
