//! Stripe, as the product sees a provider.

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Clock, Genuine, Heard, Provider, ProviderCall, Ways, Whose};
use tessera_inventory::Timestamp;
use tessera_ledger::Currency;
use tessera_outbound::Client;
use tessera_payments::{Abilities, Answer, ProviderId};

use crate::calls::{self, Account, Calls};
use crate::{events, money, signature};

/// Where Stripe is called.
pub const URL: &str = "https://api.stripe.com";

/// Its number: 2.
const STRIPE: ProviderId = ProviderId(NonZeroU16::MIN.saturating_add(1));
/// Its name.
const NAME: &str = "stripe";
/// How long it remembers a key, in milliseconds: <https://docs.stripe.com/api/idempotent_requests>.
const KEY_LIFE_MS: u64 = 86_400_000;
/// Calls a second and desk: half of what Stripe takes of an account. It says when it is too much.
const CALLS_PER_SECOND: u32 = 50;

/// An account at Stripe.
#[derive(Clone)]
pub struct StripeOptions {
    /// Where it is called (`https://…`, without a path): [`URL`].
    pub url: String,
    /// Its secret key, or a restricted one.
    pub secret_key: String,
    /// The secrets of its webhook endpoint; more than one while one is being replaced.
    pub webhook_secrets: Vec<String>,
}

impl fmt::Debug for StripeOptions {
    /// Secrets are never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeOptions").field("url", &self.url).finish_non_exhaustive()
    }
}

/// See the crate. Cheap to clone.
#[derive(Clone)]
pub struct Stripe {
    account: Arc<Account>,
    webhook_secrets: Arc<[Box<str>]>,
}

impl Stripe {
    /// With this account.
    #[must_use]
    pub fn new(options: StripeOptions, clock: Arc<dyn Clock>) -> Stripe {
        let account = Account {
            // The operator says where it is.
            client: Client::new(true),
            clock,
            base: options.url.trim_end_matches('/').into(),
            authorization: format!("Bearer {}", options.secret_key).into(),
        };
        let webhook_secrets = options.webhook_secrets.into_iter().map(Into::into).collect();
        Stripe { account: Arc::new(account), webhook_secrets }
    }
}

impl Provider for Stripe {
    fn id(&self) -> ProviderId {
        STRIPE
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn abilities(&self) -> Abilities {
        Abilities { key_life_ms: KEY_LIFE_MS, calls_per_second: CALLS_PER_SECOND, ..Abilities::new() }
    }

    fn ways(&self) -> Ways {
        Ways { own_page: true, needs_return_url: true }
    }

    fn takes(&self, currency: Currency, amount_minor: i64) -> bool {
        money::to_stripe(currency, amount_minor).is_some()
    }

    fn call(&self, call: ProviderCall) -> BoxFuture<'static, Answer> {
        let account = Arc::clone(&self.account);
        async move {
            let performed = Calls::new(&account).perform(&call).await;
            performed.map_or_else(|answer| answer, Answer::Facts)
        }
        .boxed()
    }

    fn signed_headers(&self) -> &'static [&'static str] {
        &[signature::HEADER]
    }

    fn verify(&self, headers: &[(String, String)], body: &[u8], now: Timestamp) -> Genuine {
        let is_signed = headers.iter().any(|(name, value)| {
            name == signature::HEADER && signature::is_signed(&self.webhook_secrets, value, body, now)
        });
        if is_signed { Genuine::Yes } else { Genuine::No }
    }

    fn read(&self, body: &[u8]) -> Option<Heard> {
        events::read(body)
    }

    fn ask_whose(&self, reference: Box<str>) -> BoxFuture<'static, Whose> {
        let account = Arc::clone(&self.account);
        async move { calls::whose(&Calls::new(&account).whose(&reference).await) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_an_account_are_never_shown() {
        let options = StripeOptions {
            url: "https://api.example".to_owned(),
            secret_key: "sk_hush".to_owned(),
            webhook_secrets: vec!["whsec_hush".to_owned()],
        };
        let shown = format!("{options:?} {options:#?}");
        assert!(shown.contains("https://api.example") && !shown.contains("hush"), "{shown}");
    }
}
