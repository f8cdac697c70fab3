//! A node: the place where a writer lives, with its clocks and its failures.

mod encoder;
mod open;
mod pace;

use std::collections::BTreeMap;

use tessera_inventory::{Sequence, Timestamp};
use tessera_writer::{Activation, ClockReading, ClockWitness, Head, Monotonic, Refused, Writer};

use crate::catalogue::WALL_BASE_MS;
use crate::disturbance::Evidence;
use crate::oracle::TurnBegun;
use crate::store::StoreAnswer;
pub(crate) use encoder::{Fuse, Planned, WorldEncoder};
pub(crate) use open::Open;
use pace::Pace;

/// A reply ticket: the number of one attempt of one client.
pub(crate) type Attempt = u64;

/// The writer as it runs in the world.
pub(crate) type WorldWriter = Writer<Attempt, WorldEncoder>;

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
    /// The turn that its writer began last.
    pub(crate) turn: TurnBegun,
    /// How far its writer has published.
    pub(crate) published: Sequence,
    /// It was given a record that was not written where it stood.
    pub(crate) is_garbled: bool,
    /// It knows that its lease is gone.
    pub(crate) lease_lost: bool,
    /// What its writer has taken and not answered.
    pub(crate) open: Open,
    /// The refusals that its writer has put out to be proven, by their numbers.
    pub(crate) proven: BTreeMap<u64, Refused>,
    /// How its writer keeps time.
    pub(crate) pace: Pace,
    /// A handler of its writer panics at the next encoding.
    pub(crate) fuse: Fuse,
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
    Log { after: Sequence },
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
            turn: TurnBegun::default(),
            published: Sequence::ZERO,
            is_garbled: false,
            lease_lost: false,
            open: Open::default(),
            proven: BTreeMap::new(),
            pace: Pace::default(),
            fuse: Fuse::default(),
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
        let wall = self.wall(now_us);
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

    /// Its wall clock.
    pub(crate) fn wall(&self, now_us: u64) -> Timestamp {
        Timestamp((WALL_BASE_MS + now_us / 1_000).saturating_add_signed(self.skew_ms))
    }

    /// Everything in its memory is gone.
    pub(crate) fn forget(&mut self) {
        self.role = Role::Away;
        self.life += 1;
        (self.was_alone, self.lease_lost) = (false, false);
        self.proven.clear();
        (self.open, self.pace, self.fuse) = (Open::default(), Pace::default(), Fuse::default());
    }
}
