//! Enumerations without data, as numbers.

use tessera_actors::NotExecuted;
use tessera_inventory::{
    ClaimState, Dispute, Origin, PaymentKind, Phase, PhaseCommand, RefundedUnits, RequestError,
};
use tessera_records::RecordError;

use super::malformed;

/// A value that crosses as a number.
pub(super) trait Word: Copy + Sized + 'static {
    /// Every value.
    #[cfg(test)]
    const ALL: &'static [Self];

    /// Its number, never 0.
    fn word(self) -> u32;

    /// The value of a number.
    fn of_word(word: u32) -> Result<Self, RecordError>;
}

macro_rules! words {
    ($($type:ident, $what:literal { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl Word for $type {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$($type::$variant),*];

            fn word(self) -> u32 {
                match self {
                    $($type::$variant => $word,)*
                }
            }

            fn of_word(word: u32) -> Result<Self, RecordError> {
                match word {
                    $($word => Ok($type::$variant),)*
                    _ => Err(malformed($what)),
                }
            }
        }
    )*};
}

words! {
    Phase, "a phase is one of the known ones" {
        Draft = 1, Scheduled = 2, Presale = 3, OnSale = 4, Paused = 5, Closed = 6, Cancelled = 7,
    }
    PhaseCommand, "a kind of command is one of the known ones" {
        Configure = 1, Schedule = 2, OpenPresale = 3, Open = 4, Pause = 5, Close = 6, Cancel = 7, PlaceHold = 8,
        RenewHold = 9, ReleaseHold = 10, BeginPayment = 11, PaymentFailed = 12, Confirm = 13, RefundTickets = 14,
        Kill = 15, Restore = 16, ReleaseChannel = 17, TransferTicket = 18, CheckIn = 19, CheckOut = 20,
        SellLate = 21, SetDispute = 22,
        ReissueTicket = 40, RecordScans = 41,
        JoinWaitlist = 24, LeaveWaitlist = 25,
    }
    ClaimState, "a claim is in a known state" {
        Held = 1, PaymentInFlight = 2, Paid = 3, Refunded = 4, RefundDue = 5, Ended = 6,
    }
    Origin, "a hold came about in a known way" { Direct = 1, Offer = 2 }
    PaymentKind, "an order is paid in a known way" { Free = 1, Offline = 2, Captured = 3 }
    RefundedUnits, "refunded units have a known destination" { Restock = 1, Kill = 2 }
    Dispute, "a dispute is open, won or lost" { Open = 1, Won = 2, Lost = 3 }
    NotExecuted, "what was not executed has a known reason" {
        QueueFull = 1, Draining = 2, Quarantined = 3, StoreAway = 4, TooManyActivations = 5, GaveUp = 6, Restarting = 7,
        StoreWentBack = 8, Elsewhere = 9,
    }
    RequestError, "a request is wrong in a known way" {
        NoLines = 1, TooManyLines = 2, ZeroQuantity = 3, TooManyUnits = 4, Duplicate = 5, UnknownTicketType = 6,
        UnknownSeat = 7, UnknownPool = 8, UnknownChannel = 9, UnknownSection = 10, SeatOfAnotherCategory = 11,
        WrongKindOfLine = 12, DurationOutOfRange = 13, TooManyCompanions = 14, TooManySubjects = 15,
        NoSuchPhaseChange = 16, NoScans = 40, TooManyScans = 41, ScansOutOfOrder = 42, UnknownDevice = 43,
        TooManyDevices = 44,
    }
}
