//! Limits per address and per caller, so that one of them cannot take what belongs to all.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU128};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::code::Code;
use crate::limits::{RATE_LIMIT_KEYS_MAX, RATE_LIMIT_SHARED_BUCKETS};
use crate::problem::Problem;
use crate::settings::RateLimitSettings;

type Limiter = RateLimiter<u128, DashMapStateStore<u128>, DefaultClock, StateInformationMiddleware>;

/// How much is left of a limit after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    of: Kind,
    remaining: u32,
}

/// The limits there are, by the names that replies have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    Caller,
    Minting,
    OrganizerMinting,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Address => "address",
            Kind::Caller => "caller",
            Kind::Minting => "minting",
            Kind::OrganizerMinting => "organizer-minting",
        }
    }
}

/// A limit over keys of 128 bits; off when it is zero.
#[derive(Debug)]
struct Limit {
    kind: Kind,
    limiter: Option<Limiter>,
    /// At least as many as the limiter remembers: those of the last sweep, and one for each request since.
    remembered: AtomicUsize,
    keys_max: usize,
    burst: u32,
    /// How long the whole burst takes to fill up.
    period: Duration,
    /// `RateLimit-Policy`
    policy: HeaderValue,
    clock: DefaultClock,
}

impl Limit {
    fn new(kind: Kind, per_period: u32, burst: u32, quota: fn(NonZeroU32) -> Quota) -> Limit {
        // Without a burst of its own, what a period gives may be saved up.
        let burst = if burst == 0 { per_period } else { burst };
        let quotas = NonZeroU32::new(per_period).zip(NonZeroU32::new(burst));
        let quota = quotas.map(|(rate, burst)| quota(rate).allow_burst(burst));
        let period = quota.map_or(Duration::ZERO, |quota| quota.burst_size_replenished_in());
        let policy = format!("\"{}\";q={burst};w={}", kind.name(), whole_seconds(period));
        Limit {
            kind,
            limiter: quota
                .map(|quota| RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>()),
            remembered: AtomicUsize::new(0),
            keys_max: RATE_LIMIT_KEYS_MAX,
            burst,
            period,
            // The name of a limit, and numbers.
            policy: HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("")),
            clock: DefaultClock::default(),
        }
    }

    fn check(&self, key: u128, detail: &'static str) -> Result<Option<Left>, Problem> {
        self.check_many(key, NonZeroU32::MIN, detail)
    }

    /// Counts `count` at once, all or none; more than may be saved up are never admitted. How much is left; `None` where there is no
    /// limit.
    fn check_many(
        &self,
        key: u128,
        count: NonZeroU32,
        detail: &'static str,
    ) -> Result<Option<Left>, Problem> {
        let Some(limiter) = &self.limiter else { return Ok(None) };
        let full = self.remembered.fetch_add(1, Ordering::Relaxed) >= self.keys_max;
        let key = if full { shared_bucket(key) } else { key };
        match limiter.check_key_n(&key, count) {
            Ok(Ok(state)) => Ok(Some(Left { of: self.kind, remaining: state.remaining_burst_capacity() })),
            Ok(Err(not_until)) => {
                Err(self.refusal(count, not_until.wait_time_from(self.clock.now()), detail))
            }
            Err(_) => {
                let burst = self.burst;
                Err(Problem::new(Code::OutOfRange, format!("{detail} at once: ask for at most {burst}")))
            }
        }
    }

    /// `wait` is how long `count` of them take to be there.
    #[cold]
    fn refusal(&self, count: NonZeroU32, wait: Duration, detail: &'static str) -> Problem {
        let seconds = whole_seconds(wait).max(1);
        let each = self.period / self.burst.max(1);
        let missing = u32::try_from(wait.as_nanos().div_ceil(each.as_nanos().max(1))).unwrap_or(u32::MAX);
        let remaining = count.get().saturating_sub(missing);
        let mut problem = Problem::new(Code::TooManyRequests, detail).retry_after(seconds);
        for (name, value) in [(LIMIT, self.burst), (REMAINING, remaining), (RESET, seconds)] {
            problem = problem.with_header(name, HeaderValue::from(value));
        }
        for (name, value) in self.headers(remaining, seconds) {
            problem = problem.with_header(name, value);
        }
        problem
    }

    /// The policy, and how it stands.
    fn headers(&self, remaining: u32, seconds: u32) -> [(HeaderName, HeaderValue); 2] {
        let stands = format!("\"{}\";r={remaining};t={seconds}", self.kind.name());
        // The name of a limit, and numbers.
        let stands = HeaderValue::try_from(stands).unwrap_or_else(|_| HeaderValue::from_static(""));
        [(POLICY, self.policy.clone()), (STANDS, stands)]
    }

    /// How long it takes until everything may be asked for again, in seconds.
    fn replenished_in(&self, remaining: u32) -> u32 {
        let missing = self.burst.saturating_sub(remaining);
        whole_seconds(self.period.mul_f64(f64::from(missing) / f64::from(self.burst.max(1))))
    }

    fn sweep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            if limiter.len() < RATE_LIMIT_KEYS_MAX / 2 {
                limiter.shrink_to_fit();
            }
            self.remembered.store(limiter.len(), Ordering::Relaxed);
        }
    }
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDS: HeaderName = HeaderName::from_static("ratelimit");

