//! The inboxes of buyers.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{ClaimNumber, Dispute, Subject};
use tessera_store::keys::{InboxItemKey, MessagePlace};
use tessera_store::{Row, StoreError, Table, Transaction, transact};

use crate::INBOX_KEPT;
use crate::kind::Kind;
use crate::read::unreadable;
use crate::want::{Want, dispute_number, dispute_numbered};

/// A message in an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxItem {
    /// When it came, and what it is about.
    pub place: MessagePlace,
    /// What it is about.
    pub kind: Kind,
    /// The order that it is about.
    pub order: Option<ClaimNumber>,
    /// The tickets of that order; empty: all that its owner holds, of a refund none.
    pub tickets: Vec<u16>,
    /// How the dispute stands that it is about.
    pub dispute: Option<Dispute>,
    /// Whether it was read.
    pub is_read: bool,
}

#[derive(Clone, PartialEq, Message)]
struct ItemRow {
    #[prost(uint64, optional, tag = "1")]
    order: Option<u64>,
    #[prost(uint32, repeated, tag = "2")]
    tickets: Vec<u32>,
    #[prost(bool, tag = "3")]
    is_read: bool,
    /// 0: it is about none; open, won, lost.
    #[prost(uint32, tag = "4")]
    dispute: u32,
}

impl InboxItem {
    fn encode(&self) -> Vec<u8> {
        let order = self.order.map(|order| order.0);
        let tickets = self.tickets.iter().copied().map(u32::from).collect();
        let dispute = dispute_number(self.dispute);
        ItemRow { order, tickets, is_read: self.is_read, dispute }.encode_to_vec()
    }

    fn decode((key, row): &Row) -> Result<InboxItem, StoreError> {
        let wrong = || unreadable("inboxes");
        let InboxItemKey { place, .. } = InboxItemKey::unpack(key)?;
        let row = ItemRow::decode(row.as_slice()).map_err(|_| wrong())?;
        let tickets = row.tickets.into_iter().map(u16::try_from).collect::<Result<_, _>>();
        Ok(InboxItem {
            place,
            kind: Kind::numbered(place.kind).ok_or_else(wrong)?,
            order: row.order.map(ClaimNumber),
            tickets: tickets.map_err(|_| wrong())?,
            dispute: dispute_numbered(row.dispute, "inboxes")?,
            is_read: row.is_read,
        })
    }
}

/// Writes a message into the inbox of its recipient, from which the oldest leaves if it is full.
///
/// # Errors
/// As the transaction says.
pub(crate) async fn keep_in(transaction: &mut dyn Transaction, want: &Want) -> Result<(), StoreError> {
    let subject = want.recipient.subject;
    let (begin, end) = InboxItemKey::range(subject);
    let rows = transaction.range(&begin, &end, INBOX_KEPT, false).await?;
    if rows.len() >= INBOX_KEPT
        && let Some((oldest, _)) = rows.first()
    {
        transaction.clear(oldest);
    }
    let item = InboxItem {
        place: want.place,
        kind: want.kind,
        order: want.order,
        tickets: want.tickets.clone(),
        dispute: want.dispute,
        is_read: false,
    };
    transaction.set(&InboxItemKey { subject, place: want.place }.pack(), &item.encode());
    Ok(())
}

/// Inboxes, over a table.
#[derive(Clone)]
pub struct Inbox {
    table: Arc<dyn Table>,
}

impl Inbox {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Inbox {
        Inbox { table }
    }

    /// Up to `limit` messages, the youngest first, before `before_place`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        subject: Subject,
        before_place: Option<MessagePlace>,
        limit: usize,
    ) -> Result<Vec<InboxItem>, StoreError> {
        let (begin, last) = InboxItemKey::range(subject);
        let end = before_place.map_or(last, |place| InboxItemKey { subject, place }.pack());
        let rows = self.table.begin().await?.range(&begin, &end, limit, true).await?;
        rows.iter().map(InboxItem::decode).collect()
    }

    /// Marks these messages as read. How many of them there are.
    ///
    /// # Errors
    /// As the table says.
    pub async fn mark(&self, subject: Subject, places: &[MessagePlace]) -> Result<usize, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let mut count = 0;
            for place in places {
                let key = InboxItemKey { subject, place: *place }.pack();
                if let Some(row) = transaction.get(&key).await? {
                    let item = InboxItem::decode(&(key.clone(), row))?;
                    transaction.set(&key, &InboxItem { is_read: true, ..item }.encode());
                    count += 1;
                }
            }
            Ok((transaction, count))
        })
        .await
    }
}
