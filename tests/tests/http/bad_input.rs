//! Bad input: the right 4xx with its documented code, never a 500, never a lost or leaked unit.

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::{ADMIN_TOKEN, Sale, Server, hall, standing};

/// A server with a sale and a buyer in front of it.
struct Counter {
    server: Server,
    sale: Sale,
    buyer: String,
}

impl Counter {
    async fn open(configuration: &Value) -> Counter {
        let server = Server::start().await;
        let sale = Sale::open(&server, configuration).await;
        let buyer = server.buyer().await;
        Counter { server, sale, buyer }
    }

    /// A request to place a hold with this body.
    async fn check(&self, body: impl Into<Vec<u8>>, status: u16, code: &str) -> Value {
        let body = body.into();
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        let reply = self.server.post(&self.sale.path("/holds")).bearer(&self.buyer).raw(body).send().await;
        assert_eq!(
            (reply.status, reply.json["code"].as_str()),
            (status, Some(code)),
            "{shown}: {}",
            String::from_utf8_lossy(&reply.bytes)
        );
        reply.is_problem(status, code);
        reply.json
    }

    /// Nothing was lost and nothing was leaked.
    async fn untouched(&self, free: u64) {
        let availability = self.sale.availability(&self.server).await;
        assert_eq!(availability["pools"][0]["free"].as_u64(), Some(free));
        assert_eq!(
            (availability["live_holds"].as_u64(), availability["orders"].as_u64()),
            (Some(0), Some(0))
        );
    }
}

