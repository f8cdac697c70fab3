//! What happens to nodes, to the network and to the store in the course of a run.

use crate::prng::Prng;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The process dies.
    Crash(usize),
    /// A handler of the node panics: who waits there is told, and its writer is rebuilt from the log.
    Panic(usize),
    /// The node does nothing for so many microseconds, then goes on as if nothing had happened.
    Pause(usize, u64),
    /// The node takes the event over, whoever owns it.
    TakeOver(usize),
    /// The node is asked to hand over.
    HandOver(usize),
    /// The node learns that its lease is gone.
    LoseLease(usize),
    /// The node's wall clock is off by so many milliseconds from now on; it is read at activation.
    Skew(usize, i64),
    /// The node hears nobody else any more, and its wall clock is off by so many milliseconds.
    Alone(usize, Evidence, i64),
    /// An operator sets the node's wall clock right, and vouches for it where the node does not believe its clock.
    Acknowledge(usize),
    /// The store does not answer for so many microseconds.
    Outage(u64),
    /// Nothing passes from the one to the other for so many microseconds; the way back is open.
    Cut(Place, Place, u64),
    /// The disk under the journal fails in this way; a journal that is a service of its own has none.
    Disk(DiskFault),
}

/// An end of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Every client.
    Clients,
    /// A node.
    Node(usize),
    /// The store.
    Store,
}

/// What a disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskFault {
    /// Power is lost while a batch is written: of each sector that was not synced the disk keeps either state.
    TornWrite,
    /// Power is lost: everything since the last sync is gone.
    LostWrites,
    /// The next sync fails.
    FailedSync,
    /// There is no room for so many microseconds.
    Full(u64),
    /// Each sync takes seconds for so many microseconds.
    Slow(u64),
    /// For so many microseconds the disk answers syncs of the journal without doing them; then power is lost, and with it what came
    /// meanwhile.
    Lies(u64),
}

/// What a node knows of the time beside its wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Other nodes' heartbeats, which tell the truth.
    Heartbeats,
    /// An earlier reading of the same clock: as wrong as that.
    Own,
    /// Nothing.
    None,
}

/// The kinds of disturbances.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Crash,
    Panic,
    Pause,
    TakeOver,
    HandOver,
    LoseLease,
    Alone,
    Skew,
    Acknowledge,
    Outage,
    Cut,
    Disk,
}

/// How often each kind comes; some never.
#[derive(Clone, Debug)]
pub(crate) struct Weights([(Kind, u64); 12]);

const SECOND_US: u64 = 1_000_000;
const HOUR_MS: i64 = 3_600_000;
/// How far ahead a node alone may be and be believed: the world sees no more, or its deadlines would take hours.
pub(crate) const ALONE_AHEAD_MS: i64 = 60_000;
/// No clock is believed that is off by so much.
const YEARS_MS: i64 = 2 * 366 * 24 * HOUR_MS;
/// Everything at once.
const ALL: Weights = Weights([
    (Kind::Crash, 22),
    (Kind::Panic, 9),
    (Kind::Pause, 13),
    (Kind::TakeOver, 22),
    (Kind::HandOver, 8),
    (Kind::LoseLease, 7),
    (Kind::Alone, 5),
    (Kind::Skew, 5),
    (Kind::Acknowledge, 5),
    (Kind::Outage, 9),
    (Kind::Cut, 9),
    (Kind::Disk, 20),
]);

impl Disturbance {
    /// Any of them.
    pub(crate) fn draw(prng: &mut Prng, nodes: usize) -> Disturbance {
        Disturbance::draw_of(prng, nodes, &ALL).unwrap_or(Disturbance::Crash(0))
    }

    /// Which kinds are on.
    pub(crate) fn weights(prng: &mut Prng) -> Weights {
        Weights(ALL.0.map(|(kind, weight)| (kind, if prng.chance(500) { weight } else { 0 })))
    }

    /// One of those that are on; none when none is.
    pub(crate) fn draw_of(prng: &mut Prng, nodes: usize, weights: &Weights) -> Option<Disturbance> {
        let node = prng.index(nodes);
        let seconds = |prng: &mut Prng, most: u64| prng.between(1, most) * SECOND_US;
        Some(match prng.weighted(&weights.0)? {
            Kind::Crash => Disturbance::Crash(node),
            Kind::Panic => Disturbance::Panic(node),
            Kind::Pause => Disturbance::Pause(node, seconds(prng, 20)),
            Kind::TakeOver => Disturbance::TakeOver(node),
            Kind::HandOver => Disturbance::HandOver(node),
            Kind::LoseLease => Disturbance::LoseLease(node),
            Kind::Alone => {
                let skews = [ALONE_AHEAD_MS, -3_000, -HOUR_MS, YEARS_MS];
                let evidence = [Evidence::Own, Evidence::None][prng.index(2)];
                Disturbance::Alone(node, evidence, skews[prng.index(skews.len())])
            }
            Kind::Skew => {
                let skews = [0, 3_000, -3_000, HOUR_MS, -HOUR_MS];
                Disturbance::Skew(node, skews[prng.index(skews.len())])
            }
            Kind::Acknowledge => Disturbance::Acknowledge(node),
            Kind::Outage => Disturbance::Outage(seconds(prng, 15)),
            Kind::Cut => {
                let other = [Place::Clients, Place::Store][prng.index(2)];
                let (from, to) =
                    if prng.chance(500) { (Place::Node(node), other) } else { (other, Place::Node(node)) };
                Disturbance::Cut(from, to, seconds(prng, 30))
            }
            Kind::Disk => Disturbance::Disk(match prng.between(0, 12) {
                0..3 => DiskFault::TornWrite,
                3..5 => DiskFault::LostWrites,
                5..8 => DiskFault::FailedSync,
                8..10 => DiskFault::Full(seconds(prng, 60)),
                10..12 => DiskFault::Slow(seconds(prng, 10)),
                _ => DiskFault::Lies(seconds(prng, 30)),
            }),
        })
    }
}
