//! Deliberate defects; see [`tessera_mutation`].

use tessera_inventory::Inventory;

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// Replies leave when the append is submitted.
    ReplyBeforeCommit,
    /// A turn without events answers without reading `head`.
    SkipHeadRead,
    /// Refusals leave at once.
    RefuseWithoutVerifying,
    /// Time does what is due one millisecond early.
    ExpiryOffByOne,
    /// Time does what is due two seconds late.
    LateExpiry,
    /// The commands of a turn are decided before what is due.
    CommandsBeforeDeadlines,
    /// The wall clock is believed at activation, whatever it says.
    WallBelieved,
    /// After a turn the timer is not set again.
    TimerForgotten,
    /// Who was decided is told "not executed" when the writer stops.
    NotExecutedAfterDeciding,
    /// Replay forgets which keys were used.
    IdempotencyLostOnReplay,
    /// After an unknown outcome the commands are decided again.
    DecideAgainAfterUnknown,
    /// Activation takes the head as it stands, without a new epoch.
    SkipClaim,
    /// Replay takes every record for what was written.
    ChainNotChecked,
    /// After a snapshot the log is read from one event too late.
    SnapshotOffByOne,
    /// Who was decided is told nothing after a panic.
    UntoldAfterPanic,
    /// Who waits is told nothing when the writer closes.
    UntoldAtClosing,
    /// After a commit everybody is told "outcome unknown".
    UnknownAfterCommit,
    /// A fenced writer goes on in the epoch of the other, whose claim wrote nothing.
    FenceAdopted,
    /// The new availability is not published.
    PublicationForgotten,
    /// Requests are decided though their clients have gone.
    DecidedForTheGone,
    /// Requests are given up though their clients wait.
    GivenUpEarly,
    /// Refusals are not remembered.
    RefusalsForgotten,
    /// Refusals are remembered for an hour.
    RefusalsKept,
    /// The name of a refusal is given to the next one, too.
    RefusalNamedAgain,
    /// Refusals are not put out to be proven.
    RefusalUnproven,
    /// The timer for what time does is set ten seconds late.
    TimerLate,
    /// An event at rest is to be woken ten seconds late.
    WakesLate,
    /// The claim beside an answer is left out.
    ClaimLeftOut,
    /// A defect of the inventory inside.
    #[cfg(feature = "mutants")]
    Inventory(tessera_inventory::Mutant),
}

/// How late [`Mutant::LateExpiry`] is, in milliseconds.
pub(crate) const LATE_MS: u64 = 2_000;
/// How late [`Mutant::TimerLate`] and [`Mutant::WakesLate`] are, in milliseconds.
pub(crate) const TIMER_LATE_MS: u64 = 10_000;
/// How much longer [`Mutant::RefusalsKept`] remembers, in milliseconds.
pub(crate) const KEPT_LONGER_MS: u64 = 3_600_000;

/// Which defect is built in, if any.
pub type Mutation = tessera_mutation::Mutation<Mutant>;

/// The state that a writer works on.
pub(crate) fn state_with(mutation: Mutation, state: Inventory) -> Inventory {
    match mutation.mutant() {
        #[cfg(feature = "mutants")]
        Some(Mutant::Inventory(mutant)) => state.mutated(mutant),
        _ => state,
    }
}
