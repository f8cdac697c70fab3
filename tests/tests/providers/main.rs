//! Every provider passes the same suite over its emulator; what is particular to one is beside it.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

mod emulate;
mod paypal;
mod razorpay;
mod stripe;

use tessera_tests::provider::{PayPalStage, RazorpayStage, SandboxStage, StripeStage, conformance};

#[tokio::test]
async fn the_sandbox_does_what_every_provider_does() {
    conformance::passes(SandboxStage::start).await;
}

#[tokio::test]
async fn paypal_does_what_every_provider_does() {
    conformance::passes(PayPalStage::start).await;
}

#[tokio::test]
async fn razorpay_does_what_every_provider_does() {
    conformance::passes(RazorpayStage::start).await;
}

#[tokio::test]
async fn stripe_does_what_every_provider_does() {
    conformance::passes(StripeStage::start).await;
}
