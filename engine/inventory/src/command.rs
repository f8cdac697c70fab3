//! Commands: what principals ask of one event.

use std::sync::Arc;

use crate::{
    AccessCode, ChannelId, Config, EntryNumber, HoldPlaced, JoinWaitlist, Phase, PhaseCommand, PoolId,
    ProviderId, Scan, SeatIndex, SectionId, Subject, Subjects, TicketTypeId, Timestamp,
};

/// One request to change the inventory. `now` is given to `decide` beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// By what right it is asked; checked against the data.
    pub authority: Authority,
    /// Identity of the request; `None` only for what the system itself asks.
    pub key: Option<IdempotencyKey>,
    /// What is asked.
    pub body: CommandBody,
}

/// By what right a command is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A buyer: acts on claims whose primary subject (or ticket holder) this is.
    Subject(Subject),
    /// The secret of the hold or order that the command names was shown and verified at the gateway.
    Secret(Subject),
    /// The organizer's team (or an administrator): acts on everything of the event.
    Organizer,
    /// Door staff: check in and out, and what devices recorded, only.
    Scanner,
    /// Tessera itself: payment followers and the like.
    System,
}

/// Identity of a request, scoped by the gateway's keyed hash to (principal, event, key).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Keyed hash of (principal, event, key).
    pub digest: u128,
    /// Hash of the request's route and body: the same key with another body is refused.
    pub fingerprint: u64,
    /// When the client minted the key, where the key tells (UUIDv7).
    pub minted_at: Option<Timestamp>,
}

/// The number of a hold, and of the order that it becomes: the sequence of its `HoldPlaced`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimNumber(pub u64);

/// One ticket: the order it belongs to and its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketRef {
    /// Its order.
    pub order: ClaimNumber,
    /// Position in the order, counted over the lines.
    pub index: u16,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandBody {
    /// Replace the configuration, if it still has `expected_version` (0: none yet).
    Configure {
        /// Version that the organizer saw.
        expected_version: u32,
        /// The whole new configuration.
        config: Arc<Config>,
    },
    /// Move to another phase (schedule, open a presale, open, pause, resume, close, cancel).
    ChangePhase {
        /// Where to.
        to: Phase,
    },
    /// Place a hold.
    PlaceHold(PlaceHold),
    /// Move the deadline of a hold.
    RenewHold {
        /// Which.
        hold: ClaimNumber,
    },
    /// Give a hold back.
    ReleaseHold {
        /// Which.
        hold: ClaimNumber,
    },
    /// Create the order of a hold and put its payment in flight.
    BeginPayment {
        /// Which.
        hold: ClaimNumber,
        /// Who is to take the money, unless the organizer does.
        provider: Option<ProviderId>,
        /// Subjects learnt at the till (payment fingerprint); limits are checked against them too.
        extra_subjects: Vec<Subject>,
    },
    /// The payment in flight failed; the hold goes back to its original deadline.
    PaymentFailed {
        /// Which.
        order: ClaimNumber,
        /// Which attempt failed, where that is known: no other one is ended.
        attempt: Option<u8>,
    },
    /// The payment succeeded (or none was needed): sell.
    Confirm {
        /// Which.
        order: ClaimNumber,
        /// How it was paid.
        payment: Payment,
        /// Which attempt brought the money, where that is known. Money that a provider vouches for buys the hold while it lives, also if
        /// that attempt was given up, or another one is in flight.
        attempt: Option<u8>,
    },
    /// Give money back for tickets of a paid order; not for those that are in, unless the event was cancelled.
    RefundTickets {
        /// Which order.
        order: ClaimNumber,
        /// Positions in the order; each at most once. None: only an amount is given back, and every ticket stays good; of a sale
        /// that is never paid, every ticket that is not in.
        tickets: Vec<u16>,
        /// How much.
        amount: RefundAmount,
        /// Why.
        reason: RefundReason,
        /// What becomes of the units.
        units: RefundedUnits,
    },
    /// Money came after its hold had ended: sell anew what it had, if that is still to be had.
    SellLate(Box<SellLate>),
    /// A provider has said how a dispute over the payment of an order stands.
    SetDispute {
        /// Which order.
        order: ClaimNumber,
        /// How it stands.
        dispute: Dispute,
    },
    /// Withdraw units: free ones now, held and sold ones when they return.
    Kill(Units),
    /// Undo kills: first those that wait for a return, then killed units become free, for everyone.
    Restore(Units),
    /// Give what is left of a channel to everyone, before its time.
    ReleaseChannel {
        /// Which.
        channel: ChannelId,
    },
    /// Hand a ticket to another person; the old code dies.
    TransferTicket {
        /// Which.
        ticket: TicketRef,
        /// To whom.
        to: Subject,
    },
    /// Let a ticket in.
    CheckIn {
        /// Which.
        ticket: TicketRef,
        /// Generation of the code that was shown.
        generation: u8,
        /// At which gate.
        gate: u16,
    },
    /// Let a ticket out, so that it may come in again.
    CheckOut {
        /// Which.
        ticket: TicketRef,
        /// Generation of the code that was shown.
        generation: u8,
        /// At which gate.
        gate: u16,
    },
    /// Give a ticket a new code, to the same holder; the old code dies.
    ReissueTicket {
        /// Which.
        ticket: TicketRef,
    },
    /// Record what a device scanned while it was offline. A scan is a fact: it is not refused for what it says.
    RecordScans {
        /// Which device; not 0.
        device: u32,
        /// 1 to [`crate::SCANS_MAX`], their numbers without a gap.
        scans: Vec<Scan>,
    },
    /// Wait for what is sold out.
    JoinWaitlist(JoinWaitlist),
    /// Wait no more.
    LeaveWaitlist {
        /// Which entry.
        entry: EntryNumber,
    },
}

