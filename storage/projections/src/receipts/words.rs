//! Decisions in the words of their receipts: kind, code and public detail. They are hashed: a text that has once been signed never changes.
//!
//! A detail says no more than the change feed shows everyone: units, seats, times and the numbers of claims; neither persons nor prices,
//! nor what is sold by a code.

use std::fmt::{self, Write as _};

use tessera_inventory::{
    ClaimNumber, ClaimState, Dispute, Event, EventBody, EventId, HoldPlaced, Payment, Phase, PhaseCommand,
    RefundedUnits, Rejection, SeatIndex, Sequence, Units,
};
use tessera_proof::{KeyDigest, Kind, Leaf, Outcome, hash_of};
use tessera_writer::Refused;

use crate::waitlist::reason_name;

/// The leaf of an event of the log; its text is left in `detail`.
pub(super) fn accepted(event: EventId, sequence: Sequence, each: &Event, detail: &mut String) -> Leaf {
    detail.clear();
    // Writing to a text cannot fail.
    let _ = describe(&each.body, detail);
    Leaf {
        event: event.0,
        kind: happened(&each.body),
        sequence: sequence.0,
        at_ms: each.at.0,
        key: each.key.map(|key| KeyDigest { digest: key.digest, fingerprint: key.fingerprint }),
        outcome: Outcome::Accepted,
        detail: hash_of(detail.as_bytes()),
    }
}

/// The leaf of a refusal, and its detail.
pub(super) fn refused(event: EventId, each: &Refused) -> (Leaf, String) {
    let detail = reason(&each.rejection);
    let leaf = Leaf {
        event: event.0,
        kind: each.command.map_or(Kind::ChangePhase, asked),
        sequence: each.sequence.0,
        at_ms: each.at.0,
        key: each.key.map(|key| KeyDigest { digest: key.digest, fingerprint: key.fingerprint }),
        outcome: Outcome::Refused {
            epoch: each.place.epoch.0,
            number: each.place.number,
            code: refusal_code(&each.rejection).to_owned(),
        },
        detail: hash_of(detail.as_bytes()),
    };
    (leaf, detail)
}

const fn asked(command: PhaseCommand) -> Kind {
    match command {
        PhaseCommand::Configure => Kind::Configure,
        PhaseCommand::Schedule
        | PhaseCommand::OpenPresale
        | PhaseCommand::Open
        | PhaseCommand::Pause
        | PhaseCommand::Close
        | PhaseCommand::Cancel => Kind::ChangePhase,
        PhaseCommand::PlaceHold => Kind::PlaceHold,
        PhaseCommand::RenewHold => Kind::RenewHold,
        PhaseCommand::ReleaseHold => Kind::ReleaseHold,
        PhaseCommand::BeginPayment => Kind::BeginPayment,
        PhaseCommand::PaymentFailed => Kind::FailPayment,
        PhaseCommand::Confirm => Kind::Confirm,
        PhaseCommand::RefundTickets => Kind::RefundTickets,
        PhaseCommand::Kill => Kind::Kill,
        PhaseCommand::Restore => Kind::Restore,
        PhaseCommand::ReleaseChannel => Kind::ReleaseChannel,
        PhaseCommand::TransferTicket => Kind::TransferTicket,
        PhaseCommand::CheckIn => Kind::CheckIn,
        PhaseCommand::CheckOut => Kind::CheckOut,
        PhaseCommand::SellLate => Kind::SellLate,
        PhaseCommand::SetDispute => Kind::Dispute,
        PhaseCommand::ReissueTicket => Kind::ReissueTicket,
        PhaseCommand::RecordScans => Kind::RecordScans,
        PhaseCommand::JoinWaitlist => Kind::JoinWaitlist,
        PhaseCommand::LeaveWaitlist => Kind::LeaveWaitlist,
    }
}

