//! What events do.

use std::sync::Arc;

use tessera_inventory::{
    ChannelId, ClaimNumber, Config, Event, EventBody, HoldPlaced, Payment, Phase, PoolId, RefundedUnits,
    SeatIndex, SeatState, Subject, Timestamp, Units,
};

use super::{Claim, Line, Model, Passed, Pool, Ticket, Waiting, Window};

impl Model {
    /// Adds the next event.
    pub fn apply(&mut self, event: Event) {
        let Event { at, key, body } = event;
        self.sequence += 1;
        self.logged_at = at;
        let sequence = self.sequence;
        if let Some(key) = key {
            self.keys.insert(key.digest, (key.fingerprint, sequence));
        }
        match body {
            EventBody::Configured { version, config } => self.adopt(at, version, &config),
            EventBody::PhaseChanged { to } => self.enter(to),
            EventBody::HoldPlaced(placed) => self.hold(sequence, placed),
            EventBody::HoldRenewed { hold, deadline_at } => {
                let claim = self.claim_mut(hold);
                claim.deadline_at = deadline_at;
                claim.renewals += 1;
            }
            EventBody::HoldReleased { hold } => self.end(hold.0),
            EventBody::Expired { through, .. } => self.expire(through),
            EventBody::PaymentBegun { order, grace_until, attempt, extra_subjects, charge: _ } => {
                self.begin(order, grace_until, attempt, extra_subjects);
            }
            EventBody::PaymentFailed { order, attempt: _ } => {
                let claim = self.claim_mut(order);
                claim.grace_until = None;
                claim.extra.truncate(claim.of_hold);
            }
            EventBody::Confirmed { order, payment, attempt: _ } => self.sell(order, payment),
            EventBody::TicketsRefunded { order, tickets, units, amount_minor, reason } => {
                self.give_back(order, &tickets, units, (amount_minor, reason));
            }
            EventBody::SoldLate(sold) => {
                let (_, lines) = self.placed[&sold.order.0].clone();
                self.enter_hold(sold.order.0, sold.hold, lines);
                self.sell(sold.order, sold.payment);
            }
            EventBody::OrderDisputed { order, dispute, revoked } => self.dispute(order, dispute, &revoked),
            EventBody::UnitsKilled(units) => self.withdraw(units),
            EventBody::UnitsRestored(units) => self.bring_back(units),
            EventBody::ChannelReleased { channel } => self.open_channel(channel),
            EventBody::SaleWindowChanged { ticket_type, open } => {
                self.windows[ticket_type.index()] = if open { Window::Open } else { Window::After };
            }
            EventBody::TicketTransferred { ticket, to, generation, .. } => {
                self.ticket_mut(ticket.order, ticket.index).holder = to;
                self.ticket_mut(ticket.order, ticket.index).generation = generation;
            }
            EventBody::TicketReissued { ticket, generation } => {
                self.ticket_mut(ticket.order, ticket.index).generation = generation;
            }
            EventBody::CheckedIn { ticket, gate, .. } => {
                self.pass(ticket, Passed { at, device: 0, number: sequence, gate, inward: true });
            }
            EventBody::CheckedOut { ticket, gate, stamped: true, .. } => {
                self.pass(ticket, Passed { at, device: 0, number: sequence, gate, inward: false });
            }
            EventBody::CheckedOut { ticket, .. } => {
                self.ticket_mut(ticket.order, ticket.index).passages.clear();
            }
            EventBody::ScansRecorded(record) => self.add_scans(record),
            EventBody::WaitlistJoined(joined) => {
                self.waiting.push(Waiting { number: sequence, joined: *joined });
            }
            EventBody::WaitlistLeft { entry, .. } => self.stop_waiting(entry.0),
            EventBody::WaitlistPatienceEnded { ticket_type } => {
                self.kept.get_mut(&ticket_type.0).unwrap().since = None;
            }
        }
        self.keep(at);
    }

    fn begin(&mut self, order: ClaimNumber, grace_until: Timestamp, attempt: u8, extra: Vec<Subject>) {
        let claim = self.claim_mut(order);
        claim.grace_until = Some(grace_until);
        claim.attempts = attempt;
        claim.of_hold = claim.extra.len();
        claim.extra.extend(extra);
    }

