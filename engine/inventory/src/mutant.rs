//! Deliberate defects; see [`tessera_mutation`].

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// A key is forgotten after 32 events.
    KeyForgotten,
    /// A paused sale goes on.
    PausedSells,
    /// A hold may be renewed past its life.
    RenewedPastLife,
    /// The grace of a payment ends before the deadline of its hold.
    GraceShortensHold,
    /// Every payment attempt is the first.
    AttemptsUncounted,
    /// A refunded ticket may be refunded once more.
    RefundedTwice,
    /// A transfer leaves the old code good.
    CodeOutlivesTransfer,
    /// Exact seats may leave a single one alone.
    StrandingUnchecked,
    /// A refunded unit returns twice.
    UnitReturnedTwice,
    /// What a channel's holds give back goes to everyone.
    ChannelShareLeaks,
    /// A seat that is to be withdrawn when it returns is sold again.
    WaitingKillForgotten,
    /// The last hold of an expiry that ends several keeps its units.
    ExpiryDropsTail,
    /// Limits count the primary subject only.
    ExtraSubjectsUncounted,
    /// The seats of a released channel stay with it.
    ChannelKeepsSeats,
    /// Who was learnt at the till is counted although the payment failed.
    LearntSubjectsStay,
    /// The failure of a payment attempt ends whichever is in flight.
    AnyAttemptFails,
    /// A refund may be more than is left of the total.
    RefundBeyondTotal,
    /// A late sale asks no limit.
    LateSaleUnlimited,
    /// A ticket goes on though its money is disputed.
    DisputeIgnored,
    /// Of those who wait for the same, the newest is served.
    NewestServed,
    /// Units that return to a pool wake nobody.
    MarkForgotten,
    /// Only those who wait for a single unit are served.
    BucketSkipped,
    /// Direct holds pass those who wait.
    WaitlistPassed,
    /// While units are kept for the head of a line, others of it are served.
    HeadPassed,
    /// An offer leaves its entry in the line.
    OfferKeptInLine,
    /// An offer is good for more though its payment is in flight.
    OfferAcceptedTwice,
    /// A ticket that is in is let in once more.
    SecondAdmission,
    /// A refunded ticket is let in.
    RefundedAdmitted,
    /// A double admission is recorded without its conflict.
    ConflictUnrecorded,
    /// What a device tells once more is recorded once more.
    ScanCountedTwice,
    /// Of the passages of a ticket the one stands that was told last.
    LastUploadWins,
    /// A scan of a refunded ticket is refused.
    FactRefused,
}

/// See [`Mutant::KeyForgotten`].
pub(crate) const KEY_EVENTS: u64 = 32;

/// Which defect is built in, if any.
pub(crate) type Mutation = tessera_mutation::Mutation<Mutant>;
