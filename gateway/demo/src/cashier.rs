//! How a buyer pays: at the page of the provider. What came of it is decided there, and heard by asking.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::buyer::Till;
use crate::client::{Call, Connection, Reply, Server};
use crate::error::DemoError;
use crate::page::{Choice, base_of, path_of};
use crate::tally::Operation;
use crate::wire::{Order, Payment};

/// Longest wait of one question about a payment, in milliseconds: less than the patience of a connection.
const WAIT_MS: u32 = 10_000;
/// How often it is asked.
const ASKED_MAX: u32 = 6;
/// What the page answers to a form: go back to the shop.
const SEE_OTHER: u16 = 303;

/// The connection to the pages of a provider.
#[derive(Debug)]
pub(crate) struct Cashier {
    /// Such as `http://127.0.0.1:8081`.
    base: String,
    connection: Connection,
}

impl Till {
    /// Go to the page of an order, choose, and wait until that is decided; false when it did not come to what was chosen.
    pub(crate) async fn pay_at_page(
        &mut self,
        number: u32,
        order: &str,
        choice: Choice,
    ) -> Result<bool, DemoError> {
        let asked: Payment = self.ask(Operation::AskPage, number, order, "page").await?;
        let Some(page) = asked.page else {
            self.tally.surprises.note(|| format!("{order} cannot be paid: it is {}", asked.state));
            return Ok(false);
        };
        let (reply, effort) =
            self.cashier(&page).await?.call(&Call::form(path_of(&page)?, choice.fields())).await?;
        self.tally.hear(Operation::PayAtPage, &reply, effort, false);
        if reply.status != SEE_OTHER {
            self.tally.surprises.note(|| format!("the page of {order} answers {}", reply.status));
        }
        let mut decided: Payment = self.ask(Operation::HearDecided, number, order, "decided").await?;
        for _ in 1..ASKED_MAX {
            if !decided.is_open() {
                break;
            }
            decided = self.ask(Operation::HearDecided, number, order, "decided").await?;
        }
        let is_reached = choice.is_reached(&decided.state);
        if is_reached {
            self.tally.acknowledge(decided.sequence, Some(number), choice.decides(order.to_owned()));
        } else {
            // On a slow machine a hold may end before its money is there: then it is given back.
            *self.tally.other_refusals.entry((Operation::HearDecided, decided.state)).or_default() += 1;
        }
        Ok(is_reached)
    }

    /// Read a paid order, for its tickets.
    pub(crate) async fn read_order(&mut self, number: u32, order: &str) -> Result<Order, DemoError> {
        let path = self.sale.path(&format!("/orders/{order}"));
        let reply = self.read(number, path).await?.0;
        understood("an order", &reply)
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        operation: Operation,
        number: u32,
        order: &str,
        until: &str,
    ) -> Result<T, DemoError> {
        let path = self.sale.path(&format!("/orders/{order}/payment?wait_ms={WAIT_MS}&until={until}"));
        let (reply, effort) = self.read(number, path).await?;
        self.tally.hear(operation, &reply, effort, false);
        understood(operation.name(), &reply)
    }

    async fn read(&mut self, number: u32, path: String) -> Result<(Reply, crate::client::Effort), DemoError> {
        let sale = Arc::clone(&self.sale);
        let credential = sale.credentials.buyers[number as usize].clone();
        self.connection.call(&Call { credential: Some(credential), ..Call::get(path) }).await
    }

    /// The connection that leads to a page.
    async fn cashier(&mut self, page: &str) -> Result<&mut Connection, DemoError> {
        let base = base_of(page)?;
        let known = self.cashier.take().filter(|cashier| cashier.base == base);
        let cashier = match known {
            Some(cashier) => cashier,
            None => {
                let connection = Connection::new(&Server::locate(base).await?);
                Cashier { base: base.to_owned(), connection }
            }
        };
        Ok(&mut self.cashier.insert(cashier).connection)
    }
}

fn understood<T: DeserializeOwned>(what: &'static str, reply: &Reply) -> Result<T, DemoError> {
    serde_json::from_slice(&reply.body).map_err(|error| DemoError::unreadable(what, &reply.body, error))
}
