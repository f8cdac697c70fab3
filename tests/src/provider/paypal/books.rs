//! What the emulator knows.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tessera_inventory::Timestamp;

use super::shown;
use crate::provider::{Asked, Books, Replied};

/// What tokens are good for, in seconds.
const TOKEN_LIFE_S: u64 = 32_400;

/// The books of an account.
#[derive(Debug)]
pub struct PayPalBooks {
    client_id: String,
    secret: String,
    webhook_id: String,
    pub(super) orders: BTreeMap<String, Order>,
    pub(super) disputes: Vec<Dispute>,
    /// The next authorisation is declined.
    declines: bool,
    count: u64,
    news: Vec<Value>,
}

#[derive(Debug)]
pub(super) struct Order {
    pub(super) status: &'static str,
    pub(super) unit: Value,
    /// Of the authorisation, once there is one.
    pub(super) authorization: Option<&'static str>,
    /// Of the capture, once there is one.
    pub(super) capture: Option<&'static str>,
    pub(super) refunds: Vec<Refund>,
}

#[derive(Debug)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) cents: i64,
    pub(super) custom_id: Value,
}

#[derive(Debug)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) cents: i64,
    pub(super) outcome: Option<&'static str>,
}

impl PayPalBooks {
    /// Of an account with an app of this client id and secret, and a webhook of this id.
    #[must_use]
    pub fn new(client_id: &str, secret: &str, webhook_id: &str) -> PayPalBooks {
        PayPalBooks {
            client_id: client_id.to_owned(),
            secret: secret.to_owned(),
            webhook_id: webhook_id.to_owned(),
            orders: BTreeMap::new(),
            disputes: Vec::new(),
            declines: false,
            count: 0,
            news: Vec::new(),
        }
    }

    /// The buyer approves an order at its page.
    pub fn approve(&mut self, id: &str) {
        let order = self.orders.get_mut(id).unwrap();
        if order.status == "PAYER_ACTION_REQUIRED" {
            order.status = "APPROVED";
            self.tell("CHECKOUT.ORDER.APPROVED", shown::order(self, id));
        }
    }

    /// The buyer's bank will decline.
    pub fn decline(&mut self, id: &str) {
        self.declines = true;
        self.approve(id);
    }

    /// The buyer disputes so much.
    pub fn dispute(&mut self, id: &str, cents: i64) {
        let name = self.name("PP-D");
        self.disputes.push(Dispute { id: name, order: id.to_owned(), cents, outcome: None });
        let dispute = shown::dispute(self, self.disputes.last().unwrap());
        self.tell("CUSTOMER.DISPUTE.CREATED", dispute);
    }

    /// The last dispute is decided for the buyer.
    pub fn lose_dispute(&mut self) {
        self.disputes.last_mut().unwrap().outcome = Some("RESOLVED_BUYER_FAVOUR");
        let dispute = shown::dispute(self, self.disputes.last().unwrap());
        self.tell("CUSTOMER.DISPUTE.RESOLVED", dispute);
    }

    /// How much was captured, and how much of that was given back, in hundredths.
    #[must_use]
    pub fn captured_and_refunded(&self) -> (i64, i64) {
        let captured =
            self.orders.values().filter(|order| order.capture.is_some()).map(|order| order.cents()).sum();
        let refunds = self.orders.values().flat_map(|order| &order.refunds);
        (captured, refunds.map(|refund| refund.cents).sum())
    }

