//! Entry: lists that say which gate admits what, and what devices wrote down while they were offline.

use crate::{Config, TicketKind, TicketRef, TicketTypeId, Timestamp};

/// Most entry lists of one event.
pub const ENTRY_LISTS_MAX: usize = 64;
/// Most gates of one entry list.
pub const ENTRY_GATES_MAX: usize = 64;
/// Most gates that a refusal names.
pub const GATES_NAMED_MAX: usize = 16;
/// Most scans of one upload.
pub const SCANS_MAX: usize = 500;
/// Most devices that record scans of one event.
pub const DEVICES_MAX: usize = 4_096;

/// Which tickets are let in, where and when. Without any list every gate admits every admission, as often as it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryList {
    /// Shown to people.
    pub name: Box<str>,
    /// At which gates; none named: at every one.
    pub gates: Vec<u16>,
    /// Which ticket types; none named: every admission.
    pub types: Vec<TicketTypeId>,
    /// Whether who went out may come in again.
    pub re_entry: bool,
    /// From when on; `None`: since ever.
    pub opens_at: Option<Timestamp>,
    /// Until when, exclusively; `None`: for ever.
    pub closes_at: Option<Timestamp>,
}

/// What a device wrote down of one ticket at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Its number among the scans of the device for this event; the first is 1, and none is left out.
    pub number: u64,
    /// When, by the device's clock as corrected. As recorded: before the time of the record, and not before the scan before.
    pub at: Timestamp,
    /// Where.
    pub gate: u16,
    /// Which ticket.
    pub ticket: TicketRef,
    /// Generation of the code that was shown.
    pub generation: u8,
    /// Whether the holder wanted in (or out).
    pub inward: bool,
    /// Whether the holder passed. What did not pass is recorded and changes nothing.
    pub admitted: bool,
    /// By which entry list, as a position in the configuration; told by the record, not by the device.
    pub list: Option<u8>,
}

/// An upload of a device, as it is logged: what was not recorded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScansRecorded {
    /// Which device; never 0.
    pub device: u32,
    /// The scans, numbers without a gap.
    pub scans: Vec<Scan>,
    /// What contradicts what the log knew by then.
    pub conflicts: Vec<ScanConflict>,
}

/// A scan that contradicts what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanConflict {
    /// Position of the scan in the record.
    pub scan: u16,
    /// Of what kind.
    pub kind: ConflictKind,
    /// The other passage, where the other side is one.
    pub other: Option<OtherPassage>,
}

/// The other side of a double admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherPassage {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub gate: u16,
    /// By which device; 0: online.
    pub device: u32,
}

/// How an admission contradicts what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ConflictKind {
    /// Admitted while in, by two devices or at two gates.
    DoubleAdmission = 1,
    /// Admitted, and refunded by then.
    AfterRefund = 2,
    /// Admitted by a code that a transfer or a re-issue had replaced by then.
    OldCode = 3,
    /// Admitted, and the payment of its order was in dispute by then.
    InDispute = 4,
    /// Admitted where or when no list admits it, or a voucher.
    WrongGate = 5,
    /// No ticket of this event.
    UnknownTicket = 6,
}

/// Whether a ticket type is admitted at a gate, at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// It is.
    Here {
        /// Whether who went out may come in again.
        re_entry: bool,
    },
    /// It is not.
    Elsewhere {
        /// Where it is admitted now, or next; at most [`GATES_NAMED_MAX`], ascending.
        gates: Vec<u16>,
        /// When that begins, unless it has.
        opens_at: Option<Timestamp>,
    },
}

impl EntryList {
    /// Whether it is for this ticket type.
    #[must_use]
    pub fn is_for(&self, ticket_type: TicketTypeId) -> bool {
        self.types.is_empty() || self.types.contains(&ticket_type)
    }

    /// Whether it holds at this gate.
    #[must_use]
    pub fn is_at(&self, gate: u16) -> bool {
        self.gates.is_empty() || self.gates.contains(&gate)
    }

    /// Whether it admits anybody at this time.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.opens_at.is_none_or(|opens| opens <= at) && self.closes_at.is_none_or(|closes| at < closes)
    }
}

impl Config {
    /// Whether a ticket type is admitted at a gate, at a time. Vouchers are not, anywhere.
    pub(crate) fn admitted(&self, ticket_type: TicketTypeId, gate: u16, at: Timestamp) -> Admitted {
        if self.is_add_on(ticket_type) {
            return Admitted::Elsewhere { gates: Vec::new(), opens_at: None };
        }
        if self.entry.is_empty() {
            return Admitted::Here { re_entry: true };
        }
        let of_type = || self.entry.iter().filter(move |list| list.is_for(ticket_type));
        let mut here = of_type().filter(|list| list.is_at(gate) && list.is_open(at)).peekable();
        if here.peek().is_some() {
            return Admitted::Here { re_entry: here.any(|list| list.re_entry) };
        }
        let is_open = of_type().any(|list| list.is_open(at));
        let opens_at = of_type().filter_map(|list| list.opens_at).filter(|&opens| opens > at).min();
        let opens_at = opens_at.filter(|_| !is_open);
        let when = opens_at.unwrap_or(at);
        let mut gates: Vec<u16> =
            of_type().filter(|list| list.is_open(when)).flat_map(|list| &list.gates).copied().collect();
        gates.sort_unstable();
        gates.dedup();
        gates.truncate(GATES_NAMED_MAX);
        Admitted::Elsewhere { gates, opens_at }
    }

    /// The list that a passage counts for: the first of this type and gate that is open, else the first at all.
    pub(crate) fn entry_list(&self, ticket_type: TicketTypeId, gate: u16, at: Timestamp) -> Option<u8> {
        let lists = || (0_u8..).zip(&self.entry);
        let mut fits = lists().filter(|(_, list)| list.is_for(ticket_type) && list.is_at(gate)).peekable();
        let first = fits.peek().map(|&(position, _)| position);
        fits.find(|(_, list)| list.is_open(at)).map(|(position, _)| position).or(first)
    }

    /// Whether tickets of a type admit their holder.
    #[must_use]
    pub fn is_admission(&self, ticket_type: TicketTypeId) -> bool {
        self.ticket_type(ticket_type).is_some_and(|known| known.kind == TicketKind::Admission)
    }
}

const _: () = assert!(ENTRY_LISTS_MAX <= u8::MAX as usize && SCANS_MAX <= u16::MAX as usize);
