//! Orders by subject: a projection of the log.
//!
//! An order has one row, under its number; each subject that placed it or holds a ticket of it has an index row. What
//! happens to all orders of an event at once (an expiry, a cancellation) is one row, and the state of each order is derived
//! from it when it is read: no event, however many orders it concerns, needs a large transaction.

mod event_orders;
mod fold;
mod follow;
mod order;

use std::sync::Arc;

use tessera_inventory::{ClaimNumber, EventId, Sequence, Subject};
use tessera_store::{
    Log, Row, StoreError, Table, Transaction,
    keys::{OrderBySubjectKey, OrderKey},
};

use event_orders::EventOrders;
pub use follow::{STEP_BYTES, STEP_EVENTS_MAX, Step, placed_holds};
pub(crate) use follow::{cursor_of, events_after};
pub use order::{Order, OrderState, OrderTicket, TicketPassage};

use crate::{
    damage::damaged,
    mutant::{Mutant, Mutation},
    page::after,
};

/// Orders by subject, over a table.
#[derive(Clone)]
pub struct OrdersBySubject {
    table: Arc<dyn Table>,
    mutation: Mutation,
}

/// Orders of one subject, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersPage {
    /// The orders.
    pub orders: Vec<Order>,
    /// Where the next page begins, if there may be more: give it as `after_order`.
    pub next: Option<ClaimNumber>,
    /// How far the projection had followed the log. A reader that needs more asks again later.
    pub sequence: Sequence,
}

impl OrdersBySubject {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> OrdersBySubject {
        OrdersBySubject { table, mutation: Mutation::default() }
    }

    /// Over `table`, with a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(table: Arc<dyn Table>, mutant: Mutant) -> OrdersBySubject {
        OrdersBySubject { mutation: Mutation::of(mutant), ..OrdersBySubject::new(table) }
    }

    /// Up to `limit` orders of `subject` in `event`, those after `after_order`. A subject sees whole orders that it placed, and
    /// of others the tickets that it holds.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn list(
        &self,
        event: EventId,
        subject: Subject,
        after_order: Option<ClaimNumber>,
        limit: usize,
    ) -> Result<OrdersPage, StoreError> {
        let mut transaction = self.table.begin().await?;
        let transaction = transaction.as_mut();
        let sequence = follow::cursor(transaction, event).await?.sequence;
        let of_event = EventOrders::read(transaction, event).await?;
        let (mut begin, end) = OrderBySubjectKey::range(event, subject);
        if let Some(order) = after_order {
            begin = after(OrderBySubjectKey { event, subject, placed_at: Sequence(order.0) }.pack());
        }
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let mut orders = Vec::with_capacity(rows.len());
        for (key, _) in &rows {
            let number = ClaimNumber(OrderBySubjectKey::unpack(key)?.placed_at.0);
            let order = read(transaction, event, number, &of_event).await?;
            let order =
                order.ok_or_else(|| damaged(format!("order {} of {event:?} has no row", number.0)))?;
            let is_whole = self.mutation.is(Mutant::StrangersListed);
            orders.push(if is_whole { order } else { order.seen_by(subject) });
        }
        let next = orders.last().filter(|_| rows.len() == limit).map(|order| order.number);
        Ok(OrdersPage { orders, next, sequence })
    }

    /// One order, whole.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn get(&self, event: EventId, number: ClaimNumber) -> Result<Option<Order>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let of_event = EventOrders::read(transaction.as_mut(), event).await?;
        read(transaction.as_mut(), event, number, &of_event).await
    }

    /// Up to `limit` orders of `event`, whole, in the order of their numbers, after `after_order`.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn page(
        &self,
        event: EventId,
        after_order: Option<ClaimNumber>,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let of_event = EventOrders::read(transaction.as_mut(), event).await?;
        let (first, end) = OrderKey::range(event);
        let begin = after_order.map_or(first, |order| after(OrderKey { event, order }.pack()));
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let order = |(key, row): &Row| {
            let mut order = Order::decode(OrderKey::unpack(key)?.order, row)?;
            order.derive_state(&of_event);
            Ok(order)
        };
        rows.iter().map(order).collect()
    }

    /// How far the projection has followed the log of `event`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn sequence(&self, event: EventId) -> Result<Sequence, StoreError> {
        Ok(follow::cursor(self.table.begin().await?.as_mut(), event).await?.sequence)
    }

    /// Fold the next records of the log into rows, in one transaction with the cursor: call it again until it answers
    /// [`Step::UpToDate`], and whenever the log has grown. Several may do so at once; each record is folded once.
    ///
    /// # Errors
    /// As the log and the table say; [`StoreError::Damaged`] where the log does not go on from where the cursor stands.
    pub async fn project(&self, log: &dyn Log, event: EventId) -> Result<Step, StoreError> {
        follow::step(self.table.as_ref(), log, event, self.mutation).await
    }

    /// Folds the log into rows at least as far as `through`, or as the log goes: what happened by then stands in the rows.
    ///
    /// # Errors
    /// As those of [`Self::project`].
    pub async fn project_through(
        &self,
        log: &dyn Log,
        event: EventId,
        through: Sequence,
    ) -> Result<(), StoreError> {
        while self.sequence(event).await? < through {
            if let Step::UpToDate { .. } = self.project(log, event).await? {
                break;
            }
        }
        Ok(())
    }
}

async fn read(
    transaction: &mut dyn Transaction,
    event: EventId,
    number: ClaimNumber,
    of_event: &EventOrders,
) -> Result<Option<Order>, StoreError> {
    let Some(row) = transaction.get(&OrderKey { event, order: number }.pack()).await? else {
        return Ok(None);
    };
    let mut order = Order::decode(number, &row)?;
    order.derive_state(of_event);
    Ok(Some(order))
}
