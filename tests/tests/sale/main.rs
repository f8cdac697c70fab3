//! What happens to a sale that is changed while it runs, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use serde_json::{Value, json};
use tessera_tests::{Reply, Sale, Server, fresh_key, standing};

/// Replace the configuration.
async fn configure(server: &Server, sale: &Sale, expected_version: u32, configuration: &Value) -> Reply {
    let body = json!({"expected_version": expected_version, "configuration": configuration});
    let put = server.ask(reqwest::Method::PUT, &sale.path("/configuration")).key(&fresh_key());
    put.bearer(&sale.key).json(&body).send().await
}

fn assert_adds_up(availability: &Value) {
    for pool in availability["pools"].as_array().unwrap() {
        let sum: u64 =
            ["free", "held", "sold", "killed"].iter().map(|name| pool[name].as_u64().unwrap()).sum();
        let capacity = if pool["name"] == "VIP" { 10 } else { 60 };
        assert_eq!(sum, capacity, "I1 of {pool}");
    }
}

#[tokio::test]
async fn scenario_54_the_configuration_changes_with_live_holds() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(100)).await;
    let early = server.buyer().await;
    let hold = sale.hold(&server, &early, "Standing", 2).await;
    let mut changed = standing(60);
    changed["pools"].as_array_mut().unwrap().push(json!({"name": "VIP", "capacity": 10}));
    changed["ticket_types"][0]["price"] = json!(6000);
    changed["ticket_types"][0]["draws_on"] = json!(["Floor", "VIP"]);
    changed["units_per_subject_max"] = json!(1);
    configure(&server, &sale, 7, &changed).await.is_problem(409, "stale_version");
    assert_eq!(configure(&server, &sale, 1, &changed).await.status, 200);

    // The hold keeps its price and what it draws on, and pays for that.
    let order = server.post(&sale.path("/orders")).bearer(&early).json(&json!({"hold": hold.text("id")}));
    let order = order.expect(201).await;
    assert_eq!(order.json["total"]["amount"], 9000, "the frozen price");
    let availability = sale.availability(&server).await;
    assert_eq!(availability["pools"][1]["free"], 10, "it does not draw on the new pool");
    assert_adds_up(&availability);

    // Others see the new terms, and the lowered limit is not retroactive.
    let late = server.buyer().await;
    let lines = |amount: u32| json!({"lines": [{"ticket_type": "Standing", "quantity": 1, "expected_price": {"amount": amount, "currency": "EUR"}}]});
    server.post(&sale.path("/holds")).bearer(&late).json(&lines(4500)).refused(409, "price_changed").await;
    server.post(&sale.path("/holds")).bearer(&late).json(&lines(6000)).expect(201).await;
    server.post(&sale.path("/holds")).bearer(&early).json(&lines(6000)).refused(409, "limit_exceeded").await;

    // Capacity does not shrink below what is held and sold.
    let mut shrunk = changed.clone();
    shrunk["pools"][0]["capacity"] = json!(2);
    let refused = configure(&server, &sale, 2, &shrunk).await;
    assert_eq!((refused.status, refused.text("code")), (422, "invalid_configuration".to_owned()));
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    server.post(&confirm).bearer(&sale.key).json(&json!({"payment": "offline"})).expect(200).await;
    let availability = sale.availability(&server).await;
    assert_eq!(
        (availability["pools"][0]["sold"].as_u64(), availability["pools"][0]["held"].as_u64()),
        (Some(2), Some(1))
    );
    assert_adds_up(&availability);
}
