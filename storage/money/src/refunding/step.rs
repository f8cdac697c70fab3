//! One step of a refund run.

use futures::future::join_all;
use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, EventBody, IdempotencyKey, Line, PaymentKind, RefundAmount,
    Rejection, TicketView, Timestamp,
};
use tessera_projections::orders::{Order, OrderState};
use tessera_store::StoreError;
use tessera_store::keys::RefundRunKey;

use super::{Clerk, Rest, Said, is_of_cancelled};
use crate::following::sale::{self, Refunded};
use crate::hash::first_half;
use crate::refund_runs::{Progress, RefundRun, State};

/// Asks of a run under way at once.
const ASKS_MAX: u32 = 64;
/// Pause where the log does not execute, in milliseconds.
const NOT_NOW_MS: u64 = 1_000;
/// The body under a key is always the same in what it means.
const FINGERPRINT: u64 = 1;

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// So much is given back, in minor units.
    Refunded(i64),
    /// There was nothing to give back.
    Nothing,
    /// It is refused.
    Failed,
    /// It may or may not have been given back: it is asked for again, under the same key.
    Unknown,
}

impl Clerk<'_> {
    /// One step of a run, which has come to its end at `now` if there is nothing left.
    ///
    /// # Errors
    /// As log and table say: the step is made again.
    pub async fn step(&self, key: RefundRunKey, now: Timestamp) -> Result<Rest, StoreError> {
        let Some(run) = self.runs.load(key).await? else { return Ok(Rest::Over) };
        if run.state != State::Runs {
            return Ok(Rest::Over);
        }
        self.orders.project_through(self.log, run.key.event, run.through).await?;
        let most = run.per_second.clamp(1, ASKS_MAX);
        let cursor = run.progress.cursor;
        let mut page = self.orders.page(key.event, cursor, most as usize).await?;
        page.retain(|order| order.number.0 <= run.through.0);
        if page.is_empty() {
            let ended = self.runs.advance(key, (cursor, run.progress), Some(now)).await?;
            return Ok(if ended.is_some_and(|run| run.state == State::Runs) {
                Rest::AfterMs(0)
            } else {
                Rest::Over
            });
        }
        let asked = page.iter().map(|order| self.refund(&run, order));
        let outcomes = join_all(asked).await;
        let known = outcomes.iter().take_while(|outcome| **outcome != Outcome::Unknown);
        let progress = page
            .iter()
            .zip(known)
            .fold(run.progress, |progress, (order, outcome)| counted(progress, order.number, *outcome));
        let is_whole = progress.cursor == page.last().map(|order| order.number);
        self.runs.advance(key, (cursor, progress), None).await?;
        let paced_ms = 1_000 * page.len() as u64 / u64::from(run.per_second.max(1));
        Ok(Rest::AfterMs(if is_whole { paced_ms } else { NOT_NOW_MS }))
    }

    async fn refund(&self, run: &RefundRun, order: &Order) -> Outcome {
        let everybody_leaves = match order.state {
            OrderState::RefundDue => true,
            OrderState::Paid => false,
            _ => return Outcome::Nothing,
        };
        // It stays among those that wait for their money, until the organizer asks for its refund.
        if order.payment == Some(PaymentKind::Offline) && is_of_cancelled(run) {
            return Outcome::Nothing;
        }
        let tickets: Vec<TicketView> = order.tickets.iter().map(|each| each.ticket).collect();
        let tickets = chosen(run, &order.lines, &tickets, everybody_leaves);
        match self.ask(run, order, tickets).await {
            Asked::Answered(outcome) => outcome,
            // The row is older than the log.
            Asked::Stale => match self.writers.read(run.key.event, order.number).await {
                None => Outcome::Unknown,
                Some(None) => Outcome::Nothing,
                Some(Some(view)) => {
                    let tickets = chosen(run, &view.lines, &view.tickets, everybody_leaves);
                    match self.ask(run, order, tickets).await {
                        Asked::Answered(outcome) => outcome,
                        Asked::Stale => Outcome::Unknown,
                    }
                }
            },
        }
    }

    async fn ask(&self, run: &RefundRun, order: &Order, tickets: Vec<u16>) -> Asked {
        if tickets.is_empty() {
            return Asked::Answered(Outcome::Nothing);
        }
        let digest = key(run.key, order.number, &tickets);
        let body = CommandBody::RefundTickets {
            order: order.number,
            tickets,
            amount: RefundAmount::Full,
            reason: run.reason,
            units: run.units,
        };
        let key = IdempotencyKey { digest, fingerprint: FINGERPRINT, minted_at: None };
        let command = Command { authority: Authority::System, key: Some(key), body };
        Asked::Answered(match self.writers.ask(run.key.event, command).await {
            Said::Accepted(event) => match &event.body {
                EventBody::TicketsRefunded { tickets, amount_minor, .. } => {
                    let refunded = Refunded { tickets: tickets.clone(), amount_minor: *amount_minor };
                    let given = sale::given_back(sale::Bought::of(order), &refunded);
                    Outcome::Refunded(given.total_minor)
                }
                _ => Outcome::Failed,
            },
            Said::Refused(rejection) => match rejection {
                Rejection::TicketRefunded | Rejection::AlreadyCheckedIn { .. } => return Asked::Stale,
                Rejection::WrongState { .. } => Outcome::Nothing,
                _ => Outcome::Failed,
            },
            Said::Unknown => Outcome::Unknown,
        })
    }
}

fn counted(progress: Progress, order: ClaimNumber, outcome: Outcome) -> Progress {
    let (refunded, failed, amount_minor) = match outcome {
        Outcome::Refunded(amount_minor) => (1, 0, amount_minor),
        Outcome::Failed => (0, 1, 0),
        Outcome::Nothing | Outcome::Unknown => (0, 0, 0),
    };
    Progress {
        cursor: Some(order),
        asked: progress.asked + 1,
        refunded: progress.refunded + refunded,
        failed: progress.failed + failed,
        amount_minor: progress.amount_minor.saturating_add(amount_minor),
    }
}

/// The positions of the tickets that a run refunds: of its types, good, and not in, unless the event is called off.
fn chosen(run: &RefundRun, lines: &[Line], tickets: &[TicketView], everybody_leaves: bool) -> Vec<u16> {
    let is_of_run = |ticket: &TicketView| {
        let ticket_type = lines.get(usize::from(ticket.line)).map(|line| line.ticket_type.0);
        run.ticket_types.is_empty() || ticket_type.is_some_and(|id| run.ticket_types.contains(&id))
    };
    let goes = |ticket: &TicketView| {
        !ticket.refunded && (everybody_leaves || ticket.checked_in.is_none()) && is_of_run(ticket)
    };
    (0_u16..).zip(tickets).filter(|(_, ticket)| goes(ticket)).map(|(index, _)| index).collect()
}

enum Asked {
    Answered(Outcome),
    Stale,
}

/// The key of a refund in a run: of an order, and of its tickets, which are others once a row that was old has been read anew. Nothing is given back
/// twice by that: a ticket is refunded once.
fn key(RefundRunKey { event, run }: RefundRunKey, order: ClaimNumber, tickets: &[u16]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"refund run");
    hasher.update(&event.0.to_be_bytes());
    hasher.update(&run.to_be_bytes());
    hasher.update(&order.0.to_be_bytes());
    for ticket in tickets {
        hasher.update(&ticket.to_be_bytes());
    }
    first_half(&hasher.finalize())
}
