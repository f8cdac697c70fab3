//! Events: drafts are private, configurations are versioned, phases move by the table.

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::relay::Relay;
use tessera_tests::{ADMIN_TOKEN, Sale, Server, fresh_key, hall, standing};

use crate::messages;

#[tokio::test]
async fn a_draft_is_there_for_its_organizer_only() {
    let server = Server::start().await;
    let sale = Sale::draft(&server, &standing(10)).await;
    let stranger = server.organizer_key().await;
    for path in [sale.path(""), sale.path("/availability"), sale.path("/seats"), sale.path("/changes")] {
        server.get(&path).refused(404, "event_not_found").await;
        server.get(&path).bearer(&stranger).refused(404, "event_not_found").await;
        server.get(&path).bearer(&sale.key).expect(200).await;
        server.get(&path).bearer(ADMIN_TOKEN).expect(200).await;
    }
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let early = server.post(&sale.path("/holds")).bearer(&server.buyer().await).json(&lines);
    early.refused(404, "event_not_found").await;
    sale.phase(&server, "scheduled").await;
    let shown = server.get(&sale.path("")).expect(200).await;
    assert_eq!((shown.text("phase"), shown.number("configuration_version")), ("scheduled".to_owned(), 1));
    let listed = server.get("/v1/events").bearer(&stranger).expect(200).await;
    assert_eq!(listed.json["items"], json!([]));
    let listed = server.get("/v1/events").bearer(&sale.key).expect(200).await;
    assert_eq!(listed.json["items"][0]["id"], sale.event);
}

fn configure(server: &Server, sale: &Sale, version: u32, configuration: &Value) -> tessera_tests::Ask {
    let body = json!({"expected_version": version, "configuration": configuration});
    let ask = server.ask(Method::PUT, &sale.path("/configuration")).key(&fresh_key());
    ask.bearer(&sale.key).json(&body)
}

#[tokio::test]
async fn a_configuration_is_replaced_by_version_and_read_back_as_sent() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    configure(&server, &sale, 0, &standing(20)).refused(409, "stale_version").await;
    let replaced = configure(&server, &sale, 1, &standing(20)).expect(200).await;
    assert_eq!(replaced.number("version"), 2);
    let read = server.get(&sale.path("/configuration")).bearer(&sale.key).expect(200).await;
    assert_eq!((read.number("version"), &read.json["configuration"]), (2, &standing(20)));
    assert_eq!(sale.availability(&server).await["pools"][0]["free"], 20);
    sale.hold(&server, &server.buyer().await, "Standing", 6).await;
    let smaller = configure(&server, &sale, 2, &standing(5)).refused(422, "invalid_configuration").await;
    assert!(smaller.json["errors"][0]["path"].as_str().unwrap().starts_with("configuration.pools[0]"));
    let mut renamed = standing(20);
    renamed["pools"][0]["name"] = "Roof".into();
    renamed["ticket_types"][0]["draws_on"] = json!(["Roof"]);
    renamed["ticket_types"][1]["draws_on"] = json!(["Roof"]);
    let refused = configure(&server, &sale, 2, &renamed).refused(422, "invalid_configuration").await;
    assert_eq!(refused.json["errors"][0]["path"], "configuration.pools[0]");
}

/// A change that makes a body wrong, the code of the refusal, and where it points.
type Wrong = (fn(&mut Value), &'static str, &'static str);

