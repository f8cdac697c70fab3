//! Those who ask: buyers who hold, wait, renew, pay, give back, hand on or forget, an organizer, and gates. Each asks one thing at a time
//! and repeats it under the same key until it has an answer. What it sees of the event is public: the durable state.

mod door;
mod line;
mod organizer;
mod stray;
mod wish;

use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, EntryNumber, IdempotencyKey, Payment, Phase, RefundedUnits,
    Rejection, Sequence, Subject, TicketRef, TicketTypeId, Timestamp,
};
use tessera_naive::Model;
use tessera_writer::Ask;

use crate::catalogue::subject;
use crate::plan::{Duty, Mix, Venue};
use crate::prng::Prng;
use door::{DOOR, Door};

/// A day and a little: a key minted so long ago is not good any more, in milliseconds.
const STALE_KEY_MS: u64 = 24 * 3_600_000 + 60_000;

/// What a client sees when it asks.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) model: &'a Model,
    pub(crate) mix: &'a Mix,
    pub(crate) venue: Venue,
    /// Whoever is to be believed about money is asked by those who look after payments, and nobody else tells it.
    pub(crate) pays: bool,
    /// Wall time.
    pub(crate) now: Timestamp,
}

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    /// Begin something new.
    Fresh,
    /// It has a hold.
    Holding(ClaimNumber),
    /// Its payment is in flight.
    Paying(ClaimNumber),
    /// It has tickets.
    Bought(ClaimNumber),
    /// There was nothing left of a type.
    Missed(TicketTypeId),
    /// It waits, or has been offered something.
    Waiting(EntryNumber),
}

/// The request that a client waits for.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) ask: Ask,
    /// Which of the client's requests it is.
    pub(crate) serial: u64,
    /// The newest attempt.
    pub(crate) newest: Option<u64>,
}

/// A client of the event.
#[derive(Debug)]
pub(crate) struct Client {
    number: usize,
    subject: Subject,
    /// Its own: what it wants does not depend on what happens to others.
    prng: Prng,
    errand: Errand,
    wishes: u32,
    asked: u64,
    duties: Vec<Duty>,
    /// What it waited for last.
    entry: Option<EntryNumber>,
    /// See [`Mix::again`].
    again: u64,
    /// The device, if it is a gate.
    door: Option<Door>,
    pub(crate) pending: Option<Pending>,
}

impl Client {
    /// A buyer who tries to place `wishes` holds.
    pub(crate) fn buyer(number: usize, wishes: u32, seed: u64) -> Client {
        let prng = Prng::new(seed.wrapping_add((number as u64 + 1) << 40));
        let errand = Errand::Fresh;
        Client {
            number,
            subject: subject(number),
            prng,
            errand,
            wishes,
            asked: 0,
            duties: Vec::new(),
            entry: None,
            again: 0,
            door: None,
            pending: None,
        }
    }

    /// The organizer with its duties.
    pub(crate) fn organizer(number: usize, duties: &[Duty], seed: u64) -> Client {
        Client { duties: duties.iter().rev().copied().collect(), ..Client::buyer(number, 0, seed) }
    }

    /// A gate whose device has this number, which is not 0.
    pub(crate) fn gate(number: usize, device: u32, scans: u32, seed: u64) -> Client {
        Client { door: Some(Door::new(device)), ..Client::buyer(number, scans, seed) }
    }

    pub(crate) fn is_done(&self) -> bool {
        let is_over = self.errand == Errand::Fresh && self.wishes == 0 && self.duties.is_empty();
        self.pending.is_none() && is_over && self.door.as_ref().is_none_or(Door::has_told)
    }

