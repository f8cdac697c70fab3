//! How buyers are reached: data of persons, apart from everything that is kept for ever, so that it can be erased.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{Subject, Timestamp};
use tessera_store::keys::ContactKey;
use tessera_store::{StoreError, Table, Transaction, transact};

use crate::kind::{Kind, Medium};
use crate::push_subscriptions::forget_in;
use crate::read::unreadable;
use crate::suppressed::lift;

/// How a buyer is reached.
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
    /// The chat with the bot in Telegram.
    pub telegram: Option<String>,
    /// Of an organizer: the webhook of a channel in Discord.
    pub discord: Option<String>,
    /// What it does not want to hear.
    pub refused: Vec<Kind>,
    /// When it asked to be forgotten: nothing is sent to it, wherever its address may still stand, until it gives one again.
    pub erased_at: Option<Timestamp>,
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
    #[prost(uint32, repeated, tag = "5")]
    refused: Vec<u32>,
    #[prost(uint64, optional, tag = "6")]
    erased_at_ms: Option<u64>,
    #[prost(string, optional, tag = "7")]
    telegram: Option<String>,
    #[prost(string, optional, tag = "8")]
    discord: Option<String>,
}

/// Contacts of buyers, over a table.
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

    /// Keep where the team of an organizer is written to, in place of what it said before; `None`: it is not. It is sent to again, whatever
    /// was said of its address. Its language stays where none is said. How the organizer is reached from now on.
    ///
    /// # Errors
    /// As the table says.
    pub async fn say_email(
        &self,
        organizer: Subject,
        email: Option<&str>,
        locale: Option<&str>,
    ) -> Result<Contact, StoreError> {
        let said = (Medium::Email, email);
        self.replace(organizer, said, locale, |before, email| Contact { email, ..before }).await
    }

    /// Keep the webhook in Discord of an organizer, in place of what it said before; `None`: there is none. It is sent to again, whatever was
    /// said of it. Its language stays where none is said. How the organizer is reached from now on.
    ///
    /// # Errors
    /// As the table says.
    pub async fn say_discord(
        &self,
        organizer: Subject,
        url: Option<&str>,
        locale: Option<&str>,
    ) -> Result<Contact, StoreError> {
        let said = (Medium::Discord, url);
        self.replace(organizer, said, locale, |before, discord| Contact { discord, ..before }).await
    }

    async fn replace(
        &self,
        subject: Subject,
        (medium, address): (Medium, Option<&str>),
        locale: Option<&str>,
        contact: impl Fn(Contact, Option<String>) -> Contact,
    ) -> Result<Contact, StoreError> {
        let contact = &contact;
        transact(self.table.as_ref(), |mut transaction| async move {
            let before = read(transaction.as_mut(), subject).await?.unwrap_or_default();
            let locale = locale.map(str::to_owned).or_else(|| before.locale.clone());
            let after = contact(Contact { locale, ..before }, address.map(str::to_owned));
            if let Some(address) = address {
                lift(transaction.as_mut(), medium, address);
            }
            write(transaction.as_mut(), subject, &after);
            Ok((transaction, after))
        })
        .await
    }

    /// Keep what a buyer says of itself, its address, number, name and language of `said`, in place of what it said before; it is sent to again.
    /// The chat that it has begun and what it does not want to hear stay as they stand. How it is reached from now on.
    ///
    /// # Errors
    /// As the table says.
    pub async fn say(&self, subject: Subject, said: &Contact) -> Result<Contact, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let before = read(transaction.as_mut(), subject).await?.unwrap_or_default();
            let Contact { email, phone, name, locale, .. } = said.clone();
            let contact = Contact { email, phone, name, locale, discord: None, erased_at: None, ..before };
            // Whoever gives an address is sent to again, whatever was said of it.
            for (medium, address) in [(Medium::Email, &contact.email), (Medium::Sms, &contact.phone)] {
                if let Some(address) = address {
                    lift(transaction.as_mut(), medium, address);
                }
            }
            write(transaction.as_mut(), subject, &contact);
            Ok((transaction, contact))
        })
        .await
    }

    /// How a buyer is reached, where it has ever said so.
    ///
    /// # Errors
    /// As the table says.
    pub async fn load(&self, subject: Subject) -> Result<Option<Contact>, StoreError> {
        read(self.table.begin().await?.as_mut(), subject).await
    }

    /// Forget how a buyer is reached, and its browsers. What it does not want to hear stays.
    ///
    /// # Errors
    /// As the table says.
    pub async fn erase(&self, subject: Subject, now: Timestamp) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let before = read(transaction.as_mut(), subject).await?.unwrap_or_default();
            let erased = Contact { refused: before.refused, erased_at: Some(now), ..Contact::default() };
            write(transaction.as_mut(), subject, &erased);
            forget_in(transaction.as_mut(), subject).await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// A buyer has begun a chat with the bot, and is sent to again, whatever was said of that chat; `None`: it is sent nothing there.
    ///
    /// # Errors
    /// As the table says.
    pub async fn link_telegram(&self, subject: Subject, chat: Option<&str>) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let before = read(transaction.as_mut(), subject).await?.unwrap_or_default();
            let erased_at = if chat.is_some() { None } else { before.erased_at };
            let linked = Contact { telegram: chat.map(str::to_owned), erased_at, ..before };
            if let Some(chat) = chat {
                lift(transaction.as_mut(), Medium::Telegram, chat);
            }
            write(transaction.as_mut(), subject, &linked);
            Ok((transaction, ()))
        })
        .await
    }

    /// A buyer does not want to hear this any more.
    ///
    /// # Errors
    /// As the table says.
    pub async fn refuse(&self, subject: Subject, kind: Kind) -> Result<(), StoreError> {
        self.change(subject, |contact| {
            if !contact.refused.contains(&kind) {
                contact.refused.push(kind);
            }
        })
        .await
    }

    async fn change(&self, subject: Subject, change: impl Fn(&mut Contact)) -> Result<(), StoreError> {
        let change = &change;
        transact(self.table.as_ref(), |mut transaction| async move {
            let mut contact = read(transaction.as_mut(), subject).await?.unwrap_or_default();
            change(&mut contact);
            write(transaction.as_mut(), subject, &contact);
            Ok((transaction, ()))
        })
        .await
    }
}

