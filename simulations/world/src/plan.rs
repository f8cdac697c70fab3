//! What a run does and what goes wrong in it.

mod crowd;
mod mix;
mod ownership;
mod paying;
mod swarm;

use tessera_inventory::{Phase, WaitlistOrder};
use tessera_store::memory::AppendFault;

use crate::disturbance::Disturbance;
use crate::mutant::Mutant;
use crate::prng::Prng;
pub use mix::Mix;
pub use ownership::Ownership;
pub use paying::{Paying, Till};

/// Where a node is killed, at its `nth` such point (from 1), once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Before an output or an input is handled, whichever comes as the `nth` step of that node.
    Step,
    /// A batch was decided and is not submitted yet.
    BeforeAppend,
    /// A batch was submitted; the store has not answered.
    InFlight,
    /// A batch is durable; no reply has left.
    BeforeReply,
    /// Replies have left; the new availability is not published.
    BeforePublish,
}

/// Kill a node at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Where.
    pub point: CrashPoint,
    /// At which of these points, counted over all nodes from 1.
    pub nth: u64,
}

/// What becomes of calls to the store whose node was killed before they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// They arrive.
    Land,
    /// They are lost.
    Lost,
    /// They arrive seconds later, when another writer may be at work.
    Late,
    /// Any of these, by the seed.
    Any,
}

/// What is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Venue {
    /// A floor of this capacity, a type of it that sells for a part of the run, two rows of five seats.
    Small(u32),
    /// The same, with a line that is served in this order for those who wait, and with entry lists.
    Lined(u32, WaitlistOrder),
    /// Anything of at most 64 seats, by its number.
    Drawn(u64),
}

/// What the organizer does, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// The first configuration.
    Configure,
    /// Another phase.
    Phase(Phase),
    /// More units of the first pool at another price, and fewer a person.
    Raise,
    /// Some edits of the configuration, sound or not.
    Edit,
    /// Withdraw some units.
    Kill,
    /// Bring some back.
    Restore,
    /// Give what is left of a channel to everyone.
    ReleaseChannel,
}

/// Where the log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// In a value that keeps what it has committed: a store that is a service of its own.
    Service,
    /// In the product's journal on a disk that fails, which all nodes share.
    Journal,
}

/// What the network does to messages, each of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Network {
    /// Lost on the way.
    pub lost: u64,
    /// Arriving twice, the second time up to minutes later.
    pub duplicated: u64,
    /// Overtaken by later ones.
    pub delayed: u64,
}

/// Everything that decides a run besides its seed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Nodes that may own the event.
    pub nodes: usize,
    /// Buyers.
    pub buyers: usize,
    /// Requests for holds that each buyer makes.
    pub wishes: u32,
    /// Gates with devices that may be offline; each asks as often as a buyer.
    pub doors: usize,
    /// Longest time a client thinks before its next request, in microseconds. It is shorter than a hold lasts.
    pub think_us_max: u64,
    /// What is sold.
    pub venue: Venue,
    /// What clients do.
    pub mix: Mix,
    /// What the organizer does.
    pub duties: Vec<Duty>,
    /// Of a thousand appends, so many meet a fault.
    pub append_faults: u64,
    /// The faults that such appends meet.
    pub append_fault_kinds: Vec<AppendFault>,
    /// Of a thousand requests, so many go to a node that is not known as the owner.
    pub stale_routes: u64,
    /// What the network does.
    pub network: Network,
    /// Longest way between a node and the store, in microseconds.
    pub store_delay_us_max: u64,
    /// When faults cease, in microseconds.
    pub faults_end_us: u64,
    /// What goes wrong at which time, in microseconds.
    pub script: Vec<(u64, Disturbance)>,
    /// Calls without their node.
    pub orphans: Orphans,
    /// One kill at a chosen point.
    pub crash: Option<Crash>,
    /// Bytes of one record: small, so that turns are split.
    pub record_bytes_max: usize,
    /// Of a thousand times that a shadow follows the log, so many end in a snapshot, which activations begin with.
    pub snapshots: u64,
    /// Of a thousand requests, so many take the key of the one before, with another body.
    pub reused_keys: u64,
    /// Whether refusals are put out to be proven.
    pub receipts: bool,
    /// Where the log stands.
    pub media: Media,
    /// Of a thousand reads of the log, so many bring a record that was not written there.
    pub garbled_reads: u64,
    /// Of a thousand steps of a follower, so many meet a fault of the table.
    pub table_faults: u64,
    /// Of a thousand looks at an owner that may rest, so many put the event to rest.
    pub rests: u64,
    /// Nodes own the event by the protocol of a cluster; `None`: as the script and the world say.
    pub ownership: Option<Ownership>,
    /// Buyers pay at providers; `None`: whoever says that it was paid is believed.
    pub paying: Option<Paying>,
    /// A deliberate defect.
    pub mutant: Option<Mutant>,
    /// Keep the lines of the trace.
    pub keep_trace: bool,
}

