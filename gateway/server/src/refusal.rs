//! How each [`Rejection`] of the engine reads in HTTP: code, what to do next, and the facts it carries.

use serde_json::{Value, json};
use tessera_inventory::{
    Config, ConfigError, Rejection, RequestError, SeatIndex, Sequence, TicketTypeId, Timestamp,
};

use crate::code::Code;
use crate::instant::Rfc3339;
use crate::problem::{self, Problem};
use crate::venue;
use crate::vocabulary::{command_name, phase_name, state_name};

/// The problem that a rejection is, with the names of `config`.
#[must_use]
pub(crate) fn problem(sequence: Sequence, rejection: &Rejection, config: Option<&Config>) -> Problem {
    stock(rejection, config)
        .or_else(|| pricing(rejection, config))
        .or_else(|| claim(rejection, config))
        .or_else(|| waiting(rejection, config))
        .unwrap_or_else(|| rule(rejection))
        .with("sequence", sequence.0)
}

/// Refusals for lack of stock, or by a limit.
fn stock(rejection: &Rejection, config: Option<&Config>) -> Option<Problem> {
    Some(match rejection {
        Rejection::SoldOut { line, pool, remaining, may_return } => {
            let detail = if *may_return {
                "not enough is free; live holds may still return units"
            } else {
                "not enough is free, and nothing is held that could return"
            };
            let pool = pool.and_then(|pool| Some(&*config?.pools.get(pool.index())?.name));
            let problem = Problem::new(Code::SoldOut, detail)
                .with("line", *line)
                .with("remaining", *remaining)
                .with("may_return", *may_return)
                .with("conflicts", json!([{"line": line, "pool": pool, "reason": "sold_out"}]));
            match pool {
                Some(name) => problem.with("pool", name),
                None => problem,
            }
        }
        Rejection::SeatsTaken { seats } => Problem::new(Code::SeatsTaken, "choose other seats")
            .with("seats", seat_list(seats))
            .with("conflicts", seat_conflicts(seats, "taken")),
        Rejection::WaitlistAhead { ticket_type } => {
            Problem::new(Code::WaitlistAhead, "others wait for this ticket type and are served first")
                .with("ticket_type", type_name(config, *ticket_type))
        }
        Rejection::LimitExceeded { ticket_type, limit, used } => {
            let known_type = ticket_type.map_or(Value::Null, |id| type_name(config, id));
            let problem = Problem::new(Code::LimitExceeded, "ask for fewer units, or release a hold first")
                .with("limit", *limit)
                .with("used", *used)
                .with("conflicts", json!([{"ticket_type": known_type, "reason": "limit_exceeded"}]));
            match ticket_type {
                Some(id) => problem.with("ticket_type", type_name(config, *id)),
                None => problem,
            }
        }
        Rejection::StrandsSeat { stranded, alternatives } => {
            Problem::new(Code::StrandsSeat, "these seats would leave a single one alone; take an alternative")
                .with("stranded", stranded.0)
                .with("conflicts", seat_conflicts(&[*stranded], "stranded"))
                .with("alternatives", alternatives.iter().map(|seats| seat_list(seats)).collect::<Vec<_>>())
        }
        Rejection::OrderSize { ticket_type, min, max } => {
            Problem::new(Code::OrderSize, "ask for a quantity within the bounds")
                .with("ticket_type", type_name(config, *ticket_type))
                .with("min", *min)
                .with("max", *max)
        }
        Rejection::NotOnSale { ticket_type, opens_at } => {
            Problem::new(Code::NotOnSale, "this ticket type does not sell now")
                .with("ticket_type", type_name(config, *ticket_type))
                .with("opens_at", instant(*opens_at))
        }
        Rejection::PriceChanged { ticket_type, price_minor } => {
            Problem::new(Code::PriceChanged, "show the new price, and send it if it is accepted")
                .with("ticket_type", type_name(config, *ticket_type))
                .with("price", money(config, *price_minor))
        }
        Rejection::AddOnAlone { ticket_type } => {
            Problem::new(Code::AddOnAlone, "add-ons go with admissions in the same hold")
                .with("ticket_type", type_name(config, *ticket_type))
        }
        _ => return None,
    })
}

