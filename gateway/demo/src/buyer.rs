//! One buyer's way through the sale, over one connection: ask, maybe again, then pay, give back or walk away.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::HeaderValue;

use crate::cashier::Cashier;
use crate::client::{Call, Connection, Reply};
use crate::error::DemoError;
use crate::keys::Keys;
use crate::mix::{Duplicate, Ending};
use crate::page::Choice;
use crate::pick;
use crate::sale::Sale;
use crate::tally::{Accepted, Operation, PaidOrder, Refusal, Tally};
use crate::wire::{self, Asked, AskedLine, AskedUnits, Hold, Order, Problem};

/// Refusals that a buyer of this sale may meet.
const EXPECTED_REFUSALS: [&str; 8] = [
    "sold_out",
    "seats_taken",
    "limit_exceeded",
    "price_changed",
    "strands_seat",
    "access_code_required",
    "wrong_phase",
    "not_on_sale",
];
/// How often a buyer asks again after a refusal that tells it what to ask for.
const SECOND_CHANCES: u32 = 2;

/// One connection and who stands behind it.
#[derive(Debug)]
pub struct Till {
    pub(crate) sale: Arc<Sale>,
    pub(crate) connection: Connection,
    /// For what is sent twice at once.
    second: Connection,
    /// Where buyers pay, once one was sent there.
    pub(crate) cashier: Option<Cashier>,
    /// What was heard.
    pub tally: Tally,
}

/// What one request of a buyer is made of.
struct Step<'a> {
    operation: Operation,
    path: String,
    credential: &'a HeaderValue,
    body: String,
    duplicate: Duplicate,
}

impl Till {
    /// A till of a sale.
    #[must_use]
    pub fn new(sale: &Arc<Sale>) -> Self {
        Till {
            sale: Arc::clone(sale),
            connection: Connection::new(&sale.server),
            second: Connection::new(&sale.server),
            cashier: None,
            tally: Tally::new(sale.began),
        }
    }

    /// Serve one buyer, by number.
    ///
    /// # Errors
    /// [`DemoError`] when the server is gone.
    pub async fn serve(&mut self, number: u32) -> Result<(), DemoError> {
        let sale = Arc::clone(&self.sale);
        let buyer = sale.mix.buyer(number);
        let mut keys = Keys::new(sale.seed, u64::from(number));
        let mut asked = {
            let map = sale.map.borrow();
            pick::ask(&sale.venue, &sale.blocks, &map, &buyer)
        };
        let mut chances = SECOND_CHANCES;
        let hold = loop {
            match self.place(number, &asked, &mut keys, buyer.duplicate).await? {
                Ok(hold) => break hold,
                Err(problem) => match again(&asked, &problem).filter(|_| chances > 0) {
                    Some(better) => {
                        asked = better;
                        chances -= 1;
                    }
                    None => return Ok(()),
                },
            }
        };
        self.end(number, &hold, buyer.ending, buyer.duplicate, &mut keys).await?;
        if buyer.greedy
            && let Some(more) = self.too_much(&hold)
            && let Ok(hold) = self.place(number, &more, &mut keys, Duplicate::None).await?
        {
            self.release(number, &hold, &mut keys).await?;
        }
        Ok(())
    }

    /// As many as one order may have, of what the buyer has already.
    fn too_much(&self, hold: &Hold) -> Option<Asked> {
        let ticket_type = self.sale.venue.ticket_type(&hold.lines.first()?.ticket_type)?;
        let facts = &self.sale.venue.ticket_types[ticket_type];
        let quantity = facts.per_order_max;
        let units = match facts.category {
            None => AskedUnits::Quantity(quantity),
            Some(_) => AskedUnits::Together {
                quantity,
                section: None,
                price_max: None,
                accessible: 0,
                accept_split: true,
            },
        };
        let lines = vec![AskedLine { ticket_type: Some(ticket_type), units }];
        Some(Asked { lines, access_code: facts.access_code.clone(), stale_price: false })
    }

    async fn place(
        &mut self,
        number: u32,
        asked: &Asked,
        keys: &mut Keys,
        duplicate: Duplicate,
    ) -> Result<Result<Hold, Problem>, DemoError> {
        let sale = Arc::clone(&self.sale);
        let step = Step {
            operation: Operation::PlaceHold,
            path: sale.path("/holds"),
            credential: &sale.credentials.buyers[number as usize],
            body: wire::hold_body(&sale.venue, asked),
            duplicate,
        };
        let reply = self.send(step, keys).await?;
        if reply.accepted() {
            sale.live.accepted.fetch_add(1, Ordering::Relaxed);
            let hold: Hold = serde_json::from_slice(&reply.body)
                .map_err(|error| DemoError::unreadable("placing a hold", &reply.body, error))?;
            let line = |line: &wire::HoldLine| (line.ticket_type.clone(), line.quantity, line.seats.clone());
            let lines = hold.lines.iter().map(line).collect();
            let what = Accepted::HoldPlaced { hold: hold.id.clone(), lines };
            self.tally.acknowledge(hold.sequence, Some(number), what);
            return Ok(Ok(hold));
        }
        sale.live.refused.fetch_add(1, Ordering::Relaxed);
        let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_default();
        if !EXPECTED_REFUSALS.contains(&problem.code.as_str()) {
            self.surprise(Operation::PlaceHold, &reply);
        }
        self.tally.refusals.push(Refusal {
            sequence: problem.sequence,
            buyer: number,
            code: problem.code.clone(),
            asked: asked.clone(),
            seats: problem.seats.clone(),
            stranded: problem.stranded,
            limit: problem.limit,
            used: problem.used,
        });
        Ok(Err(problem))
    }

