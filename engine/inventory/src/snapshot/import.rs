//! From the columns of an image to the state. Every index is checked, then the digest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::entry;
use crate::claims::{Claim, ClaimLine, ClaimLines, ExtraSubjects};
use crate::expired::Expired;
use crate::keys::{Keys, RECENT_PAGE, RecentPage, Record};
use crate::orders::{Order, Ticket, TicketFlags};
use crate::pools::{Out, Pool, Pools, Share};
use crate::seating::{ReleasedChannels, Seating};
use crate::subjects::Slot;
use crate::terms::{Term, Terms};
use crate::validate;
use crate::windows::{Window, Windows};
use crate::{
    CategoryId, ChannelId, ClaimNumber, Config, EXTRA_SUBJECTS_MAX, HOLD_LINES_MAX, IMAGE_NONE, Image,
    ImageError, Inventory, Origin, PaymentKind, PoolId, SeatIndex, TermsId, TicketTypeId, Timestamp,
};

pub(super) type Imported<T> = Result<T, ImageError>;

/// Reads a column word by word.
pub(super) struct Words<'a, W> {
    words: std::slice::Iter<'a, W>,
    column: &'static str,
}

impl<'a, W: Copy> Words<'a, W> {
    pub(super) fn new(column: &'static str, words: &'a [W]) -> Self {
        Words { words: words.iter(), column }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.len() == 0
    }

    fn malformed(&self) -> ImageError {
        ImageError::Malformed { column: self.column }
    }

    pub(super) fn next(&mut self) -> Imported<W> {
        self.words.next().copied().ok_or(ImageError::Malformed { column: self.column })
    }

    pub(super) fn ensure(&self, sound: bool) -> Imported<()> {
        if sound { Ok(()) } else { Err(self.malformed()) }
    }
}

