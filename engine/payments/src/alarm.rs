//! What operators are told of a payment.

use std::collections::BTreeSet;

use crate::payment::Course;
use crate::{Abilities, Payment, RefundStanding, Replied, Standing};

/// What is wrong with a payment, and for an operator to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// The buyer paid less than the price: it is given back.
    Short,
    /// More than the price was captured: the rest is given back.
    Excess,
    /// It was sold, and the money cannot be captured: the sale is taken back.
    Unpaid,
    /// The provider will not capture or call off what it should.
    CallDeclined,
    /// Nobody knows the provider's name for it, and it cannot be learnt any more.
    Lost,
    /// A refund failed for good: it must be given back by hand.
    RefundStuck {
        /// Which.
        number: u64,
    },
    /// A refund is more than what is left of the capture.
    RefundTooLarge {
        /// Which.
        number: u64,
    },
    /// Somebody gave money back at the provider.
    RefundNotOurs,
    /// The buyer disputes it.
    Disputed,
}

/// What is wrong with a payment, by its row.
#[must_use]
pub fn alarms(payment: &Payment, abilities: &Abilities) -> BTreeSet<Alarm> {
    let Payment { facts, calls, .. } = payment;
    let course = payment.course(abilities);
    let has_no_name = facts.reference.is_none() && calls.next_at >= abilities.used_until(payment.begun_at);
    let of_payment = [
        (facts.is_paid() && !payment.is_covered(), Alarm::Short),
        (facts.captured_minor > payment.amount_minor, Alarm::Excess),
        (course == Course::Capture && facts.is_over(), Alarm::Unpaid),
        (calls.replied == Replied::Declined && !facts.is_over(), Alarm::CallDeclined),
        (course == Course::Capture && has_no_name, Alarm::Lost),
        (facts.refunds.values().any(|refund| refund.ours.is_none()), Alarm::RefundNotOurs),
        (!facts.disputes.is_empty(), Alarm::Disputed),
    ];
    let mut found: BTreeSet<_> =
        of_payment.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, alarm)| alarm).collect();
    let left_minor = facts.captured_minor.saturating_sub(facts.refunded_minor());
    for (&number, refund) in payment.refunds.iter().filter(|(_, refund)| refund.standing == Standing::Due) {
        match facts.refund(number) {
            Some(RefundStanding::Failed) => {
                found.insert(Alarm::RefundStuck { number });
            }
            None if refund.calls.replied == Replied::Declined => {
                found.insert(Alarm::RefundStuck { number });
            }
            None if facts.captured_minor > 0 && left_minor < refund.amount_minor => {
                found.insert(Alarm::RefundTooLarge { number });
            }
            None | Some(RefundStanding::Pending | RefundStanding::Done) => {}
        }
    }
    found
}
