//! Those who wait: they join when something is sold out, look whether they are offered something, accept it, in time or late, once or
//! twice and on two phones, decline it, or leave.

use tessera_inventory::{
    Authority, Choice, ClaimNumber, CommandBody, Config, EntryNumber, JoinWaitlist, Manner, Subject,
    Subjects, TicketTypeId,
};
use tessera_naive::Model;
use tessera_writer::Ask;

use super::{Client, Errand, View, stray, wish};
use crate::catalogue::subject;
use crate::prng::Prng;

impl Client {
    /// Something was sold out, or somebody wants what will be: it joins, or takes up what another phone of the same person is offered.
    /// `None`: it does not come to anything.
    pub(super) fn perhaps_waits(&mut self, view: View<'_>, missed: Option<TicketTypeId>) -> Option<Ask> {
        if view.mix.waits == 0 {
            return None;
        }
        let odds = if missed.is_some() { view.mix.waits } else { view.mix.waits / 4 };
        if !self.prng.chance(odds) {
            return None;
        }
        if let Some(entry) = offered_to(view.model, self.subject)
            && self.prng.chance(300)
        {
            self.entry = Some(entry);
            return self.in_line(view, entry);
        }
        let (authority, request) = join(&mut self.prng, view, self.subject, missed);
        Some(self.command(view, authority, CommandBody::JoinWaitlist(request)))
    }

    /// It waits, or has been offered something.
    pub(super) fn in_line(&mut self, view: View<'_>, entry: EntryNumber) -> Option<Ask> {
        self.errand = Errand::Waiting(entry);
        if let Some(offer) = offer_of(view.model, entry) {
            return self.with_an_offer(view, offer);
        }
        let waits = view.model.waiting.iter().any(|one| one.number == entry.0);
        let [look, leave, forget] = view.mix.waiting;
        match self.prng.weighted(&[(0, look), (1, leave), (2, forget)]) {
            // There is nothing under this number, but it is an answer.
            Some(0) if waits => Some(Ask::Read(ClaimNumber(entry.0))),
            Some(1) => {
                let by = self.by_whom();
                Some(self.command(view, by, CommandBody::LeaveWaitlist { entry }))
            }
            _ => self.forget(view),
        }
    }

    fn with_an_offer(&mut self, view: View<'_>, hold: ClaimNumber) -> Option<Ask> {
        let buyer = self.by_whom();
        let [accept, decline, look, forget] = view.mix.offered;
        match self.prng.weighted(&[(0, accept), (1, decline), (2, look), (3, forget)]) {
            Some(0) => {
                let extra_subjects = wish::fingerprints(&mut self.prng, view);
                let provider = stray::provider(&mut self.prng);
                Some(self.command(view, buyer, CommandBody::BeginPayment { hold, provider, extra_subjects }))
            }
            Some(1) => Some(self.command(view, buyer, CommandBody::ReleaseHold { hold })),
            Some(2) => Some(Ask::Read(hold)),
            _ => self.forget(view),
        }
    }
}

/// What an entry was offered, whatever has become of it.
fn offer_of(model: &Model, entry: EntryNumber) -> Option<ClaimNumber> {
    let mut later = model.placed.range(entry.0..);
    later.find(|(_, (hold, _))| hold.entry == Some(entry)).map(|(number, _)| ClaimNumber(*number))
}

/// The entry behind the newest live offer to a person.
fn offered_to(model: &Model, person: Subject) -> Option<EntryNumber> {
    let its = model.claims.values().rev().filter(|claim| claim.subject == person && claim.payment.is_none());
    its.filter_map(|claim| model.placed.get(&claim.number)?.0.entry).next()
}

