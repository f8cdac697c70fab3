//! A node: the place where a writer lives, with its clocks and its failures.

use tessera_inventory::Timestamp;
use tessera_records::RecordEncoder;
use tessera_writer::{Activation, ClockReading, ClockWitness, Head, Monotonic, Writer};

use crate::catalogue::WALL_BASE_MS;
use crate::disturbance::Evidence;
use crate::store::StoreAnswer;

/// A reply ticket: the number of one attempt of one client.
pub(crate) type Attempt = u64;

/// The writer as it runs in the world, with the encoder of the product.
pub(crate) type WorldWriter = Writer<Attempt, RecordEncoder>;

#[derive(Debug)]
pub(crate) enum Role {
    /// It has no part in the event.
    Away,
    Activating(Box<Activation>),
    Serving(Box<WorldWriter>),
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) role: Role,
    /// Grows whenever what runs there ends: what was meant for an earlier life is lost.
    pub(crate) life: u64,
    pub(crate) paused_until_us: u64,
    /// How far its wall clock is off.
    pub(crate) skew_ms: i64,
    /// What it knows of the time beside that.
    pub(crate) evidence: Evidence,
    /// What runs there has read its clocks when it knew nothing right beside them.
    pub(crate) was_alone: bool,
    /// Logged time at which the turn under way was decided.
    pub(crate) decided_at: Timestamp,
    /// The same in the time of the world.
    pub(crate) decided_us: u64,
    /// Whether it believed its clock then.
    pub(crate) trusted: bool,
    /// It was given a record that was not written where it stood.
    pub(crate) is_garbled: bool,
    /// It knows that its lease is gone.
    pub(crate) lease_lost: bool,
    /// Counts its timers: a new one replaces the one before.
    pub(crate) timers: u64,
    origin_us: u64,
}

/// What reaches a node.
#[derive(Debug)]
pub(crate) enum NodeInput {
    Store(StoreAnswer),
    BeginTurn,
    /// The timer of this number.
    Timer(u64),
    ReadClocks,
}

/// What a node asks of the store.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Append { expected: Head, next: Head, record: std::sync::Arc<[u8]> },
    Head,
    Log { after: tessera_inventory::Sequence },
}

impl Node {
    pub(crate) fn new(origin_us: u64) -> Node {
        Node {
            role: Role::Away,
            life: 0,
            paused_until_us: 0,
            skew_ms: 0,
            evidence: Evidence::Heartbeats,
            was_alone: false,
            decided_at: Timestamp(0),
            decided_us: 0,
            trusted: false,
            is_garbled: false,
            lease_lost: false,
            timers: 0,
            origin_us,
        }
    }

    pub(crate) fn monotonic(&self, now_us: u64) -> Monotonic {
        Monotonic(self.origin_us + now_us)
    }

    pub(crate) fn world_us(&self, at: Monotonic) -> u64 {
        at.0.saturating_sub(self.origin_us)
    }

    /// Its clocks: the wall clock may be off, other nodes' heartbeats tell the time, while it hears them.
    pub(crate) fn reading(&mut self, now_us: u64) -> ClockReading {
        let truth_ms = WALL_BASE_MS + now_us / 1_000;
        let wall = Timestamp(truth_ms.saturating_add_signed(self.skew_ms));
        let began = Timestamp(WALL_BASE_MS.saturating_add_signed(self.skew_ms));
        let truth = ClockWitness { now: Timestamp(truth_ms), since: Timestamp(WALL_BASE_MS) };
        let witness = match self.evidence {
            Evidence::Heartbeats => Some(truth),
            Evidence::Own => Some(ClockWitness { now: wall, since: began }),
            Evidence::None => None,
        };
        self.was_alone |= self.evidence != Evidence::Heartbeats;
        ClockReading { wall, witness }
    }

    /// Everything in its memory is gone.
    pub(crate) fn forget(&mut self) {
        self.role = Role::Away;
        self.life += 1;
        (self.was_alone, self.lease_lost) = (false, false);
    }
}
