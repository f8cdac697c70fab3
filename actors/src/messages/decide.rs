//! When messages are sent, tried again, given up: without I/O.

use tessera_correspondence::{Account, Ended, Kind, Outcome, Verdict, Want};
use tessera_inventory::{ClaimState, ClaimView, Timestamp};
use tessera_writer::Monotonic;

use super::{LANE_IN_FLIGHT_MAX, Sent};
use crate::Random;
use crate::webhooks::{ASKED_PAUSE_S_MAX, PROBE_AFTER_S, RETRY_JITTER_SHARE};

/// Pauses before the second attempt of a message and those that follow, in seconds; after the last it is a dead letter.
pub const BACK_OFF_S: [u64; 6] = [30, 120, 600, 3_600, 21_600, 86_400];

/// How long a message that is told to come later waits without its attempts being counted, in milliseconds.
const PATIENCE_MS: u64 = 86_400_000;
/// A message's worth of a bucket, in thousandths.
const WHOLE: u64 = 1_000;

/// A token bucket: how many messages of a lane may be sent now. It holds as many as a second gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    per_second: u64,
    /// Thousandths of messages.
    level: u64,
    at: Timestamp,
}

impl Bucket {
    /// A full one.
    pub(super) fn full(per_second: u32, now: Timestamp) -> Bucket {
        let per_second = u64::from(per_second.max(1));
        Bucket { per_second, level: per_second * WHOLE, at: now }
    }

    /// How many messages may be sent now.
    pub(super) fn available(&mut self, now: Timestamp) -> usize {
        // A thousandth of a message per millisecond and message a second. A clock that is set back gives nothing.
        let gained = now.0.saturating_sub(self.at.0).saturating_mul(self.per_second);
        self.level = self.level.saturating_add(gained).min(self.per_second * WHOLE);
        self.at = now;
        usize::try_from(self.level / WHOLE).unwrap_or(usize::MAX)
    }

    /// So many were sent.
    pub(super) fn take(&mut self, messages: usize) {
        self.level = self.level.saturating_sub(messages as u64 * WHOLE);
    }

    /// So many were not sent after all.
    pub(super) fn give_back(&mut self, messages: usize) {
        let level = self.level.saturating_add(messages as u64 * WHOLE);
        self.level = level.min(self.per_second * WHOLE);
    }

    /// How long until one may be sent, in milliseconds.
    pub(super) fn wait_ms(&self) -> u64 {
        WHOLE.saturating_sub(self.level).div_ceil(self.per_second)
    }
}

/// What holds a place in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) emergencies: usize,
    pub(super) others: usize,
}

impl Held {
    pub(super) fn all(self) -> usize {
        self.emergencies + self.others
    }
}

/// What is begun of what is due: emergencies have half of the places to themselves, and what either leaves is the other's.
pub(super) fn shared_out(
    mut emergencies: Vec<Want>,
    mut others: Vec<Want>,
    room: usize,
    held: Held,
) -> Vec<Want> {
    let left_by_others = room.saturating_sub(others.len());
    let own = (room + held.all()).div_ceil(2).saturating_sub(held.emergencies);
    emergencies.truncate(own.max(left_by_others).min(room));
    others.truncate(room.saturating_sub(emergencies.len()));
    emergencies.extend(others);
    emergencies
}

/// Whether nobody needs to hear it any more.
pub(super) fn is_overtaken(want: &Want, now: Timestamp) -> bool {
    want.expires_at.is_some_and(|expires_at| now >= expires_at)
}

/// Whether what a message says of a claim is so: nobody is reminded of a hold that was given back, or whose payment has begun.
pub(super) fn stands(want: &Want, view: &ClaimView) -> bool {
    want.kind != Kind::HoldEnding || view.state == ClaimState::Held
}

