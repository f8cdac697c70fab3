//! Payments: the follower writes what the log wants of them, sixteen desks drive them, and providers are called. The machine is
//! `tessera-payments`; the rows, and what makes them of the log, are `tessera-money`; the reasons are in `docs/adr/0016-payments.md`.

mod clerk;
mod desks;
mod follower;
mod meters;
mod money;
mod provider;
mod till;
mod watchers;

pub(crate) use clerk::Clerk;
pub(crate) use desks::{DeskMessage, Desks};
pub(crate) use follower::PaymentFollower;
pub(crate) use money::Money;
pub use provider::{About, CALL_MS_MAX, Genuine, Heard, Provider, ProviderCall, Ways, Whose};
pub use till::Till;
pub use watchers::RowsWritten;
