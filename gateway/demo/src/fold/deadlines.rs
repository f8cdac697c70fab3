//! I5 along the feed: what is held ends at its deadline, never before, and not much later.

use jiff::{SignedDuration, Timestamp};

use super::Fold;
use super::units::Claim;
use crate::feed::{Change, Item};

/// Longest that a hold or a payment whose time is over may live on while commands are accepted: the turns that many expiries at once take.
pub(super) const LATE_MAX: SignedDuration = SignedDuration::from_secs(10);

impl Fold<'_> {
    /// I5: what is due ends before anybody's command is accepted. What time does may come late, after a pause of the server: nobody
    /// was served in between.
    pub(super) fn check_overdue(&mut self, item: &Item) {
        let by_time = matches!(
            item.change,
            Change::Expired { .. } | Change::SaleWindowChanged { .. } | Change::ChannelReleased { .. }
        );
        let Some((due_at, number)) = self.due.first().copied().filter(|_| !by_time) else { return };
        let at = item.at;
        let late = at.duration_since(due_at);
        if late > LATE_MAX && self.overdue.replace(number) != Some(number) {
            let detail = format!("the hold of sequence {number} was due at {due_at} and lives on at {at}");
            self.report("I5", self.sequence, detail);
        }
    }

    /// I5: nobody goes on with a hold or a payment whose time is over.
    pub(super) fn check_in_time(&mut self, at: Timestamp, number: u64, hold: &str) {
        let due_at = self.claims.get(&number).map(Claim::due_at);
        if let Some(due_at) = due_at.filter(|due_at| *due_at <= at) {
            self.report(
                "I5",
                self.sequence,
                format!("{hold} went on at {at}, but its time was over at {due_at}"),
            );
        }
    }

    /// Everything that is due up to this deadline and hold ends.
    pub(super) fn expire(&mut self, at: Timestamp, deadline_at: Timestamp, hold: &str, count: u32) {
        let Some(last) = self.number(hold) else {
            return self.report("I5", self.sequence, format!("{hold} expired but was never placed"));
        };
        if at < deadline_at {
            self.report(
                "I5",
                self.sequence,
                format!("{hold} expired at {at}, before its deadline {deadline_at}"),
            );
        }
        let ended: Vec<u64> = self.due.range(..=(deadline_at, last)).map(|(_, number)| *number).collect();
        if ended.len() != count as usize {
            self.report("I5", self.sequence, format!("{count} expired, but {} were due", ended.len()));
        }
        self.expired += u64::from(count);
        ended.into_iter().for_each(|number| self.end(number));
    }
}
