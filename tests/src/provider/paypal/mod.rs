//! PayPal, as far as we use it: orders that are authorised, Payments v2, disputes and webhooks, as <https://developer.paypal.com/docs/api> describes
//! them.

mod books;
mod shown;
mod stage;

pub use books::PayPalBooks;
pub use stage::PayPalStage;
