//! Once a day every payment that a provider has a name for is looked at, whether anything is due or not: whether its captured money belongs to somebody, and
//! since when its refunds are wanted.

use std::sync::Arc;

use ractor::ActorRef;
use tessera_inventory::Timestamp;
use tessera_money::Lane;
use tessera_money::payments::{Named, NamedToken};
use tessera_payments::{Payment, RefundStanding, Standing};
use tessera_store::StoreError;

use super::{DeskMessage, Desks, Keeper};
use crate::blocking::caught;
use crate::meters::number;
use crate::shared::Shared;

/// How long after the start of the desks the first look is, in milliseconds.
pub(super) const FIRST_MS: u64 = 600_000;
/// How long after a look the next one is, in milliseconds.
const EVERY_MS: u64 = DAY_MS;
const DAY_MS: u64 = 86_400_000;
/// Payments that are read at once.
const READ_AT_ONCE: usize = 200;
/// Pause between two pages of a look, in milliseconds: those who sell need the store more.
const PAUSE_MS: u64 = 100;
/// How long after a page that could not be read it is read again, in milliseconds.
const RETRY_MS: u64 = 60_000;
/// Lines of the log that a look has of each kind at most.
const LOGGED_MAX: u64 = 100;
/// Ages of refunds, in milliseconds: those that are older than both are the third.
const AGES_MS: [u64; 2] = [DAY_MS, 7 * DAY_MS];

/// How far a look has come.
#[derive(Debug, Default)]
pub(crate) struct Look {
    found: Found,
    /// Where it goes on; `None`: it has not begun.
    page: Option<NamedToken>,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    /// Payments with captured money that belongs to nobody.
    unowned: u64,
    /// Payments that nobody can read.
    unreadable: u64,
    /// Refunds that are due, by age.
    due: [u64; AGES_MS.len() + 1],
}

impl Desks {
    /// Look at the next payments: of a cluster the node that looks after the first lane does it for all.
    pub(super) fn audit(&self, myself: &ActorRef<DeskMessage>, look: Look) {
        let is_mine = Lane::all().next().is_some_and(|lane| matches!(self.keeper(lane), Keeper::Me));
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let (next, wait_ms) = if is_mine {
                go_on(&shared, look).await
            } else {
                Found::default().show(&shared, Timestamp(0));
                (Look::default(), EVERY_MS)
            };
            let sleep = shared.environment.sleep_ms(wait_ms);
            // A sleep does not keep the store open.
            drop(shared);
            sleep.await;
            let _ = myself.cast(DeskMessage::Audit(next));
        }));
    }
}

/// One page of a look; what follows, and after how long. What cannot be read now is read again: what was found before is kept.
async fn go_on(shared: &Shared, look: Look) -> (Look, u64) {
    let error = match caught(page(shared, &look)).await {
        Ok(Ok((found, Some(next)))) => return (Look { found, page: Some(next) }, PAUSE_MS),
        Ok(Ok((found, None))) => {
            found.show(shared, shared.environment.clock.wall());
            return (Look::default(), EVERY_MS);
        }
        Ok(Err(error)) => error.to_string(),
        Err(panicked) => panicked.reason,
    };
    tracing::warn!(error, "payments could not be looked at; they are looked at later");
    (look, RETRY_MS)
}

/// What is found with the next page, and where the page after it begins.
async fn page(shared: &Shared, look: &Look) -> Result<(Found, Option<NamedToken>), StoreError> {
    let (now, mut found) = (shared.environment.clock.wall(), look.found);
    let named = shared.money.payments.named(look.page.clone(), READ_AT_ONCE).await?;
    let Named { payments, unreadable, next } = named;
    payments.iter().for_each(|(payment, due_at)| found.take(payment, due_at.is_none(), now));
    for reason in unreadable {
        found.unreadable += 1;
        if found.unreadable <= LOGGED_MAX {
            tracing::error!(reason, "a payment cannot be read");
        }
    }
    Ok((found, next))
}