    /// The next new request.
    pub(crate) fn next_ask(&mut self, view: View<'_>) -> Option<Ask> {
        self.asked += 1;
        self.again = view.mix.again;
        if let Some(duty) = self.duties.pop() {
            let body = organizer::fulfil(&mut self.prng, view, duty);
            return Some(self.command(view, Authority::Organizer, body));
        }
        if self.door.is_some() {
            return self.at_the_gate(view);
        }
        if let Errand::Missed(missed) = self.errand {
            self.errand = Errand::Fresh;
            if let Some(ask) = self.perhaps_waits(view, Some(missed)) {
                return Some(ask);
            }
        }
        let is_over = self.errand == Errand::Fresh && self.wishes == 0;
        if !is_over && self.prng.chance(view.mix.strays) {
            self.wishes = self.wishes.saturating_sub(u32::from(self.errand == Errand::Fresh));
            let is_about_waiting = view.mix.waits > 0 && self.prng.chance(300);
            let stray = if is_about_waiting { line::stray } else { stray::stray };
            let (authority, body) = stray(&mut self.prng, view);
            return Some(self.command(view, authority, body));
        }
        if view.pays {
            self.look_at_payment(view);
        }
        match self.errand {
            Errand::Fresh if self.wishes == 0 => None,
            Errand::Fresh => {
                self.wishes -= 1;
                if let Some(ask) = self.perhaps_waits(view, None) {
                    return Some(ask);
                }
                let is_box_office = self.prng.chance(view.mix.box_office);
                let authority =
                    if is_box_office { Authority::Organizer } else { Authority::Subject(self.subject) };
                let request = wish::hold(&mut self.prng, view, self.subject, is_box_office)?;
                Some(self.command(view, authority, CommandBody::PlaceHold(request)))
            }
            Errand::Holding(hold) => self.with_a_hold(view, hold),
            Errand::Paying(order) => self.with_a_payment(view, order),
            Errand::Bought(order) => self.with_tickets(view, order),
            Errand::Waiting(entry) => self.in_line(view, entry),
            // It has been looked at above.
            Errand::Missed(_) => self.forget(view),
        }
    }

    fn at_the_gate(&mut self, view: View<'_>) -> Option<Ask> {
        let goes_on = self.wishes > 0;
        self.wishes = self.wishes.saturating_sub(1);
        let door = self.door.as_mut().filter(|door| goes_on || !door.has_told())?;
        let body = door.next(&mut self.prng, view, goes_on);
        Some(self.command(view, DOOR, body))
    }

    /// What a buyer pays at a provider is decided elsewhere: it looks what became of it.
    fn look_at_payment(&mut self, view: View<'_>) {
        let Errand::Paying(order) = self.errand else { return };
        let claim = view.model.claims.get(&order.0);
        match claim.map(|claim| claim.payment.is_some()) {
            Some(true) => self.errand = Errand::Bought(order),
            Some(false) => {}
            None => self.errand = Errand::Fresh,
        }
    }

    fn with_a_hold(&mut self, view: View<'_>, hold: ClaimNumber) -> Option<Ask> {
        let buyer = self.by_whom();
        let [pay, release, renew, read, forget] = view.mix.holding;
        match self.prng.weighted(&[(0, pay), (1, release), (2, renew), (3, read), (4, forget)])? {
            0 => {
                let extra_subjects = wish::fingerprints(&mut self.prng, view);
                let provider = stray::provider(&mut self.prng);
                Some(self.command(view, buyer, CommandBody::BeginPayment { hold, provider, extra_subjects }))
            }
            1 => Some(self.command(view, buyer, CommandBody::ReleaseHold { hold })),
            2 => Some(self.command(view, buyer, CommandBody::RenewHold { hold })),
            3 => Some(Ask::Read(hold)),
            _ => self.forget(view),
        }
    }