/// Every one of them is refused, where it is wrong and in the words of the file, and creates nothing.
async fn no_event_is_created(table: &[Wrong]) {
    let server = Server::start().await;
    let key = server.organizer_key().await;
    for (change, code, path) in table {
        let mut body = json!({
            "name": "Wrong", "starts_at": "2030-01-01T19:00:00Z", "zone": "Europe/Berlin", "configuration": standing(5)});
        change(&mut body);
        let refused = server.post("/v1/events").bearer(&key).json(&body).refused(422, code).await;
        let error = &refused.json["errors"][0];
        assert_eq!(error["path"], *path, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(!message.contains("_ms") && !message.contains("minor"), "the units of the file: {message}");
    }
    let listed = server.get("/v1/events").bearer(&key).expect(200).await;
    assert_eq!(listed.json["items"], json!([]), "nothing was created");
}

#[tokio::test]
async fn a_wrong_request_creates_no_event() {
    let table: [Wrong; 11] = [
        (|body| body["zone"] = "Europe/Atlantis".into(), "invalid_value", "zone"),
        (|body| body["starts_at"] = "tomorrow".into(), "invalid_value", "starts_at"),
        (|body| body["name"] = "".into(), "invalid_value", "name"),
        (
            |body| body["configuration"]["currency"] = "XXY".into(),
            "invalid_configuration",
            "configuration.currency",
        ),
        (
            |body| body["configuration"]["ticket_types"][0]["draws_on"] = json!(["Roof"]),
            "invalid_configuration",
            "configuration.ticket_types[0].draws_on[0]",
        ),
        (
            |body| body["configuration"]["pools"][0]["capacity"] = (-1).into(),
            "out_of_range",
            "configuration.pools[0].capacity",
        ),
        (
            |body| body["configuration"]["pools"][0] = json!(["Floor", 5]),
            "wrong_type",
            "configuration.pools[0]",
        ),
        (
            |body| body["configuration"]["hold"] = json!([600, 2, 1800, 900]),
            "wrong_type",
            "configuration.hold",
        ),
        (|body| body["configuration"] = json!(["EUR", []]), "wrong_type", "configuration"),
        (|body| body["configuration"]["surprise"] = 1.into(), "unknown_field", "configuration.surprise"),
        (
            |body| body["configuration"]["ticket_types"][0]["price"] = (-5).into(),
            "invalid_configuration",
            "configuration.ticket_types[0].price",
        ),
    ];
    no_event_is_created(&table).await;
}

#[tokio::test]
async fn a_configuration_that_the_engine_refuses_creates_no_event() {
    let table: [Wrong; 7] = [
        (
            |body| body["configuration"]["hold"] = json!({"duration_s": 1}),
            "invalid_configuration",
            "configuration.hold.duration_s",
        ),
        (
            |body| body["configuration"]["hold"] = json!({"duration_s": 600, "life_s_max": 300}),
            "invalid_configuration",
            "configuration.hold.life_s_max",
        ),
        (
            |body| body["configuration"]["hold"] = json!({"grace_s": 0}),
            "invalid_configuration",
            "configuration.hold.grace_s",
        ),
        (
            |body| {
                let ticket_type = &mut body["configuration"]["ticket_types"][1];
                ticket_type["opens_at"] = "2030-01-01T00:00:00Z".into();
                ticket_type["closes_at"] = "2029-01-01T00:00:00Z".into();
            },
            "invalid_configuration",
            "configuration.ticket_types[1].closes_at",
        ),
        (
            |body| {
                body["configuration"]["schedule"] =
                    json!({"on_sale_at": "2030-01-01T00:00:00Z", "closes_at": "2029-01-01T00:00:00Z"});
            },
            "invalid_configuration",
            "configuration.schedule",
        ),
        (
            |body| {
                body["configuration"] = hall(1);
                body["configuration"]["rows"][0]["blocks"][1]["y_mm"] = 2_000_000_000.into();
            },
            "invalid_configuration",
            "configuration.rows[0].blocks[1]",
        ),
        (
            |body| body["configuration"]["ticket_types"][0]["per_order_max"] = 51.into(),
            "invalid_configuration",
            "configuration.ticket_types[0].per_order_max",
        ),
    ];
    no_event_is_created(&table).await;
}

#[tokio::test]
async fn units_are_withdrawn_and_given_back() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let post = |what: &str, body: Value| server.post(&sale.path(what)).bearer(&sale.key).json(&body);
    let killed = post("/kills", json!({"pool": "Floor", "quantity": 4})).expect(200).await;
    assert_eq!((killed.text("pool"), killed.number("quantity")), ("Floor".to_owned(), 4));
    let refused =
        post("/restores", json!({"pool": "Floor", "quantity": 5})).refused(409, "nothing_to_restore").await;
    assert_eq!(refused.json["killed"], 4);
    post("/restores", json!({"pool": "Floor", "quantity": 4})).expect(200).await;
    post("/kills", json!({"pool": "Roof", "quantity": 1})).refused(422, "invalid_request").await;
    post("/kills", json!({"pool": "Floor"})).refused(422, "invalid_value").await;
    post("/phase-changes", json!({"to": "draft"})).refused(422, "invalid_value").await;
    post("/phase-changes", json!({"to": "scheduled"})).refused(409, "wrong_phase").await;
    post("/phase-changes", json!({"to": "closed"})).expect(200).await;
    post("/phase-changes", json!({"to": "cancelled"})).expect(200).await;
}

