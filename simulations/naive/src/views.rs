//! What readers see.

use tessera_inventory::{
    Availability, CategoryId, ChannelId, ChannelShare, ClaimNumber, ClaimView, Counters, Line, Phase, PoolId,
    SeatState, Sequence, TermsId, TicketTypeId, TicketView, TypeAvailability,
};

use super::{Claim, Model, Window};

impl Model {
    /// Invariant I1 is asserted on the way.
    pub fn pool_counters(&self, pool: PoolId) -> Counters {
        let state = &self.pools[pool.index()];
        let free = state.general + state.shares.values().sum::<u32>();
        let (held, sold, killed) = (self.held_of(pool), self.sold_of(pool), state.killed);
        let capacity = self.config.as_ref().unwrap().pools[pool.index()].capacity;
        assert_eq!(free + held + sold + killed, capacity, "the model lost units of a pool");
        Counters { free, held, sold, killed }
    }

    /// The seats of a category, counted.
    pub fn category_counters(&self, category: CategoryId) -> Counters {
        let hall = self.hall().unwrap();
        let states = self.seat_states();
        let seats = hall.places.iter().filter(|place| place.seat.category == category);
        let mut counters = Counters::default();
        for place in seats {
            match states[place.index.index()] {
                SeatState::Free => counters.free += 1,
                SeatState::Held => counters.held += 1,
                SeatState::Sold => counters.sold += 1,
                SeatState::Killed => counters.killed += 1,
            }
        }
        counters
    }

    /// The public view of the stock.
    pub fn availability(&self) -> Availability {
        let pools = (0_u16..).map(PoolId).take(self.pools.len());
        let config = self.config.as_ref();
        let categories = config.map_or(0, |config| config.categories.len());
        let live = self.claims.values().filter(|claim| claim.payment.is_none()).count();
        let is_open = |claim: &&Claim| claim.tickets.iter().any(|ticket| !ticket.refunded);
        let orders = self.claims.values().filter(is_open).count();
        Availability {
            sequence: Sequence(self.sequence()),
            at: self.logged_at,
            phase: self.phase,
            config_version: self.version,
            pools: pools.map(|pool| self.pool_counters(pool)).collect(),
            shares: self.shares(),
            categories: (0_u16..)
                .map(CategoryId)
                .take(categories)
                .map(|c| self.category_counters(c))
                .collect(),
            ticket_types: (0_u16..)
                .map(TicketTypeId)
                .take(self.windows.len())
                .map(|id| self.type_availability(id))
                .collect(),
            live_holds: u32::try_from(live).unwrap(),
            orders: u32::try_from(orders).unwrap(),
        }
    }

    /// What is left of the shares of channels, and what these have out.
    fn shares(&self) -> Vec<ChannelShare> {
        let mut all = Vec::new();
        for (pool, state) in (0_u16..).map(PoolId).zip(&self.pools) {
            let shares = state.shares.iter();
            all.extend(shares.map(|(&channel, &free)| {
                let channel = ChannelId(channel);
                let units = |paid: bool| {
                    let of_channel = self.claims.values().filter(|claim| claim.channel == Some(channel));
                    of_channel
                        .filter(|claim| claim.payment.is_some() == paid)
                        .map(|claim| claim.units_of(pool))
                        .sum()
                };
                ChannelShare { pool, channel, free, held: units(false), sold: units(true) }
            }));
        }
        all
    }

    /// What the general public could hold of a type now.
    fn type_availability(&self, id: TicketTypeId) -> TypeAvailability {
        let known = &self.config.as_ref().unwrap().ticket_types[id.index()];
        let open = self.windows[id.index()] == Window::Open;
        let is_public = self.phase == Phase::OnSale && known.access_code.is_none();
        let is_sold = open && is_public && !self.is_ahead(id);
        TypeAvailability { open, available: if is_sold { self.free_of(id) } else { 0 } }
    }

    /// Units of a type that are free for everyone.
    pub(crate) fn free_of(&self, id: TicketTypeId) -> u32 {
        let known = &self.config.as_ref().unwrap().ticket_types[id.index()];
        let nobody: Option<ChannelId> = None;
        let hall = self.hall().unwrap();
        let in_pools = known.draws_on.iter().map(|&pool| self.free_for(pool, nobody));
        let in_seats = known.category.map(|category| {
            let seats = hall.places.iter().filter(|place| {
                place.is_free
                    && place.seat.category == category
                    && place.audience == nobody
                    && !hall.is_reserved(&place.seat)
            });
            u32::try_from(seats.count()).unwrap()
        });
        in_pools.chain(in_seats).min().unwrap_or(0)
    }

    /// A claim as its holder sees it; the terms of lines are not told.
    pub fn claim_view(&self, number: u64) -> Option<ClaimView> {
        let claim = self.claims.get(&number)?;
        let is_live = claim.payment.is_none();
        let line = |line: &super::Line| Line {
            ticket_type: line.ticket_type,
            terms: TermsId(0),
            quantity: line.quantity,
            price_minor: line.price_minor,
            seats: line.seats.clone(),
        };
        let ticket = |ticket: &super::Ticket| TicketView {
            line: ticket.line,
            seat: ticket.seat,
            holder: ticket.holder,
            generation: ticket.generation,
            refunded: ticket.refunded,
            checked_in: ticket.is_in().map(|passed| (passed.at, passed.gate)),
        };
        Some(ClaimView {
            number: ClaimNumber(number),
            state: self.state_of(claim),
            subject: claim.subject,
            deadline_at: is_live.then(|| claim.grace_until.unwrap_or(claim.deadline_at)),
            // A settled order keeps only what a later command needs.
            origin: is_live.then_some(claim.origin),
            renewals: if is_live { claim.renewals } else { 0 },
            attempts: if is_live { claim.attempts } else { 0 },
            lines: claim.lines.iter().map(line).collect(),
            quoted_minor: claim.quote.as_ref().map(|quote| quote.total_minor),
            payment: claim.payment,
            tickets: claim.tickets.iter().map(ticket).collect(),
            refunded_minor: claim.refunded_minor(),
            in_dispute: claim.in_dispute,
        })
    }

    /// Two bits a seat.
    pub fn seat_map(&self) -> Vec<u8> {
        let byte = |four: &[SeatState]| {
            let states = four.iter().map(|&state| state as u8);
            states.zip([0, 2, 4, 6]).fold(0, |byte, (state, shift)| byte | state << shift)
        };
        self.seat_states().chunks(4).map(byte).collect()
    }
}
