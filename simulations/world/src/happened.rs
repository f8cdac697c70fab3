//! What a run was about: a world that never refunds proves nothing about refunds.

use std::ops::AddAssign;
use std::sync::Arc;

use tessera_inventory::{Event, EventBody};

/// How often the less common things happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Happened {
    /// Configurations, the first included.
    pub configured: u64,
    /// Sales and types that time opened or closed.
    pub openings: u64,
    /// Holds of seats.
    pub seats_held: u64,
    /// Refunds.
    pub refunded: u64,
    /// Transfers.
    pub transferred: u64,
    /// Kills.
    pub killed: u64,
}

impl Happened {
    pub(crate) fn of(events: &[Arc<Event>]) -> Happened {
        let mut happened = Happened::default();
        for event in events {
            let count = match &event.body {
                EventBody::Configured { .. } => &mut happened.configured,
                EventBody::SaleWindowChanged { .. } => &mut happened.openings,
                EventBody::PhaseChanged { .. } if event.key.is_none() => &mut happened.openings,
                EventBody::HoldPlaced(placed) if placed.lines.iter().any(|line| !line.seats.is_empty()) => {
                    &mut happened.seats_held
                }
                EventBody::TicketsRefunded { .. } => &mut happened.refunded,
                EventBody::TicketTransferred { .. } => &mut happened.transferred,
                EventBody::UnitsKilled(_) => &mut happened.killed,
                _ => continue,
            };
            *count += 1;
        }
        happened
    }
}

impl AddAssign for Happened {
    fn add_assign(&mut self, other: Happened) {
        self.configured += other.configured;
        self.openings += other.openings;
        self.seats_held += other.seats_held;
        self.refunded += other.refunded;
        self.transferred += other.transferred;
        self.killed += other.killed;
    }
}