/// Of a second.
const NANOSECONDS: u128 = 1_000_000_000;

/// Rounded up.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos().div_ceil(NANOSECONDS)).unwrap_or(u32::MAX)
}

/// The limits of one process.
#[derive(Debug)]
pub(crate) struct RateLimits {
    addresses: Limit,
    callers: Limit,
    minting: Limit,
    organizer_minting: Limit,
}

impl RateLimits {
    pub(crate) fn new(settings: &RateLimitSettings) -> RateLimits {
        RateLimits {
            addresses: Limit::new(
                Kind::Address,
                settings.address_per_second,
                settings.address_burst,
                Quota::per_second,
            ),
            callers: Limit::new(
                Kind::Caller,
                settings.caller_per_second,
                settings.caller_burst,
                Quota::per_second,
            ),
            minting: Limit::new(
                Kind::Minting,
                settings.minting_per_minute,
                settings.minting_burst,
                Quota::per_minute,
            ),
            organizer_minting: Limit::new(
                Kind::OrganizerMinting,
                settings.organizer_minting_per_minute,
                settings.organizer_minting_burst,
                Quota::per_minute,
            ),
        }
    }

    /// Counts a request of an address.
    pub(crate) fn address(&self, address: Option<IpAddr>) -> Result<Option<Left>, Problem> {
        self.addresses.check(address_key(address), "this address sends more requests than one address may")
    }

    /// Counts a request of a buyer or an organizer.
    pub(crate) fn caller(&self, principal: u128) -> Result<Option<Left>, Problem> {
        self.callers.check(principal, "you send more requests than one caller may")
    }

    /// Counts a buyer token that an address gets without a credential.
    pub(crate) fn minting(&self, address: Option<IpAddr>) -> Result<Option<Left>, Problem> {
        self.minting
            .check(address_key(address), "this address asks for more buyer tokens than one address may")
    }

    /// Counts buyer tokens that an organizer has made.
    pub(crate) fn minting_by(&self, organizer: NonZeroU128, tokens: usize) -> Result<Option<Left>, Problem> {
        let tokens = u32::try_from(tokens).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let detail = "this organizer asks for more buyer tokens than one organizer may";
        self.organizer_minting.check_many(organizer.get(), tokens, detail)
    }

    /// What a reply says of the limit that its request was counted against.
    pub(crate) fn headers(&self, left: Left) -> [(HeaderName, HeaderValue); 2] {
        let limit = match left.of {
            Kind::Address => &self.addresses,
            Kind::Caller => &self.callers,
            Kind::Minting => &self.minting,
            Kind::OrganizerMinting => &self.organizer_minting,
        };
        limit.headers(left.remaining, limit.replenished_in(left.remaining))
    }

    /// Forgets who has been idle; called every [`crate::limits::RATE_LIMIT_SWEEP`]. What is remembered are those who came
    /// within the time that their burst needs to fill up, at most [`RATE_LIMIT_KEYS_MAX`] and the shared buckets.
    pub(crate) fn sweep(&self) {
        for limit in [&self.addresses, &self.callers, &self.minting, &self.organizer_minting] {
            limit.sweep();
        }
    }
}

/// The bucket that a key shares while there are too many of them; it is no key of its own.
fn shared_bucket(key: u128) -> u128 {
    let folded = key ^ (key >> 64);
    !(RATE_LIMIT_SHARED_BUCKETS - 1) | (folded & (RATE_LIMIT_SHARED_BUCKETS - 1))
}

