//! Tickets as they are shown: to those who hold them, as QR, PDF and calendar file, and to the door, which believes the QR alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tessera_paper::Qr;
use tessera_server::ids;
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server, hall, standing};
use tessera_tickets::{Printed, Refused, TicketKey, verify};

fn ticket_of(order: &Reply, position: usize) -> String {
    order.json["tickets"][position]["id"].as_str().unwrap().to_owned()
}

async fn qr(server: &Server, sale: &Sale, ticket: &str, token: &str) -> String {
    server.get(&sale.path(&format!("/tickets/{ticket}"))).bearer(token).expect(200).await.text("qr")
}

fn scan(server: &Server, sale: &Sale, text: &str) -> tessera_tests::Ask {
    server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&json!({"scan": text, "gate": 1}))
}

/// What a device without a network makes of a QR, by the public keys alone.
async fn offline(server: &Server, sale: &Sale, text: &str) -> Result<Printed, Refused> {
    let keys = server.get("/.well-known/tessera-ticket-keys").expect(200).await;
    let key = |key: &Value| {
        let public: [u8; 32] =
            STANDARD.decode(key["public_key"].as_str().unwrap()).unwrap().try_into().unwrap();
        let mut known = TicketKey::new(&public, 0).unwrap();
        assert_eq!(known.name(), key["id"].as_str().unwrap());
        known.revoked_at_ms = key["revoked_at"].is_string().then_some(1);
        known
    };
    let keys: Vec<_> = keys.json["keys"].as_array().unwrap().iter().map(key).collect();
    verify(text, ids::parse_event(&sale.event).unwrap().0, &keys, 0)
}

#[tokio::test]
async fn a_ticket_is_shown_to_its_holder_and_its_scan_is_let_in_once() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 2).await;
    let ticket = ticket_of(&order, 1);
    let path = sale.path(&format!("/tickets/{ticket}"));
    let shown = server.get(&path).bearer(&buyer).expect(200).await;
    assert_eq!((shown.text("id"), shown.text("order")), (ticket.clone(), order.text("id")));
    assert_eq!((shown.text("ticket_type"), shown.json["refunded"].clone()), ("Free".into(), json!(false)));
    let text = shown.text("qr");
    let printed = offline(&server, &sale, &text).await.unwrap();
    assert_eq!((printed.index, printed.generation, printed.ticket_type), (1, 0, 1));
    assert_eq!(qr(&server, &sale, &ticket, &sale.key).await, text, "derived: everybody sees the same");
    for (token, code) in
        [(server.buyer().await, "ticket_not_found"), (server.organizer_key().await, "event_not_found")]
    {
        server.get(&path).bearer(&token).refused(404, code).await;
    }
    let entered = scan(&server, &sale, &text).expect(200).await;
    assert_eq!(entered.text("ticket"), ticket);
    let twice = scan(&server, &sale, &text).refused(409, "already_checked_in").await;
    assert_eq!(twice.json["at"], entered.json["at"]);
    let out = server.post(&sale.path("/check-outs")).bearer(&sale.key);
    out.json(&json!({"scan": text, "gate": 2})).expect(200).await;
    let code = json!({"ticket": ticket, "code": order.json["tickets"][1]["code"], "gate": 1});
    server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&code).expect(200).await;
    let in_again = server.get(&path).bearer(&buyer).expect(200).await;
    assert!(in_again.json["checked_in_at"].is_string());
}

