//! Limits per address and per caller, so that one of them cannot take what belongs to all.

use std::net::IpAddr;
use std::num::NonZeroU32;

use actix_web::http::header::{HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::code::Code;
use crate::limits::RATE_LIMIT_KEYS_MAX;
use crate::problem::Problem;
use crate::settings::RateLimitSettings;

type Limiter = RateLimiter<u128, DashMapStateStore<u128>, DefaultClock>;

/// A limit over keys of 128 bits; off when it is zero.
#[derive(Debug)]
struct Limit {
    limiter: Option<Limiter>,
    burst: u32,
    clock: DefaultClock,
}

impl Limit {
    fn new(per_period: u32, burst: u32, quota: fn(NonZeroU32) -> Quota) -> Limit {
        let limiter = NonZeroU32::new(per_period).map(|rate| {
            let burst = NonZeroU32::new(burst).unwrap_or(rate);
            RateLimiter::dashmap(quota(rate).allow_burst(burst))
        });
        Limit { limiter, burst: burst.max(1), clock: DefaultClock::default() }
    }

    fn check(&self, key: u128, detail: &'static str) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            let header = |name, value: u32| (HeaderName::from_static(name), HeaderValue::from(value));
            let mut problem = Problem::new(Code::TooManyRequests, detail).retry_after(seconds);
            for (name, value) in [
                header("ratelimit-limit", self.burst),
                header("ratelimit-remaining", 0),
                header("ratelimit-reset", seconds),
            ] {
                problem = problem.with_header(name, value);
            }
            problem
        })
    }

    fn sweep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            if limiter.len() < RATE_LIMIT_KEYS_MAX / 2 {
                limiter.shrink_to_fit();
            }
        }
    }
}

/// The limits of one process.
#[derive(Debug)]
pub(crate) struct RateLimits {
    addresses: Limit,
    callers: Limit,
    minting: Limit,
}

impl RateLimits {
    pub(crate) fn new(settings: &RateLimitSettings) -> RateLimits {
        RateLimits {
            addresses: Limit::new(settings.address_per_second, settings.address_burst, Quota::per_second),
            callers: Limit::new(settings.caller_per_second, settings.caller_burst, Quota::per_second),
            minting: Limit::new(settings.minting_per_minute, settings.minting_burst, Quota::per_minute),
        }
    }

    /// Counts a request of an address.
    pub(crate) fn address(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        self.addresses.check(address_key(address), "this address sends more requests than one address may")
    }

    /// Counts a request of a buyer or an organizer.
    pub(crate) fn caller(&self, principal: u128) -> Result<(), Problem> {
        self.callers.check(principal, "you send more requests than one caller may")
    }

    /// Counts a buyer token that an address gets without a credential.
    pub(crate) fn minting(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        self.minting
            .check(address_key(address), "this address asks for more buyer tokens than one address may")
    }

    /// Forgets who has been idle; called every [`crate::limits::RATE_LIMIT_SWEEP`], which bounds what is remembered
    /// to those who came within the time that their burst needs to fill up.
    pub(crate) fn sweep(&self) {
        for limit in [&self.addresses, &self.callers, &self.minting] {
            limit.sweep();
        }
    }
}

/// IPv4 addresses count one by one, IPv6 ones by their /64: a customer commonly has that many.
fn address_key(address: Option<IpAddr>) -> u128 {
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
