//! Holds: what a buyer is told, and who may do what with one.

use reqwest::Method;
use serde_json::json;
use tessera_tests::{Sale, Server, fresh_key, hall, standing};

#[tokio::test]
async fn a_hold_says_what_it_holds_and_its_secret_opens_it() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(2)).await;
    let buyer = server.buyer().await;
    let body = json!({"lines": [
        {"ticket_type": "Seat", "seats": [3, 2], "expected_price": {"amount": 9000, "currency": "EUR"}},
        {"ticket_type": "Standing", "quantity": 2}], "duration_s": 300});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&body).expect(201).await;
    assert_eq!((&held.json["state"], &held.json["origin"]), (&json!("held"), &json!("direct")));
    assert_eq!(held.json["total"], json!({"amount": 27_000, "currency": "EUR"}));
    assert_eq!(held.json["lines"][0]["seats"], json!([2, 3]));
    assert_eq!(held.json["lines"][1]["ticket_type"], "Standing");
    assert!(held.text("deadline_at").ends_with('Z') && held.text("life_ends_at") > held.text("deadline_at"));
    let path = sale.path(&format!("/holds/{}", held.text("id")));
    let secret = held.text("secret");
    let read = server.get(&path).header("x-hold-secret", &secret).expect(200).await;
    assert_eq!(read.json["lines"], held.json["lines"]);
    assert_eq!((&read.json["origin"], read.json.get("entry")), (&json!("direct"), None));
    server.get(&path).bearer(&buyer).expect(200).await;
    server.get(&path).bearer(&sale.key).expect(200).await;
    server.get(&path).refused(401, "credential_missing").await;
    server.get(&path).bearer(&server.buyer().await).refused(404, "hold_not_found").await;
    server.get(&path).header("x-hold-secret", "AAAAAAAAAAAAAAAAAAAAAA").refused(404, "hold_not_found").await;
    let stranger = server.organizer_key().await;
    server.get(&path).bearer(&stranger).refused(404, "event_not_found").await;
    let renewed = server.post(&format!("{path}/renew")).header("x-hold-secret", &secret).expect(200).await;
    assert_eq!(renewed.json["lines"], held.json["lines"]);
    assert!(renewed.text("deadline_at") > held.text("deadline_at"));
    let released = server.post(&format!("{path}/release")).bearer(&sale.key).expect(200).await;
    assert_eq!(released.json["state"], "released");
    server.get(&path).bearer(&buyer).refused(404, "hold_not_found").await;
    let availability = sale.availability(&server).await;
    assert_eq!(
        (availability["pools"][0]["held"].as_u64(), availability["live_holds"].as_u64()),
        (Some(0), Some(0))
    );
}

#[tokio::test]
async fn refusals_say_what_to_do_next() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(3)).await;
    let (first, second) = (server.buyer().await, server.buyer().await);
    sale.hold(&server, &first, "Standing", 2).await;
    let place =
        |buyer: &str, line| server.post(&sale.path("/holds")).bearer(buyer).json(&json!({"lines": [line]}));
    let out =
        place(&second, json!({"ticket_type": "Standing", "quantity": 2})).refused(409, "sold_out").await;
    assert_eq!((out.json["remaining"].as_u64(), out.json["may_return"].as_bool()), (Some(1), Some(true)));
    assert_eq!(out.json["conflicts"], json!([{"line": 0, "pool": "Floor", "reason": "sold_out"}]));
    assert!(out.json["sequence"].is_u64());
    let line =
        json!({"ticket_type": "Standing", "quantity": 1, "expected_price": {"amount": 1, "currency": "EUR"}});
    let changed = place(&second, line).refused(409, "price_changed").await;
    assert_eq!(changed.json["price"], json!({"amount": 4500, "currency": "EUR"}));
    sale.phase(&server, "paused").await;
    let paused =
        place(&second, json!({"ticket_type": "Free", "quantity": 1})).refused(409, "wrong_phase").await;
    assert_eq!(
        (paused.json["phase"].as_str(), paused.json["command"].as_str()),
        (Some("paused"), Some("place_hold"))
    );
}

#[tokio::test]
async fn a_limit_counts_live_holds_of_one_subject_over_all_its_tokens() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(100)).await;
    let tokens = async || {
        let body = json!({"buyers": ["customer-17"]});
        let made = server.post("/v1/buyer-tokens").bearer(&sale.key).json(&body).expect(201).await;
        made.json["tokens"][0].as_str().unwrap().to_owned()
    };
    let (one, other) = (tokens().await, tokens().await);
    sale.hold(&server, &one, "Standing", 6).await;
    let body = json!({"lines": [{"ticket_type": "Free", "quantity": 3}]});
    let refused =
        server.post(&sale.path("/holds")).bearer(&other).json(&body).refused(409, "limit_exceeded").await;
    assert_eq!((refused.json["limit"].as_u64(), refused.json["used"].as_u64()), (Some(8), Some(6)));
    assert_eq!(refused.json["conflicts"], json!([{"ticket_type": null, "reason": "limit_exceeded"}]));
}