/// What follows for a message.
pub(super) fn outcome(want: Want, sent: &Sent, now: Timestamp, random: &dyn Random) -> Outcome {
    let attempt = |asked: Option<Timestamp>| {
        let next = usize::try_from(want.attempts).ok().and_then(|at| BACK_OFF_S.get(at));
        match next {
            None => Verdict::Ended(Ended::Dead),
            Some(pause_s) => {
                let asked = asked.map(|until| bounded(until, now));
                Verdict::Again(later(now, *pause_s, random).max(asked.unwrap_or(now)))
            }
        }
    };
    let (verdict, error) = match sent {
        Sent::Taken => (Verdict::Ended(Ended::Delivered), None),
        Sent::Pointless => (Verdict::Ended(Ended::Overtaken), None),
        Sent::Refused { reason, .. } | Sent::Untried { reason, .. } => {
            (Verdict::Ended(Ended::Dead), Some(reason.clone()))
        }
        Sent::Failed { reason, not_before, .. } => (attempt(*not_before), Some(reason.clone())),
        // An account that never has room must not keep it for ever.
        Sent::Busy { reason, until, .. } if want.place.at.plus_ms(PATIENCE_MS) <= now => {
            (attempt(Some(*until)), Some(reason.clone()))
        }
        Sent::Busy { reason, until, .. } => (Verdict::Later(bounded(*until, now)), Some(reason.clone())),
    };
    Outcome { want, verdict, error }
}

/// How an attempt began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    /// When.
    pub(super) at: Monotonic,
    /// How often its account had failed.
    pub(super) failures: u32,
    /// Whether it is an emergency.
    pub(super) is_emergency: bool,
}

/// What an attempt says of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It works.
    Works,
    /// It fails.
    Fails,
    /// Neither.
    Nothing,
}

/// What was heard of an account by an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) sign: Sign,
    /// How often the account had failed when the attempt began.
    pub(super) failures: u32,
    /// Until when it asks to be left alone.
    pub(super) asked: Option<Timestamp>,
}

/// What the attempts of a lane have said of its account so far.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    worked_at: Option<Monotonic>,
    /// Messages that failed since.
    failed: usize,
}

impl Pulse {
    /// An attempt has ended. What is about one message only is not its account's failure, unless it is the probe of one that fails, or as many
    /// failed one after the other as may be under way; and never where each message has an account of its own, since a stranger named it.
    pub(super) fn hear(
        &mut self,
        begun: Begun,
        at: Monotonic,
        sent: Option<&Sent>,
        is_of_strangers: bool,
    ) -> Heard {
        let asked = match sent {
            Some(Sent::Failed { not_before, .. }) => *not_before,
            Some(Sent::Busy { until, is_account: true, .. }) => Some(*until),
            _ => None,
        };
        let sign = match sent {
            None | Some(Sent::Busy { .. } | Sent::Untried { .. } | Sent::Pointless) => Sign::Nothing,
            Some(Sent::Taken | Sent::Refused { .. }) => {
                (self.worked_at, self.failed) = (Some(at), 0);
                Sign::Works
            }
            Some(Sent::Failed { is_account: false, .. }) if is_of_strangers => Sign::Works,
            // Another has been taken since it began.
            Some(Sent::Failed { .. }) if self.worked_at.is_some_and(|worked_at| worked_at > begun.at) => {
                Sign::Nothing
            }
            Some(Sent::Failed { is_account, .. }) => {
                self.failed = self.failed.saturating_add(1);
                let is_accounts = *is_account || begun.failures > 0 || self.failed >= LANE_IN_FLIGHT_MAX;
                if is_accounts { Sign::Fails } else { Sign::Nothing }
            }
        };
        Heard { sign, failures: begun.failures, asked }
    }
}

