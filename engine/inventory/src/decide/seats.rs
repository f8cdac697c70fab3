//! The seats of a hold: exact ones, and the best together.

use super::access::Access;
use super::place::quantity_of;
use super::stock::Scratch;
use crate::mutant::Mutant;
use crate::seating::{Group, Query};
use crate::{
    ALTERNATIVES_MAX, CategoryId, ChannelId, Inventory, LineRequest, PlaceHold, Rejection, RequestError,
    SeatIndex, SeatState, Subjects, TicketTypeId, Want, Wishes,
};

/// What remains where no seat suits the wish.
const NONE_REMAIN: u32 = 0;

/// Whose seats a hold may get, in order: its channel's, then everyone's.
fn audiences(access: &Access) -> impl Iterator<Item = Option<ChannelId>> + use<> {
    let channel = access.channel;
    channel.into_iter().map(Some).chain(std::iter::once(None))
}

impl Inventory {
    /// Exact seats are of the type's category, free, open to the caller, and strand nothing. The scratch memory has those
    /// of all lines.
    pub(super) fn check_exact_seats(
        &self,
        scratch: &Scratch,
        request: &PlaceHold,
        access: &Access,
    ) -> Result<(), Rejection> {
        if scratch.seats.is_empty() {
            return Ok(());
        }
        for line in &request.lines {
            let (Want::Seats(seats), Some(id)) = (&line.want, line.ticket_type) else { continue };
            let category = self.config.ticket_type(id).and_then(|known| known.category);
            if seats.iter().any(|&seat| Some(self.seating.category(seat)) != category) {
                return Err(Rejection::InvalidRequest(RequestError::SeatOfAnotherCategory));
            }
        }
        let is_open = |seat: SeatIndex| {
            let mut audiences = audiences(access);
            audiences.any(|channel| self.seating.is_open_to(seat, channel, access.is_organizer()))
        };
        let is_taken = |&seat: &SeatIndex| self.seating.state(seat) != SeatState::Free || !is_open(seat);
        let taken: Vec<SeatIndex> = scratch.seats.iter().copied().filter(is_taken).collect();
        if !taken.is_empty() {
            return Err(Rejection::SeatsTaken { seats: taken });
        }
        match self.seating.stranded_by(&scratch.seats) {
            Some(_) if self.mutation.is(Mutant::StrandingUnchecked) => Ok(()),
            Some(stranded) => Err(self.strands(request, access, stranded)),
            None => Ok(()),
        }
    }

    /// The refusal of exact seats that leave one alone, with alternatives to the line beside it that keep clear of the
    /// other lines.
    fn strands(&self, request: &PlaceHold, access: &Access, stranded: SeatIndex) -> Rejection {
        let is_beside = |line: &&LineRequest| match &line.want {
            Want::Seats(seats) => seats.iter().any(|&seat| self.seating.are_neighbours(seat, stranded)),
            _ => false,
        };
        let mut alternatives = Vec::new();
        if let Some(line) = request.lines.iter().find(is_beside)
            && let Some(category) =
                line.ticket_type.and_then(|id| self.config.ticket_type(id)).and_then(|known| known.category)
        {
            let quantity = quantity_of(&line.want);
            let others = request.lines.iter().filter(|other| !std::ptr::eq(*other, line));
            let taken: Vec<SeatIndex> = others.flat_map(|other| exact_seats(&other.want)).copied().collect();
            for channel in audiences(access) {
                let query = Query { category, channel, section: None, accessible: 0, quantity };
                let room = ALTERNATIVES_MAX - alternatives.len();
                alternatives.extend(self.seating.alternatives(&query, &taken, room));
            }
        }
        Rejection::StrandsSeat { stranded, alternatives }
    }

    /// The best seats of a named type.
    pub(super) fn together_of_type(
        &self,
        scratch: &mut Scratch,
        access: &Access,
        at: u16,
        id: TicketTypeId,
        quantity: u16,
        wishes: &Wishes,
    ) -> Result<Vec<SeatIndex>, Rejection> {
        let known = self.config.ticket_type(id);
        let Some(category) = known.and_then(|known| known.category) else {
            return Err(Rejection::InvalidRequest(RequestError::WrongKindOfLine));
        };
        let price_minor = known.map_or(0, |known| known.price_minor);
        if wishes.price_minor_max.is_some_and(|ceiling| price_minor > ceiling) {
            return Err(sold_out(at, NONE_REMAIN, false));
        }
        let asked = Asked { access, quantity, wishes };
        let group = self.best_seats(scratch, &asked, category);
        let Some(group) = group.or_else(|| self.split_seats(scratch, &asked, category)) else {
            let remaining = self.seats_remaining(scratch, &asked, category);
            return Err(sold_out(at, remaining, self.seats_may_return(category)));
        };
        scratch.seats.extend_from_slice(&group.seats);
        Ok(group.seats)
    }

