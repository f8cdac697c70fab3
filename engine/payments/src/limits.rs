//! The named limits of payments.

/// Payments that a desk looks after at once; more are left in the rows until there is room.
pub const IN_HAND_MAX: usize = 256;
/// Payments in hand where more are brought to the desk than it asked for: what is told beyond is left to the rows.
pub const TOLD_MAX: usize = 2_048;
/// Calls of a desk under way at once.
pub const CALLS_MAX: usize = 256;
/// Payments that are recorded in one transaction.
pub const RECORDED_MAX: usize = 256;
/// News of one payment that are recorded in one transaction.
pub const NEWS_MAX: usize = 512;
/// Refunds of one payment that are known of a provider, those of the lowest ids: a row must fit into a value.
pub const REFUND_FACTS_MAX: usize = 250;
/// Disputes of one payment that are known of a provider, those of the lowest ids.
pub const DISPUTE_FACTS_MAX: usize = 50;
/// So often money that comes late is offered while the answer is "not now": about an hour.
pub const OFFERS_MAX: u32 = 20;

/// The first pause before a call or an ask is made again, in milliseconds; it doubles.
pub(crate) const AGAIN_MS_MIN: u64 = 1_000;
/// The longest such pause, in milliseconds; also the pause after a provider said that it does not know us.
pub(crate) const AGAIN_MS_MAX: u64 = 300_000;
/// When a provider is asked how a payment stands, after one look or the beginning, in milliseconds; beyond the table it doubles.
pub(crate) const LOOKS_MS: [u64; 5] = [15_000, 30_000, 60_000, 120_000, 300_000];
/// The longest time between two looks, in milliseconds.
pub(crate) const LOOK_MS_MAX: u64 = 3_600_000;
/// The rows are read at least so often, in milliseconds, should nobody say that one was written.
pub(crate) const IDLE_MS: u64 = 10_000;
/// Between looks at what takes days (a refund that is pending, a fee that is not known yet), in milliseconds.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// A key is used for two thirds of its life, and whether it was executed is looked up after five sixths of it. The sixth between is for what
/// is on the way: no call under the old key can arrive after the look.
pub(crate) const KEY_USED: (u64, u64) = (2, 3);
/// See [`KEY_USED`].
pub(crate) const KEY_LOOKED_AFTER: (u64, u64) = (5, 6);

const _: () = assert!(KEY_USED.0 * KEY_LOOKED_AFTER.1 < KEY_LOOKED_AFTER.0 * KEY_USED.1);
const _: () = assert!(CALLS_MAX >= IN_HAND_MAX && TOLD_MAX > IN_HAND_MAX);
