//! Fairness of refusals. *Unfair*: what was asked for was there, at the very sequence that the refusal names. *Lucky later*: the
//! refusal was right, and stock that came back afterwards would have served it; that is bad luck, and nobody's fault.

use std::collections::{HashMap, HashSet};

use tessera_demo::check::owners;
use tessera_demo::feed::Change;
use tessera_demo::fold::{Fold, SeatState};
use tessera_demo::refusal::{Verdict as OfRefusal, types_for};
use tessera_demo::tally::Refusal;
use tessera_demo::together::{Fit, Places};
use tessera_demo::venue::{Block, Venue};
use tessera_demo::wire::AskedUnits;

use self::commands::Commands;
use crate::evidence::Understood;
use crate::verdict::{EXAMPLES_MAX, Fairness};

mod commands;

/// Judge the refusals; `verdicts` are those of the refused holds, in their order.
#[must_use]
pub fn judge(understood: &Understood<'_>, verdicts: &[OfRefusal]) -> Fairness {
    let mut fairness = Fairness::default();
    for (refusal, verdict) in understood.refusals.iter().zip(verdicts) {
        count(&mut fairness, &refusal.code, verdict, |why| {
            let at = refusal.sequence.map_or_else(String::new, |at| format!(" at sequence {at}"));
            format!("buyer {} was refused as {}{at}, but {why}", refusal.buyer, refusal.code)
        });
    }
    walk(understood, verdicts, &mut fairness);
    fairness
}

/// Count what became of one refusal; of an unfair one `example` tells, with why it is.
fn count(fairness: &mut Fairness, code: &str, verdict: &OfRefusal, example: impl FnOnce(&str) -> String) {
    let figures = fairness.codes.entry(code.to_owned()).or_default();
    match verdict {
        OfRefusal::Right => figures.right += 1,
        OfRefusal::Unchecked => figures.unjudged += 1,
        OfRefusal::Wrong(why) => {
            figures.unfair += 1;
            note(&mut fairness.unfair_examples, || example(why));
        }
    }
}

fn note(examples: &mut Vec<String>, example: impl FnOnce() -> String) {
    if examples.len() < EXAMPLES_MAX {
        examples.push(example());
    }
}

/// Fold the feed once more, with those who wait for stock, and those who were refused something about their hold, beside it.
fn walk(understood: &Understood<'_>, verdicts: &[OfRefusal], fairness: &mut Fairness) {
    let owners = owners(&understood.acknowledgements);
    let mut fold = Fold::new(&understood.venue, &owners);
    let mut waiting = Waiting::new(&understood.venue);
    let mut refused: Vec<&Refusal> = understood
        .refusals
        .iter()
        .zip(verdicts)
        .filter(|(_, verdict)| **verdict == OfRefusal::Right)
        .map(|(refusal, _)| refusal)
        .collect();
    refused.sort_by_key(|refusal| refusal.sequence);
    let mut refused = refused.into_iter().peekable();
    let mut commands = Commands::new(&understood.recording.history, fairness);
    commands.judge(&fold, fairness);
    for item in &understood.items {
        fold.apply(item);
        commands.follow(&item.change);
        commands.judge(&fold, fairness);
        waiting.serve(&fold, &item.change, fairness);
        while let Some(refusal) =
            refused.next_if(|refusal| refusal.sequence.is_some_and(|at| at <= item.sequence))
        {
            waiting.join(&fold, refusal);
        }
    }
    commands.finish(fairness);
}

/// What somebody who was refused would still take.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Demand {
    /// Units of a standing type, from a channel or from everyone's share.
    Units { ticket_type: usize, quantity: u32, channel: Option<usize> },
    /// These seats.
    Seats(Vec<u32>),
    /// So many together of these types.
    Together { types: Vec<usize>, named: bool, quantity: u32 },
}

impl Demand {
    fn in_words(&self, venue: &Venue) -> String {
        match self {
            Demand::Units { ticket_type, quantity, .. } => {
                format!("{quantity} of {}", venue.ticket_types[*ticket_type].name)
            }
            Demand::Seats(seats) => {
                let seats: Vec<String> = seats.iter().map(u32::to_string).collect();
                format!("seats {}", seats.join(", "))
            }
            Demand::Together { types, named, quantity } => {
                let named = types.first().filter(|_| *named);
                let of = named.map_or("any type", |ticket_type| &venue.ticket_types[*ticket_type].name);
                format!("{quantity} together of {of}")
            }
        }
    }
}

/// Everyone who was refused the same.
struct Group {
    demand: Demand,
    /// Those of each code who have not been lucky yet.
    waiting: HashMap<String, u64>,
}

struct Waiting<'a> {
    venue: &'a Venue,
    block_of: Vec<usize>,
    groups: Vec<Group>,
    known: HashMap<Demand, usize>,
    /// Groups that want a seat.
    by_seat: HashMap<u32, Vec<usize>>,
    /// Groups that want units or places together.
    others: Vec<usize>,
}

