//! From the state to the columns of an image.

use super::{money, quoted};
use crate::claims::Claim;
use crate::digest::{high_half, low_half};
use crate::orders::Order;
use crate::{ClaimNumber, IMAGE_NONE, Image, Inventory};

impl Inventory {
    pub(crate) fn to_image(&self) -> Image {
        let mut image = Image {
            event: self.event,
            sequence: self.sequence,
            logged_at: self.logged_at,
            digest: self.digest(),
            phase: self.phase,
            config_version: self.version,
            config: self.config().map(|(_, config)| config.clone()),
            released_channels: self.released.0,
            windows_open: self.windows.0.iter().map(|&window| window as u8).collect(),
            terms: Vec::new(),
            pools: Vec::with_capacity(5 * self.pools.len()),
            shares: Vec::new(),
            seat_states: self.seating.map(),
            seats_to_kill: self.seats_to_kill.iter().map(|seat| seat.0).collect(),
            subjects: Vec::with_capacity(2 * self.subjects.capacity()),
            subject_units: Vec::with_capacity(self.subjects.capacity()),
            // A claim of one standing line has seven words.
            claims: Vec::with_capacity(7 * self.claims.len()),
            orders: Vec::with_capacity(5 * self.orders.len()),
            tickets: Vec::with_capacity(self.orders.tickets().count()),
            order_extras: Vec::new(),
            transferred: Vec::new(),
            checked_in: Vec::new(),
            keys_settled: Vec::new(),
            keys_recent: Vec::new(),
            keys_recent_first: self.keys.first(),
            keys_page_times: Vec::new(),
            keys_horizon: self.keys.horizon(),
            expired: self.expired.records().collect(),
            quoted: self.quoted.iter().flat_map(|(number, money)| quoted::words_of(number, money)).collect(),
            shares_quoted: self.export_shares(),
            refunded_beyond: money::beyond_words(&self.orders),
            disputes: self.orders.disputes().copied().collect(),
            passages: Vec::new(),
            devices: Vec::new(),
            waitlist: Vec::with_capacity(4 * self.waitlist.len()),
            accumulating: Vec::new(),
        };
        self.export_pools(&mut image);
        let positions = self.export_subjects(&mut image);
        self.export_claims(&mut image, &positions);
        self.export_orders(&mut image, &positions);
        self.export_entry(&mut image);
        self.export_waitlist(&mut image, &positions);
        self.export_keys(&mut image);
        image
    }

    fn export_pools(&self, image: &mut Image) {
        for term in self.terms.iter() {
            let category = term.category.map_or(IMAGE_NONE, |category| u32::from(category.0));
            image.terms.push(u64::from(term.ticket_type.0) | u64::from(category) << 32);
            image.terms.push(term.price_minor.cast_unsigned());
            image.terms.push(term.draws_on.len() as u64);
            image.terms.extend(term.draws_on.iter().map(|pool| u64::from(pool.0)));
        }
        for (at, pool) in (0..).zip(self.pools.iter()) {
            image.pools.extend([pool.general, pool.held, pool.sold, pool.killed, pool.kill_debt]);
            for share in &pool.shares {
                image.shares.extend([at, u32::from(share.channel.0), share.free]);
            }
        }
    }

    /// Writes the subjects without gaps, and returns the new position of each slot.
    fn export_subjects(&self, image: &mut Image) -> Vec<u32> {
        let mut positions = vec![IMAGE_NONE; self.subjects.capacity()];
        for (position, slot) in (0..).zip(self.subjects.slots()) {
            positions[slot as usize] = position;
            let subject = self.subjects.subject(slot).0;
            image.subjects.extend([low_half(subject), high_half(subject)]);
            image.subject_units.push(self.subjects.units(slot));
        }
        positions
    }

    fn export_claims(&self, image: &mut Image, positions: &[u32]) {
        for (number, claim) in self.claims.iter() {
            export_claim(&mut image.claims, positions, number, claim);
        }
    }

    fn export_orders(&self, image: &mut Image, positions: &[u32]) {
        for (_, order) in self.orders.iter() {
            image.orders.extend(words_of_order(order, positions));
        }
        for ticket in self.orders.tickets() {
            let seat = ticket.seat().map_or(IMAGE_NONE, |seat| seat.0);
            let marks = u64::from(ticket.terms.0)
                | u64::from(ticket.flags.0) << 16
                | u64::from(ticket.generation) << 24;
            image.tickets.push(u64::from(seat) | marks << 32);
        }
        for (&order, extra) in self.orders.extras() {
            image.order_extras.extend([order, u32::try_from(extra.len()).unwrap_or(IMAGE_NONE)]);
            image.order_extras.extend(extra.iter().map(|&slot| positions[slot as usize]));
        }
        for (&ticket, &holder) in self.orders.transfers() {
            image.transferred.extend([ticket, positions[holder as usize]]);
        }
    }

    fn export_keys(&self, image: &mut Image) {
        image.keys_settled = self.keys.settled().flat_map(|record| [record.key, record.mark]).collect();
        for page in self.keys.recent() {
            image.keys_recent.extend(page.records.iter().flat_map(|record| [record.key, record.mark]));
            image.keys_page_times.push(page.last_at.0);
        }
    }
}

fn export_claim(words: &mut Vec<u64>, positions: &[u32], number: ClaimNumber, claim: &Claim) {
    let lines = claim.lines.as_slice();
    let counts = (claim.extra.iter().count() as u64) << 32 | (lines.len() as u64) << 40;
    let channel = claim.channel.map_or(u64::from(u8::MAX), |channel| u64::from(channel.0));
    let flags = channel
        | u64::from(claim.renewals) << 8
        | u64::from(claim.attempts) << 16
        | (claim.origin as u64) << 24
        | u64::from(claim.learnt) << 32;
    words.extend([
        number.0,
        claim.deadline_at.0,
        claim.life_ends_at.0,
        claim.grace_until().map_or(0, |grace| grace.0),
        u64::from(positions[claim.subject as usize]) | counts,
        flags,
    ]);
    words.extend(claim.extra.iter().map(|slot| u64::from(positions[slot as usize])));
    for line in lines {
        let seats = (line.seats.len() as u64) << 32;
        words.push(u64::from(line.terms.0) | u64::from(line.quantity) << 16 | seats);
        words.extend(line.seats.iter().map(|seat| u64::from(seat.0)));
    }
}

fn words_of_order(order: &Order, positions: &[u32]) -> [u32; 5] {
    let channel = order.channel().map_or(u32::from(u8::MAX), |channel| u32::from(channel.0));
    let [low, high] = order.halves();
    let marks = u32::from(order.tickets)
        | channel << 8
        | (order.payment as u32) << 16
        | u32::from(order.refunded) << 24;
    [low, high, positions[order.subject as usize], order.first_ticket, marks]
}
