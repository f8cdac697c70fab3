//! The messages of the waitlist.

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Waitlist {
    #[prost(bool, tag = "1")]
    pub(crate) enabled: bool,
    #[prost(enumeration = "WaitlistOrder", tag = "2")]
    pub(crate) policy: i32,
    #[prost(uint64, tag = "3")]
    pub(crate) patience_ms: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) offer_ms: u64,
    #[prost(uint32, tag = "5")]
    pub(crate) entries_max: u32,
    #[prost(uint32, repeated, packed = "true", tag = "6")]
    pub(crate) types: Vec<u32>,
    #[prost(bool, tag = "7")]
    pub(crate) price_may_rise: bool,
    #[prost(uint32, tag = "8")]
    pub(crate) per_subject_max: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WaitlistJoined {
    #[prost(fixed64, tag = "1")]
    pub(crate) subject_high: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) subject_low: u64,
    /// High, low, high, low …
    #[prost(fixed64, repeated, packed = "true", tag = "3")]
    pub(crate) extra_subjects: Vec<u64>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) choices: Vec<Choice>,
    #[prost(sint64, optional, tag = "5")]
    pub(crate) price_max_minor: Option<i64>,
    #[prost(uint32, tag = "6")]
    pub(crate) priority: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Choice {
    #[prost(uint32, tag = "1")]
    pub(crate) ticket_type: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) quantity: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) manner: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct WaitlistLeft {
    #[prost(uint64, tag = "1")]
    pub(crate) entry: u64,
    #[prost(enumeration = "LeftReason", tag = "2")]
    pub(crate) reason: i32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct WaitlistPatienceEnded {
    #[prost(uint32, tag = "1")]
    pub(crate) ticket_type: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(crate) enum WaitlistOrder {
    Fit = 0,
    Accumulate = 1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
pub(crate) enum LeftReason {
    Unspecified = 0,
    Left = 1,
    Limit = 2,
    Price = 3,
    Closed = 4,
    TypeGone = 5,
}
