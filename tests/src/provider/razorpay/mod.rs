//! Razorpay, as far as we use it: orders with manual capture, payment links, refunds, disputes and webhooks, as <https://razorpay.com/docs/api>
//! describes them.

mod books;
mod shown;
mod stage;

pub use books::RazorpayBooks;
pub use stage::RazorpayStage;
