//! The names under which what happens is counted.

use tessera_inventory::{ConflictKind, EventBody, Phase, RefundedUnits, Rejection, RequestError, Units};
use tessera_store::memory::AppendFault;
use tessera_writer::{Alert, Reply};

use crate::disturbance::{DiskFault, Disturbance};

/// The name of a refusal.
pub(crate) fn refusal(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::SoldOut { pool: Some(_), .. } => "sold out: pool",
        Rejection::SoldOut { pool: None, .. } => "sold out: seats",
        Rejection::SeatsTaken { .. } => "seats taken",
        Rejection::WaitlistAhead { .. } => "waitlist ahead",
        Rejection::AlreadyWaiting { .. } => "already waiting",
        Rejection::WaitlistClosed => "waitlist closed",
        Rejection::WaitlistFull { .. } => "waitlist full",
        Rejection::EntryNotFound => "entry not found",
        Rejection::AvailableNow { .. } => "available now",
        Rejection::LimitExceeded { ticket_type: Some(_), .. } => "limit of a type",
        Rejection::LimitExceeded { ticket_type: None, .. } => "limit of the event",
        Rejection::OrderSize { .. } => "order size",
        Rejection::NotOnSale { .. } => "not on sale",
        Rejection::AccessCodeRequired => "access code required",
        Rejection::PriceChanged { .. } => "price changed",
        Rejection::TotalChanged { .. } => "total changed",
        Rejection::PromotionUnknown => "promotion unknown",
        Rejection::PromotionClosed { .. } => "promotion closed",
        Rejection::PromotionExhausted { .. } => "promotion exhausted",
        Rejection::AddOnAlone { .. } => "add-on alone",
        Rejection::WrongKind => "wrong kind",
        Rejection::AmountExceeded { .. } => "amount exceeded",
        Rejection::InDispute => "in dispute",
        Rejection::HoldExpired { .. } => "hold expired",
        Rejection::HoldNotFound => "hold not found",
        Rejection::OrderNotFound => "order not found",
        Rejection::TicketNotFound => "ticket not found",
        Rejection::WrongState { .. } => "wrong state",
        Rejection::RenewalsExhausted => "renewals exhausted",
        Rejection::PaymentAttemptsExhausted => "payment attempts exhausted",
        Rejection::PaymentRequired { .. } => "payment required",
        Rejection::StrandsSeat { .. } => "strands a seat",
        Rejection::WrongPhase { .. } => "wrong phase",
        Rejection::StaleVersion { .. } => "stale version",
        Rejection::InvalidConfig(_) => "invalid configuration",
        Rejection::InvalidRequest(error) => request_error(*error),
        Rejection::NothingToRestore { .. } => "nothing to restore",
        Rejection::AlreadyCheckedIn { .. } => "already checked in",
        Rejection::NotCheckedIn => "not checked in",
        Rejection::NotAdmittedHere { .. } => "not admitted here",
        Rejection::NoReEntry { .. } => "no re-entry",
        Rejection::ScanNumbers { .. } => "scan numbers",
        Rejection::CodeRevoked { .. } => "code revoked",
        Rejection::TicketRefunded => "ticket refunded",
        Rejection::TransfersExhausted => "transfers exhausted",
        Rejection::KeyReused => "key reused",
        Rejection::KeyExpired => "key expired",
        Rejection::Forbidden => "forbidden",
    }
}

fn request_error(error: RequestError) -> &'static str {
    match error {
        RequestError::NoLines => "no lines",
        RequestError::TooManyLines => "too many lines",
        RequestError::ZeroQuantity => "zero quantity",
        RequestError::TooManyUnits => "too many units",
        RequestError::Duplicate => "duplicate",
        RequestError::UnknownTicketType => "unknown ticket type",
        RequestError::UnknownSeat => "unknown seat",
        RequestError::UnknownPool => "unknown pool",
        RequestError::UnknownChannel => "unknown channel",
        RequestError::UnknownSection => "unknown section",
        RequestError::SeatOfAnotherCategory => "seat of another category",
        RequestError::WrongKindOfLine => "wrong kind of line",
        RequestError::DurationOutOfRange => "duration out of range",
        RequestError::TooManyCompanions => "too many companions",
        RequestError::TooManySubjects => "too many subjects",
        RequestError::NoSuchPhaseChange => "no such phase change",
        RequestError::NoScans => "no scans",
        RequestError::TooManyScans => "too many scans",
        RequestError::ScansOutOfOrder => "scans out of order",
        RequestError::UnknownDevice => "unknown device",
        RequestError::TooManyDevices => "too many devices",
    }
}

