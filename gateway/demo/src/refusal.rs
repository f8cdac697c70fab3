//! Whether a refusal was right, judged on the state that it names: what an outsider can tell from the feed alone.
//! Only what is certainly wrong is called wrong.

use crate::fold::{Fold, SeatState};
use crate::stranding::{Stranded, stranded_by};
use crate::tally::Refusal;
use crate::together::{Fit, Places};
use crate::venue::Venue;
use crate::wire::{AskedLine, AskedUnits};

mod request;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

/// What an outsider can say of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It had to be.
    Right,
    /// It cannot be told from outside.
    Unchecked,
    /// The command ought to have been accepted, or refused otherwise.
    Wrong(String),
}

/// Judge one refusal on the state it was decided on.
#[must_use]
pub fn judge(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    match refusal.code.as_str() {
        "wrong_phase" if matches!(fold.phase.as_str(), "presale" | "on_sale") => {
            Verdict::Wrong(format!("the phase was {}", fold.phase))
        }
        "wrong_phase" => Verdict::Right,
        _ if fold.is_reconfigured => Verdict::Unchecked,
        "sold_out" => sold_out(fold, venue, refusal),
        "seats_taken" => seats_taken(fold, venue, refusal),
        "limit_exceeded" => limit_exceeded(fold, venue, refusal),
        "access_code_required" => access_code_required(fold, venue, refusal),
        "price_changed" if refusal.asked.stale_price => Verdict::Right,
        "price_changed" => Verdict::Wrong("the price sent was the right one".into()),
        "order_size" => request::order_size(venue, refusal),
        "not_on_sale" => request::not_on_sale(fold, venue, refusal),
        "invalid_request" => request::invalid(venue, refusal),
        "waitlist_ahead" => Verdict::Wrong("nobody can wait for anything in this sale".into()),
        "strands_seat" if venue.stranding_allowed => Verdict::Wrong("the venue allows stranding".into()),
        "strands_seat" => strands_seat(fold, venue, refusal),
        _ => Verdict::Unchecked,
    }
}

/// Wrong when the one line certainly fitted; right when it certainly did not.
fn sold_out(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let [line] = refusal.asked.lines.as_slice() else { return Verdict::Unchecked };
    let pools = line.ticket_type.map(|ticket_type| &venue.ticket_types[ticket_type].draws_on);
    let channel = fold.channel_of(refusal.asked.access_code.as_deref());
    let units = line.quantity();
    if pools.is_some_and(|pools| pools.iter().any(|pool| fold.free_for(channel, *pool) < units)) {
        return Verdict::Right;
    }
    let fit = match &line.units {
        // The units were there, and exact seats are refused as taken.
        AskedUnits::Quantity(_) | AskedUnits::Seats(_) => Fit::Certainly,
        AskedUnits::Together { accessible: 0, section, price_max, accept_split, .. } => {
            let mut types = types_for(venue, refusal.asked.access_code.as_ref(), line, *price_max);
            if line.ticket_type.is_none() {
                types.retain(|ticket_type| request::may_have(fold, venue, refusal, *ticket_type));
            }
            let known = |ticket_type: &usize| request::is_on_sale(fold, venue, *ticket_type).is_some();
            let no_limit = fold.used(refusal.buyer) == 0 && types.iter().all(known);
            let places = Places {
                types,
                section: *section,
                channel,
                accept_split: *accept_split,
                // Best available over all types passes over those whose limit the buyer has reached, and those that are not on sale.
                unlimited: line.ticket_type.is_some() || no_limit,
            };
            places.fit(fold, venue, units)
        }
        AskedUnits::Together { .. } => Fit::Perhaps,
    };
    match fit {
        Fit::Certainly => {
            let of = line.ticket_type.map_or("any type", |ticket_type| &venue.ticket_types[ticket_type].name);
            Verdict::Wrong(format!("buyer {} wanted {units} × {of}, and they were there", refusal.buyer))
        }
        Fit::Perhaps => Verdict::Unchecked,
        Fit::Never => Verdict::Right,
    }
}

/// The types that a line can be served with: the one it names, or all that its code and its ceiling admit.
#[must_use]
pub fn types_for(
    venue: &Venue,
    code: Option<&String>,
    line: &AskedLine,
    price_max: Option<i64>,
) -> Vec<usize> {
    let admitted = |ticket_type: usize| {
        let facts = &venue.ticket_types[ticket_type];
        let opened = facts.access_code.is_none() || facts.access_code.as_ref() == code;
        let wanted = line.ticket_type.is_none_or(|named| named == ticket_type);
        wanted && opened && price_max.is_none_or(|ceiling| facts.price <= ceiling)
    };
    (0..venue.ticket_types.len()).filter(|ticket_type| admitted(*ticket_type)).collect()
}

