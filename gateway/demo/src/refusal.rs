//! Whether a refusal was right, judged on the state that it names: what an outsider can tell from the feed alone.
//! Only what is certainly wrong is called wrong.

use crate::fold::{Fold, SeatState};
use crate::tally::Refusal;
use crate::venue::{Block, Venue};
use crate::wire::{AskedLine, AskedUnits};

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
        "sold_out" => sold_out(fold, venue, refusal),
        "seats_taken" => seats_taken(fold, venue, refusal),
        "limit_exceeded" => limit_exceeded(fold, venue, refusal),
        "access_code_required" => access_code_required(fold, venue, refusal),
        "price_changed" if refusal.asked.stale_price => Verdict::Right,
        "price_changed" => Verdict::Wrong("the price sent was the right one".into()),
        "wrong_phase" if matches!(fold.phase.as_str(), "presale" | "on_sale") => {
            Verdict::Wrong(format!("the phase was {}", fold.phase))
        }
        "wrong_phase" => Verdict::Right,
        "strands_seat" if venue.stranding_allowed => Verdict::Wrong("the venue allows stranding".into()),
        "strands_seat" => strands_seat(fold, refusal),
        _ => Verdict::Unchecked,
    }
}

/// Wrong when every line certainly fitted: enough units in the general share, and a whole free block for a group.
fn sold_out(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    if refusal.asked.lines.len() > 1 {
        return Verdict::Unchecked;
    }
    let Some(line) = refusal.asked.lines.first() else { return Verdict::Unchecked };
    let pools_fit = line.ticket_type.is_none_or(|ticket_type| {
        venue.ticket_types[ticket_type]
            .draws_on
            .iter()
            .all(|pool| general_free(fold, venue, *pool) >= line.quantity())
    });
    let fits = match &line.units {
        AskedUnits::Quantity(_) => pools_fit,
        AskedUnits::Seats(seats) => {
            pools_fit && seats.iter().all(|seat| fold.seats.get(*seat as usize) == Some(&SeatState::Free))
        }
        AskedUnits::Together { accessible: 0, price_max: None, section: None, .. } => {
            pools_fit && line.ticket_type.is_some() && a_whole_block_is_free(fold, venue, line)
        }
        AskedUnits::Together { .. } => false,
    };
    match (fits, &line.units) {
        // Who shows the code of a channel draws on its allotment, which the feed does not tell.
        (true, _) if refusal.asked.access_code.is_some() => Verdict::Unchecked,
        (true, _) => Verdict::Wrong(format!("buyer {} wanted {line:?}, and it was there", refusal.buyer)),
        (false, AskedUnits::Quantity(quantity)) => units_sold_out(fold, venue, line.ticket_type, *quantity),
        (false, AskedUnits::Seats(_)) => Verdict::Right,
        (false, AskedUnits::Together { .. }) if few_seats(fold, venue, line) => Verdict::Right,
        (false, AskedUnits::Together { .. }) => Verdict::Unchecked,
    }
}

/// Certainly right when even the allotments of channels would not have done.
fn units_sold_out(fold: &Fold<'_>, venue: &Venue, ticket_type: Option<usize>, quantity: u16) -> Verdict {
    let lacks =
        |pool: &usize| fold.pools[*pool].free < u32::from(quantity) || has_allotment(fold, venue, *pool);
    let pools = ticket_type.map(|ticket_type| &venue.ticket_types[ticket_type].draws_on);
    if pools.is_some_and(|pools| pools.iter().any(lacks)) { Verdict::Right } else { Verdict::Unchecked }
}

/// Units of a pool that are certainly not kept for a channel.
fn general_free(fold: &Fold<'_>, venue: &Venue, pool: usize) -> u32 {
    let kept: u32 = unreleased(fold, venue, pool).sum();
    fold.pools[pool].free.saturating_sub(kept)
}

fn has_allotment(fold: &Fold<'_>, venue: &Venue, pool: usize) -> bool {
    unreleased(fold, venue, pool).next().is_some()
}

