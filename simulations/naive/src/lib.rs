//! The oracle: the rules of the inventory, each as one function that is obviously right, over plain lists and full scans. It shares
//! nothing with the engine but the contract: commands, events, rejections, configuration.
//!
//! Where several rules refuse a command, the model names all of them and the engine may give any; the stages of a
//! decision (key, right, phase, owner, shape, rules, stock) do not mix.
//!
//! The model tests here compare it with the engine alone; the simulated world judges whole nodes by it.
#![allow(
    clippy::unwrap_used,
    reason = "only tests and the simulation use it: a panic here is a defect of theirs"
)]

mod apply;
mod bill;
mod claims;
mod compare;
mod configure;
mod entry;
mod exact;
pub mod hall;
mod organizer;
mod phases;
mod place;
mod promotions;
mod refunds;
mod rights;
mod tickets;
mod time;
mod views;
mod waitlist;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tessera_inventory::{
    Authority, CategoryId, ChannelId, ClaimNumber, Command, CommandBody, Config, EventBody, HoldPlaced,
    KeyMark, Origin, PaymentKind, Phase, PoolId, Rejection, RequestError, Scan, SeatIndex, SeatState,
    Subject, TicketTypeId, Timestamp,
};
use tessera_pricing::Quote;

pub use compare::{same, same_body, view_without_terms, without_terms};
pub use entry::Passed;
use hall::{Hall, Place};
use phases::{admits, row_of};
use rights::{may, owns};
pub use waitlist::{Kept, Waiting};

/// A day: how long the key of a settled command is good.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What the model says about a command.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It happens, exactly so. The terms of lines are not told: the model keeps none.
    Accepted(EventBody),
    /// It happened before, as the event of this sequence.
    Repeated(u64),
    /// It is refused, for one of these reasons.
    Refused(Vec<Rejection>),
}

/// A refusal, or what happens.
type Decided<T> = Result<T, Vec<Rejection>>;

/// Where a ticket type stands in its sale window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Its opening is ahead.
    Before,
    /// It sells.
    Open,
    /// It has closed.
    After,
}

/// The units of a pool that nobody has.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Free for everyone.
    pub general: u32,
    /// What is left of each unreleased channel's share.
    pub shares: BTreeMap<u8, u32>,
    /// Withdrawn.
    pub killed: u32,
    /// Kills that wait for held and sold units.
    pub to_kill: u32,
}

/// Units of a hold, with what they froze.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which type.
    pub ticket_type: TicketTypeId,
    /// Unit price in minor units.
    pub price_minor: i64,
    /// The pools it took from.
    pub draws_on: Vec<PoolId>,
    /// How many units.
    pub quantity: u16,
    /// Its seats; none for standing.
    pub seats: Vec<SeatIndex>,
}

/// A hold or an order.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The sequence of its `HoldPlaced`.
    pub number: u64,
    /// Who placed it.
    pub subject: Subject,
    /// Who else it counts against.
    pub extra: Vec<Subject>,
    /// How many of `extra` stay when the payment in flight fails.
    pub of_hold: usize,
    /// The channel it drew on.
    pub channel: Option<ChannelId>,
    /// How it came about.
    pub origin: Origin,
    /// What it has.
    pub lines: Vec<Line>,
    /// What that costs, where it was quoted.
    pub quote: Option<Quote>,
    /// What was given back beside what its refunded tickets come to, in minor units.
    pub beyond_minor: i64,
    /// Its payment is disputed.
    pub in_dispute: bool,
    /// Its promotion has its use back.
    pub promotion_returned: bool,
    /// When the hold ends.
    pub deadline_at: Timestamp,
    /// Cap on its whole life.
    pub life_ends_at: Timestamp,
    /// While its payment is in flight: the end of the grace.
    pub grace_until: Option<Timestamp>,
    /// How often it was renewed.
    pub renewals: u8,
    /// Payments begun.
    pub attempts: u8,
    /// Set once it is sold.
    pub payment: Option<PaymentKind>,
    /// Its tickets, once it is sold.
    pub tickets: Vec<Ticket>,
}

/// A ticket of an order.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Position of its line.
    pub line: u16,
    /// Its seat; `None` for standing.
    pub seat: Option<SeatIndex>,
    /// Who has it now.
    pub holder: Subject,
    /// Generation of its code.
    pub generation: u8,
    /// Its money went back.
    pub refunded: bool,
    /// Every passage that is remembered.
    pub passages: Vec<Passed>,
}

