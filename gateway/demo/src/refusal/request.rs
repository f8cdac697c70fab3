//! Refusals of what was asked, whatever is in stock: too many, not now, or nothing that can be asked.

use std::collections::HashSet;

use super::{Verdict, is_open};
use crate::fold::Fold;
use crate::tally::Refusal;
use crate::venue::Venue;
use crate::wire::{AskedLine, AskedUnits};

/// Most lines of one hold (`docs/operations/limits.md`).
const LINES_MAX: usize = 16;
/// Most units of one hold.
const UNITS_MAX: u32 = 50;
/// Most seats together.
const TOGETHER_MAX: u32 = 20;

/// More or fewer units of a type than one order may have.
pub(super) fn order_size(venue: &Venue, refusal: &Refusal) -> Verdict {
    let lines = &refusal.asked.lines;
    let admits = |ticket_type: usize, units: u32| {
        let facts = &venue.ticket_types[ticket_type];
        (u32::from(facts.per_order_min)..=u32::from(facts.per_order_max)).contains(&units)
    };
    let fits = |line: &AskedLine| match line.ticket_type {
        Some(ticket_type) => {
            let of_type = lines.iter().filter(|other| other.ticket_type == line.ticket_type);
            admits(ticket_type, of_type.map(AskedLine::quantity).sum())
        }
        // Best available over all types takes what is seated.
        None => (0..venue.ticket_types.len()).any(|ticket_type| {
            venue.ticket_types[ticket_type].category.is_some() && admits(ticket_type, line.quantity())
        }),
    };
    if !lines.iter().all(fits) {
        return Verdict::Right;
    }
    // Where any type would do, the one that has so many may be in the way for another reason.
    if lines.is_empty() || lines.iter().any(|line| line.ticket_type.is_none()) {
        return Verdict::Unchecked;
    }
    Verdict::Wrong("an order may have as many".into())
}

/// Whether best available over all types may take this one for all that was asked: it passes over those that the phase, their window, the
/// size of the order or the buyer's limit closes.
pub(super) fn may_have(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal, ticket_type: usize) -> bool {
    let facts = &venue.ticket_types[ticket_type];
    let units: u32 = refusal.asked.lines.iter().map(AskedLine::quantity).sum();
    let fits = (u32::from(facts.per_order_min)..=u32::from(facts.per_order_max)).contains(&units);
    let used = fold.used_of(refusal.buyer, ticket_type);
    is_open(fold, venue, refusal.asked.access_code.as_ref(), ticket_type)
        && is_on_sale(fold, venue, ticket_type) != Some(false)
        && fits
        && facts.per_subject_max.is_none_or(|limit| used + units <= limit)
}

/// Whether the window of a type is open; `None` where it has one that has said nothing yet.
pub(super) fn is_on_sale(fold: &Fold<'_>, venue: &Venue, ticket_type: usize) -> Option<bool> {
    match fold.windows.get(&ticket_type) {
        None if venue.ticket_types[ticket_type].has_window => None,
        told => Some(told.is_none_or(|open| *open)),
    }
}

/// A type whose sale window has not begun, or is over.
pub(super) fn not_on_sale(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let is_open = |ticket_type: usize| is_on_sale(fold, venue, ticket_type);
    let lines = &refusal.asked.lines;
    let mut named = lines.iter().filter_map(|line| line.ticket_type);
    if named.any(|ticket_type| is_open(ticket_type) == Some(false)) {
        return Verdict::Right;
    }
    let wanted = |ticket_type: usize| {
        lines.iter().any(|line| line.ticket_type.is_none_or(|named| named == ticket_type))
    };
    let mut wanted = (0..venue.ticket_types.len()).filter(|ticket_type| wanted(*ticket_type));
    if wanted.all(|ticket_type| is_open(ticket_type) == Some(true)) {
        return Verdict::Wrong("its sale has no window that is closed".into());
    }
    Verdict::Unchecked
}

/// A request that contradicts itself, or names what does not exist.
pub(super) fn invalid(venue: &Venue, refusal: &Refusal) -> Verdict {
    let lines = &refusal.asked.lines;
    let units: u32 = lines.iter().map(AskedLine::quantity).sum();
    let seats = || lines.iter().filter_map(|line| exact(&line.units)).flatten();
    let distinct: HashSet<&u32> = seats().collect();
    let is_sound = (1..=LINES_MAX).contains(&lines.len())
        && units <= UNITS_MAX
        && distinct.len() == seats().count()
        && lines.iter().all(|line| is_sound(venue, line));
    if is_sound { Verdict::Wrong("the request was sound".into()) } else { Verdict::Unchecked }
}

fn exact(units: &AskedUnits) -> Option<&Vec<u32>> {
    if let AskedUnits::Seats(seats) = units { Some(seats) } else { None }
}

/// Whether nothing can be wrong with a line.
fn is_sound(venue: &Venue, line: &AskedLine) -> bool {
    let category = line.ticket_type.map(|ticket_type| venue.ticket_types[ticket_type].category);
    let fits = match &line.units {
        AskedUnits::Quantity(_) => category == Some(None),
        AskedUnits::Seats(seats) => {
            let of = |seat: &u32| venue.seats.get(*seat as usize).map(|known| Some(known.category));
            category.is_some() && seats.iter().all(|seat| of(seat) == category)
        }
        AskedUnits::Together { accessible, .. } => {
            category != Some(None) && *accessible == 0 && line.quantity() <= TOGETHER_MAX
        }
    };
    fits && line.quantity() > 0
}
