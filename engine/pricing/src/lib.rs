//! What a basket comes to under a tariff: bundles, a promotion, fees, taxes, commission, rounding. Pure arithmetic of whole minor units.
//!
//! [`quote()`] writes every line of the bill, [`split`] says who gets what of it, [`share`] and [`refund`] the same of one ticket. All of
//! it follows from the bill itself, so that years later no tariff is needed to explain a sale. The reasons are in `docs/adr/0015-money.md`.

mod bill;
mod bundles;
mod change;
mod check;
mod fees;
mod limits;
mod promotions;
mod quote;
mod rounding;
mod split;
mod tariff;
mod taxes;

pub use bill::quote;
pub use check::Problem;
pub use limits::*;
pub use quote::{Applied, Basket, BasketLine, LineKind, Quote, QuoteLine};
pub use rounding::{PPM, round_ratio, spread};
pub use split::{Split, refund, refunds, share, split};
pub use tariff::{Basis, Bundle, Commission, Effect, Fee, Payer, Promotion, Tariff, Tax, TypeSet};
