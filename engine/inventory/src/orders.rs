//! Settled orders and their tickets, compact: 20 bytes an order, 8 a ticket. What few have stands in side tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::{Kind, Mix};
use crate::index::{Index, hash_of};
use crate::paged::Paged;
use crate::passages::Passage;
use crate::subjects::{Slot, Subjects};
use crate::{ChannelId, ClaimNumber, PaymentKind, SeatIndex, TermsId};

/// Position of a ticket in the arena.
pub(crate) type TicketSlot = u32;

const NO_CHANNEL: u8 = u8::MAX;
const NO_SEAT: u32 = u32::MAX;
/// What the words of an order's mix that only few have are told by.
const MIX_BEYOND: u32 = 1;
const MIX_DISPUTED: u32 = 2;

/// A paid order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Low and high half of the number: halves keep the record at 20 bytes.
    number: [u32; 2],
    pub(crate) subject: Slot,
    pub(crate) first_ticket: TicketSlot,
    pub(crate) tickets: u8,
    channel: u8,
    pub(crate) payment: PaymentKind,
    /// How many of its tickets were refunded.
    pub(crate) refunded: u8,
}

const _: () = assert!(size_of::<Order>() == 20 && size_of::<Ticket>() == 8);
const _: () = assert!(crate::HOLD_UNITS_MAX <= u8::MAX as u16 && crate::CHANNELS_MAX < NO_CHANNEL as usize);
const _: () = assert!(crate::SEATS_MAX < NO_SEAT as usize);

/// A ticket of a paid order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    seat: u32,
    pub(crate) terms: TermsId,
    pub(crate) flags: TicketFlags,
    pub(crate) generation: u8,
}

/// What happened to a ticket, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct TicketFlags(pub(crate) u8);

impl TicketFlags {
    /// The first of its line.
    pub(crate) const STARTS_LINE: u8 = 1;
    /// Its money went back.
    pub(crate) const REFUNDED: u8 = 2;
    /// It is in.
    pub(crate) const CHECKED_IN: u8 = 4;
    /// Another than the order's subject holds it.
    pub(crate) const TRANSFERRED: u8 = 8;
    /// Every bit there is.
    pub(crate) const ALL: u8 = 15;

    #[inline]
    pub(crate) fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// The settled orders of one event.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    orders: Paged<Order>,
    index: Index,
    tickets: Paged<Ticket>,
    /// Further subjects, by order.
    extra: BTreeMap<u32, Box<[Slot]>>,
    transferred: BTreeMap<TicketSlot, Slot>,
    /// The last passage of each ticket that passed a gate.
    passages: BTreeMap<TicketSlot, Passage>,
    /// What was given back beside what refunded tickets come to, in minor units, by order; none is zero.
    beyond: BTreeMap<u32, i64>,
    /// Orders whose payment is disputed.
    disputed: BTreeSet<u32>,
    /// Orders with a ticket that is not refunded.
    open: u32,
    sum: u128,
}

impl Order {
    pub(crate) fn new(
        number: ClaimNumber,
        subject: Slot,
        channel: Option<ChannelId>,
        payment: PaymentKind,
    ) -> Order {
        let channel = channel.map_or(NO_CHANNEL, |channel| channel.0);
        Order {
            number: halves(number.0),
            subject,
            first_ticket: 0,
            tickets: 0,
            channel,
            payment,
            refunded: 0,
        }
    }

    pub(crate) fn number(&self) -> ClaimNumber {
        ClaimNumber(u64::from(self.number[0]) | u64::from(self.number[1]) << 32)
    }

    /// The halves of its number, low and high.
    pub(crate) fn halves(&self) -> [u32; 2] {
        self.number
    }

    pub(crate) fn channel(&self) -> Option<ChannelId> {
        (self.channel != NO_CHANNEL).then_some(ChannelId(self.channel))
    }

    /// Where the ticket at a position of the order stands.
    pub(crate) fn ticket(&self, index: u16) -> Option<TicketSlot> {
        (index < u16::from(self.tickets)).then(|| self.first_ticket + u32::from(index))
    }

    /// Where its tickets stand.
    pub(crate) fn ticket_slots(&self) -> std::ops::Range<TicketSlot> {
        self.first_ticket..self.first_ticket + u32::from(self.tickets)
    }
}

impl Ticket {
    pub(crate) fn new(terms: TermsId, seat: Option<SeatIndex>, starts_line: bool) -> Ticket {
        let flags = TicketFlags(if starts_line { TicketFlags::STARTS_LINE } else { 0 });
        Ticket { seat: seat.map_or(NO_SEAT, |seat| seat.0), terms, flags, generation: 0 }
    }

    /// From the columns of an image.
    pub(crate) fn from_parts(seat: u32, terms: TermsId, flags: TicketFlags, generation: u8) -> Ticket {
        Ticket { seat, terms, flags, generation }
    }

    pub(crate) fn seat(&self) -> Option<SeatIndex> {
        (self.seat != NO_SEAT).then_some(SeatIndex(self.seat))
    }

    pub(crate) fn is_refunded(&self) -> bool {
        self.flags.has(TicketFlags::REFUNDED)
    }
}

