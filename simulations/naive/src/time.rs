//! What time does.

use tessera_inventory::{ChannelId, EventBody, Phase, TicketTypeId, Timestamp};

use super::{Model, Window, number};

/// Most claims that one event ends.
const ENDED_TOGETHER_MAX: usize = 1_024;

impl Model {
    /// Everything that the configuration has planned, in order: of one instant, channels come first, then windows, then
    /// phases, then what is kept for those who wait.
    fn calendar(&self) -> Vec<(Timestamp, EventBody)> {
        let Some(config) = &self.config else { return vec![] };
        if matches!(self.phase, Phase::Draft | Phase::Closed | Phase::Cancelled) {
            return vec![];
        }
        let mut planned: Vec<(Option<Timestamp>, EventBody)> = Vec::new();
        for (number, channel) in (0_u8..).zip(&config.channels) {
            if !self.released.contains(&number) {
                let channel_id = ChannelId(number);
                planned.push((channel.release_at, EventBody::ChannelReleased { channel: channel_id }));
            }
        }
        for ((id, known), window) in (0_u16..).zip(&config.ticket_types).zip(&self.windows) {
            let ticket_type = TicketTypeId(id);
            let change = |open: bool| EventBody::SaleWindowChanged { ticket_type, open };
            match window {
                // One that waits for no time any more is overdue.
                Window::Before => {
                    planned.push((known.window.opens_at.or(Some(Timestamp(0))), change(true)));
                }
                Window::Open => planned.push((known.window.closes_at, change(false))),
                Window::After => {}
            }
        }
        let schedule = config.schedule;
        if self.phase == Phase::Scheduled {
            planned.push((schedule.presale_at, EventBody::PhaseChanged { to: Phase::Presale }));
        }
        if matches!(self.phase, Phase::Scheduled | Phase::Presale) {
            planned.push((schedule.on_sale_at, EventBody::PhaseChanged { to: Phase::OnSale }));
        }
        if self.phase != Phase::Draft {
            planned.push((schedule.closes_at, EventBody::PhaseChanged { to: Phase::Closed }));
        }
        let ends = self.keeping_ends().into_iter();
        planned.extend(
            ends.map(|(at, ticket_type)| (Some(at), EventBody::WaitlistPatienceEnded { ticket_type })),
        );
        let mut dated: Vec<(Timestamp, EventBody)> =
            planned.into_iter().filter_map(|(at, body)| Some((at?, body))).collect();
        // A stable sort keeps the order within one instant.
        dated.sort_by_key(|&(at, _)| at);
        dated
    }

    /// Live holds and payments in flight by (when they end, number).
    pub(crate) fn deadlines(&self) -> Vec<(Timestamp, u64)> {
        let live = self.claims.values().filter(|claim| claim.payment.is_none());
        let mut deadlines: Vec<(Timestamp, u64)> =
            live.map(|claim| (claim.grace_until.unwrap_or(claim.deadline_at), claim.number)).collect();
        deadlines.sort();
        deadlines
    }

    /// When something is due next.
    pub fn next_due_at(&self) -> Option<Timestamp> {
        let claim = self.deadlines().first().map(|&(at, _)| at);
        let entry = self.calendar().first().map(|&(at, _)| at);
        claim.into_iter().chain(entry).min()
    }

    /// The next thing that is due at `now`: of one instant, the calendar comes before the claims, and one event ends all
    /// claims that are due before its next entry.
    pub fn due(&self, now: Timestamp) -> Option<EventBody> {
        let entry = self.calendar().into_iter().next().filter(|&(at, _)| at <= now);
        let is_before_entry = |at: Timestamp| entry.as_ref().is_none_or(|&(planned, _)| at < planned);
        let ending: Vec<(Timestamp, u64)> = self
            .deadlines()
            .into_iter()
            .filter(|&(at, _)| at <= now && is_before_entry(at))
            .take(ENDED_TOGETHER_MAX)
            .collect();
        match ending.last() {
            Some(&(at, last)) => {
                let count = u32::try_from(ending.len()).unwrap();
                Some(EventBody::Expired { through: (at, number(last)), count })
            }
            None => entry.map(|(_, body)| body),
        }
    }
}
