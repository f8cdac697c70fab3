//! Who may ask for what at all. Whose claim or ticket it is, is checked where that is found.

use crate::{Authority, CommandBody, Payment, RefundReason, Rejection, Subject};

/// Whether the caller's role allows the command.
pub(super) fn check(authority: Authority, body: &CommandBody) -> Result<(), Rejection> {
    if may(authority, body) { Ok(()) } else { Err(Rejection::Forbidden) }
}

fn may(authority: Authority, body: &CommandBody) -> bool {
    use Authority as A;
    match body {
        CommandBody::Configure { .. }
        | CommandBody::ChangePhase { .. }
        | CommandBody::Kill(_)
        | CommandBody::Restore(_)
        | CommandBody::ReleaseChannel { .. } => matches!(authority, A::Organizer),
        CommandBody::PlaceHold(request) => match authority {
            A::Subject(subject) => subject == request.subjects.primary && request.channel.is_none(),
            A::Organizer => true,
            A::Secret(_) | A::Scanner | A::System => false,
        },
        CommandBody::JoinWaitlist(request) => match authority {
            A::Subject(subject) => subject == request.subjects.primary && request.priority.is_none(),
            A::Organizer => true,
            A::Secret(_) | A::Scanner | A::System => false,
        },
        CommandBody::RenewHold { .. }
        | CommandBody::ReleaseHold { .. }
        | CommandBody::LeaveWaitlist { .. }
        | CommandBody::TransferTicket { .. }
        | CommandBody::ReissueTicket { .. } => {
            matches!(authority, A::Subject(_) | A::Secret(_) | A::Organizer)
        }
        CommandBody::BeginPayment { .. } => !matches!(authority, A::Scanner),
        CommandBody::RefundTickets { reason: RefundReason::Unpaid, .. }
        | CommandBody::SellLate(_)
        | CommandBody::SetDispute { .. } => matches!(authority, A::System),
        CommandBody::PaymentFailed { .. } | CommandBody::RefundTickets { .. } => {
            matches!(authority, A::Organizer | A::System)
        }
        CommandBody::Confirm { payment, .. } => match payment {
            Payment::Free => !matches!(authority, A::Scanner),
            Payment::Offline => matches!(authority, A::Organizer),
            Payment::Captured { .. } => matches!(authority, A::Organizer | A::System),
        },
        CommandBody::CheckIn { .. } | CommandBody::CheckOut { .. } | CommandBody::RecordScans { .. } => {
            matches!(authority, A::Organizer | A::Scanner)
        }
    }
}

/// Whether a claim with this primary subject is the caller's to act on. What is not does not exist for the caller.
pub(super) fn owns(authority: Authority, subject: Subject) -> bool {
    match authority {
        Authority::Subject(caller) => caller == subject,
        Authority::Secret(_) | Authority::Organizer | Authority::System => true,
        Authority::Scanner => false,
    }
}
