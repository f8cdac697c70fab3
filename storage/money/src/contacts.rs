//! How buyers are reached about their orders: data of persons, apart from everything that is kept for ever, so that it can be erased.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{ClaimNumber, EventId};
use tessera_store::keys::PaymentContactKey;
use tessera_store::{StoreError, Table, Transaction, transact};

use crate::read::unreadable;

/// How the buyer of an order is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Where e-mail goes.
    pub email: Option<String>,
    /// In the international form.
    pub phone: Option<String>,
    /// As the buyer writes it.
    pub name: Option<String>,
    /// The language and region it reads.
    pub locale: Option<String>,
    /// Where its browser goes once it has paid.
    pub return_url: Option<String>,
    /// It pays at a page of the organizer's own, which is given a secret, and not at the provider's.
    pub by_own_page: bool,
}

#[derive(Clone, PartialEq, Message)]
struct ContactRow {
    #[prost(string, optional, tag = "1")]
    email: Option<String>,
    #[prost(string, optional, tag = "2")]
    phone: Option<String>,
    #[prost(string, optional, tag = "3")]
    name: Option<String>,
    #[prost(string, optional, tag = "4")]
    locale: Option<String>,
    #[prost(string, optional, tag = "5")]
    return_url: Option<String>,
    #[prost(bool, tag = "6")]
    by_own_page: bool,
}

/// Contacts of orders, over a table.
#[derive(Clone)]
pub struct Contacts {
    table: Arc<dyn Table>,
}

impl Contacts {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Contacts {
        Contacts { table }
    }

    /// Keep how the buyer of an order is reached: what `said` says, and of what it leaves out what it said before. Whether it pays at the
    /// organizer's own page is as it says now.
    ///
    /// # Errors
    /// As the table says.
    pub async fn keep(&self, event: EventId, order: ClaimNumber, said: &Contact) -> Result<(), StoreError> {
        let key = PaymentContactKey { event, order };
        transact(self.table.as_ref(), |mut transaction| async move {
            let before = read(transaction.as_mut(), key).await?.unwrap_or_default();
            let after = before.updated(said);
            if after != before {
                transaction.set(&key.pack(), &after.encode());
            }
            Ok((transaction, ()))
        })
        .await
    }

    /// The contact of an order, unless it has none or was erased.
    ///
    /// # Errors
    /// As the table says.
    pub async fn load(&self, event: EventId, order: ClaimNumber) -> Result<Option<Contact>, StoreError> {
        read(self.table.begin().await?.as_mut(), PaymentContactKey { event, order }).await
    }

    /// Erase the contact of an order. What was paid stays.
    ///
    /// # Errors
    /// As the table says.
    pub async fn erase(&self, event: EventId, order: ClaimNumber) -> Result<(), StoreError> {
        let key = PaymentContactKey { event, order }.pack();
        transact(self.table.as_ref(), |mut transaction| {
            transaction.clear(&key);
            std::future::ready(Ok((transaction, ())))
        })
        .await
    }
}

async fn read(
    transaction: &mut dyn Transaction,
    key: PaymentContactKey,
) -> Result<Option<Contact>, StoreError> {
    let row = transaction.get(&key.pack()).await?;
    row.map(|row| Contact::decode(&row)).transpose()
}

impl Contact {
    /// With what `said` says.
    fn updated(&self, said: &Contact) -> Contact {
        let either =
            |said: &Option<String>, before: &Option<String>| said.as_ref().or(before.as_ref()).cloned();
        Contact {
            email: either(&said.email, &self.email),
            phone: either(&said.phone, &self.phone),
            name: either(&said.name, &self.name),
            locale: either(&said.locale, &self.locale),
            return_url: either(&said.return_url, &self.return_url),
            by_own_page: said.by_own_page,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let Contact { email, phone, name, locale, return_url, by_own_page } = self.clone();
        ContactRow { email, phone, name, locale, return_url, by_own_page }.encode_to_vec()
    }

    fn decode(row: &[u8]) -> Result<Contact, StoreError> {
        let row = ContactRow::decode(row).map_err(|_| unreadable("contacts"))?;
        let ContactRow { email, phone, name, locale, return_url, by_own_page } = row;
        Ok(Contact { email, phone, name, locale, return_url, by_own_page })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_has_the_bytes_that_it_always_had() {
        let contact = Contact {
            email: Some("a@b".to_owned()),
            name: Some("Å".to_owned()),
            locale: Some("de".to_owned()),
            ..Contact::default()
        };
        let bytes = contact.encode();
        assert_eq!(bytes, [10, 3, b'a', b'@', b'b', 26, 2, 0xc3, 0x85, 34, 2, b'd', b'e']);
        assert_eq!(Contact::decode(&bytes).unwrap(), contact);
        let by_own_page = Contact { by_own_page: true, ..Contact::default() };
        assert_eq!(by_own_page.encode(), [48, 1]);
        assert_eq!(Contact::decode(&[48, 1]).unwrap(), by_own_page);
    }
}
