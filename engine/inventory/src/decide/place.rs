//! Placing a hold: all lines or none.

use super::access::Access;
use super::stock::Scratch;
use crate::{
    Authority, EXTRA_SUBJECTS_MAX, EventBody, HOLD_LINES_MAX, HOLD_MS_MAX, HOLD_MS_MIN, HOLD_UNITS_MAX,
    HoldPlaced, Inventory, Line, LineRequest, Origin, PlaceHold, Rejection, RequestError, SeatIndex,
    Subjects, TOGETHER_MAX, TicketType, TicketTypeId, Timestamp, Want, Wishes,
};

/// How many units a line wants. Lists of seats were found short enough before.
pub(super) fn quantity_of(want: &Want) -> u16 {
    match want {
        Want::Quantity(quantity) | Want::Together { quantity, .. } => *quantity,
        Want::Seats(seats) => u16::try_from(seats.len()).unwrap_or(u16::MAX),
    }
}

impl Inventory {
    pub(super) fn decide_place(
        &self,
        scratch: &mut Scratch,
        now: Timestamp,
        authority: Authority,
        request: &PlaceHold,
    ) -> Result<EventBody, Rejection> {
        scratch.clear();
        let units = self.check_shape(scratch, request).map_err(Rejection::InvalidRequest)?;
        let duration_ms = self.duration_of(request).map_err(Rejection::InvalidRequest)?;
        let access = self.access(authority, request)?;
        self.check_types(scratch, request, &access)?;
        self.check_add_ons(scratch, units)?;
        self.check_exact_seats(scratch, request, &access)?;
        self.check_event_limit(&request.subjects, units)?;
        for &(ticket_type, quantity) in &scratch.units {
            self.check_type_limit(&request.subjects, ticket_type, quantity)?;
        }
        let mut lines = Vec::with_capacity(request.lines.len());
        for (at, line) in (0_u16..).zip(&request.lines) {
            lines.push(self.decide_line(scratch, request, &access, at, line)?);
        }
        let quote = self.decide_quote(now, request, &lines)?;
        let life_ends_at = now.plus_ms(self.config.hold.life_ms_max);
        Ok(EventBody::HoldPlaced(HoldPlaced {
            subjects: request.subjects.clone(),
            deadline_at: now.plus_ms(duration_ms).min(life_ends_at),
            life_ends_at,
            channel: access.channel,
            origin: Origin::Direct,
            lines,
            quote,
            entry: None,
        }))
    }

    /// What can be said about a request without regard to the stock. Returns its units, and leaves its exact seats in
    /// the scratch memory.
    fn check_shape(&self, scratch: &mut Scratch, request: &PlaceHold) -> Result<u32, RequestError> {
        if request.lines.is_empty() {
            return Err(RequestError::NoLines);
        }
        if request.lines.len() > HOLD_LINES_MAX {
            return Err(RequestError::TooManyLines);
        }
        let mut units = 0_u32;
        for line in &request.lines {
            let quantity = quantity_of(&line.want);
            if quantity == 0 {
                return Err(RequestError::ZeroQuantity);
            }
            units += u32::from(quantity);
            if units > u32::from(HOLD_UNITS_MAX) {
                return Err(RequestError::TooManyUnits);
            }
            match &line.want {
                Want::Quantity(_) => {}
                Want::Seats(seats) => scratch.seats.extend_from_slice(seats),
                Want::Together { quantity, wishes } => self.check_wishes(*quantity, wishes)?,
            }
        }
        self.check_distinct(&mut scratch.seats)?;
        check_subjects(&request.subjects)?;
        Ok(units)
    }

    fn check_wishes(&self, quantity: u16, wishes: &Wishes) -> Result<(), RequestError> {
        if quantity > TOGETHER_MAX {
            return Err(RequestError::TooManyUnits);
        }
        if wishes.section.is_some_and(|section| section.index() >= self.config.sections.len()) {
            return Err(RequestError::UnknownSection);
        }
        let spaces = u16::from(wishes.accessible);
        let companions_max = spaces * u16::from(self.config.seating.companions_max);
        if spaces > quantity || (spaces > 0 && quantity - spaces > companions_max) {
            return Err(RequestError::TooManyCompanions);
        }
        Ok(())
    }

