//! The change feed: dense pages, long polls, and streams that go on where they ended.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tessera_tests::{Sale, Server, hall, standing};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn pages_are_dense_and_show_units_but_no_holders() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = sale.buy_free(&server, &buyer, 1).await;
    let mut items: Vec<Value> = Vec::new();
    let mut after = 0;
    loop {
        let page = server.get(&sale.path(&format!("/changes?after={after}&limit=2"))).expect(200).await;
        let found = page.json["items"].as_array().unwrap().clone();
        assert!(found.len() <= 2);
        if found.is_empty() {
            assert_eq!(page.number("next"), after);
            assert_eq!(page.number("head"), after);
            break;
        }
        after = page.number("next");
        items.extend(found);
    }
    for (item, sequence) in items.iter().zip(1_u64..) {
        assert_eq!(item["sequence"].as_u64(), Some(sequence));
        assert!(item["at"].as_str().unwrap().ends_with('Z') && item["type"].is_string());
    }
    let of = |kind: &str| items.iter().find(|item| item["type"] == kind).unwrap();
    assert_eq!(of("configured")["version"], 1);
    assert_eq!(of("phase_changed")["to"], "on_sale");
    let placed = of("hold_placed");
    assert_eq!(placed["hold"], order.json["hold"]);
    let line = json!({"ticket_type": "Free", "quantity": 1, "price": {"amount": 0, "currency": "EUR"}});
    assert_eq!(placed["lines"], json!([line]));
    assert_eq!(of("payment_begun")["order"], order.json["id"]);
    assert_eq!(of("confirmed")["payment"], "free");
    let feed = serde_json::to_string(&items).unwrap();
    assert!(!feed.contains("subject") && !feed.contains("secret") && !feed.contains("key"));
}

#[tokio::test]
async fn a_reader_that_is_ahead_of_the_log_is_told_so() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let head = server.get(&sale.path("/changes")).expect(200).await.number("head");
    let at_head = server.get(&sale.path(&format!("/changes?after={head}"))).expect(200).await;
    assert_eq!((at_head.number("next"), at_head.number("head")), (head, head));
    for after in [head + 1, 999_999, u64::MAX] {
        for wait in ["", "&wait_ms=30000"] {
            let path = sale.path(&format!("/changes?after={after}{wait}"));
            let refused = server.get(&path).refused(422, "out_of_range").await;
            assert_eq!(refused.json["errors"][0]["path"], "after");
        }
        let stream = server.get(&sale.path("/changes")).header("accept", "text/event-stream");
        let refused = stream.header("last-event-id", &after.to_string()).refused(422, "out_of_range").await;
        assert_eq!(refused.json["errors"][0]["path"], "last-event-id");
    }
    // Whoever was told of a decision may ask what follows it, at once.
    let placed = sale.hold(&server, &server.buyer().await, "Standing", 1).await.number("sequence");
    server.get(&sale.path(&format!("/changes?after={placed}"))).expect(200).await;
}

#[tokio::test]
async fn what_is_sold_by_a_code_is_named_to_the_organizer_only() {
    let server = Server::start().await;
    let mut configuration = standing(10);
    configuration["ticket_types"][1]["access_code"] = "GUESTS".into();
    configuration["ticket_types"][1]["opens_at"] = "2020-01-01T00:00:00Z".into();
    let sale = Sale::open(&server, &configuration).await;
    let (standing, free) = ("Standing", "Free");
    let lines: Vec<_> = [standing, free].map(|name| json!({"ticket_type": name, "quantity": 1})).into();
    let body = json!({"lines": lines, "access_code": "GUESTS"});
    server.post(&sale.path("/holds")).bearer(&server.buyer().await).json(&body).expect(201).await;
    let placed = |page: &tessera_tests::Reply| {
        let items = page.json["items"].as_array().unwrap();
        items.iter().find(|item| item["type"] == "hold_placed").unwrap()["lines"].clone()
    };
    let line = |name: Value, price: Value| json!({"ticket_type": name, "quantity": 1, "price": price});
    let money = |amount: u32| json!({"amount": amount, "currency": "EUR"});
    let public = server.get(&sale.path("/changes")).expect(200).await;
    assert_eq!(placed(&public), json!([line(json!(standing), money(4500)), line(Value::Null, Value::Null)]));
    assert!(!String::from_utf8_lossy(&public.bytes).contains(free));
    let own = server.get(&sale.path("/changes")).bearer(&sale.key).expect(200).await;
    assert_eq!(placed(&own), json!([line(json!(standing), money(4500)), line(json!(free), money(0))]));
    let stream = server.get(&sale.path("/changes")).header("accept", "text/event-stream");
    let streamed = read(stream.builder().send().await.unwrap(), 3).await;
    assert_eq!(streamed[2].1["lines"], placed(&public));
}

