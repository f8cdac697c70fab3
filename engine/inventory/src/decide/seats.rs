//! The seats of a hold: exact ones, and the best together.

use super::access::Access;
use super::place::quantity_of;
use super::stock::Scratch;
use crate::seating::{Group, Query};
use crate::{
    ALTERNATIVES_MAX, CategoryId, ChannelId, Inventory, PlaceHold, Rejection, RequestError, SeatIndex,
    SeatState, Subjects, TicketTypeId, Want, Wishes,
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
            Some(stranded) => Err(self.strands(request, access, stranded)),
            None => Ok(()),
        }
    }

    /// The refusal of exact seats that leave one alone, with alternatives to the first such line.
    fn strands(&self, request: &PlaceHold, access: &Access, stranded: SeatIndex) -> Rejection {
        let mut alternatives = Vec::new();
        let line = request.lines.iter().find(|line| matches!(line.want, Want::Seats(_)));
        if let Some(line) = line
            && let Some(category) =
                line.ticket_type.and_then(|id| self.config.ticket_type(id)).and_then(|known| known.category)
        {
            let quantity = quantity_of(&line.want);
            for channel in audiences(access) {
                let query = Query { category, channel, section: None, accessible: 0, quantity };
                let room = ALTERNATIVES_MAX - alternatives.len();
                alternatives.extend(self.seating.alternatives(&query, room));
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
            return Err(self.no_seats(at, NONE_REMAIN));
        }
        let group = self.best_seats(scratch, access, category, quantity, wishes).map(|group| group.seats);
        let split = || self.split_seats(scratch, access, category, quantity, wishes);
        let Some(seats) = group.or_else(split) else {
            return Err(self.no_seats(at, self.seats_remaining(access, category)));
        };
        scratch.seats.extend_from_slice(&seats);
        Ok(seats)
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
        let mut refusal: Option<Rejection> = None;
        let mut remaining = NONE_REMAIN;
        let mut candidates = Vec::new();
        for id in self.config.ticket_type_ids() {
            match self.candidate(scratch, subjects, access, at, id, quantity, wishes) {
                Ok(Some(category)) => {
                    remaining = remaining.max(self.seats_remaining(access, category));
                    candidates.push((id, category));
                }
                Ok(None) => {}
                Err(reason) if refusal.as_ref().is_none_or(|known| weight(&reason) < weight(known)) => {
                    refusal = Some(reason);
                }
                Err(_) => {}
            }
        }
        let best = candidates
            .iter()
            .filter_map(|&(id, category)| {
                Some((self.best_seats(scratch, access, category, quantity, wishes)?, id))
            })
            .min_by_key(|(group, id)| (group.score, group.seats.first().copied(), *id))
            .map(|(group, id)| (id, group.seats));
        let split = || {
            candidates.iter().find_map(|&(id, category)| {
                Some((id, self.split_seats(scratch, access, category, quantity, wishes)?))
            })
        };
        let Some(found) = best.or_else(split) else {
            let sold_out = self.no_seats(at, remaining);
            return Err(if candidates.is_empty() { refusal.unwrap_or(sold_out) } else { sold_out });
        };
        scratch.seats.extend_from_slice(&found.1);
        Ok(found)
    }

    /// The category of a type, if it is seated, within the price ceiling, and this many may be had of it.
    #[allow(clippy::too_many_arguments)] // the facts that one line of a request is judged by
    fn candidate(
        &self,
        scratch: &Scratch,
        subjects: &Subjects,
        access: &Access,
        at: u16,
        id: TicketTypeId,
        quantity: u16,
        wishes: &Wishes,
    ) -> Result<Option<CategoryId>, Rejection> {
        let Some(category) = self.config.ticket_type(id).and_then(|known| known.category) else {
            return Ok(None);
        };
        let known = self.sold_type(id, access)?;
        if wishes.price_minor_max.is_some_and(|ceiling| known.price_minor > ceiling) {
            return Ok(None);
        }
        let units = scratch.units_of(id) + u32::from(quantity);
        self.check_order_size(id, units)?;
        self.check_type_limit(subjects, id, units)?;
        self.check_pools(scratch, access, at, self.terms.current(id), u32::from(quantity))?;
        Ok(Some(category))
    }

    fn best_seats(
        &self,
        scratch: &Scratch,
        access: &Access,
        category: CategoryId,
        quantity: u16,
        wishes: &Wishes,
    ) -> Option<Group> {
        audiences(access).find_map(|channel| {
            self.seating.best(&query(category, channel, quantity, wishes), &scratch.seats)
        })
    }

    fn split_seats(
        &self,
        scratch: &Scratch,
        access: &Access,
        category: CategoryId,
        quantity: u16,
        wishes: &Wishes,
    ) -> Option<Vec<SeatIndex>> {
        if !wishes.accept_split {
            return None;
        }
        audiences(access).find_map(|channel| {
            self.seating.split(&query(category, channel, quantity, wishes), &scratch.seats)
        })
    }

    /// Free seats of a category for this caller.
    fn seats_remaining(&self, access: &Access, category: CategoryId) -> u32 {
        audiences(access).map(|channel| self.seating.available(category, channel)).sum()
    }

    fn no_seats(&self, line: u16, remaining: u32) -> Rejection {
        Rejection::SoldOut { line, pool: None, remaining, may_return: self.may_return() }
    }
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

fn query(category: CategoryId, channel: Option<ChannelId>, quantity: u16, wishes: &Wishes) -> Query {
    Query { category, channel, section: wishes.section, accessible: wishes.accessible, quantity }
}
