//! What happens to paid orders while abandoned holds run out: refunds, transfers, the first visitors at the gate, and one who shows the QR
//! of its PDF there.

use std::sync::Arc;

use http::header::HeaderValue;
use serde_json::{Value, json};

use crate::client::{Call, Connection};
use crate::error::DemoError;
use crate::keys::Keys;
use crate::papers::{PDF_HEAD, Papers};
use crate::random::Random;
use crate::sale::Sale;
use crate::tally::{Accepted, Operation, PaidOrder, Tally};
use crate::wire::{Decision, OrderList, Problem, ShownTicket};

/// One paid order in this many is refunded, another one transferred.
const ORDERS_PER_REFUND: usize = 100;
/// One paid order in this many is checked in.
const ORDERS_PER_CHECK_IN: usize = 20;
/// Most orders of each kind.
const ORDERS_MAX: usize = 200;
/// How often a list of orders is read until it has reached what it is asked for; each read waits for it.
const LIST_READS_MAX: usize = 10;
/// Tells these dice from those of the buyers.
const AFTERMATH_ROLE: u64 = u64::MAX - 1;

/// Who does it: the organizer, holders and the gate, over one connection.
struct Desk<'a> {
    sale: &'a Sale,
    connection: Connection,
    keys: Keys,
    tally: Tally,
}

/// How a command ought to end.
enum Expected {
    Accepted(Accepted),
    Refused(&'static str),
}

/// Refund, transfer and check in some of these orders; and the papers of the largest of the others, if there are others.
///
/// # Errors
/// [`DemoError`] when the server is gone.
pub async fn run(sale: Arc<Sale>, paid: Vec<PaidOrder>) -> Result<(Tally, Option<Papers>), DemoError> {
    let mut desk = Desk {
        sale: &sale,
        connection: Connection::new(&sale.server),
        keys: Keys::new(sale.seed, AFTERMATH_ROLE),
        tally: Tally::new(sale.began),
    };
    let mut orders: Vec<PaidOrder> = paid.into_iter().filter(|order| !order.tickets.is_empty()).collect();
    orders.sort_by_key(|order| order.buyer);
    shuffle(&mut orders, &mut Random::new(sale.seed, AFTERMATH_ROLE));
    let count = |per: usize| (orders.len() / per).clamp(usize::from(!orders.is_empty()), ORDERS_MAX);
    let (refunds, check_ins) = (count(ORDERS_PER_REFUND), count(ORDERS_PER_CHECK_IN));
    let mut orders = orders.into_iter();
    for (index, order) in orders.by_ref().take(refunds).enumerate() {
        desk.refund(&order, if index % 4 == 3 { "kill" } else { "restock" }).await?;
    }
    for order in orders.by_ref().take(refunds) {
        desk.transfer(&order).await?;
    }
    for (index, order) in orders.by_ref().take(check_ins).enumerate() {
        desk.admit(&order, index % 10 == 0).await?;
    }
    let papers = match orders.max_by_key(|order| order.tickets.len()) {
        Some(order) => desk.papers(&order).await?,
        None => None,
    };
    Ok((desk.tally, papers))
}

fn shuffle(orders: &mut [PaidOrder], random: &mut Random) {
    for last in (1..orders.len()).rev() {
        orders.swap(last, random.below(last + 1));
    }
}

impl Desk<'_> {
    /// Refund the first ticket, then try to let it in.
    async fn refund(&mut self, order: &PaidOrder, units: &str) -> Result<(), DemoError> {
        let Some((ticket, code)) = order.tickets.first() else { return Ok(()) };
        let path = self.sale.path(&format!("/orders/{}/refunds", order.order));
        let body = json!({ "tickets": [ticket], "units": units }).to_string();
        let what = Accepted::TicketsRefunded { order: order.order.clone() };
        let organizer = self.sale.credentials.organizer.clone();
        self.expect(Operation::Refund, path, organizer, body, Expected::Accepted(what)).await?;
        self.scan(ticket, code, "check-ins", Expected::Refused("ticket_refunded")).await
    }

    /// Give the first ticket to another buyer; its old code dies, the new one opens the gate.
    async fn transfer(&mut self, order: &PaidOrder) -> Result<(), DemoError> {
        let Some((ticket, code)) = order.tickets.first() else { return Ok(()) };
        let sale = self.sale;
        let credentials = &sale.credentials.buyers;
        let other = (order.buyer as usize + 1) % credentials.len();
        let to = credentials[other].to_str().unwrap_or_default().trim_start_matches("Bearer ");
        let path = sale.path(&format!("/tickets/{ticket}/transfer"));
        let what = Accepted::TicketTransferred { ticket: ticket.clone() };
        let holder = credentials[order.buyer as usize].clone();
        let body = json!({ "to": to }).to_string();
        let given = self.expect(Operation::Transfer, path, holder, body, Expected::Accepted(what)).await?;
        self.scan(ticket, code, "check-ins", Expected::Refused("code_revoked")).await?;
        let new_code = self.code_of(ticket, credentials[other].clone(), given).await?;
        let admitted = Accepted::CheckedIn { ticket: ticket.clone() };
        self.scan(ticket, &new_code, "check-ins", Expected::Accepted(admitted)).await
    }

