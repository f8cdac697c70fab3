//! Paying through Razorpay, over HTTP from the hold to the ticket: an order that we capture, and a link that captures by itself.

use tessera_tests::provider::RazorpayBooks;

use crate::provider_stage::{PRICE, Stage};

async fn start() -> Stage<RazorpayBooks> {
    Stage::start("razorpay", RazorpayBooks::new("rzp_1", "secret_1", "whs_1"), |settings, url| {
        let razorpay = &mut settings.payments.razorpay;
        razorpay.key_id = Some("rzp_1".to_owned());
        razorpay.key_secret = Some("secret_1".to_owned().into());
        razorpay.webhook_secrets = vec!["whs_1".to_owned().into()];
        url.clone_into(&mut razorpay.url);
    })
    .await
}

#[tokio::test]
async fn an_order_is_paid_through_razorpay_either_way() {
    let stage = start().await;
    for (mode, sold) in [("intent", 1), ("page", 2)] {
        let (checkout, _) = stage.checkout(mode).await;
        stage.emulator.act(|books| books.pay(&checkout.reference));
        stage.comes_to(&checkout, "paid", "captured").await;
        assert_eq!(stage.logged("confirmed").await, sold);
        let captured = stage.emulator.act(|books| books.captured_and_refunded());
        assert_eq!(captured, (PRICE * i64::try_from(sold).unwrap(), 0), "{mode}");
    }
}
