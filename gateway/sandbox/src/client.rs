//! The sandbox as a provider: calls its API, and reads what it tells.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use tessera_actors::{About, Genuine, Heard, Provider, ProviderCall};
use tessera_inventory::Timestamp;
use tessera_ledger::Currency;
use tessera_outbound::{Bytes, Client, Method, NoAnswer, Request};
use tessera_payments::{
    Abilities, Answer, DisputeStanding, Fact, Operation, PaymentId, ProviderId, RefundStanding,
};

use crate::secrets::Secrets;
use crate::shown::{Shown, ShownDisputeStatus, ShownEvent, ShownStatus};
use crate::signature;

/// Its number.
const SANDBOX: ProviderId = ProviderId(NonZeroU16::MIN);
/// Its name.
const NAME: &str = "sandbox";
/// How long it remembers a key, in milliseconds: for ever, since keys only make names.
const KEY_LIFE_MS: u64 = 10 * 365 * 86_400_000;
/// Calls a second that it takes: as many as the machine does.
const CALLS_PER_SECOND: u32 = 100_000;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Longest exchange.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// See the module.
pub struct SandboxClient {
    http: Arc<Client>,
    secrets: Secrets,
    base: String,
}

impl SandboxClient {
    /// Of the sandbox at this address (`http://…`, without a path) with this secret.
    #[must_use]
    pub fn new(base: &str, secret: &[u8; 32]) -> SandboxClient {
        // The operator says where it is.
        let http = Arc::new(Client::new(true));
        SandboxClient { http, secrets: Secrets::derive(secret), base: base.to_owned() }
    }
}

impl Provider for SandboxClient {
    fn id(&self) -> ProviderId {
        SANDBOX
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn abilities(&self) -> Abilities {
        Abilities { key_life_ms: KEY_LIFE_MS, calls_per_second: CALLS_PER_SECOND, ..Abilities::new() }
    }

    fn takes(&self, _currency: Currency, amount_minor: i64) -> bool {
        amount_minor > 0
    }

    fn call(&self, call: ProviderCall) -> BoxFuture<'static, Answer> {
        let (http, base, token) = (Arc::clone(&self.http), self.base.clone(), self.secrets.token.clone());
        async move {
            let Some((method, path, body)) = request(&call) else {
                let detail = "a payment of the sandbox has no reference".into();
                return Answer::NotOurs { detail };
            };
            let authorization = format!("Bearer {token}");
            let headers = [
                ("authorization", authorization.as_str()),
                ("idempotency-key", call.key.as_str()),
                ("content-type", "application/json"),
            ];
            let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
            let url = format!("{base}{path}");
            // All of them have a key.
            let may_repeat = true;
            let request =
                Request { method, url: &url, headers: &headers, body, may_repeat, deadline: DEADLINE };
            answer(http.ask(&request, ANSWER_BYTES_MAX).await)
        }
        .boxed()
    }

    fn signed_headers(&self) -> &'static [&'static str] {
        &[signature::HEADER]
    }

    fn verify(&self, headers: &[(String, String)], body: &[u8], now: Timestamp) -> Genuine {
        let signed = headers.iter().any(|(name, value)| {
            name == signature::HEADER && signature::is_signed(&self.secrets.webhooks, value, body, now)
        });
        if signed { Genuine::Yes } else { Genuine::No }
    }

    fn read(&self, body: &[u8]) -> Option<Heard> {
        let event: ShownEvent = serde_json::from_slice(body).ok()?;
        let about = About {
            payment: PaymentId::parse(&event.payment.payment),
            reference: Some(event.payment.id.clone().into()),
        };
        Some(Heard { event: Some(event.id.into()), about: Some(about), facts: facts(event.payment) })
    }
}

fn request(call: &ProviderCall) -> Option<(Method, String, serde_json::Value)> {
    let of = |suffix: &str| call.reference.as_ref().map(|id| format!("/v1/payments/{id}{suffix}"));
    Some(match call.operation {
        Operation::Create => {
            let return_url = call.contact.as_ref().and_then(|contact| contact.return_url.clone());
            let body = json!({
                "payment": call.payment.to_string(),
                "amount_minor": call.amount_minor,
                "currency": String::from_utf8_lossy(&call.currency),
                "until_ms": call.grace_until.map(|until| until.0),
                "return_url": return_url,
            });
            (Method::POST, "/v1/payments".to_owned(), body)
        }
        Operation::LookUp | Operation::LookUpRefunds => (Method::GET, of("")?, serde_json::Value::Null),
        Operation::Capture => (Method::POST, of("/capture")?, serde_json::Value::Null),
        Operation::Void => (Method::POST, of("/void")?, serde_json::Value::Null),
        Operation::Refund { number } => {
            let body = json!({ "number": number, "amount_minor": call.amount_minor });
            (Method::POST, of("/refunds")?, body)
        }
    })
}

fn answer(answered: Result<tessera_outbound::Answer, NoAnswer>) -> Answer {
    let (status, body) = match answered {
        Ok(answered) => (answered.head.status, answered.body),
        Err(NoAnswer::NotSent(_)) => return Answer::Later { not_before: None },
        Err(NoAnswer::NotAnswered(_)) => return Answer::Unknown,
    };
    let text = || String::from_utf8_lossy(&body).into_owned();
    match status.as_u16() {
        200 | 201 => match serde_json::from_slice::<Shown>(&body) {
            Ok(shown) => Answer::Facts(facts(shown)),
            Err(_) => Answer::Unknown,
        },
        409 => Answer::Declined { code: text().into(), facts: Vec::new() },
        503 | 429 => Answer::Later { not_before: None },
        _ if status.is_client_error() => Answer::NotOurs { detail: text().into() },
        _ => Answer::Unknown,
    }
}

/// What a payment says as it stands.
fn facts(shown: Shown) -> Vec<Fact> {
    let mut facts =
        vec![Fact::Created { reference: shown.id.into(), page: shown.page.map(Into::into), secret: None }];
    match shown.status {
        ShownStatus::Open => {}
        ShownStatus::Authorised => {
            facts.push(Fact::Authorised { amount_minor: shown.amount_minor, until: None });
        }
        ShownStatus::Captured => {
            // It takes nothing for itself.
            facts.extend([
                Fact::Captured { amount_minor: shown.captured_minor },
                Fact::Fee { amount_minor: 0 },
            ]);
        }
        ShownStatus::Cancelled => facts.push(Fact::Cancelled),
        ShownStatus::Declined => facts.push(Fact::Failed { code: "declined".into() }),
    }
    facts.extend(shown.refunds.into_iter().map(|refund| Fact::Refund {
        id: refund.id.into(),
        ours: Some(refund.number),
        amount_minor: refund.amount_minor,
        standing: RefundStanding::Done,
    }));
    facts.extend(shown.disputes.into_iter().map(|dispute| Fact::Dispute {
        id: dispute.id.into(),
        amount_minor: dispute.amount_minor,
        fee_minor: 0,
        standing: match dispute.status {
            ShownDisputeStatus::Open => DisputeStanding::Open,
            ShownDisputeStatus::Won => DisputeStanding::Won,
            ShownDisputeStatus::Lost => DisputeStanding::Lost,
        },
    }));
    facts
}
