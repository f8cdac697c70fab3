//! A named limit on every queue, list, wait and batch of the supervision tree.

use tessera_writer::REFUSAL_KEPT_MS;

/// Limits that an installation may set. [`Limits::default`] is what the documentation and the benchmarks describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most new holds waiting in front of one writer.
    pub new_lane_requests_max: u32,
    /// Most bytes of new holds waiting in front of one writer.
    pub new_lane_bytes_max: u64,
    /// Most other requests (on existing holds and orders, the organizer's, reads) waiting in front of one writer;
    /// reserved for them, new holds never use it.
    pub existing_lane_requests_max: u32,
    /// Most bytes of them.
    pub existing_lane_bytes_max: u64,
    /// Most events active at once in this process.
    pub active_events_max: usize,
    /// Most callers waiting for activations, over all events.
    pub activation_waiters_max: u32,
    /// An event without requests for this long is passivated, in milliseconds.
    pub idle_ms: u64,
    /// An event with something due sooner than this is not passivated, in milliseconds.
    pub passivation_due_ms_min: u64,
    /// A seat map is published at most once in this time, in milliseconds.
    pub seat_map_refresh_ms: u64,
    /// A snapshot is written once this many events lie behind the newest one; a large state (250,000 claims) waits for as many as it has.
    pub snapshot_every_events: u64,
    /// The shadow state checks every invariant at most once in this time, in milliseconds.
    pub check_every_ms: u64,
    /// A follower rests this long between two passes over one event, in milliseconds.
    pub follower_pause_ms: u64,
    /// The follower of payments rests this long instead, in milliseconds: a buyer waits for the page of its provider.
    pub payment_pause_ms: u64,
    /// Failures of one child within [`Limits::restart_window_ms`] after which it is not restarted any more.
    pub restarts_max: u32,
    /// See [`Limits::restarts_max`], in milliseconds.
    pub restart_window_ms: u64,
    /// Pause before the first restart, in milliseconds; doubles with each, plus up to as much again of jitter.
    pub restart_backoff_ms_min: u64,
    /// Longest pause before a restart, in milliseconds, before jitter.
    pub restart_backoff_ms_max: u64,
    /// The `Retry-After` of a full queue, in milliseconds.
    pub retry_after_ms: u64,
}

/// Most wake-ups of idle events kept in memory (48 bytes each). Beyond it events with a schedule stay active.
pub const WAKE_UPS_MAX: usize = 1_000_000;
/// Most bytes of log that a follower, a shadow or a replay reads at once.
pub const LOG_READ_BYTES_MAX: usize = 4_000_000;
/// Most records of the change feed in one answer.
pub const CHANGES_MAX: usize = 1_000;
/// Large records decoded for readers of the log at the same time; others wait their turn.
pub(crate) const LARGE_DECODINGS_MAX: usize = 2;
/// Newest accepted events of one active event that are kept in memory to answer retries: about 1 MB of a busy one.
pub const RECENT_EVENTS_MAX: usize = 4_096;
/// Refusals of one active event that wait to be proven, at most: seconds of a sold-out flash, about 10 MB. Beyond it the newest are never
/// proven.
pub const REFUSED_WAITING_MAX: usize = 65_536;
/// Receipts whose leaves are made from the log at the same time; others wait their turn.
pub(crate) const RECEIPTS_PROVEN_AT_ONCE_MAX: usize = 2;
/// Lists of checkpoints, whose pages are read for them, at the same time; others wait their turn.
pub const CHECKPOINTS_LISTED_AT_ONCE_MAX: usize = 2;
/// When all places are taken, an event without requests for this long may be passivated early, in milliseconds; one that
/// refused something lately keeps its place for as long as the refusal is remembered.
pub const ROOM_IDLE_MS_MIN: u64 = 1_000;
/// Most events with a doubted clock that the status lists; it counts all.
pub const DOUBTED_CLOCKS_LISTED_MAX: usize = 100;
/// Most stuck followers that are remembered.
pub const STUCK_FOLLOWERS_MAX: usize = 1_000;
/// Activations that run at the same time; others wait their turn.
pub const ACTIVATIONS_AT_ONCE_MAX: usize = 4;
/// Calls in a row that the store does not answer and that end an activation: with the pauses between them, about two thirds of a second.
/// Others get its place then, and it is tried again after a rest.
pub const ACTIVATION_ATTEMPTS_MAX: u32 = 8;
/// Events that were witnessed and whose heads are read at once when a node starts.
pub const WITNESSED_CHECKED_AT_ONCE_MAX: usize = 64;
/// Most events that are not served and whose states are kept for readers; beyond it a state is replayed again when somebody asks for it.
pub const FROZEN_VIEWS_MAX: usize = 16;
/// When the store has not answered a call of a writer for this long, new holds are turned away and who has given up is told, in
/// milliseconds.
pub const STORE_HANGS_MS: u64 = 1_000;

const _: () = {
    // An idle event has no refusal left to remember: those who make room are asked for it by themselves.
    assert!(Limits::IDLE_MS > REFUSAL_KEPT_MS);
};

impl Limits {
    const IDLE_MS: u64 = 5 * 60_000;
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            new_lane_requests_max: 16_384,
            new_lane_bytes_max: 16_000_000,
            existing_lane_requests_max: 16_384,
            existing_lane_bytes_max: 16_000_000,
            active_events_max: 10_000,
            activation_waiters_max: 16_384,
            idle_ms: Limits::IDLE_MS,
            passivation_due_ms_min: 60_000,
            seat_map_refresh_ms: 250,
            snapshot_every_events: 250_000,
            check_every_ms: 5 * 60_000,
            follower_pause_ms: 100,
            payment_pause_ms: 5,
            restarts_max: 5,
            restart_window_ms: 60_000,
            restart_backoff_ms_min: 50,
            restart_backoff_ms_max: 10_000,
            retry_after_ms: 1_000,
        }
    }
}
