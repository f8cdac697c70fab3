//! How buyers are reached about their orders: data of persons, apart from everything that is kept for ever, so that it can be erased. It is found by
//! whoever said it, and looked at later: what belongs to no sale is forgotten.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{ClaimNumber, EventId, Subject, Timestamp};
use tessera_store::keys::{PaymentContactBySubjectKey, PaymentContactDueKey, PaymentContactKey};
use tessera_store::{StoreError, Table, Transaction, transact};

use crate::Lane;
use crate::read::{identity, time, unreadable};

const WHAT: &str = "contacts";
/// What was said at a hold is looked at after so long, in milliseconds, and forgotten where the hold was never paid: a week, in which late money may
/// still buy what it had.
pub const UNPAID_MS: u64 = 7 * 86_400_000;
/// Contacts that are erased in one transaction.
const ERASED_AT_ONCE: usize = 100;

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
    /// Sixteen bytes.
    #[prost(bytes = "vec", tag = "7")]
    subject: Vec<u8>,
    #[prost(uint64, optional, tag = "8")]
    due_at_ms: Option<u64>,
}

/// A contact with what finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stored {
    contact: Contact,
    /// Who said it.
    subject: Option<Subject>,
    /// When it is looked at whether the order was paid; `None`: it was.
    due_at: Option<Timestamp>,
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

    /// Keep how the buyer of an order, `subject`, is reached: what `said` says, and of what it leaves out what it said before. Whether it pays at
    /// the organizer's own page is as it says now. It is looked at after [`UNPAID_MS`].
    ///
    /// # Errors
    /// As the table says.
    pub async fn keep(
        &self,
        key: PaymentContactKey,
        subject: Subject,
        said: &Contact,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let before = read(transaction.as_mut(), key).await?;
            let known = before.as_ref().map(|before| before.contact.clone()).unwrap_or_default();
            let contact = known.updated(said);
            // A row of an earlier release does not say whose it is: from now on it is found by that.
            let is_unfound = before.as_ref().is_some_and(|before| before.subject.is_none());
            if contact != known || is_unfound {
                let due_at = Some(now.plus_ms(UNPAID_MS));
                let after = Stored { contact, subject: Some(subject), due_at };
                write(transaction.as_mut(), key, before.as_ref(), Some(&after));
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
        let stored = read(self.table.begin().await?.as_mut(), PaymentContactKey { event, order }).await?;
        Ok(stored.map(|stored| stored.contact))
    }

    /// Erase the contact of an order. What was paid stays.
    ///
    /// # Errors
    /// As the table says.
    pub async fn erase(&self, key: PaymentContactKey) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let before = read(transaction.as_mut(), key).await?;
            write(transaction.as_mut(), key, before.as_ref(), None);
            Ok((transaction, ()))
        })
        .await
    }

    /// Erase what somebody said at all its holds and orders, whatever has become of them.
    ///
    /// # Errors
    /// As the table says.
    pub async fn erase_all(&self, subject: Subject) -> Result<(), StoreError> {
        loop {
            let erased = transact(self.table.as_ref(), |mut transaction| async move {
                let (begin, end) = PaymentContactBySubjectKey::range(subject);
                let rows = transaction.range(&begin, &end, ERASED_AT_ONCE, false).await?;
                for (key, _) in &rows {
                    let contact = PaymentContactBySubjectKey::unpack(key)?.contact;
                    let before = read(transaction.as_mut(), contact).await?;
                    write(transaction.as_mut(), contact, before.as_ref(), None);
                    transaction.clear(key);
                }
                Ok((transaction, rows.len()))
            })
            .await?;
            if erased < ERASED_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Up to `most` contacts of a lane that are to be looked at, the first first, after one that was seen.
    ///
    /// # Errors
    /// As the table says.
    pub async fn due(
        &self,
        lane: Lane,
        after: Option<PaymentContactDueKey>,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<PaymentContactDueKey>, StoreError> {
        let (first, end) = PaymentContactDueKey::range(lane.number());
        let begin = after.map_or(first, |seen| [seen.pack().as_slice(), &[0x00]].concat());
        let rows = self.table.begin().await?.range(&begin, &end, most, false).await?;
        let mut due = Vec::with_capacity(rows.len());
        for (key, _) in &rows {
            let found = PaymentContactDueKey::unpack(key)?;
            if found.due_at > now {
                break;
            }
            due.push(found);
        }
        Ok(due)
    }

    /// A contact is looked at again then; `None`: never, since its order was paid.
    ///
    /// # Errors
    /// As the table says.
    pub async fn look_again(
        &self,
        key: PaymentContactKey,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            if let Some(before) = read(transaction.as_mut(), key).await? {
                let after = Stored { due_at, ..before.clone() };
                write(transaction.as_mut(), key, Some(&before), Some(&after));
            }
            Ok((transaction, ()))
        })
        .await
    }
}