/// IPv4 addresses count one by one, IPv6 ones by their /64: a customer commonly has that many.
pub(crate) fn address_key(address: Option<IpAddr>) -> u128 {
    match address.map(|address| address.to_canonical()) {
        None => 0,
        Some(IpAddr::V4(address)) => u128::from(address.to_bits()),
        Some(IpAddr::V6(address)) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_over_its_limit_is_refused_and_others_are_not() {
        let settings = RateLimitSettings { caller_per_second: 1, caller_burst: 2, ..Default::default() };
        let limits = RateLimits::new(&settings);
        assert!(limits.caller(1).is_ok() && limits.caller(1).is_ok());
        let refused = limits.caller(1).unwrap_err();
        assert_eq!(refused.code(), Code::TooManyRequests);
        let reply = refused.response();
        assert_eq!(reply.headers().get("retry-after").unwrap(), "1");
        assert_eq!(reply.headers().get("ratelimit-limit").unwrap(), "2");
        assert!(limits.caller(2).is_ok());
    }

    #[test]
    fn what_is_left_is_told_as_the_draft_of_the_ietf_says() {
        let settings = RateLimitSettings { caller_per_second: 2, caller_burst: 10, ..Default::default() };
        let limits = RateLimits::new(&settings);
        let told = |left: Left| limits.headers(left).map(|(_, value)| value.to_str().unwrap().to_owned());
        let first = limits.caller(1).unwrap().unwrap();
        assert_eq!(told(first), ["\"caller\";q=10;w=5", "\"caller\";r=9;t=1"]);
        for _ in 0..7 {
            limits.caller(1).unwrap();
        }
        let later = limits.caller(1).unwrap().unwrap();
        assert_eq!(told(later)[1], "\"caller\";r=1;t=5");
        let many = RateLimitSettings { caller_per_second: 100_000, caller_burst: 0, ..Default::default() };
        let many = RateLimits::new(&many);
        let [_, (_, stands)] = many.headers(many.caller(1).unwrap().unwrap());
        assert_eq!(stands, "\"caller\";r=99999;t=1", "rounded up");
        let off = RateLimits::new(&RateLimitSettings { caller_per_second: 0, ..settings });
        assert_eq!(off.caller(1).unwrap(), None);
    }

    #[test]
    fn a_limit_without_a_burst_of_its_own_says_what_it_admits() {
        let settings = RateLimitSettings { caller_per_second: 3, caller_burst: 0, ..Default::default() };
        let limits = RateLimits::new(&settings);
        for _ in 0..3 {
            limits.caller(1).unwrap();
        }
        let refused = limits.caller(1).unwrap_err().response();
        assert_eq!(refused.headers().get("ratelimit-limit").unwrap(), "3");
    }

    #[test]
    fn an_organizer_makes_a_bounded_number_of_tokens() {
        let settings = RateLimitSettings {
            organizer_minting_per_minute: 1,
            organizer_minting_burst: 1_000,
            ..Default::default()
        };
        let limits = RateLimits::new(&settings);
        let organizer = NonZeroU128::MIN;
        limits.minting_by(organizer, 600).unwrap();
        let refused = limits.minting_by(organizer, 600).unwrap_err();
        assert_eq!(refused.code(), Code::TooManyRequests);
        let reply = refused.response();
        assert_eq!(reply.headers().get("ratelimit-remaining").unwrap(), "400");
        assert!(reply.headers().get("ratelimit").unwrap().to_str().unwrap().contains(";r=400;"));
        limits.minting_by(organizer, 400).unwrap();
        limits.minting_by(NonZeroU128::MAX, 1_000).unwrap();
        let never = limits.minting_by(NonZeroU128::MAX, 1_001).unwrap_err();
        assert_eq!(never.code(), Code::OutOfRange, "more than may be saved up: no wait helps");
    }

    #[test]
    fn beyond_the_keys_that_are_remembered_buckets_are_shared() {
        const KEYS: usize = 100;
        let mut limit = Limit::new(Kind::Caller, 1, 2, Quota::per_second);
        limit.keys_max = KEYS;
        // Each differs above the bits that choose a bucket.
        let key = |number: usize| (number as u128) << 32;
        let remembered = |limit: &Limit| limit.limiter.as_ref().unwrap().len();
        for number in 0..KEYS {
            limit.check(key(number), "").unwrap();
        }
        assert_eq!(remembered(&limit), KEYS);
        assert!(limit.check(key(KEYS), "").is_ok() && limit.check(key(KEYS + 1), "").is_ok());
        assert!(limit.check(key(KEYS + 2), "").is_err(), "they share what one may");
        assert_eq!(remembered(&limit), KEYS + 1);
    }

    #[test]
    fn zero_turns_a_limit_off_and_one_network_counts_as_one() {
        let off = RateLimits::new(&RateLimitSettings { address_per_second: 0, ..Default::default() });
        for _ in 0..1_000 {
            off.address(None).unwrap();
        }
        let key = |text: &str| address_key(Some(text.parse().unwrap()));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }
}
