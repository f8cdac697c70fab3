//! `tessera inspect ledger`: what all accounts come to, and whether that is what the entries say.

use tessera_ledger::Balances;
use tessera_money::ledger::Ledger;
use tessera_server::ids::{IdText, Kind};

use crate::failure::Failure;
use crate::output::line;
use crate::store::Store;

/// Prints the trial balance of each organizer and of all of them together, and what is not sound of the ledger.
pub(crate) async fn run(store: &Store) -> Result<(), Failure> {
    let ledger = Ledger::new(store.shared().table);
    let books = ledger.books().await?.ok_or(Failure::LedgerMoves)?;
    let name = |organizer| IdText::new(Kind::Organizer, organizer).to_string();
    for (organizer, balances) in &books.stored {
        trial(&name(*organizer), balances);
    }
    trial("all organizers", &books.together());
    let findings = books.findings(name);
    for finding in &findings {
        line(format_args!("NOT SOUND: {finding}"));
    }
    if !findings.is_empty() {
        return Err(Failure::NotSound(format!("{} findings in the ledger", findings.len())));
    }
    line(format_args!(
        "sound: {} entries of {} organizers; each sums to zero, so do all balances of each of them, and every balance is what its entries come to",
        books.entries,
        books.stored.len()
    ));
    Ok(())
}

/// The accounts of one organizer's business, or of all, by currency, in minor units, debit positive.
fn trial(name: &str, balances: &Balances) {
    for (currency, sum) in balances.trial() {
        line(format_args!("{name}  {}  sum {sum}", String::from_utf8_lossy(&currency)));
        for (_, account, amount) in balances.iter().filter(|(of, ..)| *of == currency) {
            let detail = if account.kind.has_detail() { account.detail.to_string() } else { String::new() };
            line(format_args!("  {:<14} {detail:>5} {amount:>16}", account.kind.name()));
        }
    }
}
