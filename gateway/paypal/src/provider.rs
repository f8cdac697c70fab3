//! PayPal, as the product sees a provider.

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Clock, Genuine, Heard, Provider, ProviderCall, Ways, Whose};
use tessera_inventory::Timestamp;
use tessera_ledger::Currency;
use tessera_payments::{Abilities, Answer, ProviderId};

use crate::calls::Calls;
use crate::http::Account;
use crate::money::Money;
use crate::{events, genuine};

/// Where PayPal is called.
pub const URL: &str = "https://api-m.paypal.com";

/// Its number: 3.
const PAYPAL: ProviderId = ProviderId(NonZeroU16::MIN.saturating_add(2));
/// Its name.
const NAME: &str = "paypal";
/// How long it remembers a key, in milliseconds: six hours for orders; longer for everything else.
const KEY_LIFE_MS: u64 = 6 * 3_600_000;
/// Calls a second and desk. PayPal says no number, only when it is too much.
const CALLS_PER_SECOND: u32 = 20;

/// An account at PayPal.
#[derive(Clone)]
pub struct PayPalOptions {
    /// Where it is called (`https://…`, without a path): [`URL`].
    pub url: String,
    /// The client id of an app of the account.
    pub client_id: String,
    /// Its secret.
    pub secret: String,
    /// The id of its webhook; without one no webhook is believed.
    pub webhook_id: Option<String>,
}

impl fmt::Debug for PayPalOptions {
    /// Secrets are never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayPalOptions")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .field("webhook_id", &self.webhook_id)
            .finish_non_exhaustive()
    }
}

/// See the crate. Cheap to clone.
#[derive(Clone)]
pub struct PayPal {
    account: Arc<Account>,
    webhook_id: Option<Arc<str>>,
}

impl PayPal {
    /// With this account.
    #[must_use]
    pub fn new(options: PayPalOptions, clock: Arc<dyn Clock>) -> PayPal {
        let PayPalOptions { url, client_id, secret, webhook_id } = options;
        let account = Account::new(&url, &client_id, &secret, clock);
        PayPal { account: Arc::new(account), webhook_id: webhook_id.map(Into::into) }
    }
}

impl Provider for PayPal {
    fn id(&self) -> ProviderId {
        PAYPAL
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn abilities(&self) -> Abilities {
        Abilities { key_life_ms: KEY_LIFE_MS, calls_per_second: CALLS_PER_SECOND, ..Abilities::new() }
    }

    fn ways(&self) -> Ways {
        Ways { own_page: false, needs_return_url: true }
    }

    fn takes(&self, currency: Currency, amount_minor: i64) -> bool {
        Money::of(currency, amount_minor).is_some()
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
        &genuine::HEADERS
    }

    fn verify(&self, headers: &[(String, String)], body: &[u8], now: Timestamp) -> Genuine {
        let webhook_id = self.webhook_id.as_deref();
        let is_asked = genuine::is_possible(headers, now)
            && webhook_id.is_some_and(|id| genuine::question(headers, body, id).is_some());
        if is_asked { Genuine::Ask } else { Genuine::No }
    }

    fn read(&self, body: &[u8]) -> Option<Heard> {
        events::read(body)
    }

    fn ask_genuine(&self, headers: Vec<(String, String)>, body: Vec<u8>) -> BoxFuture<'static, Genuine> {
        let (account, webhook_id) = (Arc::clone(&self.account), self.webhook_id.clone());
        async move {
            let question = webhook_id.and_then(|id| genuine::question(&headers, &body, &id));
            match question {
                Some(question) => genuine::ask(&account, question).await,
                None => Genuine::No,
            }
        }
        .boxed()
    }

    fn ask_whose(&self, reference: Box<str>) -> BoxFuture<'static, Whose> {
        let account = Arc::clone(&self.account);
        async move { Calls::new(&account).whose(&reference).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_an_account_are_never_shown() {
        let options = PayPalOptions {
            url: "https://api.example".to_owned(),
            client_id: "client1".to_owned(),
            secret: "hush".to_owned(),
            webhook_id: Some("WEBHOOK1".to_owned()),
        };
        let shown = format!("{options:?} {options:#?}");
        assert!(shown.contains("https://api.example") && !shown.contains("hush"), "{shown}");
    }
}