#[tokio::test]
async fn a_long_poll_answers_when_something_happens() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let head = server.get(&sale.path("/changes?after=0")).expect(200).await.number("head");
    let path = sale.path(&format!("/changes?after={head}&wait_ms=30000"));
    let poll = server.get(&path).send();
    let act = async {
        let buyer = server.buyer().await;
        sale.hold(&server, &buyer, "Standing", 1).await
    };
    let both = Box::pin(futures::future::join(poll, act));
    let (polled, _) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!(polled.json["items"][0]["type"], "hold_placed");
    // A poll with nothing to come ends empty after its time.
    let next = polled.number("next");
    let empty = server.get(&sale.path(&format!("/changes?after={next}&wait_ms=1"))).expect(200).await;
    assert_eq!((empty.json["items"].clone(), empty.number("next")), (json!([]), next));
}

#[tokio::test]
async fn one_address_and_one_caller_do_not_take_every_stream() {
    let mut settings = Server::settings();
    settings.http.streams_max = 100;
    settings.http.streams_per_address_max = 2;
    settings.http.streams_per_caller_max = 3;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let stream = || server.get(&sale.path("/changes?after=2")).header("accept", "text/event-stream");
    let _first = stream().builder().send().await.unwrap();
    let _second = stream().builder().send().await.unwrap();
    stream().refused(503, "too_many_streams").await;
    server.get(&sale.path("/changes?after=2&wait_ms=30000")).refused(503, "too_many_streams").await;
    let waiting = server.get(&sale.path("/orders?min_sequence=18446744073709551615"));
    waiting.bearer(&server.buyer().await).refused(503, "too_many_streams").await;
    // Pages need no permit, and the organizer of the event is not counted with its address.
    server.get(&sale.path("/changes?after=2")).expect(200).await;
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(stream().bearer(&sale.key).builder().send().await.unwrap());
    }
    stream().bearer(&sale.key).refused(503, "too_many_streams").await;
}

#[tokio::test]
async fn a_stream_that_only_its_headers_are_wanted_of_is_none() {
    let mut settings = Server::settings();
    settings.http.streams_max = 1;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    for _ in 0..3 {
        let head = server.ask(reqwest::Method::HEAD, &sale.path("/changes?after=2"));
        let head = head.header("accept", "text/event-stream").send();
        let head = tokio::time::timeout(PATIENCE, head).await.expect("it ends");
        assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
        let poll = server.ask(reqwest::Method::HEAD, &sale.path("/changes?after=2&wait_ms=30000")).send();
        assert_eq!(tokio::time::timeout(PATIENCE, poll).await.expect("it does not wait").status, 200);
    }
}

/// The next `count` events of a stream: (id, data).
async fn read(response: reqwest::Response, count: usize) -> Vec<(u64, Value)> {
    let mut stream = response.bytes_stream();
    let mut text = String::new();
    loop {
        let events: Vec<_> = text.split("\n\n").filter(|block| block.starts_with("id: ")).collect();
        if events.len() > count || (events.len() == count && text.ends_with("\n\n")) {
            let event = |block: &&str| {
                let (id, data) = block.split_once("\ndata: ").unwrap();
                (id[4..].parse().unwrap(), serde_json::from_str(data).unwrap())
            };
            return events[..count].iter().map(event).collect();
        }
        let chunk = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
}

#[tokio::test]
async fn a_stream_goes_on_where_it_ended() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let open = |last: Option<u64>| {
        let ask = server.get(&sale.path("/changes")).header("accept", "text/event-stream");
        match last {
            Some(last) => ask.header("last-event-id", &last.to_string()),
            None => ask,
        }
        .builder()
        .send()
    };
    let response = open(None).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let first = read(response, 2).await;
    assert_eq!((first[0].0, first[1].0), (1, 2));
    assert_eq!(first[0].1["type"], "configured");
    let resumed = open(Some(2)).await.unwrap();
    let place = async {
        let buyer = server.buyer().await;
        for _ in 0..3 {
            sale.hold(&server, &buyer, "Standing", 1).await;
        }
    };
    let (events, ()) = futures::future::join(read(resumed, 3), place).await;
    assert_eq!(events.iter().map(|event| event.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(events[2].1["lines"][0]["ticket_type"], "Standing");
    let wrong = server.get(&sale.path("/changes")).header("accept", "text/event-stream");
    wrong.header("last-event-id", "soon").refused(400, "invalid_header").await;
}

#[tokio::test]
async fn streams_are_limited_and_end_when_the_server_stops() {
    let mut settings = Server::settings();
    settings.http.streams_max = 1;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let open = || server.get(&sale.path("/changes?after=2")).header("accept", "text/event-stream");
    let response = open().builder().send().await.unwrap();
    open().refused(503, "too_many_streams").await;
    server.get(&sale.path("/changes?after=2&wait_ms=30000")).refused(503, "too_many_streams").await;
    let end = response.bytes_stream().collect::<Vec<_>>();
    let both = futures::future::join(end, server.stop());
    tokio::time::timeout(PATIENCE, both).await.expect("the stream ends with the server");
}
