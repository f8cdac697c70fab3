//! The waitlist of a configuration.

use super::{Checked, problem};
use crate::{
    Config, HOLD_MS_MAX, HOLD_MS_MIN, PATIENCE_MS_MAX, WAITLIST_ENTRIES_MAX, WAITLIST_PER_SUBJECT_MAX,
    WaitlistOrder,
};

/// Whether the waitlist is sound in itself.
pub(super) fn check(config: &Config) -> Checked {
    let Some(policy) = config.waitlist.as_deref() else { return Ok(()) };
    let least_ms = u64::from(policy.order == WaitlistOrder::Accumulate);
    if !(least_ms..=PATIENCE_MS_MAX).contains(&policy.patience_ms) {
        let text = format!("is {}; use {least_ms} to {PATIENCE_MS_MAX}", policy.patience_ms);
        return Err(problem("waitlist.patience_ms", text));
    }
    if !(HOLD_MS_MIN..=HOLD_MS_MAX).contains(&policy.offer_ms) {
        let text = format!("is {}; use {HOLD_MS_MIN} to {HOLD_MS_MAX}", policy.offer_ms);
        return Err(problem("waitlist.offer_ms", text));
    }
    if !(1..=WAITLIST_ENTRIES_MAX).contains(&policy.entries_max) {
        let text = format!("is {}; use 1 to {WAITLIST_ENTRIES_MAX}", policy.entries_max);
        return Err(problem("waitlist.entries_max", text));
    }
    if !(1..=WAITLIST_PER_SUBJECT_MAX).contains(&policy.per_subject_max) {
        let text = format!("is {}; use 1 to {WAITLIST_PER_SUBJECT_MAX}", policy.per_subject_max);
        return Err(problem("waitlist.per_subject_max", text));
    }
    for (at, id) in policy.types.iter().enumerate() {
        let path = || format!("waitlist.types[{at}]");
        if id.index() >= config.ticket_types.len() {
            return Err(problem(path(), "names a ticket type that does not exist"));
        }
        if policy.types[..at].last().is_some_and(|before| before >= id) {
            return Err(problem(
                path(),
                "does not come after the one before; name each type once, ascending",
            ));
        }
    }
    Ok(())
}
