//! Bad input on every command but *place hold*: the right 4xx with its documented code, and nothing changed.

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::{Reply, Sale, Server, fresh_key, hall, standing};

/// What is sent, the status, the code, and where the first error points or the reason it gives.
type Row = (Value, u16, &'static str, &'static str);

/// Sends every row and compares.
async fn refused(server: &Server, token: &str, path: &str, table: &[Row]) {
    for (body, status, code, detail) in table {
        let reply = server.post(path).bearer(token).json(body).send().await;
        let shown = body.to_string();
        let shown = &shown[..shown.len().min(200)];
        assert_eq!(
            (reply.status, reply.json["code"].as_str()),
            (*status, Some(*code)),
            "{shown}: {}",
            reply.json
        );
        reply.is_problem(*status, code);
        let found = reply.json["errors"][0]["path"].as_str().or(reply.json["reason"].as_str());
        assert_eq!(found.unwrap_or_default(), *detail, "{shown}: {}", reply.json);
    }
}

fn ticket(paid: &Reply, at: usize) -> Value {
    paid.json["tickets"][at]["id"].clone()
}

#[tokio::test]
async fn refunds() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(20)).await;
    let buyer = server.buyer().await;
    let (paid, other) = (sale.buy_free(&server, &buyer, 2).await, sale.buy_free(&server, &buyer, 1).await);
    let path = sale.path(&format!("/orders/{}/refunds", paid.text("id")));
    let body = |tickets: Value| json!({"tickets": tickets, "units": "restock"});
    let first = ticket(&paid, 0);
    let table = [
        (json!({}), 422, "missing_field", "tickets"),
        (body(json!([])), 422, "invalid_request", "zero_quantity"),
        (body(json!([first, first])), 422, "invalid_request", "duplicate"),
        (body(json!([ticket(&other, 0)])), 404, "ticket_not_found", ""),
        (body(json!(["nonsense"])), 404, "ticket_not_found", ""),
        (body(json!({})), 422, "wrong_type", "tickets"),
        (json!({"tickets": [first], "units": "burn"}), 422, "invalid_value", "units"),
        (json!([[first], "restock"]), 422, "wrong_type", ""),
    ];
    refused(&server, &sale.key, &path, &table).await;
    assert_eq!(sale.availability(&server).await["pools"][0]["sold"], 3, "nothing was refunded");
}

#[tokio::test]
async fn kills_and_restores() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(2)).await;
    let pool = |quantity: Value| json!({"pool": "Floor", "quantity": quantity});
    let many: Vec<u32> = (0..5_001).collect();
    let table = [
        (json!({"seats": [1, 1]}), 422, "invalid_request", "duplicate"),
        (json!({"seats": many}), 422, "invalid_value", "seats"),
        (json!({"seats": []}), 422, "invalid_request", "zero_quantity"),
        (json!({"seats": [40]}), 422, "invalid_request", "unknown_seat"),
        (json!({"seats": [-1]}), 422, "out_of_range", "seats[0]"),
        (pool(json!(0)), 422, "invalid_request", "zero_quantity"),
        (pool(json!(4_294_967_296_u64)), 422, "out_of_range", "quantity"),
        (json!({"pool": "Roof", "quantity": 1}), 422, "invalid_request", "unknown_pool"),
        (json!({"pool": "Floor", "quantity": 1, "seats": [1]}), 422, "invalid_value", ""),
    ];
    for path in ["/kills", "/restores"] {
        refused(&server, &sale.key, &sale.path(path), &table).await;
    }
    // As many as a number can say: there are fewer.
    let most = server.post(&sale.path("/kills")).bearer(&sale.key).json(&pool(json!(u32::MAX))).send().await;
    assert!((400..500).contains(&most.status), "{}", most.json);
    let pools = &sale.availability(&server).await["pools"][0];
    assert_eq!((pools["free"].as_u64(), pools["killed"].as_u64()), (Some(100), Some(0)));
}

#[tokio::test]
async fn transfers_and_scans() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let paid = sale.buy_free(&server, &buyer, 1).await;
    let id = ticket(&paid, 0);
    let transfer = sale.path(&format!("/tickets/{}/transfer", id.as_str().unwrap()));
    let forged = format!("tsb_{}", "A".repeat(74));
    let table = [
        (json!({}), 422, "missing_field", "to"),
        (json!({"to": forged}), 422, "invalid_value", "to"),
        (json!({"to": ""}), 422, "invalid_value", "to"),
        (json!({"to": "x".repeat(129)}), 422, "invalid_value", "to"),
        (json!({"to": "tsb_"}), 422, "invalid_value", "to"),
        (json!({"to": 7}), 422, "wrong_type", "to"),
    ];
    refused(&server, &buyer, &transfer, &table).await;
    let code = &paid.json["tickets"][0]["code"];
    let scan = |gate: Value| json!({"ticket": id, "code": code, "gate": gate});
    let table = [
        (scan(json!(65_536)), 422, "out_of_range", "gate"),
        (scan(json!(-1)), 422, "out_of_range", "gate"),
        (json!({"ticket": id, "code": "", "gate": 1}), 404, "ticket_not_found", ""),
        (json!({"ticket": "", "code": code, "gate": 1}), 404, "ticket_not_found", ""),
    ];
    for path in ["/check-ins", "/check-outs"] {
        refused(&server, &sale.key, &sale.path(path), &table).await;
    }
    let order =
        server.get(&sale.path(&format!("/orders/{}", paid.text("id")))).bearer(&buyer).expect(200).await;
    let kept = &order.json["tickets"][0];
    assert_eq!(
        (kept["generation"].as_u64(), &kept["checked_in_at"], &kept["code"]),
        (Some(0), &Value::Null, code)
    );
}

