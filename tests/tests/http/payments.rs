//! Paying by a provider: the sandbox, over HTTP from the hold to the ticket.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_server::settings::Settings;
use tessera_store::Table;
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server, fresh_key, hall};

/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;

pub(crate) fn settings() -> Settings {
    let mut settings = Server::settings();
    settings.payments.sandbox.enabled = true;
    settings.payments.sandbox.tests = true;
    settings
}

/// A buyer with an order that waits for its money.
pub(crate) struct Checkout {
    pub(crate) buyer: String,
    hold: Reply,
    pub(crate) order: Reply,
    /// Where the buyer pays.
    page: String,
}

impl Checkout {
    pub(crate) async fn begin(server: &Server, sale: &Sale) -> Checkout {
        let buyer = server.buyer().await;
        let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 2}}]});
        let hold = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
        Checkout::of(server, sale, buyer, hold).await
    }

    async fn of(server: &Server, sale: &Sale, buyer: String, hold: Reply) -> Checkout {
        let begin = json!({
            "hold": hold.text("id"),
            "payment": {"provider": "sandbox", "return_url": "https://shop.example/thanks"},
            "contact": {"email": "ada@example.com", "name": "Ada", "locale": "de-CH"},
        });
        let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&begin).expect(201).await;
        let path = sale.path(&format!("/orders/{}/payment?wait_ms=20000", order.text("id")));
        let payment = server.get(&path).bearer(&buyer).expect(200).await;
        assert_eq!(payment.text("state"), "awaiting_buyer");
        Checkout { buyer, hold, order, page: payment.text("page") }
    }

    /// What the buyer chooses at the page, and where that leads.
    pub(crate) async fn choose(&self, choice: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.build().unwrap();
        let form = client.post(&self.page).header("content-type", "application/x-www-form-urlencoded");
        let answered = form.body(format!("choice={choice}")).send().await.unwrap();
        assert_eq!(answered.status(), 303);
        answered.headers()["location"].to_str().unwrap().to_owned()
    }

    /// What the sandbox does for tests.
    pub(crate) async fn ask_sandbox(&self, server: &Server, body: &Value) {
        let status = self.post_to_sandbox(server, ("/tests", ""), body).await;
        assert!([200, 204].contains(&status), "{status}");
    }

    /// What the sandbox answers about the payment, at this path.
    pub(crate) async fn post_to_sandbox(
        &self,
        server: &Server,
        (before, after): (&str, &str),
        body: &Value,
    ) -> u16 {
        let base = server.running().sandbox_address().unwrap();
        let reference = self.page.split("/pay/").nth(1).unwrap().split('?').next().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = client
            .post(format!("{base}/v1{before}/payments/{reference}{after}"))
            .bearer_auth(server.running().sandbox_token().unwrap())
            .header("content-type", "application/json")
            .header("idempotency-key", fresh_key())
            .body(body.to_string());
        asked.send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn order(&self, server: &Server, sale: &Sale) -> Reply {
        let path = sale.path(&format!("/orders/{}", self.order.text("id")));
        server.get(&path).bearer(&self.buyer).send().await
    }

    /// The payment, once the order is sold or the attempt is over.
    async fn decided(&self, server: &Server, sale: &Sale) -> Reply {
        let order = self.order.text("id");
        let path = sale.path(&format!("/orders/{order}/payment?wait_ms=20000&until=decided"));
        server.get(&path).bearer(&self.buyer).expect(200).await
    }

    async fn payment(&self, server: &Server, sale: &Sale) -> Reply {
        let path = sale.path(&format!("/orders/{}/payment", self.order.text("id")));
        server.get(&path).bearer(&self.buyer).send().await
    }

    /// Waits until the order and its payment stand so.
    pub(crate) async fn comes_to(&self, server: &Server, sale: &Sale, order: &str, payment: &str) -> Reply {
        let mut last = (None, None);
        for _ in 0..TRIES_MAX {
            let (found, paying) = (self.order(server, sale).await, self.payment(server, sale).await);
            if found.json["state"] == order && paying.json["state"] == payment {
                return found;
            }
            last = (Some(found.json), Some(paying.json));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never {order} and {payment}: {last:?}");
    }
}

/// What stands in the log of this kind.
pub(crate) async fn logged(server: &Server, sale: &Sale, kind: &str) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let path = sale.path(&format!("/changes?after={after}&limit=200"));
        let page = server.get(&path).bearer(&sale.key).expect(200).await;
        let items = page.json["items"].as_array().unwrap();
        let Some(last) = items.last() else { return found };
        after = last["sequence"].as_u64().unwrap();
        found.extend(items.iter().filter(|item| item["type"] == kind).cloned());
    }
}