const fn happened(body: &EventBody) -> Kind {
    match body {
        EventBody::Configured { .. } => Kind::Configure,
        EventBody::PhaseChanged { .. } => Kind::ChangePhase,
        EventBody::HoldPlaced(_) => Kind::PlaceHold,
        EventBody::HoldRenewed { .. } => Kind::RenewHold,
        EventBody::HoldReleased { .. } => Kind::ReleaseHold,
        EventBody::Expired { .. } => Kind::Expire,
        EventBody::PaymentBegun { .. } => Kind::BeginPayment,
        EventBody::PaymentFailed { .. } => Kind::FailPayment,
        EventBody::Confirmed { .. } => Kind::Confirm,
        EventBody::TicketsRefunded { .. } => Kind::RefundTickets,
        EventBody::UnitsKilled(_) => Kind::Kill,
        EventBody::UnitsRestored(_) => Kind::Restore,
        EventBody::ChannelReleased { .. } => Kind::ReleaseChannel,
        EventBody::SaleWindowChanged { .. } => Kind::MoveSaleWindow,
        EventBody::TicketTransferred { .. } => Kind::TransferTicket,
        EventBody::CheckedIn { .. } => Kind::CheckIn,
        EventBody::CheckedOut { .. } => Kind::CheckOut,
        EventBody::SoldLate(_) => Kind::SellLate,
        EventBody::OrderDisputed { .. } => Kind::Dispute,
        EventBody::TicketReissued { .. } => Kind::ReissueTicket,
        EventBody::ScansRecorded(_) => Kind::RecordScans,
        EventBody::WaitlistJoined(_) => Kind::JoinWaitlist,
        EventBody::WaitlistLeft { .. } => Kind::LeaveWaitlist,
        EventBody::WaitlistPatienceEnded { .. } => Kind::EndPatience,
    }
}

fn describe(body: &EventBody, out: &mut String) -> fmt::Result {
    match body {
        EventBody::Configured { version, .. } => write!(out, "version={version}"),
        EventBody::PhaseChanged { to } => write!(out, "to={}", phase(*to)),
        EventBody::HoldPlaced(placed) => held(placed, out),
        EventBody::HoldRenewed { hold, deadline_at } => {
            write!(out, "hold={} deadline_at={deadline_at}", hold.0)
        }
        EventBody::HoldReleased { hold } => write!(out, "hold={}", hold.0),
        EventBody::Expired { through: (deadline_at, ClaimNumber(hold)), count } => {
            write!(out, "deadline_at={deadline_at} hold={hold} count={count}")
        }
        EventBody::PaymentBegun { order, grace_until, attempt, .. } => {
            write!(out, "order={} grace_until={grace_until} attempt={attempt}", order.0)
        }
        EventBody::PaymentFailed { order, .. } => write!(out, "order={}", order.0),
        EventBody::Confirmed { order, payment, .. } => {
            write!(out, "order={} payment={}", order.0, paid(*payment))
        }
        EventBody::TicketsRefunded { order, tickets, units, .. } => {
            let units = match units {
                RefundedUnits::Restock => "restock",
                RefundedUnits::Kill => "kill",
            };
            write!(out, "order={} tickets={} units={units}", order.0, list(tickets))
        }
        EventBody::SoldLate(sold) => {
            write!(out, "order={} payment={} ", sold.order.0, paid(sold.payment))?;
            held(&sold.hold, out)
        }
        EventBody::OrderDisputed { order, dispute, revoked } => {
            let dispute = match dispute {
                Dispute::Open => "open",
                Dispute::Won => "won",
                Dispute::Lost => "lost",
            };
            write!(out, "order={} dispute={dispute} revoked={}", order.0, list(revoked))
        }
        EventBody::UnitsKilled(units) | EventBody::UnitsRestored(units) => counted(units, out),
        EventBody::ChannelReleased { channel } => write!(out, "channel={}", channel.0),
        EventBody::SaleWindowChanged { open, .. } => write!(out, "open={open}"),
        EventBody::TicketTransferred { ticket, .. } | EventBody::TicketReissued { ticket, .. } => {
            write!(out, "order={} ticket={}", ticket.order.0, ticket.index)
        }
        EventBody::CheckedIn { ticket, gate, .. } | EventBody::CheckedOut { ticket, gate, .. } => {
            write!(out, "order={} ticket={} gate={gate}", ticket.order.0, ticket.index)
        }
        EventBody::ScansRecorded(record) => {
            let (scans, conflicts) = (record.scans.len(), record.conflicts.len());
            write!(out, "device={} scans={scans} conflicts={conflicts}", record.device)
        }
        EventBody::WaitlistJoined(joined) => {
            let units: Vec<u16> = joined.choices.iter().map(|choice| choice.quantity).collect();
            write!(out, "units={} priority={}", list(&units), joined.priority)
        }
        EventBody::WaitlistLeft { entry, reason } => {
            write!(out, "entry={} reason={}", entry.0, reason_name(*reason))
        }
        // The type may be hidden.
        EventBody::WaitlistPatienceEnded { .. } => Ok(()),
    }
}

