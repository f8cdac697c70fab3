//! The metrics of payments.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tessera_payments::{Alarm, Answer, Ask, AskAnswer, Operation, ProviderId};

use super::Provider;

const OPERATIONS: [&str; 6] = ["create", "look_up", "capture", "void", "refund", "look_up_refunds"];
const OUTCOMES: [&str; 5] = ["done", "declined", "later", "unknown", "not_ours"];
const ASKS: [&str; 5] = ["confirm", "payment_failed", "sell_late", "refund_unpaid", "dispute"];
const DECISIONS: [&str; 3] = ["accepted", "refused", "unknown"];
const ALARMS: [&str; 10] = [
    "short",
    "excess",
    "unpaid",
    "call_declined",
    "lost",
    "refund_stuck",
    "refund_too_large",
    "refund_not_ours",
    "disputed",
    "provider_refuses",
];

/// How old refunds are that are due: up to a day, up to a week, older.
const AGES: [&str; 3] = ["day", "week", "older"];

/// Handles of them.
pub(super) struct PaymentMeters {
    pub(super) unsettled: Gauge,
    pub(super) captures_unowned: Gauge,
    pub(super) payments_unreadable: Gauge,
    pub(super) looked_at: Gauge,
    pub(super) refunds_due: [Gauge; AGES.len()],
    pub(super) oldest_due: Gauge,
    pub(super) confirmed_seconds: Histogram,
    calls: BTreeMap<ProviderId, [[Counter; OUTCOMES.len()]; OPERATIONS.len()]>,
    asks: [[Counter; DECISIONS.len()]; ASKS.len()],
    alarms: [Counter; ALARMS.len()],
}

impl PaymentMeters {
    pub(super) fn new(providers: &BTreeMap<ProviderId, Arc<dyn Provider>>) -> PaymentMeters {
        let calls = providers.iter().map(|(id, provider)| (*id, calls_to(provider.name())));
        let asks = ASKS.map(|ask| {
            DECISIONS
                .map(|outcome| counter!("tessera_payment_asks_total", "ask" => ask, "outcome" => outcome))
        });
        PaymentMeters {
            unsettled: gauge!("tessera_payments_unsettled"),
            captures_unowned: gauge!("tessera_captures_unowned"),
            payments_unreadable: gauge!("tessera_payments_unreadable"),
            looked_at: gauge!("tessera_payments_looked_at_timestamp_seconds"),
            refunds_due: AGES.map(|age| gauge!("tessera_refunds_due", "age" => age)),
            oldest_due: gauge!("tessera_payment_oldest_due_timestamp_seconds"),
            confirmed_seconds: histogram!("tessera_payment_confirmed_seconds"),
            calls: calls.collect(),
            asks,
            alarms: ALARMS.map(|alarm| counter!("tessera_payment_alarms_total", "alarm" => alarm)),
        }
    }

    pub(super) fn called(&self, provider: ProviderId, operation: Operation, answer: &Answer) {
        let position = match operation {
            Operation::Create => 0,
            Operation::LookUp => 1,
            Operation::Capture => 2,
            Operation::Void => 3,
            Operation::Refund { .. } => 4,
            Operation::LookUpRefunds => 5,
        };
        let outcome = match answer {
            Answer::Facts(_) => 0,
            Answer::Declined { .. } => 1,
            Answer::Later { .. } => 2,
            Answer::Unknown => 3,
            Answer::NotOurs { .. } => 4,
        };
        if let Some(counters) = self.calls.get(&provider) {
            counters[position][outcome].increment(1);
        }
    }

    pub(super) fn asked(&self, ask: Ask, answer: AskAnswer) {
        let position = match ask {
            Ask::Confirm => 0,
            Ask::PaymentFailed => 1,
            Ask::SellLate => 2,
            Ask::RefundUnpaid => 3,
            Ask::Dispute { .. } => 4,
        };
        let decision = match answer {
            AskAnswer::Accepted(_) => 0,
            AskAnswer::Refused(_) => 1,
            AskAnswer::Unknown => 2,
        };
        self.asks[position][decision].increment(1);
    }

    /// Operators are told; `None`: a provider refuses us. How they call it.
    pub(super) fn alarmed(&self, alarm: Option<Alarm>) -> &'static str {
        let position = match alarm {
            Some(Alarm::Short) => 0,
            Some(Alarm::Excess) => 1,
            Some(Alarm::Unpaid) => 2,
            Some(Alarm::CallDeclined) => 3,
            Some(Alarm::Lost) => 4,
            Some(Alarm::RefundStuck { .. }) => 5,
            Some(Alarm::RefundTooLarge { .. }) => 6,
            Some(Alarm::RefundNotOurs) => 7,
            Some(Alarm::Disputed) => 8,
            None => 9,
        };
        self.alarms[position].increment(1);
        ALARMS[position]
    }
}

fn calls_to(provider: &'static str) -> [[Counter; OUTCOMES.len()]; OPERATIONS.len()] {
    OPERATIONS.map(|operation| {
        OUTCOMES.map(|outcome| {
            counter!(
                "tessera_payment_calls_total",
                "provider" => provider, "operation" => operation, "outcome" => outcome
            )
        })
    })
}