/// One event, seen naively.
#[derive(Clone, Debug)]
pub struct Model {
    /// The sequence of the last event.
    pub sequence: u64,
    /// The logged time of the last event.
    pub logged_at: Timestamp,
    /// The phase.
    pub phase: Phase,
    /// Version of the configuration; 0: none yet.
    pub version: u32,
    /// The configuration.
    pub config: Option<Arc<Config>>,
    /// Channels that were released.
    pub released: BTreeSet<u8>,
    /// Where each type stands in its sale window.
    pub windows: Vec<Window>,
    /// The pools.
    pub pools: Vec<Pool>,
    /// Withdrawn seats.
    pub killed_seats: BTreeSet<SeatIndex>,
    /// Seats to be withdrawn when they return.
    pub seats_to_kill: BTreeSet<SeatIndex>,
    /// Everything that is held or sold; what ended without a sale is gone.
    pub claims: BTreeMap<u64, Claim>,
    /// Every hold that ever was, as it was placed, with the lines that it froze.
    pub placed: BTreeMap<u64, (HoldPlaced, Vec<Line>)>,
    /// Holds that expired, in that order. The engine forgets some in the end; a small world keeps all.
    pub expired: Vec<(u64, Subject)>,
    /// Who waits, by number.
    pub waiting: Vec<Waiting>,
    /// What is kept for the heads of lines, by type.
    pub kept: BTreeMap<u16, Kept>,
    /// Digest to (fingerprint, sequence). Records may be kept longer than a day; a small world keeps all.
    pub keys: BTreeMap<u128, (u64, u64)>,
    /// Every scan that was recorded, by device.
    pub scans: BTreeMap<u32, Vec<Scan>>,
}

impl Default for Model {
    fn default() -> Self {
        Model::new()
    }
}

impl Model {
    /// An event before its first configuration.
    pub fn new() -> Self {
        Model {
            sequence: 0,
            logged_at: Timestamp(0),
            phase: Phase::Draft,
            version: 0,
            config: None,
            released: BTreeSet::new(),
            windows: vec![],
            pools: vec![],
            killed_seats: BTreeSet::new(),
            seats_to_kill: BTreeSet::new(),
            claims: BTreeMap::new(),
            placed: BTreeMap::new(),
            expired: vec![],
            waiting: vec![],
            kept: BTreeMap::new(),
            keys: BTreeMap::new(),
            scans: BTreeMap::new(),
        }
    }

    /// The sequence of the last event.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Decides a command at `now`.
    pub fn decide(&self, now: Timestamp, command: &Command) -> Verdict {
        if let Some(key) = &command.key {
            match self.keys.get(&key.digest) {
                Some(&(fingerprint, sequence)) if fingerprint == key.fingerprint => {
                    return Verdict::Repeated(sequence);
                }
                Some(_) => return Verdict::Refused(vec![Rejection::KeyReused]),
                None if key.minted_at.is_some_and(|minted_at| minted_at.plus_ms(DAY_MS) < now) => {
                    return Verdict::Refused(vec![Rejection::KeyExpired]);
                }
                None => {}
            }
        }
        match self.decide_body(now, command.authority, &command.body) {
            Ok(body) => Verdict::Accepted(body),
            Err(reasons) => Verdict::Refused(reasons),
        }
    }

    fn decide_body(&self, now: Timestamp, by: Authority, body: &CommandBody) -> Decided<EventBody> {
        if !may(by, body) {
            return Err(vec![Rejection::Forbidden]);
        }
        self.check_phase(body)?;
        match body {
            CommandBody::Configure { expected_version, config } => self.configure(*expected_version, config),
            CommandBody::ChangePhase { to } => self.change_phase(*to),
            CommandBody::PlaceHold(request) => self.place(now, by, request).map(EventBody::HoldPlaced),
            CommandBody::RenewHold { hold } => self.renew(now, by, hold.0),
            CommandBody::ReleaseHold { hold } => self.release(by, hold.0),
            CommandBody::BeginPayment { hold, provider, extra_subjects } => {
                self.begin_payment(now, by, hold.0, *provider, extra_subjects)
            }
            CommandBody::PaymentFailed { order, attempt } => self.payment_failed(order.0, *attempt),
            CommandBody::Confirm { order, payment, attempt } => self.confirm(by, order.0, *payment, *attempt),
            CommandBody::RefundTickets { order, tickets, amount, reason, units } => {
                self.refund(order.0, tickets, *amount, *reason, *units)
            }
            CommandBody::SellLate(sale) => self.sell_late(sale),
            CommandBody::SetDispute { order, dispute } => self.set_dispute(order.0, *dispute),
            CommandBody::Kill(units) => self.kill(units),
            CommandBody::Restore(units) => self.restore(units),
            CommandBody::ReleaseChannel { channel } => self.release_channel(*channel),
            CommandBody::TransferTicket { ticket, to } => self.transfer(by, *ticket, *to),
            CommandBody::CheckIn { ticket, generation, gate } => {
                self.check_in(now, *ticket, *generation, *gate)
            }
            CommandBody::CheckOut { ticket, generation, gate } => {
                self.check_out(now, *ticket, *generation, *gate)
            }
            CommandBody::ReissueTicket { ticket } => self.reissue(by, *ticket),
            CommandBody::RecordScans { device, scans } => self.record_scans(now, *device, scans),
            CommandBody::JoinWaitlist(request) => self.join(request),
            CommandBody::LeaveWaitlist { entry } => self.leave(by, *entry),
        }
    }

