//! Every metric of the supervision tree. Handles are made once; nothing is looked up per command.
//!
//! The recorder must be installed before [`crate::Platform::start`], or the metrics go nowhere.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tessera_writer::Reply;

/// Kinds of what writers decide and read, as metric labels.
const REPLY_KINDS: [&str; 4] = ["accepted", "repeated", "rejected", "read"];

/// Handles of every metric.
pub(crate) struct Meters {
    pub(crate) turn_requests: Histogram,
    pub(crate) turn_seconds: Histogram,
    pub(crate) append_seconds: Histogram,
    pub(crate) append_bytes: Histogram,
    pub(crate) append_retries: Counter,
    pub(crate) queue_existing: Histogram,
    pub(crate) queue_new: Histogram,
    pub(crate) activations: Counter,
    pub(crate) activation_seconds: Histogram,
    pub(crate) activation_failures: Counter,
    pub(crate) passivations: Counter,
    pub(crate) fenced: Counter,
    pub(crate) panics: Counter,
    pub(crate) restarts: Counter,
    pub(crate) snapshots: Counter,
    pub(crate) snapshot_seconds: Histogram,
    pub(crate) invariant_checks: Counter,
    pub(crate) invariant_violations: Counter,
    pub(crate) follower_steps: Counter,
    pub(crate) receipt_pages: Counter,
    pub(crate) receipts: Counter,
    pub(crate) receipts_lost: Counter,
    pub(crate) receipts_waiting: Gauge,
    pub(crate) follower_failures: Counter,
    pub(crate) clock_alerts: Counter,
    pub(crate) active_events: Gauge,
    pub(crate) quarantined_events: Gauge,
    pub(crate) went_back_events: Gauge,
    pub(crate) wake_ups: Gauge,
    pub(crate) doubted_clocks: Gauge,
    pub(crate) stuck_followers: Gauge,
    /// What callers are told who got no answer of a writer; the router counts it, who alone knows of all of them.
    pub(crate) not_executed: Counter,
    pub(crate) gave_up: Counter,
    pub(crate) outcome_unknown: Counter,
    pub(crate) nodes: Gauge,
    pub(crate) owned_events: Gauge,
    pub(crate) lease_renewals: Counter,
    pub(crate) lease_renewal_seconds: Histogram,
    pub(crate) evictions: Counter,
    pub(crate) takeovers: Counter,
    pub(crate) mirrors: Gauge,
    pub(crate) webhooks_delivered: Counter,
    pub(crate) webhooks_failed: Counter,
    pub(crate) webhooks_given_up: Counter,
    pub(crate) webhooks_disabled: Counter,
    pub(crate) webhooks_oldest: Gauge,
    replies: [Counter; REPLY_KINDS.len()],
}

impl Meters {
    pub(crate) fn new() -> Meters {
        Meters {
            turn_requests: histogram!("tessera_turn_requests"),
            turn_seconds: histogram!("tessera_turn_seconds"),
            append_seconds: histogram!("tessera_append_seconds"),
            append_bytes: histogram!("tessera_append_bytes"),
            append_retries: counter!("tessera_append_retries_total"),
            queue_existing: histogram!("tessera_queue_depth", "lane" => "existing"),
            queue_new: histogram!("tessera_queue_depth", "lane" => "new"),
            activations: counter!("tessera_activations_total"),
            activation_seconds: histogram!("tessera_activation_seconds"),
            activation_failures: counter!("tessera_activation_failures_total"),
            passivations: counter!("tessera_passivations_total"),
            fenced: counter!("tessera_writers_fenced_total"),
            panics: counter!("tessera_writer_panics_total"),
            restarts: counter!("tessera_restarts_total"),
            snapshots: counter!("tessera_snapshots_total"),
            snapshot_seconds: histogram!("tessera_snapshot_seconds"),
            invariant_checks: counter!("tessera_invariant_checks_total"),
            invariant_violations: counter!("tessera_invariant_violations_total"),
            receipt_pages: counter!("tessera_receipt_pages_total"),
            receipts: counter!("tessera_receipts_total"),
            receipts_lost: counter!("tessera_receipts_lost_total"),
            receipts_waiting: gauge!("tessera_receipts_waiting"),
            follower_steps: counter!("tessera_follower_steps_total"),
            follower_failures: counter!("tessera_follower_failures_total"),
            clock_alerts: counter!("tessera_clock_alerts_total"),
            active_events: gauge!("tessera_active_events"),
            quarantined_events: gauge!("tessera_quarantined_events"),
            went_back_events: gauge!("tessera_store_went_back_events"),
            wake_ups: gauge!("tessera_scheduled_wake_ups"),
            doubted_clocks: gauge!("tessera_doubted_clocks"),
            stuck_followers: gauge!("tessera_stuck_followers"),
            not_executed: counter!("tessera_replies_total", "kind" => "not_executed"),
            gave_up: counter!("tessera_replies_total", "kind" => "gave_up"),
            outcome_unknown: counter!("tessera_replies_total", "kind" => "outcome_unknown"),
            nodes: gauge!("tessera_nodes"),
            owned_events: gauge!("tessera_owned_events"),
            lease_renewals: counter!("tessera_lease_renewals_total"),
            lease_renewal_seconds: histogram!("tessera_lease_renewal_seconds"),
            evictions: counter!("tessera_evictions_total"),
            takeovers: counter!("tessera_takeovers_total"),
            mirrors: gauge!("tessera_mirrors"),
            webhooks_delivered: webhook_counter("delivered"),
            webhooks_failed: webhook_counter("failed"),
            webhooks_given_up: webhook_counter("given_up"),
            webhooks_disabled: counter!("tessera_webhook_endpoints_disabled_total"),
            webhooks_oldest: gauge!("tessera_webhook_oldest_undelivered_timestamp_seconds"),
            replies: REPLY_KINDS.map(|kind| counter!("tessera_replies_total", "kind" => kind)),
        }
    }
}

/// Attempts to deliver a webhook that ended so.
fn webhook_counter(outcome: &'static str) -> Counter {
    counter!("tessera_webhook_deliveries_total", "outcome" => outcome)
}

/// What the writer answered in one turn by kind, added to the metric in one go.
#[derive(Debug, Default)]
pub(crate) struct ReplyTally([u64; REPLY_KINDS.len()]);

impl ReplyTally {
    pub(crate) fn count(&mut self, reply: &Reply) {
        let kind = match reply {
            Reply::Accepted { .. } => 0,
            Reply::Repeated { .. } => 1,
            Reply::Rejected { .. } => 2,
            Reply::Read { .. } => 3,
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown => return,
        };
        self.0[kind] += 1;
    }

    pub(crate) fn flush(&mut self, meters: &Meters) {
        for (counter, count) in meters.replies.iter().zip(&mut self.0) {
            if *count > 0 {
                counter.increment(std::mem::take(count));
            }
        }
    }
}

/// Microseconds of the injected clock as seconds for a histogram.
#[allow(clippy::cast_precision_loss)] // durations far below 2^53 microseconds
pub(crate) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1_000_000.0
}

/// A count for a histogram or a gauge.
#[allow(clippy::cast_precision_loss)] // counts far below 2^53
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}
