//! Those who wait, from the events alone: who is offered something waits, is offered what it named, once, and not before somebody who
//! waits longer and fits (I8). Who fits is told by a look of the naive model at everybody.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::{
    Command, CommandBody, Event, EventBody, HoldPlaced, Origin, Phase, Rejection, Sequence, Timestamp,
    WaitlistJoined,
};
use tessera_naive::Model;

use super::{Violation, broken};
use crate::tally::Tally;

/// Every entry that waits, and every offer that was made.
#[derive(Debug, Default)]
pub(super) struct Lines {
    waiting: BTreeMap<u64, WaitlistJoined>,
    offers: BTreeSet<u64>,
    accepted: BTreeSet<u64>,
    /// Offers whose payment is in flight.
    paying: BTreeSet<u64>,
    declined: u64,
    sold: u64,
}

impl Lines {
    /// What an event does to those who wait, of whom `before` is the event before it.
    pub(super) fn event(
        &mut self,
        sequence: Sequence,
        event: &Event,
        before: &Model,
    ) -> Result<(), Violation> {
        match &event.body {
            EventBody::WaitlistJoined(joined) => {
                self.waiting.insert(sequence.0, (**joined).clone());
            }
            EventBody::WaitlistLeft { entry, .. } if self.waiting.remove(&entry.0).is_none() => {
                return Err(broken("who waits leaves once", format!("{event:?}")));
            }
            EventBody::PhaseChanged { to: Phase::Closed | Phase::Cancelled } => self.waiting.clear(),
            EventBody::HoldPlaced(placed) => {
                nobody_is_passed(before, placed, event)?;
                self.offered(sequence, placed)?;
            }
            EventBody::SoldLate(sold) => {
                // Whatever it was, it buys directly.
                nobody_is_passed(before, &HoldPlaced { entry: None, ..sold.hold.clone() }, event)?;
            }
            EventBody::PaymentBegun { order, .. } if self.offers.contains(&order.0) => {
                self.accepted.insert(order.0);
                if !self.paying.insert(order.0) {
                    return Err(broken(
                        "an offer that is accepted is nobody's to take",
                        format!("{event:?}"),
                    ));
                }
            }
            EventBody::HoldReleased { hold } if self.paying.contains(&hold.0) => {
                return Err(broken("an offer that is accepted is nobody's to take", format!("{event:?}")));
            }
            EventBody::HoldReleased { hold } => self.declined += u64::from(self.offers.contains(&hold.0)),
            EventBody::PaymentFailed { order, .. } => {
                self.paying.remove(&order.0);
            }
            EventBody::Confirmed { order, .. } => self.sold += u64::from(self.offers.contains(&order.0)),
            _ => {}
        }
        Ok(())
    }

    /// An offer is to an entry that waits, which is used up by it, and of something that it named.
    fn offered(&mut self, sequence: Sequence, placed: &HoldPlaced) -> Result<(), Violation> {
        let Some(entry) = placed.entry else {
            return match placed.origin {
                Origin::Direct => Ok(()),
                Origin::Offer => Err(broken("an offer is for who waits", format!("{placed:?}"))),
            };
        };
        let Some(joined) = self.waiting.remove(&entry.0) else {
            return Err(broken("an entry is offered something once", format!("{placed:?}")));
        };
        let [line] = placed.lines.as_slice() else {
            return Err(broken("an offer is what was waited for", format!("{placed:?}: {joined:?}")));
        };
        let is_named = |choice: &tessera_inventory::Choice| {
            (choice.ticket_type, choice.quantity) == (line.ticket_type, line.quantity)
        };
        let is_dear = joined.price_max_minor.is_some_and(|most| line.price_minor > most);
        let is_its = placed.subjects == joined.subjects && placed.origin == Origin::Offer;
        if !is_its || is_dear || !joined.choices.iter().any(is_named) {
            return Err(broken("an offer is what was waited for", format!("{placed:?}: {joined:?}")));
        }
        self.offers.insert(sequence.0);
        Ok(())
    }

    /// What a refusal says of an offer, if it is about one.
    pub(super) fn of_offer(&self, command: &Command, rejection: &Rejection) -> Option<&'static str> {
        let (CommandBody::BeginPayment { hold, .. } | CommandBody::ReleaseHold { hold }) = command.body
        else {
            return None;
        };
        match rejection {
            _ if !self.offers.contains(&hold.0) => None,
            Rejection::HoldExpired { .. } | Rejection::HoldNotFound => {
                Some("offer accepted or declined late")
            }
            Rejection::WrongState { .. } => Some("offer accepted or declined twice"),
            _ => None,
        }
    }

    pub(super) fn count(&self, tally: &mut Tally) {
        tally.add("offer made", self.offers.len() as u64);
        tally.add("offer accepted", self.accepted.len() as u64);
        tally.add("offer declined", self.declined);
        tally.add("offer sold", self.sold);
    }
}

fn nobody_is_passed(before: &Model, placed: &HoldPlaced, event: &Event) -> Result<(), Violation> {
    match before.passed_over(placed) {
        Some(passed) => {
            let detail = format!("entry {} is passed by {event:?}", passed.0);
            Err(broken("nobody who waits and fits is passed over", detail))
        }
        None => Ok(()),
    }
}

/// What follows from the state follows at once: nothing is decided before it, whether it is accepted or refused.
pub(super) fn nothing_followed(
    model: &Model,
    at: Timestamp,
    decision: &dyn std::fmt::Debug,
) -> Result<(), Violation> {
    match model.consequence(at) {
        Some(body) => {
            let detail = format!("{body:?} is still to come; decided was {decision:?}");
            Err(broken("who waits comes before who asks", detail))
        }
        None => Ok(()),
    }
}
