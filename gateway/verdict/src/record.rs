//! What each client's own record shows beside the feed: it got what it asked for, once, until when it was told; and payments.

use std::collections::HashMap;

use tessera_demo::feed::Change;
use tessera_demo::report::number;

use crate::evidence::{Understood, units};
use crate::recording::{Asked, Operation, Outcome};
use crate::verdict::Finding;

/// How much a deadline may differ from the one in the feed, in microseconds: both are rounded to milliseconds on their way.
const DEADLINE_TOLERANCE_US: i64 = 5_000;

/// The findings of the clients' own records.
#[must_use]
pub fn findings(understood: &Understood<'_>) -> Vec<Finding> {
    vec![as_asked(understood), once(understood), deadlines(understood), payments(understood)]
}

/// A client, as part of a sentence.
#[must_use]
pub fn who(operation: &Operation) -> String {
    operation.buyer.map_or_else(|| "the organizer".to_owned(), |buyer| format!("buyer {buyer}"))
}

/// Accepted holds have the units that were asked for.
fn as_asked(understood: &Understood<'_>) -> Finding {
    let mut count = 0;
    let mut broken = Vec::new();
    for operation in &understood.recording.history {
        let Asked::PlaceHold { lines: asked, .. } = &operation.asked else { continue };
        let Outcome::Accepted { id, lines, .. } = &operation.outcome else { continue };
        count += 1;
        let wanted: u32 = asked.iter().map(|line| u32::from(units(line))).sum();
        let got: u32 = lines.iter().map(|(_, quantity, _)| u32::from(*quantity)).sum();
        if wanted != got {
            broken.push(format!("{} asked for {wanted} units and hold {id} has {got}", who(operation)));
        }
        for seat in asked.iter().flat_map(|line| &line.seats) {
            if !lines.iter().any(|(_, _, seats)| seats.contains(seat)) {
                broken.push(format!("{} asked for seat {seat}, and hold {id} is without it", who(operation)));
            }
        }
        let types = asked.iter().filter_map(|line| line.ticket_type.as_ref());
        for ticket_type in types {
            if !lines.iter().any(|(given, _, _)| given == ticket_type) {
                broken.push(format!("{} asked for {ticket_type}, hold {id} has none", who(operation)));
            }
        }
    }
    Finding::new("G2", "an accepted hold is what was asked for", format!("{} holds", number(count)), broken)
}

/// One key has one effect: what was sent once is no repetition, and no hold is given to two clients.
fn once(understood: &Understood<'_>) -> Finding {
    let mut retried = 0;
    let mut broken = Vec::new();
    let mut given: HashMap<&str, &Operation> = HashMap::new();
    for operation in &understood.recording.history {
        retried += u64::from(operation.sent > 1);
        let Outcome::Accepted { id, replayed, sequence, .. } = &operation.outcome else { continue };
        if *replayed && operation.sent == 1 {
            broken.push(format!(
                "{} sent a request once, and the reply of sequence {sequence} calls itself a repetition",
                who(operation)
            ));
        }
        if matches!(operation.asked, Asked::PlaceHold { .. })
            && let Some(other) = given.insert(id, operation)
        {
            broken.push(format!("hold {id} was given to {} and to {}", who(other), who(operation)));
        }
    }
    Finding::new(
        "G2",
        "one key has one effect",
        format!("{} requests were sent again under their key", number(retried)),
        broken,
    )
}

/// Every deadline that a client was told is the one in the feed. The recording counts from its own beginning, so what must hold is
/// that all differ from the feed by the same time.
fn deadlines(understood: &Understood<'_>) -> Finding {
    let told: HashMap<&str, (i64, &Operation)> = understood
        .recording
        .history
        .iter()
        .filter_map(|operation| match (&operation.asked, &operation.outcome) {
            (Asked::PlaceHold { .. }, Outcome::Accepted { id, deadline_us: Some(deadline), .. }) => {
                Some((id.as_str(), (*deadline, operation)))
            }
            _ => None,
        })
        .collect();
    let mut shifts = Vec::new();
    for item in &understood.items {
        let Change::HoldPlaced { hold, deadline_at, .. } = &item.change else { continue };
        if let Some((deadline, operation)) = told.get(hold.as_str()) {
            shifts.push((deadline - deadline_at.as_microsecond(), hold, *operation));
        }
    }
    let mut sorted: Vec<i64> = shifts.iter().map(|(shift, _, _)| *shift).collect();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    let off = shifts.iter().filter(|(shift, _, _)| (shift - median).abs() > DEADLINE_TOLERANCE_US);
    let broken = off.map(|(shift, hold, operation)| {
        let milliseconds = (shift - median) / 1_000;
        format!(
            "{} was told a deadline of hold {hold} that is {milliseconds} ms off the logged one",
            who(operation)
        )
    });
    Finding::new(
        "G2",
        "the deadline that a client was told is the logged one",
        format!("{} compared", number(shifts.len() as u64)),
        broken.collect(),
    )
}

/// G4 as far as it shows from outside: every confirmed payment was begun, and belongs to one order.
fn payments(understood: &Understood<'_>) -> Finding {
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut confirmed: HashMap<&str, u64> = HashMap::new();
    let mut broken = Vec::new();
    for item in &understood.items {
        match &item.change {
            Change::PaymentBegun { order, hold, .. }
                if begun.insert(order, hold).is_some_and(|other| other != hold) =>
            {
                broken.push(format!("order {order} pays for two holds"));
            }
            Change::Confirmed { order, hold } => {
                if begun.get(order.as_str()) != Some(&hold.as_str()) {
                    broken.push(format!("order {order} was confirmed, and its payment never begun"));
                }
                if let Some(sequence) = confirmed.insert(order, item.sequence) {
                    broken.push(format!(
                        "order {order} was confirmed at sequence {sequence} and again at {}",
                        item.sequence
                    ));
                }
            }
            _ => {}
        }
    }
    Finding::new(
        "G4",
        "a confirmed payment belongs to one order",
        format!("{} orders; no ledger is visible from outside", number(confirmed.len() as u64)),
        broken,
    )
}
