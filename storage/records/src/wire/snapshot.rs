//! The messages of a snapshot. Columns are bytes: little-endian words, copied as they are.

use prost::bytes::Bytes;

use super::{Config, Phase};

/// Field 1 of a snapshot, always first.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SnapshotHeader {
    #[prost(uint32, tag = "1")]
    pub(crate) format_version: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) minimum_reader: u32,
    /// The log's chain at the snapshot's sequence: 32 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) chain: Vec<u8>,
}

/// Field 2 of a snapshot.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Image {
    #[prost(fixed64, tag = "1")]
    pub(crate) event_high: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) event_low: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) logged_at_ms: u64,
    #[prost(fixed64, tag = "5")]
    pub(crate) digest_high: u64,
    #[prost(fixed64, tag = "6")]
    pub(crate) digest_low: u64,
    #[prost(enumeration = "Phase", tag = "7")]
    pub(crate) phase: i32,
    #[prost(uint32, tag = "8")]
    pub(crate) config_version: u32,
    #[prost(message, optional, tag = "9")]
    pub(crate) config: Option<Config>,
    #[prost(fixed64, tag = "10")]
    pub(crate) released_channels: u64,
    #[prost(bytes = "bytes", tag = "11")]
    pub(crate) windows_open: Bytes,
    #[prost(bytes = "bytes", tag = "12")]
    pub(crate) terms: Bytes,
    #[prost(bytes = "bytes", tag = "13")]
    pub(crate) pools: Bytes,
    #[prost(bytes = "bytes", tag = "14")]
    pub(crate) shares: Bytes,
    #[prost(bytes = "bytes", tag = "15")]
    pub(crate) seat_states: Bytes,
    #[prost(bytes = "bytes", tag = "16")]
    pub(crate) seats_to_kill: Bytes,
    #[prost(bytes = "bytes", tag = "17")]
    pub(crate) subjects: Bytes,
    #[prost(bytes = "bytes", tag = "18")]
    pub(crate) subject_units: Bytes,
    #[prost(bytes = "bytes", tag = "19")]
    pub(crate) claims: Bytes,
    #[prost(bytes = "bytes", tag = "20")]
    pub(crate) orders: Bytes,
    #[prost(bytes = "bytes", tag = "21")]
    pub(crate) tickets: Bytes,
    #[prost(bytes = "bytes", tag = "22")]
    pub(crate) order_extras: Bytes,
    #[prost(bytes = "bytes", tag = "23")]
    pub(crate) transferred: Bytes,
    #[prost(bytes = "bytes", tag = "24")]
    pub(crate) checked_in: Bytes,
    #[prost(bytes = "bytes", tag = "25")]
    pub(crate) keys_settled: Bytes,
    #[prost(bytes = "bytes", tag = "26")]
    pub(crate) keys_recent: Bytes,
    #[prost(uint64, tag = "27")]
    pub(crate) keys_recent_first: u64,
    #[prost(bytes = "bytes", tag = "28")]
    pub(crate) keys_page_times: Bytes,
    #[prost(uint64, tag = "29")]
    pub(crate) keys_horizon_ms: u64,
    #[prost(bytes = "bytes", tag = "30")]
    pub(crate) expired: Bytes,
    #[prost(bytes = "bytes", tag = "31")]
    pub(crate) quoted: Bytes,
    #[prost(bytes = "bytes", tag = "32")]
    pub(crate) shares_quoted: Bytes,
    #[prost(bytes = "bytes", tag = "33")]
    pub(crate) refunded_beyond: Bytes,
    #[prost(bytes = "bytes", tag = "39")]
    pub(crate) disputes: Bytes,
    #[prost(bytes = "bytes", tag = "38")]
    pub(crate) passages: Bytes,
    #[prost(bytes = "bytes", tag = "40")]
    pub(crate) devices: Bytes,
    #[prost(bytes = "bytes", tag = "36")]
    pub(crate) waitlist: Bytes,
    #[prost(bytes = "bytes", tag = "37")]
    pub(crate) accumulating: Bytes,
}
