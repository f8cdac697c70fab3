//! A recording, read as the evidence that `tessera_demo::check` judges.

use std::collections::HashSet;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tessera_demo::error::DemoError;
use tessera_demo::feed::Item;
use tessera_demo::tally::{Accepted, Acknowledgement, Refusal};
use tessera_demo::unacknowledged::{Told, Unacknowledged, Wanted, WantedLine};
use tessera_demo::venue::Venue;
use tessera_demo::wire::{
    Asked as WireAsked, AskedLine as WireLine, AskedUnits, Availability, Problem, SeatMap,
};

use crate::recording::{Asked, AskedLine, Operation, Outcome, Recording};

/// Everything of a recording that was understood.
#[derive(Debug)]
pub struct Understood<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// The venue.
    pub venue: Venue,
    /// The change feed.
    pub items: Vec<Item>,
    /// Accepted commands.
    pub acknowledgements: Vec<Acknowledgement>,
    /// Refused holds.
    pub refusals: Vec<Refusal>,
    /// Commands that nobody was told to be accepted.
    pub unacknowledged: Vec<Unacknowledged>,
    /// Availability documents.
    pub availabilities: Vec<Availability>,
    /// The seat map.
    pub seat_map: Option<SeatMap>,
    /// Documents and items that are not what the API promises.
    pub unreadable: Vec<String>,
}

impl<'a> Understood<'a> {
    /// Understand a recording.
    ///
    /// # Errors
    /// [`DemoError::Venue`] when the configuration of the event cannot be read: nothing can be judged without it.
    pub fn new(recording: &'a Recording) -> Result<Self, DemoError> {
        let venue = Venue::read(&recording.venue.to_string())?;
        let mut unreadable = Vec::new();
        let items = read_all("item of the feed", &recording.feed, &mut unreadable);
        let availabilities = read_all("availability document", &recording.availabilities, &mut unreadable);
        let maps = recording.seat_map.as_slice();
        let seat_map = read_all("seat map", maps, &mut unreadable).into_iter().next();
        let hazy = hazy_buyers(&recording.history);
        let history = &recording.history;
        Ok(Understood {
            recording,
            items,
            acknowledgements: history.iter().filter_map(acknowledgement).collect(),
            refusals: history.iter().filter_map(|operation| refusal(&venue, &hazy, operation)).collect(),
            unacknowledged: history.iter().filter_map(unacknowledged).collect(),
            availabilities,
            seat_map,
            unreadable,
            venue,
        })
    }
}

fn read_all<T: DeserializeOwned>(what: &str, values: &[Value], unreadable: &mut Vec<String>) -> Vec<T> {
    let mut read = Vec::with_capacity(values.len());
    for (position, value) in values.iter().enumerate() {
        match T::deserialize(value) {
            Ok(understood) => read.push(understood),
            Err(error) => unreadable.push(format!("{what} {position} cannot be understood: {error}")),
        }
    }
    read
}

/// Whether nobody can say if an operation was carried out.
#[must_use]
pub fn may_have_happened(operation: &Operation) -> bool {
    operation.outcome == Outcome::Unknown
}

/// Buyers who may hold what they were never told of: how much of a limit they have used, nobody can say.
fn hazy_buyers(history: &[Operation]) -> HashSet<u32> {
    let hazy = history.iter().filter(|operation| {
        matches!(operation.asked, Asked::PlaceHold { .. }) && may_have_happened(operation)
    });
    hazy.filter_map(|operation| operation.buyer).collect()
}

fn acknowledgement(operation: &Operation) -> Option<Acknowledgement> {
    let Outcome::Accepted { sequence, id, lines, .. } = &operation.outcome else { return None };
    let what = match &operation.asked {
        Asked::PlaceHold { .. } => Accepted::HoldPlaced { hold: id.clone(), lines: lines.clone() },
        Asked::RenewHold { hold } => Accepted::HoldRenewed { hold: hold.clone() },
        Asked::ReleaseHold { hold } => Accepted::HoldReleased { hold: hold.clone() },
        Asked::BeginPayment { .. } => Accepted::PaymentBegun { order: id.clone() },
        Asked::FailPayment { order } => Accepted::PaymentFailed { order: order.clone() },
        Asked::Confirm { order } => Accepted::Confirmed { order: order.clone() },
        Asked::CheckIn { ticket } => Accepted::CheckedIn { ticket: ticket.clone() },
    };
    Some(Acknowledgement { sequence: *sequence, buyer: operation.buyer, what })
}

