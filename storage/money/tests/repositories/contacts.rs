use std::sync::Arc;

use tessera_inventory::ClaimNumber;
use tessera_money::contacts::{Contact, Contacts};
use tessera_store::memory::MemoryStore;

use crate::EVENT;

#[tokio::test]
async fn a_contact_is_kept_updated_and_erased() {
    let contacts = Contacts::new(Arc::new(MemoryStore::new()));
    let order = ClaimNumber(3);
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), None);
    let own = |text: &str| Some(text.to_owned());
    let first = Contact {
        email: own("a@example.org"),
        name: own("Ada"),
        return_url: own("https://shop.example/1"),
        by_own_page: true,
        ..Contact::default()
    };
    contacts.keep(EVENT, order, &first).await.unwrap();
    assert_eq!(contacts.load(EVENT, order).await.unwrap().as_ref(), Some(&first));
    // Who tries again says only where it returns to, and pays at the provider's page.
    let again = Contact { return_url: own("https://shop.example/2"), ..Contact::default() };
    contacts.keep(EVENT, order, &again).await.unwrap();
    let expected = Contact { return_url: again.return_url, by_own_page: false, ..first };
    assert_eq!(contacts.load(EVENT, order).await.unwrap().as_ref(), Some(&expected));
    let other = Contact { email: own("b@example.org"), phone: own("+41791234567"), ..Contact::default() };
    contacts.keep(EVENT, order, &other).await.unwrap();
    let expected = Contact { email: other.email, phone: other.phone, ..expected };
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), Some(expected));
    assert_eq!(contacts.load(EVENT, ClaimNumber(4)).await.unwrap(), None);
    contacts.erase(EVENT, order).await.unwrap();
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), None);
}