/// A request to wait, by a buyer or by the organizer for one.
fn join(
    prng: &mut Prng,
    view: View<'_>,
    primary: Subject,
    missed: Option<TicketTypeId>,
) -> (Authority, JoinWaitlist) {
    let is_stray = prng.chance(view.mix.strays / 4);
    let by_organizer = prng.chance(150);
    let authority =
        if by_organizer && !is_stray { Authority::Organizer } else { Authority::Subject(primary) };
    let priority = (by_organizer && prng.chance(700)).then(|| 126 + prng.small(5));
    let choices = match view.model.config.as_deref() {
        Some(config) => choices(prng, config, missed, is_stray),
        None => vec![Choice { ticket_type: TicketTypeId(0), quantity: 1, manner: Manner::Standing }],
    };
    let price_max_minor = prng.chance(200).then(|| prng.between(0, 60).cast_signed());
    let extra = if prng.chance(800) { Vec::new() } else { wish::fingerprints(prng, view) };
    (authority, JoinWaitlist { subjects: Subjects { primary, extra }, choices, price_max_minor, priority })
}

/// What it would take: what it missed, if it missed something, and mostly nothing else.
fn choices(prng: &mut Prng, config: &Config, missed: Option<TicketTypeId>, is_stray: bool) -> Vec<Choice> {
    let types = config.ticket_types.len();
    let first = missed.map_or_else(|| prng.index(types), TicketTypeId::index);
    let count = match prng.between(0, 9) {
        0..6 => 1,
        6..8 => 2,
        8 => 3,
        _ => 4 + usize::from(is_stray),
    };
    // Each once, unless it strays.
    let count = if is_stray { count } else { count.min(types) };
    (first..).take(count).map(|at| choice(prng, config, at % types.max(1), is_stray)).collect()
}

fn choice(prng: &mut Prng, config: &Config, at: usize, is_stray: bool) -> Choice {
    let ticket_type = TicketTypeId(u16::try_from(at).unwrap_or(0));
    let Some(known) = config.ticket_types.get(at) else {
        return Choice { ticket_type, quantity: 1, manner: Manner::Standing };
    };
    let quantity = u16::try_from(prng.between(1, 4)).unwrap_or(1);
    let quantity =
        if is_stray { quantity - 1 } else { quantity.clamp(known.per_order_min, known.per_order_max) };
    let manner = match (known.category, prng.between(0, 9)) {
        (None, _) if !is_stray => Manner::Standing,
        (_, 0) => Manner::Accessible(1 + prng.small(2)),
        (_, 1..5) => Manner::TogetherOrSplit,
        _ => Manner::Together,
    };
    Choice { ticket_type, quantity, manner }
}

/// A request about waiting that fits nothing: on an entry or an offer of others, or of nobody.
pub(super) fn stray(prng: &mut Prng, view: View<'_>) -> (Authority, CommandBody) {
    let model = view.model;
    let someone = subject(prng.index(crate::catalogue::SUBJECTS));
    let anyone =
        [Authority::Organizer, Authority::Scanner, Authority::Subject(someone), Authority::Secret(someone)]
            [prng.index(4)];
    let waiting = model.waiting.get(prng.index(model.waiting.len().max(1)));
    match prng.between(0, 3) {
        0 => {
            let number = waiting.filter(|_| prng.chance(700)).map_or(model.sequence(), |one| one.number);
            (anyone, CommandBody::LeaveWaitlist { entry: EntryNumber(number) })
        }
        1 => {
            // Who waits already, once more.
            let primary = waiting.map_or(someone, |one| one.joined.subjects.primary);
            let (_, request) = join(prng, view, primary, None);
            (Authority::Subject(primary), CommandBody::JoinWaitlist(request))
        }
        _ => {
            let offers = model.placed.iter().rev().filter(|(_, (hold, _))| hold.entry.is_some());
            let hold = offers.map(|(number, _)| *number).nth(prng.index(3)).unwrap_or(0);
            let owner = model.placed.get(&hold).map_or(someone, |(hold, _)| hold.subjects.primary);
            let by = if prng.chance(700) { Authority::Subject(owner) } else { anyone };
            let hold = ClaimNumber(hold);
            let body = if prng.chance(600) {
                let provider = stray::provider(prng);
                CommandBody::BeginPayment { hold, provider, extra_subjects: Vec::new() }
            } else {
                CommandBody::ReleaseHold { hold }
            };
            (by, body)
        }
    }
}