#[tokio::test]
async fn an_event_that_was_never_configured_is_there_for_its_organizer() {
    let server = Server::start().await;
    let key = server.organizer_key().await;
    let body = json!({"name": "Empty", "starts_at": "2030-01-01T19:00:00Z", "zone": "UTC"});
    let event = server.post("/v1/events").bearer(&key).json(&body).expect(201).await.text("id");
    let sale = Sale { event, key };
    for key in [sale.key.as_str(), ADMIN_TOKEN] {
        let get = |path: &str| server.get(&sale.path(path)).bearer(key);
        let configuration = get("/configuration").expect(200).await;
        let nothing = json!({"version": 0, "configuration": null, "sequence": 0});
        assert_eq!(configuration.json, nothing);
        let changes = get("/changes").expect(200).await;
        assert_eq!(changes.json, json!({"items": [], "next": 0, "head": 0}));
        for path in ["/availability", "/seats", "/seat-map"] {
            let refused = get(path).refused(422, "invalid_request").await;
            assert_eq!(refused.json["reason"], "not_configured", "{path}");
        }
        let kill = json!({"pool": "Floor", "quantity": 1});
        let refused = server.post(&sale.path("/kills")).bearer(key).json(&kill);
        assert_eq!(refused.refused(422, "invalid_request").await.json["reason"], "not_configured");
    }
    for path in ["", "/availability", "/changes", "/configuration"] {
        let stranger = server.organizer_key().await;
        server.get(&sale.path(path)).bearer(&stranger).refused(404, "event_not_found").await;
    }
    server.post(&sale.path("/repairs")).bearer(ADMIN_TOKEN).expect(200).await;
    // The administrator's right to everything is no right to what there is not.
    server
        .get("/v1/events/evt_01h455vb4pex5vsknk084sn02q/changes")
        .bearer(ADMIN_TOKEN)
        .refused(404, "event_not_found")
        .await;
}

#[tokio::test]
async fn a_command_that_needs_a_configuration_changes_nothing_where_there_is_none() {
    let server = Server::start().await;
    let key = server.organizer_key().await;
    let body = json!({"name": "Empty", "starts_at": "2030-01-01T19:00:00Z", "zone": "UTC"});
    let event = server.post("/v1/events").bearer(&key).json(&body).expect(201).await.text("id");
    let sale = Sale { event, key };
    let go = |to: &str| server.post(&sale.path("/phase-changes")).bearer(&sale.key).json(&json!({"to": to}));
    let read = async || {
        let mut seen = Vec::new();
        for path in ["", "/configuration", "/changes", "/availability", "/seats", "/seat-map"] {
            for key in [&sale.key, &server.organizer_key().await] {
                let reply = server.get(&sale.path(path)).bearer(key).send().await;
                seen.push((path, reply.status, reply.json));
            }
        }
        seen
    };
    let before = read().await;
    for to in ["on_sale", "presale", "scheduled"] {
        let refused = go(to).refused(422, "invalid_request").await;
        assert_eq!(refused.json["reason"], "not_configured");
    }
    configure(&server, &sale, 7, &standing(5)).refused(409, "stale_version").await;
    assert_eq!(read().await, before, "what was refused had no effect");
    server.get(&sale.path("/changes?after=1")).bearer(&sale.key).refused(422, "out_of_range").await;
    // It may be called off all the same, and everyone reads so.
    go("cancelled").expect(200).await;
    let changes = server.get(&sale.path("/changes")).expect(200).await;
    assert_eq!(changes.json["items"][0]["to"], "cancelled");
    assert_eq!(sale.availability(&server).await["phase"], "cancelled");
}

#[tokio::test]
async fn the_key_of_a_creation_does_not_age() {
    let server = Server::start().await;
    let key = server.organizer_key().await;
    let body = json!({
        "name": "Late", "starts_at": "2030-01-01T19:00:00Z", "zone": "UTC", "configuration": standing(5)});
    let create =
        || server.post("/v1/events").bearer(&key).key("0192f0c1-0000-7000-8000-000000000000").json(&body);
    let created = create().expect(201).await;
    assert_eq!((created.number("configuration_version"), created.replayed()), (1, false));
    let again = create().expect(201).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, created.bytes);
    let listed = server.get("/v1/events").bearer(&key).expect(200).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_retry_that_the_writer_does_not_know_answers_what_was_created() {
    let mut settings = Server::settings();
    settings.http.deadline_ms = 1_000;
    let server = Server::start_with(settings).await;
    let key = server.organizer_key().await;
    let body = json!({
        "name": "Late", "starts_at": "2030-01-01T19:00:00Z", "zone": "UTC", "configuration": standing(5)});
    let create = || server.post("/v1/events").bearer(&key).key("create").json(&body);
    // The catalogue has it; its writer cannot be opened, and never hears of this key.
    server.store.hold_appends();
    create().refused(503, "not_executed").await;
    server.store.release_appends();
    let listed = server.get("/v1/events").bearer(&key).expect(200).await;
    let event = listed.json["items"][0]["id"].as_str().unwrap().to_owned();
    let sale = Sale { event, key: key.clone() };
    configure(&server, &sale, 0, &standing(5)).expect(200).await;
    configure(&server, &sale, 1, &standing(6)).expect(200).await;
    for to in ["on_sale", "closed"] {
        let again = create().expect(201).await;
        assert!(again.replayed());
        assert_eq!(again.text("id"), sale.event);
        assert_eq!((again.number("configuration_version"), again.number("sequence")), (1, 1));
        sale.phase(&server, to).await;
    }
    assert!(create().expect(201).await.replayed(), "whatever became of it");
}

