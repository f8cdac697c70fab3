//! Providers as they are seen from here: emulators over real HTTP, written from the providers' documentation, and the suite that every provider
//! passes over its own. `docs/providers.md` says how another one is added.

mod asked;
pub mod conformance;
mod emulator;
mod paypal;
mod razorpay;
mod sandbox;
mod stripe;

pub use asked::{Asked, Replied};
pub use emulator::{Books, Emulator, Told};
pub use paypal::{PayPalBooks, PayPalStage};
pub use razorpay::{RazorpayBooks, RazorpayStage};
pub use sandbox::SandboxStage;
pub use stripe::{StripeBooks, StripeStage};