/// What the organizer of a named case does: the sale opens by its schedule, or by command where time does not open it; it pauses, the
/// configuration changes, units are withdrawn for a while.
const DUTIES: [Duty; 12] = [
    Duty::Configure,
    Duty::Phase(Phase::Scheduled),
    Duty::Phase(Phase::OnSale),
    Duty::Phase(Phase::Paused),
    Duty::Phase(Phase::OnSale),
    Duty::Raise,
    Duty::Kill,
    Duty::Kill,
    Duty::Phase(Phase::Paused),
    Duty::Phase(Phase::OnSale),
    Duty::Restore,
    Duty::Restore,
];

/// The lease of nodes in a world that gets the protocol for the sake of a defect, in milliseconds.
const LEASE_MS: u64 = 3_000;

impl Plan {
    /// Several nodes, everything that can go wrong, in the small venue.
    #[must_use]
    pub fn stormy(seed: u64) -> Plan {
        const DISTURBANCES: usize = 24;
        let mut prng = Prng::new(seed ^ 0x5707);
        let (nodes, faults_end_us) = (3, 240_000_000);
        let disturbance = |_| (prng.between(0, faults_end_us - 1), Disturbance::draw(&mut prng, nodes));
        Plan {
            script: (0..DISTURBANCES).map(disturbance).collect(),
            nodes,
            buyers: 6,
            wishes: 12,
            venue: Venue::Small(20),
            append_faults: 120,
            append_fault_kinds: vec![
                AppendFault::UnknownApplied,
                AppendFault::UnknownNotApplied,
                AppendFault::UnknownAppliedLater,
                AppendFault::TakenOver,
                AppendFault::Fatal,
            ],
            stale_routes: 120,
            network: Network { lost: 30, duplicated: 30, delayed: 60 },
            store_delay_us_max: 3_000,
            faults_end_us,
            orphans: Orphans::Any,
            record_bytes_max: 150,
            snapshots: 400,
            reused_keys: 20,
            receipts: true,
            garbled_reads: 100,
            table_faults: 100,
            rests: 300,
            ..Plan::calm()
        }
    }

    /// The same world with a deliberate defect.
    #[must_use]
    pub fn with(self, mutant: Mutant) -> Plan {
        let plan = match mutant {
            Mutant::Cluster(_) if self.ownership.is_none() => self.owned(LEASE_MS),
            Mutant::Payment(_) | Mutant::Money(_) => self.surely_paid(),
            _ => self,
        };
        let media = if matches!(mutant, Mutant::Journal(_)) { Media::Journal } else { plan.media };
        Plan { mutant: Some(mutant), media, ..plan }
    }

    /// One node, nothing goes wrong.
    #[must_use]
    pub fn calm() -> Plan {
        Plan {
            nodes: 1,
            buyers: 3,
            wishes: 3,
            doors: 0,
            think_us_max: 59_000_000,
            venue: Venue::Small(4),
            mix: Mix::usual(),
            duties: DUTIES.to_vec(),
            append_faults: 0,
            append_fault_kinds: vec![AppendFault::None],
            stale_routes: 0,
            network: Network::default(),
            script: Vec::new(),
            record_bytes_max: tessera_writer::RECORD_BYTES_MAX,
            snapshots: 0,
            reused_keys: 0,
            receipts: false,
            store_delay_us_max: 1_000,
            faults_end_us: 60_000_000,
            orphans: Orphans::Land,
            crash: None,
            media: Media::Service,
            garbled_reads: 0,
            table_faults: 0,
            rests: 0,
            ownership: None,
            paying: None,
            mutant: None,
            keep_trace: false,
        }
    }
}