async fn read(transaction: &mut dyn Transaction, subject: Subject) -> Result<Option<Contact>, StoreError> {
    let row = transaction.get(&ContactKey { subject }.pack()).await?;
    row.map(|row| Contact::decode(&row)).transpose()
}

fn write(transaction: &mut dyn Transaction, subject: Subject, contact: &Contact) {
    transaction.set(&ContactKey { subject }.pack(), &contact.encode());
}

impl Contact {
    fn encode(&self) -> Vec<u8> {
        let Contact { email, phone, name, locale, telegram, discord, refused, erased_at } = self.clone();
        let refused = refused.into_iter().map(|kind| kind.number().into()).collect();
        let erased_at_ms = erased_at.map(|at| at.0);
        ContactRow { email, phone, name, locale, refused, erased_at_ms, telegram, discord }.encode_to_vec()
    }

    fn decode(row: &[u8]) -> Result<Contact, StoreError> {
        let row = ContactRow::decode(row).map_err(|_| unreadable("contacts"))?;
        let kind = |number: &u32| u8::try_from(*number).ok().and_then(Kind::numbered);
        // A kind of a newer release is passed over: nothing of it is sent here.
        let refused = row.refused.iter().filter_map(kind).collect();
        let ContactRow { email, phone, name, locale, erased_at_ms, telegram, discord, .. } = row;
        let erased_at = erased_at_ms.map(Timestamp);
        Ok(Contact { email, phone, name, locale, telegram, discord, refused, erased_at })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::executor::block_on;
    use tessera_store::memory::MemoryStore;

    use super::*;
    use crate::Suppressed;

    #[test]
    fn who_is_forgotten_keeps_what_it_does_not_want_to_hear() {
        let contacts = Contacts::new(Arc::new(MemoryStore::new()));
        let subject = Subject(7);
        let contact = Contact { email: Some("ada@example.com".to_owned()), ..Contact::default() };
        block_on(contacts.say(subject, &contact)).unwrap();
        block_on(contacts.refuse(subject, Kind::Announcement)).unwrap();
        block_on(contacts.refuse(subject, Kind::Announcement)).unwrap();
        let kept = block_on(contacts.load(subject)).unwrap().unwrap();
        assert_eq!(kept, Contact { refused: vec![Kind::Announcement], ..contact });
        block_on(contacts.erase(subject, Timestamp(9))).unwrap();
        let erased = block_on(contacts.load(subject)).unwrap().unwrap();
        let refused = vec![Kind::Announcement];
        assert_eq!(erased, Contact { refused, erased_at: Some(Timestamp(9)), ..Contact::default() });
        assert_eq!(block_on(contacts.load(Subject(8))).unwrap(), None);
    }

    #[test]
    fn what_a_buyer_says_of_itself_leaves_its_chat_and_what_it_does_not_want_to_hear() {
        let contacts = Contacts::new(Arc::new(MemoryStore::new()));
        let subject = Subject(7);
        let first = Contact { phone: Some("+41791234567".to_owned()), ..Contact::default() };
        assert_eq!(block_on(contacts.say(subject, &first)).unwrap(), first);
        block_on(contacts.link_telegram(subject, Some("42"))).unwrap();
        block_on(contacts.refuse(subject, Kind::Announcement)).unwrap();
        let said = Contact { email: Some("ada@example.com".to_owned()), ..Contact::default() };
        let telegram = Some("42".to_owned());
        let expected = Contact { telegram, refused: vec![Kind::Announcement], ..said.clone() };
        assert_eq!(block_on(contacts.say(subject, &said)).unwrap(), expected);
        assert_eq!(block_on(contacts.load(subject)).unwrap(), Some(expected));
        block_on(contacts.erase(subject, Timestamp(9))).unwrap();
        let again = block_on(contacts.say(subject, &said)).unwrap();
        assert_eq!(again, Contact { refused: vec![Kind::Announcement], ..said });
    }

    #[test]
    fn where_a_team_is_written_to_and_its_channel_in_discord_leave_each_other() {
        let table: Arc<dyn Table> = Arc::new(MemoryStore::new());
        let (contacts, suppressed) = (Contacts::new(Arc::clone(&table)), Suppressed::new(table));
        let (team, email, url) = (Subject(7), "team@example.com", "https://discord.com/x");
        block_on(contacts.say_email(team, Some(email), Some("de"))).unwrap();
        let both = block_on(contacts.say_discord(team, Some(url), Some("en"))).unwrap();
        assert_eq!((both.email.as_deref(), both.locale.as_deref()), (Some(email), Some("en")));
        for (medium, address) in [(Medium::Email, email), (Medium::Discord, url)] {
            block_on(suppressed.add(medium, address, "gone", Timestamp(9))).unwrap();
        }
        let again = block_on(contacts.say_email(team, Some(email), None)).unwrap();
        assert_eq!(again, both, "the language stays where none is said");
        assert!(!block_on(suppressed.has(Medium::Email, email)).unwrap());
        assert!(block_on(suppressed.has(Medium::Discord, url)).unwrap(), "nobody gave it again");
        let left = block_on(contacts.say_email(team, None, None)).unwrap();
        let discord = Some(url.to_owned());
        assert_eq!(left, Contact { discord, locale: Some("en".to_owned()), ..Contact::default() });
        assert_eq!(block_on(contacts.load(team)).unwrap(), Some(left));
    }

    #[test]
    fn a_chat_is_begun_and_ended_and_whoever_begins_one_is_written_to_again() {
        let contacts = Contacts::new(Arc::new(MemoryStore::new()));
        let load = || block_on(contacts.load(Subject(7))).unwrap().unwrap();
        block_on(contacts.erase(Subject(7), Timestamp(9))).unwrap();
        block_on(contacts.link_telegram(Subject(7), Some("42"))).unwrap();
        assert_eq!((load().telegram.as_deref(), load().erased_at), (Some("42"), None));
        block_on(contacts.link_telegram(Subject(7), None)).unwrap();
        assert_eq!(load(), Contact::default());
    }
}
