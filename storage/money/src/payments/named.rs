//! Every payment that a provider has a name for, page by page: whatever may have been captured.

use tessera_inventory::Timestamp;
use tessera_payments::Payment;
use tessera_store::StoreError;
use tessera_store::keys::PaymentReferenceKey;

use super::{Payments, of_key, write};

/// Some of the payments that providers have names for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Each with when there is something to do about it; `None`: it is settled.
    pub payments: Vec<(Payment, Option<Timestamp>)>,
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
        let mut payments = Vec::with_capacity(rows.len());
        for (key, value) in &rows {
            let name = PaymentReferenceKey::unpack(key)?.reference;
            let id = of_key(PaymentReferenceKey::decode(value)?);
            let stored = write::load(transaction.as_mut(), id).await?;
            let stored = stored.filter(|row| row.payment.facts.reference.as_deref() == Some(name.as_str()));
            payments.extend(stored.map(|row| (row.payment, row.due_at)));
        }
        Ok(Named { payments, next })
    }
}