    fn check_phase(&self, body: &CommandBody) -> Decided<()> {
        let Some(command) = row_of(body) else {
            return Err(vec![Rejection::InvalidRequest(RequestError::NoSuchPhaseChange)]);
        };
        if admits(self.phase, command) {
            return Ok(());
        }
        let schedule = self.config.as_ref().map(|config| config.schedule).unwrap_or_default();
        let opens_later = matches!(self.phase, Phase::Draft | Phase::Scheduled);
        let opens_at = schedule.presale_at.or(schedule.on_sale_at).filter(|_| opens_later);
        Err(vec![Rejection::WrongPhase { phase: self.phase, command, opens_at }])
    }

    /// The hall now.
    pub fn hall(&self) -> Option<Hall<'_>> {
        let config: &Config = self.config.as_ref()?;
        let states = self.seat_states();
        let (mut places, mut block_number) = (Vec::new(), 0);
        for (row_number, row) in config.rows.iter().enumerate() {
            for block in &row.blocks {
                for &seat in block {
                    let index = SeatIndex(u32::try_from(places.len()).unwrap());
                    places.push(Place {
                        index,
                        seat,
                        section: row.section,
                        row: row_number,
                        block: block_number,
                        audience: seat.channel.filter(|channel| !self.released.contains(&channel.0)),
                        is_free: states[index.index()] == SeatState::Free,
                    });
                }
                block_number += 1;
            }
        }
        Some(Hall { config, places })
    }

    /// The state of every seat, by one look at each claim.
    pub fn seat_states(&self) -> Vec<SeatState> {
        let mut states = vec![SeatState::Free; self.seats().len()];
        let mut take = |seat: SeatIndex, state: SeatState| {
            assert_eq!(states[seat.index()], SeatState::Free, "the model gave a seat to two");
            states[seat.index()] = state;
        };
        self.killed_seats.iter().for_each(|&seat| take(seat, SeatState::Killed));
        for claim in self.claims.values() {
            if claim.payment.is_none() {
                claim.lines.iter().flat_map(|line| &line.seats).for_each(|&seat| take(seat, SeatState::Held));
            }
            let sold =
                claim.tickets.iter().filter(|ticket| !ticket.refunded).filter_map(|ticket| ticket.seat);
            sold.for_each(|seat| take(seat, SeatState::Sold));
        }
        states
    }

    /// Invariant I2: a seat is killed, or in at most one claim.
    pub fn seat_state(&self, seat: SeatIndex) -> SeatState {
        let has = |claim: &&Claim| match claim.payment {
            None => claim.lines.iter().any(|line| line.seats.contains(&seat)),
            Some(_) => claim.tickets.iter().any(|ticket| ticket.seat == Some(seat) && !ticket.refunded),
        };
        let having: Vec<&Claim> = self.claims.values().filter(has).collect();
        assert!(having.len() <= 1, "the model gave a seat to two claims");
        match having.first() {
            _ if self.killed_seats.contains(&seat) => {
                assert!(having.is_empty(), "the model killed a seat of a claim");
                SeatState::Killed
            }
            None => SeatState::Free,
            Some(claim) if claim.payment.is_none() => SeatState::Held,
            Some(_) => SeatState::Sold,
        }
    }

    /// Every seat.
    pub fn seats(&self) -> Vec<SeatIndex> {
        let seats =
            |config: &Arc<Config>| config.rows.iter().flat_map(|row| &row.blocks).map(|b| b.len()).sum();
        let count: usize = self.config.as_ref().map_or(0, seats);
        (0..u32::try_from(count).unwrap()).map(SeatIndex).collect()
    }

    /// The category of a seat, if there is such a seat.
    pub fn seat_category(&self, seat: SeatIndex) -> Option<CategoryId> {
        Some(self.hall()?.places.get(seat.index())?.seat.category)
    }

    /// Units that live holds have of a pool.
    pub fn held_of(&self, pool: PoolId) -> u32 {
        self.claims.values().filter(|claim| claim.payment.is_none()).map(|claim| claim.units_of(pool)).sum()
    }

    /// Units that tickets have of a pool.
    pub fn sold_of(&self, pool: PoolId) -> u32 {
        self.claims.values().filter(|claim| claim.payment.is_some()).map(|claim| claim.units_of(pool)).sum()
    }

    /// Units of live holds and orders that count against a subject, of one type or of all.
    pub fn used_by(&self, subject: Subject, ticket_type: Option<TicketTypeId>) -> u32 {
        let counts = |claim: &&Claim| claim.subject == subject || claim.extra.contains(&subject);
        let claims = self.claims.values().filter(counts);
        claims.map(|claim| claim.units(|line| ticket_type.is_none_or(|of| of == line.ticket_type))).sum()
    }

    /// Units of a pool that a hold with this channel may take.
    pub fn free_for(&self, pool: PoolId, channel: Option<ChannelId>) -> u32 {
        let pool = &self.pools[pool.index()];
        let share = channel.and_then(|channel| pool.shares.get(&channel.0));
        share.copied().unwrap_or(pool.general)
    }
}

/// The mark that an accepted command leaves.
pub fn mark_of(command: &Command) -> Option<KeyMark> {
    command.key.map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint })
}

/// The number of a claim, as events write it.
fn number(claim: u64) -> ClaimNumber {
    ClaimNumber(claim)
}
