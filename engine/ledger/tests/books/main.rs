//! What facts about money post, and that whole stories of a payment end balanced.
#![allow(clippy::expect_used)] // tests

mod facts;
mod random;
mod stories;

use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_ledger::{
    Account, AccountKind, Balances, Currency, Entry, EntryId, Heading, Movement, Sale, Tax,
};

/// The organizer of every entry here.
const ORGANIZER: u128 = 77;
/// The provider of every entry here.
const PROVIDER: u16 = 2;
const EUR: Currency = *b"EUR";

fn heading(id: u128) -> Heading {
    Heading {
        id: EntryId(id),
        at: Timestamp(1),
        organizer: ORGANIZER,
        currency: EUR,
        order: Some((EventId(9), ClaimNumber(3))),
    }
}

fn entry(movement: &Movement) -> Option<Entry> {
    tessera_ledger::entry(heading(1), movement).expect("an amount that accounts take")
}

/// An order over 110.05: 5.00 fees, 3.30 commission, 7.00 and 0.50 taxes, 0.05 rounding; 94.20 for the organizer.
fn sale() -> Sale {
    let taxes = vec![Tax { position: 0, amount_minor: 700 }, Tax { position: 3, amount_minor: 50 }];
    Sale { total_minor: 11_005, fees_minor: 500, commission_minor: 330, taxes, rounding_minor: 5 }
}

/// The account of this kind that the entries of this organizer and provider post on.
fn account(kind: AccountKind) -> Account {
    use AccountKind::{
        Cash, Commission, DisputeLosses, Disputes, Fees, InFlight, Payable, Payouts, Provider, ProviderFees,
        RefundsDue, Rounding, Tax,
    };
    match kind {
        Provider | InFlight | RefundsDue | Disputes | ProviderFees => Account::with_provider(kind, PROVIDER),
        Cash | Payable | Tax | DisputeLosses | Payouts => Account::of_organizer(kind, ORGANIZER),
        Fees | Commission | Rounding => Account::of_platform(kind),
    }
}

/// The balances after these facts.
fn books(movements: &[Movement]) -> Balances {
    let mut balances = Balances::default();
    for posted in movements.iter().filter_map(entry) {
        balances.post(&posted);
    }
    balances
}
