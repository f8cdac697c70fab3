//! What a hold costs, line by line; budgets of promotions; add-ons.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::{Reply, Sale, Server, fresh_key};

/// Ten of `Standing` at 45.00 with 7 % inside and a fee of 1.50 each, `Parking` at 10.00 (one with each ticket); `SUMMER` takes 10 % off, twice in all.
fn priced() -> Value {
    json!({
        "currency": "EUR",
        "pools": [{"name": "Floor", "capacity": 10}, {"name": "Garage", "capacity": 5}],
        "ticket_types": [
            {"name": "Standing", "price": 4500, "draws_on": ["Floor"], "taxes": ["VAT"]},
            {"name": "Parking", "price": 1000, "draws_on": ["Garage"], "kind": "add_on", "with_admission_max": 1}],
        "tariff": {
            "taxes": [{"name": "VAT", "rate": "7", "included": true}],
            "fees": [{"name": "Service", "per": "ticket", "fixed": 150},
                     {"name": "Listing", "per": "ticket", "fixed": 50, "payer": "organizer"}],
            "promotions": [{"code": "SUMMER", "percent": "10", "uses_max": 2}]},
        "hold": {"duration_s": 60}
    })
}

fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

async fn held(server: &Server, sale: &Sale, buyer: &str, body: &Value) -> Reply {
    server.post(&sale.path("/holds")).bearer(buyer).json(body).expect(201).await
}

/// 90.00, less 10 %, and two fees; 81.00 × 7 / 107 are inside. What the organizer pays is not shown.
fn quote() -> Value {
    json!({"total": money(8_400), "lines": [
        {"kind": "promotion", "line": 0, "amount": money(-900)},
        {"kind": "fee", "line": 0, "name": "Service", "amount": money(300)},
        {"kind": "tax_included", "line": 0, "name": "VAT", "amount": money(530)}]})
}

#[tokio::test]
async fn a_hold_and_its_order_say_every_line_of_what_they_cost() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &priced()).await;
    let buyer = server.buyer().await;
    let wish = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}], "promotion": "SUMMER"});
    let asked = server.post(&sale.path("/quotes")).json(&wish).expect(200).await;
    assert_eq!((&asked.json["quote"], &asked.json["total"]), (&quote(), &money(8_400)));
    let mut seen = wish.clone();
    seen["expected_total"] = money(9_300);
    let changed =
        server.post(&sale.path("/holds")).bearer(&buyer).json(&seen).refused(409, "total_changed").await;
    assert_eq!(changed.json["total"], money(8_400));
    seen["expected_total"] = money(8_400);
    let hold = held(&server, &sale, &buyer, &seen).await;
    assert_eq!((&hold.json["quote"], &hold.json["total"]), (&quote(), &money(8_400)));
    let path = sale.path(&format!("/holds/{}", hold.text("id")));
    assert_eq!(server.get(&path).bearer(&buyer).expect(200).await.json["quote"], quote());
    // In the very millisecond of its hold a renewal would move nothing, and is refused.
    let mut renewed = server.post(&format!("{path}/renew")).bearer(&buyer).send().await;
    while renewed.status == 409 {
        renewed = server.post(&format!("{path}/renew")).bearer(&buyer).send().await;
    }
    assert_eq!(renewed.status, 200, "{:?}", renewed.json);
    assert_eq!(renewed.json["quote"], quote());
    let order = json!({"hold": hold.text("id")});
    let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&order).expect(201).await;
    assert_eq!((&order.json["quote"], &order.json["total"]), (&quote(), &money(8_400)));
    let path = sale.path(&format!("/orders/{}", order.text("id")));
    let offline = json!({"payment": "offline"});
    let paid = server.post(&format!("{path}/confirm")).bearer(&sale.key).json(&offline).expect(200).await;
    assert_eq!(paid.json["quote"], quote());
    assert_eq!(server.get(&path).bearer(&buyer).expect(200).await.json["quote"], quote());
    let list = sale.path(&format!("/orders?min_sequence={}", paid.number("sequence")));
    let listed = server.get(&list).bearer(&buyer).expect(200).await;
    assert_eq!(
        (&listed.json["items"][0]["quote"], &listed.json["items"][0]["total"]),
        (&quote(), &money(8_400))
    );
}

#[tokio::test]
async fn a_promotion_has_its_use_back_when_its_hold_expires() {
    let (server, clock) = Server::start_with_clock(Server::settings()).await;
    let sale = Sale::open(&server, &priced()).await;
    let wish = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}], "promotion": "SUMMER"});
    for _ in 0..2 {
        held(&server, &sale, &server.buyer().await, &wish).await;
    }
    let late = server.buyer().await;
    let place = || server.post(&sale.path("/holds")).bearer(&late).json(&wish);
    let spent = place().refused(409, "promotion_exhausted").await;
    assert_eq!((&spent.json["uses_left"], &spent.json["amount_left"]), (&json!(0), &Value::Null));
    clock.advance(Duration::from_secs(61));
    assert_eq!(place().expect(201).await.json["quote"], quote());
    let unknown = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}], "promotion": "WINTER"});
    server.post(&sale.path("/holds")).bearer(&late).json(&unknown).refused(409, "promotion_unknown").await;
    server.post(&sale.path("/quotes")).json(&unknown).refused(409, "promotion_unknown").await;
}

