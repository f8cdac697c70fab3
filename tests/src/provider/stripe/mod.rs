//! Stripe, as far as we use it: Checkout Sessions and PaymentIntents with manual capture, refunds, disputes and events, as
//! <https://docs.stripe.com/api> describes them.

mod books;
mod shown;
mod stage;

pub use books::StripeBooks;
pub use stage::StripeStage;
