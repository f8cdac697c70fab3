//! Commands that nobody was told to be accepted, and the items of the feed that look like their work: what was never answered may
//! stand there; what was refused, or called not executed, may not.

use std::collections::HashMap;

use crate::feed::{Change, Line};

/// A command without an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unacknowledged {
    /// Who asked; `None`: the organizer.
    pub buyer: Option<u32>,
    /// What was asked for.
    pub wanted: Wanted,
    /// What was answered instead.
    pub told: Told,
}

/// What came instead of an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing: it may have been carried out.
    Nothing,
    /// Nothing, as no more than half of the request was ever sent: it was not carried out.
    HalfSent,
    /// The code of a refusal: it was not carried out.
    No(String),
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the identifiers are those of the request
pub enum Wanted {
    Hold { lines: Vec<WantedLine> },
    Renewal { hold: String },
    Release { hold: String },
    Payment { hold: String },
    FailedPayment { order: String },
    Confirmation { order: String },
    CheckIn { ticket: String },
}

/// One line of a wanted hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLine {
    /// Name of the type; `None`: any.
    pub ticket_type: Option<String>,
    /// Units.
    pub quantity: u16,
    /// Exactly these seats; empty: whichever.
    pub seats: Vec<u32>,
}

/// Where a command stands among those that a kind of item may come from: the kind, and the hold, the order or the units.
type Place = (u8, String);

/// Commands without an acknowledgement, each of which explains at most one item.
#[derive(Debug)]
pub struct Explanations<'a> {
    waiting: HashMap<Place, Vec<&'a Unacknowledged>>,
}

impl<'a> Explanations<'a> {
    /// Nothing is explained yet.
    #[must_use]
    pub fn new(commands: &'a [Unacknowledged]) -> Self {
        let mut waiting: HashMap<Place, Vec<&Unacknowledged>> = HashMap::new();
        for command in commands {
            waiting.entry(place_of(&command.wanted)).or_default().push(command);
        }
        // What fits fewest items goes first, so that the others are left for the rest; and what was never answered before what was
        // refused, so that nobody is accused whom another explanation clears.
        let order = |command: &&Unacknowledged| (command.told != Told::Nothing, freedom(&command.wanted));
        waiting.values_mut().for_each(|commands| commands.sort_by_key(order));
        Explanations { waiting }
    }

    /// The command that an item which nobody was told of most likely comes from; it explains no other.
    pub fn take(&mut self, change: &Change) -> Option<&'a Unacknowledged> {
        let commands = self.waiting.get_mut(&place_in(change)?)?;
        let found = commands.iter().position(|command| fits(&command.wanted, change))?;
        Some(commands.remove(found))
    }
}

fn place_of(wanted: &Wanted) -> Place {
    match wanted {
        Wanted::Hold { lines } => {
            let units: u32 = lines.iter().map(|line| u32::from(line.quantity)).sum();
            (0, units.to_string())
        }
        Wanted::Renewal { hold } => (1, hold.clone()),
        Wanted::Release { hold } => (2, hold.clone()),
        Wanted::Payment { hold } => (3, hold.clone()),
        Wanted::FailedPayment { order } => (4, order.clone()),
        Wanted::Confirmation { order } => (5, order.clone()),
        Wanted::CheckIn { ticket } => (6, ticket.clone()),
    }
}

fn place_in(change: &Change) -> Option<Place> {
    match change {
        Change::HoldPlaced { lines, .. } => {
            let units: u32 = lines.iter().map(|line| u32::from(line.quantity)).sum();
            Some((0, units.to_string()))
        }
        Change::HoldRenewed { hold, .. } => Some((1, hold.clone())),
        Change::HoldReleased { hold } => Some((2, hold.clone())),
        Change::PaymentBegun { hold, .. } => Some((3, hold.clone())),
        Change::PaymentFailed { order, .. } => Some((4, order.clone())),
        Change::Confirmed { order, .. } => Some((5, order.clone())),
        Change::CheckedIn { ticket } => Some((6, ticket.clone())),
        _ => None,
    }
}

/// How much a command leaves open: exact seats nothing, a type its seats, the rest everything.
fn freedom(wanted: &Wanted) -> usize {
    let Wanted::Hold { lines } = wanted else { return 0 };
    let of = |line: &WantedLine| usize::from(line.seats.is_empty()) + usize::from(line.ticket_type.is_none());
    lines.iter().map(of).sum()
}

fn fits(wanted: &Wanted, change: &Change) -> bool {
    let (Wanted::Hold { lines: wanted }, Change::HoldPlaced { lines, .. }) = (wanted, change) else {
        return true;
    };
    // Any type may also be served by several.
    if wanted.iter().any(|line| line.ticket_type.is_none()) {
        return true;
    }
    let same = |(wanted, line): (&WantedLine, &Line)| {
        wanted.ticket_type.as_ref() == Some(&line.ticket_type)
            && wanted.quantity == line.quantity
            && (wanted.seats.is_empty() || wanted.seats == line.seats)
    };
    wanted.len() == lines.len() && wanted.iter().zip(lines).all(same)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn hold(buyer: u32, ticket_type: Option<&str>, seats: &[u32], told: Told) -> Unacknowledged {
        let line =
            WantedLine { ticket_type: ticket_type.map(str::to_owned), quantity: 2, seats: seats.to_vec() };
        Unacknowledged { buyer: Some(buyer), wanted: Wanted::Hold { lines: vec![line] }, told }
    }

    fn placed(seats: &[u32]) -> Change {
        let line = Line { ticket_type: "Seat".into(), quantity: 2, seats: seats.to_vec() };
        Change::HoldPlaced {
            hold: "h".into(),
            deadline_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            life_ends_at: None,
            channel: None,
            lines: vec![line],
        }
    }

    #[test]
    fn what_was_never_answered_explains_an_item_once_the_narrowest_first() {
        let commands = [
            hold(1, None, &[], Told::Nothing),
            hold(2, Some("Seat"), &[], Told::Nothing),
            hold(3, Some("Seat"), &[4, 5], Told::Nothing),
            hold(4, Some("Seat"), &[4, 5], Told::No("not_executed".into())),
            hold(5, Some("Seat"), &[8, 9], Told::Nothing),
        ];
        let mut explanations = Explanations::new(&commands);
        let found: Vec<_> =
            (0..5).map(|_| explanations.take(&placed(&[4, 5])).map(|by| by.buyer.unwrap())).collect();
        assert_eq!(found, [Some(3), Some(2), Some(1), Some(4), None]);
    }

    #[test]
    fn a_command_on_a_hold_explains_only_what_names_it() {
        let renewal = Unacknowledged {
            buyer: Some(1),
            wanted: Wanted::Renewal { hold: "h1".into() },
            told: Told::Nothing,
        };
        let commands = [renewal];
        let mut explanations = Explanations::new(&commands);
        assert!(explanations.take(&Change::HoldReleased { hold: "h1".into() }).is_none());
        let deadline_at = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(explanations.take(&Change::HoldRenewed { hold: "h2".into(), deadline_at }).is_none());
        assert!(explanations.take(&Change::HoldRenewed { hold: "h1".into(), deadline_at }).is_some());
    }
}