impl Found {
    fn take(&mut self, payment: &Payment, is_settled: bool, now: Timestamp) {
        let unowned_minor = payment.unowned_minor();
        if is_settled && unowned_minor > 0 {
            self.unowned += 1;
            if self.unowned <= LOGGED_MAX {
                tracing::error!(payment = %payment.id, unowned_minor, "captured money belongs to nobody");
            }
        }
        for (&number, refund) in &payment.refunds {
            let is_done = payment.facts.refund(number) == Some(RefundStanding::Done);
            if refund.standing != Standing::Due || is_done {
                continue;
            }
            let age_ms = now.0.saturating_sub(refund.wanted_at.0);
            let age = AGES_MS.iter().position(|most_ms| age_ms <= *most_ms);
            let due = &mut self.due[age.unwrap_or(AGES_MS.len())];
            *due += 1;
            if age.is_none() && *due <= LOGGED_MAX {
                tracing::warn!(payment = %payment.id, refund = number, "a refund is due for more than a week");
            }
        }
    }

    /// Say what was found by a look that ended then; 0: this node does not look.
    fn show(&self, shared: &Shared, ended_at: Timestamp) {
        let meters = &shared.money.meters;
        meters.looked_at.set(number(ended_at.0 / 1_000));
        meters.payments_unreadable.set(number(self.unreadable));
        meters.captures_unowned.set(number(self.unowned));
        meters.refunds_due.iter().zip(self.due).for_each(|(gauge, due)| gauge.set(number(due)));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use tessera_inventory::{ClaimNumber, EventId, Sequence};
    use tessera_payments::{Begun, PaymentId, ProviderId, Refund, RefundFact, Want, Why};

    use super::*;

    /// A payment of 100 of which so much was captured.
    fn payment(want: Want, captured_minor: i64) -> Payment {
        let id = PaymentId { event: EventId(1), order: ClaimNumber(1), attempt: 1 };
        let begun = Begun {
            organizer: 1,
            provider: ProviderId(NonZeroU16::MIN),
            amount_minor: 100,
            currency: *b"EUR",
            grace_until: Timestamp(9),
            sequence: Sequence(1),
        };
        let mut payment = Payment { want, ..Payment::begin(id, &begun, Timestamp(0)) };
        payment.facts.captured_minor = captured_minor;
        payment
    }

    fn found(payment: &Payment, now: u64) -> Found {
        let mut found = Found::default();
        found.take(payment, true, Timestamp(now));
        found
    }

    #[test]
    fn captured_money_is_of_a_sale_or_given_back_or_nobodys() {
        let released = Want::Release { why: Why::Expired };
        for (want, captured_minor, given_back, unowned) in [
            (Want::Capture, 100, None, 0),
            (Want::Capture, 60, None, 0),
            (Want::Capture, 130, None, 1),
            (Want::Capture, 130, Some((Payment::EXCESS, 30)), 0),
            (released, 0, None, 0),
            (released, 100, None, 1),
            (released, 100, Some((Payment::GIVEN_BACK, 100)), 0),
            (released, 100, Some((1_242, 100)), 0),
            (released, 100, Some((1_242, 40)), 1),
            (Want::Capture, 140, Some((1_242, 40)), 1),
        ] {
            let mut payment = payment(want, captured_minor);
            payment.refunds.extend(
                given_back.map(|(number, amount_minor)| (number, Refund::new(amount_minor, 0, Timestamp(0)))),
            );
            assert_eq!(found(&payment, 0).unowned, unowned, "{want:?} {captured_minor} {given_back:?}");
            let mut goes_on = Found::default();
            goes_on.take(&payment, false, Timestamp(0));
            assert_eq!(goes_on.unowned, 0, "there is something to do about it");
        }
        let mut at_provider = payment(released, 100);
        for (standing, unowned) in [(RefundStanding::Failed, 1), (RefundStanding::Done, 0)] {
            let refund = RefundFact { ours: None, amount_minor: 100, standing };
            at_provider.facts.refunds.insert("r".into(), refund);
            assert_eq!(found(&at_provider, 0).unowned, unowned, "somebody gave it back: {standing:?}");
        }
    }

    #[test]
    fn refunds_that_are_due_are_counted_by_their_age() {
        let mut payment = payment(Want::Capture, 100);
        for (number, standing) in [(7, Standing::Due), (8, Standing::ByHand), (9, Standing::Moot)] {
            payment.refunds.insert(number, Refund { standing, ..Refund::new(10, 0, Timestamp(5)) });
        }
        let week = 7 * DAY_MS;
        for (now, due) in [
            (5, [1, 0, 0]),
            (DAY_MS + 5, [1, 0, 0]),
            (DAY_MS + 6, [0, 1, 0]),
            (week + 5, [0, 1, 0]),
            (week + 6, [0, 0, 1]),
        ] {
            assert_eq!(found(&payment, now), Found { due, ..Found::default() }, "at {now}");
        }
    }
}