#[tokio::test]
async fn pictures_and_files_are_the_same_whenever_they_are_asked_for() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 2}}]});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let begin = json!({"hold": held.text("id")});
    let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&begin).expect(201).await;
    let below = |file: &str| sale.path(&format!("/orders/{}/{file}", order.text("id")));
    let pending = server.get(&below("tickets.pdf")).bearer(&buyer).refused(409, "wrong_state").await;
    assert_eq!(pending.text("state"), "payment_in_flight");
    server.get(&below("tickets.pdf")).bearer(&server.buyer().await).refused(404, "order_not_found").await;
    let paid = json!({"payment": "offline"});
    let order = server.post(&below("confirm")).bearer(&sale.key).json(&paid).expect(200).await;
    let ticket = ticket_of(&order, 0);
    let shown = server.get(&sale.path(&format!("/tickets/{ticket}"))).bearer(&buyer).expect(200).await;
    assert_eq!((&shown.json["seat"]["section"], &shown.json["seat"]["row"]), (&json!("A"), &json!("1")));
    assert_eq!((shown.text("pdf"), shown.text("calendar")), (below("tickets.pdf"), below("calendar.ics")));
    for (path, media_type, begins) in [
        (below("tickets.pdf"), "application/pdf", &b"%PDF-1.7"[..]),
        (below("calendar.ics"), "text/calendar; charset=utf-8", b"BEGIN:VCALENDAR\r\n"),
        (sale.path(&format!("/tickets/{ticket}/qr.svg")), "image/svg+xml", b"<svg "),
        (sale.path(&format!("/tickets/{ticket}/qr.png")), "image/png", b"\x89PNG\r\n"),
    ] {
        let file = server.get(&path).bearer(&buyer).expect(200).await;
        assert_eq!(
            (file.header("content-type"), file.bytes.starts_with(begins)),
            (media_type, true),
            "{path}"
        );
        assert_eq!(file.header("cache-control"), "private, no-store");
        let again =
            server.get(&path).bearer(&buyer).header("if-none-match", file.header("etag")).send().await;
        assert_eq!(again.status, 304, "{path} is made alike");
        server.get(&path).header("x-hold-secret", &held.text("secret")).expect(200).await;
        let head = server.ask(Method::HEAD, &path).bearer(&buyer).expect(200).await;
        assert!(head.bytes.is_empty());
    }
    let calendar = server.get(&below("calendar.ics")).bearer(&buyer).expect(200).await;
    let calendar = String::from_utf8(calendar.bytes).unwrap();
    assert!(
        calendar.contains("DTSTART:20300101T190000Z\r\n") && calendar.contains("SUMMARY:Test\r\n"),
        "{calendar}"
    );
}

/// Scenario 53 at the door with a network: what was handed on, refunded or signed by a revoked key opens nothing.
#[tokio::test]
async fn a_transfer_and_a_refund_kill_what_was_shown_before() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let (buyer, friend) = (server.buyer().await, server.buyer().await);
    let order = sale.buy_free(&server, &buyer, 2).await;
    let (given, kept) = (ticket_of(&order, 0), ticket_of(&order, 1));
    let old = qr(&server, &sale, &given, &buyer).await;
    let pdf = sale.path(&format!("/orders/{}/tickets.pdf", order.text("id")));
    server.get(&pdf).bearer(&friend).refused(404, "order_not_found").await;
    let transfer = sale.path(&format!("/tickets/{given}/transfer"));
    server.post(&transfer).bearer(&buyer).json(&json!({"to": friend})).expect(200).await;
    let path = sale.path(&format!("/tickets/{given}"));
    server.get(&path).bearer(&buyer).refused(404, "ticket_not_found").await;
    let new = qr(&server, &sale, &given, &friend).await;
    assert_eq!(offline(&server, &sale, &new).await.unwrap().generation, 1);
    let replaced = scan(&server, &sale, &old).refused(409, "code_revoked").await;
    assert_eq!(replaced.number("generation"), 1);
    scan(&server, &sale, &new).expect(200).await;
    let theirs = server.get(&pdf).bearer(&friend).expect(200).await;
    let own = server.get(&pdf).bearer(&buyer).expect(200).await;
    assert_ne!(theirs.header("etag"), own.header("etag"), "each gets what is his own");
    let refunds = sale.path(&format!("/orders/{}/refunds", order.text("id")));
    let text = qr(&server, &sale, &kept, &buyer).await;
    let back = json!({"tickets": [kept], "units": "kill"});
    server.post(&refunds).bearer(&sale.key).json(&back).expect(200).await;
    let shown = server.get(&sale.path(&format!("/tickets/{kept}"))).bearer(&buyer).expect(200).await;
    assert_eq!((&shown.json["refunded"], &shown.json["qr"]), (&json!(true), &Value::Null));
    for file in ["qr.svg", "qr.png"] {
        let path = sale.path(&format!("/tickets/{kept}/{file}"));
        server.get(&path).bearer(&buyer).refused(409, "ticket_refunded").await;
    }
    server.get(&pdf).bearer(&buyer).refused(409, "ticket_refunded").await;
    scan(&server, &sale, &text).refused(409, "ticket_refunded").await;
}

