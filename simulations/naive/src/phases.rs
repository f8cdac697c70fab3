//! What is admitted when.

use tessera_inventory::{CommandBody, Phase, PhaseCommand};

/// When a command makes sense.
pub(crate) fn admits(phase: Phase, command: PhaseCommand) -> bool {
    use PhaseCommand as Row;
    let in_sale = matches!(phase, Phase::Presale | Phase::OnSale | Phase::Paused);
    match command {
        Row::Configure => in_sale || matches!(phase, Phase::Draft | Phase::Scheduled),
        Row::Schedule => phase == Phase::Draft,
        Row::OpenPresale => matches!(phase, Phase::Draft | Phase::Scheduled),
        Row::Open => matches!(phase, Phase::Draft | Phase::Scheduled | Phase::Presale | Phase::Paused),
        Row::Pause => phase == Phase::OnSale,
        Row::Close | Row::RenewHold | Row::JoinWaitlist => in_sale,
        Row::LeaveWaitlist => phase != Phase::Draft,
        Row::PlaceHold => matches!(phase, Phase::Presale | Phase::OnSale),
        Row::Cancel | Row::Kill | Row::Restore | Row::ReleaseChannel => phase != Phase::Cancelled,
        Row::SellLate => matches!(phase, Phase::Presale | Phase::OnSale | Phase::Closed),
        Row::RefundTickets | Row::SetDispute => in_sale || matches!(phase, Phase::Closed | Phase::Cancelled),
        Row::ReleaseHold
        | Row::BeginPayment
        | Row::PaymentFailed
        | Row::Confirm
        | Row::TransferTicket
        | Row::ReissueTicket
        | Row::CheckIn
        | Row::CheckOut => in_sale || phase == Phase::Closed,
        Row::RecordScans => true,
    }
}

/// The row of a command.
pub(crate) fn row_of(body: &CommandBody) -> Option<PhaseCommand> {
    use PhaseCommand as Row;
    Some(match body {
        CommandBody::Configure { .. } => Row::Configure,
        CommandBody::ChangePhase { to: Phase::Draft } => return None,
        CommandBody::ChangePhase { to: Phase::Scheduled } => Row::Schedule,
        CommandBody::ChangePhase { to: Phase::Presale } => Row::OpenPresale,
        CommandBody::ChangePhase { to: Phase::OnSale } => Row::Open,
        CommandBody::ChangePhase { to: Phase::Paused } => Row::Pause,
        CommandBody::ChangePhase { to: Phase::Closed } => Row::Close,
        CommandBody::ChangePhase { to: Phase::Cancelled } => Row::Cancel,
        CommandBody::PlaceHold(_) => Row::PlaceHold,
        CommandBody::RenewHold { .. } => Row::RenewHold,
        CommandBody::ReleaseHold { .. } => Row::ReleaseHold,
        CommandBody::BeginPayment { .. } => Row::BeginPayment,
        CommandBody::PaymentFailed { .. } => Row::PaymentFailed,
        CommandBody::Confirm { .. } => Row::Confirm,
        CommandBody::RefundTickets { .. } => Row::RefundTickets,
        CommandBody::Kill(_) => Row::Kill,
        CommandBody::Restore(_) => Row::Restore,
        CommandBody::ReleaseChannel { .. } => Row::ReleaseChannel,
        CommandBody::TransferTicket { .. } => Row::TransferTicket,
        CommandBody::CheckIn { .. } => Row::CheckIn,
        CommandBody::ReissueTicket { .. } => Row::ReissueTicket,
        CommandBody::RecordScans { .. } => Row::RecordScans,
        CommandBody::JoinWaitlist(_) => Row::JoinWaitlist,
        CommandBody::LeaveWaitlist { .. } => Row::LeaveWaitlist,
        CommandBody::CheckOut { .. } => Row::CheckOut,
        CommandBody::SellLate(_) => Row::SellLate,
        CommandBody::SetDispute { .. } => Row::SetDispute,
    })
}
