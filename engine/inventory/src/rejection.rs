//! Rejections: values that say why, and what to do next. A rejection is a pure function of (state at a sequence, command).

use crate::{ClaimNumber, EntryNumber, Phase, PhaseCommand, PoolId, SeatIndex, TicketTypeId, Timestamp};

/// Most alternatives that a rejection names.
pub const ALTERNATIVES_MAX: usize = 3;

/// Why a command was refused. It had no effect, and its key is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Not enough units (or no such group of seats).
    SoldOut {
        /// The line that failed, counted from 0.
        line: u16,
        /// The pool that lacks units; `None`: seats of the type's category.
        pool: Option<PoolId>,
        /// Units, or seats one by one, that the same wish can still get beside the lines before.
        remaining: u32,
        /// Whether live holds of that pool, or of that category, may still return units.
        may_return: bool,
    },
    /// Exact seats that are not free.
    SeatsTaken {
        /// Which of the wanted.
        seats: Vec<SeatIndex>,
    },
    /// The waitlist is served first.
    WaitlistAhead {
        /// Which type.
        ticket_type: TicketTypeId,
    },
    /// A limit per subject would be exceeded.
    LimitExceeded {
        /// The type whose limit it is; `None`: the event's.
        ticket_type: Option<TicketTypeId>,
        /// The limit.
        limit: u32,
        /// How much of it the subject has used.
        used: u32,
    },
    /// Fewer or more units of a type than one order may have.
    OrderSize {
        /// Which type.
        ticket_type: TicketTypeId,
        /// Fewest.
        min: u16,
        /// Most.
        max: u16,
    },
    /// The type does not sell now.
    NotOnSale {
        /// Which type.
        ticket_type: TicketTypeId,
        /// When it opens, if it will.
        opens_at: Option<Timestamp>,
    },
    /// The type, the presale or the channel needs a code, and the code shown (if any) does not open it.
    AccessCodeRequired,
    /// The price the buyer saw is gone.
    PriceChanged {
        /// Which type.
        ticket_type: TicketTypeId,
        /// Its unit price now, in minor units.
        price_minor: i64,
    },
    /// The total the buyer saw is gone.
    TotalChanged {
        /// The total now, in minor units.
        total_minor: i64,
    },
    /// No promotion has the code shown.
    PromotionUnknown,
    /// The promotion does not apply now.
    PromotionClosed {
        /// When it opens, if it will.
        opens_at: Option<Timestamp>,
    },
    /// The promotion, or the caller's part of it, is used up.
    PromotionExhausted {
        /// Uses that are left to the caller; `None`: no bound.
        uses_left: Option<u32>,
        /// What may still be taken off, in minor units; `None`: no bound.
        amount_left_minor: Option<i64>,
    },
    /// Only add-ons are wanted.
    AddOnAlone {
        /// The first of them.
        ticket_type: TicketTypeId,
    },
    /// The hold's deadline has passed.
    HoldExpired {
        /// Which.
        hold: ClaimNumber,
    },
    /// No such hold, or not the caller's.
    HoldNotFound,
    /// No such order, or not the caller's.
    OrderNotFound,
    /// No such ticket, or not the caller's.
    TicketNotFound,
    /// The claim is in a state that does not admit the command.
    WrongState {
        /// The state it is in.
        state: ClaimState,
    },
    /// The hold was renewed as often, or lives as long, as the policy allows.
    RenewalsExhausted,
    /// All payment attempts are used.
    PaymentAttemptsExhausted,
    /// The payment named does not settle the order (a free confirmation of a priced one).
    PaymentRequired {
        /// What is due, in minor units.
        total_minor: i64,
    },
    /// Exact seats would leave a single one alone.
    StrandsSeat {
        /// The seat that would be left alone.
        stranded: SeatIndex,
        /// Groups for the line beside it that strand nothing and keep clear of the other lines, best first; at most [`ALTERNATIVES_MAX`].
        alternatives: Vec<Vec<SeatIndex>>,
    },
    /// The phase does not admit the command: a row of the table *phase × command*.
    WrongPhase {
        /// The phase at the sequence of the decision.
        phase: Phase,
        /// The kind of command.
        command: PhaseCommand,
        /// When sales open, if scheduled.
        opens_at: Option<Timestamp>,
    },
    /// The configuration has moved on.
    StaleVersion {
        /// The version now.
        current: u32,
    },
    /// The configuration contradicts itself or what is already held and sold.
    InvalidConfig(ConfigError),
    /// The request contradicts itself or names what does not exist.
    InvalidRequest(RequestError),
    /// A refund of more than is left of the order's total.
    AmountExceeded {
        /// What is left, in minor units.
        refundable_minor: i64,
    },
    /// The buyer disputes the payment of the order, and that is undecided.
    InDispute,
    /// More units to restore than are killed.
    NothingToRestore {
        /// Units killed, or waiting for their return.
        killed: u32,
    },
    /// The ticket is already in.
    AlreadyCheckedIn {
        /// Since when.
        at: Timestamp,
        /// Where.
        gate: u16,
        /// By which device; 0: online.
        device: u32,
    },
    /// The ticket is not in.
    NotCheckedIn,
    /// No entry list admits the ticket at this gate, now.
    NotAdmittedHere {
        /// Gates that admit it, now or from `opens_at` on, ascending; at most [`crate::GATES_NAMED_MAX`].
        gates: Vec<u16>,
        /// When they begin to, unless they have; `None` also where none will.
        opens_at: Option<Timestamp>,
    },
    /// The ticket was in, and its list lets nobody in again.
    NoReEntry {
        /// When it went out.
        at: Timestamp,
        /// Where.
        gate: u16,
    },
    /// The scans do not follow those that the device recorded: some are missing in between, or all were recorded before.
    ScanNumbers {
        /// Number of the next scan of the device.
        next: u64,
    },
    /// The code shown was replaced by a transfer or re-issue.
    CodeRevoked {
        /// Generation that is valid.
        generation: u8,
    },
    /// A voucher, which admits nobody.
    WrongKind,
    /// The ticket was refunded.
    TicketRefunded,
    /// The ticket was handed on as often as its code can tell generations apart.
    TransfersExhausted,
    /// The same key came with another body before.
    KeyReused,
    /// The key (UUIDv7) is older than its record is kept.
    KeyExpired,
    /// The caller's role does not allow this.
    Forbidden,
    /// The subject waits already, as often as is allowed.
    AlreadyWaiting {
        /// As this entry, for one.
        entry: EntryNumber,
    },
    /// There is no waitlist, or none for this type.
    WaitlistClosed,
    /// As many wait as may.
    WaitlistFull {
        /// How many.
        entries_max: u32,
    },
    /// No such entry, or not the caller's, or it does not wait any more.
    EntryNotFound,
    /// What is wished for is there: nobody needs to wait for it.
    AvailableNow {
        /// Of this type.
        ticket_type: TicketTypeId,
    },
}

