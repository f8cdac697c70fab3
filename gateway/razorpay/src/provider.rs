//! Razorpay, as the product sees a provider.

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Clock, Genuine, Heard, Provider, ProviderCall, Ways, Whose};
use tessera_inventory::Timestamp;
use tessera_ledger::Currency;
use tessera_outbound::Client;
use tessera_payments::{Abilities, Answer, ProviderId};

use crate::calls::Calls;
use crate::http::Account;
use crate::{events, signature};

/// Where Razorpay is called.
pub const URL: &str = "https://api.razorpay.com";

/// Its number: 4.
const RAZORPAY: ProviderId = ProviderId(NonZeroU16::MIN.saturating_add(3));
/// Its name.
const NAME: &str = "razorpay";
/// How long it remembers the key of a refund, in milliseconds. It does not say: an hour is little, and what is older is looked up.
const KEY_LIFE_MS: u64 = 3_600_000;
/// Calls a second and desk. Razorpay says no number, only when it is too much.
const CALLS_PER_SECOND: u32 = 20;
/// The least that it takes, in the smallest unit.
const AMOUNT_MIN: i64 = 100;
/// Currencies with three digits behind the point, of which it takes two.
const IN_TENS: [&Currency; 5] = [b"BHD", b"JOD", b"KWD", b"OMR", b"TND"];

/// An account at Razorpay.
#[derive(Clone)]
pub struct RazorpayOptions {
    /// Where it is called (`https://…`, without a path): [`URL`].
    pub url: String,
    /// The public part of its key.
    pub key_id: String,
    /// The secret part.
    pub key_secret: String,
    /// The secrets of its webhook; more than one while one is being replaced.
    pub webhook_secrets: Vec<String>,
}

impl fmt::Debug for RazorpayOptions {
    /// Secrets are never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RazorpayOptions")
            .field("url", &self.url)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// See the crate. Cheap to clone.
#[derive(Clone)]
pub struct Razorpay {
    account: Arc<Account>,
    webhook_secrets: Arc<[Box<str>]>,
}

impl Razorpay {
    /// With this account.
    #[must_use]
    pub fn new(options: RazorpayOptions, clock: Arc<dyn Clock>) -> Razorpay {
        let RazorpayOptions { url, key_id, key_secret, webhook_secrets } = options;
        let account = Account {
            // The operator says where it is.
            client: Client::new(true),
            clock,
            base: url.trim_end_matches('/').into(),
            authorization: format!("Basic {}", STANDARD.encode(format!("{key_id}:{key_secret}"))).into(),
        };
        let webhook_secrets = webhook_secrets.into_iter().map(Into::into).collect();
        Razorpay { account: Arc::new(account), webhook_secrets }
    }
}

impl Provider for Razorpay {
    fn id(&self) -> ProviderId {
        RAZORPAY
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn abilities(&self) -> Abilities {
        Abilities { key_life_ms: KEY_LIFE_MS, calls_per_second: CALLS_PER_SECOND, ..Abilities::new() }
    }

    fn ways(&self) -> Ways {
        Ways { own_page: true, needs_return_url: false }
    }

    fn takes(&self, currency: Currency, amount_minor: i64) -> bool {
        amount_minor >= AMOUNT_MIN && !(IN_TENS.contains(&&currency) && amount_minor % 10 != 0)
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

    fn verify(&self, headers: &[(String, String)], body: &[u8], _now: Timestamp) -> Genuine {
        let is_signed = headers.iter().any(|(name, value)| {
            name == signature::HEADER && signature::is_signed(&self.webhook_secrets, value, body)
        });
        if is_signed { Genuine::Yes } else { Genuine::No }
    }

    fn read(&self, body: &[u8]) -> Option<Heard> {
        events::read(body)
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
        let options = RazorpayOptions {
            url: "https://api.example".to_owned(),
            key_id: "rzp_1".to_owned(),
            key_secret: "hush".to_owned(),
            webhook_secrets: vec!["also hush".to_owned()],
        };
        let shown = format!("{options:?} {options:#?}");
        assert!(shown.contains("https://api.example") && !shown.contains("hush"), "{shown}");
    }
}
