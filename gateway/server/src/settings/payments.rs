//! Settings of payments.

use std::net::SocketAddr;

use serde::Deserialize;

use super::{Secret, SettingsError};

/// Through whom buyers pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentSettings {
    /// A provider of this process that charges nothing.
    pub sandbox: SandboxSettings,
    /// An account at PayPal.
    pub paypal: PayPalSettings,
    /// An account at Razorpay.
    pub razorpay: RazorpaySettings,
    /// An account at Stripe.
    pub stripe: StripeSettings,
}

/// An account at PayPal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PayPalSettings {
    /// The client id of an app of the account; absent: nobody pays through PayPal.
    pub client_id: Option<String>,
    /// Its secret.
    pub secret: Option<Secret>,
    /// The id of its webhook.
    pub webhook_id: Option<String>,
    /// Where it is called, as a URL without a path.
    pub url: String,
}

impl Default for PayPalSettings {
    fn default() -> Self {
        let url = tessera_paypal::URL.to_owned();
        PayPalSettings { client_id: None, secret: None, webhook_id: None, url }
    }
}

/// An account at Razorpay.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RazorpaySettings {
    /// The public part of its key; absent: nobody pays through Razorpay.
    pub key_id: Option<String>,
    /// The secret part.
    pub key_secret: Option<Secret>,
    /// The secrets of its webhook; more than one while one is being replaced.
    pub webhook_secrets: Vec<Secret>,
    /// Where it is called, as a URL without a path.
    pub url: String,
}

impl Default for RazorpaySettings {
    fn default() -> Self {
        let url = tessera_razorpay::URL.to_owned();
        RazorpaySettings { key_id: None, key_secret: None, webhook_secrets: Vec::new(), url }
    }
}

/// An account at Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StripeSettings {
    /// Its secret key, or a restricted one; absent: nobody pays through Stripe.
    pub secret_key: Option<Secret>,
    /// The secrets of its webhook endpoint; more than one while one is being replaced.
    pub webhook_secrets: Vec<Secret>,
    /// Where it is called, as a URL without a path.
    pub url: String,
}

impl Default for StripeSettings {
    fn default() -> Self {
        StripeSettings { secret_key: None, webhook_secrets: Vec::new(), url: tessera_stripe::URL.to_owned() }
    }
}

impl PaymentSettings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let PaymentSettings { paypal, razorpay, .. } = self;
        let halves = [
            ("payments.paypal.client_id and .secret", paypal.client_id.is_some(), paypal.secret.is_some()),
            (
                "payments.razorpay.key_id and .key_secret",
                razorpay.key_id.is_some(),
                razorpay.key_secret.is_some(),
            ),
        ];
        if let Some((name, ..)) = halves.into_iter().find(|(_, first, second)| first != second) {
            let (value, wanted) = ("only one of them".to_owned(), "both set, or neither");
            return Err(SettingsError::Value { name, value, wanted });
        }
        is_base("payments.razorpay.url", &self.razorpay.url)?;
        is_base("payments.paypal.url", &self.paypal.url)?;
        is_base("payments.stripe.url", &self.stripe.url)
    }
}

/// A scheme and a host, to which paths are added.
fn is_base(name: &'static str, url: &str) -> Result<(), SettingsError> {
    let is_good =
        tessera_outbound::Target::parse(url).is_ok_and(|target| target.has_no_path()) && !url.ends_with('/');
    let wrong = || SettingsError::Value {
        name,
        value: url.to_owned(),
        wanted: "https://… or http://…, without a path",
    };
    if is_good { Ok(()) } else { Err(wrong()) }
}

/// A provider of this process that charges nothing: to try a sale, never to sell.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxSettings {
    /// Whether there is one.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// How buyers reach it, as a URL without a path; empty: where it listens.
    pub url: String,
    /// It does for tests what goes wrong with providers.
    pub tests: bool,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        SandboxSettings { enabled: false, listen, url: String::new(), tests: false }
    }
}
