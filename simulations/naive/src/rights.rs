//! Who may ask for what.

use tessera_inventory::{Authority, CommandBody, RefundReason, Subject};

/// Roles and what they may ask for; whose claim it is, is another question.
pub(crate) fn may(by: Authority, body: &CommandBody) -> bool {
    use tessera_inventory::Payment;
    let organizer = by == Authority::Organizer;
    let buyer = matches!(by, Authority::Subject(_) | Authority::Secret(_));
    let system = by == Authority::System;
    match body {
        CommandBody::Configure { .. }
        | CommandBody::ChangePhase { .. }
        | CommandBody::Kill(_)
        | CommandBody::Restore(_)
        | CommandBody::ReleaseChannel { .. } => organizer,
        CommandBody::PlaceHold(request) => {
            let is_own = by == Authority::Subject(request.subjects.primary) && request.channel.is_none();
            organizer || is_own
        }
        CommandBody::RenewHold { .. }
        | CommandBody::ReleaseHold { .. }
        | CommandBody::TransferTicket { .. }
        | CommandBody::LeaveWaitlist { .. }
        | CommandBody::ReissueTicket { .. } => organizer || buyer,
        CommandBody::JoinWaitlist(request) => {
            let is_own = by == Authority::Subject(request.subjects.primary) && request.priority.is_none();
            organizer || is_own
        }
        CommandBody::BeginPayment { .. } | CommandBody::Confirm { payment: Payment::Free, .. } => {
            organizer || buyer || system
        }
        CommandBody::Confirm { payment: Payment::Offline, .. } => organizer,
        CommandBody::RefundTickets { reason: RefundReason::Unpaid, .. }
        | CommandBody::SellLate(_)
        | CommandBody::SetDispute { .. } => system,
        CommandBody::Confirm { payment: Payment::Captured { .. }, .. }
        | CommandBody::PaymentFailed { .. }
        | CommandBody::RefundTickets { .. } => organizer || system,
        CommandBody::CheckIn { .. } | CommandBody::CheckOut { .. } | CommandBody::RecordScans { .. } => {
            organizer || by == Authority::Scanner
        }
    }
}

/// Whether a claim of `subject` is the caller's; what is not does not exist for the caller.
pub(crate) fn owns(by: Authority, subject: Subject) -> bool {
    match by {
        Authority::Subject(caller) => caller == subject,
        Authority::Secret(_) | Authority::Organizer | Authority::System => true,
        Authority::Scanner => false,
    }
}