/// Refusals of what a hold would cost.
fn pricing(rejection: &Rejection, config: Option<&Config>) -> Option<Problem> {
    Some(match rejection {
        Rejection::TotalChanged { total_minor } => {
            Problem::new(Code::TotalChanged, "show the new total, and send it if it is accepted")
                .with("total", money(config, *total_minor))
        }
        Rejection::PromotionUnknown => {
            Problem::new(Code::PromotionUnknown, "correct the code, or hold without it")
        }
        Rejection::PromotionClosed { opens_at } => {
            Problem::new(Code::PromotionClosed, "hold without the code, or wait until it applies")
                .with("opens_at", instant(*opens_at))
        }
        Rejection::PromotionExhausted { uses_left, amount_left_minor } => {
            let amount_left = amount_left_minor.map_or(Value::Null, |minor| money(config, minor));
            Problem::new(Code::PromotionExhausted, "hold without the code")
                .with("uses_left", uses_left.map_or(Value::Null, Value::from))
                .with("amount_left", amount_left)
        }
        _ => return None,
    })
}

/// Refusals that concern one hold, order or ticket.
fn claim(rejection: &Rejection, config: Option<&Config>) -> Option<Problem> {
    Some(match rejection {
        Rejection::HoldExpired { .. } => {
            Problem::new(Code::HoldExpired, "its units went back; place a new hold")
        }
        Rejection::HoldNotFound => problem::hold_not_found(),
        Rejection::OrderNotFound => problem::order_not_found(),
        Rejection::TicketNotFound => problem::ticket_not_found(),
        Rejection::WrongState { state } => {
            Problem::new(Code::WrongState, "read it again and act on its state")
                .with("state", state_name(*state))
        }
        Rejection::RenewalsExhausted => {
            Problem::new(Code::RenewalsExhausted, "begin the payment before the deadline")
        }
        Rejection::PaymentAttemptsExhausted => {
            Problem::new(Code::PaymentAttemptsExhausted, "release the hold, or let it expire")
        }
        Rejection::PaymentRequired { total_minor } => {
            Problem::new(Code::PaymentRequired, "the order is not free")
                .with("total", money(config, *total_minor))
        }
        Rejection::AlreadyCheckedIn { .. }
        | Rejection::NotAdmittedHere { .. }
        | Rejection::NoReEntry { .. }
        | Rejection::ScanNumbers { .. } => return entry(rejection),
        Rejection::NotCheckedIn => Problem::new(Code::NotCheckedIn, "the ticket is not in"),
        Rejection::CodeRevoked { generation } => {
            Problem::new(Code::CodeRevoked, "ask for the ticket of its present holder")
                .with("generation", *generation)
        }
        Rejection::TransfersExhausted => {
            Problem::new(Code::TransfersExhausted, "the ticket was handed on as often as it can be")
        }
        Rejection::WrongKind => Problem::new(Code::WrongKind, "it is for what it says; do not admit"),
        Rejection::TicketRefunded => Problem::new(Code::TicketRefunded, "do not admit"),
        Rejection::AmountExceeded { refundable_minor } => {
            Problem::new(Code::AmountExceeded, "give back at most what is left")
                .with("refundable", money(config, *refundable_minor))
        }
        Rejection::InDispute => Problem::new(
            Code::InDispute,
            "its buyer has asked for the money back; wait until that is decided",
        ),
        _ => return None,
    })
}

