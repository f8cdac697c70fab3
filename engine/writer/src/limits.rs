//! Every limit of the writer, and the relations between them.

use tessera_inventory::{CHANNELS_MAX, TICKET_TYPES_MAX};

/// Most requests decided in one turn.
pub const TURN_COMMANDS_MAX: usize = 1_024;
/// Of those, kept for new holds while any wait, so that the first lane cannot starve the second.
pub const TURN_NEW_RESERVED: usize = 128;
/// A turn takes no further request once those taken weigh this much, in bytes.
pub const TURN_BYTES_MAX: usize = 1_048_576;
/// Of those, kept for new holds.
pub const TURN_NEW_BYTES_RESERVED: usize = 131_072;
/// Most requests waiting on existing holds, orders and tickets, where the machine keeps the queues. This is the reserved capacity:
/// new holds cannot use it. The supervision tree keeps the queues in front of the machine, under limits of its own, and hands over a
/// turn's worth of each lane ([`TURN_COMMANDS_MAX`]), so that this and the next bound are never met there.
pub const EXISTING_QUEUE_MAX: usize = 4_096;
/// Most new holds waiting.
pub const NEW_QUEUE_MAX: usize = 8_192;
/// Most bytes waiting in one lane. One request larger than that is admitted to an empty lane only.
pub const LANE_BYTES_MAX: usize = 16_777_216;
/// Most holds expired in one turn before its commands are decided; the rest waits for the next turn.
pub const EXPIRIES_PER_TURN_MAX: u32 = 10_000;
/// Most events that time causes in one turn, of whatever kind: more than everything that one configuration lets happen at one instant.
pub const DUE_EVENTS_PER_TURN_MAX: u32 = 1_024;
/// Most consequences of one turn, offers to who waits above all; what is left is the first thing that the next turn does.
pub const CONSEQUENCES_PER_TURN_MAX: u32 = 4_096;
/// A turn's events are split over successive records of about this size, in bytes.
pub const RECORD_BYTES_MAX: usize = 1_000_000;
/// Largest single event, in bytes: a command that would cause a larger one is refused. Below the store's limit of 10 MB.
pub const EVENT_BYTES_MAX: usize = 8_000_000;
/// First wait before an append is submitted again, in milliseconds; it doubles with every attempt.
pub const RESUBMIT_MS_MIN: u64 = 5;
/// Longest wait before an append is submitted again, in milliseconds.
pub const RESUBMIT_MS_MAX: u64 = 2_000;
/// Attempts without an answer after which operators are told and new holds are turned away.
pub const STALLED_ATTEMPTS: u32 = 5;
/// A writer that hands over submits its last append this often before it leaves its outcome unknown.
pub const HAND_OVER_ATTEMPTS_MAX: u32 = 8;
/// How long a refusal is answered again to the same key and body, in milliseconds.
pub const REFUSAL_KEPT_MS: u64 = 60_000;
/// Most refusals kept: those of a minute at 16,000 a second. Each takes about 60 bytes with its place in the index, and only while it is
/// kept: a hot event reaches 60 MB, any other next to nothing. Beyond it the oldest are forgotten early.
pub const REFUSALS_MAX: usize = 1_000_000;
/// Most bytes that the reasons of the refusals kept may take, tens of thousands; a refusal shares one of the sixteen newest reasons if
/// that is its own. Beyond it the oldest refusals are forgotten early.
pub const REFUSALS_BYTES_MAX: usize = 4_194_304;
/// How far wall time may lie behind the last logged time at activation, in milliseconds.
pub const CLOCK_BEHIND_MS_MAX: u64 = 5_000;
/// How far wall time may differ from a witness, in milliseconds: the bound by which an opening or an expiry can be early.
pub const CLOCK_DISAGREEMENT_MS_MAX: u64 = 10_000;
/// How far wall time may lie ahead of the last logged time where nobody has watched it pass, in milliseconds (400 days): an event that
/// is announced a year ahead may sleep through restarts.
pub const CLOCK_AHEAD_MS_MAX: u64 = 400 * 24 * 60 * 60_000;
/// How often an activation claims a head that moves under it before it leaves the event to its owner.
pub const CLAIMS_MAX: u32 = 16;
/// Failures of an event's writer that quarantine it, without a quiet span of [`QUARANTINE_QUIET_MS`] between any two of them.
pub const QUARANTINE_FAILURES: u32 = 5;
/// A writer that has not failed for so long begins anew, in milliseconds (an hour). So long, because a command that panics is repeated by
/// its client as often as it pleases: every 15 seconds it would crash the event for ever if a minute were enough.
pub const QUARANTINE_QUIET_MS: u64 = 3_600_000;
/// Wait before the first restart, in milliseconds; it doubles with every failure that is counted.
pub const RESTART_MS_MIN: u64 = 100;
/// Longest wait before a restart, in milliseconds.
pub const RESTART_MS_MAX: u64 = 5_000;

const _: () = {
    // Both ends of every sale window, every channel's release, the three openings of the schedule.
    assert!(DUE_EVENTS_PER_TURN_MAX as usize > 2 * TICKET_TYPES_MAX + CHANNELS_MAX + 3);
    assert!(TURN_NEW_RESERVED < TURN_COMMANDS_MAX && TURN_NEW_BYTES_RESERVED < TURN_BYTES_MAX);
    assert!(TURN_COMMANDS_MAX <= EXISTING_QUEUE_MAX && TURN_COMMANDS_MAX <= NEW_QUEUE_MAX);
    assert!(RECORD_BYTES_MAX < EVENT_BYTES_MAX);
    assert!(RESUBMIT_MS_MIN < RESUBMIT_MS_MAX);
    // The wait for a restart is no quiet span, or no event could ever be quarantined.
    assert!(RESTART_MS_MAX < QUARANTINE_QUIET_MS);
};
