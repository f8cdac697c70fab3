//! The door: in once, out and in again, never with an old code.

use serde_json::json;
use tessera_tests::{Sale, Server, standing};

#[tokio::test]
async fn a_ticket_goes_in_out_and_over_to_another_person() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 1).await;
    let ticket = order.json["tickets"][0]["id"].as_str().unwrap().to_owned();
    let (ins, outs) = (sale.path("/check-ins"), sale.path("/check-outs"));
    let scan = |path: &str, generation: u8| {
        let body = json!({"ticket": ticket, "generation": generation, "gate": 2});
        server.post(path).bearer(&sale.key).json(&body)
    };
    scan(&outs, 0).refused(409, "not_checked_in").await;
    let transfer = sale.path(&format!("/tickets/{ticket}/transfer"));
    let friend = server.buyer().await;
    let give = |token: &str| server.post(&transfer).bearer(token).json(&json!({"to": friend}));
    let given = give(&buyer).expect(200).await;
    assert_eq!((given.text("id"), given.number("generation")), (ticket.clone(), 1));
    give(&buyer).refused(404, "ticket_not_found").await;
    scan(&ins, 0).refused(409, "code_revoked").await;
    let entered = scan(&ins, 1).expect(200).await;
    assert_eq!((entered.text("ticket"), entered.number("gate")), (ticket.clone(), 2));
    let twice = scan(&ins, 1).refused(409, "already_checked_in").await;
    assert_eq!(twice.json["at"], entered.json["at"]);
    scan(&outs, 1).expect(200).await;
    scan(&ins, 1).expect(200).await;
    let refunds = sale.path(&format!("/orders/{}/refunds", order.text("id")));
    let back = json!({"tickets": [ticket], "units": "kill"});
    scan(&outs, 1).expect(200).await;
    server.post(&refunds).bearer(&sale.key).json(&back).expect(200).await;
    scan(&ins, 1).refused(409, "ticket_refunded").await;
    assert_eq!(sale.availability(&server).await["pools"][0]["killed"], 1);
}
