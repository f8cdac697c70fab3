//! The moving parts of the fold: states of seats and claims, and moves between counters.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::wire::Counters;

/// State of one seat; the number is the claim's: the sequence of its hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatState {
    /// For sale.
    Free,
    /// In a live hold.
    Held(u64),
    /// Sold.
    Sold(u64),
    /// Withdrawn.
    Killed,
}

/// How far the claim of a hold has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimState {
    /// Held.
    Held,
    /// Its payment is in flight.
    InFlight,
    /// Sold.
    Paid,
    /// Released or over.
    Ended,
}

impl ClaimState {
    /// As part of a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            ClaimState::Held => "held",
            ClaimState::InFlight => "being paid",
            ClaimState::Paid => "paid",
            ClaimState::Ended => "over",
        }
    }
}

/// What became of a hold so far.
#[derive(Clone, Debug)]
pub struct Claim {
    /// How far it has come.
    pub state: ClaimState,
    /// Until when the hold lasts.
    pub deadline_at: Timestamp,
    /// When it was placed, or renewed last.
    pub extended_at: Timestamp,
    /// Beyond which no renewal reaches; none where the feed does not say.
    pub life_ends_at: Option<Timestamp>,
    /// How often it was renewed.
    pub renewals: u32,
    /// How often its payment was begun.
    pub attempts: u32,
    /// Type, units and seats of each line.
    pub(super) lines: Vec<(usize, u16, Vec<u32>)>,
    /// Position of the channel whose code was shown.
    pub(super) channel: Option<usize>,
    /// Of the payment in flight.
    pub(super) grace_until: Option<Timestamp>,
    pub(super) refunded: HashSet<u16>,
    pub(super) units: u16,
}

impl Claim {
    pub(super) fn due_at(&self) -> Timestamp {
        self.grace_until.unwrap_or(self.deadline_at)
    }
}

impl SeatState {
    /// As part of a sentence.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            SeatState::Free => "free".into(),
            SeatState::Held(number) => format!("in the live hold of sequence {number}"),
            SeatState::Sold(number) => format!("sold to the order of the hold of sequence {number}"),
            SeatState::Killed => "withdrawn".into(),
        }
    }
}

/// Where units go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Held,
    Sold,
    Free,
    Killed,
}

impl To {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            To::Held => "given out",
            To::Sold => "sold",
            To::Free => "given back",
            To::Killed => "withdrawn",
        }
    }
}

/// Move units between two counters; false when there are not as many.
pub(super) fn transfer(counters: &mut Counters, units: u32, from: SeatState, to: To) -> bool {
    let source = match from {
        SeatState::Free => &mut counters.free,
        SeatState::Held(_) => &mut counters.held,
        SeatState::Sold(_) => &mut counters.sold,
        SeatState::Killed => &mut counters.killed,
    };
    let enough = *source >= units;
    *source = source.saturating_sub(units);
    *match to {
        To::Held => &mut counters.held,
        To::Sold => &mut counters.sold,
        To::Free => &mut counters.free,
        To::Killed => &mut counters.killed,
    } += units;
    enough
}

/// The type and seat of a ticket by its position, counted over the lines.
pub(super) fn unit_at(lines: &[(usize, u16, Vec<u32>)], ticket: u16) -> Option<(usize, Option<u32>)> {
    let mut position = ticket;
    for (ticket_type, quantity, seats) in lines {
        if position < *quantity {
            return Some((*ticket_type, seats.get(usize::from(position)).copied()));
        }
        position -= quantity;
    }
    None
}
