//! What is called for an operation. What an approved order lacks is our own authorisation: it is made by the look that sees it, while the log waits
//! for the money; so an order that the log has let go never takes any.

use serde_json::json;
use tessera_actors::{ProviderCall, Whose};
use tessera_payments::{Answer, Fact, Operation, PaymentId};

use crate::facts::{APPROVED, of_capture, of_dispute, of_order, of_refund};
use crate::http::{Account, Http};
use crate::money::Money;
use crate::objects::{Dispute, Disputes, Order, Payment};

/// Disputes of one capture that are read.
const DISPUTES_MAX: usize = 5;
/// What PayPal answers where somebody else has authorised an order at the same moment.
const ALREADY: &str = "ORDER_ALREADY_AUTHORIZED";

type Facts = Result<Vec<Fact>, Answer>;

/// An operation under way.
pub(crate) struct Calls<'a> {
    http: Http<'a>,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(account: &'a Account) -> Calls<'a> {
        Calls { http: Http::new(account) }
    }

    /// Do what is asked.
    pub(crate) async fn perform(&self, call: &ProviderCall) -> Facts {
        let money = Money::of(call.currency, call.amount_minor).ok_or_else(|| declined("amount"))?;
        let key = call.key.as_str();
        if call.operation == Operation::Create {
            return self.create(call, &money).await;
        }
        let reference = call.reference.as_deref();
        let reference = reference
            .ok_or_else(|| Answer::NotOurs { detail: "a payment at PayPal has no reference".into() })?;
        let order: Order = self.http.get(&order_path(reference, "")).await?;
        match call.operation {
            Operation::Create | Operation::LookUpRefunds => Ok(of_order(&order)),
            Operation::LookUp => self.look_up(call, order).await,
            Operation::Capture => {
                let authorization = authorization(&order).ok_or_else(|| refused("unpaid", &order))?;
                let path = format!("/v2/payments/authorizations/{}/capture", authorization.id);
                let body = json!({"amount": money, "final_capture": true});
                let capture: Payment = self.http.post(&path, Some(key), &body).await?;
                Ok(of_capture(&capture))
            }
            Operation::Void => self.void(&order, key).await,
            Operation::Refund { number } => {
                let capture = capture(&order).ok_or_else(|| refused("unpaid", &order))?;
                let path = format!("/v2/payments/captures/{}/refund", capture.id);
                let body = json!({"amount": money, "custom_id": format!("{}/{number}", call.payment)});
                let refund: Payment = self.http.post(&path, Some(key), &body).await?;
                // The answer may leave out what it was asked.
                let named = Payment { custom_id: Some(format!("{}/{number}", call.payment)), ..refund };
                let amount = named.amount.clone().unwrap_or(money);
                Ok(of_refund(&Payment { amount: Some(amount), ..named }).into_iter().collect())
            }
        }
    }

    async fn create(&self, call: &ProviderCall, money: &Money) -> Facts {
        let return_url = call.contact.as_ref().and_then(|contact| contact.return_url.as_deref());
        // It was erased before anybody was shown a page.
        let return_url = return_url.ok_or_else(|| declined("no_return_url"))?;
        let body = json!({
            "intent": "AUTHORIZE",
            "purchase_units": [{
                "reference_id": "default",
                "custom_id": call.payment.to_string(),
                "description": format!("Tickets, order {}", call.payment.order.0),
                "amount": money,
            }],
            "payment_source": {"paypal": {"experience_context": {
                "return_url": return_url,
                "cancel_url": return_url,
                "user_action": "PAY_NOW",
                "shipping_preference": "NO_SHIPPING",
                "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
            }}},
        });
        let order: Order = self.http.post("/v2/checkout/orders", Some(call.key.as_str()), &body).await?;
        Ok(of_order(&order))
    }

    async fn look_up(&self, call: &ProviderCall, order: Order) -> Facts {
        let is_waited_for = call.grace_until.is_some_and(|until| self.http.now() < until);
        let order = if order.status.as_deref() == Some(APPROVED) && is_waited_for {
            self.authorize(order).await?
        } else {
            order
        };
        let mut facts = of_order(&order);
        if let Some(capture) = capture(&order) {
            facts.extend(self.disputes(&capture.id).await?);
        }
        let is_other = |money: &Money| money.minor(call.currency).is_none();
        let amounts = [authorization(&order), capture(&order)].into_iter().flatten();
        if amounts.filter_map(|payment| payment.amount.as_ref()).any(is_other) {
            let detail = "a payment at PayPal is in another currency than it was made in".into();
            return Err(Answer::NotOurs { detail });
        }
        Ok(facts)
    }

    async fn authorize(&self, order: Order) -> Result<Order, Answer> {
        let path = order_path(&order.id, "/authorize");
        match self.http.post(&path, None, &json!({})).await {
            Err(Answer::Declined { code, .. }) if &*code == ALREADY => {
                self.http.get(&order_path(&order.id, "")).await
            }
            // The buyer's bank has declined, and the buyer may choose another way to pay.
            Err(Answer::Declined { .. }) => Ok(Order { status: None, ..order }),
            answered => answered,
        }
    }

    async fn disputes(&self, capture: &str) -> Facts {
        let path = format!("/v1/customer/disputes?disputed_transaction_id={capture}");
        let found: Disputes = self.http.get(&path).await?;
        let mut facts = Vec::new();
        for known in found.items.iter().flatten().take(DISPUTES_MAX) {
            let dispute: Dispute =
                self.http.get(&format!("/v1/customer/disputes/{}", known.dispute_id)).await?;
            facts.extend(of_dispute(&dispute));
        }
        Ok(facts)
    }

    /// What was set aside is let go. An order that nobody has authorised takes no money any more: only we authorise.
    async fn void(&self, order: &Order, key: &str) -> Facts {
        if capture(order).is_some() {
            return Err(refused("captured", order));
        }
        if let Some(authorization) =
            authorization(order).filter(|payment| payment.status.as_deref() == Some("CREATED"))
        {
            let path = format!("/v2/payments/authorizations/{}/void", authorization.id);
            self.http.post_for_nothing(&path, key).await?;
        }
        Ok(of_order(order).into_iter().chain([Fact::Cancelled]).collect())
    }

    /// Whose payment a capture is.
    pub(crate) async fn whose(&self, capture: &str) -> Whose {
        let is_name = !capture.is_empty() && capture.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_name {
            return Whose::NotOurs;
        }
        let found: Result<Payment, Answer> = self.http.get(&format!("/v2/payments/captures/{capture}")).await;
        match found {
            Ok(payment) => {
                payment.custom_id.as_deref().and_then(PaymentId::parse).map_or(Whose::NotOurs, Whose::Ours)
            }
            Err(Answer::NotOurs { .. } | Answer::Declined { .. }) => Whose::NotOurs,
            Err(_) => Whose::Later,
        }
    }
}

fn order_path(order: &str, rest: &str) -> String {
    format!("/v2/checkout/orders/{order}{rest}")
}

fn authorization(order: &Order) -> Option<&Payment> {
    let mut payments = order.purchase_units.iter().flatten().filter_map(|unit| unit.payments.as_ref());
    payments.find_map(|payments| payments.authorizations.as_ref()?.first())
}

fn capture(order: &Order) -> Option<&Payment> {
    let mut payments = order.purchase_units.iter().flatten().filter_map(|unit| unit.payments.as_ref());
    payments.find_map(|payments| payments.captures.as_ref()?.first())
}

fn declined(code: &str) -> Answer {
    Answer::Declined { code: code.into(), facts: Vec::new() }
}

fn refused(code: &str, order: &Order) -> Answer {
    Answer::Declined { code: code.into(), facts: of_order(order) }
}