    fn name(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}{:04}", self.count)
    }

    #[allow(clippy::needless_pass_by_value)] // made for it
    fn tell(&mut self, kind: &str, resource: Value) {
        let id = self.name("WH-");
        self.news.push(json!({"id": id, "event_type": kind, "resource": resource, "event_version": "1.0"}));
    }

    fn create(&mut self, asked: &Asked) -> Replied {
        let body = asked.json();
        assert!(asked.header("paypal-request-id").is_some(), "it is needed where a way to pay is given");
        assert_eq!(body["intent"], "AUTHORIZE");
        let context = &body["payment_source"]["paypal"]["experience_context"];
        assert!(context["return_url"].is_string() && context["cancel_url"].is_string());
        let id = self.name("ORDER");
        let unit = body["purchase_units"][0].clone();
        let order = Order {
            status: "PAYER_ACTION_REQUIRED",
            unit,
            authorization: None,
            capture: None,
            refunds: Vec::new(),
        };
        self.orders.insert(id.clone(), order);
        Replied::json(201, shown::order(self, &id))
    }

    fn authorize(&mut self, id: &str) -> Replied {
        let Some(order) = self.orders.get_mut(id) else { return shown::missing() };
        if order.authorization.is_some() {
            return shown::unprocessable("ORDER_ALREADY_AUTHORIZED");
        }
        if order.status != "APPROVED" {
            return shown::unprocessable("ORDER_NOT_APPROVED");
        }
        if std::mem::take(&mut self.declines) {
            return shown::unprocessable("INSTRUMENT_DECLINED");
        }
        (order.status, order.authorization) = ("COMPLETED", Some("CREATED"));
        self.tell("PAYMENT.AUTHORIZATION.CREATED", shown::authorization(self, id));
        Replied::json(201, shown::order(self, id))
    }

    fn capture(&mut self, authorization: &str, body: &Value) -> Replied {
        let Some((id, order)) = self.of("AUTH", authorization) else { return shown::missing() };
        match order.authorization {
            Some("CREATED") => {}
            Some("VOIDED") => return shown::unprocessable("AUTHORIZATION_VOIDED"),
            _ => return shown::unprocessable("AUTHORIZATION_ALREADY_CAPTURED"),
        }
        assert_eq!(body["amount"], order.unit["amount"]);
        (order.authorization, order.capture) = (Some("CAPTURED"), Some("COMPLETED"));
        self.tell("PAYMENT.CAPTURE.COMPLETED", shown::capture(self, &id));
        Replied::json(201, shown::capture(self, &id))
    }

    fn void(&mut self, authorization: &str) -> Replied {
        let Some((id, order)) = self.of("AUTH", authorization) else { return shown::missing() };
        if order.authorization != Some("CREATED") {
            return shown::unprocessable("CANNOT_BE_VOIDED");
        }
        order.authorization = Some("VOIDED");
        self.tell("PAYMENT.AUTHORIZATION.VOIDED", shown::authorization(self, &id));
        Replied::json(200, shown::authorization(self, &id))
    }

    fn refund(&mut self, capture: &str, body: &Value) -> Replied {
        let name = self.name("REFUND");
        let Some((id, order)) = self.of("CAPTURE", capture) else { return shown::missing() };
        let cents = shown::cents(&body["amount"]);
        let given: i64 = order.refunds.iter().map(|refund| refund.cents).sum();
        if given >= order.cents() {
            return shown::unprocessable("CAPTURE_FULLY_REFUNDED");
        }
        if cents > order.cents() - given {
            return shown::unprocessable("REFUND_AMOUNT_EXCEEDED");
        }
        order.refunds.push(Refund { id: name, cents, custom_id: body["custom_id"].clone() });
        order.capture = Some(if given + cents == order.cents() { "REFUNDED" } else { "PARTIALLY_REFUNDED" });
        let refund = shown::refund(self, &id, self.orders[&id].refunds.last().unwrap());
        self.tell("PAYMENT.CAPTURE.REFUNDED", refund.clone());
        Replied::json(201, refund)
    }

    /// The order that has this authorisation or capture.
    fn of(&mut self, prefix: &str, id: &str) -> Option<(String, &mut Order)> {
        let id = id.strip_prefix(prefix)?.to_owned();
        let order = self.orders.get_mut(&id)?;
        Some((id, order))
    }

    fn token(&self, asked: &Asked) -> Replied {
        let basic = STANDARD.encode(format!("{}:{}", self.client_id, self.secret));
        if asked.header("authorization") != Some(&*format!("Basic {basic}")) {
            return Replied::json(401, json!({"error": "invalid_client"}));
        }
        assert_eq!(asked.form()["grant_type"], "client_credentials");
        Replied::json(
            200,
            json!({"access_token": self.bearer(), "token_type": "Bearer", "expires_in": TOKEN_LIFE_S}),
        )
    }

    fn bearer(&self) -> String {
        format!("A21-{}", self.client_id)
    }

    /// As PayPal judges: by the bytes of the event that it is sent.
    fn verify(&self, asked: &Asked) -> Replied {
        let (text, json) = (std::str::from_utf8(&asked.body).unwrap(), asked.json());
        let event = text.split_once("\"webhook_event\":").unwrap().1.strip_suffix('}').unwrap();
        let is_ours = json["webhook_id"] == *self.webhook_id
            && json["transmission_sig"] == *signature(&self.webhook_id, event.as_bytes())
            && json["auth_algo"] == "SHA256withRSA";
        Replied::json(200, json!({"verification_status": if is_ours { "SUCCESS" } else { "FAILURE" }}))
    }
}