impl Orders {
    pub(crate) fn new() -> Self {
        Orders {
            orders: Paged::new(),
            index: Index::default(),
            tickets: Paged::new(),
            extra: BTreeMap::new(),
            transferred: BTreeMap::new(),
            passages: BTreeMap::new(),
            beyond: BTreeMap::new(),
            disputed: BTreeSet::new(),
            open: 0,
            sum: 0,
        }
    }

    /// Appends an order with its tickets, and returns its position.
    pub(crate) fn insert(
        &mut self,
        order: Order,
        tickets: impl Iterator<Item = Ticket>,
        extra: Box<[Slot]>,
        subjects: &Subjects,
    ) -> u32 {
        let mut order = order;
        order.first_ticket = u32::try_from(self.tickets.len()).unwrap_or(u32::MAX);
        for ticket in tickets {
            self.tickets.push(ticket);
            order.tickets += 1;
        }
        let at = self.orders.push(order);
        let orders = &self.orders;
        self.index.insert(hash(order.number()), at, |at| hash(orders.get(at).number()));
        self.open += 1;
        if !extra.is_empty() {
            self.extra.insert(at, extra);
        }
        self.sum = self.sum.wrapping_add(self.mix(at, subjects));
        at
    }

    /// The position of an order.
    pub(crate) fn find(&self, number: ClaimNumber) -> Option<u32> {
        self.index.find(hash(number), |&at| self.orders.get(at).number() == number)
    }

    pub(crate) fn get(&self, at: u32) -> &Order {
        self.orders.get(at)
    }

    pub(crate) fn ticket(&self, slot: TicketSlot) -> &Ticket {
        self.tickets.get(slot)
    }

    /// Further subjects that an order counts against.
    pub(crate) fn extra(&self, at: u32) -> &[Slot] {
        self.extra.get(&at).map_or(&[], |slots| slots)
    }

    /// Who holds a ticket of an order.
    pub(crate) fn holder(&self, order: &Order, slot: TicketSlot) -> Slot {
        self.transferred.get(&slot).copied().unwrap_or(order.subject)
    }

    pub(crate) fn passage(&self, slot: TicketSlot) -> Option<Passage> {
        self.passages.get(&slot).copied()
    }

    /// The passage by which a ticket is in.
    pub(crate) fn entrance(&self, slot: TicketSlot) -> Option<Passage> {
        self.passage(slot).filter(|passage| passage.inward)
    }

    /// What was given back of an order beside what its refunded tickets come to, in minor units; negative: less than that.
    pub(crate) fn beyond(&self, at: u32) -> i64 {
        self.beyond.get(&at).copied().unwrap_or(0)
    }

    /// Counts so much more as given back.
    pub(crate) fn add_beyond(&mut self, at: u32, amount_minor: i64, subjects: &Subjects) {
        self.edit(at, subjects, |orders| {
            let beyond_minor = orders.beyond(at) + amount_minor;
            if beyond_minor == 0 {
                orders.beyond.remove(&at);
            } else {
                orders.beyond.insert(at, beyond_minor);
            }
        });
    }

    /// Whether the payment of an order is disputed.
    pub(crate) fn is_disputed(&self, at: u32) -> bool {
        self.disputed.contains(&at)
    }

    /// The payment of an order is disputed, or is not any more.
    pub(crate) fn set_disputed(&mut self, at: u32, is_disputed: bool, subjects: &Subjects) {
        self.edit(at, subjects, |orders| {
            if is_disputed {
                orders.disputed.insert(at);
            } else {
                orders.disputed.remove(&at);
            }
        });
    }

    pub(crate) fn beyonds(&self) -> impl Iterator<Item = (&u32, &i64)> {
        self.beyond.iter()
    }

    pub(crate) fn disputes(&self) -> impl Iterator<Item = &u32> {
        self.disputed.iter()
    }

    /// Marks a ticket as refunded.
    pub(crate) fn refund(&mut self, at: u32, slot: TicketSlot, subjects: &Subjects) {
        self.edit(at, subjects, |orders| {
            let ticket = orders.tickets.get_mut(slot);
            assert!(!ticket.is_refunded(), "a ticket is refunded twice");
            ticket.flags.0 |= TicketFlags::REFUNDED;
            let order = orders.orders.get_mut(at);
            order.refunded += 1;
            orders.open -= u32::from(order.refunded == order.tickets);
        });
    }

    /// Hands a ticket on; returns who held it if that was not the order's subject.
    pub(crate) fn transfer(
        &mut self,
        at: u32,
        slot: TicketSlot,
        to: Slot,
        generation: u8,
        subjects: &Subjects,
    ) -> Option<Slot> {
        let mut before = None;
        self.edit(at, subjects, |orders| {
            let ticket = orders.tickets.get_mut(slot);
            ticket.generation = generation;
            ticket.flags.0 |= TicketFlags::TRANSFERRED;
            before = orders.transferred.insert(slot, to);
        });
        before
    }

