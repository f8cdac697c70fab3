//! Deliberate defects, each to be found by the oracle within a stated number of seeds.

use tessera_embedded::Mutant as Journal;
use tessera_inventory::Mutant as Inventory;
use tessera_money::Mutant as Money;
use tessera_payments::Mutant as Payment;
use tessera_projections::Mutant as Follower;
use tessera_store::Mutant as Snapshot;
use tessera_writer::{Mutant as Writer, WriterOptions};

use crate::cluster::ClusterMutant as Cluster;
use crate::plan::Plan;
use crate::world::{Failure, run};

/// A defect of some part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Of the writer's protocol, of its activation, or of the inventory inside.
    Writer(Writer),
    /// Of the journal or its recovery: such a world stands on the journal.
    Journal(Journal),
    /// Of the followers and their cursors, or of receipts.
    Follower(Follower),
    /// Of the snapshots that are stored.
    Snapshot(Snapshot),
    /// Of the shell around the protocol of ownership: such a world has that protocol.
    Cluster(Cluster),
    /// Of what decides about payments: such a world has providers.
    Payment(Payment),
    /// Of the rows of payments, their follower, or the ledger: such a world has providers.
    Money(Money),
}

/// A defect with its name.
#[derive(Clone, Copy, Debug)]
pub struct NamedMutant {
    /// What `--mutant` calls it.
    pub name: &'static str,
    /// The defect.
    pub mutant: Mutant,
    /// Within so many seeds from 0 it is caught.
    pub seeds_max: u64,
}

const fn writer(name: &'static str, mutant: Writer, seeds_max: u64) -> NamedMutant {
    NamedMutant { name, mutant: Mutant::Writer(mutant), seeds_max }
}

const fn journal(name: &'static str, mutant: Journal, seeds_max: u64) -> NamedMutant {
    NamedMutant { name, mutant: Mutant::Journal(mutant), seeds_max }
}

const fn follower(name: &'static str, mutant: Follower, seeds_max: u64) -> NamedMutant {
    NamedMutant { name, mutant: Mutant::Follower(mutant), seeds_max }
}

const fn snapshot(name: &'static str, mutant: Snapshot, seeds_max: u64) -> NamedMutant {
    NamedMutant { name, mutant: Mutant::Snapshot(mutant), seeds_max }
}

const fn cluster(name: &'static str, mutant: Cluster, seeds_max: u64) -> NamedMutant {
    NamedMutant { name, mutant: Mutant::Cluster(mutant), seeds_max }
}

const fn payment(name: &'static str, mutant: Payment, seeds_max: u64) -> NamedMutant {
    NamedMutant { name, mutant: Mutant::Payment(mutant), seeds_max }
}

const fn money(name: &'static str, mutant: Money, seeds_max: u64) -> NamedMutant {
    NamedMutant { name, mutant: Mutant::Money(mutant), seeds_max }
}

const fn inventory(name: &'static str, mutant: Inventory, seeds_max: u64) -> NamedMutant {
    writer(name, Writer::Inventory(mutant), seeds_max)
}