    async fn end(
        &mut self,
        number: u32,
        hold: &Hold,
        ending: Ending,
        duplicate: Duplicate,
        keys: &mut Keys,
    ) -> Result<(), DemoError> {
        match ending {
            Ending::Abandon => return Ok(()),
            Ending::Release => return self.release(number, hold, keys).await,
            Ending::RenewAndPay => {
                let path = self.sale.path(&format!("/holds/{}/renew", hold.id));
                let reply = self.by_buyer(Operation::RenewHold, path, number, "{}".into(), keys).await?;
                // A renewal in the millisecond of the hold would move nothing and is refused: its buyer pays all the same.
                self.note(
                    Operation::RenewHold,
                    number,
                    Accepted::HoldRenewed { hold: hold.id.clone() },
                    &reply,
                )?;
            }
            Ending::FailThenPay if hold.total.amount > 0 => {
                let Some(order) = self.begin_payment(number, hold, Duplicate::None, keys).await? else {
                    return Ok(());
                };
                if !self.pay_at_page(number, &order.id, Choice::Decline).await? {
                    return Ok(());
                }
            }
            // Nobody is declined who pays nothing.
            Ending::Pay | Ending::FailThenPay => {}
        }
        self.pay(number, hold, duplicate, keys).await
    }

    async fn release(&mut self, number: u32, hold: &Hold, keys: &mut Keys) -> Result<(), DemoError> {
        let path = self.sale.path(&format!("/holds/{}/release", hold.id));
        let reply = self.by_buyer(Operation::ReleaseHold, path, number, "{}".into(), keys).await?;
        let what = Accepted::HoldReleased { hold: hold.id.clone() };
        self.note(Operation::ReleaseHold, number, what, &reply)?;
        Ok(())
    }

