//! The words of a receipt for a person. What is signed are the short ones, and stands below them.

use tessera_inventory::Timestamp;
use tessera_proof::Kind;

use crate::instant::Rfc3339;

/// What was asked, as a person would say it.
pub(super) const fn asked(kind: Kind) -> &'static str {
    match kind {
        Kind::Configure => "Replace the configuration of the event",
        Kind::ChangePhase => "Change the phase of the sale",
        Kind::PlaceHold => "Hold places for a buyer",
        Kind::RenewHold => "Keep a hold for longer",
        Kind::ReleaseHold => "Give a hold back",
        Kind::BeginPayment => "Begin the payment of what is held",
        Kind::FailPayment => "Take note that a payment has failed",
        Kind::Confirm => "Sell what is held",
        Kind::RefundTickets => "Refund tickets",
        Kind::Kill => "Withdraw places from the sale",
        Kind::Restore => "Put withdrawn places on sale again",
        Kind::ReleaseChannel => "Give what is left of a channel to everyone",
        Kind::TransferTicket => "Give a ticket to another person",
        Kind::CheckIn => "Let a ticket in",
        Kind::CheckOut => "Let a ticket out",
        Kind::Dispute => "Take note how a dispute over a payment stands",
        Kind::SellLate => "Sell what an ended hold had, for money that came late",
        Kind::RecordScans => "Record what a device scanned offline",
        Kind::ReissueTicket => "Give a ticket a new code",
        Kind::Expire => "Nobody asked: holds ended at their time",
        Kind::MoveSaleWindow => "Nobody asked: the sale of a ticket type began or ended at its time",
        Kind::JoinWaitlist => "Wait for what is sold out",
        Kind::LeaveWaitlist => "Wait no more",
        Kind::EndPatience => "Nobody asked: what was kept for the first in line is kept no longer",
    }
}

/// The parts of a detail, each with its name, times as dates. A detail that is not made of such parts stays whole.
pub(super) fn details(detail: &str) -> Vec<(String, String)> {
    let parts: Option<Vec<_>> = detail.split_whitespace().map(|part| part.split_once('=')).collect();
    let Some(parts) = parts else { return vec![("Detail".to_owned(), detail.to_owned())] };
    parts.into_iter().map(|(name, value)| (label(name), readable(name, value))).collect()
}

/// `life_ends_at` as `Life ends at`.
fn label(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn readable(name: &str, value: &str) -> String {
    let is_time = name.ends_with("_at") || name.ends_with("_until");
    match value.parse().ok().filter(|_| is_time) {
        Some(ms) => Rfc3339(Timestamp(ms)).to_string(),
        None => value.replace(',', ", ").replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_becomes_rows_with_dates() {
        let rows = details("deadline_at=1790000600000 units=2 seats=40,41");
        let rows: Vec<_> = rows.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let deadline = ("Deadline at", "2026-09-21T14:23:20Z");
        assert_eq!(rows, [deadline, ("Units", "2"), ("Seats", "40, 41")]);
        assert_eq!(details(""), []);
        let strange = "what nobody wrote";
        assert_eq!(details(strange), [("Detail".to_owned(), strange.to_owned())]);
    }
}