    /// Gives a ticket another code.
    pub(crate) fn reissue(&mut self, at: u32, slot: TicketSlot, generation: u8, subjects: &Subjects) {
        self.edit(at, subjects, |orders| orders.tickets.get_mut(slot).generation = generation);
    }

    /// Lets a ticket pass, in or out.
    pub(crate) fn pass(&mut self, at: u32, slot: TicketSlot, passage: Passage, subjects: &Subjects) {
        self.edit(at, subjects, |orders| {
            let flags = &mut orders.tickets.get_mut(slot).flags.0;
            *flags &= !TicketFlags::CHECKED_IN;
            *flags |= if passage.inward { TicketFlags::CHECKED_IN } else { 0 };
            orders.passages.insert(slot, passage);
        });
    }

    /// Lets a ticket out without a trace.
    pub(crate) fn forget_passage(&mut self, at: u32, slot: TicketSlot, subjects: &Subjects) {
        self.edit(at, subjects, |orders| {
            orders.tickets.get_mut(slot).flags.0 &= !TicketFlags::CHECKED_IN;
            orders.passages.remove(&slot);
        });
    }

    /// Changes an order; the digest follows.
    fn edit(&mut self, at: u32, subjects: &Subjects, change: impl FnOnce(&mut Orders)) {
        self.sum = self.sum.wrapping_sub(self.mix(at, subjects));
        change(self);
        self.sum = self.sum.wrapping_add(self.mix(at, subjects));
    }

    /// Orders with a ticket that is not refunded.
    pub(crate) fn open(&self) -> u32 {
        self.open
    }

    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    /// Every order, with its position.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Order)> {
        (0..).zip(self.orders.iter())
    }

    pub(crate) fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.iter()
    }

    pub(crate) fn extras(&self) -> impl Iterator<Item = (&u32, &Box<[Slot]>)> {
        self.extra.iter()
    }

    pub(crate) fn transfers(&self) -> impl Iterator<Item = (&TicketSlot, &Slot)> {
        self.transferred.iter()
    }

    pub(crate) fn passages(&self) -> impl Iterator<Item = (&TicketSlot, &Passage)> {
        self.passages.iter()
    }

    /// A ticket of an image.
    pub(crate) fn import_ticket(&mut self, ticket: Ticket) {
        self.tickets.push(ticket);
    }

    /// Enters the orders of an image; their tickets are there already.
    pub(crate) fn import_orders(&mut self, orders: Vec<Order>) {
        let mut entries = Vec::with_capacity(orders.len());
        for order in orders {
            self.open += u32::from(order.refunded < order.tickets);
            entries.push((hash(order.number()), self.orders.push(order)));
        }
        self.index.fill(&entries);
    }

    /// The side tables of an image.
    pub(crate) fn import_sides(
        &mut self,
        extra: BTreeMap<u32, Box<[Slot]>>,
        transferred: BTreeMap<TicketSlot, Slot>,
        passages: BTreeMap<TicketSlot, Passage>,
        subjects: &Subjects,
    ) {
        self.extra = extra;
        self.transferred = transferred;
        self.passages = passages;
        self.sum = self.fresh_sum(subjects);
    }

    /// What an image says of money that went back.
    pub(crate) fn import_money(
        &mut self,
        beyond: BTreeMap<u32, i64>,
        disputed: BTreeSet<u32>,
        subjects: &Subjects,
    ) {
        (self.beyond, self.disputed) = (beyond, disputed);
        self.sum = self.fresh_sum(subjects);
    }

    /// The digest's share of the orders, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the orders, from scratch.
    pub(crate) fn fresh_sum(&self, subjects: &Subjects) -> u128 {
        self.iter().fold(0, |sum, (at, _)| sum.wrapping_add(self.mix(at, subjects)))
    }

    /// The mix of an order and its tickets.
    fn mix(&self, at: u32, subjects: &Subjects) -> u128 {
        let order = self.get(at);
        let mut mix = Mix::new(Kind::Order)
            .word(order.number().0)
            .wide(subjects.subject(order.subject).0)
            .pair(u32::from(order.channel), order.payment as u32);
        for &slot in self.extra(at) {
            mix = mix.wide(subjects.subject(slot).0);
        }
        for slot in order.ticket_slots() {
            let ticket = self.ticket(slot);
            let marks = u32::from(ticket.terms.0)
                | u32::from(ticket.flags.0) << 16
                | u32::from(ticket.generation) << 24;
            mix = mix.pair(ticket.seat, marks);
            if ticket.flags.has(TicketFlags::TRANSFERRED) {
                mix = mix.wide(subjects.subject(self.holder(order, slot)).0);
            }
            if let Some(passage) = self.passage(slot) {
                mix = passage.mix(mix);
            }
        }
        if let Some(beyond_minor) = self.beyond.get(&at) {
            mix = mix.pair(MIX_BEYOND, 0).word(beyond_minor.cast_unsigned());
        }
        if self.is_disputed(at) {
            mix = mix.pair(MIX_DISPUTED, 0);
        }
        mix.finish()
    }
}

#[inline]
fn hash(number: ClaimNumber) -> u64 {
    hash_of(number.0)
}

#[allow(clippy::cast_possible_truncation)] // the halves are what is asked for
fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}
