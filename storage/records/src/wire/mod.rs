//! The protobuf messages of a record, as `proto/record.proto` documents them for outsiders.
//!
//! Tags are never reused. 128-bit values are pairs of `fixed64`, times are deltas, seats are deltas of ascending indices.

mod config;
mod entry;
mod snapshot;
mod tariff;
mod waitlist;

pub(crate) use config::{Category, Channel, Code, Config, Pool, TicketKind, TicketType};
pub(crate) use entry::{ConflictKind, Entry, EntryList, Scan, ScanConflict, ScansRecorded};
pub(crate) use snapshot::{Image, SnapshotHeader};
pub(crate) use tariff::{
    Basis, Bundle, Effect, Fee, LineKind, Payer, Promotion, Quote, QuoteLine, Tariff, Tax,
};
pub(crate) use waitlist::{
    Choice, LeftReason, Waitlist, WaitlistJoined, WaitlistLeft, WaitlistOrder, WaitlistPatienceEnded,
};

/// Field 1 of a record, always first.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Header {
    #[prost(uint32, tag = "1")]
    pub(crate) format_version: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) minimum_reader: u32,
    #[prost(uint64, tag = "3")]
    pub(crate) first_sequence: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) base_at_ms: u64,
    #[prost(uint32, tag = "5")]
    pub(crate) count: u32,
}

/// Field 2 of a record, repeated: one event.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Event {
    #[prost(uint64, tag = "1")]
    pub(crate) later_ms: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) key: Option<KeyMark>,
    #[prost(
        oneof = "Body",
        tags = "3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26"
    )]
    pub(crate) body: Option<Body>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct KeyMark {
    #[prost(fixed64, tag = "1")]
    pub(crate) digest_high: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) digest_low: u64,
    #[prost(fixed64, tag = "3")]
    pub(crate) fingerprint: u64,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Body {
    #[prost(message, tag = "3")]
    HoldPlaced(HoldPlaced),
    #[prost(message, tag = "4")]
    HoldReleased(Claim),
    #[prost(message, tag = "5")]
    HoldRenewed(HoldRenewed),
    #[prost(message, tag = "6")]
    Expired(Expired),
    #[prost(message, tag = "7")]
    PaymentBegun(PaymentBegun),
    #[prost(message, tag = "8")]
    PaymentFailed(PaymentFailed),
    #[prost(message, tag = "9")]
    Confirmed(Confirmed),
    #[prost(message, tag = "10")]
    CheckedIn(Passage),
    #[prost(message, tag = "11")]
    CheckedOut(Passage),
    #[prost(message, tag = "12")]
    TicketTransferred(TicketTransferred),
    #[prost(message, tag = "13")]
    TicketsRefunded(TicketsRefunded),
    #[prost(message, tag = "14")]
    UnitsKilled(Units),
    #[prost(message, tag = "15")]
    UnitsRestored(Units),
    #[prost(message, boxed, tag = "16")]
    Configured(Box<Configured>),
    #[prost(message, tag = "17")]
    PhaseChanged(PhaseChanged),
    #[prost(message, tag = "18")]
    ChannelReleased(ChannelReleased),
    #[prost(message, tag = "19")]
    SaleWindowChanged(SaleWindowChanged),
    #[prost(message, tag = "20")]
    OrderDisputed(OrderDisputed),
    #[prost(message, boxed, tag = "22")]
    SoldLate(Box<SoldLate>),
    #[prost(message, tag = "21")]
    TicketReissued(TicketReissued),
    #[prost(message, tag = "23")]
    ScansRecorded(ScansRecorded),
    #[prost(message, tag = "24")]
    WaitlistJoined(WaitlistJoined),
    #[prost(message, tag = "25")]
    WaitlistLeft(WaitlistLeft),
    #[prost(message, tag = "26")]
    WaitlistPatienceEnded(WaitlistPatienceEnded),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HoldPlaced {
    #[prost(fixed64, tag = "1")]
    pub(crate) subject_high: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) subject_low: u64,
    /// Milliseconds from the event's time to the deadline.
    #[prost(sint64, tag = "3")]
    pub(crate) deadline_after_ms: i64,
    /// Milliseconds from the deadline to the end of the hold's life.
    #[prost(sint64, tag = "4")]
    pub(crate) life_after_ms: i64,
    #[prost(uint32, optional, tag = "5")]
    pub(crate) channel: Option<u32>,
    #[prost(enumeration = "Origin", tag = "6")]
    pub(crate) origin: i32,
    /// High, low, high, low …
    #[prost(fixed64, repeated, packed = "true", tag = "7")]
    pub(crate) extra_subjects: Vec<u64>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) lines: Vec<Line>,
    #[prost(message, optional, tag = "9")]
    pub(crate) quote: Option<Quote>,
    #[prost(uint64, optional, tag = "10")]
    pub(crate) entry: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Line {
    #[prost(uint32, tag = "1")]
    pub(crate) ticket_type: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) terms: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) quantity: u32,
    #[prost(sint64, tag = "4")]
    pub(crate) price_minor: i64,
    /// The first index, then distances to the one before.
    #[prost(uint32, repeated, packed = "true", tag = "5")]
    pub(crate) seats: Vec<u32>,
}

