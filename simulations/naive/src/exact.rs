//! Exact seats, and what is offered instead where they would leave somebody alone.

use tessera_inventory::{ALTERNATIVES_MAX, Authority, Rejection, SeatIndex, SeatState, TOGETHER_MAX, Want};

use super::Model;
use super::hall::{Hall, Wish};
use super::place::{Caller, exact_seats, quantity};

impl Model {
    /// Exact seats must be free, open to the caller, and leave nobody alone.
    pub(crate) fn exact_seats_refused(&self, caller: &Caller<'_>) -> Option<Rejection> {
        let hall = self.hall()?;
        let mut seats = exact_seats(caller.request);
        seats.sort();
        let is_taken = |seat: &&SeatIndex| {
            let place = &hall.places[seat.index()];
            let is_reserved = hall.is_reserved(&place.seat) && caller.by != Authority::Organizer;
            self.seat_state(**seat) != SeatState::Free
                || is_reserved
                || !caller.audiences().contains(&place.audience)
        };
        let taken: Vec<SeatIndex> = seats.iter().filter(is_taken).copied().collect();
        if !taken.is_empty() {
            return Some(Rejection::SeatsTaken { seats: taken });
        }
        let stranded = *hall.stranded(&seats, &[]).first()?;
        Some(Rejection::StrandsSeat { stranded, alternatives: self.alternatives(caller, &hall, stranded) })
    }

    /// Groups instead of the first line of exact seats that has one beside the stranded seat; the others keep theirs.
    fn alternatives(&self, caller: &Caller<'_>, hall: &Hall<'_>, stranded: SeatIndex) -> Vec<Vec<SeatIndex>> {
        let is_beside = |seat: &SeatIndex| {
            let same_block = hall.places[seat.index()].block == hall.places[stranded.index()].block;
            same_block && seat.0.abs_diff(stranded.0) == 1
        };
        let lines = &caller.request.lines;
        let seats_of = |at: usize| match &lines[at].want {
            Want::Seats(seats) => seats.clone(),
            _ => vec![],
        };
        let Some(at) = (0..lines.len()).find(|&at| seats_of(at).iter().any(is_beside)) else { return vec![] };
        let Some(category) = lines[at].ticket_type.and_then(|id| self.ticket_type(id)?.category) else {
            return vec![];
        };
        let others: Vec<SeatIndex> =
            (0..lines.len()).filter(|&other| other != at).flat_map(seats_of).collect();
        let mut alternatives: Vec<Vec<SeatIndex>> = Vec::new();
        for audience in caller.audiences() {
            let quantity = u16::try_from(quantity(&lines[at].want)).unwrap();
            let wish = Wish { category, audience, section: None, accessible: 0, quantity };
            for (_, seats) in hall.groups(&wish, &others) {
                let overlaps = alternatives.iter().flatten().any(|seat| seats.contains(seat));
                if !overlaps && alternatives.len() < ALTERNATIVES_MAX && quantity <= TOGETHER_MAX {
                    alternatives.push(seats);
                }
            }
        }
        alternatives
    }
}