impl CommandBody {
    /// Its row in the table *phase × command*; `None` for what no phase admits, to become a draft again.
    #[must_use]
    pub fn kind(&self) -> Option<PhaseCommand> {
        Some(match self {
            CommandBody::Configure { .. } => PhaseCommand::Configure,
            CommandBody::ChangePhase { to } => match to {
                Phase::Draft => return None,
                Phase::Scheduled => PhaseCommand::Schedule,
                Phase::Presale => PhaseCommand::OpenPresale,
                Phase::OnSale => PhaseCommand::Open,
                Phase::Paused => PhaseCommand::Pause,
                Phase::Closed => PhaseCommand::Close,
                Phase::Cancelled => PhaseCommand::Cancel,
            },
            CommandBody::PlaceHold(_) => PhaseCommand::PlaceHold,
            CommandBody::RenewHold { .. } => PhaseCommand::RenewHold,
            CommandBody::ReleaseHold { .. } => PhaseCommand::ReleaseHold,
            CommandBody::BeginPayment { .. } => PhaseCommand::BeginPayment,
            CommandBody::PaymentFailed { .. } => PhaseCommand::PaymentFailed,
            CommandBody::Confirm { .. } => PhaseCommand::Confirm,
            CommandBody::RefundTickets { .. } => PhaseCommand::RefundTickets,
            CommandBody::SellLate(_) => PhaseCommand::SellLate,
            CommandBody::SetDispute { .. } => PhaseCommand::SetDispute,
            CommandBody::Kill(_) => PhaseCommand::Kill,
            CommandBody::Restore(_) => PhaseCommand::Restore,
            CommandBody::ReleaseChannel { .. } => PhaseCommand::ReleaseChannel,
            CommandBody::TransferTicket { .. } => PhaseCommand::TransferTicket,
            CommandBody::CheckIn { .. } => PhaseCommand::CheckIn,
            CommandBody::CheckOut { .. } => PhaseCommand::CheckOut,
            CommandBody::ReissueTicket { .. } => PhaseCommand::ReissueTicket,
            CommandBody::RecordScans { .. } => PhaseCommand::RecordScans,
            CommandBody::JoinWaitlist(_) => PhaseCommand::JoinWaitlist,
            CommandBody::LeaveWaitlist { .. } => PhaseCommand::LeaveWaitlist,
        })
    }
}

/// A request for units, all lines or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceHold {
    /// Who it counts against.
    pub subjects: Subjects,
    /// 1 to [`crate::HOLD_LINES_MAX`] lines.
    pub lines: Vec<LineRequest>,
    /// Opens a hidden type, the presale or a channel.
    pub access_code: Option<AccessCode>,
    /// The channel that an organizer's hold draws on without its code (the box office's); it goes before the code's.
    pub channel: Option<ChannelId>,
    /// Wanted time to the deadline in milliseconds, within the policy; `None`: the policy's.
    pub duration_ms: Option<u64>,
    /// The code of a promotion.
    pub promotion: Option<PromotionClaim>,
    /// The total that the buyer saw, in minor units; another one now is refused as `total_changed`.
    pub expected_total_minor: Option<i64>,
}

