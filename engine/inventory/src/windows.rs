//! Sale windows as state: logged events open and close them, so that no decision compares the time with them.

use crate::digest::{Kind, Mix};
use crate::{Config, SaleWindow, TicketTypeId, Timestamp};

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
    /// The windows of a configuration at the logged time at which it takes effect. A type that is there already, under
    /// `old`, stands where it stood: what a new time opens or closes, the calendar does, at once if need be. Only that a
    /// type opens later than before takes effect with the configuration.
    pub(crate) fn reconfigured(&self, old: &Config, new: &Config, at: Timestamp) -> Self {
        let types = new.ticket_types.iter().enumerate();
        let states = types.map(|(place, ticket_type)| {
            let target = target(&ticket_type.window, at);
            let Some((known, before)) = self.0.get(place).zip(old.ticket_types.get(place)) else {
                return target;
            };
            match (*known, target) {
                (known, _) if before.window == ticket_type.window => known,
                (_, Window::Before) | (Window::Before | Window::After, Window::Open) => Window::Before,
                (Window::Open, _) => Window::Open,
                (_, Window::After) => Window::After,
            }
        });
        Windows(states.collect())
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

/// Where the time says that a type stands.
fn target(window: &SaleWindow, at: Timestamp) -> Window {
    if window.closes_at.is_some_and(|closes_at| closes_at <= at) {
        Window::After
    } else if window.opens_at.is_some_and(|opens_at| at < opens_at) {
        Window::Before
    } else {
        Window::Open
    }
}
