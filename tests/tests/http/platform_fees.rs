//! What buyers pay the platform beside prices: agreed in an organizer's terms, quoted, booked, and given back or kept.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::{ADMIN_TOKEN, Ask, Reply, Sale, Server, fresh_key, hall};

use crate::statements::{amount_of, organizer_of};

/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;

fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// An event, and what is agreed with its organizer.
struct Agreement {
    server: Server,
    sale: Sale,
    /// Below it are the organizer's routes.
    path: String,
}

impl Agreement {
    async fn drafted() -> Agreement {
        let server = Server::start().await;
        let sale = Sale::draft(&server, &hall(1)).await;
        let path = format!("/v1/organizers/{}", organizer_of(&server, &sale).await);
        Agreement { server, sale, path }
    }

    fn agree(&self, version: u32, fees: &Value) -> Ask {
        let body = json!({
            "expected_version": version, "commission": "0", "disputes_borne_by": "platform", "fees": fees,
        });
        self.server.ask(Method::PUT, &format!("{}/terms", self.path)).bearer(ADMIN_TOKEN).json(&body)
    }

    /// Sends the same configuration again, to which the terms of now are added.
    async fn configure(&self, version: u32) {
        let body = json!({"expected_version": version, "configuration": hall(1)});
        let path = self.sale.path("/configuration");
        let ask = self.server.ask(Method::PUT, &path).bearer(&self.sale.key).key(&fresh_key());
        ask.json(&body).expect(200).await;
    }

    /// Two tickets at 45.00 that the organizer was paid for at its till.
    async fn paid(&self) -> Reply {
        let (server, sale) = (&self.server, &self.sale);
        let buyer = server.buyer().await;
        let held = sale.hold(server, &buyer, "Standing", 2).await;
        let begin = json!({"hold": held.text("id")});
        let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&begin).expect(201).await;
        let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
        server.post(&confirm).bearer(&sale.key).json(&json!({"payment": "offline"})).expect(200).await
    }

    /// What the till, the platform's fees and what the organizer is owed have come to, once the till has this.
    async fn books(&self, cash: i64) -> (i64, i64) {
        let statement = format!("{}/statements?currency=EUR&from=2020-01-01T00:00:00Z", self.path);
        for _ in 0..TRIES_MAX {
            let read = self.server.get(&statement).bearer(&self.sale.key).expect(200).await;
            let closing = &read.json["closing"];
            if amount_of(closing, "cash") == cash {
                return (amount_of(closing, "fees"), amount_of(closing, "payable"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the till never has {cash}");
    }
}

#[tokio::test]
async fn buyers_pay_the_platform_what_is_agreed_and_a_refund_gives_back_what_is_refundable() {
    let agreement = Agreement::drafted().await;
    let fees = json!([
        {"name": "Platform", "per": "ticket", "fixed": 100, "refundable": true},
        {"name": "Booking", "per": "order", "fixed": 250},
    ]);
    let agreed = agreement.agree(0, &fees).expect(200).await;
    let booking = json!({
        "name": "Booking", "per": "order", "fixed": 250, "rate": "0", "min": 0, "refundable": false,
    });
    assert_eq!(agreed.json["fees"][1], booking);
    agreement.configure(1).await;
    agreement.sale.phase(&agreement.server, "on_sale").await;
    let order = agreement.paid().await;
    let quote = json!({"total": money(9_450), "lines": [
        {"kind": "fee", "line": 0, "name": "Platform", "amount": money(200)},
        {"kind": "fee", "name": "Booking", "amount": money(250)}]});
    assert_eq!((&order.json["quote"], &order.json["total"]), (&quote, &money(9_450)));
    assert_eq!(agreement.books(9_450).await, (-450, -9_000));
    let refund = json!({"tickets": [order.json["tickets"][0]["id"]], "units": "restock"});
    let path = agreement.sale.path(&format!("/orders/{}/refunds", order.text("id")));
    agreement.server.post(&path).bearer(&agreement.sale.key).json(&refund).expect(200).await;
    assert_eq!(agreement.books(9_450 - 4_600).await, (-350, -4_500), "the booking stays paid");
}

#[tokio::test]
async fn a_fee_that_is_not_agreed_any_more_is_not_in_the_next_configuration() {
    let agreement = Agreement::drafted().await;
    let fees = json!([{"name": "Platform", "per": "ticket", "rate": "1"}]);
    agreement.agree(0, &fees).expect(200).await;
    agreement.configure(1).await;
    agreement.sale.phase(&agreement.server, "on_sale").await;
    assert_eq!(agreement.paid().await.json["total"], money(9_090));
    agreement.agree(1, &json!([])).expect(200).await;
    assert_eq!(agreement.paid().await.json["total"], money(9_090), "as it was configured");
    agreement.configure(2).await;
    let order = agreement.paid().await;
    assert_eq!((&order.json["quote"], &order.json["total"]), (&Value::Null, &money(9_000)));
    let other = json!([{"name": "Other", "per": "order", "fixed": 30}]);
    agreement.agree(2, &other).expect(200).await;
    agreement.configure(3).await;
    assert_eq!(agreement.paid().await.json["total"], money(9_030));
}

#[tokio::test]
async fn fees_that_cannot_be_are_refused() {
    let agreement = Agreement::drafted().await;
    let fee = |name: &str, value: Value| {
        let mut fee = json!({"name": "Platform", "per": "ticket", "fixed": 100});
        fee[name] = value;
        fee
    };
    let plain = fee("fixed", json!(1));
    for (fees, code) in [
        (json!([fee("name", json!(""))]), "invalid_value"),
        (json!([fee("rate", json!("101"))]), "invalid_value"),
        (json!([plain, plain]), "invalid_value"),
        (json!([fee("fixed", json!(-1))]), "out_of_range"),
        (json!([fee("max", json!(1_000_001))]), "out_of_range"),
        (json!(vec![plain.clone(); 5]), "out_of_range"),
        (json!([fee("payer", json!("organizer"))]), "unknown_field"),
    ] {
        agreement.agree(0, &fees).refused(422, code).await;
    }
    let read = agreement.server.get(&format!("{}/terms", agreement.path)).bearer(&agreement.sale.key);
    assert_eq!(read.expect(200).await.json["fees"], json!([]));
}

#[tokio::test]
async fn no_event_is_created_with_a_configuration_that_has_no_room_for_the_fees_of_the_platform() {
    let Agreement { server, sale, path } = &Agreement::drafted().await;
    let per_ticket = |name: String| json!({"name": name, "per": "ticket", "fixed": 1});
    let fees: Vec<Value> = (0..14).map(|at| per_ticket(format!("Fee {at}"))).collect();
    let mut configuration = hall(1);
    configuration["tariff"] = json!({"fees": fees});
    let create = || {
        let body = json!({
            "name": "Full", "starts_at": "2030-01-01T19:00:00Z", "zone": "Europe/Berlin", "configuration": configuration});
        server.post("/v1/events").bearer(&sale.key).json(&body)
    };
    create().expect(201).await;
    let terms = json!({
        "expected_version": 0, "commission": "0", "disputes_borne_by": "platform",
        "fees": (0..4).map(|at| per_ticket(format!("Platform {at}"))).collect::<Vec<_>>(),
    });
    server.ask(Method::PUT, &format!("{path}/terms")).bearer(ADMIN_TOKEN).json(&terms).expect(200).await;
    create().refused(422, "invalid_configuration").await;
    let listed = server.get("/v1/events").bearer(&sale.key).expect(200).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2, "{:?}", listed.json);
}
