//! What a run does and what goes wrong in it.

use tessera_store::memory::AppendFault;
use tessera_writer::WriterOptions;

use crate::disturbance::Disturbance;

/// Makes the options of a writer from its fresh owner number. Mutants come in here.
pub type MakeOptions = fn(u128) -> WriterOptions;

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

/// Everything that decides a run besides its seed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Nodes that may own the event.
    pub nodes: usize,
    /// Buyers.
    pub buyers: usize,
    /// Holds that each buyer tries to place.
    pub wishes: u32,
    /// Units for sale.
    pub capacity: u32,
    /// Of a thousand appends, so many meet a fault.
    pub append_faults: u64,
    /// The faults that such appends meet.
    pub append_fault_kinds: Vec<AppendFault>,
    /// An append up to this one (from 1) meets the first of the kinds, whatever the odds.
    pub append_faults_first: u64,
    /// Faults of nodes and of the store in the course of the run.
    pub disturbances: u64,
    /// Of a thousand requests, so many go to a node that is not known as the owner.
    pub stale_routes: u64,
    /// Of a thousand answers to a buyer, so many are lost.
    pub lost_answers: u64,
    /// Longest way between a node and the store, in microseconds.
    pub store_delay_us_max: u64,
    /// When faults cease, in microseconds.
    pub faults_end_us: u64,
    /// Faults at chosen times, in microseconds.
    pub script: Vec<(u64, Disturbance)>,
    /// Calls without their node.
    pub orphans: Orphans,
    /// One kill at a chosen point.
    pub crash: Option<Crash>,
    /// Bytes of one record: small, so that turns are split.
    pub record_bytes_max: usize,
    /// Of a thousand activations, so many begin with a snapshot.
    pub snapshots: u64,
    /// Of a thousand requests, so many take the key of the one before, with another body.
    pub reused_keys: u64,
    /// How nodes make their writers.
    pub options: MakeOptions,
    /// Keep the lines of the trace.
    pub keep_trace: bool,
}

impl Plan {
    /// Several nodes, everything that can go wrong.
    #[must_use]
    pub fn stormy() -> Plan {
        Plan {
            nodes: 3,
            buyers: 6,
            wishes: 12,
            capacity: 20,
            append_faults: 120,
            append_fault_kinds: vec![
                AppendFault::UnknownApplied,
                AppendFault::UnknownNotApplied,
                AppendFault::UnknownAppliedLater,
                AppendFault::UnknownAppliedLater,
                AppendFault::UnknownApplied,
                AppendFault::UnknownNotApplied,
                AppendFault::TakenOver,
                AppendFault::Fatal,
            ],
            append_faults_first: 0,
            disturbances: 24,
            stale_routes: 120,
            lost_answers: 60,
            store_delay_us_max: 3_000,
            faults_end_us: 240_000_000,
            script: Vec::new(),
            orphans: Orphans::Any,
            crash: None,
            record_bytes_max: 150,
            snapshots: 400,
            reused_keys: 20,
            options: WriterOptions::new,
            keep_trace: false,
        }
    }

    /// One node, nothing goes wrong.
    #[must_use]
    pub fn calm() -> Plan {
        Plan {
            nodes: 1,
            buyers: 3,
            wishes: 3,
            capacity: 4,
            append_faults: 0,
            append_fault_kinds: vec![AppendFault::None],
            disturbances: 0,
            stale_routes: 0,
            lost_answers: 0,
            record_bytes_max: tessera_writer::RECORD_BYTES_MAX,
            snapshots: 0,
            reused_keys: 0,
            store_delay_us_max: 1_000,
            faults_end_us: 60_000_000,
            orphans: Orphans::Land,
            ..Plan::stormy()
        }
    }
}
