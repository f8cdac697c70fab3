//! The words of the API for phases, states and commands; each stands here once.

use tessera_inventory::{ClaimState, Phase, PhaseCommand};

use crate::openapi::schema;

/// The phase of an event, by its name.
pub(crate) struct PhaseName;

schema::schemas! {
    PhaseName, "Phase" => schema::words(Phase::ALL.into_iter().map(phase_name), "What an event admits depends on it.");
}

/// The name of a phase in the API.
#[must_use]
pub(crate) const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Draft => "draft",
        Phase::Scheduled => "scheduled",
        Phase::Presale => "presale",
        Phase::OnSale => "on_sale",
        Phase::Paused => "paused",
        Phase::Closed => "closed",
        Phase::Cancelled => "cancelled",
    }
}

/// The name of the state of a hold or an order in a refusal.
#[must_use]
pub(crate) const fn state_name(state: ClaimState) -> &'static str {
    match state {
        ClaimState::Held => "held",
        ClaimState::PaymentInFlight => "payment_in_flight",
        ClaimState::Paid => "paid",
        ClaimState::Refunded => "refunded",
        ClaimState::RefundDue => "refund_due",
        ClaimState::Ended => "ended",
    }
}

/// The name of a kind of command in the API.
#[must_use]
pub(crate) const fn command_name(command: PhaseCommand) -> &'static str {
    match command {
        PhaseCommand::Configure => "configure",
        PhaseCommand::Schedule => "schedule",
        PhaseCommand::OpenPresale => "open_presale",
        PhaseCommand::Open => "open",
        PhaseCommand::Pause => "pause",
        PhaseCommand::Close => "close",
        PhaseCommand::Cancel => "cancel",
        PhaseCommand::PlaceHold => "place_hold",
        PhaseCommand::RenewHold => "renew_hold",
        PhaseCommand::ReleaseHold => "release_hold",
        PhaseCommand::BeginPayment => "begin_payment",
        PhaseCommand::PaymentFailed => "payment_failed",
        PhaseCommand::Confirm => "confirm",
        PhaseCommand::RefundTickets => "refund_tickets",
        PhaseCommand::Kill => "kill",
        PhaseCommand::Restore => "restore",
        PhaseCommand::ReleaseChannel => "release_channel",
        PhaseCommand::TransferTicket => "transfer_ticket",
        PhaseCommand::CheckIn => "check_in",
        PhaseCommand::CheckOut => "check_out",
        PhaseCommand::SellLate => "sell_late",
        PhaseCommand::SetDispute => "set_dispute",
        PhaseCommand::ReissueTicket => "reissue_ticket",
        PhaseCommand::RecordScans => "record_scans",
        PhaseCommand::JoinWaitlist => "join_waitlist",
        PhaseCommand::LeaveWaitlist => "leave_waitlist",
    }
}

#[cfg(test)]
mod tests {
    use tessera_inventory::PHASE_TABLE;

    use super::*;

    #[test]
    fn the_table_of_phases_stands_in_the_documentation() {
        let phases: Vec<_> = Phase::ALL.into_iter().map(phase_name).collect();
        let mut table =
            format!("| command | {} |\n| --- |{}\n", phases.join(" | "), " --- |".repeat(phases.len()));
        for (command, admitted) in PHASE_TABLE {
            let cells = admitted.map(|admitted| if admitted { "yes" } else { "–" });
            table += &format!("| `{}` | {} |\n", command_name(command), cells.join(" | "));
        }
        let documented = include_str!("../../../docs/api.md");
        assert!(documented.contains(&table), "docs/api.md needs this table:\n{table}");
    }
}
