//! The repositories of money, over the memory store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod contacts;
mod following;
mod ledger;
mod payments;
mod payouts;
mod provider_events;
mod terms;

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use tessera_inventory::{ClaimNumber, EventId, Sequence, Timestamp};
use tessera_ledger::{Account, AccountKind};
use tessera_money::ledger::Ledger;
use tessera_money::payments::{Judge, Payments};
use tessera_payments::{Abilities, Begun, Change, Fact, News, PaymentId, ProviderId};
use tessera_store::memory::MemoryStore;

const EVENT: EventId = EventId(5);
const ORGANIZER: u128 = 7;
const PROVIDER: ProviderId = ProviderId(NonZeroU16::new(2).unwrap());
const PRICE: i64 = 10_000;
const EUR: [u8; 3] = *b"EUR";
const FOLLOWER: &str = "payment";

fn id(order: u64) -> PaymentId {
    PaymentId { event: EVENT, order: ClaimNumber(order), attempt: 1 }
}

fn begun(grace_until: u64) -> Begun {
    Begun {
        organizer: ORGANIZER,
        provider: PROVIDER,
        amount_minor: PRICE,
        currency: EUR,
        grace_until: Timestamp(grace_until),
        sequence: Sequence(5),
    }
}

fn change(order: u64, at: u64, news: Vec<News>) -> Change {
    Change { payment: id(order), at: Timestamp(at), news, handled: Vec::new() }
}

fn created(reference: &str) -> News {
    News::Fact(Fact::Created { reference: reference.into(), page: None, secret: None })
}

fn captured() -> News {
    News::Fact(Fact::Captured { amount_minor: PRICE })
}

fn stores() -> (MemoryStore, Payments, Ledger) {
    let store = MemoryStore::new();
    let table = Arc::new(store.clone());
    let abilities = Abilities { key_life_ms: 86_400_000, calls_per_second: 10, ..Abilities::new() };
    let judge = Judge { providers: BTreeMap::from([(PROVIDER, abilities)]) };
    (store, Payments::new(table.clone(), judge), Ledger::new(table))
}

/// What the account with the provider of this kind comes to.
async fn balance(ledger: &Ledger, kind: AccountKind) -> i128 {
    let balances = ledger.balances(ORGANIZER).await.unwrap();
    assert!(balances.trial().values().all(|sum| *sum == 0), "the books are balanced at any time");
    balances.balance(EUR, Account::with_provider(kind, PROVIDER.0.get()))
}
