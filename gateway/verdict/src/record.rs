//! What each client's own record shows beside the feed: it got what it asked for, once, until when it was told; and payments.

use std::collections::HashMap;

use jiff::Timestamp;
use tessera_demo::feed::Change;
use tessera_demo::report::number;

use crate::evidence::{Understood, units};
use crate::recording::{Asked, Operation, Outcome};
use crate::verdict::{Finding, HalfSent};

/// How much a deadline may differ from the one in the feed, in microseconds: both are rounded to milliseconds on their way.
const DEADLINE_TOLERANCE_US: i64 = 5_000;

/// The findings of the clients' own records.
#[must_use]
pub fn findings(understood: &Understood<'_>) -> Vec<Finding> {
    vec![
        as_asked(understood),
        once(understood),
        halves(understood),
        deadlines(understood),
        payments(understood),
    ]
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
        if *replayed && operation.sent == 1 && operation.half_sent == 0 {
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

/// Half a request has no effect: the first whole one under its key repeats nothing. Where none was ever sent, the feed must have nothing either,
/// and what it has nevertheless is found among the items that nobody was told of.
fn halves(understood: &Understood<'_>) -> Finding {
    let history = &understood.recording.history;
    let mut broken = Vec::new();
    for operation in history.iter().filter(|operation| operation.half_sent > 0 && operation.sent <= 1) {
        let Outcome::Accepted { replayed: true, sequence, .. } = &operation.outcome else { continue };
        broken.push(format!(
            "a request of {} was cut off half-way and sent as a whole once, and the reply of sequence {sequence} calls itself a repetition",
            who(operation)
        ));
    }
    let HalfSent { requests, taken_up_again } = HalfSent::of(history);
    Finding::new(
        "G2",
        "half a request has no effect",
        format!("{} cut off half-way, {} taken up again", number(requests), number(taken_up_again)),
        broken,
    )
}

/// Every deadline that a client was told, of a hold that was placed or renewed, is the one in the feed. Both come from the server, and the
/// recording says when it began to count: no other clock has a part in it.
fn deadlines(understood: &Understood<'_>) -> Finding {
    let told = |operation: &'_ Operation| match (&operation.asked, &operation.outcome) {
        (
            Asked::PlaceHold { .. } | Asked::RenewHold { .. },
            Outcome::Accepted { sequence, deadline_us: Some(deadline), .. },
        ) => Some((*sequence, *deadline)),
        _ => None,
    };
    let history = &understood.recording.history;
    let told: HashMap<u64, (i64, &Operation)> = history
        .iter()
        .filter_map(|operation| told(operation).map(|(sequence, deadline)| (sequence, (deadline, operation))))
        .collect();
    let mut broken = Vec::new();
    let began: Option<Timestamp> = understood.recording.environment.started_at.parse().ok();
    if began.is_none() && !told.is_empty() {
        broken.push("the recording does not say when it began".to_owned());
    }
    let mut compared = 0;
    for item in &understood.items {
        let (Change::HoldPlaced { hold, deadline_at, .. } | Change::HoldRenewed { hold, deadline_at }) =
            &item.change
        else {
            continue;
        };
        let (Some((deadline, operation)), Some(began)) = (told.get(&item.sequence), began) else { continue };
        compared += 1;
        let off = began.as_microsecond() + deadline - deadline_at.as_microsecond();
        if off.abs() > DEADLINE_TOLERANCE_US {
            let (who, off) = (who(operation), off / 1_000);
            broken.push(format!(
                "{who} was told a deadline of hold {hold} that is {off} ms off the logged one"
            ));
        }
    }
    Finding::new(
        "G2",
        "the deadline that a client was told is the logged one",
        format!("{} compared", number(compared)),
        broken,
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
