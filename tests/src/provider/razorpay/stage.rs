//! Razorpay's client before its emulator.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Clock, Provider};
use tessera_razorpay::{Razorpay, RazorpayOptions};

use super::RazorpayBooks;
use crate::ForwardClock;
use crate::provider::conformance::Stage;
use crate::provider::{Emulator, Told};

/// See the module.
pub struct RazorpayStage {
    /// What it speaks with.
    pub emulator: Emulator<RazorpayBooks>,
    clock: Arc<ForwardClock>,
    provider: Arc<dyn Provider>,
}

impl RazorpayStage {
    /// One with a new account.
    #[must_use]
    pub fn start() -> RazorpayStage {
        let clock = Arc::new(ForwardClock::default());
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let emulator = Emulator::start(RazorpayBooks::new("rzp_1", "secret_1", "whs_1"), Arc::clone(&shared));
        let provider = client(emulator.address(), 1, &shared);
        RazorpayStage { emulator, clock, provider }
    }
}

fn client(url: &str, number: u8, clock: &Arc<dyn Clock>) -> Arc<dyn Provider> {
    let options = RazorpayOptions {
        url: url.to_owned(),
        key_id: format!("rzp_{number}"),
        key_secret: format!("secret_{number}"),
        webhook_secrets: vec!["whs_old".to_owned(), format!("whs_{number}")],
    };
    Arc::new(Razorpay::new(options, Arc::clone(clock)))
}

impl Stage for RazorpayStage {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.provider)
    }

    fn stranger(&self) -> Arc<dyn Provider> {
        client(self.emulator.address(), 2, &(Arc::clone(&self.clock) as Arc<dyn Clock>))
    }

    fn clock(&self) -> &ForwardClock {
        &self.clock
    }

    fn currency(&self) -> [u8; 3] {
        *b"INR"
    }

    fn is_paid_at_own_page(&self) -> bool {
        true
    }

    fn lets_go_by_itself(&self) -> bool {
        true
    }

    fn pay<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()> {
        self.emulator.act(|books| books.pay(reference));
        std::future::ready(()).boxed()
    }

    fn decline<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()> {
        self.emulator.act(|books| books.decline(reference));
        std::future::ready(()).boxed()
    }

    fn dispute<'a>(&'a self, _reference: &'a str, amount_minor: i64) -> BoxFuture<'a, ()> {
        self.emulator.act(|books| books.dispute(amount_minor));
        std::future::ready(()).boxed()
    }

    fn lose_dispute<'a>(&'a self, _reference: &'a str) -> BoxFuture<'a, ()> {
        self.emulator.act(RazorpayBooks::lose_dispute);
        std::future::ready(()).boxed()
    }

    fn lose_answers<'a>(&'a self, _reference: &'a str, count: u32) -> BoxFuture<'a, ()> {
        self.emulator.lose_answers(count);
        std::future::ready(()).boxed()
    }

    fn be_busy(&self, count: u32) -> bool {
        self.emulator.be_busy(count);
        true
    }

    fn told(&self, _least: usize) -> BoxFuture<'_, Vec<Told>> {
        std::future::ready(self.emulator.told()).boxed()
    }

    fn captured_and_refunded(&self) -> Option<(i64, i64)> {
        Some(self.emulator.act(|books| books.captured_and_refunded()))
    }
}