    fn open_channel(&mut self, channel: ChannelId) {
        self.released.insert(channel.0);
        for pool in &mut self.pools {
            pool.general += pool.shares.remove(&channel.0).unwrap_or(0);
        }
    }

    fn claim_mut(&mut self, claim: ClaimNumber) -> &mut Claim {
        self.claims.get_mut(&claim.0).unwrap()
    }

    pub(crate) fn ticket_mut(&mut self, order: ClaimNumber, index: u16) -> &mut Ticket {
        &mut self.claim_mut(order).tickets[usize::from(index)]
    }

    /// A new configuration: capacities and allotments move by their difference. The windows of new types stand as the time
    /// says. Those of known ones stay, and what the time says against a changed one happens later, as an event; but who
    /// is to wait for an opening waits at once.
    fn adopt(&mut self, at: Timestamp, version: u32, config: &Arc<Config>) {
        if self.is_untouched() {
            self.config = None;
            self.pools.clear();
        }
        let before = self.config.replace(Arc::clone(config));
        self.version = version;
        let stand = |window: &tessera_inventory::SaleWindow| match (window.opens_at, window.closes_at) {
            (_, Some(closes_at)) if closes_at <= at => Window::After,
            (Some(opens_at), _) if at < opens_at => Window::Before,
            _ => Window::Open,
        };
        let of_type = |(at, known): (usize, &tessera_inventory::TicketType)| {
            let says = stand(&known.window);
            let before = before.as_ref().and_then(|before| before.ticket_types.get(at));
            match before.map(|before| (before.window == known.window, self.windows[at])) {
                None => says,
                Some((true, stood)) => stood,
                Some(_) if says == Window::Before => Window::Before,
                Some((_, Window::Open)) => Window::Open,
                Some(_) if says == Window::Open => Window::Before,
                Some(_) => Window::After,
            }
        };
        self.windows = config.ticket_types.iter().enumerate().map(of_type).collect();
        let pools = config.pools.iter().enumerate();
        self.pools = pools.map(|(pool, _)| self.pool_under(before.as_ref(), config, pool)).collect();
    }

    /// A pool's free units under a new configuration.
    fn pool_under(&self, before: Option<&Arc<Config>>, after: &Config, pool: usize) -> Pool {
        let (general, shares) = self.free_under(before, after, pool);
        let known = self.pools.get(pool).cloned().unwrap_or_default();
        // Killed units that a smaller capacity had to give are gone.
        let free: i64 = general + shares.iter().map(|&(_, free)| free).sum::<i64>();
        let id = PoolId(u16::try_from(pool).unwrap());
        let out = i64::from(self.held_of(id)) + i64::from(self.sold_of(id));
        let killed = u32::try_from(i64::from(after.pools[pool].capacity) - free - out).unwrap();
        assert!(killed <= known.killed, "the model killed units by a configuration");
        Pool {
            killed,
            general: u32::try_from(general).unwrap(),
            shares: shares
                .into_iter()
                .map(|(channel, free)| (channel, u32::try_from(free).unwrap()))
                .collect(),
            ..known
        }
    }

    /// What would be free for everyone, and for each channel; less than nothing says that it does not fit.
    pub(crate) fn free_under(
        &self,
        before: Option<&Arc<Config>>,
        after: &Config,
        pool: usize,
    ) -> (i64, Vec<(u8, i64)>) {
        let known = self.pools.get(pool).cloned().unwrap_or_default();
        let allotted = |config: &Config, channel: u8| {
            let channel = config.channels.get(usize::from(channel))?;
            channel.allotments.iter().find(|(of, _)| of.index() == pool).map(|&(_, units)| i64::from(units))
        };
        let capacity = |config: &Config| config.pools.get(pool).map_or(0, |pool| i64::from(pool.capacity));
        let mut general = i64::from(known.general) + capacity(after);
        general -= before.map_or(0, |before| capacity(before));
        let mut shares = Vec::new();
        for channel in (0..u8::try_from(after.channels.len()).unwrap()).filter(|c| !self.released.contains(c))
        {
            let free = known.shares.get(&channel).map_or(0, |&free| i64::from(free));
            // A channel that had no allotment here draws on its new one with what it has out already.
            let out = || if before.is_some() { self.out_of(pool, channel) } else { 0 };
            let was = before.and_then(|before| allotted(before, channel));
            let will_be = match (was, allotted(after, channel)) {
                (_, None) => {
                    general += free;
                    continue;
                }
                (None, Some(is)) => is - out(),
                // Some of it may have been killed when it returned: only what is out must fit.
                (Some(_), Some(is)) if is < out() => is - out(),
                (Some(was), Some(is)) => (free + is - was).max(0),
            };
            general -= will_be - free;
            shares.push((channel, will_be));
        }
        // What the free units do not give of a smaller capacity, the killed ones give.
        let shrinks_by = before.map_or(0, |before| capacity(before)) - capacity(after);
        let given = (-general).min(shrinks_by).min(i64::from(known.killed)).max(0);
        (general + given, shares)
    }