async fn read(
    transaction: &mut dyn Transaction,
    key: PaymentContactKey,
) -> Result<Option<Stored>, StoreError> {
    let row = transaction.get(&key.pack()).await?;
    row.map(|row| Stored::decode(&row)).transpose()
}

/// Write a contact, or erase it, with what finds it.
fn write(
    transaction: &mut dyn Transaction,
    contact: PaymentContactKey,
    before: Option<&Stored>,
    after: Option<&Stored>,
) {
    let (found_before, found_after) =
        (before.map(|row| row.found_by(contact)), after.map(|row| row.found_by(contact)));
    for key in found_before.iter().flatten() {
        transaction.clear(key);
    }
    for key in found_after.iter().flatten() {
        transaction.set(key, &[]);
    }
    match after {
        Some(after) => transaction.set(&contact.pack(), &after.encode()),
        None => transaction.clear(&contact.pack()),
    }
}

impl Stored {
    /// The keys that lead to it.
    fn found_by(&self, contact: PaymentContactKey) -> Vec<Vec<u8>> {
        let of_subject = self.subject.map(|subject| PaymentContactBySubjectKey { subject, contact }.pack());
        let lane = Lane::of(contact.event).number();
        let due = self.due_at.map(|due_at| PaymentContactDueKey { lane, due_at, contact }.pack());
        [of_subject, due].into_iter().flatten().collect()
    }

    fn encode(&self) -> Vec<u8> {
        let Contact { email, phone, name, locale, return_url, by_own_page } = self.contact.clone();
        let subject = self.subject.map(|subject| subject.0.to_be_bytes().to_vec()).unwrap_or_default();
        let due_at_ms = self.due_at.map(|at| at.0);
        ContactRow { email, phone, name, locale, return_url, by_own_page, subject, due_at_ms }.encode_to_vec()
    }

    fn decode(row: &[u8]) -> Result<Stored, StoreError> {
        let row = ContactRow::decode(row).map_err(|_| unreadable(WHAT))?;
        let ContactRow { email, phone, name, locale, return_url, by_own_page, subject, due_at_ms } = row;
        let subject = if subject.is_empty() { None } else { Some(Subject(identity(&subject, WHAT)?)) };
        let contact = Contact { email, phone, name, locale, return_url, by_own_page };
        Ok(Stored { contact, subject, due_at: time(due_at_ms) })
    }
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
        let of = |contact| Stored { contact, ..Stored::default() };
        let stored = of(contact);
        let bytes = stored.encode();
        assert_eq!(bytes, [10, 3, b'a', b'@', b'b', 26, 2, 0xc3, 0x85, 34, 2, b'd', b'e']);
        assert_eq!(Stored::decode(&bytes).unwrap(), stored);
        let by_own_page = of(Contact { by_own_page: true, ..Contact::default() });
        assert_eq!(by_own_page.encode(), [48, 1]);
        assert_eq!(Stored::decode(&[48, 1]).unwrap(), by_own_page);
        let found = Stored { subject: Some(Subject(7)), due_at: Some(Timestamp(9)), ..by_own_page };
        let bytes = [&[48_u8, 1, 58, 16][..], &7_u128.to_be_bytes(), &[64, 9]].concat();
        assert_eq!(found.encode(), bytes);
        assert_eq!(Stored::decode(&bytes).unwrap(), found);
    }
}