#[tokio::test]
async fn configurations_beyond_every_limit() {
    const CONFIGURATION_BYTES_MAX: usize = 16 * 1024 * 1024;
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let put = |body: Vec<u8>| {
        server.ask(Method::PUT, &sale.path("/configuration")).key(&fresh_key()).bearer(&sale.key).raw(body)
    };
    let deep =
        format!("{{\"expected_version\":1,\"configuration\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    put(deep.into_bytes()).refused(400, "malformed_json").await;
    let large = put(vec![b' '; CONFIGURATION_BYTES_MAX + 1]).refused(413, "body_too_large").await;
    assert_eq!(large.number("bytes_max"), CONFIGURATION_BYTES_MAX as u64);
    // A body that does not say how long it is, is counted as it comes.
    let chunks = futures::stream::iter((0..65).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1_024])));
    let chunked = server.post(&sale.path("/kills")).bearer(&sale.key).raw(Vec::new()).builder();
    let reply = chunked.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    assert_eq!(reply.status(), 413);
    let read = server.get(&sale.path("/configuration")).bearer(&sale.key).expect(200).await;
    assert_eq!(read.number("version"), 1);
}

#[tokio::test]
async fn positions_beyond_the_end_and_encoded_identifiers() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let last = u64::MAX;
    server.get(&sale.path(&format!("/changes?after={last}"))).refused(422, "out_of_range").await;
    let buyer = server.buyer().await;
    let held = sale.hold(&server, &buyer, "Standing", 1).await.text("id");
    let orders = |cursor: &str| server.get(&sale.path(&format!("/orders?cursor={cursor}"))).bearer(&buyer);
    assert_eq!(orders(&held.replace("hld_", "ord_")).expect(200).await.json["items"], json!([]));
    for cursor in ["ffffffffffffffff", &held, "ord_7zzzzzzzzzzzzzzzzzzzzzzzzz", ""] {
        let refused = orders(cursor).refused(422, "invalid_value").await;
        assert_eq!(refused.json["errors"][0]["path"], "cursor", "{cursor}");
    }
    // An identifier has one spelling; a name may need another in a path.
    let encoded = sale.path("/availability").replace("evt_", "evt%5F");
    server.get(&encoded).refused(404, "event_not_found").await;
    server.post(&sale.path("/channels/%FF/release")).bearer(&sale.key).refused(422, "invalid_request").await;
    server.post(&sale.path("/channels/Spons%6Fr/release")).bearer(&sale.key).expect(200).await;
}

#[tokio::test]
async fn a_key_of_another_command_is_refused_everywhere() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let held =
        server.post(&sale.path("/holds")).bearer(&buyer).key("k").json(&lines).expect(201).await.text("id");
    let order =
        server.post(&sale.path("/orders")).bearer(&buyer).json(&json!({"hold": held})).expect(201).await;
    let order = sale.path(&format!("/orders/{}", order.text("id")));
    let ask = |token: &str, path: &str, body: Value| server.post(path).bearer(token).key("k").json(&body);
    let nothing = || json!({});
    ask(&buyer, &sale.path(&format!("/holds/{held}/renew")), nothing()).refused(422, "key_reused").await;
    ask(&buyer, &sale.path("/orders"), json!({"hold": held})).refused(422, "key_reused").await;
    ask(&buyer, &format!("{order}/confirm"), json!({"payment": "free"})).refused(422, "key_reused").await;
    // The organizer's key of the same text is another key, until it is used.
    let kill = json!({"pool": "Floor", "quantity": 1});
    ask(&sale.key, &sale.path("/kills"), kill.clone()).expect(200).await;
    for (path, body) in [
        (sale.path("/restores"), kill),
        (sale.path("/phase-changes"), json!({"to": "paused"})),
        (sale.path("/channels/Sponsor/release"), nothing()),
        (format!("{order}/payment-failures"), nothing()),
        (format!("{order}/confirm"), json!({"payment": "offline"})),
    ] {
        ask(&sale.key, &path, body).refused(422, "key_reused").await;
    }
    let body = json!({"expected_version": 1, "configuration": hall(1)});
    let put = server.ask(Method::PUT, &sale.path("/configuration")).key("k").bearer(&sale.key).json(&body);
    put.refused(422, "key_reused").await;
    let availability = sale.availability(&server).await;
    assert_eq!((&availability["phase"], &availability["pools"][0]["killed"]), (&json!("on_sale"), &json!(1)));
}
