//! What holders were promised: no hold ends before its deadline, neither in logged time nor, by more than the stated bound, in the
//! time of the world; and from its deadline on nobody does anything with it, as long as the writer believes its clock.

use std::collections::BTreeMap;

use tessera_inventory::{Event, EventBody, Phase, Sequence, Timestamp};

use super::{Decided, Violation, broken};

/// A deadline, in logged time and in the time of the world.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Timestamp,
    world_us: u64,
}

#[derive(Clone, Copy, Debug)]
struct Promise {
    hold: Deadline,
    /// While its payment is in flight.
    grace: Option<Deadline>,
}

impl Promise {
    fn now(&self) -> Deadline {
        self.grace.unwrap_or(self.hold)
    }
}

/// Every live claim with its deadline.
#[derive(Debug, Default)]
pub(super) struct Promises {
    claims: BTreeMap<u64, Promise>,
}

impl Promises {
    pub(super) fn len(&self) -> usize {
        self.claims.len()
    }

    pub(super) fn event(
        &mut self,
        sequence: Sequence,
        event: &Event,
        decided: Decided,
    ) -> Result<(), Violation> {
        // A writer that knows nothing of the time may promise in logged time only: it may have stood still for long.
        let world_us = if decided.trusted || !decided.was_alone { decided.at_us } else { 0 };
        let deadline =
            |at: Timestamp| Deadline { at, world_us: world_us + at.0.saturating_sub(event.at.0) * 1_000 };
        match &event.body {
            EventBody::HoldPlaced(placed) => {
                let promise = Promise { hold: deadline(placed.deadline_at), grace: None };
                self.claims.insert(sequence.0, promise);
            }
            EventBody::HoldRenewed { hold, deadline_at } => {
                self.live(hold.0, event.at, decided)?.hold = deadline(*deadline_at);
            }
            EventBody::PaymentBegun { order, grace_until, .. } => {
                self.live(order.0, event.at, decided)?.grace = Some(deadline(*grace_until));
            }
            EventBody::PaymentFailed { order, .. } => self.live(order.0, event.at, decided)?.grace = None,
            EventBody::HoldReleased { hold: claim } | EventBody::Confirmed { order: claim, .. } => {
                self.live(claim.0, event.at, decided)?;
                self.claims.remove(&claim.0);
            }
            // An event that is called off ends them all.
            EventBody::PhaseChanged { to: Phase::Cancelled } => self.claims.clear(),
            EventBody::Expired { through, count } => {
                return self.expired(event.at, (through.0, through.1.0), *count, decided);
            }
            _ => {}
        }
        Ok(())
    }

    /// The claim that a command changes at this logged time.
    fn live(&mut self, claim: u64, at: Timestamp, decided: Decided) -> Result<&mut Promise, Violation> {
        let Some(promise) = self.claims.get_mut(&claim) else {
            return Err(broken("what has ended stays ended", format!("claim {claim}")));
        };
        let due_at = promise.now().at;
        if decided.trusted && due_at <= at {
            let detail = format!("claim {claim}, due at {due_at}, changed at {at}");
            return Err(broken("no hold outlives its deadline", detail));
        }
        Ok(promise)
    }

    fn expired(
        &mut self,
        at: Timestamp,
        through: (Timestamp, u64),
        count: u32,
        decided: Decided,
    ) -> Result<(), Violation> {
        let ended: Vec<(u64, Deadline)> = self
            .claims
            .iter()
            .map(|(claim, promise)| (*claim, promise.now()))
            .filter(|(claim, deadline)| (deadline.at, *claim) <= through)
            .collect();
        if ended.len() as u64 != u64::from(count) {
            let detail = format!("{count} expired through {through:?}; {} were due", ended.len());
            return Err(broken("each hold is released once", detail));
        }
        for (claim, deadline) in ended {
            let early_us = deadline.world_us.saturating_sub(decided.at_us);
            if deadline.at > at || early_us > decided.early_us_max() {
                let detail =
                    format!("claim {claim}, due at {}, ended at {at}, {early_us} us early", deadline.at);
                return Err(broken("no hold expires early", detail));
            }
            self.claims.remove(&claim);
        }
        Ok(())
    }
}