    async fn begin_payment(
        &mut self,
        number: u32,
        hold: &Hold,
        duplicate: Duplicate,
        keys: &mut Keys,
    ) -> Result<Option<Order>, DemoError> {
        let sale = Arc::clone(&self.sale);
        let hold_id = wire::quoted(&hold.id);
        let body = if hold.total.amount == 0 {
            format!(r#"{{"hold":{hold_id}}}"#)
        } else {
            format!(r#"{{"hold":{hold_id},"payment":{{"provider":"sandbox"}}}}"#)
        };
        let credential = &sale.credentials.buyers[number as usize];
        let operation = Operation::BeginPayment;
        let step = Step { operation, path: sale.path("/orders"), credential, body, duplicate };
        let reply = self.send(step, keys).await?;
        self.order(operation, number, &reply, |order| Accepted::PaymentBegun { order })
    }

    async fn pay(
        &mut self,
        number: u32,
        hold: &Hold,
        duplicate: Duplicate,
        keys: &mut Keys,
    ) -> Result<(), DemoError> {
        let Some(order) = self.begin_payment(number, hold, duplicate, keys).await? else { return Ok(()) };
        let paid = if hold.total.amount == 0 {
            let path = self.sale.path(&format!("/orders/{}/confirm", order.id));
            let body = r#"{"payment":"free"}"#.into();
            let reply = self.by_buyer(Operation::Confirm, path, number, body, keys).await?;
            self.order(Operation::Confirm, number, &reply, |order| Accepted::Confirmed { order })?
        } else if self.pay_at_page(number, &order.id, Choice::Pay).await? {
            Some(self.read_order(number, &order.id).await?)
        } else {
            None
        };
        if let Some(order) = paid {
            let tickets = order.tickets.into_iter().map(|ticket| (ticket.id, ticket.code)).collect();
            self.tally.paid.push(PaidOrder {
                order: order.id,
                buyer: number,
                tickets,
                total: hold.total.amount,
            });
        }
        Ok(())
    }

    /// An order out of a reply, noted; `None` when it was refused.
    fn order(
        &mut self,
        operation: Operation,
        number: u32,
        reply: &Reply,
        what: impl Fn(String) -> Accepted,
    ) -> Result<Option<Order>, DemoError> {
        if !reply.accepted() {
            self.refused(operation, reply);
            return Ok(None);
        }
        let order: Order = serde_json::from_slice(&reply.body)
            .map_err(|error| DemoError::unreadable(operation.name(), &reply.body, error))?;
        self.tally.acknowledge(order.sequence, Some(number), what(order.id.clone()));
        Ok(Some(order))
    }

    /// Note a reply that carries a decision; true when it was accepted.
    fn note(
        &mut self,
        operation: Operation,
        number: u32,
        what: Accepted,
        reply: &Reply,
    ) -> Result<bool, DemoError> {
        if !reply.accepted() {
            self.refused(operation, reply);
            return Ok(false);
        }
        let decision: wire::Decision = serde_json::from_slice(&reply.body)
            .map_err(|error| DemoError::unreadable(operation.name(), &reply.body, error))?;
        self.tally.acknowledge(decision.sequence, Some(number), what);
        Ok(true)
    }

    fn refused(&mut self, operation: Operation, reply: &Reply) {
        let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_default();
        let expected = match operation {
            Operation::RenewHold => problem.code == "renewals_exhausted",
            // A slow machine may let a hold end before its buyer is served.
            _ => matches!(problem.code.as_str(), "hold_expired" | "hold_not_found" | "order_not_found"),
        };
        if !expected {
            self.surprise(operation, reply);
        }
        *self.tally.other_refusals.entry((operation, problem.code)).or_default() += 1;
    }

    fn surprise(&mut self, operation: Operation, reply: &Reply) {
        self.tally.surprises.note(|| {
            format!("{}: {} {}", operation.name(), reply.status, String::from_utf8_lossy(&reply.body))
        });
    }

    async fn by_buyer(
        &mut self,
        operation: Operation,
        path: String,
        number: u32,
        body: String,
        keys: &mut Keys,
    ) -> Result<Reply, DemoError> {
        let sale = Arc::clone(&self.sale);
        let credential = &sale.credentials.buyers[number as usize];
        self.send(Step { operation, path, credential, body, duplicate: Duplicate::None }, keys).await
    }

    /// Send a step under a fresh key, and maybe a second time under the same; answers the reply that counts.
    async fn send(&mut self, step: Step<'_>, keys: &mut Keys) -> Result<Reply, DemoError> {
        let call = Call::post(step.path, step.credential, step.body).keyed(keys.mint());
        let (reply, effort) = match step.duplicate {
            Duplicate::AtOnce => {
                let (one, other) = tokio::join!(self.connection.call(&call), self.second.call(&call));
                let ((one, effort), (other, other_effort)) = (one?, other?);
                self.tally.hear(step.operation, &other, other_effort, true);
                self.tally.compare(&one, &other, true);
                if one.accepted() { (one, effort) } else { (other, effort) }
            }
            Duplicate::None | Duplicate::Afterwards => self.connection.call(&call).await?,
        };
        self.tally.hear(step.operation, &reply, effort, false);
        self.sale.live.replies.fetch_add(1, Ordering::Relaxed);
        if step.duplicate == Duplicate::Afterwards {
            let (repeated, effort) = self.connection.call(&call).await?;
            self.tally.hear(step.operation, &repeated, effort, true);
            self.tally.compare(&reply, &repeated, false);
            // What was refused may be accepted now: then this is the reply that counts.
            if !reply.accepted() && repeated.accepted() {
                return Ok(repeated);
            }
        }
        Ok(reply)
    }
}

/// What a refusal invites its buyer to ask for instead.
fn again(asked: &Asked, problem: &Problem) -> Option<Asked> {
    match problem.code.as_str() {
        "price_changed" if asked.stale_price => Some(Asked { stale_price: false, ..asked.clone() }),
        "strands_seat" => {
            let seats = problem.alternatives.first()?.clone();
            let mut better = asked.clone();
            let line = better.lines.iter_mut().find(|line| matches!(line.units, AskedUnits::Seats(_)))?;
            line.units = AskedUnits::Seats(seats);
            Some(better)
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn asked(stale_price: bool) -> Asked {
        let units = AskedUnits::Seats(vec![4, 5]);
        Asked { lines: vec![AskedLine { ticket_type: Some(0), units }], access_code: None, stale_price }
    }

    #[test]
    fn a_refusal_that_names_a_way_is_followed() {
        let problem =
            |code: &str| Problem { code: code.into(), alternatives: vec![vec![6, 7]], ..Problem::default() };
        assert!(!again(&asked(true), &problem("price_changed")).unwrap().stale_price);
        assert_eq!(again(&asked(false), &problem("price_changed")), None);
        let better = again(&asked(false), &problem("strands_seat")).unwrap();
        assert_eq!(better.lines[0].units, AskedUnits::Seats(vec![6, 7]));
        assert_eq!(again(&asked(false), &problem("sold_out")), None);
    }
}