/// Every defect.
pub const MUTANTS: [NamedMutant; 99] = [
    writer("reply-before-commit", Writer::ReplyBeforeCommit, 10),
    writer("skip-head-read", Writer::SkipHeadRead, 100),
    writer("refuse-without-verifying", Writer::RefuseWithoutVerifying, 100),
    writer("expiry-off-by-one", Writer::ExpiryOffByOne, 10),
    writer("late-expiry", Writer::LateExpiry, 10),
    writer("commands-before-deadlines", Writer::CommandsBeforeDeadlines, 50),
    writer("wall-believed", Writer::WallBelieved, 50),
    writer("timer-forgotten", Writer::TimerForgotten, 20),
    writer("not-executed-after-deciding", Writer::NotExecutedAfterDeciding, 100),
    writer("idempotency-lost-on-replay", Writer::IdempotencyLostOnReplay, 20),
    writer("decide-again-after-unknown", Writer::DecideAgainAfterUnknown, 50),
    writer("skip-claim", Writer::SkipClaim, 10),
    writer("chain-not-checked", Writer::ChainNotChecked, 100),
    writer("snapshot-off-by-one", Writer::SnapshotOffByOne, 20),
    writer("untold-after-panic", Writer::UntoldAfterPanic, 100),
    writer("untold-at-closing", Writer::UntoldAtClosing, 100),
    writer("unknown-after-commit", Writer::UnknownAfterCommit, 10),
    writer("fence-adopted", Writer::FenceAdopted, 50),
    writer("publication-forgotten", Writer::PublicationForgotten, 10),
    writer("decided-for-the-gone", Writer::DecidedForTheGone, 50),
    writer("given-up-early", Writer::GivenUpEarly, 50),
    writer("timer-late", Writer::TimerLate, 20),
    writer("wakes-late", Writer::WakesLate, 50),
    writer("refusals-forgotten", Writer::RefusalsForgotten, 50),
    writer("refusals-kept", Writer::RefusalsKept, 100),
    writer("refusal-named-again", Writer::RefusalNamedAgain, 10),
    writer("claim-left-out", Writer::ClaimLeftOut, 10),
    writer("refusal-unproven", Writer::RefusalUnproven, 20),
    inventory("key-forgotten", Inventory::KeyForgotten, 200),
    inventory("paused-sells", Inventory::PausedSells, 50),
    inventory("renewed-past-life", Inventory::RenewedPastLife, 100),
    inventory("grace-shortens-hold", Inventory::GraceShortensHold, 20),
    inventory("attempts-uncounted", Inventory::AttemptsUncounted, 50),
    inventory("refunded-twice", Inventory::RefundedTwice, 50),
    inventory("code-outlives-transfer", Inventory::CodeOutlivesTransfer, 50),
    inventory("stranding-unchecked", Inventory::StrandingUnchecked, 50),
    inventory("unit-returned-twice", Inventory::UnitReturnedTwice, 50),
    inventory("channel-share-leaks", Inventory::ChannelShareLeaks, 300),
    inventory("waiting-kill-forgotten", Inventory::WaitingKillForgotten, 100),
    inventory("expiry-drops-tail", Inventory::ExpiryDropsTail, 50),
    inventory("extra-subjects-uncounted", Inventory::ExtraSubjectsUncounted, 50),
    inventory("channel-keeps-seats", Inventory::ChannelKeepsSeats, 100),
    inventory("learnt-subjects-stay", Inventory::LearntSubjectsStay, 300),
    inventory("any-attempt-fails", Inventory::AnyAttemptFails, 200),
    inventory("refund-beyond-total", Inventory::RefundBeyondTotal, 100),
    inventory("late-sale-unlimited", Inventory::LateSaleUnlimited, 400),
    inventory("dispute-ignored", Inventory::DisputeIgnored, 200),
    inventory("newest-served", Inventory::NewestServed, 200),
    inventory("mark-forgotten", Inventory::MarkForgotten, 200),
    inventory("bucket-skipped", Inventory::BucketSkipped, 200),
    inventory("waitlist-passed", Inventory::WaitlistPassed, 200),
    inventory("head-passed", Inventory::HeadPassed, 200),
    inventory("offer-kept-in-line", Inventory::OfferKeptInLine, 200),
    inventory("offer-accepted-twice", Inventory::OfferAcceptedTwice, 200),
    inventory("second-admission", Inventory::SecondAdmission, 200),
    inventory("refunded-admitted", Inventory::RefundedAdmitted, 200),
    inventory("conflict-unrecorded", Inventory::ConflictUnrecorded, 200),
    inventory("scan-counted-twice", Inventory::ScanCountedTwice, 200),
    inventory("last-upload-wins", Inventory::LastUploadWins, 200),
    inventory("fact-refused", Inventory::FactRefused, 200),
    journal("sync-skipped", Journal::SyncSkipped, 50),
    journal("failed-sync-trusted", Journal::FailedSyncTrusted, 200),
    journal("anchor-ignored", Journal::AnchorIgnored, 200),
    journal("torn-tail-accepted", Journal::TornTailAccepted, 200),
    follower("overtaking-unnoticed", Follower::OvertakingUnnoticed, 50),
    follower("fence-ignored", Follower::FenceIgnored, 50),
    follower("tail-unread", Follower::TailUnread, 10),
    follower("strangers-listed", Follower::StrangersListed, 50),
    snapshot("older-snapshot-wins", Snapshot::OlderSnapshotWins, 400),
    snapshot("cleared-chunks-unnoticed", Snapshot::ClearedChunksUnnoticed, 400),
    follower("tree-forked", Follower::TreeForked, 100),
    follower("proven-forgotten", Follower::ProvenForgotten, 200),
    follower("page-begins-late", Follower::PageBeginsLate, 10),
    follower("signed-untimely", Follower::SignedUntimely, 100),
    cluster("beat-unread", Cluster::BeatUnread, 100),
    cluster("evicted-early", Cluster::EvictedEarly, 100),
    cluster("loss-ignored", Cluster::LossIgnored, 100),
    cluster("given-while-serving", Cluster::GivenWhileServing, 100),
    cluster("nothing-adopted", Cluster::NothingAdopted, 100),
    payment("key-drawn-anew", Payment::KeyDrawnAnew, 50),
    payment("status-goes-back", Payment::StatusGoesBack, 50),
    payment("capture-before-confirm", Payment::CaptureBeforeConfirm, 50),
    payment("void-forgotten", Payment::VoidForgotten, 50),
    payment("late-money-kept", Payment::LateMoneyKept, 50),
    payment("short-money-sells", Payment::ShortMoneySells, 200),
    payment("unknown-is-refused", Payment::UnknownIsRefused, 50),
    payment("late-sale-untried", Payment::LateSaleUntried, 50),
    payment("unpaid-stays-sold", Payment::UnpaidStaysSold, 50),
    payment("excess-kept", Payment::ExcessKept, 200),
    payment("calls-unrecorded", Payment::CallsUnrecorded, 50),
    payment("never-looks-up", Payment::NeverLooksUp, 50),
    payment("given-back-unbooked", Payment::GivenBackUnbooked, 50),
    payment("dispute-untold", Payment::DisputeUntold, 50),
    money("others-not-released", Money::OthersNotReleased, 50),
    money("expiry-unheard", Money::ExpiryUnheard, 50),
    money("refund-unwanted", Money::RefundUnwanted, 200),
    money("booked-again", Money::BookedAgain, 50),
    money("unpaid-not-reversed", Money::UnpaidNotReversed, 50),
    money("due-forgotten", Money::DueForgotten, 50),
];

impl NamedMutant {
    /// The defect of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<NamedMutant> {
        MUTANTS.into_iter().find(|mutant| mutant.name == name)
    }

    /// The first seed of the swarm that catches it, with the failure; `None` when it escapes.
    #[must_use]
    pub fn catch(&self) -> Option<(u64, Box<Failure>)> {
        (0..self.seeds_max)
            .find_map(|seed| Some((seed, run(seed, &Plan::drawn(seed).with(self.mutant)).err()?)))
    }
}

impl Mutant {
    /// Options of a writer with this defect.
    pub(crate) fn options(self, owner: u128) -> WriterOptions {
        match self {
            Mutant::Writer(mutant) => WriterOptions::mutated(owner, mutant),
            Mutant::Cluster(Cluster::LossIgnored) => WriterOptions::mutated(owner, Writer::SkipHeadRead),
            Mutant::Journal(_)
            | Mutant::Follower(_)
            | Mutant::Snapshot(_)
            | Mutant::Cluster(_)
            | Mutant::Payment(_)
            | Mutant::Money(_) => WriterOptions::new(owner),
        }
    }
}
