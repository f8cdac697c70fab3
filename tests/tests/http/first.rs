//! One purchase from the beginning to the door.

use serde_json::json;
use tessera_tests::{Sale, Server, standing};

#[tokio::test]
async fn a_ticket_is_bought_and_let_in_once() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 2).await;
    assert_eq!(order.json["state"], "paid");
    assert_eq!(order.json["tickets"].as_array().unwrap().len(), 2);
    let ticket = order.json["tickets"][0]["id"].as_str().unwrap();
    let scan = json!({"ticket": ticket, "code": order.json["tickets"][0]["code"], "gate": 4});
    let check_ins = sale.path("/check-ins");
    server.post(&check_ins).bearer(&sale.key).json(&scan).expect(200).await;
    let again =
        server.post(&check_ins).bearer(&sale.key).json(&scan).refused(409, "already_checked_in").await;
    assert_eq!(again.json["gate"], 4);
    let availability = sale.availability(&server).await;
    assert_eq!(
        availability["pools"][0],
        json!({"name": "Floor", "free": 8, "held": 0, "sold": 2, "killed": 0})
    );
    server.stop().await;
}
