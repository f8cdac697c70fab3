use std::sync::Arc;

use tessera_inventory::ClaimNumber;
use tessera_money::contacts::{Contact, Contacts};
use tessera_store::memory::MemoryStore;

use crate::EVENT;

#[tokio::test]
async fn a_contact_is_kept_replaced_and_erased() {
    let contacts = Contacts::new(Arc::new(MemoryStore::new()));
    let order = ClaimNumber(3);
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), None);
    for email in ["a@example.org", "b@example.org"] {
        let contact = Contact { email: Some(email.to_owned()), ..Contact::default() };
        contacts.keep(EVENT, order, &contact).await.unwrap();
        assert_eq!(contacts.load(EVENT, order).await.unwrap(), Some(contact));
        assert_eq!(contacts.load(EVENT, ClaimNumber(4)).await.unwrap(), None);
    }
    contacts.erase(EVENT, order).await.unwrap();
    assert_eq!(contacts.load(EVENT, order).await.unwrap(), None);
}
