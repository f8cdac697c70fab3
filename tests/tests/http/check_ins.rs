//! The door: in once, out and in again, never with an old code or a made-up one.

use serde_json::{Value, json};
use tessera_tests::{Reply, Sale, Server, standing};

fn first_ticket(order: &Value) -> (String, String) {
    let text = |name: &str| order["tickets"][0][name].as_str().unwrap_or_default().to_owned();
    (text("id"), text("code"))
}

/// The orders that a buyer sees once the transfer is in its list.
async fn orders(server: &Server, sale: &Sale, buyer: &str, after: &Reply) -> Reply {
    let path = sale.path(&format!("/orders?min_sequence={}", after.number("sequence")));
    server.get(&path).bearer(buyer).expect(200).await
}

#[tokio::test]
async fn a_ticket_goes_in_out_and_over_to_another_person() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 1).await;
    let (ticket, old) = first_ticket(&order.json);
    let (ins, outs) = (sale.path("/check-ins"), sale.path("/check-outs"));
    let scan = |path: &str, code: &str| {
        let body = json!({"ticket": ticket, "code": code, "gate": 2});
        server.post(path).bearer(&sale.key).json(&body)
    };
    scan(&outs, &old).refused(409, "not_checked_in").await;
    let transfer = sale.path(&format!("/tickets/{ticket}/transfer"));
    let friend = server.buyer().await;
    let give = |token: &str| server.post(&transfer).bearer(token).json(&json!({"to": friend}));
    let given = give(&buyer).expect(200).await;
    assert_eq!((given.text("id"), given.number("generation")), (ticket.clone(), 1));
    give(&buyer).refused(404, "ticket_not_found").await;
    let own = orders(&server, &sale, &buyer, &given).await;
    assert_eq!(first_ticket(&own.json["items"][0]), (ticket.clone(), String::new()), "no more its own");
    let theirs = orders(&server, &sale, &friend, &given).await;
    let (_, code) = first_ticket(&theirs.json["items"][0]);
    let order_path = sale.path(&format!("/orders/{}", order.text("id")));
    let seen = server.get(&order_path).bearer(&buyer).expect(200).await;
    assert_eq!(first_ticket(&seen.json), (ticket.clone(), String::new()));
    let organizer = server.get(&order_path).bearer(&sale.key).expect(200).await;
    assert_eq!(first_ticket(&organizer.json), (ticket.clone(), code.clone()));
    scan(&ins, &old).refused(409, "code_revoked").await;
    let entered = scan(&ins, &code).expect(200).await;
    assert_eq!((entered.text("ticket"), entered.number("gate")), (ticket.clone(), 2));
    let twice = scan(&ins, &code).refused(409, "already_checked_in").await;
    assert_eq!(twice.json["at"], entered.json["at"]);
    scan(&outs, &old).refused(409, "code_revoked").await;
    scan(&outs, &code).expect(200).await;
    scan(&ins, &code).expect(200).await;
    let refunds = sale.path(&format!("/orders/{}/refunds", order.text("id")));
    let back = json!({"tickets": [ticket], "units": "kill"});
    scan(&outs, &code).expect(200).await;
    server.post(&refunds).bearer(&sale.key).json(&back).expect(200).await;
    scan(&ins, &code).refused(409, "ticket_refunded").await;
    assert_eq!(sale.availability(&server).await["pools"][0]["killed"], 1);
}

#[tokio::test]
async fn what_the_public_feed_shows_opens_no_door() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 2).await;
    let (ticket, code) = first_ticket(&order.json);
    let other = order.json["tickets"][1]["code"].as_str().unwrap();
    let transfer = sale.path(&format!("/tickets/{ticket}/transfer"));
    server.post(&transfer).bearer(&buyer).json(&json!({"to": server.buyer().await})).expect(200).await;
    let public = server.get(&sale.path("/changes?limit=200")).expect(200).await;
    let given = public.json["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&given["ticket"], &given["generation"]), (&json!(ticket), &Value::Null));
    assert!(!String::from_utf8_lossy(&public.bytes).contains(&code));
    let own = server.get(&sale.path("/changes?limit=200")).bearer(&sale.key).expect(200).await;
    assert_eq!(own.json["items"].as_array().unwrap().last().unwrap()["generation"], 1);
    for way in ["/check-ins", "/check-outs"] {
        let scan = |body: Value| server.post(&sale.path(way)).bearer(&sale.key).json(&body);
        for forged in ["", "AAAAAAAAAAAAAAAAAAAAAAA", other, "é"] {
            let body = json!({"ticket": ticket, "code": forged, "gate": 1});
            scan(body).refused(404, "ticket_not_found").await;
        }
        scan(json!({"ticket": ticket, "gate": 1})).refused(422, "missing_field").await;
        scan(json!({"ticket": ticket, "generation": 0, "gate": 1})).refused(422, "unknown_field").await;
    }
}