    fn with_a_payment(&mut self, view: View<'_>, order: ClaimNumber) -> Option<Ask> {
        let [confirm, fail, forget] = view.mix.paying;
        match self.prng.weighted(&[(0, confirm), (1, fail), (2, forget)])? {
            0 => {
                let is_free = view.model.claims.get(&order.0).is_some_and(|claim| claim.total_minor() == 0);
                let (payment, teller) = match self.prng.between(0, 9) {
                    0 => (Payment::Free, self.by_whom()),
                    1 => (Payment::Offline, Authority::Organizer),
                    _ if is_free => (Payment::Free, self.by_whom()),
                    _ => (Payment::Captured { reference: self.key(self.asked) }, Authority::System),
                };
                let attempt = stray::attempt(&mut self.prng, view, order);
                Some(self.command(view, teller, CommandBody::Confirm { order, payment, attempt }))
            }
            1 => {
                let attempt = stray::attempt(&mut self.prng, view, order);
                Some(self.command(view, Authority::System, CommandBody::PaymentFailed { order, attempt }))
            }
            _ => self.forget(view),
        }
    }

    fn with_tickets(&mut self, view: View<'_>, order: ClaimNumber) -> Option<Ask> {
        let count = view.model.claims.get(&order.0).map_or(1, |claim| claim.tickets.len().max(1));
        let index = u16::try_from(self.prng.index(count)).unwrap_or(0);
        let ticket = TicketRef { order, index };
        let [restock, withdraw, transfer, entrance, forget] = view.mix.bought;
        let acts = [(0, restock), (1, withdraw), (2, transfer), (3, entrance), (4, forget)];
        let (authority, body) = match self.prng.weighted(&acts)? {
            act @ (0 | 1) => {
                let units = if act == 0 { RefundedUnits::Restock } else { RefundedUnits::Kill };
                let all = (0..u16::try_from(count).unwrap_or(1)).collect();
                let tickets = if self.prng.chance(300) { all } else { vec![index] };
                let (amount, reason) = stray::amount(&mut self.prng);
                (Authority::Organizer, CommandBody::RefundTickets { order, tickets, amount, reason, units })
            }
            2 if view.mix.reissues > 0 && self.prng.chance(view.mix.reissues) => {
                (self.by_whom(), CommandBody::ReissueTicket { ticket })
            }
            2 => {
                let to = subject(self.prng.index(crate::catalogue::SUBJECTS));
                (self.by_whom(), CommandBody::TransferTicket { ticket, to })
            }
            3 => (Authority::Scanner, stray::entrance(&mut self.prng, view, ticket)),
            _ => return self.forget(view),
        };
        Some(self.command(view, authority, body))
    }

    /// The buyer by its token, or by the secret of the claim.
    fn by_whom(&mut self) -> Authority {
        if self.prng.chance(300) { Authority::Secret(self.subject) } else { Authority::Subject(self.subject) }
    }

    fn command(&mut self, view: View<'_>, authority: Authority, body: CommandBody) -> Ask {
        if let Some(order) = told_by_provider(&body).filter(|_| view.pays) {
            return Ask::Read(order);
        }
        let digest = self.key(self.asked);
        let minted_at = self.prng.chance(view.mix.minted).then(|| {
            let ago = if self.prng.chance(20) { STALE_KEY_MS } else { self.prng.between(0, 5_000) };
            Timestamp(view.now.0 - ago)
        });
        let key = Some(IdempotencyKey { digest, fingerprint: 1, minted_at });
        Ask::Command(Box::new(Command { authority, key, body }))
    }

    /// The same key with another body: a mistake of the client.
    pub(crate) fn reuse_key(&self, ask: Ask) -> Ask {
        let Ask::Command(mut command) = ask else { return ask };
        if let (Some(key), Some(before)) = (&mut command.key, self.asked.checked_sub(1)) {
            key.digest = self.key(before);
            // Another one each time: a body has one fingerprint.
            key.fingerprint = 1 + self.asked;
        }
        Ask::Command(command)
    }

    /// It waits for this now.
    pub(crate) fn wait_for(&mut self, ask: Ask) {
        self.pending = Some(Pending { ask, serial: self.asked, newest: None });
    }

