//! Payments: what their providers are. The machine is `tessera-payments`, the rows are `tessera-money`.

mod provider;

pub use provider::{About, CALL_MS_MAX, Genuine, Heard, Provider, ProviderCall};
