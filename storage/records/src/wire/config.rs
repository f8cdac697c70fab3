//! The messages of a configuration. Seats stand in columns: a hall of 100,000 seats takes well below 1 MB.

use super::{Entry, Tariff, Waitlist};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Config {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) currency: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) pools: Vec<Pool>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) categories: Vec<Category>,
    #[prost(string, repeated, tag = "4")]
    pub(crate) sections: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) channels: Vec<Channel>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) ticket_types: Vec<TicketType>,
    #[prost(uint32, optional, tag = "7")]
    pub(crate) units_per_subject_max: Option<u32>,
    #[prost(uint64, tag = "8")]
    pub(crate) hold_duration_ms: u64,
    #[prost(uint32, tag = "9")]
    pub(crate) hold_renewals_max: u32,
    #[prost(uint64, tag = "10")]
    pub(crate) hold_life_ms_max: u64,
    #[prost(uint64, tag = "11")]
    pub(crate) hold_grace_ms: u64,
    #[prost(bool, tag = "12")]
    pub(crate) stranding_allowed: bool,
    #[prost(uint32, tag = "13")]
    pub(crate) companions_max: u32,
    #[prost(bool, tag = "14")]
    pub(crate) accessible_released: bool,
    #[prost(uint64, optional, tag = "15")]
    pub(crate) presale_at_ms: Option<u64>,
    #[prost(uint64, optional, tag = "16")]
    pub(crate) on_sale_at_ms: Option<u64>,
    #[prost(uint64, optional, tag = "17")]
    pub(crate) closes_at_ms: Option<u64>,
    /// Section of each row.
    #[prost(uint32, repeated, packed = "true", tag = "18")]
    pub(crate) row_sections: Vec<u32>,
    /// Label of each row.
    #[prost(string, repeated, tag = "19")]
    pub(crate) row_labels: Vec<String>,
    /// Number of blocks of each row.
    #[prost(uint32, repeated, packed = "true", tag = "20")]
    pub(crate) row_blocks: Vec<u32>,
    /// Number of seats of each block.
    #[prost(uint32, repeated, packed = "true", tag = "21")]
    pub(crate) block_seats: Vec<u32>,
    /// Per seat: one byte of length (0 to 8), then so many bytes of label.
    #[prost(bytes = "vec", tag = "22")]
    pub(crate) seat_labels: Vec<u8>,
    /// Runs over the seats: value, length, value, length …
    #[prost(uint32, repeated, packed = "true", tag = "23")]
    pub(crate) seat_category_runs: Vec<u32>,
    /// Runs; 0: no channel, otherwise the channel's position + 1.
    #[prost(uint32, repeated, packed = "true", tag = "24")]
    pub(crate) seat_channel_runs: Vec<u32>,
    /// Runs; bit 0 accessible, bit 1 companion, bit 2 restricted view.
    #[prost(uint32, repeated, packed = "true", tag = "25")]
    pub(crate) seat_flag_runs: Vec<u32>,
    /// Per seat the distance to the seat before, in millimetres; the first from the origin.
    #[prost(sint32, repeated, packed = "true", tag = "26")]
    pub(crate) seat_x_mm: Vec<i32>,
    /// As `seat_x_mm`.
    #[prost(sint32, repeated, packed = "true", tag = "27")]
    pub(crate) seat_y_mm: Vec<i32>,
    #[prost(message, optional, tag = "28")]
    pub(crate) tariff: Option<Tariff>,
    #[prost(message, optional, tag = "30")]
    pub(crate) entry: Option<Entry>,
    #[prost(message, optional, tag = "29")]
    pub(crate) waitlist: Option<Waitlist>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Pool {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint32, tag = "2")]
    pub(crate) capacity: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Category {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(sint32, tag = "2")]
    pub(crate) focal_x_mm: i32,
    #[prost(sint32, tag = "3")]
    pub(crate) focal_y_mm: i32,
}

/// A keyed hash of an access code.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Code {
    #[prost(fixed64, tag = "1")]
    pub(crate) high: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) low: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Channel {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) code: Option<Code>,
    /// Pool, units, pool, units …
    #[prost(uint32, repeated, packed = "true", tag = "3")]
    pub(crate) allotments: Vec<u32>,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) release_at_ms: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TicketType {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(sint64, tag = "2")]
    pub(crate) price_minor: i64,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) opens_at_ms: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) closes_at_ms: Option<u64>,
    #[prost(uint32, tag = "5")]
    pub(crate) per_order_min: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) per_order_max: u32,
    #[prost(uint32, optional, tag = "7")]
    pub(crate) per_subject_max: Option<u32>,
    #[prost(message, optional, tag = "8")]
    pub(crate) access_code: Option<Code>,
    #[prost(uint32, optional, tag = "9")]
    pub(crate) category: Option<u32>,
    #[prost(uint32, repeated, packed = "true", tag = "10")]
    pub(crate) draws_on: Vec<u32>,
    #[prost(enumeration = "TicketKind", tag = "11")]
    pub(crate) kind: i32,
    /// Of an add-on; 0: any number.
    #[prost(uint32, tag = "12")]
    pub(crate) with_admission_max: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum TicketKind {
    Admission = 0,
    AddOn = 1,
}