#[tokio::test]
async fn a_channel_is_drawn_on_with_its_code_and_released_to_everyone() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let general: u64 = 80;
    for _ in 0..13 {
        sale.hold(&server, &server.buyer().await, "Standing", 6).await;
    }
    let buyer = server.buyer().await;
    let place = |code: Option<&str>| {
        let mut body = json!({"lines": [{"ticket_type": "Standing", "quantity": 5}]});
        if let Some(code) = code {
            body["access_code"] = code.into();
        }
        server.post(&sale.path("/holds")).bearer(&buyer).json(&body)
    };
    let refused = place(None).refused(409, "sold_out").await;
    assert_eq!(refused.json["remaining"].as_u64(), Some(general - 13 * 6));
    place(Some("WRONG")).refused(403, "access_code_required").await;
    let held = place(Some("SPONSOR")).expect(201).await;
    let release = sale.path(&format!("/holds/{}/release", held.text("id")));
    server.post(&release).bearer(&buyer).expect(200).await;
    server.post(&sale.path("/channels/Sponsor/release")).bearer(&sale.key).expect(200).await;
    place(None).expect(201).await;
}

#[tokio::test]
async fn a_hold_decided_on_a_newer_configuration_names_what_it_holds() {
    let mut settings = Server::settings();
    settings.writer.new_holds_max = 1;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &hall(0)).await;
    let mut grown = hall(1);
    grown["categories"] = json!([{"name": "Hall", "focal_point": {"x_mm": 0, "y_mm": 0}},
        {"name": "Balcony", "focal_point": {"x_mm": 0, "y_mm": 0}}]);
    for block in grown["rows"][0]["blocks"].as_array_mut().unwrap() {
        block["category"] = "Balcony".into();
    }
    let added = json!({"name": "Balcony", "price": 5000, "per_order_max": 10, "category": "Balcony"});
    grown["ticket_types"].as_array_mut().unwrap().push(added);
    let buyers = server.buyers(2).await;
    server.store.hold_appends();
    let body = json!({"expected_version": 1, "configuration": grown});
    let configure = server.ask(Method::PUT, &sale.path("/configuration")).key(&fresh_key());
    let configure = tokio::spawn(configure.bearer(&sale.key).json(&body).expect(200));
    while server.store.held_appends() == 0 {
        tokio::task::yield_now().await;
    }
    // Two come while the configuration is on its way to the disk: when one finds the lane full, the other waits in it.
    let lines = json!({"lines": [{"together": {"quantity": 2}}]});
    let place = |at: usize| server.post(&sale.path("/holds")).bearer(&buyers[at]).key("k").json(&lines);
    let (first, second) = (tokio::spawn(place(0).send()), tokio::spawn(place(1).send()));
    let ((full, _), waiting) = match futures::future::select(first, second).await {
        futures::future::Either::Left((full, waiting)) => ((full.unwrap(), 0), (waiting, 1)),
        futures::future::Either::Right((full, waiting)) => ((full.unwrap(), 1), (waiting, 0)),
    };
    full.is_problem(503, "not_executed");
    assert_eq!(full.json["reason"], "queue_full");
    server.store.release_appends();
    configure.await.unwrap();
    let held = waiting.0.await.unwrap();
    assert_eq!((held.status, held.json["lines"][0]["ticket_type"].as_str()), (201, Some("Balcony")));
    let again = place(waiting.1).expect(201).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, held.bytes);
}

