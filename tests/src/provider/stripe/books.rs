//! What the emulator knows.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tessera_inventory::Timestamp;

use super::shown;
use crate::provider::{Asked, Books, Replied};

/// Authorisations last a week.
const AUTHORISED_S: u64 = 7 * 86_400;

/// The books of an account.
#[derive(Debug)]
pub struct StripeBooks {
    secret_key: String,
    webhook_secret: String,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) intents: BTreeMap<String, Intent>,
    pub(super) refunds: Vec<Refund>,
    pub(super) disputes: Vec<Dispute>,
    count: u64,
    news: Vec<Value>,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) status: &'static str,
    pub(super) form: BTreeMap<String, String>,
    pub(super) intent: Option<String>,
}

#[derive(Debug)]
pub(super) struct Intent {
    pub(super) status: &'static str,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) payment: Option<String>,
    pub(super) capture_before: u64,
    pub(super) received: i64,
    pub(super) declined: bool,
}

#[derive(Debug)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) intent: String,
    pub(super) amount: i64,
    pub(super) status: &'static str,
    /// The entry of its metadata.
    pub(super) ours: Option<String>,
}

#[derive(Debug)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) intent: String,
    pub(super) amount: i64,
    pub(super) status: &'static str,
}

impl StripeBooks {
    /// Of an account with this key and this secret of its webhook endpoint.
    #[must_use]
    pub fn new(secret_key: &str, webhook_secret: &str) -> StripeBooks {
        StripeBooks {
            secret_key: secret_key.to_owned(),
            webhook_secret: webhook_secret.to_owned(),
            sessions: BTreeMap::new(),
            intents: BTreeMap::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            count: 0,
            news: Vec::new(),
        }
    }

    /// The buyer pays at the page of a session, or a front-end with a PaymentIntent: whether that was possible.
    pub fn pay(&mut self, reference: &str, now: Timestamp) -> bool {
        let Some(intent) = self.intent_to_pay(reference, now) else { return false };
        let known = self.intents.get_mut(&intent).unwrap();
        known.status = "requires_capture";
        known.capture_before = now.0 / 1_000 + AUTHORISED_S;
        if let Some(session) = self.sessions.get_mut(reference) {
            session.status = "complete";
            self.tell("checkout.session.completed", shown::session(self, reference, false));
        }
        self.tell("payment_intent.amount_capturable_updated", shown::intent(self, &intent, false));
        true
    }

    /// The buyer's bank declines; another card may be tried.
    pub fn decline(&mut self, reference: &str, now: Timestamp) {
        let Some(intent) = self.intent_to_pay(reference, now) else { return };
        self.intents.get_mut(&intent).unwrap().declined = true;
        self.tell("payment_intent.payment_failed", shown::intent(self, &intent, false));
    }

    /// The authorisation has lapsed.
    pub fn lapse(&mut self, reference: &str) {
        let intent = self.intent_of(reference).unwrap();
        self.intents.get_mut(&intent).unwrap().status = "canceled";
        self.tell("payment_intent.canceled", shown::intent(self, &intent, false));
    }

    /// The buyer disputes so much.
    pub fn dispute(&mut self, reference: &str, amount: i64) {
        let (intent, id) = (self.intent_of(reference).unwrap(), self.name("dp"));
        self.disputes.push(Dispute { id, intent, amount, status: "needs_response" });
        self.tell_dispute("charge.dispute.created");
    }

    /// The last dispute is decided.
    pub fn decide(&mut self, won: bool) {
        self.disputes.last_mut().unwrap().status = if won { "won" } else { "lost" };
        self.tell_dispute("charge.dispute.closed");
    }

    fn tell_dispute(&mut self, kind: &str) {
        let dispute = shown::dispute(self, self.disputes.last().unwrap());
        self.tell(kind, dispute);
    }

    /// What was done last at the page has failed for good: a bank transfer that never came.
    pub fn fail(&mut self, reference: &str, now: Timestamp) {
        self.decline(reference, now);
        self.sessions.get_mut(reference).unwrap().status = "complete";
        self.tell("checkout.session.async_payment_failed", shown::session(self, reference, false));
    }

    /// Somebody else is paid through the same account; its PaymentIntent.
    pub fn pay_somebody_else(&mut self) -> String {
        let id = self.name("pi");
        let intent = Intent {
            status: "succeeded",
            amount: 100,
            currency: "chf".to_owned(),
            payment: None,
            capture_before: 0,
            received: 100,
            declined: false,
        };
        self.intents.insert(id.clone(), intent);
        self.tell("payment_intent.succeeded", shown::intent(self, &id, false));
        self.add_refund(id.clone(), 100, None);
        id
    }