#[tokio::test]
async fn malformed_bodies() {
    let counter = Counter::open(&standing(10)).await;
    for body in [
        "{",
        "nonsense",
        "{\"lines\":[]} x",
        "{\"lines\":[{\"quantity\":1}]",
        "\u{0}",
        "{\"lines\":\"\\ud800\"}",
    ] {
        counter.check(body, 400, "malformed_json").await;
    }
    counter.check(&b"{\"lines\":\"\xff\xfe\"}"[..], 400, "malformed_json").await;
    counter.check("[".repeat(60_000), 400, "malformed_json").await;
    let deep = format!("{{\"lines\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    counter.check(deep, 400, "malformed_json").await;
    let nested = format!("{{\"lines\":{}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    counter.check(nested, 400, "malformed_json").await;
    counter.check("x".repeat(64 * 1024 + 1), 413, "body_too_large").await;
    counter.check("", 422, "missing_field").await;
    counter.untouched(10).await;
}

#[tokio::test]
async fn wrong_fields() {
    let counter = Counter::open(&standing(10)).await;
    let line = |line: &str| format!("{{\"lines\":[{line}]}}");
    let table: [(String, &str, &str); 26] = [
        ("[]".into(), "wrong_type", ""),
        ("null".into(), "wrong_type", ""),
        ("{}".into(), "missing_field", "lines"),
        ("{\"lines\":{}}".into(), "wrong_type", "lines"),
        ("{\"lines\":[],\"extra\":1}".into(), "unknown_field", "extra"),
        ("{\"lines\":[],\"duration_s\":-1}".into(), "out_of_range", "duration_s"),
        ("{\"lines\":[],\"duration_s\":4294967296}".into(), "out_of_range", "duration_s"),
        ("{\"lines\":[],\"access_code\":7}".into(), "wrong_type", "access_code"),
        ("{\"lines\":[],\"access_code\":\"\"}".into(), "invalid_value", "access_code"),
        (line("{\"ticket_type\":\"Standing\",\"quantitty\":1}"), "unknown_field", "lines[0].quantitty"),
        (line("{\"ticket_type\":\"Standing\",\"quantity\":\"1\"}"), "wrong_type", "lines[0].quantity"),
        (line("{\"ticket_type\":\"Standing\",\"quantity\":1.5}"), "wrong_type", "lines[0].quantity"),
        (line("{\"ticket_type\":\"Standing\",\"quantity\":-1}"), "out_of_range", "lines[0].quantity"),
        (line("{\"ticket_type\":\"Standing\",\"quantity\":65536}"), "out_of_range", "lines[0].quantity"),
        (
            line("{\"ticket_type\":\"Standing\",\"quantity\":99999999999999999999999}"),
            "out_of_range",
            "lines[0].quantity",
        ),
        (line("{\"ticket_type\":\"Standing\",\"quantity\":1e400}"), "out_of_range", ""),
        (line("{\"ticket_type\":\"Standing\",\"seats\":[-1]}"), "out_of_range", "lines[0].seats[0]"),
        (line("{\"ticket_type\":\"Standing\"}"), "invalid_value", "lines[0]"),
        (line("{\"ticket_type\":\"Standing\",\"quantity\":1,\"seats\":[1]}"), "invalid_value", "lines[0]"),
        // A list of the fields in order is no object, however well it fits.
        ("[[]]".into(), "wrong_type", ""),
        (line("[\"Standing\",null,1,null,null]"), "wrong_type", "lines[0]"),
        (line("{\"together\":[1,null,null,0,false]}"), "wrong_type", "lines[0].together"),
        (
            line("{\"ticket_type\":\"Standing\",\"quantity\":1,\"expected_price\":[4500,\"EUR\"]}"),
            "wrong_type",
            "lines[0].expected_price",
        ),
        (line("{\"quantity\":1}"), "missing_field", "lines[0].ticket_type"),
        (
            line(
                "{\"ticket_type\":\"Standing\",\"quantity\":1,\"expected_price\":{\"amount\":-1,\"currency\":\"EUR\"}}",
            ),
            "out_of_range",
            "lines[0].expected_price.amount",
        ),
        (
            line(
                "{\"ticket_type\":\"Standing\",\"quantity\":1,\"expected_price\":{\"amount\":1,\"currency\":\"USD\"}}",
            ),
            "invalid_value",
            "lines[0].expected_price.currency",
        ),
    ];
    for (body, code, path) in table {
        let problem = counter.check(body.clone(), 422, code).await;
        if !path.is_empty() {
            assert_eq!(problem["errors"][0]["path"], path, "{body}");
        }
    }
    counter.untouched(10).await;
}

#[tokio::test]
async fn requests_that_contradict_themselves() {
    let counter = Counter::open(&hall(2)).await;
    let seats = |seats: &[u32]| json!({"ticket_type": "Seat", "seats": seats});
    let quantity = |quantity: u32| json!({"ticket_type": "Standing", "quantity": quantity});
    let table = [
        (json!([]), "invalid_request", "no_lines"),
        (json!([quantity(0)]), "invalid_request", "zero_quantity"),
        (json!([seats(&[])]), "invalid_request", "zero_quantity"),
        (json!([seats(&[1, 1])]), "invalid_request", "duplicate"),
        (json!([seats(&[1]), seats(&[1])]), "invalid_request", "duplicate"),
        (json!([seats(&[4_000_000_000])]), "invalid_request", "unknown_seat"),
        (json!([seats(&[40])]), "invalid_request", "unknown_seat"),
        (json!([{"ticket_type": "None", "quantity": 1}]), "invalid_request", "unknown_ticket_type"),
        (json!([{"ticket_type": "Seat", "quantity": 1}]), "invalid_request", "wrong_kind_of_line"),
        (json!([{"ticket_type": "Standing", "seats": [1]}]), "invalid_request", "wrong_kind_of_line"),
        (
            json!([{"ticket_type": "Seat", "together": {"quantity": 2, "section": "Z"}}]),
            "invalid_request",
            "unknown_section",
        ),
        (json!([{"ticket_type": "Seat", "together": {"quantity": 0}}]), "invalid_request", "zero_quantity"),
        (json!(vec![quantity(1); 17]), "invalid_request", "too_many_lines"),
        (json!([quantity(51)]), "invalid_request", "too_many_units"),
    ];
    for (lines, code, reason) in table {
        let problem = counter.check(json!({"lines": lines}).to_string(), 422, code).await;
        assert_eq!(problem["reason"], reason, "{lines}");
    }
    counter.check(json!({"lines": [quantity(7)]}).to_string(), 422, "order_size").await;
    let short = json!({"lines": [quantity(1)], "duration_s": 1}).to_string();
    assert_eq!(counter.check(short, 422, "invalid_request").await["reason"], "duration_out_of_range");
    counter.untouched(100).await;
}

#[tokio::test]
async fn wrong_headers() {
    let counter = Counter::open(&standing(10)).await;
    let (server, holds) = (&counter.server, counter.sale.path("/holds"));
    let body = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let ask = || server.ask(Method::POST, &holds).bearer(&counter.buyer);
    ask().json(&body).refused(422, "key_missing").await;
    for key in ["", "with space", &"k".repeat(129)] {
        ask().key(key).json(&body).refused(422, "key_malformed").await;
    }
    ask().key("a").header("x-idempotency-key", "b").json(&body).refused(422, "key_malformed").await;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let ask = ask().key("k").json(&body).header("content-type", media_type);
        ask.refused(415, "unsupported_media_type").await;
    }
    let coded = ask().key("k").json(&body).header("content-encoding", "gzip");
    coded.refused(415, "unsupported_media_type").await;
    let long = ask().key("k").header("x-much", &"x".repeat(17 * 1024)).json(&body);
    long.refused(431, "header_too_large").await;
    server.get(&format!("/v1/{}", "x".repeat(3_000))).refused(431, "header_too_large").await;
    counter.untouched(10).await;
}

#[tokio::test]
async fn unknown_and_foreign_identifiers() {
    let counter = Counter::open(&standing(10)).await;
    let Counter { server, sale, buyer } = &counter;
    let other = Sale::open(server, &standing(10)).await;
    let foreign = sale.buy_free(server, buyer, 1).await;
    let (order, ticket) = (foreign.text("id"), foreign.json["tickets"][0]["id"].as_str().unwrap().to_owned());
    let hold = foreign.text("hold");
    for event in ["evt_00000000000000000000000000", "nonsense", "evt_01h455vb4pex5vsknk084sn02q", &hold] {
        let path = |rest: &str| format!("/v1/events/{event}{rest}");
        let body = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
        server.post(&path("/holds")).bearer(buyer).json(&body).refused(404, "event_not_found").await;
        server.get(&path("")).refused(404, "event_not_found").await;
        server.get(&path("/availability")).refused(404, "event_not_found").await;
        server.get(&path("/changes")).refused(404, "event_not_found").await;
    }
    // What is another event's is not there, even for those whose it is.
    for name in [hold.as_str(), "hld_00000000000000000000000000", "nonsense", order.as_str()] {
        let path = other.path(&format!("/holds/{name}"));
        server.get(&path).bearer(buyer).refused(404, "hold_not_found").await;
        server.post(&format!("{path}/release")).bearer(&other.key).refused(404, "hold_not_found").await;
        let begin = server.post(&other.path("/orders")).bearer(buyer).json(&json!({"hold": name}));
        begin.refused(404, "hold_not_found").await;
    }
    let path = other.path(&format!("/orders/{order}"));
    server.get(&path).bearer(buyer).refused(404, "order_not_found").await;
    let scan = json!({"ticket": ticket, "code": "AAAAAAAAAAAAAAAAAAAAAAA", "gate": 1});
    server
        .post(&other.path("/check-ins"))
        .bearer(&other.key)
        .json(&scan)
        .refused(404, "ticket_not_found")
        .await;
    let nowhere = server.post(&other.path(&format!("/tickets/{ticket}/transfer"))).bearer(buyer);
    nowhere.json(&json!({"to": "someone"})).refused(404, "ticket_not_found").await;
    server.get("/v1/nothing").refused(404, "route_not_found").await;
    let wrong = server.ask(Method::PUT, &sale.path("/holds")).send().await;
    wrong.is_problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST");
    let wrong = server.ask(Method::DELETE, &sale.path("/orders")).send().await;
    assert_eq!(wrong.header("allow"), "POST, GET, HEAD");
}

#[tokio::test]
async fn wrong_queries_and_lists() {
    let counter = Counter::open(&standing(10)).await;
    let Counter { server, sale, buyer } = &counter;
    for (query, code, parameter) in [
        ("limit=0", "out_of_range", "limit"),
        ("limit=201", "out_of_range", "limit"),
        ("after=1&limit=many", "invalid_value", "limit"),
        ("limit=1&limit=2", "invalid_value", "limit"),
        ("after=-1", "invalid_value", "after"),
        ("after=99999999999999999999&limit=1", "invalid_value", "after"),
        ("wait_ms=30001", "out_of_range", "wait_ms"),
        ("limit=1&aftr=1", "unknown_field", "aftr"),
    ] {
        let refused = server.get(&sale.path(&format!("/changes?{query}"))).refused(422, code).await;
        assert_eq!(refused.json["errors"][0]["path"], parameter, "{query}");
    }
    server.get(&sale.path("/orders?cursor=zzz")).bearer(buyer).refused(422, "invalid_value").await;
    let many = json!({"count": 1001});
    server.post("/v1/buyer-tokens").bearer(ADMIN_TOKEN).json(&many).refused(422, "out_of_range").await;
    let none = json!({"count": 0});
    server.post("/v1/buyer-tokens").bearer(ADMIN_TOKEN).json(&none).refused(422, "out_of_range").await;
    let long = json!({"buyers": ["x".repeat(129)]});
    let refused = server.post("/v1/buyer-tokens").bearer(ADMIN_TOKEN).json(&long).send().await;
    refused.is_problem(422, "invalid_value");
    assert_eq!(refused.json["errors"][0]["path"], "buyers[0]");
}

#[tokio::test]
async fn what_a_request_sent_is_repeated_up_to_a_limit() {
    const REPLY_BYTES_MAX: usize = 2_000;
    let counter = Counter::open(&standing(10)).await;
    let Counter { server, sale, buyer } = &counter;
    let (long, body) = ("é".repeat(10_000), |line: Value| json!({"lines": [line]}));
    let mut unknown_field = json!({"ticket_type": "Standing", "quantity": 1});
    unknown_field[&long] = 1.into();
    for (line, code) in [
        (json!({"ticket_type": long, "quantity": 1}), "invalid_request"),
        (json!({"ticket_type": "Standing", "quantity": long}), "wrong_type"),
        (unknown_field, "unknown_field"),
    ] {
        let ask = server.post(&sale.path("/holds")).bearer(buyer).json(&body(line));
        let refused = ask.refused(422, code).await;
        assert!(refused.bytes.len() < REPLY_BYTES_MAX, "{code}: {} bytes", refused.bytes.len());
    }
    let mut configuration = standing(10);
    configuration["ticket_types"][0]["draws_on"] = json!(vec![long; 19]);
    let body = json!({"name": "E", "starts_at": "2030-01-01T19:00:00Z", "zone": "UTC", "configuration": configuration});
    let refused = server.post("/v1/events").bearer(&sale.key).json(&body);
    let refused = refused.refused(422, "invalid_configuration").await;
    assert!(refused.bytes.len() < 20 * REPLY_BYTES_MAX, "{} bytes", refused.bytes.len());
    let query = server.get(&sale.path(&format!("/changes?{}=1", "x".repeat(1_500))));
    assert!(query.refused(422, "unknown_field").await.bytes.len() < REPLY_BYTES_MAX);
}
