//! The payment providers of this process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tessera_actors::{Clock, Environment, Provider};
use tessera_paypal::{PayPal, PayPalOptions};
use tessera_razorpay::{Razorpay, RazorpayOptions};
use tessera_sandbox::{Sandbox, SandboxClient, SandboxError, SandboxOptions};
use tessera_store::Table;
use tessera_stripe::{Stripe, StripeOptions};

use crate::settings::{PayPalSettings, PaymentSettings, RazorpaySettings, SandboxSettings, StripeSettings};

/// Threads that serve the sandbox.
const SANDBOX_WORKERS: usize = 1;

/// The payment providers of this process, and the sandbox, if it is one of them.
pub(crate) struct Providers {
    pub(crate) all: Vec<Arc<dyn Provider>>,
    sandbox: Option<Sandbox>,
}

impl Providers {
    /// Those that the settings name. `secret` is the installation's.
    pub(crate) fn start(
        settings: &PaymentSettings,
        secret: &[u8; 32],
        table: &Arc<dyn Table>,
        environment: &Environment,
    ) -> Result<Providers, SandboxError> {
        let sandbox = start_sandbox(&settings.sandbox, secret, table, environment)?;
        let (sandbox, client) = sandbox.unzip();
        let clock = &environment.clock;
        let (paypal, razorpay) = (paypal(&settings.paypal, clock), razorpay(&settings.razorpay, clock));
        let all = [client, stripe(&settings.stripe, clock), paypal, razorpay].into_iter().flatten().collect();
        Ok(Providers { all, sandbox })
    }

    /// The server is bound here: whom the sandbox tells.
    pub(crate) fn served_at(&self, bound: SocketAddr) {
        if let Some(sandbox) = &self.sandbox {
            let address = match bound.ip() {
                ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), bound.port()),
                _ => bound,
            };
            sandbox.tell_to(format!("http://{address}/v1/provider-events/sandbox"));
        }
    }

    /// Where the sandbox is reached from this machine.
    pub(crate) fn sandbox_address(&self) -> Option<&str> {
        self.sandbox.as_ref().map(Sandbox::local)
    }

    /// What whoever calls its API presents.
    pub(crate) fn sandbox_token(&self) -> Option<&str> {
        self.sandbox.as_ref().map(Sandbox::token)
    }

    /// No provider of this process serves any more.
    pub(crate) async fn stop(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

type Shared = Arc<dyn Provider>;

fn start_sandbox(
    settings: &SandboxSettings,
    secret: &[u8; 32],
    table: &Arc<dyn Table>,
    environment: &Environment,
) -> Result<Option<(Sandbox, Shared)>, SandboxError> {
    if !settings.enabled {
        return Ok(None);
    }
    let options = SandboxOptions {
        listen: settings.listen,
        url: Some(settings.url.clone()).filter(|url| !url.is_empty()),
        secret: blake3::derive_key("tessera 2026-11 payment sandbox v1", secret),
        tests: settings.tests,
        workers: SANDBOX_WORKERS,
    };
    let clock = Arc::clone(&environment.clock);
    let sandbox = Sandbox::start(&options, Arc::clone(table), clock)?;
    let client: Shared = Arc::new(SandboxClient::new(sandbox.local(), &options.secret));
    Ok(Some((sandbox, client)))
}

fn paypal(settings: &PayPalSettings, clock: &Arc<dyn Clock>) -> Option<Shared> {
    let (client_id, secret) = settings.client_id.clone().zip(settings.secret.as_ref())?;
    if settings.webhook_id.is_none() {
        tracing::warn!(
            "no webhook of PayPal is set: none is believed, and payments are looked up, which is slower"
        );
    }
    let options = PayPalOptions {
        url: settings.url.clone(),
        client_id,
        secret: secret.reveal().to_owned(),
        webhook_id: settings.webhook_id.clone(),
    };
    Some(Arc::new(PayPal::new(options, Arc::clone(clock))))
}

fn razorpay(settings: &RazorpaySettings, clock: &Arc<dyn Clock>) -> Option<Shared> {
    let (key_id, key_secret) = settings.key_id.clone().zip(settings.key_secret.as_ref())?;
    if settings.webhook_secrets.is_empty() {
        tracing::warn!(
            "no secret of Razorpay's webhooks is set: none is believed, and payments are looked up, which is slower"
        );
    }
    let options = RazorpayOptions {
        url: settings.url.clone(),
        key_id,
        key_secret: key_secret.reveal().to_owned(),
        webhook_secrets: settings.webhook_secrets.iter().map(|secret| secret.reveal().to_owned()).collect(),
    };
    Some(Arc::new(Razorpay::new(options, Arc::clone(clock))))
}

fn stripe(settings: &StripeSettings, clock: &Arc<dyn Clock>) -> Option<Shared> {
    let secret_key = settings.secret_key.as_ref()?.reveal().to_owned();
    if settings.webhook_secrets.is_empty() {
        tracing::warn!(
            "no secret of Stripe's webhooks is set: none is believed, and payments are looked up, which is slower"
        );
    }
    let options = StripeOptions {
        url: settings.url.clone(),
        secret_key,
        webhook_secrets: settings.webhook_secrets.iter().map(|secret| secret.reveal().to_owned()).collect(),
    };
    Some(Arc::new(Stripe::new(options, Arc::clone(clock))))
}
