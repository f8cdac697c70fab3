//! What happens to nodes and to the store in the course of a run.

use crate::prng::Prng;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The process dies.
    Crash(usize),
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
    /// The store does not answer for so many microseconds.
    Outage(u64),
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

const SECOND_US: u64 = 1_000_000;
const HOUR_MS: i64 = 3_600_000;
/// How far ahead a node alone may be and be believed: the world sees no more, or its deadlines would take hours.
pub(crate) const ALONE_AHEAD_MS: i64 = 60_000;
/// No clock is believed that is off by so much.
const YEARS_MS: i64 = 2 * 366 * 24 * HOUR_MS;

impl Disturbance {
    pub(crate) fn draw(prng: &mut Prng, nodes: usize) -> Disturbance {
        let node = prng.index(nodes);
        match prng.between(0, 99) {
            0..25 => Disturbance::Crash(node),
            25..40 => Disturbance::Pause(node, prng.between(1, 20) * SECOND_US),
            40..65 => Disturbance::TakeOver(node),
            65..73 => Disturbance::HandOver(node),
            73..80 => Disturbance::LoseLease(node),
            80..85 => {
                let skews = [ALONE_AHEAD_MS, -3_000, -HOUR_MS, YEARS_MS];
                let evidence = [Evidence::Own, Evidence::None][prng.index(2)];
                Disturbance::Alone(node, evidence, skews[prng.index(skews.len())])
            }
            85..90 => {
                let skews = [0, 3_000, -3_000, HOUR_MS, -HOUR_MS];
                Disturbance::Skew(node, skews[prng.index(skews.len())])
            }
            _ => Disturbance::Outage(prng.between(1, 15) * SECOND_US),
        }
    }
}