/// Every seat that is called taken was asked for, and is not free, or not for this buyer.
fn seats_taken(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let asked = exact_seats(refusal);
    let is_free = |seat: &&u32| {
        let index = **seat as usize;
        fold.seats.get(index) == Some(&SeatState::Free) && venue.seats[index].public
    };
    if let Some(seat) = refusal.seats.iter().find(|seat| !asked.contains(seat)) {
        return Verdict::Wrong(format!("nobody asked for seat {seat}"));
    }
    if let Some(seat) = refusal.seats.iter().find(is_free) {
        return Verdict::Wrong(format!("seat {seat} was free"));
    }
    if !refusal.seats.is_empty() {
        return Verdict::Right;
    }
    // It does not say which.
    if asked.iter().all(|seat| is_free(&seat)) {
        return Verdict::Wrong("every seat that was asked for was free".into());
    }
    Verdict::Unchecked
}

/// Every seat that a request names.
fn exact_seats(refusal: &Refusal) -> Vec<u32> {
    let seats = refusal.asked.lines.iter().filter_map(|line| match &line.units {
        AskedUnits::Seats(seats) => Some(seats),
        _ => None,
    });
    seats.flatten().copied().collect()
}

/// The seats asked for were all free (otherwise they are taken, which comes first), and taking them leaves the seat alone that is named.
fn strands_seat(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let asked = exact_seats(refusal);
    if let Some(seat) = asked.iter().find(|seat| fold.seats.get(**seat as usize) != Some(&SeatState::Free)) {
        return Verdict::Wrong(format!("seat {seat} was taken"));
    }
    let Stranded { certainly, perhaps } = stranded_by(fold, venue, &asked);
    match refusal.stranded {
        Some(named) if certainly.contains(&named) => Verdict::Right,
        Some(named) if !perhaps.contains(&named) => {
            Verdict::Wrong(format!("seat {named} would not have been left alone"))
        }
        None if !certainly.is_empty() => Verdict::Right,
        None if perhaps.is_empty() => Verdict::Wrong("no seat would have been left alone".into()),
        _ => Verdict::Unchecked,
    }
}

/// What the buyer has, and what it wanted, is more than the limit named.
fn limit_exceeded(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let (Some(limit), Some(used)) = (refusal.limit, refusal.used) else { return Verdict::Unchecked };
    let lines = &refusal.asked.lines;
    let wanted: u32 = lines.iter().map(AskedLine::quantity).sum();
    let is_of = |line: &&AskedLine, ticket_type: usize| match line.ticket_type {
        Some(named) => named == ticket_type,
        None => venue.ticket_types[ticket_type].category.is_some(),
    };
    let of_types = (0..venue.ticket_types.len()).filter_map(|ticket_type| {
        let of_type = lines.iter().filter(|line| is_of(line, ticket_type)).map(AskedLine::quantity).sum();
        Some((
            venue.ticket_types[ticket_type].per_subject_max?,
            fold.used_of(refusal.buyer, ticket_type),
            of_type,
        ))
    });
    let of_all = venue.units_per_subject_max.map(|limit| (limit, fold.used(refusal.buyer), wanted));
    let is_meant = |(known, has, more): (u32, u32, u32)| {
        known == limit && has == used && more > 0 && used + more > limit
    };
    if of_types.chain(of_all).any(is_meant) {
        return Verdict::Right;
    }
    let owned = fold.used(refusal.buyer);
    Verdict::Wrong(format!("limit {limit}, used {used}, owned {owned}, wanted {wanted}"))
}

/// Whether a type is open to who shows this code: by it, or without one, in a presale to those of a channel only.
fn is_open(fold: &Fold<'_>, venue: &Venue, shown: Option<&String>, ticket_type: usize) -> bool {
    match &venue.ticket_types[ticket_type].access_code {
        Some(needed) => shown == Some(needed),
        None => {
            let is_channels = || venue.channels.iter().any(|channel| shown == Some(&channel.code));
            fold.phase != "presale" || is_channels()
        }
    }
}

/// A code was needed, and none (or a wrong one) was shown: for a type that is opened by one, or for anything of a presale, which the code of a
/// channel opens. A code that opens nothing is refused whatever is asked for.
fn access_code_required(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let shown = refusal.asked.access_code.as_ref();
    let is_channels = shown.is_some_and(|shown| venue.channels.iter().any(|channel| channel.code == *shown));
    let is_types =
        venue.ticket_types.iter().any(|facts| shown.is_some() && facts.access_code.as_ref() == shown);
    if shown.is_some() && !is_channels && !is_types {
        return Verdict::Right;
    }
    let is_open = |ticket_type: usize| is_open(fold, venue, shown, ticket_type);
    let lines = &refusal.asked.lines;
    if lines.iter().filter_map(|line| line.ticket_type).any(|ticket_type| !is_open(ticket_type)) {
        return Verdict::Right;
    }
    if lines.iter().all(|line| line.ticket_type.is_some()) {
        return Verdict::Wrong(format!("{shown:?} was shown, and that is enough"));
    }
    // Any type with seats would do, and best available passes over those that are not open.
    let mut seated = (0..venue.ticket_types.len()).filter(|one| venue.ticket_types[*one].category.is_some());
    if seated.any(is_open) { Verdict::Unchecked } else { Verdict::Right }
}
