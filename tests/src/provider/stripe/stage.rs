//! Stripe's client before its emulator.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Clock, Provider};
use tessera_stripe::{Stripe, StripeOptions};

use super::StripeBooks;
use crate::ForwardClock;
use crate::provider::conformance::Stage;
use crate::provider::{Emulator, Told};

const SECRET_KEY: &str = "sk_test_1";
const WEBHOOK_SECRET: &str = "whsec_1";

/// See the module.
pub struct StripeStage {
    /// What it speaks with.
    pub emulator: Emulator<StripeBooks>,
    clock: Arc<ForwardClock>,
    provider: Arc<dyn Provider>,
}

impl StripeStage {
    /// One with a new account.
    #[must_use]
    pub fn start() -> StripeStage {
        let clock = Arc::new(ForwardClock::default());
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let emulator = Emulator::start(StripeBooks::new(SECRET_KEY, WEBHOOK_SECRET), Arc::clone(&shared));
        let provider = client(emulator.address(), SECRET_KEY, WEBHOOK_SECRET, &shared);
        StripeStage { emulator, clock, provider }
    }
}

fn client(url: &str, secret_key: &str, webhook_secret: &str, clock: &Arc<dyn Clock>) -> Arc<dyn Provider> {
    let options = StripeOptions {
        url: url.to_owned(),
        secret_key: secret_key.to_owned(),
        webhook_secrets: vec!["whsec_old".to_owned(), webhook_secret.to_owned()],
    };
    Arc::new(Stripe::new(options, Arc::clone(clock)))
}

impl Stage for StripeStage {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.provider)
    }

    fn stranger(&self) -> Arc<dyn Provider> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        client(self.emulator.address(), "sk_test_2", "whsec_2", &clock)
    }

    fn clock(&self) -> &ForwardClock {
        &self.clock
    }

    fn pay<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()> {
        let now = self.clock.wall();
        self.emulator.act(|books| books.pay(reference, now));
        std::future::ready(()).boxed()
    }

    fn decline<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()> {
        let now = self.clock.wall();
        self.emulator.act(|books| books.decline(reference, now));
        std::future::ready(()).boxed()
    }

    fn dispute<'a>(&'a self, reference: &'a str, amount_minor: i64) -> BoxFuture<'a, ()> {
        self.emulator.act(|books| books.dispute(reference, amount_minor));
        std::future::ready(()).boxed()
    }

    fn lose_dispute<'a>(&'a self, _reference: &'a str) -> BoxFuture<'a, ()> {
        self.emulator.act(|books| books.decide(false));
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
