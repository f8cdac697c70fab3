//! Phases of an event, and the table *phase × command* as data.

/// Where the sale of an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Being configured; invisible.
    Draft,
    /// Announced; opens at its time.
    Scheduled,
    /// Sells to those with a code.
    Presale,
    /// Sells.
    OnSale,
    /// Refuses new holds only.
    Paused,
    /// Sells no more.
    Closed,
    /// Called off: holds ended, paid orders are to be refunded.
    Cancelled,
}

/// Kinds of commands, as the table knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseCommand {
    /// Replace the configuration.
    Configure,
    /// Announce.
    Schedule,
    /// Open the presale.
    OpenPresale,
    /// Open (or resume) the sale.
    Open,
    /// Pause it.
    Pause,
    /// Close it.
    Close,
    /// Call the event off.
    Cancel,
    /// Place a hold.
    PlaceHold,
    /// Renew a hold.
    RenewHold,
    /// Release a hold.
    ReleaseHold,
    /// Begin a payment.
    BeginPayment,
    /// Report a failed payment.
    PaymentFailed,
    /// Confirm an order.
    Confirm,
    /// Refund tickets.
    RefundTickets,
    /// Kill units.
    Kill,
    /// Restore units.
    Restore,
    /// Release a channel.
    ReleaseChannel,
    /// Transfer a ticket.
    TransferTicket,
    /// Check in.
    CheckIn,
    /// Check out.
    CheckOut,
    /// Sell anew what an ended hold had.
    SellLate,
    /// Say how a dispute stands.
    SetDispute,
    /// Give a ticket a new code.
    ReissueTicket,
    /// Record offline scans.
    RecordScans,
    /// Join the waitlist.
    JoinWaitlist,
    /// Leave the waitlist.
    LeaveWaitlist,
}

impl Phase {
    /// Every phase, in the order of their life.
    pub const ALL: [Phase; 7] = [
        Phase::Draft,
        Phase::Scheduled,
        Phase::Presale,
        Phase::OnSale,
        Phase::Paused,
        Phase::Closed,
        Phase::Cancelled,
    ];
}

use PhaseCommand as C;

/// One row per command: the phases that admit it, in the order of [`Phase::ALL`].
/// D draft, S scheduled, P presale, O on sale, U paused, C closed, X cancelled.
#[rustfmt::skip]
pub const PHASE_TABLE: [(PhaseCommand, [bool; 7]); 26] = {
    const Y: bool = true;
    const N: bool = false;
    [   //                   D  S  P  O  U  C  X
        (C::Configure,      [Y, Y, Y, Y, Y, N, N]),
        (C::Schedule,       [Y, N, N, N, N, N, N]),
        (C::OpenPresale,    [Y, Y, N, N, N, N, N]),
        (C::Open,           [Y, Y, Y, N, Y, N, N]),
        (C::Pause,          [N, N, N, Y, N, N, N]),
        (C::Close,          [N, N, Y, Y, Y, N, N]),
        (C::Cancel,         [Y, Y, Y, Y, Y, Y, N]),
        (C::PlaceHold,      [N, N, Y, Y, N, N, N]),
        (C::RenewHold,      [N, N, Y, Y, Y, N, N]),
        (C::ReleaseHold,    [N, N, Y, Y, Y, Y, N]),
        (C::BeginPayment,   [N, N, Y, Y, Y, Y, N]),
        (C::PaymentFailed,  [N, N, Y, Y, Y, Y, N]),
        (C::Confirm,        [N, N, Y, Y, Y, Y, N]),
        (C::RefundTickets,  [N, N, Y, Y, Y, Y, Y]),
        (C::Kill,           [Y, Y, Y, Y, Y, Y, N]),
        (C::Restore,        [Y, Y, Y, Y, Y, Y, N]),
        (C::ReleaseChannel, [Y, Y, Y, Y, Y, Y, N]),
        (C::TransferTicket, [N, N, Y, Y, Y, Y, N]),
        (C::CheckIn,        [N, N, Y, Y, Y, Y, N]),
        (C::CheckOut,       [N, N, Y, Y, Y, Y, N]),
        (C::SellLate,       [N, N, Y, Y, N, Y, N]),
        (C::SetDispute,     [N, N, Y, Y, Y, Y, Y]),
        (C::ReissueTicket,  [N, N, Y, Y, Y, Y, N]),
        (C::RecordScans,    [Y, Y, Y, Y, Y, Y, Y]),
        (C::JoinWaitlist,   [N, N, Y, Y, Y, N, N]),
        (C::LeaveWaitlist,  [N, Y, Y, Y, Y, Y, Y]),
    ]
};

/// Whether `phase` admits `command`.
#[must_use]
pub const fn admits(phase: Phase, command: PhaseCommand) -> bool {
    PHASE_TABLE[command as usize].1[phase as usize]
}

// The table is indexed by the command: its rows stand in the order of the enum.
const _: () = {
    let mut row = 0;
    while row < PHASE_TABLE.len() {
        assert!(PHASE_TABLE[row].0 as usize == row, "a row of the phase table is out of order");
        row += 1;
    }
};
