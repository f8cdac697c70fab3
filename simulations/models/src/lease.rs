//! The lease of a node, and who owns an event, in every order: renewals, evictions, claims, transfers, releases.
//!
//! The transactions are the product's own (`Nodes` of `storage/projections`, over the rules of `engine/cluster`): what each really reads
//! is what conflicts here. The *times* of `tessera_cluster::Membership` are left out, which makes the model stronger: any node may
//! think at any moment that another has not renewed for the length of a lease, as if its own clock ran as it pleases; the machine with
//! its times runs in the deterministic world. Safety must not rest on time.
//!
//! | here | in the product |
//! | --- | --- |
//! | [`Action::Begin`] | the reads of a transaction, and its body; one that writes nothing is answered at once |
//! | [`Action::Land`] | its commit, or the conflict after which it begins again |
//! | [`Action::LoseAnswer`], [`Action::GiveUp`] | an unknown outcome, and what `transact` does then, at last by its limit |
//! | [`Action::LandLate`] | the attempt of unknown outcome lands late, or never |
//! | [`Action::Look`] | `Nodes::list`, from which a node counts the age of a beat |
//! | [`Action::Crash`] | a process ends and starts again, under a new id |

mod model;
mod rules;
mod steps;
mod transactions;

pub use rules::LeaseRule;

use tessera_cluster::Renewed;

use crate::seen::Seen;
use transactions::{FootprintId, RowsId, Transactions};

/// The bounds within which a model is explored, completely.
#[derive(Clone, Copy, Debug)]
pub struct LeaseBounds {
    /// Processes.
    pub nodes: u8,
    /// Registrations of all of them.
    pub registrations: u8,
    /// Beats of each registration.
    pub beats: u8,
    /// Claims, transfers and releases that begin.
    pub changes: u8,
    /// Answers of the store that are lost, and processes that end.
    pub faults: u8,
}

/// A defect: what is read, but not so that a change of it conflicts; or not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omitted {
    /// Nothing: as the product does.
    Nothing,
    /// An eviction does not really read the beat.
    BeatByEviction,
    /// A renewal does not really read the row of its node.
    RowByRenewal,
    /// A renewal does not really read the beat before.
    BeatByRenewal,
    /// A claim does not really read the row of the claimant.
    OwnRowByClaim,
    /// A claim does not really read who owns the event.
    OwnerByClaim,
    /// A transfer does not really read the row of whom it gives to.
    OtherRowByTransfer,
    /// Who owns the event is not written again by a claim of the owner itself.
    OwnerWrittenByItsClaim,
}

/// The model.
#[derive(Debug)]
pub struct Lease {
    bounds: LeaseBounds,
    omitted: Omitted,
    transactions: Transactions,
    seen: Seen,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaseState {
    rows: RowsId,
    nodes: Vec<Node>,
    /// Transactions that nobody waits for.
    flying: Vec<Sent>,
    registered: u8,
    changes: u8,
    faults: u8,
    /// Renewals that have landed, of each registration.
    renewed: Vec<u8>,
    broken: rules::Broken,
}

/// A registration, as a number from 1.
type Registration = u8;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
struct Node {
    /// What it is registered as, and the number of its last beat.
    me: Option<(Registration, u8)>,
    /// It has heard that it is registered: before it claims nothing.
    is_registered: bool,
    /// It believes that it owns the event.
    owns: bool,
    /// A transfer or release of unknown outcome: nothing else is done with the event before it is known.
    gives: Option<Wish>,
    /// The beat that it has seen of each registration, and how many renewals had landed then.
    seen: Vec<Option<(u8, u8)>>,
    /// Its membership does one thing at a time, and so does its ownership.
    lease: Option<Sent>,
    ownership: Option<Sent>,
}

/// What a process wishes of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wish {
    /// Write the next beat.
    Renew,
    /// Evict this registration.
    Evict(Registration),
    /// Remove the rows of this registration.
    Forget(Registration),
    /// Own the event.
    Claim,
    /// Give the event to this registration.
    Transfer(Registration),
    /// Let the event sleep.
    Release,
}

/// A transaction that has read, and has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Sent {
    by: Registration,
    wish: Wish,
    footprint: FootprintId,
    /// What is answered when it has landed.
    answer: Answer,
    /// Renewals of the evicted that had landed when its beat was seen.
    renewed_when_seen: u8,
    has_landed: bool,
    /// What it read has changed: it cannot land.
    is_doomed: bool,
}

/// What a transaction says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Answer {
    /// It is done, or was done.
    Done,
    /// It was not: the node is not registered any more.
    Lost,
    /// It was not, for another reason.
    Not,
}

impl From<Renewed> for Answer {
    fn from(renewed: Renewed) -> Answer {
        match renewed {
            Renewed::Written => Answer::Done,
            Renewed::Evicted => Answer::Lost,
            Renewed::Unknown => Answer::Not,
        }
    }
}

/// What happens next. Processes are named by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A process registers under a new id: its first beat is under way.
    Join(usize),
    /// A transaction begins: it reads.
    Begin(usize, Wish),
    /// A process looks at the beat of a registration.
    Look(usize, Registration),
    /// The transaction of the membership (`true`) or the ownership lands, or conflicts.
    Land(usize, bool),
    /// Its process is told.
    Deliver(usize, bool),
    /// Its process is told nothing, and begins the same again, as `transact` does.
    LoseAnswer(usize, bool),
    /// Its process is told nothing, and tries no more.
    GiveUp(usize, bool),
    /// A transaction lands that nobody waits for.
    LandLate(usize),
    /// A process ends.
    Crash(usize),
}

impl Lease {
    /// Within these bounds, perhaps with a defect.
    #[must_use]
    pub fn new(bounds: LeaseBounds, omitted: Omitted) -> Lease {
        Lease { bounds, omitted, transactions: Transactions::default(), seen: Seen::default() }
    }

    /// How often each thing happened that the model is about, over all steps that were explored.
    #[must_use]
    pub fn seen(&self) -> Vec<(&'static str, u64)> {
        self.seen.counts()
    }
}