fn unacknowledged(operation: &Operation) -> Option<Unacknowledged> {
    let told = match &operation.outcome {
        Outcome::Accepted { .. } => return None,
        Outcome::Refused { code, .. } | Outcome::NotExecuted { code } => Told::No(code.clone()),
        Outcome::HalfSent => Told::HalfSent,
        Outcome::Unknown => Told::Nothing,
    };
    let wanted = match &operation.asked {
        Asked::PlaceHold { lines, .. } => Wanted::Hold { lines: lines.iter().map(wanted_line).collect() },
        Asked::RenewHold { hold } => Wanted::Renewal { hold: hold.clone() },
        Asked::ReleaseHold { hold } => Wanted::Release { hold: hold.clone() },
        Asked::BeginPayment { hold } => Wanted::Payment { hold: hold.clone() },
        Asked::FailPayment { order } => Wanted::FailedPayment { order: order.clone() },
        Asked::Confirm { order } => Wanted::Confirmation { order: order.clone() },
        Asked::CheckIn { ticket } => Wanted::CheckIn { ticket: ticket.clone() },
    };
    Some(Unacknowledged { buyer: operation.buyer, wanted, told })
}

fn wanted_line(line: &AskedLine) -> WantedLine {
    WantedLine { ticket_type: line.ticket_type.clone(), quantity: units(line), seats: line.seats.clone() }
}

/// Units that a line asks for.
#[must_use]
pub fn units(line: &AskedLine) -> u16 {
    if line.seats.is_empty() { line.quantity } else { u16::try_from(line.seats.len()).unwrap_or(u16::MAX) }
}

/// A refused hold. What cannot be judged fairly from a recording has no sequence to judge it on.
fn refusal(venue: &Venue, hazy: &HashSet<u32>, operation: &Operation) -> Option<Refusal> {
    let Asked::PlaceHold { lines, access_code } = &operation.asked else { return None };
    let Outcome::Refused { code, sequence, problem } = &operation.outcome else { return None };
    let buyer = operation.buyer?;
    let understood: Option<Vec<WireLine>> = lines.iter().map(|line| wire_line(venue, line)).collect();
    let any_type = lines.iter().any(|line| line.ticket_type.is_none());
    let depends_on_usage = code == "limit_exceeded" || any_type;
    // The recording does not say which price was sent.
    let can_be_judged =
        understood.is_some() && code != "price_changed" && !(depends_on_usage && hazy.contains(&buyer));
    // A problem document that cannot be read names no seats and no limit.
    let problem = Problem::deserialize(problem).unwrap_or_default();
    Some(Refusal {
        sequence: sequence.filter(|_| can_be_judged),
        buyer,
        code: code.clone(),
        asked: WireAsked {
            lines: understood.unwrap_or_default(),
            access_code: access_code.clone(),
            stale_price: false,
        },
        seats: problem.seats,
        stranded: problem.stranded,
        limit: problem.limit,
        used: problem.used,
    })
}

/// A line as the demo knows it; none where its type does not exist, or is seated and asked for without a way to choose seats.
fn wire_line(venue: &Venue, line: &AskedLine) -> Option<WireLine> {
    let ticket_type = match &line.ticket_type {
        Some(name) => Some(venue.ticket_type(name)?),
        None => None,
    };
    let seated = ticket_type.is_some_and(|ticket_type| venue.ticket_types[ticket_type].category.is_some());
    let units = if !line.seats.is_empty() {
        AskedUnits::Seats(line.seats.clone())
    } else if line.together {
        AskedUnits::Together {
            quantity: line.quantity,
            section: None,
            price_max: None,
            accessible: 0,
            accept_split: false,
        }
    } else if seated {
        return None;
    } else {
        AskedUnits::Quantity(line.quantity)
    };
    Some(WireLine { ticket_type, units })
}