    /// Units of the pool in holds and on unrefunded tickets that were placed with this channel's code.
    fn out_of(&self, pool: usize, channel: u8) -> i64 {
        let of_channel = self.claims.values().filter(|claim| claim.channel == Some(ChannelId(channel)));
        let mut units = 0;
        for claim in of_channel {
            for (at, line) in claim.lines.iter().enumerate() {
                if line.draws_on.iter().any(|of| of.index() == pool) {
                    let back = claim
                        .tickets
                        .iter()
                        .filter(|ticket| usize::from(ticket.line) == at && ticket.refunded);
                    units += i64::from(line.quantity) - i64::try_from(back.count()).unwrap();
                }
            }
        }
        units
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        if phase == Phase::Cancelled {
            let live = self.claims.values().filter(|claim| claim.payment.is_none());
            let live: Vec<u64> = live.map(|claim| claim.number).collect();
            live.into_iter().for_each(|claim| self.end(claim));
        }
        if matches!(phase, Phase::Closed | Phase::Cancelled) {
            self.waiting.clear();
        }
    }

    fn hold(&mut self, number: u64, placed: HoldPlaced) {
        if let Some(entry) = placed.entry {
            self.stop_waiting(entry.0);
        }
        let config = Arc::clone(self.config.as_ref().unwrap());
        let freeze = |line: tessera_inventory::Line| Line {
            ticket_type: line.ticket_type,
            price_minor: line.price_minor,
            draws_on: config.ticket_types[line.ticket_type.index()].draws_on.clone(),
            quantity: line.quantity,
            seats: line.seats,
        };
        let lines: Vec<Line> = placed.lines.iter().cloned().map(freeze).collect();
        self.placed.insert(number, (placed.clone(), lines.clone()));
        self.enter_hold(number, placed, lines);
    }

    fn enter_hold(&mut self, number: u64, placed: HoldPlaced, lines: Vec<Line>) {
        for line in &lines {
            for &pool in &line.draws_on {
                *self.source(pool, placed.channel) -= u32::from(line.quantity);
            }
        }
        let claim = Claim {
            number,
            subject: placed.subjects.primary,
            of_hold: placed.subjects.extra.len(),
            extra: placed.subjects.extra,
            channel: placed.channel,
            origin: placed.origin,
            lines,
            quote: placed.quote.map(|quote| *quote),
            beyond_minor: 0,
            in_dispute: false,
            promotion_returned: false,
            deadline_at: placed.deadline_at,
            life_ends_at: placed.life_ends_at,
            grace_until: None,
            renewals: 0,
            attempts: 0,
            payment: None,
            tickets: vec![],
        };
        self.claims.insert(number, claim);
    }

    /// The free units that a hold with this channel draws on, and that its units return to.
    fn source(&mut self, pool: PoolId, channel: Option<ChannelId>) -> &mut u32 {
        let pool = &mut self.pools[pool.index()];
        match channel.filter(|channel| pool.shares.contains_key(&channel.0)) {
            Some(channel) => pool.shares.get_mut(&channel.0).unwrap(),
            None => &mut pool.general,
        }
    }

    /// Ends a claim without a sale.
    fn end(&mut self, claim: u64) {
        let claim = self.claims.remove(&claim).unwrap();
        for line in &claim.lines {
            for &pool in &line.draws_on {
                self.put_back(pool, claim.channel, line.quantity.into());
            }
            line.seats.iter().for_each(|&seat| self.put_seat_back(seat));
        }
    }