/// Refusals to who wants to wait.
fn waiting(rejection: &Rejection, config: Option<&Config>) -> Option<Problem> {
    Some(match rejection {
        Rejection::AlreadyWaiting { .. } => {
            // Its identifier is added by who knows the event.
            Problem::new(
                Code::AlreadyWaiting,
                "read the entry that you have; leave it to wait for something else",
            )
        }
        Rejection::WaitlistClosed => {
            Problem::new(Code::WaitlistClosed, "the organizer keeps no waitlist for this")
        }
        Rejection::WaitlistFull { entries_max } => {
            Problem::new(Code::WaitlistFull, "try again when others have been served")
                .with("entries_max", *entries_max)
        }
        Rejection::EntryNotFound => problem::entry_not_found(),
        Rejection::AvailableNow { ticket_type } => {
            Problem::new(Code::AvailableNow, "nobody needs to wait for it: place a hold")
                .with("ticket_type", type_name(config, *ticket_type))
        }
        _ => return None,
    })
}

/// Refusals by a rule of the event, of the request or of the key.
fn rule(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::WrongPhase { phase, command, opens_at } => {
            Problem::new(Code::WrongPhase, "the event does not admit this in its phase")
                .with("phase", phase_name(*phase))
                .with("command", command_name(*command))
                .with("opens_at", instant(*opens_at))
        }
        Rejection::StaleVersion { current } => {
            Problem::new(Code::StaleVersion, "read the configuration and apply your change to it")
                .with("current", *current)
        }
        Rejection::InvalidConfig(error) => invalid_configuration(error),
        Rejection::InvalidRequest(error) => invalid_request(*error),
        Rejection::NothingToRestore { killed } => {
            Problem::new(Code::NothingToRestore, "fewer units are killed").with("killed", *killed)
        }
        Rejection::AccessCodeRequired => {
            Problem::new(Code::AccessCodeRequired, "send the access code that opens this")
        }
        Rejection::KeyReused => {
            Problem::new(Code::KeyReused, "this key came with another request before; use a fresh key")
        }
        Rejection::KeyExpired => Problem::new(
            Code::KeyExpired,
            "this key is too old to know what became of it; read the state first",
        ),
        Rejection::Forbidden => Problem::new(Code::Forbidden, "your role does not allow this"),
        // Answered by the functions above. They stand here by name, so that a new rejection does not compile until
        // it has its answer.
        Rejection::SoldOut { .. }
        | Rejection::SeatsTaken { .. }
        | Rejection::WaitlistAhead { .. }
        | Rejection::LimitExceeded { .. }
        | Rejection::StrandsSeat { .. }
        | Rejection::OrderSize { .. }
        | Rejection::NotOnSale { .. }
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
        | Rejection::WrongState { .. }
        | Rejection::RenewalsExhausted
        | Rejection::PaymentAttemptsExhausted
        | Rejection::PaymentRequired { .. }
        | Rejection::AlreadyCheckedIn { .. }
        | Rejection::NotCheckedIn
        | Rejection::NotAdmittedHere { .. }
        | Rejection::NoReEntry { .. }
        | Rejection::ScanNumbers { .. }
        | Rejection::CodeRevoked { .. }
        | Rejection::TransfersExhausted
        | Rejection::AlreadyWaiting { .. }
        | Rejection::WaitlistClosed
        | Rejection::WaitlistFull { .. }
        | Rejection::EntryNotFound
        | Rejection::AvailableNow { .. }
        | Rejection::TicketRefunded => problem::internal("a refusal has no answer"),
    }
}

/// Refusals at the door.
fn entry(rejection: &Rejection) -> Option<Problem> {
    Some(match rejection {
        Rejection::AlreadyCheckedIn { at, gate, device } => {
            // Nothing has the number 0: it was online.
            let device = if *device == 0 { Value::Null } else { json!(device) };
            Problem::new(Code::AlreadyCheckedIn, "the ticket was let in before")
                .with("at", Rfc3339(*at).to_string())
                .with("gate", *gate)
                .with("device", device)
        }
        Rejection::NotAdmittedHere { gates, opens_at } => {
            Problem::new(Code::NotAdmittedHere, "show the holder to one of these gates, or have them wait")
                .with("gates", json!(gates))
                .with("opens_at", instant(*opens_at))
        }
        Rejection::NoReEntry { at, gate } => {
            Problem::new(Code::NoReEntry, "who has left is not let in again")
                .with("at", Rfc3339(*at).to_string())
                .with("gate", *gate)
        }
        Rejection::ScanNumbers { next } => {
            Problem::new(Code::ScanNumbers, "send the scans from this number on").with("next", *next)
        }
        _ => return None,
    })
}