    /// Let every ticket of an order in; `twice`: the first one is shown again, goes out, and comes back.
    async fn admit(&mut self, order: &PaidOrder, twice: bool) -> Result<(), DemoError> {
        for (ticket, code) in &order.tickets {
            let admitted = || Expected::Accepted(Accepted::CheckedIn { ticket: ticket.clone() });
            self.scan(ticket, code, "check-ins", admitted()).await?;
            if twice {
                self.scan(ticket, code, "check-ins", Expected::Refused("already_checked_in")).await?;
                let left = Accepted::CheckedOut { ticket: ticket.clone() };
                self.scan(ticket, code, "check-outs", Expected::Accepted(left)).await?;
                self.scan(ticket, code, "check-ins", admitted()).await?;
            }
        }
        Ok(())
    }

    /// Read the PDF of an order, as its buyer, and let its first ticket in by nothing but its QR, which opens once.
    async fn papers(&mut self, order: &PaidOrder) -> Result<Option<Papers>, DemoError> {
        let Some((ticket, _)) = order.tickets.first() else { return Ok(None) };
        let holder = &self.sale.credentials.buyers[order.buyer as usize];
        let read = |path: &str| Call { credential: Some(holder.clone()), ..Call::get(self.sale.path(path)) };
        let paper = read(&format!("/orders/{}/tickets.pdf", order.order));
        let shown = read(&format!("/tickets/{ticket}"));
        let (paper, _) = self.connection.call(&paper).await?;
        let (shown, _) = self.connection.call(&shown).await?;
        if !(paper.accepted() && paper.body.starts_with(PDF_HEAD)) {
            self.tally.surprises.note(|| format!("the PDF of {}: {}", order.order, paper.status));
            return Ok(None);
        }
        let shown: ShownTicket = serde_json::from_slice(&shown.body)
            .map_err(|error| DemoError::unreadable("a ticket", &shown.body, error))?;
        let scan = json!({ "scan": shown.qr, "gate": 1 });
        let admitted = Accepted::CheckedIn { ticket: ticket.clone() };
        self.show(scan.clone(), "check-ins", Expected::Accepted(admitted)).await?;
        self.show(scan, "check-ins", Expected::Refused("already_checked_in")).await?;
        let (order, tickets) = (order.order.clone(), order.tickets.len());
        Ok(Some(Papers { order, tickets, admitted: ticket.clone(), pdf: paper.body }))
    }

    async fn scan(
        &mut self,
        ticket: &str,
        code: &str,
        way: &str,
        expected: Expected,
    ) -> Result<(), DemoError> {
        self.show(json!({ "ticket": ticket, "code": code, "gate": 1 }), way, expected).await
    }

    /// Show this at the gate.
    async fn show(&mut self, what: Value, way: &str, expected: Expected) -> Result<(), DemoError> {
        let (path, scanner) = (self.sale.path(&format!("/{way}")), self.sale.credentials.scanner.clone());
        self.expect(Operation::CheckIn, path, scanner, what.to_string(), expected).await?;
        Ok(())
    }

    /// The code of a ticket, as its holder finds it in its list of orders once that has reached `sequence`; empty if it is
    /// not there.
    async fn code_of(
        &mut self,
        ticket: &str,
        holder: HeaderValue,
        sequence: u64,
    ) -> Result<String, DemoError> {
        let path = self.sale.path(&format!("/orders?limit=200&min_sequence={sequence}"));
        let call = Call { credential: Some(holder), ..Call::get(path) };
        for _ in 0..LIST_READS_MAX {
            let (reply, _) = self.connection.call(&call).await?;
            let list: OrderList = serde_json::from_slice(&reply.body)
                .map_err(|error| DemoError::unreadable("the list of orders", &reply.body, error))?;
            if list.sequence >= sequence {
                let mut tickets = list.items.into_iter().flat_map(|order| order.tickets);
                return Ok(tickets.find(|one| one.id == ticket).map(|one| one.code).unwrap_or_default());
            }
        }
        Ok(String::new())
    }

    /// Asks; answers with the sequence of what was accepted, 0 otherwise.
    async fn expect(
        &mut self,
        operation: Operation,
        path: String,
        credential: HeaderValue,
        body: String,
        expected: Expected,
    ) -> Result<u64, DemoError> {
        let call = Call::post(path, &credential, body).keyed(self.keys.mint());
        let (reply, effort) = self.connection.call(&call).await?;
        self.tally.hear(operation, &reply, effort, false);
        let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_default();
        let decision = serde_json::from_slice::<Decision>(&reply.body);
        match (expected, decision) {
            (Expected::Accepted(what), Ok(decision)) if reply.accepted() => {
                self.tally.acknowledge(decision.sequence, None, what);
                return Ok(decision.sequence);
            }
            (Expected::Refused(code), _) if problem.code == code => {
                *self.tally.other_refusals.entry((operation, problem.code)).or_default() += 1;
            }
            _ => self.tally.surprises.note(|| {
                format!("{}: {} {}", operation.name(), reply.status, String::from_utf8_lossy(&reply.body))
            }),
        }
        Ok(0)
    }
}