/// The names of an event; by command or by time.
pub(crate) fn event(body: &EventBody, by_command: bool) -> Vec<&'static str> {
    match body {
        EventBody::Configured { .. } => vec!["configured"],
        EventBody::PhaseChanged { to: Phase::Cancelled } => vec!["cancelled"],
        EventBody::PhaseChanged { .. } if by_command => vec!["phase by command"],
        EventBody::PhaseChanged { .. } => vec!["phase by time"],
        EventBody::HoldPlaced(placed) => {
            let seats = placed.lines.iter().any(|line| !line.seats.is_empty());
            let mut names = vec![if seats { "hold of seats" } else { "hold of standing" }];
            names.extend(placed.channel.map(|_| "hold in a channel"));
            names.extend((placed.lines.len() > 1).then_some("hold of several lines"));
            names
        }
        EventBody::HoldRenewed { .. } => vec!["renewed"],
        EventBody::HoldReleased { .. } => vec!["released"],
        EventBody::Expired { .. } => vec!["expired"],
        EventBody::PaymentBegun { .. } => vec!["payment begun"],
        EventBody::PaymentFailed { .. } => vec!["payment failed"],
        EventBody::Confirmed { .. } => vec!["sold"],
        EventBody::TicketsRefunded { tickets, .. } if tickets.is_empty() => vec!["amount refunded"],
        EventBody::TicketsRefunded { units: RefundedUnits::Restock, .. } => vec!["refunded to sale"],
        EventBody::TicketsRefunded { units: RefundedUnits::Kill, .. } => vec!["refunded and withdrawn"],
        EventBody::UnitsKilled(Units::Pool { .. }) => vec!["units killed"],
        EventBody::UnitsKilled(Units::Seats(_)) => vec!["seats killed"],
        EventBody::UnitsRestored(_) => vec!["restored"],
        EventBody::ChannelReleased { .. } => vec!["channel released"],
        EventBody::SaleWindowChanged { .. } => vec!["window changed"],
        EventBody::TicketTransferred { .. } => vec!["transferred"],
        EventBody::CheckedIn { .. } => vec!["checked in"],
        EventBody::CheckedOut { .. } => vec!["checked out"],
        EventBody::SoldLate(_) => vec!["sold late"],
        EventBody::OrderDisputed { .. } => vec!["disputed"],
        EventBody::TicketReissued { .. } => vec!["reissued"],
        EventBody::ScansRecorded(record) => {
            let mut names = vec!["scans recorded"];
            names.extend(record.scans.iter().map(|_| "scan of a device"));
            names.extend(record.conflicts.iter().map(|conflict| contradiction(conflict.kind)));
            names
        }
        EventBody::WaitlistJoined(_) => vec!["joined the waitlist"],
        EventBody::WaitlistLeft { .. } => vec!["left the waitlist"],
        EventBody::WaitlistPatienceEnded { .. } => vec!["patience ended"],
    }
}

const fn contradiction(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::DoubleAdmission => "double admission",
        ConflictKind::AfterRefund => "admitted after its refund",
        ConflictKind::OldCode => "admitted by an old code",
        ConflictKind::WrongGate => "admitted at a wrong gate",
        ConflictKind::UnknownTicket => "admitted without a ticket",
        ConflictKind::InDispute => "admitted in dispute",
    }
}

/// The name of an answer.
pub(crate) fn answer(reply: &Reply) -> &'static str {
    match reply {
        Reply::Accepted { .. } => "accepted",
        Reply::Repeated { .. } => "repeated",
        Reply::Rejected { .. } => "rejected",
        Reply::Read { .. } => "read",
        Reply::NotExecuted => "not executed",
        Reply::GaveUp => "gave up",
        Reply::OutcomeUnknown => "outcome unknown",
    }
}

/// The name of what an operator is told.
pub(crate) fn alert(alert: &Alert) -> &'static str {
    match alert {
        Alert::ClockJump { .. } => "operator told: clock",
        Alert::StoreStalled { .. } => "operator told: store",
    }
}

/// The name of a fault of an append; `None` for none.
pub(crate) fn append_fault(fault: AppendFault) -> Option<&'static str> {
    match fault {
        AppendFault::None => None,
        AppendFault::UnknownApplied => Some("append unknown, applied"),
        AppendFault::UnknownNotApplied => Some("append unknown, not applied"),
        AppendFault::UnknownAppliedLater => Some("append unknown, applied later"),
        AppendFault::TakenOver => Some("append fenced by a takeover"),
        AppendFault::Damaged | AppendFault::Fatal => Some("store failed for good"),
    }
}

/// The name of a disturbance.
pub(crate) fn disturbance(disturbance: Disturbance) -> &'static str {
    match disturbance {
        Disturbance::Crash(_) => "node killed",
        Disturbance::Panic(_) => "handler panicked",
        Disturbance::Pause(..) => "node paused",
        Disturbance::TakeOver(_) => "taken over",
        Disturbance::HandOver(_) => "asked to hand over",
        Disturbance::LoseLease(_) => "lease lost",
        Disturbance::Skew(..) => "clock skewed",
        Disturbance::Alone(..) => "clock alone",
        Disturbance::Acknowledge(_) => "clock acknowledged",
        Disturbance::Outage(_) => "store away",
        Disturbance::Cut(..) => "link cut",
        Disturbance::Disk(DiskFault::TornWrite) => "disk: torn write",
        Disturbance::Disk(DiskFault::LostWrites) => "disk: unsynced writes lost",
        Disturbance::Disk(DiskFault::FailedSync) => "disk: failed sync",
        Disturbance::Disk(DiskFault::Full(_)) => "disk: full",
        Disturbance::Disk(DiskFault::Slow(_)) => "disk: slow syncs",
        Disturbance::Disk(DiskFault::Lies(_)) => "disk: lied about syncs",
    }
}
