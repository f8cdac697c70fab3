//! What a payment's row books in the ledger when it changes. What the log says of an order (sold, refund wanted, unpaid) is booked by whoever
//! follows the log.

use tessera_ledger::{Bearer, EntryId, Movement};

use crate::mutant::Mutant;
use crate::{Abilities, DisputeFact, DisputeStanding, Payment, RefundStanding, Standing};

/// A movement and the identity of its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Of the entry.
    pub id: EntryId,
    /// What is moved.
    pub movement: Movement,
}

/// What is booked when the row of a payment becomes `after`: written in the transaction that writes the row, so that it is booked once. `bears`
/// says who bears disputes that are lost.
#[must_use]
pub fn bookings(
    before: Option<&Payment>,
    after: &Payment,
    bears: Bearer,
    abilities: &Abilities,
) -> Vec<Booked> {
    let mut ledger = Bookings { payment: after, booked: Vec::new() };
    ledger.amounts(before);
    ledger.refunds(before, abilities);
    ledger.refund_facts(before);
    for (id, dispute) in &after.facts.disputes {
        let known = before.and_then(|before| before.facts.disputes.get(id));
        ledger.dispute(id, known, dispute, bears);
    }
    ledger.booked
}

struct Bookings<'a> {
    payment: &'a Payment,
    booked: Vec<Booked>,
}

impl Bookings<'_> {
    fn book(&mut self, what: &'static str, mark: &[u8], movement: Movement) {
        let id = self.payment.id;
        let id = EntryId::of_payment((id.event, id.order, id.attempt), what, mark);
        self.booked.push(Booked { id, movement });
    }

    fn amounts(&mut self, before: Option<&Payment>) {
        let (provider, facts) = (self.payment.provider.0.get(), &self.payment.facts);
        let known = before.map_or(0, |before| before.facts.captured_minor);
        let amount_minor = facts.captured_minor.saturating_sub(known);
        if amount_minor > 0 {
            // Named by what it reaches: should more be captured later, that is another entry.
            let mark = facts.captured_minor.to_be_bytes();
            self.book("captured", &mark, Movement::Captured { provider, amount_minor });
        }
        let known = before.and_then(|before| before.facts.fee_minor).unwrap_or_default();
        let fee_minor = self.payment.facts.fee_minor.unwrap_or_default();
        let amount_minor = fee_minor.saturating_sub(known);
        if amount_minor > 0 {
            self.book("fee", &fee_minor.to_be_bytes(), Movement::FeeKnown { provider, amount_minor });
        }
    }

    /// Refunds that are wanted by nobody but us, and those that end without the provider.
    fn refunds(&mut self, before: Option<&Payment>, abilities: &Abilities) {
        let is_unbooked = abilities.mutation.is(Mutant::GivenBackUnbooked);
        let (provider, payment) = (self.payment.provider.0.get(), self.payment);
        for (&number, refund) in &payment.refunds {
            let known = before.and_then(|before| before.refunds.get(&number));
            let (amount_minor, mark) = (refund.amount_minor, number.to_be_bytes());
            if known.is_none() && number <= Payment::EXCESS && !is_unbooked {
                self.book("never sold", &mark, Movement::NeverSold { provider, amount_minor });
            }
            if known.is_some_and(|known| known.standing == refund.standing) {
                continue;
            }
            match refund.standing {
                Standing::Due => {}
                Standing::Moot => self.book("moot", &mark, Movement::RefundMoot { provider, amount_minor }),
                Standing::ByHand => {
                    self.book("by hand", &mark, Movement::RefundByHand { provider, amount_minor })
                }
            }
        }
    }

    /// What left the provider, by the provider's names: also what we did not ask for.
    fn refund_facts(&mut self, before: Option<&Payment>) {
        let (provider, payment) = (self.payment.provider.0.get(), self.payment);
        for (id, refund) in &payment.facts.refunds {
            let known = before.and_then(|before| before.facts.refunds.get(id));
            let left_before = known.filter(|known| known.standing == RefundStanding::Done);
            let left_minor = left_before.map_or(0, |known| known.amount_minor);
            let mark = [&refund.amount_minor.to_be_bytes()[..], id.as_bytes()].concat();
            match refund.standing {
                RefundStanding::Done if refund.amount_minor > left_minor => {
                    let amount_minor = refund.amount_minor - left_minor;
                    self.book("refunded", &mark, Movement::RefundDone { provider, amount_minor });
                }
                RefundStanding::Failed if left_minor > 0 => {
                    let amount_minor = left_minor;
                    self.book("came back", &mark, Movement::RefundCameBack { provider, amount_minor });
                }
                RefundStanding::Pending | RefundStanding::Done | RefundStanding::Failed => {}
            }
        }
    }

    /// What is away, and what is lost of it: by how much each has grown.
    fn dispute(&mut self, id: &str, known: Option<&DisputeFact>, dispute: &DisputeFact, bears: Bearer) {
        let (provider, amount_minor) = (self.payment.provider.0.get(), dispute.amount_minor);
        let mark =
            [&amount_minor.to_be_bytes()[..], &dispute.fee_minor.to_be_bytes(), id.as_bytes()].concat();
        let in_standing = |wanted: &[DisputeStanding]| {
            known.filter(|known| wanted.contains(&known.standing)).map_or(0, |known| known.amount_minor)
        };
        let was_won = known.is_some_and(|known| known.standing == DisputeStanding::Won);
        let stays_won = was_won && dispute.standing == DisputeStanding::Won;
        let away_before_minor = in_standing(&[DisputeStanding::Open, DisputeStanding::Lost]);
        let away_minor = if stays_won { 0 } else { amount_minor - away_before_minor };
        let fee_minor = dispute.fee_minor - known.map_or(0, |known| known.fee_minor);
        if away_minor > 0 || fee_minor > 0 {
            // One that was won and is lost in the end was taken away twice.
            let what = if was_won { "disputed again" } else { "disputed" };
            self.book(what, &mark, Movement::DisputeOpened { provider, amount_minor: away_minor, fee_minor });
        }
        let lost_minor = amount_minor - in_standing(&[DisputeStanding::Lost]);
        match dispute.standing {
            DisputeStanding::Won if !was_won => {
                self.book("won", &mark, Movement::DisputeWon { provider, amount_minor });
            }
            DisputeStanding::Lost if lost_minor > 0 => {
                let amount_minor = lost_minor;
                self.book("lost", &mark, Movement::DisputeLost { provider, amount_minor, bears });
            }
            DisputeStanding::Open | DisputeStanding::Won | DisputeStanding::Lost => {}
        }
    }
}
