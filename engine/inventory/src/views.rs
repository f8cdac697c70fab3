//! Building the views that readers get.

use crate::claims::{Claim, ClaimLine};
use crate::orders::{Order, TicketFlags, TicketSlot};
use crate::pools::Share;
use crate::{
    Availability, CategoryId, ChannelShare, ClaimNumber, ClaimView, Inventory, Line, Phase, PoolId, TermsId,
    TicketTypeId, TicketView, TypeAvailability,
};

impl Inventory {
    pub(crate) fn view_availability(&self) -> Availability {
        let categories = (0_u16..).map(CategoryId).take(self.config.categories.len());
        Availability {
            sequence: self.sequence,
            at: self.logged_at,
            phase: self.phase,
            config_version: self.version,
            pools: self.pools.iter().map(crate::pools::Pool::counters).collect(),
            shares: self.view_shares(),
            categories: categories.map(|category| self.seating.counters(category)).collect(),
            ticket_types: self.config.ticket_type_ids().map(|id| self.view_type(id)).collect(),
            live_holds: u32::try_from(self.claims.len()).unwrap_or(u32::MAX),
            orders: self.orders.open(),
        }
    }

    fn view_shares(&self) -> Vec<ChannelShare> {
        let share = |pool: PoolId, &Share { channel, free, out }: &Share| ChannelShare {
            pool,
            channel,
            free,
            held: out.held,
            sold: out.sold,
        };
        let pools = (0_u16..).map(PoolId).zip(self.pools.iter());
        pools.flat_map(|(id, pool)| pool.shares.iter().map(move |one| share(id, one))).collect()
    }

    /// How a ticket type stands for the general public.
    fn view_type(&self, id: TicketTypeId) -> TypeAvailability {
        let open = self.windows.is_open(id);
        let hidden = self.config.ticket_type(id).is_none_or(|known| known.access_code.is_some());
        if !open || hidden || self.phase != Phase::OnSale || self.is_ahead(id) {
            return TypeAvailability { open, available: 0 };
        }
        TypeAvailability { open, available: self.free_of(id) }
    }

    /// Units of a type that are free for everyone.
    pub(crate) fn free_of(&self, id: TicketTypeId) -> u32 {
        let term = self.terms.get(self.terms.current(id));
        let pools = term.draws_on.iter().map(|&pool| self.pools.get(pool).free_for(None));
        let seats = term.category.map(|category| self.seating.available(category, None));
        pools.chain(seats).min().unwrap_or(0)
    }

    pub(crate) fn view_claim(&self, number: ClaimNumber) -> Option<ClaimView> {
        if let Some(claim) = self.claims.get(number) {
            return Some(self.view_live(number, claim));
        }
        Some(self.view_order(self.orders.find(number)?))
    }

    fn view_live(&self, number: ClaimNumber, claim: &Claim) -> ClaimView {
        let line = |line: &ClaimLine| Line {
            quantity: line.quantity,
            seats: line.seats.to_vec(),
            ..self.empty_line(line.terms)
        };
        ClaimView {
            number,
            state: claim.state(),
            subject: self.subjects.subject(claim.subject),
            deadline_at: Some(claim.due_at()),
            origin: Some(claim.origin),
            renewals: claim.renewals,
            attempts: claim.attempts,
            quoted_minor: self.quoted.get(number).map(|money| money.total_minor),
            lines: claim.lines.as_slice().iter().map(line).collect(),
            payment: None,
            tickets: Vec::new(),
            refunded_minor: 0,
            in_dispute: false,
        }
    }

    fn view_order(&self, at: u32) -> ClaimView {
        let order = self.orders.get(at);
        let mut lines: Vec<Line> = Vec::new();
        let mut tickets = Vec::new();
        for slot in order.ticket_slots() {
            let ticket = self.orders.ticket(slot);
            if ticket.flags.has(TicketFlags::STARTS_LINE) {
                lines.push(self.empty_line(ticket.terms));
            }
            if let Some(line) = lines.last_mut() {
                line.quantity += 1;
                line.seats.extend(ticket.seat());
            }
            let line = u16::try_from(lines.len().saturating_sub(1)).unwrap_or(u16::MAX);
            tickets.push(self.view_ticket(order, slot, line));
        }
        ClaimView {
            number: order.number(),
            state: self.order_state(order),
            subject: self.subjects.subject(order.subject),
            deadline_at: None,
            origin: None,
            renewals: 0,
            attempts: 0,
            quoted_minor: self.quoted.get(order.number()).map(|money| money.total_minor),
            lines,
            payment: Some(order.payment),
            tickets,
            refunded_minor: self.money_of(at).refunded_minor,
            in_dispute: self.orders.is_disputed(at),
        }
    }

    fn view_ticket(&self, order: &Order, slot: TicketSlot, line: u16) -> TicketView {
        let ticket = self.orders.ticket(slot);
        TicketView {
            line,
            seat: ticket.seat(),
            holder: self.subjects.subject(self.orders.holder(order, slot)),
            generation: ticket.generation,
            refunded: ticket.is_refunded(),
            checked_in: self.orders.entrance(slot).map(|entrance| (entrance.at, entrance.gate)),
        }
    }

    fn empty_line(&self, terms: TermsId) -> Line {
        let term = self.terms.get(terms);
        Line {
            ticket_type: term.ticket_type,
            terms,
            quantity: 0,
            price_minor: term.price_minor,
            seats: Vec::new(),
        }
    }
}