impl<'a> Waiting<'a> {
    fn new(venue: &'a Venue) -> Self {
        let blocks = venue.blocks.iter().enumerate();
        let block_of = blocks.flat_map(|(at, block)| std::iter::repeat_n(at, block.seats as usize));
        Waiting {
            venue,
            block_of: block_of.collect(),
            groups: Vec::new(),
            known: HashMap::new(),
            by_seat: HashMap::new(),
            others: Vec::new(),
        }
    }

    fn join(&mut self, fold: &Fold<'_>, refusal: &Refusal) {
        let Some(demand) = demand(fold, self.venue, refusal) else { return };
        let group = match self.known.get(&demand) {
            Some(group) => *group,
            None => self.add(demand),
        };
        *self.groups[group].waiting.entry(refusal.code.clone()).or_default() += 1;
    }

    fn add(&mut self, demand: Demand) -> usize {
        let group = self.groups.len();
        match &demand {
            Demand::Seats(seats) => {
                seats.iter().for_each(|seat| self.by_seat.entry(*seat).or_default().push(group));
            }
            Demand::Units { .. } | Demand::Together { .. } => self.others.push(group),
        }
        self.known.insert(demand.clone(), group);
        self.groups.push(Group { demand, waiting: HashMap::new() });
        group
    }

    /// Serve whoever can be served with what the last item returned.
    fn serve(&mut self, fold: &Fold<'_>, change: &Change, fairness: &mut Fairness) {
        let returns = matches!(
            change,
            Change::HoldReleased { .. }
                | Change::Expired { .. }
                | Change::TicketsRefunded { .. }
                | Change::OrderDisputed { .. }
                | Change::UnitsRestored(_)
                | Change::ChannelReleased { .. }
        );
        if !returns || !matches!(fold.phase.as_str(), "presale" | "on_sale") {
            return;
        }
        let touched: HashSet<usize> =
            fold.freed.iter().filter_map(|seat| self.block_of.get(*seat as usize)).copied().collect();
        let mut candidates: Vec<usize> =
            fold.freed.iter().filter_map(|seat| self.by_seat.get(seat)).flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.extend(&self.others);
        for candidate in candidates {
            let group = &mut self.groups[candidate];
            if !group.waiting.is_empty() && fits(fold, self.venue, &touched, &group.demand) {
                lucky(self.venue, group, fold.sequence, fairness);
            }
        }
    }
}

fn lucky(venue: &Venue, group: &mut Group, sequence: u64, fairness: &mut Fairness) {
    let all: u64 = group.waiting.values().sum();
    note(&mut fairness.lucky_examples, || {
        let wanted = group.demand.in_words(venue);
        format!("{all} × {wanted}: refused, and back in stock at sequence {sequence}")
    });
    for (code, count) in group.waiting.drain() {
        fairness.codes.entry(code).or_default().lucky_later += count;
    }
}

/// What a refusal for want of stock still wants; none for several lines, and for other reasons.
fn demand(fold: &Fold<'_>, venue: &Venue, refusal: &Refusal) -> Option<Demand> {
    let [line] = refusal.asked.lines.as_slice() else { return None };
    if !matches!(refusal.code.as_str(), "sold_out" | "seats_taken") {
        return None;
    }
    let code = refusal.asked.access_code.as_ref();
    Some(match &line.units {
        AskedUnits::Quantity(quantity) => Demand::Units {
            ticket_type: line.ticket_type?,
            quantity: u32::from(*quantity),
            channel: fold.channel_of(code.map(String::as_str)),
        },
        AskedUnits::Seats(seats) => {
            let mut seats = seats.clone();
            seats.sort_unstable();
            Demand::Seats(seats)
        }
        AskedUnits::Together { quantity, price_max, .. } => Demand::Together {
            types: types_for(venue, code, line, *price_max),
            named: line.ticket_type.is_some(),
            quantity: u32::from(*quantity),
        },
    })
}

fn fits(fold: &Fold<'_>, venue: &Venue, touched: &HashSet<usize>, demand: &Demand) -> bool {
    match demand {
        Demand::Units { ticket_type, quantity, channel } => {
            let pools = &venue.ticket_types[*ticket_type].draws_on;
            pools.iter().all(|pool| fold.free_for(*channel, *pool) >= *quantity)
        }
        Demand::Seats(seats) => {
            seats.iter().all(|seat| fold.seats.get(*seat as usize) == Some(&SeatState::Free))
        }
        Demand::Together { types, quantity, named } => {
            let pools = types.iter().flat_map(|ticket_type| &venue.ticket_types[*ticket_type].draws_on);
            if *named && pools.clone().any(|pool| fold.free_for(None, *pool) < *quantity) {
                return false;
            }
            let places = Places {
                types: types.clone(),
                section: None,
                channel: None,
                accept_split: false,
                unlimited: true,
            };
            let mut blocks = touched.iter().map(|block| &venue.blocks[*block] as &Block);
            places.fit_among(fold, venue, *quantity, &mut blocks) == Fit::Certainly
        }
    }
}
