//! Activation, append, takeover and resubmission over a store like FoundationDB, in every order.
//!
//! What runs is the product's own code: `Activation` and `Writer` of `engine/writer` (`owners.rs` has how). What is described
//! here once more is the store and the shell around it:
//!
//! | here | in the product |
//! | --- | --- |
//! | [`Action::Check`] | the real read of `head` in the transaction of an append, at a fresh read version or at that of the last commit |
//! | [`Action::Land`] | the resolver: conflict detection on what was read, then a commit at a later version; a conflict begins a new attempt |
//! | [`Action::Deliver`], [`Action::LoseAnswer`] | `Committed`, and every error that says nothing (1021, 1031, 1101, 1039) |
//! | [`Action::LandLate`] | an attempt whose client was told that its outcome is unknown, or whose node is gone: it lands late, or never |
//! | [`Action::Tick`] | the resubmission of the same bytes |
//! | [`Action::Read`] | `Log::head` at a fresh read version, `Log::read` |
//! | [`Action::Begin`] | a node takes the event over, though nobody let it go: ownership only routes |
//!
//! Reductions, none of which hides an order that could matter: reads are answered in the step in which they are made (whoever waits for
//! them does nothing else, and the windows below only grow with a later answer); an attempt in flight that would conflict now is forgotten
//! (it would conflict for ever); an attempt that never arrives is one in flight that nobody lets land.

mod model;
mod rules;
mod steps;
mod store;

pub use rules::Rule;

use crate::appends::{AppendId, Appends};
use crate::event::Buyer;
use crate::owners::{MachineId, Machines, Rest};
use store::Flying;
use tessera_writer::WriterOptions;

/// The bounds within which a model is explored, completely.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Nodes that own, or wish to own, at the same time.
    pub nodes: usize,
    /// Ownerships that begin.
    pub activations: u8,
    /// Buyers who ask for the one place.
    pub buyers: u8,
    /// How often each of them asks.
    pub asks: u8,
    /// Answers of the store that are lost, and nodes that crash.
    pub faults: u8,
    /// Hand-overs and lost leases.
    pub closings: u8,
}

/// How the store is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// As the product does: `head` is really read in the transaction that writes it.
    RealRead,
    /// A defect: `head` is compared in a read of its own, and the transaction has a conflict key without a read. Its read version is then
    /// taken at the commit.
    BareConflictKey,
    /// A defect: `head` is verified, before a turn without events is answered, at the version of the last commit.
    StaleVerification,
}

/// The model.
#[derive(Debug)]
pub struct Takeover {
    bounds: Bounds,
    fence: Fence,
    machines: Machines,
    appends: Appends,
    seen: crate::seen::Seen,
    on_sale: AppendId,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Every append that has landed, in the order of their versions; the first is at version 0.
    commits: Vec<AppendId>,
    flying: Vec<Flying>,
    owners: Vec<Owner>,
    buyers: Vec<Asking>,
    begun: u8,
    faults: u8,
    closings: u8,
    broken: rules::Broken,
}

/// A version of the store: how many appends had landed.
type Version = u8;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Owner {
    number: u8,
    machine: MachineId,
    rest: Rest,
    is_writer: bool,
    call: Call,
    /// The version of its last commit, which it may use as a read version again.
    committed_at: Option<Version>,
}

/// What an owner waits for from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Call {
    Nothing,
    Head,
    Log { after: u64 },
    Append { append: AppendId, stage: Stage },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    /// Nothing has left yet.
    Unsent,
    /// Only with a bare conflict key: `head` was as expected, and the transaction has not left.
    Compared,
    /// The transaction has left.
    InFlight { read_version: Version },
    /// It is in the store, and its owner does not know yet.
    Landed { version: Version },
}

/// A buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
struct Asking {
    asked: u8,
    /// Of this owner, since this version.
    waits: Option<(u8, Version)>,
    end: End,
    /// An answer was lost, or left open what became of it.
    is_unsure: bool,
    /// The last answer was that nothing was executed.
    is_told_not: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
enum End {
    #[default]
    Open,
    Placed(u64),
    Refused,
}

/// What happens next. Owners are named by their position in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A node begins to activate the event.
    Begin,
    /// A buyer asks an owner.
    Ask {
        /// Who.
        buyer: Buyer,
        /// Whom.
        owner: usize,
    },
    /// An owner begins its next turn.
    Turn(usize),
    /// The timer of an owner: it submits, or reads, again.
    Tick(usize),
    /// The store answers a read of the head or the log.
    Read(usize),
    /// The store does not answer a read of the head.
    Unread(usize),
    /// An append reads `head`.
    Check {
        /// Whose.
        owner: usize,
        /// At the version of its last commit.
        reused: bool,
    },
    /// Only with a bare conflict key: the transaction leaves, and gets its read version.
    Submit(usize),
    /// An append lands, or conflicts and begins again.
    Land(usize),
    /// An owner learns that its append has landed.
    Deliver(usize),
    /// An owner learns nothing of its append, which may land yet.
    LoseAnswer(usize),
    /// An append lands whose owner knows nothing of it.
    LandLate(usize),
    /// A node dies.
    Crash(usize),
    /// A node hands over in good order.
    HandOver(usize),
    /// A node learns that its lease is gone.
    LoseLease(usize),
}

impl Takeover {
    /// Owners with these options, over a store that is used so.
    #[must_use]
    pub fn new(bounds: Bounds, fence: Fence, options: fn(u128) -> WriterOptions) -> Takeover {
        let appends = Appends::default();
        let on_sale = store::on_sale(&appends);
        let machines = Machines::new(options);
        Takeover { bounds, fence, machines, appends, seen: crate::seen::Seen::default(), on_sale }
    }

    /// How many different machines the owners were.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.machines.count()
    }

    /// How often each thing happened that the model is about, over all steps that were explored.
    #[must_use]
    pub fn seen(&self) -> Vec<(&'static str, u64)> {
        self.seen.counts()
    }
}
