//! The read version that an append uses again, instead of asking the cluster for a fresh one.
//!
//! A fresh read version costs a round trip before the read of `head`. The version of this process's last commit does as well: `head` is really
//! read at it, so that the resolver refuses the append if anybody has written `head` since. What is seen at an old version is never *said*: that
//! an append is fenced is only said after a read at a fresh version. One version serves all events of a process, the newest wins: what the
//! process itself wrote to an event is never newer than that.

use std::time::Duration;

/// How long a read version is used again. The cluster keeps versions for five seconds (`MAX_WRITE_TRANSACTION_LIFE_VERSIONS`); the last of
/// them is left for the commit to arrive. One that is older all the same is refused, and the append goes on with a fresh one.
pub const READ_VERSION_LIFE: Duration = Duration::from_secs(4);

/// The newest version that is known, and the moment before it was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadVersion {
    newest: Option<(i64, Duration)>,
}

impl ReadVersion {
    /// `version` was given by the cluster, for a question that was asked at `asked_at` on the process's clock. One that is too old gives way
    /// to a lower one, too: a cluster that was made anew counts its versions from the beginning.
    pub fn learn(&mut self, version: i64, asked_at: Duration) {
        if self.at(asked_at).is_none_or(|newest| newest <= version) {
            self.newest = Some((version, asked_at));
        }
    }

    /// The version to read at, unless it is too old.
    #[must_use]
    pub fn at(&self, now: Duration) -> Option<i64> {
        let (version, asked_at) = self.newest?;
        (now.saturating_sub(asked_at) < READ_VERSION_LIFE).then_some(version)
    }

    /// `version` did not do: it is not used again.
    pub fn forget(&mut self, version: i64) {
        self.newest = self.newest.filter(|(newest, _)| *newest > version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_newest_version_serves_until_it_is_four_seconds_old() {
        let mut version = ReadVersion::default();
        assert_eq!(version.at(at(0)), None);
        version.learn(100, at(1_000));
        version.learn(90, at(2_000));
        assert_eq!(version.at(at(4_999)), Some(100), "an answer that came late does not go back");
        assert_eq!(version.at(at(5_000)), None);
        version.learn(200, at(4_000));
        assert_eq!(version.at(at(5_000)), Some(200));
    }

    #[test]
    fn a_version_that_is_too_old_gives_way_to_a_lower_one() {
        let mut version = ReadVersion::default();
        version.learn(1_000, at(0));
        version.learn(100, at(3_999));
        assert_eq!(version.at(at(3_999)), Some(1_000));
        version.learn(100, at(4_000));
        assert_eq!(version.at(at(4_000)), Some(100), "the cluster counts anew");
        version.learn(101, at(4_001));
        assert_eq!(version.at(at(8_000)), Some(101));
    }

    #[test]
    fn what_did_not_do_is_not_used_again_but_what_is_newer_is() {
        let mut version = ReadVersion::default();
        version.learn(100, at(0));
        version.forget(100);
        assert_eq!(version.at(at(1)), None);
        version.learn(200, at(1));
        version.forget(100);
        assert_eq!(version.at(at(1)), Some(200));
    }
}