fn invalid_configuration(error: &ConfigError) -> Problem {
    // There is none to point into.
    if error.path.is_empty() {
        return problem::not_configured();
    }
    Problem::fields(Code::InvalidConfiguration, "correct what errors names", vec![venue::in_file(error)])
}

/// A request that contradicts itself; the gateway uses the same mapping where it looks up names itself.
#[must_use]
pub(crate) fn invalid_request(error: RequestError) -> Problem {
    let (reason, detail) = match error {
        RequestError::NoLines => ("no_lines", "ask for at least one line"),
        RequestError::TooManyLines => ("too_many_lines", "ask for at most 16 lines"),
        RequestError::ZeroQuantity => (
            "zero_quantity",
            "every line wants at least one unit; a refund names tickets, an amount, or both",
        ),
        RequestError::TooManyUnits => ("too_many_units", "ask for at most 50 units"),
        RequestError::Duplicate => ("duplicate", "name every seat and every ticket once"),
        RequestError::UnknownTicketType => ("unknown_ticket_type", "there is no such ticket type"),
        RequestError::UnknownSeat => ("unknown_seat", "there is no such seat"),
        RequestError::UnknownPool => ("unknown_pool", "there is no such pool"),
        RequestError::UnknownChannel => ("unknown_channel", "there is no such channel"),
        RequestError::UnknownSection => ("unknown_section", "there is no such section"),
        RequestError::SeatOfAnotherCategory => {
            ("seat_of_another_category", "the ticket type sells seats of another category")
        }
        RequestError::WrongKindOfLine => {
            ("wrong_kind_of_line", "a standing type takes a quantity, a seated one takes seats or a group")
        }
        RequestError::DurationOutOfRange => {
            ("duration_out_of_range", "a hold lasts 1 to 120 minutes, within the organizer's policy")
        }
        RequestError::TooManyCompanions => {
            ("too_many_companions", "more accessible spaces or companions than the policy allows")
        }
        RequestError::TooManySubjects => ("too_many_subjects", "name fewer subjects"),
        RequestError::NoScans => ("no_scans", "send at least one scan"),
        RequestError::TooManyScans => ("too_many_scans", "send them in several uploads"),
        RequestError::ScansOutOfOrder => ("scans_out_of_order", "number the scans one after another, from 1"),
        RequestError::UnknownDevice => ("unknown_device", "no device has this number"),
        RequestError::TooManyDevices => {
            ("too_many_devices", "no more devices may record scans of this event")
        }
        RequestError::NoSuchPhaseChange => ("no_such_phase_change", "no event goes back to this phase"),
    };
    Problem::new(Code::InvalidRequest, detail).with("reason", reason)
}

/// What is in the way of a request, seat by seat.
fn seat_conflicts(seats: &[SeatIndex], reason: &str) -> Value {
    seats.iter().map(|seat| json!({"seat": seat.0, "reason": reason})).collect()
}

fn seat_list(seats: &[SeatIndex]) -> Value {
    seats.iter().map(|seat| seat.0).collect()
}

fn type_name(config: Option<&Config>, id: TicketTypeId) -> Value {
    config
        .and_then(|config| config.ticket_types.get(id.index()))
        .map_or(Value::Null, |found| (*found.name).into())
}

fn money(config: Option<&Config>, minor: i64) -> Value {
    let currency = config.map_or("", |config| crate::render::currency(config));
    json!({"amount": minor, "currency": currency})
}

fn instant(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Rfc3339(at).to_string().into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
