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

/// The books of an account.
#[derive(Debug)]
pub struct RazorpayBooks {
    authorization: String,
    webhook_secret: String,
    pub(super) orders: BTreeMap<String, Order>,
    pub(super) links: BTreeMap<String, Link>,
    pub(super) payments: Vec<Payment>,
    pub(super) refunds: Vec<Refund>,
    pub(super) disputes: Vec<Dispute>,
    count: u64,
    news: Vec<Value>,
}

#[derive(Debug)]
pub(super) struct Order {
    pub(super) body: Value,
    /// Captured by itself.
    pub(super) is_automatic: bool,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) body: Value,
    pub(super) status: &'static str,
    pub(super) order: Option<String>,
}

#[derive(Debug)]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) status: &'static str,
}

#[derive(Debug)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) payment: String,
    pub(super) amount: i64,
    pub(super) notes: Value,
}

#[derive(Debug)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) payment: String,
    pub(super) amount: i64,
    pub(super) status: &'static str,
}

impl RazorpayBooks {
    /// Of an account with this key and this secret of its webhook.
    #[must_use]
    pub fn new(key_id: &str, key_secret: &str, webhook_secret: &str) -> RazorpayBooks {
        RazorpayBooks {
            authorization: format!("Basic {}", STANDARD.encode(format!("{key_id}:{key_secret}"))),
            webhook_secret: webhook_secret.to_owned(),
            orders: BTreeMap::new(),
            links: BTreeMap::new(),
            payments: Vec::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            count: 0,
            news: Vec::new(),
        }
    }

    /// The buyer pays an order, or at the page of a link, if that takes anything.
    pub fn pay(&mut self, reference: &str) {
        let Some(order) = self.order_to_pay(reference) else { return };
        let (id, is_automatic) = (self.name("pay"), self.orders[&order].is_automatic);
        self.payments.push(Payment { id: id.clone(), order, status: "authorized" });
        self.tell_payment("payment.authorized", &id);
        if is_automatic {
            self.payment(&id).unwrap().status = "captured";
            self.tell_payment("payment.captured", &id);
        }
        if let Some(link) = self.links.get_mut(reference) {
            link.status = "paid";
            let (link, payment) = (shown::link(self, reference), shown::payment(self, &id));
            let payload = json!({"payment_link": {"entity": link}, "payment": {"entity": payment}});
            self.tell("payment_link.paid", &payload);
        }
    }

    /// The buyer's bank declines.
    pub fn decline(&mut self, reference: &str) {
        let Some(order) = self.order_to_pay(reference) else { return };
        let id = self.name("pay");
        self.payments.push(Payment { id: id.clone(), order, status: "failed" });
        self.tell_payment("payment.failed", &id);
    }

    /// What nobody captured in time goes back.
    pub fn lapse(&mut self) {
        for payment in self.payments.iter_mut().filter(|payment| payment.status == "authorized") {
            payment.status = "refunded";
        }
    }

    /// The buyer disputes so much of what was captured last.
    pub fn dispute(&mut self, amount: i64) {
        let (id, payment) = (self.name("disp"), self.payments.last().unwrap().id.clone());
        self.disputes.push(Dispute { id, payment, amount, status: "open" });
        self.tell_dispute("payment.dispute.created");
    }

    /// The last dispute is decided for the buyer.
    pub fn lose_dispute(&mut self) {
        self.disputes.last_mut().unwrap().status = "lost";
        self.tell_dispute("payment.dispute.lost");
    }

    fn tell_dispute(&mut self, kind: &str) {
        let dispute = shown::dispute(self.disputes.last().unwrap());
        self.tell(kind, &json!({"dispute": {"entity": dispute}}));
    }

    /// How much was captured, and how much of that was given back.
    #[must_use]
    pub fn captured_and_refunded(&self) -> (i64, i64) {
        let captured = self.payments.iter().filter(|payment| payment.status == "captured");
        let captured = captured.map(|payment| shown::amount(&self.orders[&payment.order].body)).sum();
        (captured, self.refunds.iter().map(|refund| refund.amount).sum())
    }

    /// A link has an order once somebody pays; what was cancelled takes nothing.
    fn order_to_pay(&mut self, reference: &str) -> Option<String> {
        let Some(link) = self.links.get(reference) else {
            return self.orders.contains_key(reference).then(|| reference.to_owned());
        };
        if link.status != "created" {
            return None;
        }
        if let Some(order) = &link.order {
            return Some(order.clone());
        }
        let (body, id) = (link.body.clone(), self.name("order"));
        self.orders.insert(id.clone(), Order { body, is_automatic: true });
        self.links.get_mut(reference).unwrap().order = Some(id.clone());
        Some(id)
    }