/// The 16 bits of a word from bit `shift` on.
pub(super) const fn bits16(word: u64, shift: u32) -> u16 {
    let bytes = (word >> shift).to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// The 32 bits of a word from bit `shift` on.
pub(super) const fn bits32(word: u64, shift: u32) -> u32 {
    let bytes = (word >> shift).to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

const fn channel_of(byte: u8) -> Option<ChannelId> {
    if byte == u8::MAX { None } else { Some(ChannelId(byte)) }
}

impl Inventory {
    pub(crate) fn from_image(image: &Image) -> Imported<Self> {
        let mut inventory = Inventory::new(image.event);
        inventory.sequence = image.sequence;
        inventory.logged_at = image.logged_at;
        inventory.phase = image.phase;
        inventory.version = image.config_version;
        inventory.released = ReleasedChannels(image.released_channels);
        match &image.config {
            // What could not have been configured has no layout.
            Some(config) if image.config_version > 0 && validate::check(config).is_ok() => {
                inventory.config = Arc::clone(config);
                inventory.config_mix = crate::config_mix::mix(config);
            }
            None if image.config_version == 0 => {}
            _ => return Err(ImageError::Malformed { column: "config" }),
        }
        inventory.import_configured(image)?;
        inventory.import_subjects(image)?;
        inventory.import_claims(image)?;
        inventory.import_orders(image)?;
        inventory.import_money(image)?;
        inventory
            .waitlist
            .reconfigure(&image.config.clone().unwrap_or_else(|| Arc::clone(&inventory.config)));
        inventory.import_waitlist(image)?;
        let drawn = inventory.drawn_under(&inventory.config);
        inventory.pools.recount(&drawn);
        inventory.import_quoted(image)?;
        inventory.import_keys(image)?;
        inventory.import_expired(image)?;
        // Units follow from claims and orders, so that no digest tells a wrong one.
        if inventory.subjects.slots().count() < inventory.subjects.capacity() {
            return Err(ImageError::Malformed { column: "subjects" });
        }
        if inventory.wrongly_charged().is_some() {
            return Err(ImageError::Malformed { column: "subject_units" });
        }
        inventory.limit_types();
        inventory.plan();
        let found = inventory.digest();
        if found != image.digest {
            return Err(ImageError::DigestMismatch { expected: image.digest, found });
        }
        Ok(inventory)
    }

    fn import_configured(&mut self, image: &Image) -> Imported<()> {
        let config = Arc::clone(&self.config);
        let windows: Option<Vec<Window>> = image.windows_open.iter().map(|&byte| window_of(byte)).collect();
        match windows {
            Some(windows) if windows.len() == config.ticket_types.len() => self.windows = Windows(windows),
            _ => return Err(ImageError::Malformed { column: "windows_open" }),
        }
        let terms = import_terms(image, &config)?;
        let known = terms.len();
        self.terms = Terms::from_parts(terms, &config);
        if self.terms.len() != known {
            return Err(ImageError::Malformed { column: "terms" });
        }
        self.pools = Pools::from_parts(import_pools(image, &config)?);
        let Some(seating) = Seating::restored(&config, self.released, image.seat_states.clone()) else {
            return Err(ImageError::Malformed { column: "seat_states" });
        };
        self.seating = seating;
        self.seats_sum = self.fresh_seats_sum();
        for &seat in &image.seats_to_kill {
            self.seats_to_kill.insert(SeatIndex(seat));
        }
        if self.seats_to_kill.iter().any(|seat| seat.0 >= self.seating.seats()) {
            return Err(ImageError::Malformed { column: "seats_to_kill" });
        }
        Ok(())
    }

    fn import_subjects(&mut self, image: &Image) -> Imported<()> {
        if image.subjects.len() != 2 * image.subject_units.len() {
            return Err(ImageError::Malformed { column: "subjects" });
        }
        let subjects = image.subjects.chunks_exact(2).zip(&image.subject_units);
        self.subjects.import(subjects.map(|(words, &units)| (words[0], words[1], units)));
        Ok(())
    }

    /// Names a subject of the image once more.
    pub(super) fn import_name(&mut self, slot: Slot, column: &'static str) -> Imported<Slot> {
        if slot as usize >= self.subjects.capacity() {
            return Err(ImageError::Malformed { column });
        }
        self.subjects.name_again(slot);
        Ok(slot)
    }

    fn import_claims(&mut self, image: &Image) -> Imported<()> {
        let mut words = Words::new("claims", &image.claims);
        let mut due = Vec::new();
        while !words.is_empty() {
            let (number, claim) = self.import_claim(&mut words)?;
            words.ensure(due.last().is_none_or(|(_, before)| *before < number))?;
            due.push((claim.due_at(), number));
            self.claims.insert(number, claim, &self.subjects);
        }
        self.deadlines.import(due);
        Ok(())
    }

    fn import_claim(&mut self, words: &mut Words<'_, u64>) -> Imported<(ClaimNumber, Claim)> {
        let number = ClaimNumber(words.next()?);
        let (deadline_at, life_ends_at) = (Timestamp(words.next()?), Timestamp(words.next()?));
        let grace = words.next()?;
        let counts = words.next()?;
        let flags = words.next()?.to_le_bytes();
        let (extras, lines) = (counts.to_le_bytes()[4], counts.to_le_bytes()[5]);
        words.ensure(usize::from(extras) <= EXTRA_SUBJECTS_MAX && usize::from(lines) <= HOLD_LINES_MAX)?;
        let subject = self.import_name(bits32(counts, 0), "claims")?;
        let mut extra = ExtraSubjects::NONE;
        for _ in 0..extras {
            let slot = bits32(words.next()?, 0);
            extra.push(self.import_name(slot, "claims")?);
        }
        let origin = if flags[3] == 0 { Origin::Direct } else { Origin::Offer };
        let lines = match lines {
            1 => ClaimLines::One(self.import_line(words)?),
            _ => ClaimLines::Many((0..lines).map(|_| self.import_line(words)).collect::<Imported<_>>()?),
        };
        let mut claim =
            Claim::new(subject, extra, channel_of(flags[0]), origin, deadline_at, life_ends_at, lines);
        claim.renewals = flags[1];
        claim.attempts = flags[2];
        words.ensure(flags[4] <= extras)?;
        claim.learnt = flags[4];
        claim.set_grace((grace != 0).then_some(Timestamp(grace)));
        Ok((number, claim))
    }

    fn import_line(&self, words: &mut Words<'_, u64>) -> Imported<ClaimLine> {
        let word = words.next()?;
        let terms = TermsId(bits16(word, 0));
        words.ensure(usize::from(terms.0) < self.terms.len())?;
        let mut seats = Vec::new();
        for _ in 0..bits32(word, 32) {
            let seat = SeatIndex(bits32(words.next()?, 0));
            words.ensure(seat.0 < self.seating.seats())?;
            seats.push(seat);
        }
        Ok(ClaimLine { terms, quantity: bits16(word, 16), seats: seats.into_boxed_slice() })
    }

    fn import_orders(&mut self, image: &Image) -> Imported<()> {
        for &word in &image.tickets {
            let terms = TermsId(bits16(word, 32));
            let marks = word.to_le_bytes();
            let flags = TicketFlags(marks[6]);
            let seat = bits32(word, 0);
            let seat_ok = seat == IMAGE_NONE || seat < self.seating.seats();
            if !seat_ok || usize::from(terms.0) >= self.terms.len() || flags.0 & !TicketFlags::ALL != 0 {
                return Err(ImageError::Malformed { column: "tickets" });
            }
            self.orders.import_ticket(Ticket::from_parts(seat, terms, flags, marks[7]));
        }
        if !image.orders.len().is_multiple_of(5) {
            return Err(ImageError::Malformed { column: "orders" });
        }
        let words = image.orders.chunks_exact(5);
        let orders = words.map(|words| self.import_order(image, words)).collect::<Imported<Vec<Order>>>()?;
        self.orders.import_orders(orders);
        self.import_sides(image)
    }

    fn import_order(&mut self, image: &Image, words: &[u32]) -> Imported<Order> {
        let malformed = ImageError::Malformed { column: "orders" };
        let [tickets, channel, payment, refunded] = words[4].to_le_bytes();
        let payment = match payment {
            0 => PaymentKind::Free,
            1 => PaymentKind::Offline,
            2 => PaymentKind::Captured,
            _ => return Err(malformed),
        };
        let end = words[3] as usize + usize::from(tickets);
        if end > image.tickets.len() || refunded > tickets {
            return Err(malformed);
        }
        let subject = self.import_name(words[2], "orders")?;
        let number = ClaimNumber(u64::from(words[0]) | u64::from(words[1]) << 32);
        let mut order = Order::new(number, subject, channel_of(channel), payment);
        order.first_ticket = words[3];
        order.tickets = tickets;
        order.refunded = refunded;
        Ok(order)
    }

    fn import_sides(&mut self, image: &Image) -> Imported<()> {
        let tickets = image.tickets.len();
        let mut extra = BTreeMap::new();
        let mut words = Words::new("order_extras", &image.order_extras);
        while !words.is_empty() {
            let (order, count) = (words.next()?, words.next()? as usize);
            words.ensure((order as usize) < self.orders.len() && count <= EXTRA_SUBJECTS_MAX)?;
            let mut slots = Vec::with_capacity(count);
            for _ in 0..count {
                let slot = words.next()?;
                slots.push(self.import_name(slot, "order_extras")?);
            }
            extra.insert(order, slots.into_boxed_slice());
        }
        let mut transferred = BTreeMap::new();
        let mut words = Words::new("transferred", &image.transferred);
        while !words.is_empty() {
            let (ticket, holder) = (words.next()?, words.next()?);
            words.ensure((ticket as usize) < tickets)?;
            transferred.insert(ticket, self.import_name(holder, "transferred")?);
        }
        let passages = entry::passages(image)?;
        self.orders.import_sides(extra, transferred, passages, &self.subjects);
        self.import_devices(image)
    }

    fn import_keys(&mut self, image: &Image) -> Imported<()> {
        let record = |words: &[u64]| Record { key: words[0], mark: words[1] };
        let pages = image.keys_recent.chunks(2 * RECENT_PAGE);
        let even = image.keys_settled.len().is_multiple_of(2) && image.keys_recent.len().is_multiple_of(2);
        let aligned = image.keys_recent_first.is_multiple_of(RECENT_PAGE as u64);
        if !even || !aligned || pages.len() != image.keys_page_times.len() {
            return Err(ImageError::Malformed { column: "keys_recent" });
        }
        let pages = pages.zip(&image.keys_page_times).map(|(words, &last_at)| {
            let mut records = Vec::with_capacity(RECENT_PAGE);
            records.extend(words.chunks_exact(2).map(record));
            RecentPage { records, last_at: Timestamp(last_at) }
        });
        let pages: VecDeque<RecentPage> = pages.collect();
        let settled = image.keys_settled.chunks_exact(2).map(record);
        self.keys = Keys::from_parts(settled, pages, image.keys_recent_first, image.keys_horizon);
        Ok(())
    }

    fn import_expired(&mut self, image: &Image) -> Imported<()> {
        let expired = Expired::from_records(&image.expired);
        self.expired = expired.ok_or(ImageError::Malformed { column: "expired" })?;
        Ok(())
    }
}

const fn window_of(byte: u8) -> Option<Window> {
    match byte {
        0 => Some(Window::Before),
        1 => Some(Window::Open),
        2 => Some(Window::After),
        _ => None,
    }
}

fn import_terms(image: &Image, config: &Config) -> Imported<Vec<Term>> {
    let mut words = Words::new("terms", &image.terms);
    let mut terms = Vec::new();
    while !words.is_empty() {
        let head = words.next()?;
        let price_minor = words.next()?.cast_signed();
        let draws = words.next()?;
        let mut draws_on = Vec::new();
        for _ in 0..draws {
            let pool = PoolId(bits16(words.next()?, 0));
            words.ensure(pool.index() < config.pools.len())?;
            draws_on.push(pool);
        }
        let ticket_type = TicketTypeId(bits16(head, 0));
        words.ensure(ticket_type.index() < config.ticket_types.len())?;
        let category = (bits32(head, 32) != IMAGE_NONE).then(|| CategoryId(bits16(head, 32)));
        terms.push(Term { ticket_type, price_minor, category, draws_on: draws_on.into_boxed_slice() });
    }
    Ok(terms)
}

fn import_pools(image: &Image, config: &Config) -> Imported<Vec<Pool>> {
    if image.pools.len() != 5 * config.pools.len() {
        return Err(ImageError::Malformed { column: "pools" });
    }
    let pool = |words: &[u32]| Pool::from_parts([words[0], words[1], words[2], words[3], words[4]]);
    let mut pools: Vec<Pool> = image.pools.chunks_exact(5).map(pool).collect();
    let mut words = Words::new("shares", &image.shares);
    while !words.is_empty() {
        let (pool, channel, free) = (words.next()?, words.next()?, words.next()?);
        let (Some(pool), Ok(channel)) = (pools.get_mut(pool as usize), u8::try_from(channel)) else {
            return Err(words.malformed());
        };
        // What is out follows from claims and orders, which are not there yet.
        pool.shares.push(Share { channel: ChannelId(channel), free, out: Out::default() });
    }
    Ok(pools)
}