/// Where a claim stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimState {
    /// Held, no payment.
    Held,
    /// Order pending: payment in flight.
    PaymentInFlight,
    /// Order paid: sold.
    Paid,
    /// Every ticket of the order refunded.
    Refunded,
    /// Paid when its event was cancelled: its money is to be returned.
    RefundDue,
    /// Ended without a sale (released, expired, cancelled); told apart in the log.
    Ended,
}

/// What is wrong with a configuration. `path` is where, such as `ticket_types[2].draws_on[0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where.
    pub path: String,
    /// What, and what to do.
    pub problem: String,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// No lines at all.
    NoLines,
    /// More lines than [`crate::HOLD_LINES_MAX`].
    TooManyLines,
    /// A line wants zero units; or nothing is to be refunded.
    ZeroQuantity,
    /// More units than [`crate::HOLD_UNITS_MAX`] in a hold; more units to kill than are free, held and sold.
    TooManyUnits,
    /// A seat, or a ticket, is named twice.
    Duplicate,
    /// No such ticket type.
    UnknownTicketType,
    /// No such seat.
    UnknownSeat,
    /// No such pool.
    UnknownPool,
    /// No such channel, or it was released before.
    UnknownChannel,
    /// No such section.
    UnknownSection,
    /// A seat of another category than the type draws on.
    SeatOfAnotherCategory,
    /// Exact seats or a group of a standing type, or a quantity of a seated one.
    WrongKindOfLine,
    /// Hold duration outside of 1 to 120 minutes or the policy.
    DurationOutOfRange,
    /// More accessible spaces than units, or more companions than the policy allows.
    TooManyCompanions,
    /// More subjects than [`crate::EXTRA_SUBJECTS_MAX`].
    TooManySubjects,
    /// No scans at all.
    NoScans,
    /// More scans than [`crate::SCANS_MAX`].
    TooManyScans,
    /// Numbers of scans that do not follow one another, from 1 on.
    ScansOutOfOrder,
    /// No device has the number 0.
    UnknownDevice,
    /// More devices than [`crate::DEVICES_MAX`] record scans of the event.
    TooManyDevices,
    /// No command leads to that phase: nothing becomes a draft again.
    NoSuchPhaseChange,
}

impl Rejection {
    /// Whether units that are due to return could change the answer; while some are due, such a command waits for the
    /// next turn.
    #[must_use]
    pub fn is_lack_of_stock(&self) -> bool {
        matches!(
            self,
            Rejection::SoldOut { .. }
                | Rejection::SeatsTaken { .. }
                | Rejection::LimitExceeded { .. }
                | Rejection::StrandsSeat { .. }
                | Rejection::WaitlistAhead { .. }
                | Rejection::PromotionExhausted { .. }
        )
    }
}
