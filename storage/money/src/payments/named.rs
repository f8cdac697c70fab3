//! Every payment that a provider has a name for, page by page: whatever may have been captured.

use tessera_inventory::Timestamp;
use tessera_payments::Payment;
use tessera_store::keys::PaymentReferenceKey;
use tessera_store::{StoreError, Transaction};

use super::{Payments, of_key, write};

/// Some of the payments that providers have names for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Each with when there is something to do about it; `None`: it is settled.
    pub payments: Vec<(Payment, Option<Timestamp>)>,
    /// Why rows cannot be read, each with what is known of it. They are passed over.
    pub unreadable: Vec<String>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<NamedToken>,
}

/// Where a page of payments begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedToken(Vec<u8>);

impl Payments {
    /// The payments of up to `most` names, from where a page before ended. None is there twice, whatever names it has had.
    ///
    /// # Errors
    /// As the table says.
    pub async fn named(&self, page: Option<NamedToken>, most: usize) -> Result<Named, StoreError> {
        let (first, end) = PaymentReferenceKey::range_of_all();
        let begin = page.map_or(first, |NamedToken(begin)| begin);
        let mut transaction = self.table.begin().await?;
        let rows = transaction.range(&begin, &end, most, false).await?;
        let last = rows.last().filter(|_| rows.len() == most);
        let next = last.map(|(key, _)| NamedToken([key.as_slice(), &[0x00]].concat()));
        let (mut payments, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for (key, value) in &rows {
            match of_name(transaction.as_mut(), key, value).await {
                Ok(found) => payments.extend(found),
                Err(StoreError::Damaged { reason }) => unreadable.push(reason),
                Err(error) => return Err(error),
            }
        }
        Ok(Named { payments, unreadable, next })
    }
}

/// The payment of a name, unless it has another by now.
async fn of_name(
    transaction: &mut dyn Transaction,
    key: &[u8],
    value: &[u8],
) -> Result<Option<(Payment, Option<Timestamp>)>, StoreError> {
    let name = PaymentReferenceKey::unpack(key)?.reference;
    let id = of_key(PaymentReferenceKey::decode(value)?);
    let stored = write::load(transaction, id).await.map_err(|error| match error {
        StoreError::Damaged { reason } => StoreError::Damaged { reason: format!("payment {id}: {reason}") },
        error => error,
    })?;
    let stored = stored.filter(|row| row.payment.facts.reference.as_deref() == Some(name.as_str()));
    Ok(stored.map(|row| (row.payment, row.due_at)))
}