fn unreleased<'a>(fold: &'a Fold<'_>, venue: &'a Venue, pool: usize) -> impl Iterator<Item = u32> + 'a {
    let channels = venue.channels.iter().zip(&fold.released).filter(|(_, released)| !**released);
    let allotments = channels.flat_map(|(channel, _)| &channel.allotments);
    allotments.filter(move |(allotted, _)| *allotted == pool).map(|(_, units)| *units)
}

fn of_category(venue: &Venue, line: &AskedLine) -> Option<usize> {
    line.ticket_type.and_then(|ticket_type| venue.ticket_types[ticket_type].category)
}

/// Whether a block that everyone may buy is wholly free and takes the group without leaving a single seat.
fn a_whole_block_is_free(fold: &Fold<'_>, venue: &Venue, line: &AskedLine) -> bool {
    let wanted = line.quantity();
    let category = of_category(venue, line);
    let fits = |block: &Block| block.public && Some(block.category) == category && block.seats > wanted + 1;
    venue.blocks.iter().filter(|block| fits(block)).any(|block| {
        let seats = block.first as usize..(block.first + block.seats) as usize;
        fold.seats[seats].iter().all(|seat| *seat == SeatState::Free)
    })
}

/// Whether fewer seats of the type's category are free than were wanted.
fn few_seats(fold: &Fold<'_>, venue: &Venue, line: &AskedLine) -> bool {
    of_category(venue, line).is_some_and(|category| fold.categories[category].free < line.quantity())
}

/// Every seat that is called taken is not free, or not for this buyer.
fn seats_taken(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let free = refusal.seats.iter().find(|seat| {
        let index = **seat as usize;
        fold.seats.get(index) == Some(&SeatState::Free) && venue.seats[index].public
    });
    match free {
        Some(seat) => Verdict::Wrong(format!("seat {seat} was free")),
        None if refusal.seats.is_empty() => Verdict::Unchecked,
        None => Verdict::Right,
    }
}

/// The seats asked for were all free: otherwise they are taken, which comes first.
fn strands_seat(fold: &Fold<'_>, refusal: &Refusal) -> Verdict {
    let asked = refusal.asked.lines.iter().filter_map(|line| match &line.units {
        AskedUnits::Seats(seats) => Some(seats),
        _ => None,
    });
    match asked.flatten().find(|seat| fold.seats.get(**seat as usize) != Some(&SeatState::Free)) {
        Some(seat) => Verdict::Wrong(format!("seat {seat} was taken")),
        None => Verdict::Right,
    }
}

/// What the buyer has, and what it wanted, is more than the limit named.
fn limit_exceeded(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let (Some(limit), Some(used)) = (refusal.limit, refusal.used) else { return Verdict::Unchecked };
    let wanted: u32 = refusal.asked.lines.iter().map(AskedLine::quantity).sum();
    let has = |ticket_type| fold.usage.get(&(refusal.buyer, ticket_type)).copied().unwrap_or(0);
    let mut types = 0..venue.ticket_types.len();
    let known = types.any(|ticket_type| has(ticket_type) == used) || fold.used(refusal.buyer) == used;
    let limits = venue.ticket_types.iter().filter_map(|ticket_type| ticket_type.per_subject_max);
    let exists = limits.chain(venue.units_per_subject_max).any(|known| known == limit);
    if !known || !exists || used + wanted <= limit {
        let owned = fold.used(refusal.buyer);
        return Verdict::Wrong(format!("limit {limit}, used {used}, owned {owned}, wanted {wanted}"));
    }
    Verdict::Right
}

/// A code was needed, and none (or a wrong one) was shown.
fn access_code_required(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Verdict {
    let types = refusal.asked.lines.iter().filter_map(|line| line.ticket_type);
    let mut codes = types.map(|ticket_type| venue.ticket_types[ticket_type].access_code.as_ref());
    let shown = refusal.asked.access_code.as_ref();
    if fold.phase == "presale" && shown.is_none() {
        return Verdict::Right;
    }
    match codes.find(|needed| needed.is_some() && *needed != shown) {
        Some(_) => Verdict::Right,
        None if fold.phase == "presale" => Verdict::Unchecked,
        None => Verdict::Wrong(format!("{shown:?} was shown, and that is enough")),
    }
}