/// A promotion whose code was shown and verified at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromotionClaim {
    /// Keyed hash of its code.
    pub code: AccessCode,
    /// Which of its single-use codes, where it has such.
    pub serial: Option<u32>,
}

/// One line of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRequest {
    /// Which type. `None` only with [`Want::Together`]: the best over all types that the buyer may buy.
    pub ticket_type: Option<TicketTypeId>,
    /// The unit price that the buyer saw, in minor units; another one now is refused as `price_changed`.
    pub expected_price_minor: Option<i64>,
    /// What is wanted.
    pub want: Want,
}

/// What a line wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// This many units of a standing type.
    Quantity(u16),
    /// These exact seats.
    Seats(Vec<SeatIndex>),
    /// The best seats together.
    Together {
        /// How many, 1 to [`crate::TOGETHER_MAX`].
        quantity: u16,
        /// How.
        wishes: Wishes,
    },
}

/// A buyer's wishes about seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Wishes {
    /// Only in this section.
    pub section: Option<SectionId>,
    /// At most this unit price, in minor units.
    pub price_minor_max: Option<i64>,
    /// This many wheelchair spaces in the group; the others are companions.
    pub accessible: u8,
    /// If they do not fit together: adjacent rows, then anywhere.
    pub accept_split: bool,
}

/// Units of a pool, or seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Units {
    /// This many units of a pool (of its general share).
    Pool {
        /// Which.
        pool: PoolId,
        /// How many.
        quantity: u32,
    },
    /// These seats.
    Seats(Vec<SeatIndex>),
}

/// How an order was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payment {
    /// The total is zero.
    Free,
    /// Settled outside (cash at the box office); the organizer says so.
    Offline,
    /// A provider's capture, by keyed hash of its reference.
    Captured {
        /// Keyed hash of provider and reference.
        reference: u128,
    },
}

/// The kind of a [`Payment`]: what a settled order keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PaymentKind {
    /// See [`Payment::Free`].
    Free = 0,
    /// See [`Payment::Offline`].
    Offline = 1,
    /// See [`Payment::Captured`].
    Captured = 2,
}

impl Payment {
    /// Its kind.
    #[must_use]
    pub const fn kind(self) -> PaymentKind {
        match self {
            Payment::Free => PaymentKind::Free,
            Payment::Offline => PaymentKind::Offline,
            Payment::Captured { .. } => PaymentKind::Captured,
        }
    }
}

/// What becomes of refunded units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundedUnits {
    /// They return to sale.
    Restock,
    /// They are withdrawn.
    Kill,
}

/// How much a refund gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundAmount {
    /// What the tickets come to, without fees that are not refundable; at most what is left of that.
    Full,
    /// So much, in minor units; at most what is left of the total.
    Minor(i64),
}

/// Why money is given back. The number is stored: it is never changed and never reused (2 is not used).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RefundReason {
    /// The organizer wants it so.
    Organizer = 0,
    /// The event was cancelled.
    Cancelled = 1,
    /// The order's money can never be captured: the sale is taken back, and nothing is given back.
    Unpaid = 3,
    /// The organizer is obliging.
    Goodwill = 4,
}

impl RefundReason {
    /// The reason of a number.
    #[must_use]
    pub const fn of(number: u8) -> Option<RefundReason> {
        match number {
            0 => Some(RefundReason::Organizer),
            1 => Some(RefundReason::Cancelled),
            3 => Some(RefundReason::Unpaid),
            4 => Some(RefundReason::Goodwill),
            _ => None,
        }
    }
}

/// A late sale: what an ended hold had, under its old number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SellLate {
    /// The number of the hold that has ended.
    pub order: ClaimNumber,
    /// The hold, as the log has it: the same terms, seats and quote are sold.
    pub hold: HoldPlaced,
    /// How it was paid.
    pub payment: Payment,
    /// Which attempt brought the money.
    pub attempt: u8,
}

/// How a dispute over the payment of an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dispute {
    /// Undecided: tickets are neither handed on, refunded nor let in.
    Open,
    /// The money stays: everything is as before.
    Won,
    /// The buyer has the money back: tickets that are not in are revoked.
    Lost,
}