/// Waits until the accounts of what is under way stand so, in minor units; those that are not named, at nothing. The books balance all the while.
pub(crate) async fn books_come_to(server: &Server, expected: &[(&str, i64)]) {
    let mut last = Value::Null;
    for _ in 0..TRIES_MAX {
        let trial = server.get("/v1/trial-balance").bearer(ADMIN_TOKEN).expect(200).await;
        last = trial.json["items"][0].clone();
        assert!(last.is_null() || last["sum"] == 0, "{last}");
        let accounts = last["accounts"].as_array().cloned().unwrap_or_default();
        let amount = |name: &str| {
            let found = accounts.iter().find(|one| one["account"] == name);
            found.map_or(0, |one| one["amount"].as_i64().unwrap())
        };
        let wanted = |name: &str| expected.iter().find(|one| one.0 == name).map_or(0, |one| one.1);
        if ["provider", "in_flight", "refunds_due", "disputes"].iter().all(|one| amount(one) == wanted(one)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {expected:?}: {last}");
}

#[tokio::test]
async fn a_buyer_pays_at_the_page_and_has_tickets() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    assert_eq!(checkout.choose("pay").await, "https://shop.example/thanks");
    let decided = checkout.decided(&server, &sale).await;
    assert!(
        ["authorised", "captured"].contains(&decided.json["state"].as_str().unwrap()),
        "{:?}",
        decided.json
    );
    assert_eq!(checkout.order(&server, &sale).await.json["state"], "paid", "who was told so finds it so");
    let paid = checkout.comes_to(&server, &sale, "paid", "captured").await;
    assert_eq!(paid.json["payment"], "captured");
    assert_eq!(paid.json["tickets"].as_array().unwrap().len(), 2);
    let stands = checkout.payment(&server, &sale).await;
    assert_eq!((stands.number("attempt"), &stands.json["page"]), (1, &Value::Null), "nobody pays twice");
}

#[tokio::test]
async fn who_is_declined_tries_again_with_the_same_seats() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let declined = Checkout::begin(&server, &sale).await;
    declined.choose("decline").await;
    assert_eq!(declined.decided(&server, &sale).await.json["state"], "failed");
    let hold = sale.path(&format!("/holds/{}", declined.hold.text("id")));
    let held = server.get(&hold).bearer(&declined.buyer).expect(200).await;
    assert_eq!(held.json["state"], "held");
    let seats = held.json["lines"].clone();
    let again = Checkout::of(&server, &sale, declined.buyer.clone(), held).await;
    again.choose("pay").await;
    let paid = again.comes_to(&server, &sale, "paid", "captured").await;
    assert_eq!(again.payment(&server, &sale).await.number("attempt"), 2);
    assert_eq!(paid.json["lines"][0]["seats"], seats[0]["seats"]);
}

/// How many rows of the store have this in them.
pub(crate) async fn rows_with(server: &Server, text: &str) -> usize {
    let rows = server.store.begin().await.unwrap().range(&[0], &[0xff], usize::MAX, false).await.unwrap();
    rows.iter().filter(|(_, row)| row.windows(text.len()).any(|part| part == text.as_bytes())).count()
}

#[tokio::test]
async fn who_tries_again_is_reached_as_it_said_before() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    checkout.choose("decline").await;
    assert_eq!(checkout.decided(&server, &sale).await.json["state"], "failed");
    let begin = |return_url: &str, contact: Value| {
        let payment = json!({"provider": "sandbox", "return_url": return_url});
        let mut body = json!({"hold": checkout.hold.text("id"), "payment": payment});
        body.as_object_mut().unwrap().extend(contact.as_object().unwrap().clone());
        server.post(&sale.path("/orders")).bearer(&checkout.buyer).json(&body)
    };
    begin("https://shop.example/again", json!({})).expect(201).await;
    let path = sale.path(&format!("/orders/{}/payment?wait_ms=20000", checkout.order.text("id")));
    assert_eq!(server.get(&path).bearer(&checkout.buyer).expect(200).await.number("attempt"), 2);
    let of_both =
        (rows_with(&server, "ada@example.com").await, rows_with(&server, "shop.example/again").await);
    assert_eq!(of_both, (1, 1), "the contact has both");
    // Nothing is begun, so nothing is said.
    let mallory = json!({"contact": {"email": "mallory@example.com"}});
    begin("https://shop.example/never", mallory).refused(409, "wrong_state").await;
    for (text, rows) in [("mallory@example.com", 0), ("shop.example/never", 0), ("ada@example.com", 1)] {
        assert_eq!(rows_with(&server, text).await, rows, "{text}");
    }
}

