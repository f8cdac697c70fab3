//! The waitlist, by one look at everybody who waits, at every step.

use std::collections::BTreeSet;
use std::sync::Arc;

use tessera_inventory::{
    Authority, CHOICES_MAX, ChannelId, Choice, Config, EXTRA_SUBJECTS_MAX, EntryNumber, EventBody,
    HoldPlaced, JoinWaitlist, LeftReason, Line, Manner, Origin, Phase, Rejection, RequestError, SeatIndex,
    Subject, Subjects, TOGETHER_MAX, TermsId, TicketKind, TicketType, TicketTypeId, Timestamp,
    WaitlistJoined, WaitlistOrder, WaitlistPolicy,
};

use super::hall::Wish;
use super::rights::owns;
use super::{Decided, Model, Window};

/// Somebody who waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The sequence of the `WaitlistJoined`.
    pub number: u64,
    /// What was asked.
    pub joined: WaitlistJoined,
}

/// What is kept for the head of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// For whom.
    pub head: u64,
    /// Since when; `None`: in vain, the patience ended.
    pub since: Option<Timestamp>,
}

fn subjects_of(subjects: &Subjects) -> Vec<Subject> {
    [&[subjects.primary], subjects.extra.as_slice()].concat()
}

fn refusal(error: RequestError) -> Rejection {
    Rejection::InvalidRequest(error)
}

/// Everything that a configuration has against a choice; the price by itself.
fn against(
    config: &Config,
    choice: &Choice,
    price_max_minor: Option<i64>,
) -> (Vec<Rejection>, Vec<Rejection>) {
    let id = choice.ticket_type;
    let Some(known) = config.ticket_types.get(id.index()) else {
        return (vec![refusal(RequestError::UnknownTicketType)], vec![]);
    };
    let Some(policy) = policy_of(config) else { return (vec![Rejection::WaitlistClosed], vec![]) };
    let mut reasons = Vec::new();
    let is_listed = policy.types.is_empty() || policy.types.contains(&id);
    if !is_listed || known.access_code.is_some() || known.kind != TicketKind::Admission {
        reasons.push(Rejection::WaitlistClosed);
    }
    let is_seated = known.category.is_some();
    if is_seated == (choice.manner == Manner::Standing) {
        reasons.push(refusal(RequestError::WrongKindOfLine));
    }
    if is_seated && choice.quantity > TOGETHER_MAX {
        reasons.push(refusal(RequestError::TooManyUnits));
    }
    if let Manner::Accessible(spaces) = choice.manner {
        let (spaces, most) = (u16::from(spaces), u16::from(config.seating.companions_max));
        if spaces == 0 || choice.quantity < spaces || choice.quantity - spaces > spaces * most {
            reasons.push(refusal(RequestError::TooManyCompanions));
        }
    }
    let (min, max) = (known.per_order_min, known.per_order_max);
    if choice.quantity < min || choice.quantity > max {
        reasons.push(Rejection::OrderSize { ticket_type: id, min, max });
    }
    let price_minor = known.price_minor;
    let is_too_dear = price_max_minor.is_some_and(|max| max < price_minor);
    let price = is_too_dear.then_some(Rejection::PriceChanged { ticket_type: id, price_minor });
    (reasons, price.into_iter().collect())
}

fn policy_of(config: &Config) -> Option<&WaitlistPolicy> {
    config.waitlist.as_deref().filter(|policy| policy.enabled)
}

impl Model {
    fn waitlist_config(&self) -> &Config {
        self.config.as_ref().unwrap()
    }