    /// Exact seats exist, each once; they are sorted.
    fn check_distinct(&self, seats: &mut [SeatIndex]) -> Result<(), RequestError> {
        seats.sort_unstable();
        if seats.last().is_some_and(|seat| seat.0 >= self.seating.seats()) {
            return Err(RequestError::UnknownSeat);
        }
        if seats.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(RequestError::Duplicate);
        }
        Ok(())
    }

    fn duration_of(&self, request: &PlaceHold) -> Result<u64, RequestError> {
        let policy = self.config.hold.duration_ms;
        let duration_ms = request.duration_ms.unwrap_or(policy);
        if !(HOLD_MS_MIN..=policy.min(HOLD_MS_MAX)).contains(&duration_ms) {
            return Err(RequestError::DurationOutOfRange);
        }
        Ok(duration_ms)
    }

    /// Every named type sells to this caller at the price seen, in such lines and quantities.
    fn check_types(
        &self,
        scratch: &mut Scratch,
        request: &PlaceHold,
        access: &Access,
    ) -> Result<(), Rejection> {
        for line in &request.lines {
            let Some(id) = line.ticket_type else {
                if !matches!(line.want, Want::Together { .. }) {
                    return Err(Rejection::InvalidRequest(RequestError::WrongKindOfLine));
                }
                continue;
            };
            let ticket_type = self.sold_type(id, access)?;
            if ticket_type.category.is_none() != matches!(line.want, Want::Quantity(_)) {
                return Err(Rejection::InvalidRequest(RequestError::WrongKindOfLine));
            }
            check_price(id, ticket_type, line.expected_price_minor)?;
            scratch.add_units(id, u32::from(quantity_of(&line.want)));
        }
        for &(id, units) in &scratch.units {
            self.check_order_size(id, units)?;
        }
        Ok(())
    }

    pub(super) fn check_order_size(&self, id: TicketTypeId, units: u32) -> Result<(), Rejection> {
        let Some(ticket_type) = self.config.ticket_type(id) else { return Ok(()) };
        let (min, max) = (ticket_type.per_order_min, ticket_type.per_order_max);
        if (u32::from(min)..=u32::from(max)).contains(&units) {
            return Ok(());
        }
        Err(Rejection::OrderSize { ticket_type: id, min, max })
    }

    /// One line, against what the lines before leave.
    fn decide_line(
        &self,
        scratch: &mut Scratch,
        request: &PlaceHold,
        access: &Access,
        at: u16,
        line: &LineRequest,
    ) -> Result<Line, Rejection> {
        let quantity = quantity_of(&line.want);
        let units = u32::from(quantity);
        if let Some(id) = line.ticket_type {
            self.check_pools(scratch, access, at, self.terms.current(id), units)?;
        }
        let (ticket_type, seats) = match (&line.want, line.ticket_type) {
            (Want::Quantity(_), Some(id)) => (id, Vec::new()),
            (Want::Seats(seats), Some(id)) => {
                let mut seats = seats.clone();
                seats.sort_unstable();
                (id, seats)
            }
            (Want::Together { wishes, .. }, Some(id)) => {
                (id, self.together_of_type(scratch, access, at, id, quantity, wishes)?)
            }
            (Want::Together { wishes, .. }, None) => {
                let found = self.together_of_any(scratch, &request.subjects, access, at, quantity, wishes)?;
                if let Some(known) = self.config.ticket_type(found.0) {
                    check_price(found.0, known, line.expected_price_minor)?;
                }
                scratch.add_units(found.0, units);
                found
            }
            (_, None) => return Err(Rejection::InvalidRequest(RequestError::WrongKindOfLine)),
        };
        self.check_ahead(access, ticket_type, &seats)?;
        let terms = self.terms.current(ticket_type);
        let term = self.terms.get(terms);
        scratch.add_draws(&term.draws_on, units);
        Ok(Line { ticket_type, terms, quantity, price_minor: term.price_minor, seats })
    }
}

fn check_price(
    id: TicketTypeId,
    ticket_type: &TicketType,
    expected_minor: Option<i64>,
) -> Result<(), Rejection> {
    let price_minor = ticket_type.price_minor;
    if expected_minor.is_some_and(|expected| expected != price_minor) {
        return Err(Rejection::PriceChanged { ticket_type: id, price_minor });
    }
    Ok(())
}

pub(super) fn check_subjects(subjects: &Subjects) -> Result<(), RequestError> {
    if subjects.extra.len() > EXTRA_SUBJECTS_MAX {
        return Err(RequestError::TooManySubjects);
    }
    let repeats = |at: usize| {
        subjects.extra[at] == subjects.primary || subjects.extra[..at].contains(&subjects.extra[at])
    };
    if (0..subjects.extra.len()).any(repeats) {
        return Err(RequestError::Duplicate);
    }
    Ok(())
}