    /// The best seats over every type that the caller may buy.
    pub(super) fn together_of_any(
        &self,
        scratch: &mut Scratch,
        subjects: &Subjects,
        access: &Access,
        at: u16,
        quantity: u16,
        wishes: &Wishes,
    ) -> Result<(TicketTypeId, Vec<SeatIndex>), Rejection> {
        let asked = Asked { access, quantity, wishes };
        let mut refusal: Option<Rejection> = None;
        // Types of one category have the same seats: the first of them stands for all, and they are searched once.
        let mut candidates: Vec<(TicketTypeId, CategoryId)> = Vec::new();
        for id in self.config.ticket_type_ids() {
            match self.candidate(scratch, subjects, &asked, at, id) {
                Ok(Some(category)) if candidates.iter().all(|&(_, known)| known != category) => {
                    candidates.push((id, category));
                }
                Ok(_) => {}
                Err(reason) if refusal.as_ref().is_none_or(|known| weight(&reason) < weight(known)) => {
                    refusal = Some(reason);
                }
                Err(_) => {}
            }
        }
        let best = nearest(&candidates, |category| self.best_seats(scratch, &asked, category));
        let split = || nearest(&candidates, |category| self.split_seats(scratch, &asked, category));
        let Some(found) = best.or_else(split) else {
            let categories = || candidates.iter().map(|&(_, category)| category);
            let remaining =
                categories().map(|category| self.seats_remaining(scratch, &asked, category)).max();
            let may_return = categories().any(|category| self.seats_may_return(category));
            let sold_out = sold_out(at, remaining.unwrap_or(NONE_REMAIN), may_return);
            return Err(if candidates.is_empty() { refusal.unwrap_or(sold_out) } else { sold_out });
        };
        scratch.seats.extend_from_slice(&found.1);
        Ok(found)
    }

    /// The category of a type, if it is seated, within the price ceiling, and this many may be had of it.
    fn candidate(
        &self,
        scratch: &Scratch,
        subjects: &Subjects,
        asked: &Asked<'_>,
        at: u16,
        id: TicketTypeId,
    ) -> Result<Option<CategoryId>, Rejection> {
        let Some(category) = self.config.ticket_type(id).and_then(|known| known.category) else {
            return Ok(None);
        };
        let known = self.sold_type(id, asked.access)?;
        if asked.wishes.price_minor_max.is_some_and(|ceiling| known.price_minor > ceiling) {
            return Ok(None);
        }
        let quantity = u32::from(asked.quantity);
        let units = scratch.units_of(id) + quantity;
        self.check_order_size(id, units)?;
        self.check_type_limit(subjects, id, units)?;
        self.check_pools(scratch, asked.access, at, self.terms.current(id), quantity)?;
        if asked.access.channel.is_none() {
            self.check_ahead(asked.access, id, &[])?;
        }
        Ok(Some(category))
    }

    fn best_seats(&self, scratch: &Scratch, asked: &Asked<'_>, category: CategoryId) -> Option<Group> {
        asked.queries(category).find_map(|query| self.seating.best(&query, &scratch.seats))
    }

    fn split_seats(&self, scratch: &Scratch, asked: &Asked<'_>, category: CategoryId) -> Option<Group> {
        if !asked.wishes.accept_split {
            return None;
        }
        asked.queries(category).find_map(|query| self.seating.split(&query, &scratch.seats))
    }

    /// Seats that the wish could still get, one by one. A line gets all its seats from one audience.
    fn seats_remaining(&self, scratch: &Scratch, asked: &Asked<'_>, category: CategoryId) -> u32 {
        let remaining = asked.queries(category).map(|query| self.seating.remaining(&query, &scratch.seats));
        remaining.max().unwrap_or(NONE_REMAIN)
    }

    /// Whether live holds may still return seats of a category.
    fn seats_may_return(&self, category: CategoryId) -> bool {
        self.seating.counters(category).held > 0
    }
}

/// What a line for seats together asks for, and of whom.
struct Asked<'a> {
    access: &'a Access,
    quantity: u16,
    wishes: &'a Wishes,
}

impl Asked<'_> {
    /// The searches for it in a category, in the order of preference.
    fn queries(&self, category: CategoryId) -> impl Iterator<Item = Query> {
        let (quantity, section, accessible) = (self.quantity, self.wishes.section, self.wishes.accessible);
        audiences(self.access).map(move |channel| Query { category, channel, section, accessible, quantity })
    }
}

/// Of what the candidates have, the nearest to its focal point; of equals the lowest seat, then the first type.
fn nearest(
    candidates: &[(TicketTypeId, CategoryId)],
    group_of: impl Fn(CategoryId) -> Option<Group>,
) -> Option<(TicketTypeId, Vec<SeatIndex>)> {
    let groups = candidates.iter().filter_map(|&(id, category)| Some((group_of(category)?, id)));
    let best = groups.min_by_key(|(group, id)| (group.score, group.seats.first().copied(), *id));
    best.map(|(group, id)| (id, group.seats))
}

fn exact_seats(want: &Want) -> &[SeatIndex] {
    match want {
        Want::Seats(seats) => seats,
        Want::Quantity(_) | Want::Together { .. } => &[],
    }
}

fn sold_out(line: u16, remaining: u32, may_return: bool) -> Rejection {
    Rejection::SoldOut { line, pool: None, remaining, may_return }
}

/// Which of the reasons against several types is told: a lack of stock before what the request itself lacks, and a type that only
/// a code opens last of all, so that nobody learns of it.
fn weight(reason: &Rejection) -> u8 {
    match reason {
        reason if reason.is_lack_of_stock() => 0,
        Rejection::NotOnSale { .. } => 2,
        Rejection::AccessCodeRequired => 3,
        _ => 1,
    }
}
