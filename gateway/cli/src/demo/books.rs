//! The check of the money: the ledger sums to zero, nothing is under way, and the provider holds what buyers paid and did not get back.

use std::time::Duration;

use tessera_ledger::{AccountKind, Balances};
use tessera_money::ledger::Ledger;

use crate::failure::Failure;
use crate::output::line;
use crate::store::Store;

/// How often the ledger is read until what buyers were told of has arrived in it: what is captured or given back last is booked a moment
/// after its buyer knows.
const LOOKS_MAX: u32 = 300;
/// From one look to the next.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What the accounts of all organizers come to, in minor units of the demo's one currency.
struct Books {
    provider: i128,
    payable: i128,
    in_flight: i128,
    refunds_due: i128,
    /// Over all accounts.
    trial: i128,
    accounts: usize,
}

impl Books {
    fn of(balances: &Balances) -> Books {
        let of = |kind| balances.iter().filter(|found| found.1.kind == kind).map(|found| found.2).sum();
        Books {
            provider: of(AccountKind::Provider),
            payable: of(AccountKind::Payable),
            in_flight: of(AccountKind::InFlight),
            refunds_due: of(AccountKind::RefundsDue),
            trial: balances.trial().values().sum(),
            accounts: balances.iter().count(),
        }
    }

    /// Whether they say that nothing is under way, and that buyers have paid so much, where that is known.
    fn agree(&self, revenue_minor: Option<i64>) -> bool {
        let Books { provider, payable, in_flight, refunds_due, trial, .. } = *self;
        let is_paid = |revenue| provider == i128::from(revenue) && payable == -provider;
        revenue_minor.is_none_or(is_paid) && [in_flight, refunds_due, trial] == [0; 3]
    }
}

/// Wait until the ledger says that buyers have paid so much, where that is known, and that nothing is under way.
pub(super) async fn balance(store: &Store, revenue_minor: Option<i64>) -> Result<(), Failure> {
    let ledger = Ledger::new(store.shared().table);
    let mut books = Books::of(&ledger.all_balances().await?);
    for _ in 1..LOOKS_MAX {
        if books.agree(revenue_minor) {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        books = Books::of(&ledger.all_balances().await?);
    }
    let Books { provider, payable, in_flight, refunds_due, trial, accounts } = books;
    if !books.agree(revenue_minor) {
        return Err(Failure::NotSound(format!(
            "the ledger: buyers paid {} minor units, the provider has {provider}, the organizer is owed {}, under way are \
             {in_flight}, refunds due are {}; all accounts sum to {trial}",
            revenue_minor.map_or("?".to_owned(), |revenue| revenue.to_string()),
            -payable,
            -refunds_due
        )));
    }
    line(format_args!(
        "the ledger: {accounts} accounts sum to zero; the provider has what buyers paid and did not get back, {}.{:02}; nothing is under way",
        provider / 100,
        provider % 100
    ));
    Ok(())
}
