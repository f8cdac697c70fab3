//! What must be true in the end: money and order agree, whatever happened on the way.

use tessera_ledger::{Account, AccountKind};
use tessera_payments::{Next, Status, next};

use crate::log::{Hold, Logged};
use crate::provider::{DISPUTE_FEE, FEE};
use crate::world::World;
use crate::{EUR, PRICE, PROVIDER};

macro_rules! ensure {
    ($holds:expr, $($what:tt)*) => {
        if !$holds { return Err(format!($($what)*)); }
    };
}

/// Nothing that must not happen has happened, and everything has ended as it must.
pub(crate) fn check(world: &World) -> Result<(), String> {
    ensure!(world.wrong.is_empty(), "{:?}", world.wrong);
    ensure!(world.log.sales <= 1, "sold {} times", world.log.sales);
    settled(world)?;
    money(world)?;
    ledger(world)
}

fn settled(world: &World) -> Result<(), String> {
    ensure!(world.rows.cursor == world.log.events.len(), "the log is not followed");
    for (id, (row, due)) in &world.rows.payments {
        let next = next(row, &world.abilities, world.now);
        ensure!(next == Next::Settled && due.is_none(), "{id:?} is not settled: {next:?} {due:?} {row:?}");
        ensure!(row.unowned_minor() == 0, "{} of {id:?} belongs to nobody: {row:?}", row.unowned_minor());
    }
    // A payment that failed is told to the log, so that the buyer can try again.
    let failed: Vec<_> =
        world.provider.payments.values().filter(|paid| paid.status == Status::Failed).collect();
    for paid in failed {
        let ended = world.log.events.iter().any(|(_, event)| match event {
            Logged::Failed { attempt } => *attempt == paid.id.attempt,
            Logged::Ended { .. } => true,
            Logged::Begun { attempt, .. } | Logged::Sold { attempt } => *attempt != paid.id.attempt,
            Logged::Refunded { .. } | Logged::Unpaid { .. } | Logged::Disputed { .. } => false,
        });
        ensure!(ended, "the buyer of {:?} waits for ever", paid.id);
    }
    Ok(())
}

fn money(world: &World) -> Result<(), String> {
    let mut kept = 0;
    for (reference, paid) in &world.provider.payments {
        let is_sold = world.log.hold == Hold::Paid(paid.id.attempt) && !world.log.unpaid;
        let left = paid.captured - paid.refunded();
        ensure!(left >= 0, "{reference} gave back more than it took: {paid:?}");
        ensure!(paid.status != Status::Authorised, "{reference} keeps the buyer's money set aside");
        let is_open = matches!(paid.status, Status::Open | Status::Processing);
        ensure!(!is_open, "the page of {reference} is still open");
        let mut numbers: Vec<_> = paid.refunds.iter().map(|(number, _, _)| *number).collect();
        numbers.sort_unstable();
        ensure!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{reference} gave back twice: {paid:?}");
        kept += left;
        // Ticket and money agree.
        ensure!(!is_sold || paid.dispute == world.log.disputed, "{reference}: {:?}", world.log.disputed);
        ensure!(is_sold || left == 0, "{reference} keeps {left} for nothing: {paid:?}");
    }
    let sale = if matches!(world.log.hold, Hold::Paid(_)) && !world.log.unpaid { PRICE } else { 0 };
    let expected = if sale == 0 { 0 } else { sale - world.log.refunded };
    ensure!(
        kept == expected,
        "{kept} is kept instead of {expected}: {:?} {:?}",
        world.provider.payments,
        world.log
    );
    Ok(())
}

fn ledger(world: &World) -> Result<(), String> {
    let balances = world.rows.balances();
    ensure!(balances.trial().values().all(|sum| *sum == 0), "the books are not balanced");
    let mut expected = 0;
    for paid in world.provider.payments.values() {
        let is_away = paid.dispute.is_some_and(|dispute| dispute != tessera_payments::DisputeStanding::Won);
        expected += paid.captured - paid.refunded() - if is_away { paid.captured } else { 0 };
        expected -= if paid.dispute.is_some() { DISPUTE_FEE } else { 0 };
        // A fee that became known after the last look is not in the books.
        let row = &world.rows.payments[&paid.id].0;
        expected -= row.facts.fee_minor.map_or(0, |_| FEE);
    }
    let balance = |kind| balances.balance(EUR, Account::with_provider(kind, PROVIDER.0.get()));
    let provider = balance(AccountKind::Provider);
    ensure!(provider == i128::from(expected), "the provider has {expected}, the books say {provider}");
    for kind in [AccountKind::InFlight, AccountKind::RefundsDue, AccountKind::Disputes] {
        ensure!(balance(kind) == 0, "{kind:?} is {}: {:?}", balance(kind), world.rows.entries);
    }
    Ok(())
}
