//! The messages of entry: lists, and what devices scanned offline.

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Entry {
    #[prost(message, repeated, tag = "1")]
    pub(crate) lists: Vec<EntryList>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EntryList {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// None: every gate.
    #[prost(uint32, repeated, packed = "true", tag = "2")]
    pub(crate) gates: Vec<u32>,
    /// None: every admission.
    #[prost(uint32, repeated, packed = "true", tag = "3")]
    pub(crate) types: Vec<u32>,
    #[prost(bool, tag = "4")]
    pub(crate) re_entry: bool,
    #[prost(uint64, optional, tag = "5")]
    pub(crate) opens_at_ms: Option<u64>,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) closes_at_ms: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ScansRecorded {
    #[prost(uint32, tag = "1")]
    pub(crate) device: u32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scans: Vec<Scan>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) conflicts: Vec<ScanConflict>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Scan {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    /// Milliseconds from the scan to the event's time.
    #[prost(sint64, tag = "2")]
    pub(crate) at_before_ms: i64,
    #[prost(uint32, tag = "3")]
    pub(crate) gate: u32,
    #[prost(uint64, tag = "4")]
    pub(crate) order: u64,
    #[prost(uint32, tag = "5")]
    pub(crate) index: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) generation: u32,
    /// Bit 0 inward, bit 1 admitted.
    #[prost(uint32, tag = "7")]
    pub(crate) flags: u32,
    /// Position of the entry list + 1; 0: none.
    #[prost(uint32, tag = "8")]
    pub(crate) list: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct ScanConflict {
    #[prost(uint32, tag = "1")]
    pub(crate) scan: u32,
    #[prost(enumeration = "ConflictKind", tag = "2")]
    pub(crate) kind: i32,
    /// Milliseconds from the other passage to the event's time; present if the other side is a passage.
    #[prost(sint64, optional, tag = "3")]
    pub(crate) other_before_ms: Option<i64>,
    #[prost(uint32, tag = "4")]
    pub(crate) other_gate: u32,
    /// 0: online.
    #[prost(uint32, tag = "5")]
    pub(crate) other_device: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum ConflictKind {
    Unspecified = 0,
    DoubleAdmission = 1,
    AfterRefund = 2,
    OldCode = 3,
    InDispute = 4,
    WrongGate = 5,
    UnknownTicket = 6,
}
