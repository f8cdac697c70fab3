//! Placing a hold: all lines or none.

use std::collections::BTreeMap;

use tessera_inventory::{
    AccessCode, Authority, CategoryId, ChannelId, EXTRA_SUBJECTS_MAX, HOLD_LINES_MAX, HOLD_MS_MAX,
    HOLD_MS_MIN, HOLD_UNITS_MAX, HoldPlaced, Line, LineRequest, Origin, Phase, PlaceHold, PoolId, Rejection,
    RequestError, SeatIndex, Subject, TOGETHER_MAX, TermsId, TicketKind, TicketType, TicketTypeId, Timestamp,
    Want, Wishes,
};
use tessera_pricing::Quote;

use super::hall::Wish;
use super::{Decided, Model, Window};

/// The model tells no terms: see [`super::Verdict::Accepted`].
const UNTOLD: TermsId = TermsId(0);

/// What lines before the one at hand have taken.
#[derive(Default)]
struct Taken {
    seats: Vec<SeatIndex>,
    pools: BTreeMap<PoolId, u32>,
    units: BTreeMap<TicketTypeId, u32>,
}

/// What a caller may see and draw on.
pub(crate) struct Caller<'a> {
    pub(crate) by: Authority,
    code: Option<AccessCode>,
    pub(crate) request: &'a PlaceHold,
    /// The unreleased channel that the organizer named or the code opens.
    pub(crate) channel: Option<ChannelId>,
    knows_channel: bool,
}

impl Caller<'_> {
    fn subjects(&self) -> Vec<Subject> {
        [&[self.request.subjects.primary], self.request.subjects.extra.as_slice()].concat()
    }

    /// Whose seats it may get, in the order of preference.
    pub(crate) fn audiences(&self) -> Vec<Option<ChannelId>> {
        if self.channel.is_some() { vec![self.channel, None] } else { vec![None] }
    }
}

pub(crate) fn quantity(want: &Want) -> u32 {
    match want {
        Want::Quantity(quantity) | Want::Together { quantity, .. } => u32::from(*quantity),
        Want::Seats(seats) => u32::try_from(seats.len()).unwrap(),
    }
}

pub(crate) fn exact_seats(request: &PlaceHold) -> Vec<SeatIndex> {
    let seats = request.lines.iter().filter_map(|line| match &line.want {
        Want::Seats(seats) => Some(seats.as_slice()),
        _ => None,
    });
    seats.flatten().copied().collect()
}

