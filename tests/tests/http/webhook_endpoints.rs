//! How webhook endpoints stand: that fail, that are disabled, for which too much waits; and who sees it.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_projections::webhooks::{Asked, Batch, Deliveries, Delivery, PENDING_LOW, WebhookEndpoints};
use tessera_store::keys::WebhookPlace;
use tessera_tests::receiver::{Received, Receiver, Reply};
use tessera_tests::{ADMIN_TOKEN, Sale, Server, standing};
use tracing_subscriber::util::SubscriberInitExt;

use crate::operations::Lines;
use crate::webhooks::{endpoint, finished, settings, stands};

#[tokio::test]
async fn an_endpoint_that_fails_for_three_days_is_disabled_and_its_message_given_up() {
    let (server, clock) = Server::start_with_clock(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    receiver.replies(&[Reply::Status(503)]);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    sale.buy_free(&server, &server.buyer().await, 1).await;
    for (attempts, pause_s) in (1..).zip(tessera_actors::RETRY_AFTER_S) {
        let pending = format!("{path}/deliveries?state=pending");
        loop {
            let page = server.get(&pending).bearer(&sale.key).expect(200).await;
            if page.json["items"][0]["attempts"] == attempts {
                break;
            }
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(pause_s + pause_s / 10 + 1));
    }
    let given_up = finished(&server, &sale, &path, 1).await;
    assert_eq!((&given_up[0]["state"], &given_up[0]["attempts"]), (&json!("given_up"), &json!(10)));
    let disabled = stands(&server, &sale, &path, |shown| shown["enabled"] == false).await;
    assert_eq!((&disabled["disabled"]["reason"], &disabled["pending"]), (&json!("failing"), &json!(0)));
    let ids: std::collections::HashSet<_> =
        receiver.received().into_iter().map(|message| message.id).collect();
    assert_eq!((receiver.received().len(), ids.len()), (10, 1));
}

/// So many messages wait for the only endpoint there is.
async fn fill(server: &Server, count: u64) {
    let endpoint = WebhookEndpoints::new(server.store.clone()).list(None, None, 2).await.unwrap()[0].id;
    let delivery = |sequence| Delivery {
        place: WebhookPlace { at: Timestamp(0), event: EventId(1), sequence: Sequence(sequence), copy: 0 },
        kind: "order.confirmed".to_owned(),
        payload: b"{}".to_vec(),
        due_at: Timestamp(0),
        attempts: 0,
        last: None,
    };
    let deliveries: Vec<_> = (1..=count).map(delivery).collect();
    // As many at a time as one transaction takes.
    for deliveries in deliveries.chunks(2_000) {
        let batch = Batch { endpoint, deliveries: deliveries.to_vec() };
        let asked = Deliveries::new(server.store.clone()).enqueue(&batch).await.unwrap();
        assert_eq!(asked, Asked::Waits);
    }
}

#[tokio::test]
async fn a_replay_that_does_not_fit_is_refused_and_an_endpoint_with_much_to_catch_up_says_so() {
    let server = Server::start_with(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    receiver.replies(&[Reply::Silence]);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    fill(&server, PENDING_LOW).await;
    let replay = server.post(&format!("{path}/replays")).bearer(&sale.key);
    sale.buy_free(&server, &server.buyer().await, 1).await;
    let full = stands(&server, &sale, &path, |shown| shown["pending"] == PENDING_LOW + 1).await;
    assert_eq!((&full["enabled"], &full["catching_up"]), (&json!(true), &json!(false)));
    let body = json!({"event": sale.event, "after": 0});
    let refused = replay.json(&body).refused(422, "invalid_request").await;
    assert_eq!((&refused.json["reason"], &refused.json["pending"]), (&json!("no_room"), &full["pending"]));
    let put = async |enabled: bool| {
        let body = json!({"url": receiver.url(), "types": ["order.confirmed"], "enabled": enabled});
        server.ask(reqwest::Method::PUT, &path).bearer(&sale.key).json(&body).expect(200).await.json
    };
    let still = put(true).await;
    assert_eq!(
        (&still["enabled"], &still["catching_up"]),
        (&json!(true), &json!(false)),
        "it was not disabled"
    );
    put(false).await;
    let back = put(true).await;
    assert_eq!((&back["enabled"], &back["catching_up"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_failing_endpoint_is_tried_with_one_message_a_pause_and_then_sent_what_waited() {
    let (server, clock) = Server::start_with_clock(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(50)).await, Receiver::start().await);
    receiver.replies(&[Reply::Status(500)]);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    for _ in 0..30 {
        sale.buy_free(&server, &server.buyer().await, 1).await;
    }
    let pauses = |shown: &Value| shown["pending"] == 30 && shown["paused_until"].is_string();
    stands(&server, &sale, &path, pauses).await;
    let tried = receiver.received().len();
    assert!(tried < 20, "it was posted to {tried} times at once");
    let waiting = server.get(&format!("{path}/deliveries?state=pending")).bearer(&sale.key).expect(200).await;
    let untried = waiting.json["items"].as_array().unwrap().iter().filter(|item| item["attempts"] == 0);
    assert!(untried.count() > 10, "the others have all their attempts: {}", waiting.json);
    clock.advance(Duration::from_secs(30));
    receiver.wait_for(tried + 1).await;
    stands(&server, &sale, &path, pauses).await;
    receiver.replies(&[Reply::Status(204)]);
    clock.advance(Duration::from_secs(400));
    finished(&server, &sale, &path, 30).await;
    let shown = server.get(&path).bearer(&sale.key).expect(200).await.json;
    assert_eq!((&shown["pending"], &shown["paused_until"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn an_endpoint_that_asks_to_be_left_alone_is_within_a_bound() {
    let (server, clock) = Server::start_with_clock(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    let pauses = |shown: &Value| shown["paused_until"].is_string();
    for (reply, still_s, over_s) in
        [(Reply::Later(429, 120), 90, 60), (Reply::Later(503, 1_000_000), 3_500, 200)]
    {
        let before = receiver.received().len();
        receiver.replies(&[reply]);
        sale.buy_free(&server, &server.buyer().await, 1).await;
        let paused = stands(&server, &sale, &path, pauses).await;
        receiver.replies(&[Reply::Status(204)]);
        clock.advance(Duration::from_secs(still_s));
        let shown = server.get(&path).bearer(&sale.key).expect(200).await.json;
        assert_eq!(shown["paused_until"], paused["paused_until"], "{reply:?}");
        clock.advance(Duration::from_secs(over_s));
        receiver.wait_for(before + 2).await;
        stands(&server, &sale, &path, |shown| shown["pending"] == 0).await;
    }
}

#[tokio::test]
async fn what_happens_while_an_endpoint_is_disabled_is_had_by_a_replay_only() {
    let server = Server::start_with(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(20)).await, Receiver::start().await);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    let put = async |enabled: bool| {
        let body = json!({"url": receiver.url(), "types": ["order.confirmed"], "enabled": enabled});
        server.ask(reqwest::Method::PUT, &path).bearer(&sale.key).json(&body).expect(200).await.json
    };
    let buy = async || sale.buy_free(&server, &server.buyer().await, 1).await.number("sequence");
    let told = |received: &[Received]| -> Vec<u64> {
        received.iter().filter_map(|message| message.json["data"]["change"]["sequence"].as_u64()).collect()
    };
    assert!(put(false).await["told_since"].is_null());
    let missed = [buy().await, buy().await];
    let event = tessera_server::ids::parse_event(&sale.event).unwrap();
    let cursors = FollowerCursors::new(server.store.clone());
    while cursors.read(event, "notification").await.unwrap().sequence < Sequence(missed[1]) {
        tokio::task::yield_now().await;
    }
    assert!(put(true).await["told_since"].is_string());
    let next = buy().await;
    receiver.wait_for(1).await;
    finished(&server, &sale, &path, 1).await;
    assert_eq!(told(&receiver.received()), [next]);
    let body = json!({"event": sale.event, "after": missed[0] - 1});
    server.post(&format!("{path}/replays")).bearer(&sale.key).json(&body).expect(202).await;
    let mut all = told(&receiver.wait_for(4).await);
    all.sort_unstable();
    assert_eq!(all, [missed[0], missed[1], next, next]);
}

#[tokio::test]
async fn the_administrator_sees_everyones_endpoints_and_what_became_of_deliveries() {
    let server = Server::start_with(settings()).await;
    let (own, other) = (Sale::open(&server, &standing(10)).await, Sale::open(&server, &standing(10)).await);
    let receiver = Receiver::start().await;
    let (path, _) = endpoint(&server, &own, &receiver, &["order.confirmed"]).await;
    let (other_path, _) = endpoint(&server, &other, &receiver, &["order.confirmed"]).await;
    let body = json!({"url": receiver.url()});
    let mine = server.post("/v1/webhook-endpoints").bearer(ADMIN_TOKEN).json(&body).expect(201).await;
    let organizer = async |sale: &Sale| {
        server.get(&sale.path("")).bearer(ADMIN_TOKEN).expect(200).await.text("organizer")
    };
    let mut expected = vec![organizer(&own).await, organizer(&other).await, mine.text("organizer")];
    let list = "/v1/webhook-endpoints?limit=1";
    let (mut found, mut cursors) = (Vec::new(), vec![String::new()]);
    while let Some(cursor) = cursors.last() {
        let page = server.get(&format!("{list}{cursor}")).bearer(ADMIN_TOKEN).expect(200).await;
        let items = page.json["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item["organizer"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next"].as_str() else { break };
        cursors.push(format!("&cursor={next}"));
    }
    expected.sort_unstable();
    assert_eq!(found, expected, "in the order of organizers");
    let page = server.get(&format!("{list}{}", cursors[1])).bearer(&own.key).expect(200).await;
    assert_eq!(page.json["items"].as_array().unwrap().len(), 1, "after the administrator's: {}", page.json);
    assert_eq!(
        page.json["items"][0]["organizer"],
        organizer(&own).await,
        "a foreign cursor leads to one's own"
    );
    own.buy_free(&server, &server.buyer().await, 1).await;
    finished(&server, &own, &path, 1).await;
    let seen = server.get(&format!("{path}/deliveries")).bearer(ADMIN_TOKEN).expect(200).await;
    assert_eq!(seen.json["items"][0]["state"], "delivered");
    let shown = server.get(&path).bearer(ADMIN_TOKEN).expect(200).await;
    assert_eq!(shown.text("organizer"), organizer(&own).await);
    server.post(&format!("{path}/pings")).bearer(ADMIN_TOKEN).expect(202).await;
    // Who may do everything does not tell one organizer of another's sales.
    let replay = server.post(&format!("{other_path}/replays")).bearer(ADMIN_TOKEN);
    replay.json(&json!({"event": own.event, "after": 0})).refused(404, "event_not_found").await;
    server.ask(reqwest::Method::DELETE, &path).bearer(ADMIN_TOKEN).expect(204).await;
    server.get(&path).bearer(&own.key).refused(404, "webhook_endpoint_not_found").await;
}

#[tokio::test]
async fn the_log_names_an_endpoint_that_is_disabled_as_the_api_does() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logging = tracing_subscriber::fmt().with_env_filter("off,tessera_actors::webhooks=warn");
    // Whatever works for the server of this test does so on this thread.
    let _logging = logging.with_ansi(false).with_writer(move || writer.clone()).finish().set_default();
    let server = Server::start_with(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    receiver.replies(&[Reply::Status(410)]);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    server.post(&format!("{path}/pings")).bearer(&sale.key).expect(202).await;
    let disabled = stands(&server, &sale, &path, |shown| shown["enabled"] == false).await;
    let line = loop {
        match lines.find("a webhook endpoint is disabled") {
            Some(line) => break line,
            None => tokio::task::yield_now().await,
        }
    };
    for part in [&disabled["id"], &disabled["organizer"]] {
        assert!(line.contains(part.as_str().unwrap()), "{part}: {line}");
    }
}
