//! Double entry, without state and without I/O: accounts, entries that cannot be made unless they sum to zero, and one function from a
//! fact about money to its entry.
//!
//! Amounts are signed minor units of one currency, debit positive. The table of facts is in `docs/adr/0015-money.md`.

mod account;
mod balances;
mod entry;
mod id;
mod movement;
mod sale;

pub use account::{Account, AccountKind};
pub use balances::Balances;
pub use entry::{Currency, Entry, FactKind, Heading, Posting, Unbalanced};
pub use id::EntryId;
pub use movement::{Bearer, Movement, Paid, entry};
pub use sale::{AMOUNT_MINOR_MAX, Sale, Tax, TooLarge};
