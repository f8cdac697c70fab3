//! Those who ask: buyers who hold, renew, pay, give back, hand on or forget, and an organizer. Each asks one thing at a time and
//! repeats it under the same key until it has an answer.

use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Phase, RefundedUnits, Sequence, Subject, TicketTypeId,
    Want, Wishes,
};
use tessera_writer::Ask;

use crate::catalogue;
use crate::prng::Prng;

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
}

/// The request that a client waits for.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) ask: Ask,
    /// The first attempt and the newest.
    pub(crate) attempts: Option<(u64, u64)>,
}

/// A client of the event.
#[derive(Debug)]
pub(crate) struct Client {
    number: usize,
    subject: Subject,
    errand: Errand,
    wishes: u32,
    asked: u64,
    agenda: Vec<Command>,
    pub(crate) pending: Option<Pending>,
}

impl Client {
    /// A buyer who tries to place `wishes` holds.
    pub(crate) fn buyer(number: usize, wishes: u32) -> Client {
        let subject = Subject(1_000 + number as u128);
        Client { number, subject, errand: Errand::Fresh, wishes, asked: 0, agenda: Vec::new(), pending: None }
    }

    /// The organizer, who sets up the event, pauses and resumes it, changes the configuration in mid-sale, and withdraws units for
    /// a while. The sale opens by its schedule, or by command where time does not open it.
    pub(crate) fn organizer(number: usize, capacity: u32) -> Client {
        let mut organizer = Client::buyer(number, 0);
        let [standing, seat] = catalogue::units();
        let mut agenda = vec![catalogue::configure(organizer.next_key(), capacity)];
        for to in [Phase::Scheduled, Phase::OnSale, Phase::Paused, Phase::OnSale] {
            agenda.push(catalogue::change_phase(organizer.next_key(), to));
        }
        agenda.push(catalogue::configure_again(organizer.next_key(), capacity));
        let kill = CommandBody::Kill;
        for body in [kill(standing.clone()), kill(seat.clone())] {
            agenda.push(catalogue::command(Authority::Organizer, organizer.next_key(), body));
        }
        for to in [Phase::Paused, Phase::OnSale] {
            agenda.push(catalogue::change_phase(organizer.next_key(), to));
        }
        for units in [standing, seat] {
            let body = CommandBody::Restore(units);
            agenda.push(catalogue::command(Authority::Organizer, organizer.next_key(), body));
        }
        agenda.reverse();
        organizer.agenda = agenda;
        organizer
    }

    pub(crate) fn is_done(&self) -> bool {
        self.pending.is_none() && self.errand == Errand::Fresh && self.wishes == 0 && self.agenda.is_empty()
    }

    /// The next new request.
    pub(crate) fn next_ask(&mut self, prng: &mut Prng) -> Option<Ask> {
        if let Some(command) = self.agenda.pop() {
            return Some(Ask::Command(Box::new(command)));
        }
        let key = self.next_key();
        let buyer = Authority::Subject(self.subject);
        let command = match self.errand {
            Errand::Fresh if self.wishes == 0 => return None,
            Errand::Fresh => {
                self.wishes -= 1;
                let (ticket_type, want) = wish(prng);
                catalogue::place_hold(key, self.subject, ticket_type, want)
            }
            Errand::Holding(hold) => match prng.between(0, 99) {
                0..35 => catalogue::command(
                    buyer,
                    key,
                    CommandBody::BeginPayment { hold, extra_subjects: Vec::new() },
                ),
                35..55 => catalogue::command(buyer, key, CommandBody::ReleaseHold { hold }),
                55..70 => catalogue::command(buyer, key, CommandBody::RenewHold { hold }),
                70..80 => return Some(Ask::Read(hold)),
                _ => return self.forget(prng),
            },
            Errand::Paying(order) => match prng.between(0, 99) {
                0..60 => catalogue::confirm(key, order),
                60..90 => catalogue::command(Authority::System, key, CommandBody::PaymentFailed { order }),
                _ => return self.forget(prng),
            },
            Errand::Bought(order) => match prng.between(0, 99) {
                0..10 => catalogue::refund(key, order, RefundedUnits::Restock),
                10..15 => catalogue::refund(key, order, RefundedUnits::Kill),
                15..35 => catalogue::transfer(key, order, self.subject, Subject(self.subject.0 + 1)),
                _ => return self.forget(prng),
            },
        };
        Some(Ask::Command(Box::new(command)))
    }

    /// The same key with another body: a mistake of the client.
    pub(crate) fn reuse_key(&self, ask: Ask) -> Ask {
        let Ask::Command(mut command) = ask else { return ask };
        if let (Some(key), Some(before)) = (&mut command.key, self.asked.checked_sub(1)) {
            key.digest = self.key(before);
            key.fingerprint = 2;
        }
        Ask::Command(command)
    }

    /// The request was accepted as the event of this sequence.
    pub(crate) fn accepted(&mut self, sequence: Sequence) {
        let Some(Pending { ask: Ask::Command(command), .. }) = self.pending.take() else { return };
        self.errand = match command.body {
            CommandBody::PlaceHold(_) => Errand::Holding(ClaimNumber(sequence.0)),
            CommandBody::RenewHold { hold } => Errand::Holding(hold),
            CommandBody::BeginPayment { hold, .. } => Errand::Paying(hold),
            CommandBody::PaymentFailed { order } => Errand::Holding(order),
            CommandBody::Confirm { order, .. } => Errand::Bought(order),
            _ => Errand::Fresh,
        };
    }

    /// The request was refused: this errand is over.
    pub(crate) fn refused(&mut self) {
        self.pending = None;
        self.errand = Errand::Fresh;
    }

    /// A read was answered.
    pub(crate) fn has_read(&mut self) {
        self.pending = None;
    }

    /// Leave the hold to its deadline, or the tickets as they are, and begin anew.
    fn forget(&mut self, prng: &mut Prng) -> Option<Ask> {
        self.errand = Errand::Fresh;
        self.next_ask(prng)
    }

    fn next_key(&mut self) -> u128 {
        self.asked += 1;
        self.key(self.asked)
    }

    /// Uniform, as the gateway's keyed hashes are.
    fn key(&self, asked: u64) -> u128 {
        Prng::new(((self.number as u64) << 32) | asked).bits()
    }
}

/// What a buyer wants: mostly to stand, sometimes of the type that sells for a part of the run, or to sit.
fn wish(prng: &mut Prng) -> (TicketTypeId, Want) {
    let quantity = if prng.chance(500) { 1 } else { 2 };
    match prng.between(0, 99) {
        0..55 => (catalogue::STANDING, Want::Quantity(quantity)),
        55..70 => (catalogue::LATE, Want::Quantity(quantity)),
        70..85 => (catalogue::SEATED, catalogue::seats(prng.index(10), quantity)),
        _ => {
            let wishes = Wishes { accept_split: prng.chance(500), ..Wishes::default() };
            (catalogue::SEATED, Want::Together { quantity: quantity + 1, wishes })
        }
    }
}
