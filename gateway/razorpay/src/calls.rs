//! What is called for an operation.

use serde_json::json;
use tessera_actors::{ProviderCall, Whose};
use tessera_ledger::Currency;
use tessera_payments::{Answer, Fact, Operation, PaymentId};

use crate::facts::{is_authorised, is_captured, of_dispute, of_link, of_payments, of_refund};
use crate::http::{Account, Http};
use crate::names;
use crate::objects::{Collection, Dispute, Link, Links, Order, Payment, Refund};

/// How long an authorisation waits for its capture, in minutes: then it goes back to the buyer by itself. A day: captures follow sales in seconds.
pub const CAPTURE_MINUTES: u32 = 1_440;

/// References of payment links begin so; others are orders.
const LINK_PREFIX: &str = "plink_";
/// Entries of one page of a list.
const PAGE: usize = 100;
/// Pages of refunds that are read: as many refunds as are kept of a payment, and more.
const REFUND_PAGES_MAX: usize = 3;

type Facts = Result<Vec<Fact>, Answer>;

/// An operation under way.
pub(crate) struct Calls<'a> {
    http: Http<'a>,
}

/// How a payment stands: what its page says of it, and what buyers did.
struct Stands {
    page: Vec<Fact>,
    payments: Vec<Payment>,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(account: &'a Account) -> Calls<'a> {
        Calls { http: Http::new(account) }
    }

    /// Do what is asked.
    pub(crate) async fn perform(&self, call: &ProviderCall) -> Facts {
        if call.operation == Operation::Create {
            return self.create(call).await;
        }
        let reference = call.reference.as_deref();
        let reference = reference
            .ok_or_else(|| Answer::NotOurs { detail: "a payment at Razorpay has no reference".into() })?;
        if call.operation == Operation::Void && reference.starts_with(LINK_PREFIX) {
            return self.void_link(reference).await;
        }
        let stands = self.stands(reference, call.currency).await?;
        let captured = stands.payments.iter().find(|payment| is_captured(payment));
        match (call.operation, captured) {
            (Operation::Create | Operation::LookUp, _) => self.look_up(&stands).await,
            (Operation::LookUpRefunds, Some(payment)) => self.refunds(&payment.id).await,
            (Operation::LookUpRefunds, None) => Ok(Vec::new()),
            (Operation::Capture, Some(_)) => Ok(stands.facts()),
            (Operation::Capture, None) => self.capture(call, &stands).await,
            (Operation::Void, Some(_)) => Err(stands.refused("captured")),
            // What nobody captures goes back by itself, and only we capture.
            (Operation::Void, None) => Ok(stands.facts().into_iter().chain([Fact::Cancelled]).collect()),
            (Operation::Refund { .. }, None) => Err(stands.refused("unpaid")),
            (Operation::Refund { number }, Some(payment)) => {
                let body =
                    json!({"amount": call.amount_minor, "notes": names::of_refund(call.payment, number)});
                let path = format!("/payments/{}/refund", payment.id);
                let refund: Refund = self.http.post(&path, Some(call.key.as_str()), &body).await?;
                Ok(of_refund(&refund).into_iter().collect())
            }
        }
    }

    async fn create(&self, call: &ProviderCall) -> Facts {
        let (contact, key) = (call.contact.as_ref(), call.key.as_str());
        let currency = String::from_utf8_lossy(&call.currency).into_owned();
        let notes = names::of_payment(call.payment);
        if contact.is_some_and(|contact| contact.by_own_page) {
            let known: Collection<Order> = self.http.get(&format!("/orders?receipt={key}")).await?;
            let order = match known.items.into_iter().next() {
                Some(order) => order,
                None => {
                    let options = json!({"manual_expiry_period": CAPTURE_MINUTES, "refund_speed": "normal"});
                    let body = json!({
                        "amount": call.amount_minor,
                        "currency": currency,
                        "receipt": key,
                        "payment": {"capture": "manual", "capture_options": options},
                        "notes": notes,
                    });
                    self.http.post("/orders", None, &body).await?
                }
            };
            let reference: Box<str> = order.id.into();
            // What the checkout of Razorpay is opened with, beside the public key.
            return Ok(vec![Fact::Created {
                reference: reference.clone(),
                page: None,
                secret: Some(reference),
            }]);
        }
        let known: Links = self.http.get(&format!("/payment_links?reference_id={key}")).await?;
        if let Some(link) = known.payment_links.first() {
            return Ok(of_link(link));
        }
        let mut body = json!({
            "amount": call.amount_minor,
            "currency": currency,
            "accept_partial": false,
            "reference_id": key,
            "description": format!("Tickets, order {}", call.payment.order.0),
            "notify": {"sms": false, "email": false},
            "reminder_enable": false,
            "notes": notes,
        });
        if let Some(return_url) = contact.and_then(|contact| contact.return_url.as_deref()) {
            body["callback_url"] = json!(return_url);
            body["callback_method"] = json!("get");
        }
        let link: Link = self.http.post("/payment_links", None, &body).await?;
        Ok(of_link(&link))
    }

    async fn stands(&self, reference: &str, currency: Currency) -> Result<Stands, Answer> {
        let (page, order) = if reference.starts_with(LINK_PREFIX) {
            let link: Link = self.http.get(&format!("/payment_links/{reference}")).await?;
            (of_link(&link), link.order_id)
        } else {
            (Vec::new(), Some(reference.to_owned()))
        };
        // A link has an order once somebody pays.
        let Some(order) = order else { return Ok(Stands { page, payments: Vec::new() }) };
        let found: Collection<Payment> = self.http.get(&format!("/orders/{order}/payments")).await?;
        let is_other =
            |payment: &Payment| payment.currency.as_deref().is_some_and(|found| found.as_bytes() != currency);
        if found.items.iter().any(is_other) {
            let detail = "a payment at Razorpay is in another currency than it was made in".into();
            return Err(Answer::NotOurs { detail });
        }
        Ok(Stands { page, payments: found.items })
    }

    async fn look_up(&self, stands: &Stands) -> Facts {
        let mut facts = stands.facts();
        for payment in stands.payments.iter().filter(|payment| is_captured(payment)) {
            if payment.amount_refunded.unwrap_or_default() > 0 {
                facts.extend(self.refunds(&payment.id).await?);
            }
            // The newest ones of the account; those that are older were told by webhooks.
            let disputes: Collection<Dispute> = self.http.get(&format!("/disputes?count={PAGE}")).await?;
            let of_it = disputes
                .items
                .iter()
                .filter(|dispute| dispute.payment_id.as_deref() == Some(payment.id.as_str()));
            facts.extend(of_it.filter_map(of_dispute));
        }
        Ok(facts)
    }

    async fn refunds(&self, payment: &str) -> Facts {
        let mut facts = Vec::new();
        for page in 0..REFUND_PAGES_MAX {
            let path = format!("/payments/{payment}/refunds?count={PAGE}&skip={}", page * PAGE);
            let found: Collection<Refund> = self.http.get(&path).await?;
            facts.extend(found.items.iter().filter_map(of_refund));
            if found.items.len() < PAGE {
                break;
            }
        }
        Ok(facts)
    }

    async fn capture(&self, call: &ProviderCall, stands: &Stands) -> Facts {
        let mut authorised = stands.payments.iter().filter(|payment| is_authorised(payment));
        let payment = authorised.next().ok_or_else(|| stands.refused("unpaid"))?;
        let body = json!({"amount": call.amount_minor, "currency": String::from_utf8_lossy(&call.currency)});
        let captured: Payment =
            self.http.post(&format!("/payments/{}/capture", payment.id), None, &body).await?;
        Ok(of_payments(&[captured]))
    }

    async fn void_link(&self, link: &str) -> Facts {
        let link: Link = self.http.post(&format!("/payment_links/{link}/cancel"), None, &json!({})).await?;
        Ok(of_link(&link))
    }

    /// Whose an order is, or what a buyer did about one.
    pub(crate) async fn whose(&self, reference: &str) -> Whose {
        let is_name = reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let found = match reference.split_once('_') {
            Some(("order", _)) if is_name => self.of_order(reference).await,
            Some(("pay", _)) if is_name => self.of_payment(reference).await,
            _ => Ok(None),
        };
        match found {
            Ok(Some(payment)) => Whose::Ours(payment),
            Ok(None) | Err(Answer::NotOurs { .. } | Answer::Declined { .. }) => Whose::NotOurs,
            Err(_) => Whose::Later,
        }
    }

    async fn of_order(&self, order: &str) -> Result<Option<PaymentId>, Answer> {
        let order: Order = self.http.get(&format!("/orders/{order}")).await?;
        Ok(names::payment(order.notes.as_ref()))
    }

    async fn of_payment(&self, payment: &str) -> Result<Option<PaymentId>, Answer> {
        let payment: Payment = self.http.get(&format!("/payments/{payment}")).await?;
        match (names::payment(payment.notes.as_ref()), payment.order_id) {
            (None, Some(order)) => self.of_order(&order).await,
            (named, _) => Ok(named),
        }
    }
}

impl Stands {
    fn facts(&self) -> Vec<Fact> {
        self.page.iter().cloned().chain(of_payments(&self.payments)).collect()
    }

    fn refused(&self, code: &str) -> Answer {
        Answer::Declined { code: code.into(), facts: self.facts() }
    }
}
