//! What a lane has under way. Up to [`LANE_IN_FLIGHT_MAX`] of its messages hold a place; what ends gives its place to the next at once, whatever
//! the others do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tessera_correspondence::{Class, Outcome, Want};
use tessera_inventory::Timestamp;
use tessera_store::keys::MessagePlace;
use tessera_writer::Monotonic;

use super::decide::{Begun, Bucket, Heard, Held, Pulse};
use super::{Channel, LANE_IN_FLIGHT_MAX, LANE_UNDER_WAY_MAX, SLOW_AFTER_MS, Sent};

/// What came of an attempt: what follows for its message, and how it was taken, if it was sent.
pub(crate) type Tried = (Outcome, Option<Sent>);

/// The lane of a channel.
pub(super) struct Lane {
    pub(super) channel: Arc<dyn Channel>,
    /// Whether a round is under way.
    pub(super) runs: bool,
    /// Something came during the round.
    pub(super) again: bool,
    /// The sleep it is in, and when that ends: an earlier one wakes nobody.
    pub(super) sleep: u64,
    pub(super) wakes_at: Option<Monotonic>,
    bucket: Bucket,
    pulse: Pulse,
    under_way: BTreeMap<MessagePlace, Begun>,
    /// What has ended and is not recorded yet.
    ended: Vec<(Outcome, Heard)>,
}

/// What a lane brings to a round.
#[derive(Debug)]
pub(super) struct Brought {
    /// What has ended since the last.
    pub(super) ended: Vec<(Outcome, Heard)>,
    /// What is under way.
    pub(super) under_way: BTreeSet<MessagePlace>,
    /// Of that, what holds a place.
    pub(super) held: Held,
    /// How many more may be begun.
    pub(super) allowed: usize,
}

impl Lane {
    pub(super) fn new(channel: Arc<dyn Channel>, now: Timestamp) -> Lane {
        Lane {
            bucket: Bucket::full(channel.per_second(), now),
            channel,
            runs: false,
            again: false,
            sleep: 0,
            wakes_at: None,
            pulse: Pulse::default(),
            under_way: BTreeMap::new(),
            ended: Vec::new(),
        }
    }

    /// What it brings to a round that begins now; `None`: there is nothing to be recorded, and nothing may be begun.
    pub(super) fn brings(&mut self, now: Timestamp, at: Monotonic, is_ours: bool) -> Option<Brought> {
        let held = self.held(at);
        let places = LANE_IN_FLIGHT_MAX.saturating_sub(held.all());
        let places = places.min(LANE_UNDER_WAY_MAX.saturating_sub(self.under_way.len()));
        let allowed = if is_ours { self.bucket.available(now).min(places) } else { 0 };
        let ended = self.ended.clone();
        let under_way = self.under_way.keys().copied().collect();
        (allowed > 0 || !ended.is_empty()).then_some(Brought { ended, under_way, held, allowed })
    }

    /// How long until it may begin something else, in milliseconds; `None`: not before what is under way ends.
    pub(super) fn wait_ms(&self, at: Monotonic) -> Option<u64> {
        let bucket_ms = self.bucket.wait_ms();
        if bucket_ms > 0 {
            return Some(bucket_ms);
        }
        let young = self.under_way.values().filter(|begun| self.holds(begun, at));
        let slow_in_ms = young.map(|begun| SLOW_AFTER_MS.saturating_sub(at.since_ms(begun.at)).max(1)).min();
        slow_in_ms.filter(|_| self.is_of_strangers())
    }

    /// An attempt begins, of an account that had failed so often.
    pub(super) fn begins(&mut self, want: &Want, failures: u32, at: Monotonic) {
        self.bucket.take(1);
        let is_emergency = want.kind.class() == Class::Emergency;
        self.under_way.insert(want.place, Begun { at, failures, is_emergency });
    }

    /// An attempt has ended.
    pub(super) fn ends(&mut self, (outcome, sent): Tried, at: Monotonic) {
        let Some(begun) = self.under_way.remove(&outcome.want.place) else { return };
        if sent.is_none() {
            self.bucket.give_back(1);
        }
        let heard = self.pulse.hear(begun, at, sent.as_ref(), self.is_of_strangers());
        self.ended.push((outcome, heard));
    }

    /// An attempt has ended of which nothing is known.
    pub(super) fn loses(&mut self, place: &MessagePlace) {
        self.under_way.remove(place);
    }

    /// The first so many of what has ended are recorded.
    pub(super) fn recorded(&mut self, count: usize) -> Vec<Outcome> {
        let count = count.min(self.ended.len());
        self.ended.drain(..count).map(|(outcome, _)| outcome).collect()
    }

    fn is_of_strangers(&self) -> bool {
        self.channel.medium().is_of_strangers()
    }