#[tokio::test]
async fn a_box_office_draws_on_a_channel_for_a_buyer_it_knows() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(0)).await;
    for _ in 0..13 {
        sale.hold(&server, &server.buyer().await, "Standing", 6).await;
    }
    let place = |key: &str, channel: Option<&str>| {
        let lines = json!([{"ticket_type": "Standing", "quantity": 5}]);
        let body = json!({"lines": lines, "buyer": "customer-17", "channel": channel});
        server.post(&sale.path("/holds")).bearer(&sale.key).key(key).json(&body)
    };
    place("general", None).refused(409, "sold_out").await;
    let held = place("channel", Some("Sponsor")).expect(201).await;
    let again = place("channel", Some("Sponsor")).expect(201).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, held.bytes, "the box office has the secret again");
    let after = held.number("sequence") - 1;
    let changes = server.get(&sale.path(&format!("/changes?after={after}"))).expect(200).await;
    assert_eq!(changes.json["items"][0]["channel"], "Sponsor");

    let begin = server.post(&sale.path("/orders")).header("x-hold-secret", &held.text("secret"));
    let order = begin.json(&json!({"hold": held.text("id")})).expect(201).await.text("id");
    let confirm = server.post(&sale.path(&format!("/orders/{order}/confirm"))).bearer(&sale.key);
    confirm.json(&json!({"payment": "offline"})).expect(200).await;
    let read = async |reference: &str| {
        let body = json!({"buyers": [reference]});
        let made = server.post("/v1/buyer-tokens").bearer(&sale.key).json(&body).expect(201).await;
        let token = made.json["tokens"][0].as_str().unwrap();
        server.get(&sale.path(&format!("/orders/{order}"))).bearer(token).send().await
    };
    assert_eq!(read("customer-17").await.text("state"), "paid");
    read("customer-18").await.is_problem(404, "order_not_found");

    server.post(&sale.path("/channels/Sponsor/release")).bearer(&sale.key).expect(200).await;
    let released = place("released", Some("Sponsor")).refused(422, "invalid_request").await;
    assert_eq!(released.json["reason"], "unknown_channel");
}

#[tokio::test]
async fn a_box_office_needs_no_code_and_its_holds_count_against_the_buyer_it_names() {
    let server = Server::start().await;
    let sale = Sale::draft(&server, &standing(100)).await;
    let lines = |quantity: u32| json!([{"ticket_type": "Standing", "quantity": quantity}]);
    let place = |buyer: &str, quantity: u32| {
        let body = json!({"lines": lines(quantity), "buyer": buyer});
        server.post(&sale.path("/holds")).bearer(&sale.key).json(&body)
    };
    let early = place("customer-17", 6).refused(409, "wrong_phase").await;
    assert_eq!(early.json["phase"], "draft");
    sale.phase(&server, "presale").await;
    let buyers = json!({"buyers": ["customer-17"]});
    let made = server.post("/v1/buyer-tokens").bearer(&sale.key).json(&buyers).expect(201).await;
    let token = made.json["tokens"][0].as_str().unwrap();
    let own = || server.post(&sale.path("/holds")).bearer(token).json(&json!({"lines": lines(3)}));
    own().refused(403, "access_code_required").await;
    place("customer-17", 6).expect(201).await;
    sale.phase(&server, "on_sale").await;
    for over in [place("customer-17", 3), own()] {
        let refused = over.refused(409, "limit_exceeded").await;
        assert_eq!((refused.json["limit"].as_u64(), refused.json["used"].as_u64()), (Some(8), Some(6)));
    }
    place("customer-18", 3).expect(201).await;
}

#[tokio::test]
async fn only_a_key_that_writes_orders_names_a_buyer_or_a_channel() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(0)).await;
    let place = |credential: &str, more: &[(&str, &str)]| {
        let mut body = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
        for (name, value) in more {
            body[*name] = (*value).into();
        }
        server.post(&sale.path("/holds")).bearer(credential).json(&body)
    };
    let buyer = server.buyer().await;
    for more in [("buyer", "customer-17"), ("channel", "Sponsor")] {
        let refused = place(&buyer, &[more]).refused(403, "forbidden").await;
        assert_eq!(refused.json["needed"], "orders:write");
    }
    let (minter, _) = server.organizer(&["buyer-tokens:write", "events:write"], None).await;
    let refused = place(&minter, &[("buyer", "customer-17")]).refused(403, "forbidden").await;
    assert_eq!(refused.json["needed"], "orders:write");
    let stranger = server.organizer_key().await;
    place(&stranger, &[("buyer", "customer-17")]).refused(404, "event_not_found").await;
    let nobody = place(&sale.key, &[]).refused(422, "missing_field").await;
    assert_eq!(nobody.json["errors"][0]["path"], "buyer");
    for reference in ["", &"x".repeat(129)] {
        let refused = place(&sale.key, &[("buyer", reference)]).refused(422, "invalid_value").await;
        assert_eq!(refused.json["errors"][0]["path"], "buyer");
    }
    let unknown = place(&sale.key, &[("buyer", "customer-17"), ("channel", "Nobody")]);
    let unknown = unknown.refused(422, "invalid_request").await;
    assert_eq!(
        (&unknown.json["reason"], &unknown.json["name"]),
        (&json!("unknown_channel"), &json!("Nobody"))
    );
    assert_eq!(sale.availability(&server).await["pools"][0]["held"], 0);
}