impl Order {
    pub(super) fn cents(&self) -> i64 {
        shown::cents(&self.unit["amount"])
    }
}

/// Nobody else can make it: PayPal's certificate stands behind it.
fn signature(webhook_id: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"the key of PayPal's certificate").unwrap();
    mac.update(webhook_id.as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

impl Books for PayPalBooks {
    const KEY_HEADER: &'static str = "paypal-request-id";
    const KEY_LIFE_MS: u64 = 6 * 3_600_000;

    fn turns_away(&self, asked: &Asked) -> Option<Replied> {
        let is_let_in = asked.path == "/v1/oauth2/token"
            || asked.header("authorization") == Some(&*format!("Bearer {}", self.bearer()));
        let message = "Authentication failed due to invalid authentication credentials";
        (!is_let_in)
            .then(|| Replied::json(401, json!({"name": "AUTHENTICATION_FAILURE", "message": message})))
    }

    fn answer(&mut self, asked: &Asked, _now: Timestamp) -> Replied {
        match *asked.parts() {
            ["POST", "v1", "oauth2", "token"] => self.token(asked),
            ["POST", "v1", "notifications", "verify-webhook-signature"] => self.verify(asked),
            ["POST", "v2", "checkout", "orders"] => self.create(asked),
            ["GET", "v2", "checkout", "orders", id] if self.orders.contains_key(id) => {
                Replied::json(200, shown::order(self, id))
            }
            ["POST", "v2", "checkout", "orders", id, "authorize"] => self.authorize(id),
            ["POST", "v2", "payments", "authorizations", id, "capture"] => self.capture(id, &asked.json()),
            ["POST", "v2", "payments", "authorizations", id, "void"] => self.void(id),
            ["POST", "v2", "payments", "captures", id, "refund"] => self.refund(id, &asked.json()),
            ["GET", "v2", "payments", "captures", id] => {
                let order = self.of("CAPTURE", id).map(|(order, _)| order);
                order.map_or_else(shown::missing, |order| Replied::json(200, shown::capture(self, &order)))
            }
            ["GET", "v1", "customer", "disputes"] => {
                Replied::json(200, shown::disputes(self, &asked.query["disputed_transaction_id"]))
            }
            ["GET", "v1", "customer", "disputes", id] => {
                let dispute = self.disputes.iter().find(|dispute| dispute.id == id).unwrap();
                Replied::json(200, shown::dispute(self, dispute))
            }
            _ => shown::missing(),
        }
    }

    fn is_other(&self) -> Replied {
        shown::unprocessable("DUPLICATE_REQUEST_ID")
    }

    fn is_busy(&self) -> Replied {
        let body = json!({"name": "RATE_LIMIT_REACHED", "message": "Too many requests"});
        Replied { headers: vec![("retry-after", "3".to_owned())], ..Replied::json(429, body) }
    }

    fn sign(&self, body: &[u8], now: Timestamp) -> Vec<(String, String)> {
        let signature = signature(&self.webhook_id, body);
        let time = jiff::Timestamp::from_millisecond(now.0.try_into().unwrap()).unwrap();
        let headers = [
            ("paypal-auth-algo", "SHA256withRSA".to_owned()),
            ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-1".to_owned()),
            ("paypal-transmission-id", format!("t-{}", now.0)),
            ("paypal-transmission-sig", signature),
            ("paypal-transmission-time", time.to_string()),
        ];
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn news(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.news)
    }
}
