//! Codes that take some doing to get.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tessera_tests::{ADMIN_TOKEN, Sale, Server, hall, standing};

#[tokio::test]
async fn api_key_not_found() {
    let server = Server::start().await;
    for id in ["key_00000000000000000000000000", "org_01h455vb4pex5vsknk084sn02q", "nonsense"] {
        let revoke = server.ask(Method::DELETE, &format!("/v1/api-keys/{id}")).bearer(ADMIN_TOKEN);
        revoke.refused(404, "api_key_not_found").await;
    }
}

#[tokio::test]
async fn a_scope_is_named_once() {
    let server = Server::start().await;
    for scopes in [json!([]), json!(["events:read", "events:read"])] {
        let body = json!({"name": "twice", "scopes": scopes});
        let refused = server.post("/v1/api-keys").bearer(ADMIN_TOKEN).json(&body);
        assert_eq!(refused.refused(422, "invalid_value").await.json["errors"][0]["path"], "scopes");
    }
}

#[tokio::test]
async fn hold_expired() {
    let (server, clock) = Server::start_with_clock(Server::settings()).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let (buyer, other) = (server.buyer().await, server.buyer().await);
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}], "duration_s": 60});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    clock.advance(Duration::from_secs(61));
    let path = sale.path(&format!("/holds/{}/renew", held.text("id")));
    server.post(&path).bearer(&buyer).refused(409, "hold_expired").await;
    let begin = server.post(&sale.path("/orders")).bearer(&buyer).json(&json!({"hold": held.text("id")}));
    begin.refused(409, "hold_expired").await;
    server.post(&path).bearer(&other).refused(404, "hold_not_found").await;
    assert_eq!(sale.availability(&server).await["pools"][0]["free"], 10, "its units went back");
}

#[tokio::test]
async fn renewals_exhausted() {
    let server = Server::start().await;
    let mut configuration = standing(10);
    configuration["hold"] = json!({"duration_s": 600, "renewals_max": 1, "life_s_max": 3_600});
    let sale = Sale::open(&server, &configuration).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}], "duration_s": 120});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let path = sale.path(&format!("/holds/{}", held.text("id")));
    let renewed = server.post(&format!("{path}/renew")).bearer(&buyer).expect(200).await;
    server.post(&format!("{path}/renew")).bearer(&buyer).refused(409, "renewals_exhausted").await;
    let read = server.get(&path).bearer(&buyer).expect(200).await;
    assert_eq!(read.json["deadline_at"], renewed.json["deadline_at"], "it lives on as it was");
}

#[tokio::test]
async fn strands_seat() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let buyer = server.buyer().await;
    let place = |seats: &serde_json::Value| {
        let lines = json!({"lines": [{"ticket_type": "Seat", "seats": seats}]});
        server.post(&sale.path("/holds")).bearer(&buyer).json(&lines)
    };
    let refused = place(&json!([1, 2])).refused(409, "strands_seat").await;
    assert_eq!(refused.json["stranded"], 0);
    assert_eq!(refused.json["conflicts"], json!([{"seat": 0, "reason": "stranded"}]));
    let alternatives = refused.json["alternatives"].as_array().unwrap();
    assert!(!alternatives.is_empty());
    place(&alternatives[0]).expect(201).await;
}

#[tokio::test]
async fn transfers_exhausted() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyers = server.buyers(2).await;
    let paid = sale.buy_free(&server, &buyers[0], 1).await;
    let ticket = paid.json["tickets"][0]["id"].as_str().unwrap();
    let path = sale.path(&format!("/tickets/{ticket}/transfer"));
    let give = |turn: usize| {
        let to = json!({"to": buyers[(turn + 1) % 2]});
        server.post(&path).bearer(&buyers[turn % 2]).json(&to)
    };
    for turn in 0..usize::from(u8::MAX) {
        assert_eq!(give(turn).expect(200).await.number("generation"), turn as u64 + 1);
    }
    give(usize::from(u8::MAX)).refused(409, "transfers_exhausted").await;
}