    /// The request was accepted as the event of this sequence.
    pub(crate) fn accepted(&mut self, sequence: Sequence) {
        let Some(Pending { ask: Ask::Command(command), .. }) = self.pending.take() else { return };
        // Whoever was let in by a gate goes on by himself: a gate has no errand.
        if let Some(door) = &mut self.door {
            if let CommandBody::RecordScans { scans, .. } = &command.body {
                door.recorded(scans);
            }
            return;
        }
        self.errand = match command.body {
            CommandBody::JoinWaitlist(_) => {
                self.entry = Some(EntryNumber(sequence.0));
                Errand::Waiting(EntryNumber(sequence.0))
            }
            CommandBody::LeaveWaitlist { entry } if self.prng.chance(100) => Errand::Waiting(entry),
            CommandBody::PlaceHold(_) => Errand::Holding(ClaimNumber(sequence.0)),
            CommandBody::RenewHold { hold } => Errand::Holding(hold),
            CommandBody::BeginPayment { hold, .. } | CommandBody::ReleaseHold { hold }
                if self.looks_again() =>
            {
                self.entry.map_or(Errand::Paying(hold), Errand::Waiting)
            }
            CommandBody::BeginPayment { hold, .. } => Errand::Paying(hold),
            CommandBody::PaymentFailed { order, .. } => Errand::Holding(order),
            CommandBody::Confirm { order, .. } => Errand::Bought(order),
            CommandBody::TransferTicket { ticket, .. }
            | CommandBody::CheckIn { ticket, .. }
            | CommandBody::CheckOut { ticket, .. }
                if self.prng.chance(400) =>
            {
                Errand::Bought(ticket.order)
            }
            CommandBody::RefundTickets { order, .. } if self.prng.chance(300) => Errand::Bought(order),
            _ => Errand::Fresh,
        };
    }

    /// Who waited may accept or decline once more what it has accepted or declined.
    fn looks_again(&mut self) -> bool {
        self.entry.is_some() && self.prng.chance(self.again)
    }

    /// The request was refused: this errand is over, mostly. Who is told that the sale is over wants less and less.
    pub(crate) fn refused(&mut self, rejection: &Rejection) {
        let pending = self.pending.take();
        if matches!(rejection, Rejection::WrongPhase { phase: Phase::Closed | Phase::Cancelled, .. }) {
            self.wishes /= 2;
        }
        if !self.prng.chance(200) {
            self.errand = Errand::Fresh;
        }
        if let Some(door) = &mut self.door {
            door.refused(rejection);
        }
        let missed = pending.and_then(|pending| missed(&pending.ask, rejection));
        self.errand = missed.filter(|_| self.errand == Errand::Fresh).map_or(self.errand, Errand::Missed);
    }

    /// A read was answered.
    pub(crate) fn has_read(&mut self) {
        self.pending = None;
    }

    /// Leave the hold to its deadline, or the tickets as they are, and begin anew.
    fn forget(&mut self, view: View<'_>) -> Option<Ask> {
        self.errand = Errand::Fresh;
        self.next_ask(view)
    }

    /// Uniform, as the gateway's keyed hashes are.
    fn key(&self, asked: u64) -> u128 {
        Prng::new(((self.number as u64) << 32) | asked).bits()
    }
}

/// The type of which there is nothing left for a hold.
fn missed(ask: &Ask, rejection: &Rejection) -> Option<TicketTypeId> {
    let Ask::Command(command) = ask else { return None };
    let CommandBody::PlaceHold(request) = &command.body else { return None };
    let is_lack = matches!(
        rejection,
        Rejection::SoldOut { .. } | Rejection::SeatsTaken { .. } | Rejection::WaitlistAhead { .. }
    );
    request.lines.first().filter(|_| is_lack)?.ticket_type
}

/// The order of which only its provider can say this.
fn told_by_provider(body: &CommandBody) -> Option<ClaimNumber> {
    match body {
        CommandBody::Confirm { order, payment: Payment::Captured { .. }, attempt: Some(_) } => Some(*order),
        CommandBody::SellLate(sale) => Some(sale.order),
        CommandBody::SetDispute { order, .. } => Some(*order),
        _ => None,
    }
}