    /// Somebody captures it in the dashboard.
    pub fn capture_by_hand(&mut self, reference: &str) {
        let intent = self.intent_of(reference).unwrap();
        assert_eq!(self.step(&intent, "capture").status, 200);
    }

    /// Somebody gives money back in the dashboard.
    pub fn refund_by_hand(&mut self, reference: &str, amount: i64) {
        let intent = self.intent_of(reference).unwrap();
        self.add_refund(intent, amount, None);
    }

    /// How much was captured, and how much of that was given back.
    #[must_use]
    pub fn captured_and_refunded(&self) -> (i64, i64) {
        let captured = self.intents.values().map(|intent| intent.received).sum();
        (captured, self.refunds.iter().map(|refund| refund.amount).sum())
    }

    fn intent_of(&self, reference: &str) -> Option<String> {
        match self.sessions.get(reference) {
            Some(session) => session.intent.clone(),
            None => self.intents.contains_key(reference).then(|| reference.to_owned()),
        }
    }

    /// A session has a PaymentIntent once somebody pays there.
    fn intent_to_pay(&mut self, reference: &str, now: Timestamp) -> Option<String> {
        let Some(session) = self.sessions.get(reference) else {
            let intent = self.intents.get(reference)?;
            return (intent.status == "requires_payment_method").then(|| reference.to_owned());
        };
        if session.status != "open" {
            return None;
        }
        if let Some(intent) = &session.intent {
            return Some(intent.clone());
        }
        let form = session.form.clone();
        assert_eq!(form["payment_intent_data[capture_method]"], "manual");
        let line = |name: &str| form[&format!("line_items[0][{name}]")].clone();
        assert_eq!(line("quantity"), "1");
        let intent = Intent {
            status: "requires_payment_method",
            amount: line("price_data][unit_amount").parse().unwrap(),
            currency: line("price_data][currency"),
            payment: form.get("payment_intent_data[metadata][tessera_payment]").cloned(),
            capture_before: now.0 / 1_000,
            received: 0,
            declined: false,
        };
        let id = self.name("pi");
        self.intents.insert(id.clone(), intent);
        self.sessions.get_mut(reference).unwrap().intent = Some(id.clone());
        Some(id)
    }

    fn add_refund(&mut self, intent: String, amount: i64, ours: Option<String>) -> Value {
        let id = self.name("re");
        self.refunds.push(Refund { id, intent, amount, status: "succeeded", ours });
        let refund = shown::refund(self, self.refunds.last().unwrap());
        self.tell("refund.created", refund.clone());
        refund
    }

    fn name(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_test_{:04}", self.count)
    }

    #[allow(clippy::needless_pass_by_value)] // made for it
    fn tell(&mut self, kind: &str, object: Value) {
        let id = self.name("evt");
        self.news.push(json!({"id": id, "object": "event", "type": kind, "data": {"object": object}}));
    }

    fn create_session(&mut self, form: BTreeMap<String, String>) -> Replied {
        for name in ["mode", "success_url", "line_items[0][price_data][product_data][name]"] {
            if !form.contains_key(name) {
                return shown::error(400, "parameter_missing", name);
            }
        }
        let id = self.name("cs");
        self.sessions.insert(id.clone(), Session { status: "open", form, intent: None });
        Replied::json(200, shown::session(self, &id, false))
    }

    fn create_intent(&mut self, form: &BTreeMap<String, String>, now: Timestamp) -> Replied {
        assert_eq!(form["capture_method"], "manual");
        let intent = Intent {
            status: "requires_payment_method",
            amount: form["amount"].parse().unwrap(),
            currency: form["currency"].clone(),
            payment: form.get("metadata[tessera_payment]").cloned(),
            capture_before: now.0 / 1_000,
            received: 0,
            declined: false,
        };
        let id = self.name("pi");
        self.intents.insert(id.clone(), intent);
        Replied::json(200, shown::intent(self, &id, false))
    }

    fn expire(&mut self, id: &str) -> Replied {
        let Some(session) = self.sessions.get_mut(id) else { return shown::missing() };
        if session.status != "open" {
            return shown::error(400, "session_not_open", "only open sessions are expired");
        }
        session.status = "expired";
        if let Some(intent) = session.intent.clone() {
            self.intents.get_mut(&intent).unwrap().status = "canceled";
        }
        self.tell("checkout.session.expired", shown::session(self, id, false));
        Replied::json(200, shown::session(self, id, false))
    }

