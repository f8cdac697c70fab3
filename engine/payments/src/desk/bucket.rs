//! How fast providers may be called: a bucket of tokens each, and a line in which creation goes first.

use std::collections::{BTreeMap, VecDeque};

use tessera_inventory::Timestamp;

use super::DeskOptions;
use crate::{PaymentId, ProviderId};

/// What a call costs: a bucket is filled by its rate in a millisecond.
const CALL: u64 = 1_000;

#[derive(Debug, Default)]
pub(super) struct Buckets {
    buckets: BTreeMap<ProviderId, Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    /// `None`: it is full, since nobody has called.
    tokens: Option<u64>,
    filled_at: Timestamp,
    /// A buyer waits for its page.
    creations: VecDeque<PaymentId>,
    others: VecDeque<PaymentId>,
}

impl Buckets {
    /// This payment waits for its call.
    pub(super) fn wait(&mut self, provider: ProviderId, id: PaymentId, is_creation: bool) {
        let bucket = self.buckets.entry(provider).or_default();
        if is_creation { bucket.creations.push_back(id) } else { bucket.others.push_back(id) }
    }

    /// The payment whose turn it is now.
    pub(super) fn next(
        &mut self,
        now: Timestamp,
        options: &DeskOptions,
        room: usize,
    ) -> Option<(ProviderId, PaymentId)> {
        if room == 0 {
            return None;
        }
        for (provider, bucket) in &mut self.buckets {
            bucket.fill(now, rate(options, *provider));
            if bucket.tokens >= Some(CALL) {
                let next = bucket.creations.pop_front().or_else(|| bucket.others.pop_front());
                if let Some(id) = next {
                    return Some((*provider, id));
                }
            }
        }
        None
    }

    /// The call was made.
    pub(super) fn spend(&mut self, provider: ProviderId) {
        if let Some(tokens) = self.buckets.get_mut(&provider).and_then(|bucket| bucket.tokens.as_mut()) {
            *tokens = tokens.saturating_sub(CALL);
        }
    }

    /// When the next may be called that waits; `None`: nobody waits, or for something else.
    pub(super) fn next_at(&self, now: Timestamp, options: &DeskOptions, room: usize) -> Option<Timestamp> {
        let waits = |bucket: &&Bucket| !bucket.creations.is_empty() || !bucket.others.is_empty();
        let at = |(provider, bucket): (&ProviderId, &Bucket)| {
            let missing = CALL.saturating_sub(bucket.tokens.unwrap_or(CALL));
            waits(&bucket).then(|| now.plus_ms(missing.div_ceil(rate(options, *provider))))
        };
        self.buckets.iter().filter_map(at).min().filter(|_| room > 0)
    }
}

impl Bucket {
    /// It holds what comes in a second, and one call at least.
    fn fill(&mut self, now: Timestamp, rate: u64) {
        let most = rate.saturating_mul(1_000).max(CALL);
        let came = now.0.saturating_sub(self.filled_at.0).saturating_mul(rate);
        self.tokens = Some(self.tokens.map_or(most, |tokens| tokens.saturating_add(came).min(most)));
        self.filled_at = self.filled_at.max(now);
    }
}

/// Tokens that come in a millisecond, which is calls a second.
fn rate(options: &DeskOptions, provider: ProviderId) -> u64 {
    u64::from(options.abilities(provider).calls_per_second.max(1))
}