#[tokio::test]
async fn a_key_that_is_rotated_kills_nothing_and_one_that_is_revoked_what_it_signed() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 2).await;
    let (one, other) = (ticket_of(&order, 0), ticket_of(&order, 1));
    let old = (qr(&server, &sale, &one, &buyer).await, qr(&server, &sale, &other, &buyer).await);
    let keys =
        || async { server.get("/.well-known/tessera-ticket-keys").expect(200).await.json["keys"].clone() };
    let first = keys().await[0]["id"].as_str().unwrap().to_owned();
    let rotate = || server.post("/v1/ticket-keys").bearer(ADMIN_TOKEN).json(&json!({}));
    let second = rotate().expect(201).await.text("id");
    assert_eq!(rotate().expect(201).await.text("id"), second, "within a minute the same");
    assert!(keys().await[0]["valid_until"].is_string());
    scan(&server, &sale, &old.0).expect(200).await;
    let revoke = |key: &str| {
        server.post(&format!("/v1/ticket-keys/{key}/revoke")).bearer(ADMIN_TOKEN).json(&json!({}))
    };
    let revoked = revoke(&first).expect(200).await;
    assert_eq!(revoke(&first).expect(200).await.json, revoked.json, "to do it twice is to do it once");
    revoke("0123456789abcdef").refused(404, "ticket_key_not_found").await;
    scan(&server, &sale, &old.1).refused(409, "code_revoked").await;
    assert_eq!(offline(&server, &sale, &old.1).await, Err(Refused::RevokedKey));
    let again = qr(&server, &sale, &other, &buyer).await;
    assert_eq!(offline(&server, &sale, &again).await.unwrap().generation, 0, "the same generation");
    // The one that signs is revoked: another signs at once, and the server that is started again knows of it.
    revoke(&second).expect(200).await;
    scan(&server, &sale, &again).refused(409, "code_revoked").await;
    let third = qr(&server, &sale, &other, &buyer).await;
    let before = keys().await;
    let store = server.stop().await;
    let server = Server::start_on(store, Server::settings()).await;
    let after = server.get("/.well-known/tessera-ticket-keys").expect(200).await;
    assert_eq!(after.json["keys"], before);
    scan(&server, &sale, &third).expect(200).await;
}

#[tokio::test]
async fn what_is_no_ticket_of_this_event_opens_nothing() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 1).await;
    let ticket = ticket_of(&order, 0);
    let text = qr(&server, &sale, &ticket, &buyer).await;
    let elsewhere = Sale::open(&server, &standing(10)).await;
    let refused = scan(&server, &elsewhere, &text).refused(404, "ticket_not_found").await;
    assert!(refused.text("detail").contains("another event"));
    let forged = format!("{}{}", &text[..137], if text.ends_with('0') { "1" } else { "0" });
    for wrong in ["", "T1:", "hello", &forged, &text.to_lowercase(), &format!("{text} ")] {
        scan(&server, &sale, wrong).refused(404, "ticket_not_found").await;
    }
    let body = |body: Value| server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&body);
    let both = body(json!({"scan": text, "ticket": ticket, "code": "x", "gate": 1}));
    let both = both.refused(422, "invalid_request").await;
    assert_eq!(both.text("reason"), "scan_and_code");
    body(json!({"gate": 1})).refused(422, "missing_field").await;
    body(json!({"code": "x", "gate": 1})).refused(422, "missing_field").await;
    scan(&server, &sale, &text).expect(200).await;
}