    fn step(&mut self, id: &str, step: &str) -> Replied {
        let Some(intent) = self.intents.get_mut(id) else { return shown::missing() };
        let kind = match (step, intent.status) {
            ("capture", "requires_capture") => {
                (intent.status, intent.received) = ("succeeded", intent.amount);
                "payment_intent.succeeded"
            }
            ("cancel", "requires_capture" | "requires_payment_method") => {
                intent.status = "canceled";
                "payment_intent.canceled"
            }
            _ => {
                let mut refused = shown::error(400, "payment_intent_unexpected_state", "it is over");
                refused.body["error"]["payment_intent"] = shown::intent(self, id, false);
                return refused;
            }
        };
        self.tell(kind, shown::intent(self, id, false));
        if step == "capture" {
            self.tell("charge.captured", shown::charge(self, id, false));
        }
        Replied::json(200, shown::intent(self, id, false))
    }

    fn refund(&mut self, form: &BTreeMap<String, String>) -> Replied {
        let (id, amount) = (&form["payment_intent"], form["amount"].parse::<i64>().unwrap());
        let Some(intent) = self.intents.get(id) else { return shown::missing() };
        let given: i64 =
            self.refunds.iter().filter(|refund| refund.intent == *id).map(|refund| refund.amount).sum();
        if intent.received == 0 || given >= intent.received {
            return shown::error(400, "charge_already_refunded", "nothing is left");
        }
        if amount > intent.received - given {
            return shown::error(400, "amount_too_large", "more than is left");
        }
        let refund = self.add_refund(id.clone(), amount, form.get("metadata[tessera_refund]").cloned());
        Replied::json(200, refund)
    }
}

impl Books for StripeBooks {
    const KEY_HEADER: &'static str = "idempotency-key";
    const KEY_LIFE_MS: u64 = 86_400_000;

    fn turns_away(&self, asked: &Asked) -> Option<Replied> {
        let expected = format!("Bearer {}", self.secret_key);
        let is_known = asked.header("authorization") == Some(expected.as_str());
        assert!(asked.header("stripe-version").is_some());
        (!is_known).then(|| shown::error(401, "invalid_api_key", "Invalid API Key provided"))
    }

    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Replied {
        let expands = asked.query.iter().any(|(name, value)| {
            name.starts_with("expand") && value.ends_with("latest_charge.balance_transaction")
        });
        match *asked.parts() {
            ["POST", "v1", "checkout", "sessions"] => self.create_session(asked.form()),
            ["GET", "v1", "checkout", "sessions", id] if self.sessions.contains_key(id) => {
                Replied::json(200, shown::session(self, id, expands))
            }
            ["POST", "v1", "checkout", "sessions", id, "expire"] => self.expire(id),
            ["POST", "v1", "payment_intents"] => self.create_intent(&asked.form(), now),
            ["GET", "v1", "payment_intents", id] if self.intents.contains_key(id) => {
                Replied::json(200, shown::intent(self, id, expands))
            }
            ["POST", "v1", "payment_intents", id, step] => self.step(id, step),
            ["POST", "v1", "refunds"] => self.refund(&asked.form()),
            ["GET", "v1", "refunds"] => Replied::json(200, shown::refunds(self, &asked.query)),
            ["GET", "v1", "disputes"] => Replied::json(200, shown::disputes(self, &asked.query)),
            _ => shown::missing(),
        }
    }

    fn is_other(&self) -> Replied {
        let mut other =
            shown::error(400, "", "Keys for idempotent requests can only be used with the same parameters");
        other.body["error"] = json!({"type": "idempotency_error"});
        other
    }

    fn is_busy(&self) -> Replied {
        let busy = shown::error(429, "rate_limit", "too many requests");
        Replied { headers: vec![("retry-after", "2".to_owned())], ..busy }
    }

    fn sign(&self, body: &[u8], now: Timestamp) -> Vec<(String, String)> {
        let at_s = now.0 / 1_000;
        let mut mac = Hmac::<Sha256>::new_from_slice(self.webhook_secret.as_bytes()).unwrap();
        mac.update(format!("{at_s}.").as_bytes());
        mac.update(body);
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        vec![("stripe-signature".to_owned(), format!("t={at_s},v1={hex}"))]
    }

    fn news(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.news)
    }
}
