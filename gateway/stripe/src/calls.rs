//! What is called for an operation: one request, or a look that says which. Each request has a key of its own, as Stripe takes a key for one
//! kind of request only.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeMethod};
use tessera_actors::{Clock, ProviderCall, Whose};
use tessera_ledger::Currency;
use tessera_outbound::{Bytes, Client, Method, Request, accepted};
use tessera_payments::{Answer, Fact, Operation, PaymentId};
use tokio::time::Instant;

use crate::facts::{SESSION_PREFIX, of_dispute, of_intent, of_new_intent, of_refund, of_session};
use crate::money::{parse, to_stripe};
use crate::names;
use crate::objects::{Charge, Dispute, ErrorReply, Expandable, Intent, List, Refund, Session};
use crate::requests::{self, Price};

/// Longest an operation takes, all of its requests together.
const OPERATION_LASTS: Duration = Duration::from_secs(18);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Pages of refunds that are read: as many refunds as are kept of a payment, and more.
const REFUND_PAGES_MAX: usize = 3;
/// What a call under a key of one kind of request adds to it.
const EXPIRES: &str = "_e";
const CANCELS: &str = "_c";

/// How Stripe is called.
pub(crate) struct Account {
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
    /// `https://api.stripe.com`, or another.
    pub(crate) base: Box<str>,
    /// `Bearer …`.
    pub(crate) authorization: Box<str>,
}

/// An operation under way.
pub(crate) struct Calls<'a> {
    account: &'a Account,
    until: Instant,
}

type Facts = Result<Vec<Fact>, Answer>;

