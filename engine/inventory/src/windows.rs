//! Sale windows as state: logged events open and close them, so that no decision compares the time with them.

use crate::digest::{Kind, Mix};
use crate::{Config, TicketTypeId, Timestamp};

/// Where a ticket type stands in its sale window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Window {
    /// It opens later.
    Before = 0,
    /// It sells.
    Open = 1,
    /// It sells no more.
    After = 2,
}

/// The windows of the ticket types of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows(pub(crate) Vec<Window>);

impl Windows {
    /// The windows of a configuration at the logged time at which it takes effect.
    pub(crate) fn new(config: &Config, at: Timestamp) -> Self {
        let state = |window: &crate::SaleWindow| {
            if window.closes_at.is_some_and(|closes_at| closes_at <= at) {
                Window::After
            } else if window.opens_at.is_some_and(|opens_at| at < opens_at) {
                Window::Before
            } else {
                Window::Open
            }
        };
        Windows(config.ticket_types.iter().map(|ticket_type| state(&ticket_type.window)).collect())
    }

    pub(crate) fn get(&self, ticket_type: TicketTypeId) -> Window {
        self.0[ticket_type.index()]
    }

    pub(crate) fn is_open(&self, ticket_type: TicketTypeId) -> bool {
        self.get(ticket_type) == Window::Open
    }

    pub(crate) fn set(&mut self, ticket_type: TicketTypeId, open: bool) {
        self.0[ticket_type.index()] = if open { Window::Open } else { Window::After };
    }

    /// The digest's share of the windows: there are few.
    pub(crate) fn sum(&self) -> u128 {
        (0_u64..).zip(&self.0).fold(0, |sum, (at, &window)| {
            sum.wrapping_add(Mix::new(Kind::Window).word(at).word(window as u64).finish())
        })
    }
}
