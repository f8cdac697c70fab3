//! What the other nodes' wall clocks say about ours. Their beats tell what they read, and we tell how long ago at most: by our own monotonic clock.
//!
//! Nobody knows who is right, but that what is due may happen late and not early. So the time is what more than half of the nodes say has been
//! reached, this one counted: of three the middle one, of two the earlier.

use tessera_inventory::Timestamp;
use tessera_writer::{CLOCK_DISAGREEMENT_MS_MAX, Monotonic};

use crate::{Member, Members};

/// How the other nodes' wall clocks and ours go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherClocks {
    /// There is nobody else who could say.
    Alone,
    /// A beat is far behind our clock, and was found as it is: it may be old, or our clock ahead. That tells the next beat, or the end of its lease.
    Unknown,
    /// Most nodes say that it is as late as we do, and one of them is another.
    Agree,
    /// Nobody agrees, and yet most nodes do not say otherwise: some are ahead of ours.
    Undecided,
    /// Most nodes say that it is this, and that is far from what we say.
    Contradict(Timestamp),
}

impl Member {
    /// The reading of its wall clock now that is closest to `wall`; `None`: nobody knows how old its beat is, and it is far behind.
    fn reading(&self, wall: Timestamp, now: Monotonic) -> Option<Timestamp> {
        let earliest = self.beat.wall.plus_ms(now.since_ms(self.beat_seen_at));
        match self.beat_age_ms_max {
            Some(age_ms) => Some(wall.clamp(earliest, earliest.plus_ms(age_ms))),
            None => (wall <= earliest.plus_ms(CLOCK_DISAGREEMENT_MS_MAX)).then_some(wall.max(earliest)),
        }
    }
}

impl Members {
    /// Hold our wall clock against those of the others.
    #[must_use]
    pub fn clocks(&self, wall: Timestamp, now: Monotonic) -> OtherClocks {
        let others =
            self.nodes.keys().filter(|node| Some(**node) != self.me).filter_map(|node| self.find(*node));
        let Some(mut readings) = others.map(|member| member.reading(wall, now)).collect::<Option<Vec<_>>>()
        else {
            return OtherClocks::Unknown;
        };
        if readings.is_empty() {
            return OtherClocks::Alone;
        }
        let agrees = |time: &Timestamp| time.0.abs_diff(wall.0) <= CLOCK_DISAGREEMENT_MS_MAX;
        let one_agrees = readings.iter().any(agrees);
        readings.push(wall);
        readings.sort_unstable();
        // More than half are at least as late as the lower one in the middle.
        let most = readings.get((readings.len() - 1) / 2).copied().unwrap_or(wall);
        match agrees(&most) {
            true if one_agrees => OtherClocks::Agree,
            true => OtherClocks::Undecided,
            false => OtherClocks::Contradict(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Beat, NodeId, NodeRow, Standing};

    const NOON: u64 = 1_790_000_000_000;
    const HOUR: i64 = 3_600_000;
    const NOW: Monotonic = Monotonic(5_000_000);

    /// Other nodes whose wall clocks are off so much; two seconds ago their beats were seen, which were at most so old.
    fn others(off_ms: &[i64], beat_age_ms_max: Option<u64>) -> Members {
        let member = |off: i64| Member {
            row: NodeRow {
                name: String::new(),
                peer_address: String::new(),
                client_address: None,
                lease_ms: 3_000,
                release: String::new(),
                standing: Standing::Serving,
            },
            beat: Beat { wall: Timestamp(NOON.saturating_add_signed(off) - 2_000), ..Beat::default() },
            beat_seen_at: Monotonic(NOW.0 - 2_000_000),
            beat_age_ms_max,
        };
        let nodes = off_ms.iter().zip(1..).map(|(off, node)| (NodeId(node), member(*off))).collect();
        Members { me: Some(NodeId(0)), nodes }
    }

    fn check(mine_ms: i64, others_ms: &[i64], expect: OtherClocks) {
        let mine = Timestamp(NOON.saturating_add_signed(mine_ms));
        let found = others(others_ms, Some(1_000)).clocks(mine, NOW);
        assert_eq!(found, expect, "mine is {mine_ms} ms off, others {others_ms:?}");
    }

    #[test]
    fn most_nodes_say_what_time_it_is_and_of_two_the_earlier() {
        let noon = OtherClocks::Contradict(Timestamp(NOON));
        // Another's beat may be a second older than when it was seen.
        let noon_at_most = OtherClocks::Contradict(Timestamp(NOON + 1_000));
        check(0, &[], OtherClocks::Alone);
        check(0, &[0], OtherClocks::Agree);
        check(0, &[-9_000, HOUR], OtherClocks::Agree);
        check(HOUR, &[0], noon_at_most);
        check(0, &[HOUR], OtherClocks::Undecided);
        check(0, &[HOUR, -HOUR], OtherClocks::Undecided);
        check(HOUR, &[0, -HOUR], noon_at_most);
        check(-HOUR, &[HOUR, 0], noon);
        check(HOUR, &[HOUR, 0], OtherClocks::Agree);
        check(HOUR, &[HOUR, 0, 0], noon_at_most);
        check(0, &[HOUR, HOUR, 0], OtherClocks::Agree);
        check(11_000, &[0, 0], OtherClocks::Agree);
        check(11_001, &[0, 0], noon_at_most);
    }

    #[test]
    fn a_beat_that_was_found_may_be_old() {
        let mine = Timestamp(NOON);
        let check = |off_ms: i64, expect: OtherClocks| {
            assert_eq!(others(&[off_ms, 0], None).clocks(mine, NOW), expect, "{off_ms}");
        };
        check(-HOUR, OtherClocks::Unknown);
        check(-10_000, OtherClocks::Agree);
        check(HOUR, OtherClocks::Agree);
        let mut gone = others(&[-HOUR], None);
        gone.nodes.values_mut().for_each(|member| member.row.standing = Standing::Evicted);
        assert_eq!(gone.clocks(mine, NOW), OtherClocks::Alone, "who was evicted says nothing");
        assert_eq!(Members { me: None, nodes: BTreeMap::new() }.clocks(mine, NOW), OtherClocks::Alone);
    }
}