    /// Kills that wait come first.
    fn put_back(&mut self, pool: PoolId, channel: Option<ChannelId>, quantity: u32) {
        for _ in 0..quantity {
            let waiting = &mut self.pools[pool.index()];
            if waiting.to_kill > 0 {
                waiting.to_kill -= 1;
                waiting.killed += 1;
            } else {
                *self.source(pool, channel) += 1;
            }
        }
    }

    fn put_seat_back(&mut self, seat: SeatIndex) {
        if self.seats_to_kill.remove(&seat) {
            self.killed_seats.insert(seat);
        }
    }

    /// In the order of their deadlines: kills that wait are served by who returns first.
    fn expire(&mut self, through: (Timestamp, ClaimNumber)) {
        let is_covered = |&&(at, number): &&(Timestamp, u64)| (at, number) <= (through.0, through.1.0);
        let due: Vec<(Timestamp, u64)> = self.deadlines().iter().filter(is_covered).copied().collect();
        for (_, number) in due {
            self.expired.push((number, self.claims[&number].subject));
            self.end(number);
        }
    }

    fn sell(&mut self, order: ClaimNumber, payment: Payment) {
        let claim = self.claim_mut(order);
        claim.payment = Some(payment.kind());
        claim.grace_until = None;
        for (at, line) in (0_u16..).zip(&claim.lines) {
            for unit in 0..usize::from(line.quantity) {
                claim.tickets.push(Ticket {
                    line: at,
                    seat: line.seats.get(unit).copied(),
                    holder: claim.subject,
                    generation: 0,
                    refunded: false,
                    passages: vec![],
                });
            }
        }
    }

    pub(crate) fn refund_ticket(&mut self, order: ClaimNumber, index: u16, fate: RefundedUnits) {
        let ticket = self.ticket_mut(order, index);
        ticket.refunded = true;
        let (line, seat) = (usize::from(ticket.line), ticket.seat);
        let channel = self.claims[&order.0].channel;
        for pool in self.claims[&order.0].lines[line].draws_on.clone() {
            match fate {
                RefundedUnits::Restock => self.put_back(pool, channel, 1),
                RefundedUnits::Kill => {
                    // A kill cannot wait for more units than are out.
                    let out = self.held_of(pool) + self.sold_of(pool);
                    let state = &mut self.pools[pool.index()];
                    state.killed += 1;
                    state.to_kill = state.to_kill.min(out);
                }
            }
        }
        if let Some(seat) = seat {
            self.put_seat_back(seat);
            if fate == RefundedUnits::Kill {
                self.killed_seats.insert(seat);
            }
        }
    }

    /// The last refund of an order returns its promotion, if that is to return, and in any case if nobody ever paid.
    pub(crate) fn return_promotion(&mut self, order: ClaimNumber, is_unpaid: bool) {
        let promotions = self.promotions();
        let claim = self.claim_mut(order);
        let used = claim.quote.as_ref().and_then(|quote| quote.promotion);
        let returns = used.is_some_and(|at| is_unpaid || promotions[usize::from(at)].returns_on_refund);
        claim.promotion_returned |= returns && claim.tickets.iter().all(|ticket| ticket.refunded);
    }

    fn withdraw(&mut self, units: Units) {
        match units {
            Units::Pool { pool, quantity } => {
                let pool = &mut self.pools[pool.index()];
                let now = quantity.min(pool.general);
                pool.general -= now;
                pool.killed += now;
                pool.to_kill += quantity - now;
            }
            Units::Seats(seats) => {
                for seat in seats {
                    if self.seat_state(seat) == SeatState::Free {
                        self.killed_seats.insert(seat);
                    } else {
                        self.seats_to_kill.insert(seat);
                    }
                }
            }
        }
    }

    fn bring_back(&mut self, units: Units) {
        match units {
            Units::Pool { pool, quantity } => {
                let pool = &mut self.pools[pool.index()];
                let waiting = quantity.min(pool.to_kill);
                pool.to_kill -= waiting;
                pool.killed -= quantity - waiting;
                pool.general += quantity - waiting;
            }
            Units::Seats(seats) => {
                for seat in seats {
                    self.seats_to_kill.remove(&seat);
                    self.killed_seats.remove(&seat);
                }
            }
        }
    }
}