fn held(placed: &HoldPlaced, out: &mut String) -> fmt::Result {
    number("deadline_at=", placed.deadline_at.0, out);
    number(" life_ends_at=", placed.life_ends_at.0, out);
    if let Some(channel) = placed.channel {
        write!(out, " channel={}", channel.0)?;
    }
    if let Some(entry) = placed.entry {
        write!(out, " entry={}", entry.0)?;
    }
    for line in &placed.lines {
        number(" units=", line.quantity, out);
        if !line.seats.is_empty() {
            write!(out, " seats={}", seats(&line.seats))?;
        }
    }
    Ok(())
}

/// What every hold of an on-sale has is written without the machinery of formats, which takes as long as the hash.
fn number(name: &str, number: impl itoa::Integer, out: &mut String) {
    out.push_str(name);
    out.push_str(itoa::Buffer::new().format(number));
}

fn seats(seats: &[SeatIndex]) -> String {
    list(&seats.iter().map(|seat| seat.0).collect::<Vec<_>>())
}

fn list<T: fmt::Display>(numbers: &[T]) -> String {
    numbers.iter().enumerate().fold(String::new(), |mut text, (position, number)| {
        let _ = write!(text, "{}{number}", if position == 0 { "" } else { "," });
        text
    })
}

/// Seats are counted: a kill may withdraw a whole hall, and the change feed names them.
fn counted(units: &Units, out: &mut String) -> fmt::Result {
    match units {
        Units::Pool { pool, quantity } => write!(out, "pool={} units={quantity}", pool.0),
        Units::Seats(seats) => write!(out, "seats={}", seats.len()),
    }
}

const fn paid(payment: Payment) -> &'static str {
    match payment {
        Payment::Free => "free",
        Payment::Offline => "offline",
        Payment::Captured { .. } => "captured",
    }
}

const fn phase(phase: Phase) -> &'static str {
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

const fn state(state: ClaimState) -> &'static str {
    match state {
        ClaimState::Held => "held",
        ClaimState::PaymentInFlight => "payment_in_flight",
        ClaimState::Paid => "paid",
        ClaimState::Refunded => "refunded",
        ClaimState::RefundDue => "refund_due",
        ClaimState::Ended => "ended",
    }
}

/// What may be said to everyone about a refusal, besides its code.
fn reason(rejection: &Rejection) -> String {
    match rejection {
        Rejection::SoldOut { line, pool, remaining, may_return } => {
            let pool = pool.map(|pool| format!(" pool={}", pool.0)).unwrap_or_default();
            format!("line={line}{pool} remaining={remaining} may_return={may_return}")
        }
        Rejection::SeatsTaken { seats: taken } => format!("seats={}", seats(taken)),
        Rejection::LimitExceeded { limit, .. } => format!("limit={limit}"),
        Rejection::StrandsSeat { stranded, .. } => format!("stranded={}", stranded.0),
        Rejection::WrongState { state: found } => format!("state={}", state(*found)),
        Rejection::WrongPhase { phase: found, .. } => format!("phase={}", phase(*found)),
        Rejection::StaleVersion { current } => format!("current={current}"),
        Rejection::OrderSize { min, max, .. } => format!("min={min} max={max}"),
        Rejection::NothingToRestore { killed } => format!("killed={killed}"),
        Rejection::WaitlistFull { entries_max } => format!("entries_max={entries_max}"),
        // What concerns one person, one price or one type may not be everyone's to know.
        Rejection::WaitlistAhead { .. }
        | Rejection::NotOnSale { .. }
        | Rejection::AccessCodeRequired
        | Rejection::PriceChanged { .. }
        | Rejection::TotalChanged { .. }
        | Rejection::PromotionUnknown
        | Rejection::PromotionClosed { .. }
        | Rejection::PromotionExhausted { .. }
        | Rejection::AddOnAlone { .. }
        | Rejection::WrongKind
        | Rejection::AmountExceeded { .. }
        | Rejection::InDispute
        | Rejection::HoldExpired { .. }
        | Rejection::HoldNotFound
        | Rejection::OrderNotFound
        | Rejection::TicketNotFound
        | Rejection::RenewalsExhausted
        | Rejection::PaymentAttemptsExhausted
        | Rejection::PaymentRequired { .. }
        | Rejection::InvalidConfig(_)
        | Rejection::InvalidRequest(_)
        | Rejection::AlreadyCheckedIn { .. }
        | Rejection::NotCheckedIn
        | Rejection::NotAdmittedHere { .. }
        | Rejection::NoReEntry { .. }
        | Rejection::ScanNumbers { .. }
        | Rejection::CodeRevoked { .. }
        | Rejection::TicketRefunded
        | Rejection::TransfersExhausted
        | Rejection::KeyReused
        | Rejection::KeyExpired
        | Rejection::AlreadyWaiting { .. }
        | Rejection::WaitlistClosed
        | Rejection::EntryNotFound
        | Rejection::AvailableNow { .. }
        | Rejection::Forbidden => String::new(),
    }
}

