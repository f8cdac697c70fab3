//! Waiting: who may join and leave, who is served next, and who must wait for those.

use super::access::Access;
use crate::mutant::Mutant;
use crate::seating::Query;
use crate::waitlist::{
    CHOICES_MAX, Choice, EntryNumber, JoinWaitlist, LeftReason, NoLine, PRIORITY_DEFAULT, Place,
    WaitlistJoined, Wanted, line_for,
};
use crate::windows::Window;
use crate::{
    Authority, EventBody, HoldPlaced, Inventory, Line, Manner, Origin, Phase, Rejection, RequestError,
    SeatIndex, Subjects, TicketTypeId, Timestamp,
};

impl Inventory {
    pub(super) fn decide_join(&self, request: &JoinWaitlist) -> Result<EventBody, Rejection> {
        check_shape(request).map_err(Rejection::InvalidRequest)?;
        let Some(policy) = self.config.waitlist.as_deref().filter(|policy| policy.enabled) else {
            return Err(Rejection::WaitlistClosed);
        };
        for choice in &request.choices {
            self.check_choice(choice, request)?;
        }
        for &subject in std::iter::once(&request.subjects.primary).chain(&request.subjects.extra) {
            let Some(slot) = self.subjects.find(subject) else { continue };
            let waits = self.waitlist.of_subject(slot).take(policy.per_subject_max.into()).count();
            if waits >= policy.per_subject_max.into()
                && let Some(entry) = self.waitlist.of_subject(slot).next()
            {
                return Err(Rejection::AlreadyWaiting { entry });
            }
        }
        if self.waitlist.len() >= policy.entries_max as usize {
            return Err(Rejection::WaitlistFull { entries_max: policy.entries_max });
        }
        for choice in &request.choices {
            let id = choice.ticket_type;
            if !self.is_ahead(id) && self.fitting(id, Wanted::of(choice)).is_some() {
                return Err(Rejection::AvailableNow { ticket_type: id });
            }
        }
        let prices = request.choices.iter().filter_map(|choice| self.config.ticket_type(choice.ticket_type));
        let dearest = prices.map(|known| known.price_minor).max().filter(|_| !policy.price_may_rise);
        Ok(EventBody::WaitlistJoined(Box::new(WaitlistJoined {
            subjects: request.subjects.clone(),
            choices: request.choices.clone(),
            price_max_minor: request.price_max_minor.or(dearest),
            priority: request.priority.unwrap_or(PRIORITY_DEFAULT),
        })))
    }

    /// There is a line for a choice, its type will still sell, and it breaks no limit of a subject.
    fn check_choice(&self, choice: &Choice, request: &JoinWaitlist) -> Result<(), Rejection> {
        line_for(&self.config, choice, request.price_max_minor).map_err(|no_line| match no_line {
            NoLine::Closed => Rejection::WaitlistClosed,
            NoLine::Refused(rejection) | NoLine::Price(rejection) => rejection,
        })?;
        let id = choice.ticket_type;
        if self.windows.get(id) == Window::After {
            return Err(Rejection::NotOnSale { ticket_type: id, opens_at: None });
        }
        self.check_limits(&request.subjects, id, choice.quantity)
    }

    fn check_limits(&self, subjects: &Subjects, id: TicketTypeId, quantity: u16) -> Result<(), Rejection> {
        self.check_event_limit(subjects, quantity.into())?;
        self.check_type_limit(subjects, id, quantity.into())
    }

    pub(super) fn decide_leave(
        &self,
        authority: Authority,
        number: EntryNumber,
    ) -> Result<EventBody, Rejection> {
        let Some(entry) = self.waitlist.get(number) else { return Err(Rejection::EntryNotFound) };
        if !super::authority::owns(authority, self.subjects.subject(entry.subject)) {
            return Err(Rejection::EntryNotFound);
        }
        Ok(EventBody::WaitlistLeft { entry: number, reason: LeftReason::Left })
    }

    /// Whether the line of a type is served now.
    pub(crate) fn serves(&self, id: TicketTypeId) -> bool {
        self.phase == Phase::OnSale && self.windows.is_open(id)
    }