#[tokio::test]
async fn a_read_that_has_not_changed_is_not_sent_again() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 1).await;
    let hold = sale.hold(&server, &buyer, "Standing", 1).await;
    let reads = [
        (sale.path(""), &sale.key),
        (sale.path("/configuration"), &sale.key),
        (sale.path(&format!("/holds/{}", hold.text("id"))), &buyer),
        (sale.path(&format!("/orders/{}", order.text("id"))), &buyer),
        (sale.path(&format!("/orders?min_sequence={}", hold.number("sequence"))), &buyer),
        ("/v1/events".to_owned(), &sale.key),
    ];
    for (path, token) in reads {
        let first = server.get(&path).bearer(token).expect(200).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && first.header("cache-control") == "no-store", "{path}: {etag}");
        let known = server.get(&path).bearer(token).header("if-none-match", &etag).expect(304).await;
        assert!(known.bytes.is_empty());
        server.get(&path).bearer(token).header("if-none-match", "\"other\"").expect(200).await;
    }
}

#[tokio::test]
async fn who_has_tickets_hears_of_another_date_and_has_them_anew() {
    let relay = Relay::start().await;
    let server = Server::start_with(messages::settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let ada = json!({"email": "ada@example.com", "locale": "en"});
    let mut orders = Vec::new();
    for quantity in [1, 2] {
        orders.push(messages::buy(&server, &sale, &buyer, quantity, &ada).await.text("id"));
    }
    relay.wait_for(2).await;
    let path = sale.path("");
    let put = |token: &str, body: &Value| server.ask(Method::PUT, &path).bearer(token).json(body);
    let mut card = json!({"name": "Test", "starts_at": "2030-02-01T19:00:00Z", "zone": "Europe/Berlin"});
    card["ends_at"] = "2030-02-01T19:00:00Z".into();
    put(&sale.key, &card).refused(422, "invalid_value").await;
    card["ends_at"] = "2030-02-01T22:00:00Z".into();
    put(&server.organizer_key().await, &card).refused(404, "event_not_found").await;
    let moved = put(&sale.key, &card).expect(200).await;
    assert_eq!((moved.text("phase"), &moved.json["id"]), ("on_sale".to_owned(), &json!(sale.event)));
    let shown = server.get(&path).bearer(&buyer).expect(200).await;
    assert_eq!(shown.json["starts_at"], moved.json["starts_at"]);
    let mails = relay.wait_for(4).await.split_off(2);
    for mail in &mails {
        assert_eq!(
            (mail.to.as_str(), mail.header("Subject")),
            ("ada@example.com", "Test has changed".to_owned())
        );
        assert!(mail.text.contains("1 February 2030, 20:00") && mail.text.contains("tickets.pdf"));
    }
    let brings = |order: &String| mails.iter().filter(|mail| mail.text.contains(order)).count();
    assert_eq!(orders.iter().map(brings).collect::<Vec<_>>(), [1, 1], "the tickets of each");
    // Calendars take it for a later version of what they have.
    let calendar = sale.path(&format!("/orders/{}/calendar.ics", orders[0]));
    let calendar = server.get(&calendar).bearer(&buyer).expect(200).await;
    let calendar = String::from_utf8(calendar.bytes).unwrap();
    assert!(calendar.contains("DTSTART:20300201T190000Z") && calendar.contains("SEQUENCE:2"), "{calendar}");
    // Its name alone is no news.
    card["name"] = "Gala".into();
    assert_eq!(put(&sale.key, &card).expect(200).await.text("name"), "Gala");
    let runs = server.get(&sale.path("/broadcasts")).bearer(&sale.key).expect(200).await;
    let changes = runs.json["items"].as_array().unwrap().iter().filter(|run| run["kind"] == "change");
    assert_eq!(changes.count(), 1);
}

#[tokio::test]
async fn nobody_hears_of_what_happens_to_a_draft() {
    let relay = Relay::start().await;
    let server = Server::start_with(messages::settings(relay.port())).await;
    let sale = Sale::draft(&server, &standing(10)).await;
    let card = json!({"name": "Test", "starts_at": "2030-02-01T19:00:00Z", "zone": "Europe/Berlin"});
    server.ask(Method::PUT, &sale.path("")).bearer(&sale.key).json(&card).expect(200).await;
    let runs = server.get(&sale.path("/broadcasts")).bearer(&sale.key).expect(200).await;
    assert_eq!(runs.json["items"], json!([]));
}
