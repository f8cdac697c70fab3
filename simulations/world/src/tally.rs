//! What a run was about: a world that never refunds proves nothing about refunds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::AddAssign;

use tessera_inventory::{ConflictKind, EventBody, Phase, RefundedUnits, Rejection, RequestError, Units};
use tessera_store::memory::AppendFault;
use tessera_writer::{Alert, Reply};

use crate::disturbance::{DiskFault, Disturbance};

/// How often each thing happened, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

/// Every fault that a world can meet.
pub(crate) const FAULTS: [&str; 42] = [
    "node killed",
    "handler panicked",
    "node paused",
    "taken over",
    "asked to hand over",
    "lease lost",
    "clock skewed",
    "clock alone",
    "clock acknowledged",
    "store away",
    "link cut",
    "request cut off",
    "answer cut off",
    "call to the store cut off",
    "answer of the store cut off",
    "request lost",
    "answer lost",
    "call to the store lost",
    "answer of the store lost",
    "answer of the store late",
    "request duplicated",
    "answer duplicated",
    "call to the store duplicated",
    "message delayed",
    "request to a stale owner",
    "key reused for another body",
    "append unknown, applied",
    "append unknown, not applied",
    "append unknown, applied later",
    "append fenced by a takeover",
    "store failed for good",
    "orphaned append landed",
    "orphaned append lost",
    "orphaned append late",
    "activation from a snapshot",
    "log read with a foreign record",
    "disk: torn write",
    "disk: unsynced writes lost",
    "disk: failed sync",
    "disk: full",
    "disk: slow syncs",
    "disk: lied about syncs",
];

/// Every fault of a follower and its table.
pub(crate) const FOLLOWER_FAULTS: [&str; 12] = [
    "table conflict",
    "table commit unknown, applied",
    "table commit unknown, not applied",
    "follower died between effect and cursor",
    "follower restarted",
    "follower overtaken",
    "snapshot superseded",
    "notary restarted",
    "notary overtaken",
    "signer opened again",
    "signing key rotated",
    "refusal lost with its node",
];

/// Every refusal that a buyer, an organizer or a scanner can be given. What the tally leaves out is in `docs/reliability.md`.
pub(crate) const REFUSALS: [&str; 60] = [
    "sold out: pool",
    "sold out: seats",
    "seats taken",
    "limit of a type",
    "limit of the event",
    "order size",
    "not on sale",
    "access code required",
    "price changed",
    "hold expired",
    "hold not found",
    "order not found",
    "ticket not found",
    "wrong state",
    "renewals exhausted",
    "payment attempts exhausted",
    "payment required",
    "strands a seat",
    "wrong phase",
    "stale version",
    "invalid configuration",
    "nothing to restore",
    "already checked in",
    "not checked in",
    "code revoked",
    "ticket refunded",
    "key reused",
    "key expired",
    "forbidden",
    "no lines",
    "too many lines",
    "zero quantity",
    "too many units",
    "duplicate",
    "unknown ticket type",
    "unknown seat",
    "unknown pool",
    "unknown channel",
    "unknown section",
    "seat of another category",
    "wrong kind of line",
    "duration out of range",
    "too many companions",
    "too many subjects",
    "no such phase change",
    "waitlist ahead",
    "already waiting",
    "waitlist closed",
    "waitlist full",
    "entry not found",
    "available now",
    "not admitted here",
    "no re-entry",
    "scan numbers",
    "no scans",
    "too many scans",
    "scans out of order",
    "unknown device",
    "amount exceeded",
    "in dispute",
];

/// Every kind of event, the rarer ones told apart.
pub(crate) const EVENTS: [&str; 44] = [
    "configured",
    "phase by command",
    "phase by time",
    "cancelled",
    "hold of standing",
    "hold of seats",
    "hold in a channel",
    "hold of several lines",
    "renewed",
    "released",
    "expired",
    "payment begun",
    "payment failed",
    "sold",
    "refunded to sale",
    "refunded and withdrawn",
    "units killed",
    "seats killed",
    "restored",
    "channel released",
    "window changed",
    "transferred",
    "checked in",
    "checked out",
    "reissued",
    "sold late",
    "disputed",
    "joined the waitlist",
    "left the waitlist",
    "patience ended",
    "offer made",
    "offer accepted",
    "offer declined",
    "offer sold",
    "offer accepted or declined late",
    "offer accepted or declined twice",
    "scans recorded",
    "scan of a device",
    "double admission",
    "admitted after its refund",
    "admitted by an old code",
    "admitted at a wrong gate",
    "admitted without a ticket",
    "admitted in dispute",
];

/// What happens where nodes own the event by the protocol of a cluster.
pub(crate) const OWNERSHIP: [&str; 25] = [
    "node joined",
    "lease renewed",
    "lease in doubt",
    "node evicted",
    "node learned that it was evicted",
    "node drained",
    "node left",
    "gone node forgotten",
    "event claimed",
    "claim found another owner",
    "claim of a node that does not serve",
    "event without an owner taken",
    "event adopted",
    "event handed to another",
    "request forwarded",
    "request redirected",
    "forwarded request cut off",
    "forwarded request lost",
    "forwarded answer cut off",
    "forwarded answer lost",
    "transaction of rows overtaken",
    "transaction of rows ended unheard",
    "rows conflict",
    "rows unknown, applied",
    "rows unknown, not applied",
];

/// What happens where buyers pay at providers.
pub(crate) const PAYMENTS: [&str; 20] = [
    "buyer paid",
    "buyer declined",
    "paid at a provider",
    "payment told as failed",
    "late money sold",
    "captured at a provider",
    "called off at a provider",
    "refunded at a provider",
    "bought nothing, given back",
    "unpaid sale taken back",
    "payment disputed",
    "dispute told",
    "log asked: refused",
    "log asked: unknown",
    "call to a provider lost",
    "answer of a provider lost",
    "call put off by a provider",
    "process of payments restarted",
    "follower of payments overtaken",
    "operator told: payment",
];

/// Whatever else is put out.
pub(crate) const OUTPUTS: [&str; 10] = [
    "refusal put out to be proven",
    "acceptance in a page",
    "refusal in a page",
    "snapshot written",
    "segment archived",
    "put to rest",
    "woken by what is due",
    "woken by a request",
    "operator told: clock",
    "operator told: store",
];

/// Every answer.
pub(crate) const ANSWERS: [&str; 7] =
    ["accepted", "repeated", "rejected", "read", "not executed", "gave up", "outcome unknown"];

impl Tally {
    /// Once more.
    pub(crate) fn note(&mut self, name: &'static str) {
        self.add(name, 1);
    }

    /// So many times more.
    pub(crate) fn add(&mut self, name: &'static str, count: u64) {
        *self.0.entry(name).or_default() += count;
    }

    /// How often this happened.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// What never happened and should.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        groups().into_iter().flat_map(|(_, names)| names).filter(|name| self.of(name) == 0).copied().collect()
    }

    /// Everything, in groups.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (group, names) in groups() {
            let _ = writeln!(table, "{group}");
            for name in names {
                let _ = writeln!(table, "  {name:<42}{:>12}", self.of(name));
            }
        }
        table
    }
}

fn groups() -> [(&'static str, &'static [&'static str]); 8] {
    [
        ("answers", &ANSWERS),
        ("other outputs", &OUTPUTS),
        ("ownership", &OWNERSHIP),
        ("payments", &PAYMENTS),
        ("faults", &FAULTS),
        ("faults of followers", &FOLLOWER_FAULTS),
        ("refusals", &REFUSALS),
        ("events", &EVENTS),
    ]
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }
}

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