/// An event that says no more than which claim.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Claim {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct HoldRenewed {
    #[prost(uint64, tag = "1")]
    pub(crate) hold: u64,
    #[prost(sint64, tag = "2")]
    pub(crate) deadline_after_ms: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Expired {
    /// Milliseconds from the last deadline covered to the event's time.
    #[prost(sint64, tag = "1")]
    pub(crate) through_before_ms: i64,
    #[prost(uint64, tag = "2")]
    pub(crate) through_number: u64,
    #[prost(uint32, tag = "3")]
    pub(crate) count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PaymentBegun {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(sint64, tag = "2")]
    pub(crate) grace_after_ms: i64,
    #[prost(uint32, tag = "3")]
    pub(crate) attempt: u32,
    #[prost(fixed64, repeated, packed = "true", tag = "4")]
    pub(crate) extra_subjects: Vec<u64>,
    #[prost(sint64, tag = "5")]
    pub(crate) amount_minor: i64,
    #[prost(uint32, tag = "6")]
    pub(crate) provider: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct PaymentFailed {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(uint32, optional, tag = "2")]
    pub(crate) attempt: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Confirmed {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(enumeration = "Payment", tag = "2")]
    pub(crate) payment: i32,
    #[prost(fixed64, tag = "3")]
    pub(crate) reference_high: u64,
    #[prost(fixed64, tag = "4")]
    pub(crate) reference_low: u64,
    #[prost(uint32, optional, tag = "5")]
    pub(crate) attempt: Option<u32>,
}

/// A ticket that passed a gate.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Passage {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) index: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) gate: u32,
    /// Of a way out: whether the state remembers it.
    #[prost(bool, tag = "4")]
    pub(crate) stamped: bool,
    /// Position of the entry list + 1; 0: none.
    #[prost(uint32, tag = "5")]
    pub(crate) list: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct TicketReissued {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) index: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) generation: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct TicketTransferred {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(uint32, tag = "2")]
    pub(crate) index: u32,
    #[prost(fixed64, tag = "3")]
    pub(crate) to_high: u64,
    #[prost(fixed64, tag = "4")]
    pub(crate) to_low: u64,
    #[prost(uint32, tag = "5")]
    pub(crate) generation: u32,
    /// Who held it before: both halves, or none.
    #[prost(fixed64, optional, tag = "6")]
    pub(crate) from_high: Option<u64>,
    #[prost(fixed64, optional, tag = "7")]
    pub(crate) from_low: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TicketsRefunded {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(uint32, repeated, packed = "true", tag = "2")]
    pub(crate) tickets: Vec<u32>,
    #[prost(enumeration = "RefundedUnits", tag = "3")]
    pub(crate) units: i32,
    #[prost(sint64, optional, tag = "4")]
    pub(crate) amount_minor: Option<i64>,
    /// See `tessera_inventory::RefundReason`.
    #[prost(uint32, tag = "5")]
    pub(crate) reason: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OrderDisputed {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(bool, tag = "2")]
    pub(crate) open: bool,
    /// Unless it is open.
    #[prost(enumeration = "DisputeOutcome", tag = "3")]
    pub(crate) outcome: i32,
    #[prost(uint32, repeated, packed = "true", tag = "4")]
    pub(crate) revoked: Vec<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SoldLate {
    #[prost(uint64, tag = "1")]
    pub(crate) order: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) hold: Option<HoldPlaced>,
    #[prost(enumeration = "Payment", tag = "3")]
    pub(crate) payment: i32,
    #[prost(fixed64, tag = "4")]
    pub(crate) reference_high: u64,
    #[prost(fixed64, tag = "5")]
    pub(crate) reference_low: u64,
    #[prost(uint32, tag = "6")]
    pub(crate) attempt: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Units {
    /// Present: `quantity` of this pool. Absent: `seats`.
    #[prost(uint32, optional, tag = "1")]
    pub(crate) pool: Option<u32>,
    #[prost(uint32, tag = "2")]
    pub(crate) quantity: u32,
    #[prost(uint32, repeated, packed = "true", tag = "3")]
    pub(crate) seats: Vec<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Configured {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) config: Option<Config>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct PhaseChanged {
    #[prost(enumeration = "Phase", tag = "1")]
    pub(crate) to: i32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct ChannelReleased {
    #[prost(uint32, tag = "1")]
    pub(crate) channel: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct SaleWindowChanged {
    #[prost(uint32, tag = "1")]
    pub(crate) ticket_type: u32,
    #[prost(bool, tag = "2")]
    pub(crate) open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(crate) enum Origin {
    Direct = 0,
    Offer = 1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(crate) enum Payment {
    Unspecified = 0,
    Free = 1,
    Offline = 2,
    Captured = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(crate) enum RefundedUnits {
    Unspecified = 0,
    Restock = 1,
    Kill = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(crate) enum DisputeOutcome {
    Undecided = 0,
    Won = 1,
    Lost = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(crate) enum Phase {
    Unspecified = 0,
    Draft = 1,
    Scheduled = 2,
    Presale = 3,
    OnSale = 4,
    Paused = 5,
    Closed = 6,
    Cancelled = 7,
}