    /// Whether an attempt holds a place. An address that a stranger named and that hangs gives it up.
    fn holds(&self, begun: &Begun, at: Monotonic) -> bool {
        !self.is_of_strangers() || at.since_ms(begun.at) < SLOW_AFTER_MS
    }

    fn held(&self, at: Monotonic) -> Held {
        let holding = || self.under_way.values().filter(|begun| self.holds(begun, at));
        let emergencies = holding().filter(|begun| begun.is_emergency).count();
        Held { emergencies, others: holding().count() - emergencies }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use tessera_correspondence::{Ended, Kind, Medium, Recipient, Verdict};
    use tessera_inventory::{EventId, Sequence, Subject};

    use super::super::{Letter, Reached};
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const AT: Monotonic = Monotonic(0);

    struct Nobody(Medium);

    impl Channel for Nobody {
        fn medium(&self) -> Medium {
            self.0
        }

        fn account(&self) -> &'static str {
            "nobody"
        }

        fn per_second(&self) -> u32 {
            1_000
        }

        fn address(&self, _: &Reached) -> Option<String> {
            None
        }

        fn send(&self, _: Letter) -> BoxFuture<'static, Sent> {
            futures::future::pending().boxed()
        }
    }

    fn lane(medium: Medium) -> Lane {
        Lane::new(Arc::new(Nobody(medium)), NOW)
    }

    fn message(recipient: u64) -> Want {
        let (kind, sequence) = (Kind::Offer, Sequence(2));
        let place = MessagePlace { at: NOW, event: EventId(1), sequence, recipient, kind: kind.number() };
        Want {
            place,
            kind,
            recipient: Recipient { subject: Subject(4), order: None },
            order: None,
            tickets: Vec::new(),
            dispute: None,
            is_giver: false,
            expires_at: None,
            due_at: NOW,
            attempts: 0,
            last_error: None,
        }
    }

    fn delivered(recipient: u64) -> Tried {
        let verdict = Verdict::Ended(Ended::Delivered);
        (Outcome { want: message(recipient), verdict, error: None }, Some(Sent::Taken))
    }

    fn allowed(lane: &mut Lane, at: Monotonic) -> usize {
        lane.brings(NOW, at, true).map_or(0, |brought| brought.allowed)
    }

    #[test]
    fn what_ends_gives_its_place_to_the_next_whatever_the_others_do() {
        let mut lane = lane(Medium::Email);
        for recipient in 0..8 {
            lane.begins(&message(recipient), 0, AT);
        }
        assert!(lane.brings(NOW, AT.plus_ms(9_000), true).is_none());
        assert_eq!(lane.wait_ms(AT), None, "only what ends helps");
        lane.ends(delivered(3), AT.plus_ms(1));
        let brought = lane.brings(NOW, AT.plus_ms(1), true).unwrap();
        assert_eq!((brought.allowed, brought.ended.len(), brought.under_way.len()), (1, 1, 7));
        let elsewhere = lane.brings(NOW, AT.plus_ms(1), false).unwrap();
        assert_eq!(
            (elsewhere.allowed, elsewhere.ended.len()),
            (0, 1),
            "what has ended is recorded all the same"
        );
        lane.ends(delivered(4), AT.plus_ms(2));
        assert_eq!(lane.recorded(1)[0].want, message(3));
        assert_eq!(lane.brings(NOW, AT.plus_ms(2), true).unwrap().ended[0].0.want, message(4));
    }

    #[test]
    fn who_hangs_gives_its_place_up_where_strangers_name_the_addresses() {
        let mut lane = lane(Medium::Push);
        for recipient in 0..8 {
            lane.begins(&message(recipient), 0, AT);
        }
        assert_eq!((allowed(&mut lane, AT), lane.wait_ms(AT.plus_ms(1))), (0, Some(SLOW_AFTER_MS - 1)));
        let slow = AT.plus_ms(SLOW_AFTER_MS);
        assert_eq!((allowed(&mut lane, slow), lane.wait_ms(slow)), (LANE_IN_FLIGHT_MAX, None));
        let most = u64::try_from(LANE_UNDER_WAY_MAX).unwrap();
        for recipient in 8..most {
            lane.begins(&message(recipient), 0, AT);
        }
        assert_eq!(allowed(&mut lane, slow), 0, "there is an end to it");
        lane.loses(&message(5).place);
        assert_eq!(allowed(&mut lane, slow), 1);
    }

    #[test]
    fn what_was_not_sent_leaves_its_share_of_the_rate() {
        let mut lane = lane(Medium::Email);
        let before = lane.bucket;
        lane.begins(&message(1), 0, AT);
        let (outcome, _) = delivered(1);
        lane.ends((outcome, None), AT);
        assert_eq!(lane.bucket, before);
    }
}