    /// Whether units are kept for the head of a line that does not fit.
    pub(crate) fn accumulates(&self) -> bool {
        self.config.accumulates()
    }

    /// Seats for what is wanted of a type, from everyone's share; no seats for standing. `None`: it does not fit.
    pub(crate) fn fitting(&self, id: TicketTypeId, wanted: Wanted) -> Option<Vec<SeatIndex>> {
        let term = self.terms.get(self.terms.current(id));
        let units = u32::from(wanted.quantity);
        if term.draws_on.iter().any(|&pool| self.pools.get(pool).free_for(None) < units) {
            return None;
        }
        let Some(category) = term.category else { return Some(Vec::new()) };
        let accessible = wanted.manner.accessible();
        if accessible == 0 && self.seating.available(category, None) < units {
            return None;
        }
        let query = Query { category, channel: None, section: None, accessible, quantity: wanted.quantity };
        let split = || match wanted.manner {
            Manner::TogetherOrSplit => self.seating.split(&query, &[]),
            _ => None,
        };
        self.seating.best(&query, &[]).or_else(split).map(|group| group.seats)
    }

    /// Who of a line is to be served now.
    pub(crate) fn next_in_line(&self, id: TicketTypeId) -> Option<Place> {
        if !self.serves(id) {
            return None;
        }
        let line = self.waitlist.line(id);
        if self.accumulates() && !self.mutation.is(Mutant::HeadPassed) {
            let (wanted, head) = line.head()?;
            if !line.is_impatient(head) {
                return self.fitting(id, wanted).map(|_| head);
            }
        }
        let mut best: Option<Place> = None;
        let mut consider = |(wanted, place): (Wanted, Place)| {
            let skipped = self.mutation.is(Mutant::BucketSkipped) && wanted.quantity > 1;
            let is_before = best.is_none_or(|known| place < known);
            if is_before && !skipped && self.fitting(id, wanted).is_some() {
                best = Some(place);
            }
        };
        if self.mutation.is(Mutant::NewestServed) {
            line.tails().for_each(&mut consider);
        } else {
            line.heads().for_each(&mut consider);
        }
        best
    }

    /// What follows from the state alone.
    pub(crate) fn consequence(&mut self, now: Timestamp) -> Option<EventBody> {
        if self.waitlist.is_quiet() {
            return None;
        }
        if let Some(entry) = self.waitlist.first_lost() {
            return Some(EventBody::WaitlistLeft { entry, reason: self.why_lost(entry) });
        }
        let mut best: Option<Place> = None;
        for id in self.waitlist.marks().iter() {
            match self.next_in_line(id) {
                Some(place) => best = Some(best.map_or(place, |known| known.min(place))),
                None => self.waitlist.is_served(id),
            }
        }
        self.serve(now, best?)
    }

    /// Why no line is left for an entry.
    fn why_lost(&self, number: EntryNumber) -> LeftReason {
        let Some(entry) = self.waitlist.get(number) else { return LeftReason::Left };
        let mut reason = LeftReason::TypeGone;
        for choice in entry.choices() {
            match line_for(&self.config, &choice, entry.price_max_minor) {
                Err(NoLine::Closed) => return LeftReason::Closed,
                Err(NoLine::Price(_)) => reason = LeftReason::Price,
                Ok(()) | Err(NoLine::Refused(_)) => {}
            }
        }
        reason
    }

