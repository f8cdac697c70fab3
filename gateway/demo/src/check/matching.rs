//! Which items of the feed are whose, and what they say in plain words.

use crate::feed::{Change, Item, Line};
use crate::tally::{Accepted, Acknowledgement};
use crate::unacknowledged::{Wanted, WantedLine};

/// Whether time makes such an item, and nobody's command.
pub(super) fn by_time(change: &Change) -> bool {
    matches!(
        change,
        Change::Expired { .. } | Change::SaleWindowChanged { .. } | Change::ChannelReleased { .. }
    )
}

/// Whether only the organizer's command, or time, makes such an item.
pub(super) fn by_organizer(change: &Change) -> bool {
    matches!(
        change,
        Change::Configured { .. }
            | Change::PhaseChanged { .. }
            | Change::TicketsRefunded { .. }
            | Change::UnitsKilled(_)
            | Change::UnitsRestored(_)
    )
}

/// Whether an item says what the client was told.
pub(super) fn agrees(told: &Accepted, change: &Change) -> bool {
    match (told, change) {
        (Accepted::Configured, Change::Configured { .. })
        | (Accepted::UnitsKilled, Change::UnitsKilled(_))
        | (Accepted::UnitsRestored, Change::UnitsRestored(_)) => true,
        (Accepted::PhaseChanged { to: told }, Change::PhaseChanged { to }) => told == to,
        (Accepted::HoldPlaced { hold: told, lines: shown }, Change::HoldPlaced { hold, lines, .. }) => {
            told == hold && same_lines(shown, lines)
        }
        (Accepted::HoldRenewed { hold: told }, Change::HoldRenewed { hold, .. })
        | (Accepted::HoldReleased { hold: told }, Change::HoldReleased { hold }) => told == hold,
        (Accepted::PaymentBegun { order: told }, Change::PaymentBegun { order, .. })
        | (Accepted::PaymentFailed { order: told }, Change::PaymentFailed { order, .. })
        | (Accepted::Confirmed { order: told }, Change::Confirmed { order, .. })
        | (Accepted::TicketsRefunded { order: told }, Change::TicketsRefunded { order, .. }) => told == order,
        (Accepted::TicketTransferred { ticket: told }, Change::TicketTransferred { ticket, .. })
        | (Accepted::CheckedIn { ticket: told }, Change::CheckedIn { ticket })
        | (Accepted::CheckedOut { ticket: told }, Change::CheckedOut { ticket }) => told == ticket,
        _ => false,
    }
}

fn same_lines(shown: &[(String, u16, Vec<u32>)], lines: &[Line]) -> bool {
    shown.len() == lines.len()
        && shown.iter().zip(lines).all(|((ticket_type, quantity, seats), line)| {
            *ticket_type == line.ticket_type && *quantity == line.quantity && *seats == line.seats
        })
}

/// What an item says.
pub(super) fn item_in_words(item: &Item) -> String {
    let said = match &item.change {
        Change::HoldPlaced { hold, lines, .. } => {
            let lines: Vec<String> = lines
                .iter()
                .map(|line| units_in_words(Some(&line.ticket_type), line.quantity, &line.seats))
                .collect();
            format!("hold {hold} was placed with {}", lines.join(" and "))
        }
        Change::HoldRenewed { hold, .. } => format!("hold {hold} was renewed"),
        Change::HoldReleased { hold } => format!("hold {hold} was released"),
        Change::PaymentBegun { order, .. } => format!("the payment of order {order} was begun"),
        Change::PaymentFailed { order, .. } => format!("the payment of order {order} failed"),
        Change::Confirmed { order, .. } => format!("order {order} was confirmed"),
        other => format!("{other:?}"),
    };
    format!("{said} at sequence {}", item.sequence)
}

/// What a client was told.
pub(super) fn told_in_words(acknowledgement: &Acknowledgement) -> String {
    let said = match &acknowledgement.what {
        Accepted::HoldPlaced { hold, lines } => {
            let lines: Vec<String> = lines
                .iter()
                .map(|(ticket_type, quantity, seats)| units_in_words(Some(ticket_type), *quantity, seats))
                .collect();
            format!("hold {hold} is placed with {}", lines.join(" and "))
        }
        Accepted::HoldRenewed { hold } => format!("hold {hold} is renewed"),
        Accepted::HoldReleased { hold } => format!("hold {hold} is released"),
        Accepted::PaymentBegun { order } => format!("the payment of order {order} is begun"),
        Accepted::PaymentFailed { order } => format!("the payment of order {order} failed"),
        Accepted::Confirmed { order } => format!("order {order} is confirmed"),
        other => format!("{other:?}"),
    };
    format!("{} was told that {said} at sequence {}", who(acknowledgement.buyer), acknowledgement.sequence)
}

/// What a command asked for.
pub(super) fn wanted_in_words(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Hold { lines } => {
            let line =
                |line: &WantedLine| units_in_words(line.ticket_type.as_deref(), line.quantity, &line.seats);
            format!("a hold of {}", lines.iter().map(line).collect::<Vec<_>>().join(" and "))
        }
        Wanted::Renewal { hold } => format!("the renewal of {hold}"),
        Wanted::Release { hold } => format!("the release of {hold}"),
        Wanted::Payment { hold } => format!("the payment of {hold}"),
        Wanted::FailedPayment { order } => format!("the failed payment of {order}"),
        Wanted::Confirmation { order } => format!("the confirmation of {order}"),
        Wanted::CheckIn { ticket } => format!("the admission of {ticket}"),
    }
}

/// A buyer, or the organizer.
pub(super) fn who(buyer: Option<u32>) -> String {
    buyer.map_or_else(|| "the organizer".to_owned(), |buyer| format!("buyer {buyer}"))
}

fn units_in_words(ticket_type: Option<&str>, quantity: u16, seats: &[u32]) -> String {
    let ticket_type = ticket_type.unwrap_or("any type");
    match seats {
        [] => format!("{quantity} × {ticket_type}"),
        [seat] => format!("{quantity} × {ticket_type} (seat {seat})"),
        seats => {
            let seats: Vec<String> = seats.iter().map(u32::to_string).collect();
            format!("{quantity} × {ticket_type} (seats {})", seats.join(", "))
        }
    }
}