#[tokio::test]
async fn a_ticket_is_good_until_a_day_after_the_end_of_its_event() {
    let server = Server::start().await;
    let key = server.organizer_key().await;
    let create = |starts_at: &str, ends_at: &str, place: &str| {
        let body = json!({"name": "Long ago", "starts_at": starts_at, "ends_at": ends_at, "zone": "UTC", "place": place,
            "configuration": standing(10)});
        server.post("/v1/events").bearer(&key).json(&body)
    };
    create("2020-01-01T19:00:00Z", "2020-01-01T19:00:00Z", "Hall").refused(422, "invalid_value").await;
    create("2020-01-01T19:00:00Z", "2020-01-01T22:00:00Z", " ").refused(422, "invalid_value").await;
    let event = create("2020-01-01T19:00:00Z", "2020-01-01T22:30:00Z", "Hall, Riverside").expect(201).await;
    assert_eq!(
        (event.text("ends_at"), event.text("place")),
        ("2020-01-01T22:30:00Z".into(), "Hall, Riverside".into())
    );
    let sale = Sale { event: event.text("id"), key: key.clone() };
    sale.phase(&server, "on_sale").await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 1).await;
    let text = qr(&server, &sale, &ticket_of(&order, 0), &buyer).await;
    assert_eq!(
        offline(&server, &sale, &text).await.unwrap().valid_until_h,
        438_335,
        "2020-01-02T23:00Z, in hours"
    );
    scan(&server, &sale, &text).refused(409, "ticket_expired").await;
    let calendar = sale.path(&format!("/orders/{}/calendar.ics", order.text("id")));
    let calendar = server.get(&calendar).bearer(&buyer).expect(200).await;
    let calendar = String::from_utf8(calendar.bytes).unwrap();
    assert!(calendar.contains("DTEND:20200101T223000Z") && calendar.contains("LOCATION:Hall\\, Riverside"));
}

#[tokio::test]
async fn an_organizer_puts_a_logo_and_a_note_on_its_tickets() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 1).await;
    let pdf = sale.path(&format!("/orders/{}/tickets.pdf", order.text("id")));
    let plain = server.get(&pdf).bearer(&buyer).expect(200).await;
    let path = sale.path("/ticket-design");
    let put = |body: Value| server.ask(Method::PUT, &path).bearer(&sale.key).json(&body);
    let logo = STANDARD.encode(Qr::of("A LOGO").unwrap().png().unwrap());
    for wrong in ["not base64", "AAAA", &logo[..logo.len() / 2 / 4 * 4], &STANDARD.encode(vec![0; 66_000])] {
        put(json!({"logo": wrong})).refused(422, "invalid_value").await;
    }
    put(json!({"note": "x".repeat(501)})).refused(422, "invalid_value").await;
    let made = put(json!({"logo": logo, "note": "Doors at seven."})).expect(200).await;
    let read = server.get(&path).bearer(&sale.key).expect(200).await;
    assert_eq!((read.json.clone(), read.text("logo")), (made.json, logo));
    let with_logo = server.get(&pdf).bearer(&buyer).expect(200).await;
    let images = |reply: &Reply| String::from_utf8_lossy(&reply.bytes).matches("/Subtype/Image").count();
    assert_eq!((images(&plain), images(&with_logo)), (0, 1));
    put(json!({})).expect(200).await;
    let again = server.get(&pdf).bearer(&buyer).expect(200).await;
    assert_eq!(again.header("etag"), plain.header("etag"), "what is left out is removed");
}
