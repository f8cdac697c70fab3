use std::sync::Arc;

use tessera_inventory::{ClaimNumber, Subject, Timestamp};
use tessera_money::Lane;
use tessera_money::contacts::{Contact, Contacts, UNPAID_MS};
use tessera_store::Table;
use tessera_store::keys::PaymentContactKey;
use tessera_store::memory::MemoryStore;

use crate::EVENT;

const ADA: Subject = Subject(7);
const BOB: Subject = Subject(8);

fn key(order: u64) -> PaymentContactKey {
    PaymentContactKey { event: EVENT, order: ClaimNumber(order) }
}

fn at(email: &str) -> Contact {
    Contact { email: Some(email.to_owned()), ..Contact::default() }
}

async fn rows(store: &MemoryStore) -> usize {
    store.begin().await.unwrap().range(&[0], &[0xff], 10_000, false).await.unwrap().len()
}

#[tokio::test]
async fn a_contact_is_kept_updated_and_erased() {
    let contacts = Contacts::new(Arc::new(MemoryStore::new()));
    let (order, key) = (ClaimNumber(3), key(3));
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), None);
    let own = |text: &str| Some(text.to_owned());
    let first = Contact {
        email: own("a@example.org"),
        name: own("Ada"),
        return_url: own("https://shop.example/1"),
        by_own_page: true,
        ..Contact::default()
    };
    contacts.keep(key, ADA, &first, Timestamp(1)).await.unwrap();
    assert_eq!(contacts.load(EVENT, order).await.unwrap().as_ref(), Some(&first));
    // Who tries again says only where it returns to, and pays at the provider's page.
    let again = Contact { return_url: own("https://shop.example/2"), ..Contact::default() };
    contacts.keep(key, ADA, &again, Timestamp(2)).await.unwrap();
    let expected = Contact { return_url: again.return_url, by_own_page: false, ..first };
    assert_eq!(contacts.load(EVENT, order).await.unwrap().as_ref(), Some(&expected));
    let other = Contact { email: own("b@example.org"), phone: own("+41791234567"), ..Contact::default() };
    contacts.keep(key, ADA, &other, Timestamp(3)).await.unwrap();
    let expected = Contact { email: other.email, phone: other.phone, ..expected };
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), Some(expected));
    assert_eq!(contacts.load(EVENT, ClaimNumber(4)).await.unwrap(), None);
    contacts.erase(key).await.unwrap();
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), None);
}

#[tokio::test]
async fn all_that_somebody_said_is_erased_and_nothing_of_others() {
    let store = MemoryStore::new();
    let contacts = Contacts::new(Arc::new(store.clone()));
    for order in 1..=250 {
        contacts.keep(key(order), ADA, &at("ada@example.org"), Timestamp(order)).await.unwrap();
    }
    contacts.keep(key(251), BOB, &at("bob@example.org"), Timestamp(9)).await.unwrap();
    contacts.look_again(key(1), None).await.unwrap();
    contacts.erase_all(ADA).await.unwrap();
    assert_eq!(contacts.load(EVENT, ClaimNumber(1)).await.unwrap(), None);
    assert_eq!(contacts.load(EVENT, ClaimNumber(251)).await.unwrap(), Some(at("bob@example.org")));
    assert_eq!(rows(&store).await, 3, "the contact of Bob, and what finds it");
    contacts.erase_all(BOB).await.unwrap();
    assert_eq!(rows(&store).await, 0);
}

#[tokio::test]
async fn what_was_said_is_looked_at_a_week_later_and_again_until_it_is_paid_or_forgotten() {
    let store = MemoryStore::new();
    let contacts = Contacts::new(Arc::new(store.clone()));
    let page =
        async |after, now, most| contacts.due(Lane::of(EVENT), after, Timestamp(now), most).await.unwrap();
    let due = async |now| {
        page(None, now, 9).await.into_iter().map(|due| due.contact).collect::<Vec<PaymentContactKey>>()
    };
    for order in 1..=3 {
        contacts.keep(key(order), ADA, &at("ada@example.org"), Timestamp(order)).await.unwrap();
    }
    // What says nothing new moves nothing, what does begins a week.
    contacts.keep(key(1), ADA, &at("ada@example.org"), Timestamp(100)).await.unwrap();
    contacts.keep(key(2), ADA, &at("ada@example.com"), Timestamp(100)).await.unwrap();
    assert_eq!(due(UNPAID_MS).await, []);
    assert_eq!(due(UNPAID_MS + 3).await, [key(1), key(3)]);
    let first = page(None, u64::MAX, 1).await;
    assert_eq!(first[0].contact, key(1));
    let rest = page(Some(first[0]), u64::MAX, 9).await;
    assert_eq!(rest.iter().map(|due| due.contact).collect::<Vec<_>>(), [key(3), key(2)], "what follows it");
    contacts.look_again(key(1), Some(Timestamp(UNPAID_MS + 50))).await.unwrap();
    contacts.look_again(key(3), None).await.unwrap();
    assert_eq!(due(UNPAID_MS + 49).await, []);
    assert_eq!(due(u64::MAX).await, [key(1), key(2)]);
    for order in 1..=2 {
        contacts.erase(key(order)).await.unwrap();
        contacts.look_again(key(order), Some(Timestamp(9))).await.unwrap();
    }
    assert_eq!(due(u64::MAX).await, []);
    assert_eq!(contacts.load(EVENT, ClaimNumber(3)).await.unwrap(), Some(at("ada@example.org")));
    assert_eq!(rows(&store).await, 2, "the contact of a sale, found by its subject");
}

#[tokio::test]
async fn what_an_earlier_release_kept_is_found_by_its_subject_once_that_says_the_same_again() {
    let store = MemoryStore::new();
    let contacts = Contacts::new(Arc::new(store.clone()));
    let mut transaction = store.begin().await.unwrap();
    transaction.set(&key(1).pack(), &[10, 3, b'a', b'@', b'b']);
    transaction.commit().await.unwrap();
    contacts.keep(key(1), ADA, &at("a@b"), Timestamp(1)).await.unwrap();
    assert_eq!(contacts.load(EVENT, ClaimNumber(1)).await.unwrap(), Some(at("a@b")));
    assert_eq!(rows(&store).await, 3, "it, and what finds it");
    contacts.erase_all(ADA).await.unwrap();
    assert_eq!(rows(&store).await, 0);
}
