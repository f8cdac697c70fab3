//! What a receipt is to say: of what was accepted the command behind the event tells, of what was refused the answer that was given.

use tessera_inventory::{Command, CommandBody, Event, EventBody, Rejection, Sequence, Timestamp};
use tessera_naive::mark_of;
use tessera_projections::receipts::refusal_code;
use tessera_proof::{KeyDigest, Kind, Leaf, Outcome};
use tessera_writer::RefusalPlace;

use crate::catalogue::EVENT;

/// The leaf of an event, but for the hash of its detail. `command` stands behind it, unless time does.
pub(super) fn accepted(command: Option<&Command>, sequence: Sequence, event: &Event) -> Leaf {
    let kind = match (command, &event.body) {
        (Some(command), _) => kind_of(&command.body),
        (None, EventBody::Expired { .. }) => Kind::Expire,
        (None, EventBody::SaleWindowChanged { .. }) => Kind::MoveSaleWindow,
        (None, EventBody::ChannelReleased { .. }) => Kind::ReleaseChannel,
        (None, EventBody::HoldPlaced(_)) => Kind::PlaceHold,
        (None, EventBody::WaitlistLeft { .. }) => Kind::LeaveWaitlist,
        (None, EventBody::WaitlistPatienceEnded { .. }) => Kind::EndPatience,
        (None, _) => Kind::ChangePhase,
    };
    leaf(kind, command, (sequence, event.at), Outcome::Accepted)
}

/// The leaf of a refusal that was told, but for the hash of its detail.
pub(super) fn refused(
    command: &Command,
    decided: (Sequence, Timestamp),
    rejection: &Rejection,
    place: RefusalPlace,
) -> Leaf {
    let code = refusal_code(rejection).to_owned();
    let outcome = Outcome::Refused { epoch: place.epoch.0, number: place.number, code };
    leaf(kind_of(&command.body), Some(command), decided, outcome)
}

/// A leaf as far as it can be told.
pub(super) fn without_detail(leaf: &Leaf) -> Leaf {
    Leaf { detail: [0; 32], ..leaf.clone() }
}

fn leaf(
    kind: Kind,
    command: Option<&Command>,
    (sequence, at): (Sequence, Timestamp),
    outcome: Outcome,
) -> Leaf {
    let key = command.and_then(mark_of);
    Leaf {
        event: EVENT.0,
        kind,
        sequence: sequence.0,
        at_ms: at.0,
        key: key.map(|key| KeyDigest { digest: key.digest, fingerprint: key.fingerprint }),
        outcome,
        detail: [0; 32],
    }
}

const fn kind_of(body: &CommandBody) -> Kind {
    match body {
        CommandBody::Configure { .. } => Kind::Configure,
        CommandBody::ChangePhase { .. } => Kind::ChangePhase,
        CommandBody::PlaceHold(_) => Kind::PlaceHold,
        CommandBody::RenewHold { .. } => Kind::RenewHold,
        CommandBody::ReleaseHold { .. } => Kind::ReleaseHold,
        CommandBody::BeginPayment { .. } => Kind::BeginPayment,
        CommandBody::PaymentFailed { .. } => Kind::FailPayment,
        CommandBody::Confirm { .. } => Kind::Confirm,
        CommandBody::RefundTickets { .. } => Kind::RefundTickets,
        CommandBody::Kill(_) => Kind::Kill,
        CommandBody::Restore(_) => Kind::Restore,
        CommandBody::ReleaseChannel { .. } => Kind::ReleaseChannel,
        CommandBody::TransferTicket { .. } => Kind::TransferTicket,
        CommandBody::CheckIn { .. } => Kind::CheckIn,
        CommandBody::CheckOut { .. } => Kind::CheckOut,
        CommandBody::SellLate(_) => Kind::SellLate,
        CommandBody::SetDispute { .. } => Kind::Dispute,
        CommandBody::ReissueTicket { .. } => Kind::ReissueTicket,
        CommandBody::RecordScans { .. } => Kind::RecordScans,
        CommandBody::JoinWaitlist(_) => Kind::JoinWaitlist,
        CommandBody::LeaveWaitlist { .. } => Kind::LeaveWaitlist,
    }
}