/// How an account stands after these attempts: how often it has failed, and until when nothing is sent.
pub(super) fn standing(
    account: Account,
    heard: &[Heard],
    now: Timestamp,
    random: &dyn Random,
) -> (u32, Option<Timestamp>) {
    let asked = heard.iter().filter_map(|one| one.asked).max().map(|until| bounded(until, now));
    let stands = account.paused_until.filter(|until| *until > now).max(asked);
    if heard.iter().any(|one| one.sign == Sign::Works) {
        return (0, stands);
    }
    // What began before it failed the last time says nothing new.
    let is_news = |one: &Heard| one.sign == Sign::Fails && one.failures == account.failures;
    if !heard.iter().any(is_news) {
        return (account.failures, stands);
    }
    let at = usize::try_from(account.failures).unwrap_or(usize::MAX).min(PROBE_AFTER_S.len() - 1);
    let probe_at = later(now, PROBE_AFTER_S[at], random);
    (account.failures.saturating_add(1), Some(probe_at).max(stands))
}

/// As long as an account may ask for.
fn bounded(until: Timestamp, now: Timestamp) -> Timestamp {
    until.min(now.plus_ms(ASKED_PAUSE_S_MAX * 1_000))
}

/// After a pause, a share of it earlier or later.
fn later(now: Timestamp, pause_s: u64, random: &dyn Random) -> Timestamp {
    let pause_ms = pause_s * 1_000;
    let share_ms = pause_ms / RETRY_JITTER_SHARE;
    let jitter_ms = u64::try_from(random.bits() % u128::from(2 * share_ms)).unwrap_or_default();
    now.plus_ms(pause_ms - share_ms + jitter_ms)
}

#[cfg(test)]
mod tests {
    use tessera_correspondence::Recipient;
    use tessera_inventory::{ClaimNumber, EventId, Sequence, Subject};
    use tessera_store::keys::MessagePlace;

    use super::*;

    struct Bits(u128);

    impl Random for Bits {
        fn bits(&self) -> u128 {
            self.0
        }
    }

    const NOW: Timestamp = Timestamp(1_000_000);

