//! The messages of a tariff and of a quote.

use super::Code;

/// Field 28 of a configuration.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Tariff {
    #[prost(message, repeated, tag = "1")]
    pub(crate) taxes: Vec<Tax>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) fees: Vec<Fee>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) bundles: Vec<Bundle>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) promotions: Vec<Promotion>,
    #[prost(uint32, tag = "5")]
    pub(crate) commission_ppm: u32,
    #[prost(sint64, tag = "6")]
    pub(crate) commission_fixed_minor: i64,
    #[prost(bool, tag = "7")]
    pub(crate) commission_returned: bool,
    #[prost(uint32, tag = "8")]
    pub(crate) rounding_unit_minor: u32,
    #[prost(message, repeated, tag = "9")]
    pub(crate) platform_fees: Vec<Fee>,
    /// Bits of taxes, by ticket type.
    #[prost(uint32, repeated, packed = "true", tag = "10")]
    pub(crate) type_taxes: Vec<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Tax {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint32, tag = "2")]
    pub(crate) rate_ppm: u32,
    #[prost(bool, tag = "3")]
    pub(crate) included: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Fee {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(enumeration = "Basis", tag = "2")]
    pub(crate) basis: i32,
    #[prost(sint64, tag = "3")]
    pub(crate) fixed_minor: i64,
    #[prost(uint32, tag = "4")]
    pub(crate) rate_ppm: u32,
    #[prost(sint64, tag = "5")]
    pub(crate) min_minor: i64,
    #[prost(sint64, optional, tag = "6")]
    pub(crate) max_minor: Option<i64>,
    #[prost(enumeration = "Payer", tag = "7")]
    pub(crate) payer: i32,
    /// Bits.
    #[prost(uint32, tag = "8")]
    pub(crate) taxes: u32,
    /// None: all of them.
    #[prost(uint32, repeated, packed = "true", tag = "9")]
    pub(crate) types: Vec<u32>,
    #[prost(bool, tag = "10")]
    pub(crate) refundable: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Bundle {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// Ticket type, units, ticket type, units …
    #[prost(uint32, repeated, packed = "true", tag = "2")]
    pub(crate) parts: Vec<u32>,
    #[prost(sint64, tag = "3")]
    pub(crate) price_minor: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Promotion {
    #[prost(message, optional, tag = "1")]
    pub(crate) code: Option<Code>,
    #[prost(enumeration = "Effect", tag = "2")]
    pub(crate) effect: i32,
    /// Millionths, or minor units.
    #[prost(sint64, tag = "3")]
    pub(crate) amount: i64,
    /// None: all of them.
    #[prost(uint32, repeated, packed = "true", tag = "4")]
    pub(crate) types: Vec<u32>,
    #[prost(uint64, optional, tag = "5")]
    pub(crate) opens_at_ms: Option<u64>,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) closes_at_ms: Option<u64>,
    #[prost(uint32, optional, tag = "7")]
    pub(crate) uses_max: Option<u32>,
    #[prost(sint64, optional, tag = "8")]
    pub(crate) amount_max_minor: Option<i64>,
    #[prost(uint32, optional, tag = "9")]
    pub(crate) per_subject_max: Option<u32>,
    #[prost(uint32, tag = "10")]
    pub(crate) serials: u32,
    #[prost(bool, tag = "11")]
    pub(crate) returns_on_refund: bool,
}

/// Field 9 of a placed hold.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Quote {
    #[prost(sint64, tag = "1")]
    pub(crate) total_minor: i64,
    #[prost(uint32, tag = "2")]
    pub(crate) version: u32,
    #[prost(uint32, optional, tag = "3")]
    pub(crate) promotion: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    pub(crate) serial: Option<u32>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) lines: Vec<QuoteLine>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct QuoteLine {
    #[prost(enumeration = "LineKind", tag = "1")]
    pub(crate) kind: i32,
    /// Position in the hold + 1; 0: the whole order.
    #[prost(uint32, tag = "2")]
    pub(crate) line: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) item: u32,
    #[prost(sint64, tag = "4")]
    pub(crate) amount_minor: i64,
    #[prost(enumeration = "Payer", tag = "5")]
    pub(crate) payer: i32,
    #[prost(bool, tag = "6")]
    pub(crate) kept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(clippy::enum_variant_names)] // As `tessera_pricing::Basis` calls them.
pub(crate) enum Basis {
    PerTicket = 0,
    PerAddOn = 1,
    PerOrder = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Payer {
    Buyer = 0,
    Organizer = 1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Effect {
    Unspecified = 0,
    Percent = 1,
    FixedPerTicket = 2,
    FixedPerOrder = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum LineKind {
    Unspecified = 0,
    Bundle = 1,
    Promotion = 2,
    Fee = 3,
    TaxIncluded = 4,
    TaxAdded = 5,
    Commission = 6,
    Rounding = 7,
}