#[tokio::test]
async fn who_is_forgotten_is_so_at_its_orders_too() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let (paid, pending) = (Checkout::begin(&server, &sale).await, Checkout::begin(&server, &sale).await);
    paid.choose("pay").await;
    paid.comes_to(&server, &sale, "paid", "captured").await;
    assert_eq!(rows_with(&server, "ada@example.com").await, 2);
    for checkout in [&paid, &pending] {
        server.ask(Method::DELETE, "/v1/contacts/me").bearer(&checkout.buyer).expect(204).await;
        let left = if checkout.buyer == paid.buyer { 1 } else { 0 };
        assert_eq!(rows_with(&server, "ada@example.com").await, left, "that of the other");
    }
    // What was begun goes on.
    pending.choose("pay").await;
    pending.comes_to(&server, &sale, "paid", "captured").await;
}

#[tokio::test]
async fn a_capture_whose_answer_is_lost_is_made_once() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    checkout.ask_sandbox(&server, &json!({"act": "lose_answers", "count": 3})).await;
    checkout.choose("pay").await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
}

#[tokio::test]
async fn what_is_not_signed_by_the_provider_changes_nothing() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    let forged = json!({"act": "pay", "webhooks": {"forged": true}});
    for body in [&b"{}"[..], b"not json at all", b""] {
        let ask = server.post("/v1/provider-events/sandbox").raw(body);
        ask.refused(400, "signature_invalid").await;
    }
    server.post("/v1/provider-events/nobody").raw("{}").refused(404, "route_not_found").await;
    let order = checkout.order(&server, &sale).await;
    assert_eq!(order.json["state"], "pending");
    // It has been paid, though: the provider is looked up.
    checkout.ask_sandbox(&server, &forged).await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
}

#[tokio::test]
async fn a_sale_goes_on_after_a_restart_in_the_middle_of_a_payment() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    // Nobody is told; then the server is gone, and its sandbox with it.
    checkout.ask_sandbox(&server, &json!({"act": "pay", "webhooks": {"times": 0}})).await;
    let store = server.stop().await;
    let server = Server::start_on(store, settings()).await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
}

#[tokio::test]
async fn what_is_said_at_the_till_is_checked() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 1}}]});
    let hold = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let begin = |rest: Value| {
        let mut body = json!({"hold": hold.text("id")});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        server.post(&sale.path("/orders")).bearer(&buyer).json(&body)
    };
    let refused = begin(json!({"payment": {"provider": "gold"}})).refused(422, "provider_unknown").await;
    assert_eq!(refused.json["errors"][0]["path"], "payment.provider");
    let to = |url: &str| json!({"payment": {"provider": "sandbox", "return_url": url}});
    begin(to("javascript:alert(1)")).refused(422, "invalid_value").await;
    begin(json!({"contact": {"email": "ada"}})).refused(422, "invalid_value").await;
    begin(json!({"contact": {"fax": "1"}})).refused(422, "unknown_field").await;
    let order = begin(json!({})).expect(201).await;
    let path = sale.path(&format!("/orders/{}/payment", order.text("id")));
    server.get(&path).bearer(&buyer).refused(404, "payment_not_found").await;
    server.get(&path).bearer(&server.buyer().await).refused(404, "order_not_found").await;
    server.get(&format!("{path}?wait_ms=30001")).bearer(&buyer).refused(422, "out_of_range").await;
}

#[tokio::test]
async fn without_a_provider_orders_are_paid_by_hand() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 1}}]});
    let hold = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let body = json!({"hold": hold.text("id"), "payment": {"provider": "sandbox"}});
    server.post(&sale.path("/orders")).bearer(&buyer).json(&body).refused(422, "provider_unknown").await;
    server.post("/v1/provider-events/sandbox").raw("{}").refused(404, "route_not_found").await;
}