/// All or nothing of a list of reasons.
fn none_of(reasons: Vec<Rejection>) -> Decided<()> {
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

impl Model {
    pub(crate) fn place(&self, now: Timestamp, by: Authority, request: &PlaceHold) -> Decided<HoldPlaced> {
        none_of(self.misshapen(request).into_iter().map(Rejection::InvalidRequest).collect())?;
        let caller = self.caller(by, request)?;
        none_of(self.refused_by_rules(&caller))?;
        let mut taken = Taken { seats: exact_seats(request), ..Taken::default() };
        for line in &request.lines {
            if let Some(id) = line.ticket_type {
                *taken.units.entry(id).or_default() += quantity(&line.want);
            }
        }
        let mut lines = Vec::new();
        for (at, line) in (0_u16..).zip(&request.lines) {
            lines.push(self.place_line(&caller, &mut taken, at, line)?);
        }
        let quote = self.quote(now, request, &lines)?;
        let policy = self.config.as_ref().unwrap().hold;
        let life_ends_at = now.plus_ms(policy.life_ms_max);
        let deadline_at = now.plus_ms(request.duration_ms.unwrap_or(policy.duration_ms)).min(life_ends_at);
        Ok(HoldPlaced {
            subjects: request.subjects.clone(),
            deadline_at,
            life_ends_at,
            channel: caller.channel,
            origin: Origin::Direct,
            lines,
            quote: quote.map(Box::new),
            entry: None,
        })
    }

    /// What the lines cost, at the total that the buyer saw.
    fn quote(&self, now: Timestamp, request: &PlaceHold, lines: &[Line]) -> Decided<Option<Quote>> {
        let promotion = self.claimed(now, request)?;
        let bill = super::bill::bill(self.config.as_ref().unwrap(), self.version, lines, promotion);
        let serial = request.promotion.and_then(|claimed| claimed.serial);
        let quote = bill.map(|quote| Quote { serial, ..quote });
        let plain: i64 = lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).sum();
        let total_minor = quote.as_ref().map_or(plain, |quote| quote.total_minor);
        match request.expected_total_minor {
            Some(expected) if expected != total_minor => Err(vec![Rejection::TotalChanged { total_minor }]),
            _ => Ok(quote),
        }
    }

    /// Why add-ons may not be bought like this.
    fn add_ons_refused(&self, caller: &Caller<'_>, units: &BTreeMap<TicketTypeId, u32>) -> Vec<Rejection> {
        let most_of = |id: TicketTypeId| match self.ticket_type(id)?.kind {
            TicketKind::Admission => None,
            TicketKind::AddOn { with_admission_max } => Some(with_admission_max),
        };
        let add_ons: u32 =
            units.iter().filter(|(id, _)| most_of(**id).is_some()).map(|(_, &units)| units).sum();
        let all: u32 = caller.request.lines.iter().map(|line| quantity(&line.want)).sum();
        let mut named = caller.request.lines.iter().filter_map(|line| line.ticket_type);
        if add_ons > 0 && add_ons == all {
            let first = named.find(|&id| most_of(id).is_some()).unwrap();
            return vec![Rejection::AddOnAlone { ticket_type: first }];
        }
        let beyond = |(&id, &units): (&TicketTypeId, &u32)| {
            let most = u32::from(most_of(id).filter(|&most| most > 0)?) * (all - add_ons);
            let (min, max) = (self.ticket_type(id)?.per_order_min, u16::try_from(most).unwrap());
            (units > most).then_some(Rejection::OrderSize { ticket_type: id, min, max })
        };
        units.iter().filter_map(beyond).collect()
    }

    /// What is wrong with a request whatever is in stock.
    fn misshapen(&self, request: &PlaceHold) -> Vec<RequestError> {
        let config = self.config.as_ref().unwrap();
        let mut errors = Vec::new();
        let mut is_wrong = |wrong: bool, error: RequestError| errors.extend(wrong.then_some(error));
        is_wrong(request.lines.is_empty(), RequestError::NoLines);
        is_wrong(request.lines.len() > HOLD_LINES_MAX, RequestError::TooManyLines);
        is_wrong(request.lines.iter().any(|line| quantity(&line.want) == 0), RequestError::ZeroQuantity);
        let units: u32 = request.lines.iter().map(|line| quantity(&line.want)).sum();
        is_wrong(units > u32::from(HOLD_UNITS_MAX), RequestError::TooManyUnits);
        for line in &request.lines {
            let Want::Together { quantity, wishes } = &line.want else { continue };
            let spaces = u16::from(wishes.accessible);
            let companions = quantity.saturating_sub(spaces);
            let companions_max = spaces * u16::from(config.seating.companions_max);
            is_wrong(*quantity > TOGETHER_MAX, RequestError::TooManyUnits);
            is_wrong(
                spaces > *quantity || (spaces > 0 && companions > companions_max),
                RequestError::TooManyCompanions,
            );
            let is_unknown = |section: tessera_inventory::SectionId| section.index() >= config.sections.len();
            is_wrong(wishes.section.is_some_and(is_unknown), RequestError::UnknownSection);
        }
        let mut seats = exact_seats(request);
        is_wrong(seats.iter().any(|seat| !self.seats().contains(seat)), RequestError::UnknownSeat);
        let named = seats.len();
        seats.sort();
        seats.dedup();
        let subjects = &request.subjects;
        let mut distinct = [&[subjects.primary], subjects.extra.as_slice()].concat();
        distinct.sort();
        distinct.dedup();
        let is_repeated = seats.len() < named || distinct.len() < subjects.extra.len() + 1;
        is_wrong(is_repeated, RequestError::Duplicate);
        is_wrong(subjects.extra.len() > EXTRA_SUBJECTS_MAX, RequestError::TooManySubjects);
        let longest = config.hold.duration_ms.min(HOLD_MS_MAX);
        let is_out_of_range = |duration: u64| duration < HOLD_MS_MIN || duration > longest;
        is_wrong(request.duration_ms.is_some_and(is_out_of_range), RequestError::DurationOutOfRange);
        errors
    }

    /// What the code opens; one that opens nothing is refused.
    fn caller<'a>(&self, by: Authority, request: &'a PlaceHold) -> Decided<Caller<'a>> {
        let config = self.config.as_ref().unwrap();
        let code = request.access_code;
        let of_code = (0_u8..)
            .zip(&config.channels)
            .find(|(_, channel)| Some(channel.code) == code)
            .map(|(number, _)| ChannelId(number));
        let opens_type = config.ticket_types.iter().any(|known| code.is_some() && known.access_code == code);
        let mut reasons = Vec::new();
        if code.is_some() && of_code.is_none() && !opens_type {
            reasons.push(Rejection::AccessCodeRequired);
        }
        let is_gone = |id: ChannelId| id.index() >= config.channels.len() || self.released.contains(&id.0);
        if request.channel.is_some_and(is_gone) {
            reasons.push(Rejection::InvalidRequest(RequestError::UnknownChannel));
        }
        none_of(reasons)?;
        let channel = request.channel.or(of_code);
        let unreleased = channel.filter(|channel| !self.released.contains(&channel.0));
        Ok(Caller { by, code, request, channel: unreleased, knows_channel: channel.is_some() })
    }

    pub(crate) fn ticket_type(&self, id: TicketTypeId) -> Option<&TicketType> {
        self.config.as_ref()?.ticket_types.get(id.index())
    }

    /// Why a type does not sell to the caller now.
    fn unsold(&self, caller: &Caller<'_>, id: TicketTypeId) -> Vec<Rejection> {
        let Some(known) = self.ticket_type(id) else {
            return vec![Rejection::InvalidRequest(RequestError::UnknownTicketType)];
        };
        let mut reasons = Vec::new();
        let is_opened = match known.access_code {
            Some(_) => known.access_code == caller.code,
            // The presale is for those with a code: a channel's opens what is public later.
            None => self.phase != Phase::Presale || caller.knows_channel,
        };
        if !is_opened && caller.by != Authority::Organizer {
            reasons.push(Rejection::AccessCodeRequired);
        }
        let opens_at = match self.windows[id.index()] {
            Window::Open => return reasons,
            Window::Before => known.window.opens_at,
            Window::After => None,
        };
        reasons.push(Rejection::NotOnSale { ticket_type: id, opens_at });
        reasons
    }

    /// Rules about types, prices, quantities, limits and exact seats.
    fn refused_by_rules(&self, caller: &Caller<'_>) -> Vec<Rejection> {
        let mut reasons = Vec::new();
        let mut units: BTreeMap<TicketTypeId, u32> = BTreeMap::new();
        let wrong_kind = Rejection::InvalidRequest(RequestError::WrongKindOfLine);
        for line in &caller.request.lines {
            let Some(id) = line.ticket_type else {
                let is_together = matches!(line.want, Want::Together { .. });
                reasons.extend((!is_together).then(|| wrong_kind.clone()));
                continue;
            };
            reasons.extend(self.unsold(caller, id));
            let Some(known) = self.ticket_type(id) else { continue };
            if known.category.is_none() != matches!(line.want, Want::Quantity(_)) {
                reasons.push(wrong_kind.clone());
            }
            reasons.extend(price_changed(id, known, line.expected_price_minor));
            *units.entry(id).or_default() += quantity(&line.want);
            let (Want::Seats(seats), Some(_)) = (&line.want, known.category) else { continue };
            if seats.iter().any(|&seat| self.seat_category(seat) != known.category) {
                reasons.push(Rejection::InvalidRequest(RequestError::SeatOfAnotherCategory));
            }
        }
        for (&id, &units) in &units {
            reasons.extend(self.wrong_size(id, units));
            reasons.extend(self.beyond_type_limit(&caller.subjects(), id, units));
        }
        reasons.extend(self.add_ons_refused(caller, &units));
        let all = caller.request.lines.iter().map(|line| quantity(&line.want)).sum();
        reasons.extend(self.beyond_event_limit(&caller.subjects(), all));
        reasons.extend(self.exact_seats_refused(caller));
        reasons
    }

    fn wrong_size(&self, id: TicketTypeId, units: u32) -> Option<Rejection> {
        let known = self.ticket_type(id)?;
        let (min, max) = (known.per_order_min, known.per_order_max);
        let fits = u32::from(min) <= units && units <= u32::from(max);
        (!fits).then_some(Rejection::OrderSize { ticket_type: id, min, max })
    }

    /// Invariant I3 for one type and each of several subjects.
    pub(crate) fn beyond_type_limit(
        &self,
        subjects: &[Subject],
        id: TicketTypeId,
        units: u32,
    ) -> Vec<Rejection> {
        let Some(limit) = self.ticket_type(id).and_then(|known| known.per_subject_max) else { return vec![] };
        let used = subjects.iter().map(|&subject| self.used_by(subject, Some(id)));
        used.filter(|used| used + units > limit)
            .map(|used| Rejection::LimitExceeded { ticket_type: Some(id), limit, used })
            .collect()
    }

    /// Invariant I3 for the whole event.
    pub(crate) fn beyond_event_limit(&self, subjects: &[Subject], units: u32) -> Vec<Rejection> {
        let Some(limit) = self.config.as_ref().unwrap().units_per_subject_max else { return vec![] };
        let used = subjects.iter().map(|&subject| self.used_by(subject, None));
        used.filter(|used| used + units > limit)
            .map(|used| Rejection::LimitExceeded { ticket_type: None, limit, used })
            .collect()
    }

    /// One line against what the lines before it leave.
    fn place_line(
        &self,
        caller: &Caller<'_>,
        taken: &mut Taken,
        at: u16,
        line: &LineRequest,
    ) -> Decided<Line> {
        let units = quantity(&line.want);
        if let Some(id) = line.ticket_type {
            none_of(self.pools_lack(caller, taken, at, id, units))?;
        }
        let (id, seats) = match (&line.want, line.ticket_type) {
            (Want::Quantity(_), Some(id)) => (id, vec![]),
            (Want::Seats(seats), Some(id)) => {
                let mut seats = seats.clone();
                seats.sort();
                (id, seats)
            }
            (Want::Together { quantity, wishes }, Some(id)) => {
                let seats = self.together(caller, taken, at, id, *quantity, wishes)?;
                (id, seats)
            }
            (Want::Together { quantity, wishes }, None) => {
                let (id, seats) = self.together_of_any(caller, taken, at, *quantity, wishes)?;
                let known = self.ticket_type(id).unwrap();
                none_of(price_changed(id, known, line.expected_price_minor).into_iter().collect())?;
                *taken.units.entry(id).or_default() += units;
                (id, seats)
            }
            (_, None) => unreachable!("refused by the rules"),
        };
        if !self.is_own_of_channel(caller.channel, id, &seats) && self.is_ahead(id) {
            return Err(vec![Rejection::WaitlistAhead { ticket_type: id }]);
        }
        if matches!(line.want, Want::Together { .. }) {
            taken.seats.extend(&seats);
        }
        let known = self.ticket_type(id).unwrap();
        for &pool in &known.draws_on {
            *taken.pools.entry(pool).or_default() += units;
        }
        let quantity = u16::try_from(units).unwrap();
        Ok(Line { ticket_type: id, terms: UNTOLD, quantity, price_minor: known.price_minor, seats })
    }

    /// The pools of a type that have fewer units left than wanted.
    fn pools_lack(
        &self,
        caller: &Caller<'_>,
        taken: &Taken,
        line: u16,
        id: TicketTypeId,
        units: u32,
    ) -> Vec<Rejection> {
        let remaining = |pool: PoolId| {
            let before = taken.pools.get(&pool).copied().unwrap_or(0);
            self.free_for(pool, caller.channel).saturating_sub(before)
        };
        let pools = self.ticket_type(id).unwrap().draws_on.iter();
        pools
            .filter(|&&pool| remaining(pool) < units)
            .map(|&pool| Rejection::SoldOut {
                line,
                pool: Some(pool),
                remaining: remaining(pool),
                // What holds give back, kills that wait take first.
                may_return: self.held_of(pool) > self.pools[pool.index()].to_kill,
            })
            .collect()
    }

    fn together(
        &self,
        caller: &Caller<'_>,
        taken: &Taken,
        line: u16,
        id: TicketTypeId,
        quantity: u16,
        wishes: &Wishes,
    ) -> Decided<Vec<SeatIndex>> {
        let known = self.ticket_type(id).unwrap();
        let category = known.category.unwrap();
        let sold_out = |remaining: u32, may_return: bool| {
            vec![Rejection::SoldOut { line, pool: None, remaining, may_return }]
        };
        if wishes.price_minor_max.is_some_and(|most| known.price_minor > most) {
            return Err(sold_out(0, false));
        }
        let best = self.best(caller, taken, category, quantity, wishes);
        best.or_else(|| self.split(caller, taken, category, quantity, wishes))
            .map(|(_, seats)| seats)
            .ok_or_else(|| {
                sold_out(self.free_seats(caller, taken, category, wishes), self.is_held_of(category))
            })
    }

    fn wish(category: CategoryId, audience: Option<ChannelId>, quantity: u16, wishes: &Wishes) -> Wish {
        Wish { category, audience, section: wishes.section, accessible: wishes.accessible.into(), quantity }
    }

    fn best(
        &self,
        caller: &Caller<'_>,
        taken: &Taken,
        category: CategoryId,
        quantity: u16,
        wishes: &Wishes,
    ) -> Option<super::hall::Group> {
        let hall = self.hall()?;
        caller.audiences().into_iter().find_map(|audience| {
            hall.groups(&Self::wish(category, audience, quantity, wishes), &taken.seats).into_iter().next()
        })
    }

    fn split(
        &self,
        caller: &Caller<'_>,
        taken: &Taken,
        category: CategoryId,
        quantity: u16,
        wishes: &Wishes,
    ) -> Option<super::hall::Group> {
        let hall = self.hall().filter(|_| wishes.accept_split)?;
        caller
            .audiences()
            .into_iter()
            .find_map(|audience| hall.split(&Self::wish(category, audience, quantity, wishes), &taken.seats))
    }

    /// Free seats that the wish could get of whoever has most for the caller: wheelchair spaces for the wish for them.
    fn free_seats(&self, caller: &Caller<'_>, taken: &Taken, category: CategoryId, wishes: &Wishes) -> u32 {
        let Some(hall) = self.hall() else { return 0 };
        let suits = |place: &&super::hall::Place| {
            let is_of_kind =
                if wishes.accessible > 0 { place.seat.accessible } else { !hall.is_reserved(&place.seat) };
            is_of_kind
                && place.is_free
                && !taken.seats.contains(&place.index)
                && place.seat.category == category
                && wishes.section.is_none_or(|section| section == place.section)
        };
        let of = |audience: Option<ChannelId>| {
            hall.places.iter().filter(|place| suits(place) && place.audience == audience).count()
        };
        u32::try_from(caller.audiences().into_iter().map(of).max().unwrap()).unwrap()
    }

    fn is_held_of(&self, category: CategoryId) -> bool {
        self.category_counters(category).held > 0
    }

    /// The best over every type that the caller may buy; of equals the lowest seat, then the first type. Where no type
    /// has a group, the best split.
    fn together_of_any(
        &self,
        caller: &Caller<'_>,
        taken: &Taken,
        line: u16,
        quantity: u16,
        wishes: &Wishes,
    ) -> Decided<(TicketTypeId, Vec<SeatIndex>)> {
        let (mut reasons, mut candidates) = (Vec::new(), Vec::new());
        let types = &self.config.as_ref().unwrap().ticket_types;
        for (id, known) in (0_u16..).map(TicketTypeId).zip(types) {
            let Some(category) = known.category else { continue };
            let units = taken.units.get(&id).copied().unwrap_or(0) + u32::from(quantity);
            let mut against = self.unsold(caller, id);
            let is_too_dear = wishes.price_minor_max.is_some_and(|most| known.price_minor > most);
            against.extend(self.wrong_size(id, units));
            against.extend(self.beyond_type_limit(&caller.subjects(), id, units));
            against.extend(self.pools_lack(caller, taken, line, id, quantity.into()));
            if caller.channel.is_none() && self.is_ahead(id) {
                against.push(Rejection::WaitlistAhead { ticket_type: id });
            }
            if against.is_empty() && !is_too_dear {
                candidates.push((id, category));
            }
            reasons.extend(against);
        }
        type Search<'a> = &'a dyn Fn(CategoryId) -> Option<super::hall::Group>;
        let best_by = |search: Search<'_>| {
            let groups = candidates.iter().filter_map(|&(id, category)| {
                let (score, seats) = search(category)?;
                Some((score, seats[0], id, seats))
            });
            groups.min().map(|(_, _, id, seats)| (id, seats))
        };
        let best = best_by(&|category| self.best(caller, taken, category, quantity, wishes));
        let best =
            best.or_else(|| best_by(&|category| self.split(caller, taken, category, quantity, wishes)));
        best.ok_or_else(|| {
            let categories = || candidates.iter().map(|&(_, category)| category);
            let remaining =
                categories().map(|category| self.free_seats(caller, taken, category, wishes)).max();
            let may_return = categories().any(|category| self.is_held_of(category));
            let remaining = remaining.unwrap_or(0);
            let sold_out = Rejection::SoldOut { line, pool: None, remaining, may_return };
            if candidates.is_empty() { [reasons, vec![sold_out]].concat() } else { vec![sold_out] }
        })
    }
}

fn price_changed(id: TicketTypeId, known: &TicketType, seen: Option<i64>) -> Option<Rejection> {
    let price_minor = known.price_minor;
    let is_gone = seen.is_some_and(|seen| seen != price_minor);
    is_gone.then_some(Rejection::PriceChanged { ticket_type: id, price_minor })
}