    fn payment(&mut self, id: &str) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.id == id)
    }

    fn name(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_{:04}", self.count)
    }

    fn tell_payment(&mut self, kind: &str, id: &str) {
        let payment = shown::payment(self, id);
        self.tell(kind, &json!({"payment": {"entity": payment}}));
    }

    fn tell(&mut self, kind: &str, payload: &Value) {
        let contains: Vec<_> = payload.as_object().unwrap().keys().collect();
        self.news.push(json!({"entity": "event", "event": kind, "contains": contains, "payload": payload}));
    }

    fn create_order(&mut self, body: Value) -> Replied {
        assert_eq!(body["payment"]["capture"], "manual");
        let id = self.name("order");
        self.orders.insert(id.clone(), Order { body, is_automatic: false });
        Replied::json(200, shown::order(self, &id))
    }

    fn create_link(&mut self, body: Value) -> Replied {
        if self.links.values().any(|link| link.body["reference_id"] == body["reference_id"]) {
            return shown::error("payment link with given reference_id already exists");
        }
        let id = self.name("plink");
        self.links.insert(id.clone(), Link { body, status: "created", order: None });
        Replied::json(200, shown::link(self, &id))
    }

    fn cancel_link(&mut self, id: &str) -> Replied {
        let Some(link) = self.links.get_mut(id) else { return shown::missing() };
        if link.status != "created" {
            return shown::error("Payment link cannot be cancelled");
        }
        link.status = "cancelled";
        let link = shown::link(self, id);
        self.tell("payment_link.cancelled", &json!({"payment_link": {"entity": link}}));
        Replied::json(200, link)
    }

    fn capture(&mut self, id: &str, body: &Value) -> Replied {
        let amount = self.amount_of(id);
        let Some(payment) = self.payment(id) else { return shown::missing() };
        match payment.status {
            "authorized" => {}
            "captured" => return shown::error("This payment has already been captured"),
            _ => return shown::error("Only payments which have been authorized can be captured"),
        }
        assert_eq!(body["amount"].as_i64(), amount);
        payment.status = "captured";
        self.tell_payment("payment.captured", id);
        Replied::json(200, shown::payment(self, id))
    }

    fn amount_of(&self, payment: &str) -> Option<i64> {
        let payment = self.payments.iter().find(|known| known.id == payment)?;
        Some(shown::amount(&self.orders[&payment.order].body))
    }

    fn refund(&mut self, payment: &str, body: &Value) -> Replied {
        let amount = shown::amount(body);
        let given = shown::refunded(self, payment);
        if amount > self.amount_of(payment).unwrap() - given {
            return shown::error("The total refund amount is greater than the refund payment amount");
        }
        let id = self.name("rfnd");
        let refund = Refund { id, payment: payment.to_owned(), amount, notes: body["notes"].clone() };
        let shown = shown::refund(&refund);
        self.refunds.push(refund);
        let payload =
            json!({"refund": {"entity": shown}, "payment": {"entity": shown::payment(self, payment)}});
        self.tell("refund.processed", &payload);
        Replied::json(200, shown)
    }
}

impl Books for RazorpayBooks {
    const KEY_HEADER: &'static str = "x-refund-idempotency";
    const KEY_LIFE_MS: u64 = 3_600_000;

    fn turns_away(&self, asked: &Asked) -> Option<Replied> {
        let is_known = asked.header("authorization") == Some(self.authorization.as_str());
        let error = json!({"code": "BAD_REQUEST_ERROR", "description": "Authentication failed"});
        (!is_known).then(|| Replied::json(401, json!({"error": error})))
    }

    fn answer(&mut self, asked: &Asked, _now: Timestamp) -> Replied {
        match *asked.parts() {
            ["POST", "v1", "orders"] => self.create_order(asked.json()),
            ["GET", "v1", "orders"] => Replied::json(200, shown::orders(self, &asked.query["receipt"])),
            ["GET", "v1", "orders", id] if self.orders.contains_key(id) => {
                Replied::json(200, shown::order(self, id))
            }
            ["GET", "v1", "orders", id, "payments"] => Replied::json(200, shown::payments(self, id)),
            ["POST", "v1", "payment_links"] => self.create_link(asked.json()),
            ["GET", "v1", "payment_links"] => {
                Replied::json(200, shown::links(self, &asked.query["reference_id"]))
            }
            ["GET", "v1", "payment_links", id] if self.links.contains_key(id) => {
                Replied::json(200, shown::link(self, id))
            }
            ["POST", "v1", "payment_links", id, "cancel"] => self.cancel_link(id),
            ["GET", "v1", "payments", id] if self.payments.iter().any(|payment| payment.id == id) => {
                Replied::json(200, shown::payment(self, id))
            }
            ["POST", "v1", "payments", id, "capture"] => self.capture(id, &asked.json()),
            ["POST", "v1", "payments", id, "refund"] => self.refund(id, &asked.json()),
            ["GET", "v1", "payments", id, "refunds"] => {
                Replied::json(200, shown::refunds(self, id, &asked.query))
            }
            ["GET", "v1", "disputes"] => Replied::json(200, shown::disputes(self)),
            _ => shown::missing(),
        }
    }

    fn is_other(&self) -> Replied {
        shown::error("Different request body sent for the same Idempotency Header")
    }

    fn is_busy(&self) -> Replied {
        Replied::json(
            429,
            json!({"error": {"code": "BAD_REQUEST_ERROR", "description": "Too many requests"}}),
        )
    }

    fn sign(&self, body: &[u8], now: Timestamp) -> Vec<(String, String)> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.webhook_secret.as_bytes()).unwrap();
        mac.update(body);
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("evt-{}", now.0);
        vec![("x-razorpay-signature".to_owned(), hex), ("x-razorpay-event-id".to_owned(), id)]
    }

    fn news(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.news)
    }
}