    fn want(kind: Kind, attempts: u32) -> Want {
        let place = MessagePlace {
            at: NOW,
            event: EventId(1),
            sequence: Sequence(2),
            recipient: 3,
            kind: kind.number(),
        };
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
            attempts,
            last_error: None,
        }
    }

    fn failed(is_account: bool, not_before: Option<Timestamp>) -> Sent {
        Sent::Failed { reason: "451".to_owned(), is_account, not_before }
    }

    fn busy(ms: u64, is_account: bool) -> Sent {
        Sent::Busy { reason: "429".to_owned(), until: NOW.plus_ms(ms), is_account }
    }

    #[test]
    fn a_message_that_is_told_to_come_later_does_so_and_not_for_ever() {
        let early = outcome(want(Kind::Offer, 2), &busy(700, false), NOW, &Bits(0));
        assert_eq!(early.verdict, Verdict::Later(NOW.plus_ms(700)));
        let long = outcome(want(Kind::Offer, 2), &busy(u64::MAX / 2, true), NOW, &Bits(0));
        assert_eq!(long.verdict, Verdict::Later(NOW.plus_ms(3_600_000)));
        let late = NOW.plus_ms(PATIENCE_MS);
        let counted = outcome(want(Kind::Offer, 0), &busy(PATIENCE_MS + 700, false), late, &Bits(0));
        assert_eq!(counted.verdict, Verdict::Again(late.plus_ms(27_000)));
        let last = outcome(want(Kind::Offer, 6), &busy(PATIENCE_MS, false), late, &Bits(0));
        assert_eq!(last.verdict, Verdict::Ended(Ended::Dead));
    }

    #[test]
    fn a_bucket_gives_as_many_a_second_as_it_says_and_saves_no_more() {
        let mut bucket = Bucket::full(2, NOW);
        assert_eq!(bucket.available(NOW), 2);
        bucket.take(2);
        assert_eq!((bucket.available(NOW), bucket.wait_ms()), (0, 500));
        assert_eq!(bucket.available(NOW.plus_ms(499)), 0);
        assert_eq!(bucket.available(NOW.plus_ms(500)), 1);
        assert_eq!(bucket.available(NOW.plus_ms(60_000)), 2);
        assert_eq!(bucket.available(NOW), 2, "a clock that is set back");
    }

    #[test]
    fn emergencies_have_half_and_what_is_left() {
        let check = |emergencies: usize, others: usize, expected: (usize, usize)| {
            let of = |kind, count| vec![want(kind, 0); count];
            let (emergencies_due, others_due) = (of(Kind::Emergency, emergencies), of(Kind::Offer, others));
            let shared = shared_out(emergencies_due, others_due, 8, Held::default());
            let urgent = shared.iter().filter(|want| want.kind == Kind::Offer).count();
            assert_eq!((shared.len() - urgent, urgent), expected, "{emergencies} {others}");
        };
        check(8, 8, (4, 4));
        check(8, 0, (8, 0));
        check(0, 8, (0, 8));
        check(8, 2, (6, 2));
        check(1, 8, (1, 7));
        let next = |emergencies, others| {
            let due = |kind| vec![want(kind, 0); 8];
            shared_out(due(Kind::Emergency), due(Kind::Offer), 1, Held { emergencies, others })[0].kind
        };
        assert_eq!((next(3, 4), next(4, 3)), (Kind::Emergency, Kind::Offer), "by what has a place already");
    }

    #[test]
    fn a_message_is_tried_seven_times_and_then_it_is_dead() {
        for (attempts, pause_s) in (0..).zip(BACK_OFF_S) {
            for bits in [0, u128::MAX] {
                let outcome = outcome(want(Kind::Offer, attempts), &failed(true, None), NOW, &Bits(bits));
                let Verdict::Again(at) = outcome.verdict else { panic!("attempt {attempts} was the last") };
                let pause_ms = at.0 - NOW.0;
                assert!((pause_s * 900..=pause_s * 1_100).contains(&pause_ms), "{pause_ms}");
            }
        }
        let last = outcome(want(Kind::Offer, 6), &failed(false, None), NOW, &Bits(0));
        assert_eq!((last.verdict, last.error), (Verdict::Ended(Ended::Dead), Some("451".to_owned())));
        let refused = Sent::Refused { reason: "550".to_owned(), is_address_dead: true };
        let refused = outcome(want(Kind::Offer, 0), &refused, NOW, &Bits(0));
        assert_eq!(refused.verdict, Verdict::Ended(Ended::Dead));
        let untried = Sent::Untried { reason: "no template".to_owned(), is_address_dead: false };
        let untried = outcome(want(Kind::Offer, 0), &untried, NOW, &Bits(0));
        assert_eq!(untried.verdict, Verdict::Ended(Ended::Dead));
        assert_eq!(untried.error, Some("no template".to_owned()));
        let asked = failed(true, Some(NOW.plus_ms(1_800_000)));
        let asked = outcome(want(Kind::Offer, 0), &asked, NOW, &Bits(0)).verdict;
        assert_eq!(asked, Verdict::Again(NOW.plus_ms(1_800_000)), "as the account asks");
    }

    /// What one attempt after the other says, all of them begun at once.
    fn heard(failures: u32, sents: &[Sent], is_of_strangers: bool) -> Vec<Heard> {
        let (mut pulse, begun) =
            (Pulse::default(), Begun { at: Monotonic(5), failures, is_emergency: false });
        let ended = |(at, sent)| pulse.hear(begun, Monotonic(at), Some(sent), is_of_strangers);
        (9..).zip(sents).map(ended).collect()
    }

    #[test]
    fn an_account_pauses_when_it_fails_and_not_for_one_message() {
        let check = |failures, sents: &[Sent], expected: (u32, Option<u64>)| {
            let account = Account { failures, ..Account::default() };
            let (count, until) = standing(account, &heard(failures, sents, false), NOW, &Bits(0));
            let pause_s = until.map(|until| (until.0 - NOW.0).div_ceil(900));
            assert_eq!((count, pause_s), expected, "{failures} {sents:?}");
        };
        check(0, &[failed(true, None)], (1, Some(5)));
        check(3, &[failed(true, None)], (4, Some(40)));
        check(u32::MAX, &[failed(false, None)], (u32::MAX, Some(300)));
        check(0, &[failed(false, None)], (0, None));
        check(0, &vec![failed(false, None); LANE_IN_FLIGHT_MAX - 1], (0, None));
        check(0, &vec![failed(false, None); LANE_IN_FLIGHT_MAX], (1, Some(5)));
        check(2, &[failed(true, None), Sent::Taken], (0, None));
        check(0, &[Sent::Taken, failed(true, None)], (0, None));
        check(2, &[Sent::Refused { reason: String::new(), is_address_dead: false }], (0, None));
        let untried = || Sent::Untried { reason: String::new(), is_address_dead: true };
        check(2, &[untried()], (2, None));
        check(0, &[failed(true, None), untried()], (1, Some(5)));
        check(2, &[], (2, None));
        check(2, &[Sent::Pointless], (2, None));
        check(0, &[failed(true, Some(NOW.plus_ms(90_000)))], (1, Some(100)));
        check(0, &[busy(1_800, true), Sent::Taken], (0, Some(2)));
        check(2, &[busy(1_800, true)], (2, Some(2)));
        check(0, &[busy(1_800, false), failed(false, None)], (0, None));
    }

    #[test]
    fn what_failed_together_counts_once_and_lifts_no_pause() {
        let pause = NOW.plus_ms(4_000);
        let account = Account { failures: 1, paused_until: Some(pause), ..Account::default() };
        let check = |sents: &[Sent], expected| {
            assert_eq!(standing(account, &heard(0, sents, false), NOW, &Bits(0)), expected, "{sents:?}");
        };
        check(&[failed(true, None), failed(true, None)], (1, Some(pause)));
        check(&[Sent::Taken], (0, Some(pause)));
        let over = Account { paused_until: Some(NOW), ..account };
        assert_eq!(standing(over, &heard(1, &[Sent::Taken], false), NOW, &Bits(0)), (0, None));
    }

    #[test]
    fn addresses_of_strangers_that_fail_are_no_failure_of_the_account() {
        let sents = vec![failed(false, None); 3 * LANE_IN_FLIGHT_MAX];
        for failures in [0, 2] {
            let account = Account { failures, ..Account::default() };
            let stands = standing(account, &heard(failures, &sents, true), NOW, &Bits(0));
            assert_eq!(stands, (0, None));
        }
        let refused = heard(0, &[failed(true, None)], true);
        assert_eq!(refused[0].sign, Sign::Fails);
    }

    #[test]
    fn what_is_too_late_is_not_said() {
        let late = Want { expires_at: Some(NOW), ..want(Kind::Offer, 0) };
        assert!(is_overtaken(&late, NOW) && !is_overtaken(&late, Timestamp(NOW.0 - 1)));
        assert!(!is_overtaken(&want(Kind::Offer, 0), NOW));
    }

    #[test]
    fn nobody_is_reminded_of_what_is_not_held_any_more() {
        let check = |kind, state, expected| {
            let view = ClaimView {
                number: ClaimNumber(1),
                state,
                subject: Subject(4),
                deadline_at: Some(NOW),
                origin: None,
                renewals: 0,
                attempts: 0,
                lines: Vec::new(),
                quoted_minor: None,
                payment: None,
                tickets: Vec::new(),
                refunded_minor: 0,
                in_dispute: false,
            };
            assert_eq!(stands(&want(kind, 0), &view), expected, "{kind:?} {state:?}");
        };
        check(Kind::HoldEnding, ClaimState::Held, true);
        check(Kind::HoldEnding, ClaimState::PaymentInFlight, false);
        check(Kind::HoldEnding, ClaimState::Paid, false);
        check(Kind::HoldEnding, ClaimState::Ended, false);
        check(Kind::Offer, ClaimState::PaymentInFlight, true);
    }
}