    /// The offer to an entry that is to be served: of its first choice that may be offered to it and breaks no limit. Whoever has reached a
    /// limit of all that may be offered gets none.
    fn serve(&self, now: Timestamp, place: Place) -> Option<EventBody> {
        let number = place.number();
        let entry = self.waitlist.get(number)?;
        let policy = self.config.waitlist.as_deref()?;
        let subjects = Subjects {
            primary: self.subjects.subject(entry.subject),
            extra: entry.extra.iter().map(|slot| self.subjects.subject(slot)).collect(),
        };
        let mut offers = entry
            .choices()
            .filter_map(|choice| {
                let seats = self
                    .may_be_offered(place, &choice)
                    .then(|| self.fitting(choice.ticket_type, Wanted::of(&choice)))?;
                Some((choice, seats?))
            })
            .peekable();
        offers.peek()?;
        let is_within =
            |choice: &Choice| self.check_limits(&subjects, choice.ticket_type, choice.quantity).is_ok();
        let Some((choice, seats)) = offers.find(|(choice, _)| is_within(choice)) else {
            return Some(EventBody::WaitlistLeft { entry: number, reason: LeftReason::Limit });
        };
        let ticket_type = choice.ticket_type;
        let terms = self.terms.current(ticket_type);
        let price_minor = self.terms.get(terms).price_minor;
        let lines = vec![Line { ticket_type, terms, quantity: choice.quantity, price_minor, seats }];
        let deadline_at = now.plus_ms(policy.offer_ms);
        Some(EventBody::HoldPlaced(HoldPlaced {
            subjects,
            deadline_at,
            life_ends_at: deadline_at,
            channel: None,
            origin: Origin::Offer,
            quote: self.plain_quote(&lines).map(Box::new),
            lines,
            entry: Some(number),
        }))
    }

    /// Whether an entry's choice is not passed over for the head of a line that keeps units for it.
    fn may_be_offered(&self, place: Place, choice: &Choice) -> bool {
        let id = choice.ticket_type;
        if !self.serves(id) {
            return false;
        }
        let line = self.waitlist.line(id);
        let head = line.head().map(|(_, head)| head);
        let is_next = !self.accumulates()
            || head == Some(place)
            || head.is_some_and(|head| line.is_impatient(head))
            || self.mutation.is(Mutant::HeadPassed);
        is_next && line.has(Wanted::of(choice), place)
    }

    /// Whether who waits comes before a direct hold of a type: an offer is still to come that takes what it would take, or units
    /// are kept for who does not fit yet.
    pub(crate) fn is_ahead(&self, id: TicketTypeId) -> bool {
        if self.waitlist.is_quiet() || self.mutation.is(Mutant::WaitlistPassed) {
            return false;
        }
        let term = self.terms.get(self.terms.current(id));
        let marks = self.waitlist.marks();
        self.waitlist.near(&term.draws_on, term.category).iter().any(|other| {
            self.keeps_units(other) || (marks.contains(other) && self.next_in_line(other).is_some())
        })
    }

    fn keeps_units(&self, id: TicketTypeId) -> bool {
        let patience = self.waitlist.line(id).patience;
        patience.is_some_and(|patience| patience.since.is_some())
    }

    /// Refuses a line that takes what the waitlist is to get. What a channel has of its own is not that.
    pub(super) fn check_ahead(
        &self,
        access: &Access,
        id: TicketTypeId,
        seats: &[SeatIndex],
    ) -> Result<(), Rejection> {
        if self.waitlist.is_quiet() {
            return Ok(());
        }
        let is_own = access.channel.is_some_and(|channel| {
            let term = self.terms.get(self.terms.current(id));
            let has_share = |pool| self.pools.get(pool).shares.iter().any(|share| share.channel == channel);
            term.draws_on.iter().all(|&pool| has_share(pool))
                && seats.iter().all(|&seat| self.seating.is_open_to(seat, Some(channel), true))
        });
        if !is_own && self.is_ahead(id) {
            return Err(Rejection::WaitlistAhead { ticket_type: id });
        }
        Ok(())
    }
}

/// What can be said about a request whatever is configured.
fn check_shape(request: &JoinWaitlist) -> Result<(), RequestError> {
    let choices = &request.choices;
    if choices.is_empty() {
        return Err(RequestError::NoLines);
    }
    if choices.len() > CHOICES_MAX {
        return Err(RequestError::TooManyLines);
    }
    if choices.iter().any(|choice| choice.quantity == 0) {
        return Err(RequestError::ZeroQuantity);
    }
    let repeats =
        |at: usize| choices[..at].iter().any(|choice| choice.ticket_type == choices[at].ticket_type);
    if (0..choices.len()).any(repeats) {
        return Err(RequestError::Duplicate);
    }
    super::place::check_subjects(&request.subjects)
}