/// The code of the problem that a refusal is answered with.
#[must_use]
pub fn refusal_code(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::SoldOut { .. } => "sold_out",
        Rejection::SeatsTaken { .. } => "seats_taken",
        Rejection::WaitlistAhead { .. } => "waitlist_ahead",
        Rejection::LimitExceeded { .. } => "limit_exceeded",
        Rejection::OrderSize { .. } => "order_size",
        Rejection::NotOnSale { .. } => "not_on_sale",
        Rejection::AccessCodeRequired => "access_code_required",
        Rejection::PriceChanged { .. } => "price_changed",
        Rejection::TotalChanged { .. } => "total_changed",
        Rejection::PromotionUnknown => "promotion_unknown",
        Rejection::PromotionClosed { .. } => "promotion_closed",
        Rejection::PromotionExhausted { .. } => "promotion_exhausted",
        Rejection::AddOnAlone { .. } => "add_on_alone",
        Rejection::WrongKind => "wrong_kind",
        Rejection::AmountExceeded { .. } => "amount_exceeded",
        Rejection::InDispute => "in_dispute",
        Rejection::HoldExpired { .. } => "hold_expired",
        Rejection::HoldNotFound => "hold_not_found",
        Rejection::OrderNotFound => "order_not_found",
        Rejection::TicketNotFound => "ticket_not_found",
        Rejection::WrongState { .. } => "wrong_state",
        Rejection::RenewalsExhausted => "renewals_exhausted",
        Rejection::PaymentAttemptsExhausted => "payment_attempts_exhausted",
        Rejection::PaymentRequired { .. } => "payment_required",
        Rejection::StrandsSeat { .. } => "strands_seat",
        Rejection::WrongPhase { .. } => "wrong_phase",
        Rejection::StaleVersion { .. } => "stale_version",
        // There is no configuration yet to point into.
        Rejection::InvalidConfig(error) if error.path.is_empty() => "invalid_request",
        Rejection::InvalidConfig(_) => "invalid_configuration",
        Rejection::InvalidRequest(_) => "invalid_request",
        Rejection::NothingToRestore { .. } => "nothing_to_restore",
        Rejection::AlreadyWaiting { .. } => "already_waiting",
        Rejection::WaitlistClosed => "waitlist_closed",
        Rejection::WaitlistFull { .. } => "waitlist_full",
        Rejection::EntryNotFound => "entry_not_found",
        Rejection::AvailableNow { .. } => "available_now",
        Rejection::AlreadyCheckedIn { .. } => "already_checked_in",
        Rejection::NotCheckedIn => "not_checked_in",
        Rejection::NotAdmittedHere { .. } => "not_admitted_here",
        Rejection::NoReEntry { .. } => "no_re_entry",
        Rejection::ScanNumbers { .. } => "scan_numbers",
        Rejection::CodeRevoked { .. } => "code_revoked",
        Rejection::TicketRefunded => "ticket_refunded",
        Rejection::TransfersExhausted => "transfers_exhausted",
        Rejection::KeyReused => "key_reused",
        Rejection::KeyExpired => "key_expired",
        Rejection::Forbidden => "forbidden",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
