//! A refusal as a message, and back.

use prost::Message;
use tessera_inventory::Rejection as Refused;
use tessera_inventory::{
    ClaimNumber, ClaimState, ConfigError, EntryNumber, Phase, PhaseCommand, PoolId, RequestError, SeatIndex,
    TicketTypeId, Timestamp,
};
use tessera_records::RecordError;
use tessera_records::wide::{narrow, narrow_option, put_seats, seats};

use super::{Word, malformed};

const GATE: &str = "a gate is at most 65535";

#[derive(Clone, PartialEq, Message)]
pub(super) struct Rejection {
    #[prost(
        oneof = "Why",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 60, 61, 62, 65, 66, 67, 68, 69"
    )]
    why: Option<Why>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Why {
    #[prost(message, tag = "1")]
    SoldOut(SoldOut),
    #[prost(message, tag = "2")]
    SeatsTaken(Seats),
    #[prost(uint32, tag = "3")]
    WaitlistAhead(u32),
    #[prost(message, tag = "4")]
    LimitExceeded(LimitExceeded),
    #[prost(message, tag = "5")]
    OrderSize(OrderSize),
    #[prost(message, tag = "6")]
    NotOnSale(NotOnSale),
    #[prost(message, tag = "7")]
    AccessCodeRequired(()),
    #[prost(message, tag = "8")]
    PriceChanged(PriceChanged),
    #[prost(uint64, tag = "9")]
    HoldExpired(u64),
    #[prost(message, tag = "10")]
    HoldNotFound(()),
    #[prost(message, tag = "11")]
    OrderNotFound(()),
    #[prost(message, tag = "12")]
    TicketNotFound(()),
    #[prost(uint32, tag = "13")]
    WrongState(u32),
    #[prost(message, tag = "14")]
    RenewalsExhausted(()),
    #[prost(message, tag = "15")]
    PaymentAttemptsExhausted(()),
    #[prost(sint64, tag = "16")]
    PaymentRequired(i64),
    #[prost(message, tag = "17")]
    StrandsSeat(StrandsSeat),
    #[prost(message, tag = "18")]
    WrongPhase(WrongPhase),
    #[prost(uint32, tag = "19")]
    StaleVersion(u32),
    #[prost(message, tag = "20")]
    InvalidConfig(InvalidConfig),
    #[prost(uint32, tag = "21")]
    InvalidRequest(u32),
    #[prost(uint32, tag = "22")]
    NothingToRestore(u32),
    #[prost(message, tag = "23")]
    AlreadyCheckedIn(Entry),
    #[prost(message, tag = "24")]
    NotCheckedIn(()),
    #[prost(uint32, tag = "25")]
    CodeRevoked(u32),
    #[prost(message, tag = "26")]
    TicketRefunded(()),
    #[prost(message, tag = "27")]
    TransfersExhausted(()),
    #[prost(message, tag = "28")]
    KeyReused(()),
    #[prost(message, tag = "29")]
    KeyExpired(()),
    #[prost(message, tag = "30")]
    Forbidden(()),
    #[prost(sint64, tag = "31")]
    TotalChanged(i64),
    #[prost(message, tag = "32")]
    PromotionUnknown(()),
    #[prost(message, tag = "33")]
    PromotionClosed(PromotionClosed),
    #[prost(message, tag = "34")]
    PromotionExhausted(PromotionExhausted),
    #[prost(uint32, tag = "35")]
    AddOnAlone(u32),
    #[prost(message, tag = "36")]
    WrongKind(()),
    #[prost(sint64, tag = "37")]
    AmountExceeded(i64),
    #[prost(message, tag = "38")]
    InDispute(()),
    #[prost(message, tag = "60")]
    NotAdmittedHere(NotAdmittedHere),
    #[prost(message, tag = "61")]
    NoReEntry(Entry),
    #[prost(uint64, tag = "62")]
    ScanNumbers(u64),
    #[prost(uint64, tag = "65")]
    AlreadyWaiting(u64),
    #[prost(message, tag = "66")]
    WaitlistClosed(()),
    #[prost(uint32, tag = "67")]
    WaitlistFull(u32),
    #[prost(message, tag = "68")]
    EntryNotFound(()),
    #[prost(uint32, tag = "69")]
    AvailableNow(u32),
}

