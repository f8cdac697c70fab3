//! What followers have made of the log, against what the naive model tells.

use std::sync::{Arc, PoisonError};

use futures::executor::block_on;
use tessera_inventory::{ClaimNumber, ClaimState, Sequence};
use tessera_naive::{Claim, Model};
use tessera_projections::orders::{Order, OrderState, Step};
use tessera_store::{Log, StoreError};

use super::{Followers, RELAY};
use crate::catalogue::EVENT;
use crate::oracle::{Violation, broken};

fn unread(error: &StoreError) -> Violation {
    broken("what followers have written can be read", error.to_string())
}

impl Followers {
    /// No cursor goes back, and none stands beyond what was passed on.
    pub(super) fn nothing_goes_back(&mut self) -> Result<(), Violation> {
        let orders = block_on(self.orders.sequence(EVENT)).map_err(|error| unread(&error))?;
        let relayed = block_on(self.cursors.read(EVENT, RELAY)).map_err(|error| unread(&error))?.sequence;
        let before = std::mem::replace(&mut self.seen, [orders, relayed]);
        if orders < before[0] || relayed < before[1] {
            let detail = format!("from {before:?} to {orders} and {relayed}");
            return Err(broken("who was overtaken moves nothing", detail));
        }
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = (before[1].0 + 1..=relayed.0).find(|sequence| !effects.contains_key(sequence));
        match missing {
            Some(missing) => {
                let detail = format!("the cursor stands at {relayed}, event {missing} had no effect");
                Err(broken("every effect happens before its cursor", detail))
            }
            None => Ok(()),
        }
    }

    /// The world is over: whoever follows now finds everything, and the orders are those of the log.
    pub(crate) fn finish(&mut self, log: &Arc<dyn Log>, model: &Model) -> Result<(), Violation> {
        loop {
            match block_on(self.orders.project(&**log, EVENT)).map_err(|error| unread(&error))? {
                Step::UpToDate { through } if through.0 == model.sequence() => break,
                Step::UpToDate { through } => {
                    let detail = format!("{through} of {}", model.sequence());
                    return Err(broken("followers reach the end of the log", detail));
                }
                Step::Advanced { .. } | Step::Overtaken => {}
            }
        }
        model
            .claims
            .values()
            .filter(|claim| claim.attempts > 0)
            .try_for_each(|claim| self.check(model, claim))
    }

    fn check(&self, model: &Model, claim: &Claim) -> Result<(), Violation> {
        let number = ClaimNumber(claim.number);
        let order = block_on(self.orders.get(EVENT, number)).map_err(|error| unread(&error))?;
        let told = |order: &Order| (order.subject, order.state, order.attempt, order.payment);
        let wanted = (claim.subject, state_of(model, claim), claim.attempts, claim.payment);
        let view = model.claim_view(claim.number).map(|view| view.tickets).unwrap_or_default();
        let agrees = order.as_ref().is_some_and(|order| {
            let tickets: Vec<_> = order.tickets.iter().map(|each| each.ticket).collect();
            told(order) == wanted && tickets == view && order.sequence > Sequence(claim.number)
        });
        if agrees {
            return Ok(());
        }
        Err(broken("orders are those of the log", format!("{order:?} is not {wanted:?} with {view:?}")))
    }
}

fn state_of(model: &Model, claim: &Claim) -> OrderState {
    match model.state_of(claim) {
        ClaimState::PaymentInFlight => OrderState::Pending,
        ClaimState::Held => OrderState::PaymentFailed,
        ClaimState::Paid => OrderState::Paid,
        ClaimState::Refunded => OrderState::Refunded,
        ClaimState::RefundDue => OrderState::RefundDue,
        ClaimState::Ended => OrderState::Ended,
    }
}