    pub(crate) fn join(&self, request: &JoinWaitlist) -> Decided<EventBody> {
        let config = self.waitlist_config();
        let shape = misshapen(request);
        if !shape.is_empty() {
            return Err(shape.into_iter().map(refusal).collect());
        }
        let Some(policy) = policy_of(config) else { return Err(vec![Rejection::WaitlistClosed]) };
        let mut reasons = Vec::new();
        let who = subjects_of(&request.subjects);
        for choice in &request.choices {
            let (of_choice, of_price) = against(config, choice, request.price_max_minor);
            reasons.extend(of_choice.into_iter().chain(of_price));
            let id = choice.ticket_type;
            if self.windows.get(id.index()) == Some(&Window::After) {
                reasons.push(Rejection::NotOnSale { ticket_type: id, opens_at: None });
            }
            reasons.extend(self.beyond_event_limit(&who, choice.quantity.into()));
            reasons.extend(self.beyond_type_limit(&who, id, choice.quantity.into()));
        }
        for subject in &who {
            let waits = self.waiting.iter().filter(|one| subjects_of(&one.joined.subjects).contains(subject));
            let numbers: Vec<u64> = waits.map(|one| one.number).collect();
            if numbers.len() >= usize::from(policy.per_subject_max) {
                reasons.push(Rejection::AlreadyWaiting { entry: EntryNumber(numbers[0]) });
            }
        }
        if self.waiting.len() >= policy.entries_max as usize {
            reasons.push(Rejection::WaitlistFull { entries_max: policy.entries_max });
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let is_there = |choice: &&Choice| !self.is_ahead(choice.ticket_type) && self.fit(choice).is_some();
        if let Some(choice) = request.choices.iter().find(is_there) {
            return Err(vec![Rejection::AvailableNow { ticket_type: choice.ticket_type }]);
        }
        let prices =
            request.choices.iter().map(|choice| config.ticket_types[choice.ticket_type.index()].price_minor);
        let dearest = if policy.price_may_rise { None } else { prices.max() };
        Ok(EventBody::WaitlistJoined(Box::new(WaitlistJoined {
            subjects: request.subjects.clone(),
            choices: request.choices.clone(),
            price_max_minor: request.price_max_minor.or(dearest),
            priority: request.priority.unwrap_or(128),
        })))
    }

    pub(crate) fn leave(&self, by: Authority, entry: EntryNumber) -> Decided<EventBody> {
        let is_it = |one: &&Waiting| one.number == entry.0 && owns(by, one.joined.subjects.primary);
        match self.waiting.iter().find(is_it) {
            Some(_) => Ok(EventBody::WaitlistLeft { entry, reason: LeftReason::Left }),
            None => Err(vec![Rejection::EntryNotFound]),
        }
    }

    pub(crate) fn stop_waiting(&mut self, entry: u64) {
        let before = self.waiting.len();
        self.waiting.retain(|one| one.number != entry);
        assert_eq!(self.waiting.len() + 1, before, "the model ends an entry that does not wait");
    }

    /// Whether a type's line is served at all now.
    fn is_served(&self, id: TicketTypeId) -> bool {
        self.phase == Phase::OnSale && self.windows[id.index()] == Window::Open
    }

    /// Everybody in the line of a type, in order.
    fn line(&self, id: TicketTypeId) -> Vec<(&Waiting, Choice)> {
        let mut line = Vec::new();
        for one in &self.waiting {
            let choice = one.joined.choices.iter().find(|choice| choice.ticket_type == id);
            line.extend(choice.filter(|choice| self.stands(one, choice)).map(|&choice| (one, choice)));
        }
        line.sort_by_key(|(one, _)| (one.joined.priority, one.number));
        line
    }

    fn stands(&self, one: &Waiting, choice: &Choice) -> bool {
        let (reasons, price) = against(self.waitlist_config(), choice, one.joined.price_max_minor);
        reasons.is_empty() && price.is_empty()
    }

    fn accumulates(&self) -> bool {
        let policy = self.waitlist_config().waitlist.as_deref();
        policy.is_some_and(|policy| policy.order == WaitlistOrder::Accumulate)
    }

    /// Who of a line may be served at all: only the head, while units are kept for it.
    fn may_be_served(&self, id: TicketTypeId) -> Vec<(&Waiting, Choice)> {
        let mut line = self.line(id);
        if !self.is_served(id) {
            return vec![];
        }
        let Some(head) = line.first().map(|(one, _)| one.number) else { return line };
        let is_over = self.kept.get(&id.0).is_some_and(|kept| kept.head == head && kept.since.is_none());
        if self.accumulates() && !is_over {
            line.truncate(1);
        }
        line
    }

    /// Seats for a choice, of what is everyone's; none for standing.
    fn fit(&self, choice: &Choice) -> Option<Vec<SeatIndex>> {
        let known = self.ticket_type(choice.ticket_type)?;
        let units = u32::from(choice.quantity);
        if known.draws_on.iter().any(|&pool| self.pools[pool.index()].general < units) {
            return None;
        }
        let Some(category) = known.category else { return Some(vec![]) };
        let accessible = choice.manner.accessible().into();
        let wish = Wish { category, audience: None, section: None, accessible, quantity: choice.quantity };
        let hall = self.hall()?;
        let together = hall.groups(&wish, &[]).into_iter().next();
        let split = || hall.split(&wish, &[]).filter(|_| choice.manner == Manner::TogetherOrSplit);
        together.or_else(split).map(|(_, seats)| seats)
    }

    /// Whether a direct hold of a type is to wait: an offer is due of what draws on the same, or something is kept.
    pub(crate) fn is_ahead(&self, id: TicketTypeId) -> bool {
        self.near(id).into_iter().any(|other| {
            let is_kept = self.kept.get(&other.0).is_some_and(|kept| kept.since.is_some());
            let mut line = self.may_be_served(other).into_iter();
            is_kept || line.any(|(_, choice)| self.fit(&choice).is_some())
        })
    }

    /// The types that draw on what this one draws on, itself among them.
    fn near(&self, id: TicketTypeId) -> Vec<TicketTypeId> {
        let types = &self.waitlist_config().ticket_types;
        let this = &types[id.index()];
        let is_near = |other: &TicketType| {
            let shares_pool = other.draws_on.iter().any(|pool| this.draws_on.contains(pool));
            shares_pool || (this.category.is_some() && this.category == other.category)
        };
        (0_u16..).zip(types).filter(|(_, other)| is_near(other)).map(|(id, _)| TicketTypeId(id)).collect()
    }

    /// Invariant I8, asked of a hold before it is placed: the entry that it passes over. Nobody, if it is an offer to who does not wait.
    pub fn passed_over(&self, placed: &HoldPlaced) -> Option<EntryNumber> {
        match placed.entry {
            None => self.passed_directly(placed),
            Some(entry) => {
                let own = self.waiting.iter().find(|one| one.number == entry.0)?;
                self.passed_by_offer(own, placed)
            }
        }
    }

    /// An offer passes over whoever waits before the entry it is for, may be served and fits; and the head of its line, while units are kept
    /// for it.
    fn passed_by_offer(&self, own: &Waiting, placed: &HoldPlaced) -> Option<EntryNumber> {
        let place = |one: &Waiting| (one.joined.priority, one.number);
        let line = placed.lines.first()?;
        let may = self.may_be_served(line.ticket_type);
        if let Some((head, _)) = may.first()
            && !may.iter().any(|(one, _)| one.number == own.number)
        {
            return Some(EntryNumber(head.number));
        }
        let types = (0_u16..).zip(&self.waitlist_config().ticket_types).map(|(id, _)| TicketTypeId(id));
        let mut everybody = types.flat_map(|id| self.may_be_served(id));
        let passed = everybody.find(|(one, choice)| place(one) < place(own) && self.fit(choice).is_some());
        passed.map(|(one, _)| EntryNumber(one.number))
    }

    /// A direct hold passes over whoever waits for what it takes, may be served and fits, or has units kept.
    fn passed_directly(&self, placed: &HoldPlaced) -> Option<EntryNumber> {
        let is_everyones =
            |line: &&Line| !self.is_own_of_channel(placed.channel, line.ticket_type, &line.seats);
        let of_all = placed.lines.iter().filter(is_everyones);
        let types: BTreeSet<TicketTypeId> = of_all.flat_map(|line| self.near(line.ticket_type)).collect();
        let kept = types.iter().filter_map(|id| self.kept.get(&id.0));
        let head = kept.filter(|kept| kept.since.is_some()).map(|kept| kept.head).next();
        let mut everybody = types.iter().flat_map(|id| self.may_be_served(*id));
        let fits = || everybody.find(|(_, choice)| self.fit(choice).is_some()).map(|(one, _)| one.number);
        head.or_else(fits).map(EntryNumber)
    }

    /// Invariant I8: of everybody who waits the first that may be served and fits, at its first choice that fits and breaks no limit; or an
    /// entry that can never be served, or breaks a limit with all that fits. `None`: nothing follows from the state.
    pub fn consequence(&self, now: Timestamp) -> Option<EventBody> {
        let config = Arc::clone(self.config.as_ref()?);
        for one in &self.waiting {
            if !one.joined.choices.iter().any(|choice| self.stands(one, choice)) {
                let reason = self.why_never(one);
                return Some(EventBody::WaitlistLeft { entry: EntryNumber(one.number), reason });
            }
        }
        let policy = config.waitlist.as_deref()?;
        let mut everybody: Vec<&Waiting> = self.waiting.iter().collect();
        everybody.sort_by_key(|one| (one.joined.priority, one.number));
        for one in everybody {
            let mut has_reached_a_limit = false;
            for choice in &one.joined.choices {
                let id = choice.ticket_type;
                let may = self.may_be_served(id).iter().any(|(other, _)| other.number == one.number);
                let Some(seats) = may.then(|| self.fit(choice)).flatten() else { continue };
                let who = subjects_of(&one.joined.subjects);
                let units = u32::from(choice.quantity);
                let is_beyond = !self.beyond_event_limit(&who, units).is_empty()
                    || !self.beyond_type_limit(&who, id, units).is_empty();
                if is_beyond {
                    has_reached_a_limit = true;
                    continue;
                }
                let price_minor = config.ticket_types[id.index()].price_minor;
                let lines = vec![Line {
                    ticket_type: id,
                    terms: TermsId(0),
                    quantity: choice.quantity,
                    price_minor,
                    seats,
                }];
                return Some(EventBody::HoldPlaced(HoldPlaced {
                    subjects: one.joined.subjects.clone(),
                    deadline_at: now.plus_ms(policy.offer_ms),
                    life_ends_at: now.plus_ms(policy.offer_ms),
                    channel: None,
                    origin: Origin::Offer,
                    quote: super::bill::bill(&config, self.version, &lines, None).map(Box::new),
                    lines,
                    entry: Some(EntryNumber(one.number)),
                }));
            }
            if has_reached_a_limit {
                let (entry, reason) = (EntryNumber(one.number), LeftReason::Limit);
                return Some(EventBody::WaitlistLeft { entry, reason });
            }
        }
        None
    }

    /// Whether a line takes nothing of what is everyone's.
    pub(crate) fn is_own_of_channel(
        &self,
        channel: Option<ChannelId>,
        id: TicketTypeId,
        seats: &[SeatIndex],
    ) -> bool {
        let Some(channel) = channel else { return false };
        let pools = &self.ticket_type(id).unwrap().draws_on;
        let hall = self.hall().unwrap();
        pools.iter().all(|pool| self.pools[pool.index()].shares.contains_key(&channel.0))
            && seats.iter().all(|seat| hall.places[seat.index()].audience == Some(channel))
    }

    fn why_never(&self, one: &Waiting) -> LeftReason {
        let config = self.waitlist_config();
        if policy_of(config).is_none() {
            return LeftReason::Closed;
        }
        let is_only_dear = |choice: &Choice| {
            let (reasons, price) = against(config, choice, one.joined.price_max_minor);
            reasons.is_empty() && !price.is_empty()
        };
        if one.joined.choices.iter().any(is_only_dear) { LeftReason::Price } else { LeftReason::TypeGone }
    }

    /// After each event: something is kept for the head of a line from when there is something to keep, until the head is another.
    pub(crate) fn keep(&mut self, at: Timestamp) {
        let types = self.config.as_ref().map_or(0, |config| config.ticket_types.len());
        let mut kept = std::collections::BTreeMap::new();
        for id in (0_u16..).take(types) {
            let ticket_type = TicketTypeId(id);
            let head = self.line(ticket_type).first().map(|(one, _)| one.number);
            let Some(head) = head.filter(|_| self.accumulates() && self.is_served(ticket_type)) else {
                continue;
            };
            let known = self.kept.get(&id).filter(|kept| kept.head == head).copied();
            let fresh = (self.free_of(ticket_type) > 0).then_some(Kept { head, since: Some(at) });
            kept.extend(known.or(fresh).map(|one| (id, one)));
        }
        self.kept = kept;
    }

    /// When keeping is over, by type.
    pub(crate) fn keeping_ends(&self) -> Vec<(Timestamp, TicketTypeId)> {
        let Some(policy) = self.config.as_ref().and_then(|config| config.waitlist.as_deref()) else {
            return vec![];
        };
        let ends = self
            .kept
            .iter()
            .filter_map(|(&id, kept)| Some((kept.since?.plus_ms(policy.patience_ms), TicketTypeId(id))));
        ends.collect()
    }
}

/// What is wrong with a request whatever is configured.
fn misshapen(request: &JoinWaitlist) -> Vec<RequestError> {
    let mut errors = Vec::new();
    let mut is_wrong = |wrong: bool, error: RequestError| errors.extend(wrong.then_some(error));
    let mut types: Vec<TicketTypeId> = request.choices.iter().map(|choice| choice.ticket_type).collect();
    types.sort();
    types.dedup();
    let mut who = subjects_of(&request.subjects);
    who.sort();
    who.dedup();
    let repeats = types.len() < request.choices.len() || who.len() < request.subjects.extra.len() + 1;
    is_wrong(request.choices.is_empty(), RequestError::NoLines);
    is_wrong(request.choices.len() > CHOICES_MAX, RequestError::TooManyLines);
    is_wrong(request.choices.iter().any(|choice| choice.quantity == 0), RequestError::ZeroQuantity);
    is_wrong(repeats, RequestError::Duplicate);
    is_wrong(request.subjects.extra.len() > EXTRA_SUBJECTS_MAX, RequestError::TooManySubjects);
    errors
}