#[derive(Clone, PartialEq, Message)]
struct NotAdmittedHere {
    #[prost(uint32, repeated, packed = "true", tag = "1")]
    gates: Vec<u32>,
    #[prost(uint64, optional, tag = "2")]
    opens_at_ms: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PromotionClosed {
    #[prost(uint64, optional, tag = "1")]
    opens_at_ms: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PromotionExhausted {
    #[prost(uint32, optional, tag = "1")]
    uses_left: Option<u32>,
    #[prost(sint64, optional, tag = "2")]
    amount_left_minor: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct SoldOut {
    #[prost(uint32, tag = "1")]
    line: u32,
    #[prost(uint32, optional, tag = "2")]
    pool: Option<u32>,
    #[prost(uint32, tag = "3")]
    remaining: u32,
    #[prost(bool, tag = "4")]
    may_return: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Seats {
    /// The first index, then distances to the one before.
    #[prost(uint32, repeated, packed = "true", tag = "1")]
    seats: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct LimitExceeded {
    #[prost(uint32, optional, tag = "1")]
    ticket_type: Option<u32>,
    #[prost(uint32, tag = "2")]
    limit: u32,
    #[prost(uint32, tag = "3")]
    used: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct OrderSize {
    #[prost(uint32, tag = "1")]
    ticket_type: u32,
    #[prost(uint32, tag = "2")]
    min: u32,
    #[prost(uint32, tag = "3")]
    max: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct NotOnSale {
    #[prost(uint32, tag = "1")]
    ticket_type: u32,
    #[prost(uint64, optional, tag = "2")]
    opens_at_ms: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PriceChanged {
    #[prost(uint32, tag = "1")]
    ticket_type: u32,
    #[prost(sint64, tag = "2")]
    price_minor: i64,
}

#[derive(Clone, PartialEq, Message)]
struct StrandsSeat {
    #[prost(uint32, tag = "1")]
    stranded: u32,
    #[prost(message, repeated, tag = "2")]
    alternatives: Vec<Seats>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct WrongPhase {
    #[prost(uint32, tag = "1")]
    phase: u32,
    #[prost(uint32, tag = "2")]
    command: u32,
    #[prost(uint64, optional, tag = "3")]
    opens_at_ms: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct InvalidConfig {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(string, tag = "2")]
    problem: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Entry {
    #[prost(uint64, tag = "1")]
    at_ms: u64,
    #[prost(uint32, tag = "2")]
    gate: u32,
    /// 0: online.
    #[prost(uint32, tag = "3")]
    device: u32,
}

/// The message that says `rejection`.
pub(super) fn to_wire(rejection: &Refused) -> Rejection {
    Rejection { why: Some(why(rejection)) }
}

/// The rejection that `message` says.
pub(super) fn from_wire(message: Rejection) -> Result<Refused, RecordError> {
    rejection(message.why.ok_or(malformed("a refusal has a known reason"))?)
}

fn why(rejection: &Refused) -> Why {
    match rejection {
        Refused::SoldOut { line, pool, remaining, may_return } => {
            Why::SoldOut(sold_out(*line, *pool, *remaining, *may_return))
        }
        Refused::SeatsTaken { seats } => Why::SeatsTaken(seats_message(seats)),
        Refused::WaitlistAhead { ticket_type } => Why::WaitlistAhead(ticket_type.0.into()),
        Refused::LimitExceeded { ticket_type, limit, used } => {
            let ticket_type = ticket_type.map(|of| of.0.into());
            Why::LimitExceeded(LimitExceeded { ticket_type, limit: *limit, used: *used })
        }
        Refused::OrderSize { ticket_type, min, max } => {
            let (ticket_type, min, max) = (ticket_type.0.into(), (*min).into(), (*max).into());
            Why::OrderSize(OrderSize { ticket_type, min, max })
        }
        Refused::NotOnSale { ticket_type, opens_at } => {
            let opens_at_ms = opens_at.map(|at| at.0);
            Why::NotOnSale(NotOnSale { ticket_type: ticket_type.0.into(), opens_at_ms })
        }
        Refused::AccessCodeRequired => Why::AccessCodeRequired(()),
        Refused::PriceChanged { ticket_type, price_minor } => price_changed(*ticket_type, *price_minor),
        Refused::HoldExpired { hold } => Why::HoldExpired(hold.0),
        Refused::HoldNotFound => Why::HoldNotFound(()),
        Refused::OrderNotFound => Why::OrderNotFound(()),
        Refused::TicketNotFound => Why::TicketNotFound(()),
        Refused::WrongState { state } => Why::WrongState(state.word()),
        Refused::RenewalsExhausted => Why::RenewalsExhausted(()),
        Refused::PaymentAttemptsExhausted => Why::PaymentAttemptsExhausted(()),
        Refused::PaymentRequired { total_minor } => Why::PaymentRequired(*total_minor),
        Refused::StrandsSeat { stranded, alternatives } => {
            let alternatives = alternatives.iter().map(|seats| seats_message(seats)).collect();
            Why::StrandsSeat(StrandsSeat { stranded: stranded.0, alternatives })
        }
        Refused::WrongPhase { phase, command, opens_at } => {
            Why::WrongPhase(wrong_phase(*phase, *command, *opens_at))
        }
        Refused::StaleVersion { current } => Why::StaleVersion(*current),
        Refused::InvalidConfig(error) => Why::InvalidConfig(config_error(error)),
        Refused::InvalidRequest(error) => Why::InvalidRequest(error.word()),
        Refused::NothingToRestore { killed } => Why::NothingToRestore(*killed),
        Refused::AlreadyCheckedIn { at, gate, device } => Why::AlreadyCheckedIn(passed(*at, *gate, *device)),
        Refused::NotAdmittedHere { gates, opens_at } => Why::NotAdmittedHere(elsewhere(gates, *opens_at)),
        Refused::NoReEntry { at, gate } => Why::NoReEntry(passed(*at, *gate, 0)),
        Refused::ScanNumbers { next } => Why::ScanNumbers(*next),
        Refused::NotCheckedIn => Why::NotCheckedIn(()),
        Refused::CodeRevoked { generation } => Why::CodeRevoked((*generation).into()),
        Refused::TicketRefunded => Why::TicketRefunded(()),
        Refused::TransfersExhausted => Why::TransfersExhausted(()),
        Refused::KeyReused => Why::KeyReused(()),
        Refused::KeyExpired => Why::KeyExpired(()),
        Refused::Forbidden => Why::Forbidden(()),
        Refused::TotalChanged { total_minor } => Why::TotalChanged(*total_minor),
        Refused::PromotionUnknown => Why::PromotionUnknown(()),
        Refused::PromotionClosed { opens_at } => {
            Why::PromotionClosed(PromotionClosed { opens_at_ms: opens_at.map(|at| at.0) })
        }
        Refused::PromotionExhausted { uses_left, amount_left_minor } => {
            Why::PromotionExhausted(exhausted(*uses_left, *amount_left_minor))
        }
        Refused::AddOnAlone { ticket_type } => Why::AddOnAlone(ticket_type.0.into()),
        Refused::WrongKind => Why::WrongKind(()),
        Refused::AmountExceeded { refundable_minor } => Why::AmountExceeded(*refundable_minor),
        Refused::InDispute => Why::InDispute(()),
        Refused::AlreadyWaiting { entry } => Why::AlreadyWaiting(entry.0),
        Refused::WaitlistClosed => Why::WaitlistClosed(()),
        Refused::WaitlistFull { entries_max } => Why::WaitlistFull(*entries_max),
        Refused::EntryNotFound => Why::EntryNotFound(()),
        Refused::AvailableNow { ticket_type } => Why::AvailableNow(ticket_type.0.into()),
    }
}

fn exhausted(uses_left: Option<u32>, amount_left_minor: Option<i64>) -> PromotionExhausted {
    PromotionExhausted { uses_left, amount_left_minor }
}

fn price_changed(ticket_type: TicketTypeId, price_minor: i64) -> Why {
    Why::PriceChanged(PriceChanged { ticket_type: ticket_type.0.into(), price_minor })
}

fn strands_seat(StrandsSeat { stranded, alternatives }: StrandsSeat) -> Refused {
    let alternatives = alternatives.into_iter().map(|group| seats(group.seats)).collect();
    Refused::StrandsSeat { stranded: SeatIndex(stranded), alternatives }
}

fn in_wrong_phase(wrong: &WrongPhase) -> Result<Refused, RecordError> {
    Ok(Refused::WrongPhase {
        phase: Phase::of_word(wrong.phase)?,
        command: PhaseCommand::of_word(wrong.command)?,
        opens_at: wrong.opens_at_ms.map(Timestamp),
    })
}

fn rejection(why: Why) -> Result<Refused, RecordError> {
    Ok(match why {
        Why::SoldOut(sold_out) => Refused::SoldOut {
            line: narrow(sold_out.line, "a line is at most 65535")?,
            pool: narrow_option(sold_out.pool, "a pool is at most 65535")?.map(PoolId),
            remaining: sold_out.remaining,
            may_return: sold_out.may_return,
        },
        Why::SeatsTaken(taken) => Refused::SeatsTaken { seats: seats(taken.seats) },
        Why::WaitlistAhead(of) => Refused::WaitlistAhead { ticket_type: ticket_type(of)? },
        Why::LimitExceeded(LimitExceeded { ticket_type: of, limit, used }) => {
            Refused::LimitExceeded { ticket_type: of.map(ticket_type).transpose()?, limit, used }
        }
        Why::OrderSize(size) => order_size(size)?,
        Why::NotOnSale(not) => not_on_sale(not)?,
        Why::AccessCodeRequired(()) => Refused::AccessCodeRequired,
        Why::PriceChanged(PriceChanged { ticket_type: of, price_minor }) => {
            Refused::PriceChanged { ticket_type: ticket_type(of)?, price_minor }
        }
        Why::HoldExpired(hold) => Refused::HoldExpired { hold: ClaimNumber(hold) },
        Why::HoldNotFound(()) => Refused::HoldNotFound,
        Why::OrderNotFound(()) => Refused::OrderNotFound,
        Why::TicketNotFound(()) => Refused::TicketNotFound,
        Why::WrongState(state) => Refused::WrongState { state: ClaimState::of_word(state)? },
        Why::RenewalsExhausted(()) => Refused::RenewalsExhausted,
        Why::PaymentAttemptsExhausted(()) => Refused::PaymentAttemptsExhausted,
        Why::PaymentRequired(total_minor) => Refused::PaymentRequired { total_minor },
        Why::StrandsSeat(strands) => strands_seat(strands),
        Why::WrongPhase(wrong) => in_wrong_phase(&wrong)?,
        Why::StaleVersion(current) => Refused::StaleVersion { current },
        Why::InvalidConfig(InvalidConfig { path, problem }) => {
            Refused::InvalidConfig(ConfigError { path, problem })
        }
        Why::InvalidRequest(error) => Refused::InvalidRequest(RequestError::of_word(error)?),
        Why::NothingToRestore(killed) => Refused::NothingToRestore { killed },
        Why::AlreadyCheckedIn(entry) => already_checked_in(entry)?,
        Why::NotAdmittedHere(message) => not_admitted_here(message)?,
        Why::NoReEntry(entry) => no_re_entry(entry)?,
        Why::ScanNumbers(next) => Refused::ScanNumbers { next },
        Why::NotCheckedIn(()) => Refused::NotCheckedIn,
        Why::CodeRevoked(generation) => {
            Refused::CodeRevoked { generation: narrow(generation, "a generation is at most 255")? }
        }
        Why::TicketRefunded(()) => Refused::TicketRefunded,
        Why::TransfersExhausted(()) => Refused::TransfersExhausted,
        Why::KeyReused(()) => Refused::KeyReused,
        Why::KeyExpired(()) => Refused::KeyExpired,
        Why::Forbidden(()) => Refused::Forbidden,
        Why::TotalChanged(total_minor) => Refused::TotalChanged { total_minor },
        Why::PromotionUnknown(()) => Refused::PromotionUnknown,
        Why::PromotionClosed(PromotionClosed { opens_at_ms }) => {
            Refused::PromotionClosed { opens_at: opens_at_ms.map(Timestamp) }
        }
        Why::PromotionExhausted(PromotionExhausted { uses_left, amount_left_minor }) => {
            Refused::PromotionExhausted { uses_left, amount_left_minor }
        }
        Why::AddOnAlone(of) => Refused::AddOnAlone { ticket_type: ticket_type(of)? },
        Why::WrongKind(()) => Refused::WrongKind,
        Why::AmountExceeded(refundable_minor) => Refused::AmountExceeded { refundable_minor },
        Why::InDispute(()) => Refused::InDispute,
        Why::AlreadyWaiting(entry) => Refused::AlreadyWaiting { entry: EntryNumber(entry) },
        Why::WaitlistClosed(()) => Refused::WaitlistClosed,
        Why::WaitlistFull(entries_max) => Refused::WaitlistFull { entries_max },
        Why::EntryNotFound(()) => Refused::EntryNotFound,
        Why::AvailableNow(of) => Refused::AvailableNow { ticket_type: ticket_type(of)? },
    })
}

fn not_on_sale(NotOnSale { ticket_type: of, opens_at_ms }: NotOnSale) -> Result<Refused, RecordError> {
    Ok(Refused::NotOnSale { ticket_type: ticket_type(of)?, opens_at: opens_at_ms.map(Timestamp) })
}

fn passed(at: Timestamp, gate: u16, device: u32) -> Entry {
    Entry { at_ms: at.0, gate: gate.into(), device }
}

fn elsewhere(gates: &[u16], opens_at: Option<Timestamp>) -> NotAdmittedHere {
    let gates = gates.iter().map(|&gate| gate.into()).collect();
    NotAdmittedHere { gates, opens_at_ms: opens_at.map(|at| at.0) }
}

fn already_checked_in(entry: Entry) -> Result<Refused, RecordError> {
    let gate = narrow(entry.gate, GATE)?;
    Ok(Refused::AlreadyCheckedIn { at: Timestamp(entry.at_ms), gate, device: entry.device })
}

fn not_admitted_here(message: NotAdmittedHere) -> Result<Refused, RecordError> {
    let gates = message.gates.into_iter().map(|gate| narrow(gate, GATE)).collect::<Result<_, _>>()?;
    Ok(Refused::NotAdmittedHere { gates, opens_at: message.opens_at_ms.map(Timestamp) })
}

fn no_re_entry(entry: Entry) -> Result<Refused, RecordError> {
    Ok(Refused::NoReEntry { at: Timestamp(entry.at_ms), gate: narrow(entry.gate, GATE)? })
}

fn sold_out(line: u16, pool: Option<PoolId>, remaining: u32, may_return: bool) -> SoldOut {
    SoldOut { line: line.into(), pool: pool.map(|pool| pool.0.into()), remaining, may_return }
}

fn wrong_phase(phase: Phase, command: PhaseCommand, opens_at: Option<Timestamp>) -> WrongPhase {
    WrongPhase { phase: phase.word(), command: command.word(), opens_at_ms: opens_at.map(|at| at.0) }
}

fn config_error(error: &ConfigError) -> InvalidConfig {
    InvalidConfig { path: error.path.clone(), problem: error.problem.clone() }
}

fn seats_message(seats: &[SeatIndex]) -> Seats {
    let mut message = Seats::default();
    put_seats(&mut message.seats, seats);
    message
}

fn ticket_type(of: u32) -> Result<TicketTypeId, RecordError> {
    Ok(TicketTypeId(narrow(of, "a ticket type is at most 65535")?))
}

fn order_size(size: OrderSize) -> Result<Refused, RecordError> {
    Ok(Refused::OrderSize {
        ticket_type: ticket_type(size.ticket_type)?,
        min: narrow(size.min, "a quantity is at most 65535")?,
        max: narrow(size.max, "a quantity is at most 65535")?,
    })
}