#[tokio::test]
async fn a_single_use_code_is_used_by_one_hold_at_a_time() {
    let server = Server::start().await;
    let mut configuration = priced();
    configuration["tariff"]["promotions"][0] =
        json!({"code": "FRIENDS", "percent": "10", "single_use_codes": 3});
    let sale = Sale::open(&server, &configuration).await;
    let codes = |query: &str| server.get(&sale.path(&format!("/promotion-codes{query}"))).bearer(&sale.key);
    let first = codes("?promotion=FRIENDS&limit=2").expect(200).await;
    assert_eq!((first.json["items"].as_array().unwrap().len(), &first.json["next"]), (2, &json!("2")));
    let rest = codes("?promotion=FRIENDS&cursor=2").expect(200).await;
    assert_eq!((&rest.json["items"][0]["number"], &rest.json["next"]), (&json!(2), &Value::Null));
    assert_eq!(codes("?promotion=FRIENDS").expect(200).await.json["items"][2], rest.json["items"][0]);
    let of = |page: &Reply| page.json["items"][0]["code"].as_str().unwrap().to_owned();
    let (code, other) = (of(&rest), of(&first));

    let (ada, bob) = (server.buyer().await, server.buyer().await);
    let wish = |code: &str| json!({"lines": [{"ticket_type": "Standing", "quantity": 2}], "promotion": code});
    let quoted = server.post(&sale.path("/quotes")).json(&wish(&code)).expect(200).await;
    assert_eq!(quoted.json["quote"], quote());
    let hold = held(&server, &sale, &ada, &wish(&code)).await;
    assert_eq!(hold.json["quote"], quote());
    let place = |at: &Sale, code: &str| server.post(&at.path("/holds")).bearer(&bob).json(&wish(code));
    place(&sale, &code).refused(409, "promotion_exhausted").await;
    place(&sale, &other).expect(201).await;
    server.post(&sale.path(&format!("/holds/{}/release", hold.text("id")))).bearer(&ada).expect(200).await;
    place(&sale, &code).expect(201).await;

    // What nobody was given, and what is good elsewhere.
    for wrong in ["FRIENDS", "FRIENDS-1-0000000000000000", &code.replace("-2-", "-1-")] {
        place(&sale, wrong).refused(409, "promotion_unknown").await;
        server.post(&sale.path("/quotes")).json(&wish(wrong)).refused(409, "promotion_unknown").await;
    }
    let elsewhere = Sale::open(&server, &configuration).await;
    place(&elsewhere, &code).refused(409, "promotion_unknown").await;
    for (query, refusal) in
        [("", "invalid_value"), ("?promotion=SUMMER", "invalid_value"), ("?limit=0", "out_of_range")]
    {
        codes(query).refused(422, refusal).await;
    }
}

#[tokio::test]
async fn add_ons_go_with_tickets() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &priced()).await;
    let buyer = server.buyer().await;
    let alone = json!({"lines": [{"ticket_type": "Parking", "quantity": 1}]});
    let refused =
        server.post(&sale.path("/holds")).bearer(&buyer).json(&alone).refused(409, "add_on_alone").await;
    assert_eq!(refused.json["ticket_type"], "Parking");
    let both = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}, {"ticket_type": "Parking", "quantity": 1}]});
    let hold = held(&server, &sale, &buyer, &both).await;
    assert_eq!(hold.json["total"], money(5_650));
}

#[tokio::test]
async fn a_tariff_that_is_wrong_is_told_by_the_names_of_the_file() {
    let server = Server::start().await;
    let sale = Sale::draft(&server, &priced()).await;
    let configure = async |change: fn(&mut Value)| {
        let mut configuration = priced();
        change(&mut configuration);
        let body = json!({"expected_version": 1, "configuration": configuration});
        let path = sale.path("/configuration");
        let refused = server
            .ask(Method::PUT, &path)
            .bearer(&sale.key)
            .key(&fresh_key())
            .json(&body)
            .refused(422, "invalid_configuration")
            .await;
        refused.json["errors"][0]["path"].as_str().unwrap_or_default().to_owned()
    };
    let path = configure(|file| file["tariff"]["taxes"][0]["rate"] = "401".into()).await;
    assert_eq!(path, "configuration.tariff.taxes[0].rate");
    let path = configure(|file| file["tariff"]["taxes"][0]["rate"] = "7,7".into()).await;
    assert_eq!(path, "configuration.tariff.taxes[0].rate");
    let path = configure(|file| {
        let many = json!({"code": "FRIENDS", "percent": "10", "single_use_codes": 1_000_001});
        file["tariff"]["promotions"].as_array_mut().unwrap().push(many);
    })
    .await;
    assert_eq!(path, "configuration.tariff.promotions[1].single_use_codes");
    let path = configure(|file| file["ticket_types"][0]["taxes"] = json!(["GST"])).await;
    assert_eq!(path, "configuration.ticket_types[0].taxes[0]");
}