impl<'a> Calls<'a> {
    pub(crate) fn new(account: &'a Account) -> Calls<'a> {
        Calls { account, until: Instant::now() + OPERATION_LASTS }
    }

    /// Do what is asked.
    pub(crate) async fn perform(&self, call: &ProviderCall) -> Facts {
        let Some(amount) = to_stripe(call.currency, call.amount_minor) else {
            return Err(Answer::Declined { code: "amount".into(), facts: Vec::new() });
        };
        let known = || {
            let reference = call.reference.as_deref();
            reference.ok_or_else(|| Answer::NotOurs { detail: "a payment at Stripe has no reference".into() })
        };
        let key = call.key.as_str();
        match call.operation {
            Operation::Create => self.create(call, amount).await,
            Operation::LookUp => self.look_up(known()?, call.currency).await,
            Operation::LookUpRefunds => match self.intent_of(known()?).await? {
                Some(intent) => self.refunds(&intent).await,
                None => Ok(Vec::new()),
            },
            Operation::Capture => {
                let intent = self.intent_of(known()?).await?.ok_or_else(unpaid)?;
                let intent: Intent = self.send(requests::capture(&intent), Some(key)).await?;
                Ok(of_intent(&intent))
            }
            Operation::Void => self.void(known()?, key).await,
            Operation::Refund { number } => {
                let intent = self.intent_of(known()?).await?.ok_or_else(unpaid)?;
                let request = requests::refund(&intent, call.payment, number, amount);
                let refund: Refund = self.send(request, Some(key)).await?;
                Ok(of_refund(&refund).into_iter().collect())
            }
        }
    }

    /// Whose payment a PaymentIntent is.
    pub(crate) async fn whose(&self, intent: &str) -> Result<Option<PaymentId>, Answer> {
        let intent: Intent = self.send(requests::intent(intent), None).await?;
        Ok(names::payment(intent.metadata.as_ref()))
    }

    async fn create(&self, call: &ProviderCall, amount: i64) -> Facts {
        let price = Price { payment: call.payment, currency: call.currency, amount };
        let key = Some(call.key.as_str());
        let contact = call.contact.as_ref();
        if contact.is_some_and(|contact| contact.by_own_page) {
            let intent: Intent = self.send(requests::create_intent(price), key).await?;
            return Ok(of_new_intent(&intent));
        }
        let Some(return_url) = contact.and_then(|contact| contact.return_url.as_deref()) else {
            // It was erased before anybody was shown a page.
            return Err(Answer::Declined { code: "no_return_url".into(), facts: Vec::new() });
        };
        let email = contact.and_then(|contact| contact.email.as_deref());
        let session: Session = self.send(requests::create_session(price, return_url, email), key).await?;
        Ok(of_session(&session))
    }

    /// How it stands, with what was given back and what is disputed.
    async fn look_up(&self, reference: &str, currency: Currency) -> Facts {
        let mut facts = Vec::new();
        let intent = if reference.starts_with(SESSION_PREFIX) {
            let session: Session = self.send(requests::session(reference), None).await?;
            expect(currency, session.currency.as_deref())?;
            facts.extend(of_session(&session));
            match session.payment_intent {
                Some(Expandable::Object(intent)) => Some(*intent),
                Some(Expandable::Name(_)) | None => None,
            }
        } else {
            let intent: Intent = self.send(requests::intent(reference), None).await?;
            facts.extend(of_intent(&intent));
            Some(intent)
        };
        let Some(intent) = intent else { return Ok(facts) };
        expect(currency, intent.currency.as_deref())?;
        let charge = intent.latest_charge.as_ref().and_then(|charge| charge.object());
        let is = |what: fn(&Charge) -> bool| charge.is_some_and(what);
        if is(|charge| charge.amount_refunded.unwrap_or_default() > 0) {
            facts.extend(self.refunds(&intent.id).await?);
        }
        if is(|charge| charge.disputed.unwrap_or_default()) {
            let disputes: List<Dispute> = self.send(requests::disputes(&intent.id), None).await?;
            facts.extend(disputes.data.iter().filter_map(of_dispute));
        }
        Ok(facts)
    }

    async fn refunds(&self, intent: &str) -> Facts {
        let (mut facts, mut last) = (Vec::new(), None);
        for _ in 0..REFUND_PAGES_MAX {
            let page: List<Refund> = self.send(requests::refunds(intent, last.as_deref()), None).await?;
            facts.extend(page.data.iter().filter_map(of_refund));
            last = page.data.last().map(|refund| refund.id.clone());
            if last.is_none() || !page.has_more.unwrap_or_default() {
                break;
            }
        }
        Ok(facts)
    }

    /// A page that is open is closed; what was set aside is let go.
    async fn void(&self, reference: &str, key: &str) -> Facts {
        let intent = if reference.starts_with(SESSION_PREFIX) {
            let session: Session = self.send(requests::session(reference), None).await?;
            if session.status.as_deref() == Some("open") {
                let key = format!("{key}{EXPIRES}");
                let session: Session = self.send(requests::expire(reference), Some(&key)).await?;
                return Ok(of_session(&session));
            }
            match session.payment_intent {
                Some(intent) if session.status.as_deref() == Some("complete") => intent.id().to_owned(),
                Some(_) | None => return Ok(of_session(&session)),
            }
        } else {
            reference.to_owned()
        };
        let key = format!("{key}{CANCELS}");
        let intent: Intent = self.send(requests::cancel(&intent), Some(&key)).await?;
        Ok(of_intent(&intent))
    }

    /// The PaymentIntent of a payment; `None`: nobody has paid at its page.
    async fn intent_of(&self, reference: &str) -> Result<Option<String>, Answer> {
        if !reference.starts_with(SESSION_PREFIX) {
            return Ok(Some(reference.to_owned()));
        }
        let session: Session = self.send(requests::session(reference), None).await?;
        Ok(session.payment_intent.map(|intent| intent.id().to_owned()))
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        key: Option<&str>,
    ) -> Result<T, Answer> {
        let Account { client, clock, base, authorization } = self.account;
        let query = request.query.filter(|query| !query.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{base}/v1{}{query}", request.path);
        let mut headers = vec![
            ("authorization", &**authorization),
            ("stripe-version", stripe_client_core::VERSION.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let is_read = matches!(request.method, StripeMethod::Get);
        let request = Request {
            method: match request.method {
                StripeMethod::Get => Method::GET,
                StripeMethod::Post => Method::POST,
                StripeMethod::Delete => Method::DELETE,
            },
            url: &url,
            headers: &headers,
            body: request.body.map_or_else(Bytes::new, Bytes::from),
            may_repeat: key.is_some() || is_read,
            deadline: self.until.saturating_duration_since(Instant::now()),
        };
        let body = accepted::<ErrorReply>(client.ask(&request, ANSWER_BYTES_MAX).await, clock.wall())?;
        serde_json::from_slice(&body).map_err(|error| {
            tracing::warn!(%error, "an answer of Stripe cannot be read");
            Answer::Unknown
        })
    }
}

fn unpaid() -> Answer {
    Answer::Declined { code: "unpaid".into(), facts: Vec::new() }
}

/// A payment in another currency is not ours.
fn expect(currency: Currency, found: Option<&str>) -> Result<(), Answer> {
    match found.and_then(parse) {
        Some(found) if found != currency => Err(Answer::NotOurs {
            detail: "a payment at Stripe is in another currency than it was made in".into(),
        }),
        _ => Ok(()),
    }
}

/// What an answer says about whose a payment is.
pub(crate) fn whose(found: &Result<Option<PaymentId>, Answer>) -> Whose {
    match found {
        Ok(Some(payment)) => Whose::Ours(*payment),
        // There is none of this name in our account.
        Ok(None) | Err(Answer::NotOurs { .. } | Answer::Declined { .. }) => Whose::NotOurs,
        Err(_) => Whose::Later,
    }
}
