//! What readers see of the state: plain values, made from durable state only.

use std::sync::Arc;

use crate::{
    ChannelId, ClaimNumber, ClaimState, Line, Origin, PaymentKind, Phase, PoolId, Sequence, Subject,
    Timestamp,
};

/// The four counters of a pool, or of the seats of a category (invariant I1: they add up to the capacity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// For sale now, allotments of unreleased channels included.
    pub free: u32,
    /// In live holds and payments in flight.
    pub held: u32,
    /// Sold.
    pub sold: u32,
    /// Withdrawn.
    pub killed: u32,
}

/// What the public may know of the stock at a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// The sequence it is true at.
    pub sequence: Sequence,
    /// Logged time of that sequence.
    pub at: Timestamp,
    /// The phase.
    pub phase: Phase,
    /// Version of the configuration; 0: none.
    pub config_version: u32,
    /// Per pool, in the order of the configuration.
    pub pools: Vec<Counters>,
    /// What the channels that are not released have, by pool and channel.
    pub shares: Vec<ChannelShare>,
    /// Seats per category, in the order of the configuration.
    pub categories: Vec<Counters>,
    /// Units of each ticket type that the general public could hold now (0 when it does not sell), by type.
    pub ticket_types: Vec<TypeAvailability>,
    /// Live holds, payments in flight included.
    pub live_holds: u32,
    /// Orders with at least one ticket that is not refunded.
    pub orders: u32,
}

/// What one channel that is not released has of a pool: its parts of the [`Counters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelShare {
    /// In which pool.
    pub pool: PoolId,
    /// For which channel.
    pub channel: ChannelId,
    /// Units that can still be held by its code.
    pub free: u32,
    /// Units in holds and payments under its code.
    pub held: u32,
    /// Units sold under its code.
    pub sold: u32,
}

/// How a ticket type stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeAvailability {
    /// Whether its sale window is open.
    pub open: bool,
    /// Free units for the general public.
    pub available: u32,
}

/// State of one seat, as two bits of a seat map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SeatState {
    /// For sale.
    Free = 0,
    /// In a live hold.
    Held = 1,
    /// Sold.
    Sold = 2,
    /// Withdrawn.
    Killed = 3,
}

/// Every seat's state, four seats a byte, the seat with the lowest index in the lowest bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatMap {
    /// The sequence it is true at.
    pub sequence: Sequence,
    /// Number of seats.
    pub seats: u32,
    /// `seats.div_ceil(4)` bytes.
    pub states: Arc<[u8]>,
}

/// One hold or order, as its holder and the organizer see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimView {
    /// Its number.
    pub number: ClaimNumber,
    /// Where it stands.
    pub state: ClaimState,
    /// Its primary subject.
    pub subject: Subject,
    /// When the hold or the grace ends; `None` once settled.
    pub deadline_at: Option<Timestamp>,
    /// How it came about, until it is settled: an order does not remember it, and the log has it.
    pub origin: Option<Origin>,
    /// Renewals used.
    pub renewals: u8,
    /// Payment attempts used.
    pub attempts: u8,
    /// Units and frozen prices.
    pub lines: Vec<Line>,
    /// What they cost together in minor units, where that was quoted; quantities times prices otherwise.
    pub quoted_minor: Option<i64>,
    /// How it was paid, for paid orders; the provider's reference stays in the log.
    pub payment: Option<PaymentKind>,
    /// The tickets of a paid order.
    pub tickets: Vec<TicketView>,
    /// What was given back of a paid order, or is to be, in minor units.
    pub refunded_minor: i64,
    /// Whether the payment of a paid order is disputed.
    pub in_dispute: bool,
}

impl ClaimView {
    /// What the buyer pays or paid, in minor units.
    #[must_use]
    pub fn total_minor(&self) -> i64 {
        let plain = || self.lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).sum();
        self.quoted_minor.unwrap_or_else(plain)
    }
}

/// One ticket of a paid order, at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketView {
    /// Its line in [`ClaimView::lines`].
    pub line: u16,
    /// Its seat, if seated.
    pub seat: Option<crate::SeatIndex>,
    /// Who holds it.
    pub holder: Subject,
    /// Generation of its valid code; grows with every transfer.
    pub generation: u8,
    /// Whether it was refunded.
    pub refunded: bool,
    /// When and where it is in, if it is.
    pub checked_in: Option<(Timestamp, u16)>,
}
