//! The one deadline structure: everything that time does to an event, in the order in which it is due.

use std::collections::{BTreeMap, BTreeSet};

use crate::seating::ReleasedChannels;
use crate::windows::{Window, Windows};
use crate::{ChannelId, ClaimNumber, Config, EventBody, Phase, TicketTypeId, Timestamp};

/// Most claims that one `Expired` event ends.
pub(crate) const EXPIRED_PER_EVENT_MAX: u32 = 1_024;

/// Something that time does besides ending claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A channel's release time.
    Channel(ChannelId),
    /// The edge of a sale window.
    Window(TicketTypeId, bool),
    /// A phase of the schedule.
    Phase(Phase),
    /// The end of the patience with the head of a line.
    Patience(TicketTypeId),
}

/// What is due when. Claims stand in the order of (deadline, number); the calendar of the configuration has few entries,
/// and those due at the same instant come before the claims.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    /// Two levels of single words: a tree of pairs costs twice as much a hold.
    claims: BTreeMap<Timestamp, BTreeSet<ClaimNumber>>,
    calendar: Vec<(Timestamp, Due)>,
}

impl Deadlines {
    /// Enters a claim's deadline.
    #[inline]
    pub(crate) fn insert(&mut self, at: Timestamp, claim: ClaimNumber) {
        let fresh = self.claims.entry(at).or_default().insert(claim);
        assert!(fresh, "a claim's deadline is entered twice");
    }

    /// Takes a claim's deadline out.
    #[inline]
    pub(crate) fn remove(&mut self, at: Timestamp, claim: ClaimNumber) {
        let Some(numbers) = self.claims.get_mut(&at) else { panic!("a claim has no deadline") };
        let there = numbers.remove(&claim);
        if numbers.is_empty() {
            self.claims.remove(&at);
        }
        assert!(there, "a claim has no deadline");
    }

    /// Takes out the first claim, if it is due at most at `through`.
    pub(crate) fn pop_through(&mut self, through: (Timestamp, ClaimNumber)) -> Option<ClaimNumber> {
        let mut first = self.claims.first_entry()?;
        let number = *first.get().first()?;
        if (*first.key(), number) > through {
            return None;
        }
        first.get_mut().pop_first();
        if first.get().is_empty() {
            first.remove();
        }
        Some(number)
    }

    /// Writes the calendar anew, after a change of the configuration, the phase, a window or a channel.
    pub(crate) fn plan(
        &mut self,
        config: &Config,
        phase: Phase,
        windows: &Windows,
        released: ReleasedChannels,
        patience: &[(Timestamp, TicketTypeId)],
    ) {
        self.calendar.clear();
        // A draft is still being written: time does nothing to it that could not be undone.
        if matches!(phase, Phase::Draft | Phase::Closed | Phase::Cancelled) {
            return;
        }
        let calendar = &mut self.calendar;
        let mut enter = |at: Option<Timestamp>, due: Due| calendar.extend(at.map(|at| (at, due)));
        for (id, channel) in (0_u8..).map(ChannelId).zip(&config.channels) {
            if !released.contains(id) {
                enter(channel.release_at, Due::Channel(id));
            }
        }
        for (id, ticket_type) in config.ticket_type_ids().zip(&config.ticket_types) {
            match windows.get(id) {
                // A type that stood before its opening when that was taken away is overdue.
                Window::Before => {
                    enter(Some(ticket_type.window.opens_at.unwrap_or_default()), Due::Window(id, true));
                }
                Window::Open => enter(ticket_type.window.closes_at, Due::Window(id, false)),
                Window::After => {}
            }
        }
        let schedule = &config.schedule;
        match phase {
            Phase::Scheduled => {
                enter(schedule.presale_at, Due::Phase(Phase::Presale));
                enter(schedule.on_sale_at, Due::Phase(Phase::OnSale));
                enter(schedule.closes_at, Due::Phase(Phase::Closed));
            }
            Phase::Presale => {
                enter(schedule.on_sale_at, Due::Phase(Phase::OnSale));
                enter(schedule.closes_at, Due::Phase(Phase::Closed));
            }
            Phase::OnSale | Phase::Paused => enter(schedule.closes_at, Due::Phase(Phase::Closed)),
            Phase::Draft | Phase::Closed | Phase::Cancelled => {}
        }
        self.calendar.extend(patience.iter().map(|&(at, id)| (at, Due::Patience(id))));
        self.calendar.sort_unstable();
    }

    /// When the next thing is due.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let claim = self.claims.first_key_value().map(|(&at, _)| at);
        let entry = self.calendar.first().map(|&(at, _)| at);
        match (claim, entry) {
            (Some(claim), Some(entry)) => Some(claim.min(entry)),
            (claim, entry) => claim.or(entry),
        }
    }

    /// The event of the next thing that is due at `now`.
    pub(crate) fn next(&self, now: Timestamp) -> Option<EventBody> {
        let entry = self.calendar.first().filter(|(at, _)| *at <= now);
        let claim = self.claims.first_key_value().map(|(&at, _)| at).filter(|at| *at <= now);
        match (entry, claim) {
            (Some(&(at, due)), claim) if claim.is_none_or(|claim_at| at <= claim_at) => Some(event_of(due)),
            (entry, Some(_)) => Some(self.expired(now, entry.map(|&(at, _)| at))),
            (_, None) => None,
        }
    }

    /// One event for the claims that are due at `now`, before the instant `until` of the calendar.
    fn expired(&self, now: Timestamp, until: Option<Timestamp>) -> EventBody {
        let mut count = 0;
        let mut through = (Timestamp(0), ClaimNumber(0));
        for (at, claim) in self.claims() {
            if count == EXPIRED_PER_EVENT_MAX || at > now || until.is_some_and(|until| at >= until) {
                break;
            }
            count += 1;
            through = (at, claim);
        }
        EventBody::Expired { through, count }
    }

    /// Every claim's deadline, in order.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (Timestamp, ClaimNumber)> {
        self.claims.iter().flat_map(|(&at, numbers)| numbers.iter().map(move |&number| (at, number)))
    }

    /// Enters the claims of an image.
    pub(crate) fn import(&mut self, mut claims: Vec<(Timestamp, ClaimNumber)>) {
        claims.sort_unstable();
        let instants = claims.chunk_by(|left, right| left.0 == right.0);
        let numbers =
            |claims: &[(Timestamp, ClaimNumber)]| claims.iter().map(|&(_, number)| number).collect();
        self.claims = instants.map(|claims| (claims[0].0, numbers(claims))).collect();
    }
}

fn event_of(due: Due) -> EventBody {
    match due {
        Due::Channel(channel) => EventBody::ChannelReleased { channel },
        Due::Window(ticket_type, open) => EventBody::SaleWindowChanged { ticket_type, open },
        Due::Phase(to) => EventBody::PhaseChanged { to },
        Due::Patience(ticket_type) => EventBody::WaitlistPatienceEnded { ticket_type },
    }
}
