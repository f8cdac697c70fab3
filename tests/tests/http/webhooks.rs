//! Webhooks, as a receiver meets them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tessera_server::settings::{Settings, WebhookSettings};
use tessera_tests::receiver::{Received, Receiver, Reply};
use tessera_tests::{ADMIN_TOKEN, Contract, Sale, Server, standing};

/// Settings of a server that may send to this machine.
pub(crate) fn settings() -> Settings {
    let mut settings = Server::settings();
    settings.webhooks.private_targets = true;
    // These tests ask until something is so.
    settings.rate_limit.caller_per_second = 0;
    settings
}

/// An endpoint of the sale's organizer: (path, secret).
pub(crate) async fn endpoint(
    server: &Server,
    sale: &Sale,
    receiver: &Receiver,
    types: &[&str],
) -> (String, String) {
    let body = json!({"url": receiver.url(), "types": types});
    let made = server.post("/v1/webhook-endpoints").bearer(&sale.key).json(&body).expect(201).await;
    (format!("/v1/webhook-endpoints/{}", made.text("id")), made.text("secret"))
}

/// The signature that a receiver computes.
fn signature(secret: &str, message: &Received) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", message.id, message.timestamp).as_bytes());
    mac.update(&message.body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// The finished deliveries of an endpoint, once there are so many.
pub(crate) async fn finished(server: &Server, sale: &Sale, path: &str, count: usize) -> Value {
    let deliveries = format!("{path}/deliveries");
    loop {
        let page = server.get(&deliveries).bearer(&sale.key).expect(200).await;
        if page.json["items"].as_array().unwrap().len() >= count {
            return page.json["items"].clone();
        }
        tokio::task::yield_now().await;
    }
}

/// The endpoint, once it is so.
pub(crate) async fn stands(
    server: &Server,
    sale: &Sale,
    path: &str,
    reached: impl Fn(&Value) -> bool,
) -> Value {
    loop {
        let shown = server.get(path).bearer(&sale.key).expect(200).await.json;
        if reached(&shown) {
            return shown;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_happens_is_told_signed_and_as_the_change_feed_has_it() {
    let server = Server::start_with(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    let (path, secret) = endpoint(&server, &sale, &receiver, &["hold.placed", "order.confirmed"]).await;
    let order = sale.buy_free(&server, &server.buyer().await, 2).await;
    let received = receiver.wait_for(2).await;
    let types: Vec<_> = received.iter().map(|message| message.json["type"].clone()).collect();
    assert!(types.contains(&json!("hold.placed")) && types.contains(&json!("order.confirmed")), "{types:?}");
    let schema = json!({"$ref": "#/components/schemas/WebhookMessage"});
    let feed = server.get(&sale.path("/changes")).bearer(&sale.key).expect(200).await;
    for message in &received {
        assert_eq!(message.signature, signature(&secret, message), "it can be verified");
        Contract::served().await.valid("a message", &schema, &message.json, true);
        let data = &message.json["data"];
        let items = feed.json["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["sequence"] == data["change"]["sequence"]).unwrap();
        assert_eq!((&data["event"], &data["change"]), (&json!(sale.event), item));
        assert_eq!(message.json["timestamp"], item["at"]);
    }
    let confirmed = received.iter().find(|message| message.json["type"] == "order.confirmed").unwrap();
    assert_eq!(confirmed.json["data"]["change"]["order"], order.text("id"));
    let delivered = finished(&server, &sale, &path, 2).await;
    let ids: Vec<_> = delivered.as_array().unwrap().iter().map(|item| item["message"].as_str()).collect();
    assert!(received.iter().all(|message| ids.contains(&Some(message.id.as_str()))), "{delivered}");
    assert_eq!(
        (&delivered[0]["state"], &delivered[0]["last_attempt"]["status"]),
        (&json!("delivered"), &json!(204))
    );
}

#[tokio::test]
async fn a_message_that_was_not_taken_comes_again_under_its_id() {
    let (server, clock) = Server::start_with_clock(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    receiver.replies(&[Reply::Status(500), Reply::Redirect, Reply::Status(200)]);
    let (path, secret) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    sale.buy_free(&server, &server.buyer().await, 1).await;
    receiver.wait_for(1).await;
    let failing = |shown: &Value| shown["failing_since"].is_string();
    assert_eq!(stands(&server, &sale, &path, failing).await["pending"], 1);
    let waiting = server.get(&format!("{path}/deliveries?state=pending")).bearer(&sale.key).expect(200).await;
    assert_eq!(waiting.json["items"][0]["last_attempt"]["status"], 500);
    assert!(waiting.json["items"][0]["next_attempt_at"].is_string());
    let tried = |attempts: u64| {
        let (server, sale, path) = (&server, &sale, format!("{path}/deliveries?state=pending"));
        async move {
            loop {
                let page = server.get(&path).bearer(&sale.key).expect(200).await;
                if page.json["items"][0]["attempts"] == attempts {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    tried(1).await;
    clock.advance(Duration::from_secs(6));
    receiver.wait_for(2).await;
    tried(2).await;
    assert_eq!(receiver.received().len(), 2, "the redirect was not followed");
    clock.advance(Duration::from_secs(331));
    let received = receiver.wait_for(3).await;
    for message in &received {
        assert_eq!((&message.id, &message.body), (&received[0].id, &received[0].body));
        assert_eq!(message.signature, signature(&secret, message));
    }
    assert!(received[2].timestamp > received[0].timestamp, "each attempt says when it was made");
    let delivered = finished(&server, &sale, &path, 1).await;
    assert_eq!((&delivered[0]["attempts"], &delivered[0]["state"]), (&json!(3), &json!("delivered")));
    let shown = stands(&server, &sale, &path, |shown| shown["pending"] == 0).await;
    assert!(shown["failing_since"].is_null(), "{shown}");
}

#[tokio::test]
async fn a_dead_endpoint_holds_up_nobody_and_a_gone_one_is_disabled() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &standing(50)).await;
    let (dead, gone, alive) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    dead.replies(&[Reply::Silence]);
    gone.replies(&[Reply::Status(410)]);
    let types = ["order.confirmed"];
    let (dead_path, _) = endpoint(&server, &sale, &dead, &types).await;
    let (gone_path, _) = endpoint(&server, &sale, &gone, &types).await;
    endpoint(&server, &sale, &alive, &types).await;
    for _ in 0..12 {
        sale.buy_free(&server, &server.buyer().await, 1).await;
    }
    let mut sequences: Vec<_> = alive
        .wait_for(12)
        .await
        .iter()
        .map(|message| message.json["data"]["change"]["sequence"].as_u64())
        .collect();
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences.len(), 12, "it was told of everything");
    assert_eq!(stands(&server, &sale, &dead_path, |shown| shown["pending"] == 12).await["enabled"], true);
    let disabled = stands(&server, &sale, &gone_path, |shown| shown["enabled"] == false).await;
    assert_eq!(disabled["disabled"]["reason"], "gone");
    let ping = server.post(&format!("{gone_path}/pings")).bearer(&sale.key);
    assert_eq!(ping.refused(422, "invalid_request").await.json["reason"], "endpoint_disabled");
    // Enabled again, it is sent what waited.
    gone.replies(&[Reply::Status(200)]);
    let waited = disabled["pending"].as_u64().unwrap();
    let body = json!({"url": gone.url(), "types": types});
    server.ask(reqwest::Method::PUT, &gone_path).bearer(&sale.key).json(&body).expect(200).await;
    ping_is_answered(&server, &sale, &gone, &gone_path).await;
    assert!(waited >= 1, "{disabled}");
}

async fn ping_is_answered(server: &Server, sale: &Sale, receiver: &Receiver, path: &str) {
    let ping = server.post(&format!("{path}/pings")).bearer(&sale.key).expect(202).await.text("message");
    let has_come = |received: &[Received]| received.iter().any(|message| message.id == ping);
    let received = receiver.wait_until(has_come).await;
    let message = received.iter().find(|message| message.id == ping).unwrap();
    assert_eq!((&message.json["type"], &message.json["data"]), (&json!("ping"), &json!({})));
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let server = Server::start_with(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    for _ in 0..3 {
        sale.buy_free(&server, &server.buyer().await, 1).await;
    }
    receiver.replies(&[Reply::Silence]);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    let replay = server.post(&format!("{path}/replays")).bearer(&sale.key);
    replay.json(&json!({"event": sale.event, "after": 0})).expect(202).await;
    // Three are under way, and nobody will ever answer them.
    receiver.wait_for(3).await;
    let store = server.stop().await;
    receiver.replies(&[Reply::Status(200)]);
    let server = Server::start_on(store, settings()).await;
    let received = receiver.wait_for(6).await;
    let mut ids: Vec<_> = received.iter().map(|message| message.id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "the same messages again");
    finished(&server, &sale, &path, 3).await;
    assert_eq!(stands(&server, &sale, &path, |shown| shown["pending"] == 0).await["enabled"], true);
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_for_as_long_as_was_said() {
    let (server, clock) = Server::start_with_clock(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    let (path, old) = endpoint(&server, &sale, &receiver, &["units.killed"]).await;
    let rotate = server.post(&format!("{path}/secrets")).bearer(&sale.key);
    let made = rotate.json(&json!({"overlap_s": 3600})).expect(201).await;
    let new = made.text("secret");
    assert!(new != old && made.json["secrets"].as_array().unwrap().len() == 2, "{}", made.json);
    ping_is_answered(&server, &sale, &receiver, &path).await;
    let received = receiver.received();
    let message = received.iter().find(|message| message.json["type"] == "ping").unwrap();
    assert_eq!(message.signature, format!("{} {}", signature(&new, message), signature(&old, message)));
    clock.advance(Duration::from_secs(3_601));
    let seen = receiver.received().len();
    ping_is_answered(&server, &sale, &receiver, &path).await;
    let message = &receiver.received()[seen..][0];
    assert_eq!(message.signature, signature(&new, message), "the old one has ended");
    let shown = server.get(&path).bearer(&sale.key).expect(200).await;
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("whsec_"), "it is shown once");
    let rotate = server.post(&format!("{path}/secrets")).bearer(&sale.key);
    rotate.json(&json!({"overlap_s": 700_000})).refused(422, "out_of_range").await;
}

#[tokio::test]
async fn a_replay_sends_again_what_the_log_says() {
    let server = Server::start_with(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    for _ in 0..2 {
        sale.buy_free(&server, &server.buyer().await, 1).await;
    }
    let first = receiver.wait_for(2).await;
    let replay = |body: Value| server.post(&format!("{path}/replays")).bearer(&sale.key).json(&body);
    let one = replay(json!({"message": first[1].id})).expect(202).await;
    assert_eq!(one.json, json!({"messages": 1, "next": null}));
    let again = receiver.wait_for(3).await;
    assert_eq!((&again[2].id, &again[2].body), (&first[1].id, &first[1].body));
    let all = replay(json!({"event": sale.event, "after": 0})).expect(202).await;
    assert_eq!(all.json["messages"], 2, "what it does not want is not sent");
    receiver.wait_for(5).await;
    let since = replay(json!({"event": sale.event, "since": first[0].json["timestamp"]})).expect(202).await;
    assert!(since.number("messages") >= 1, "{}", since.json);
    let none = replay(json!({"event": sale.event, "since": "2100-01-01T00:00:00Z"})).expect(202).await;
    assert_eq!(none.json, json!({"messages": 0, "next": null}));
    let foreign = Sale::open(&server, &standing(10)).await;
    replay(json!({"event": foreign.event, "after": 0})).refused(404, "event_not_found").await;
    for wrong in [
        json!({}),
        json!({"message": "msg_nonsense"}),
        json!({"message": first[0].id, "after": 3}),
        json!({"event": sale.event}),
        json!({"event": "nonsense", "after": 0}),
        json!({"event": sale.event, "message": first[0].id}),
    ] {
        replay(wrong).refused(422, "invalid_value").await;
    }
}

#[tokio::test]
async fn private_targets_are_refused_unless_the_operator_allows_them() {
    let settings = Settings { webhooks: WebhookSettings::default(), ..settings() };
    let server = Server::start_with(settings).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    let make = |url: &str| server.post("/v1/webhook-endpoints").bearer(&sale.key).json(&json!({"url": url}));
    for url in [
        &receiver.url(),
        "http://10.0.0.1/",
        "http://[::1]:8080/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:192.168.0.1]/",
        "ftp://a.example/",
        "https://user@a.example/",
    ] {
        let refused = make(url).refused(422, "invalid_value").await;
        assert_eq!(refused.json["errors"][0]["path"], "url", "{url}");
    }
    // A name says nothing: what it leads to is judged when it is connected to.
    let url = receiver.url().replace("127.0.0.1", "localhost");
    let made = make(&url).expect(201).await;
    let path = format!("/v1/webhook-endpoints/{}", made.text("id"));
    server.post(&format!("{path}/pings")).bearer(&sale.key).expect(202).await;
    stands(&server, &sale, &path, |shown| shown["failing_since"].is_string()).await;
    let waiting = server.get(&format!("{path}/deliveries?state=pending")).bearer(&sale.key).expect(200).await;
    assert_eq!(waiting.json["items"][0]["last_attempt"]["error"], "its address is not a public one");
    assert!(receiver.received().is_empty(), "nothing was connected to");
}

#[tokio::test]
async fn tenants_are_apart() {
    let server = Server::start_with(settings()).await;
    let (own, other) = (Sale::open(&server, &standing(10)).await, Sale::open(&server, &standing(10)).await);
    let receiver = Receiver::start().await;
    let (path, _) = endpoint(&server, &own, &receiver, &["order.confirmed"]).await;
    let (method, body) = (reqwest::Method::PUT, json!({"url": receiver.url()}));
    server.get(&path).bearer(&other.key).refused(404, "webhook_endpoint_not_found").await;
    server.ask(method, &path).bearer(&other.key).json(&body).refused(404, "webhook_endpoint_not_found").await;
    for action in ["secrets", "pings"] {
        let ask = server.post(&format!("{path}/{action}")).bearer(&other.key);
        ask.refused(404, "webhook_endpoint_not_found").await;
    }
    let deliveries = server.get(&format!("{path}/deliveries")).bearer(&other.key);
    deliveries.refused(404, "webhook_endpoint_not_found").await;
    let remove = server.ask(reqwest::Method::DELETE, &path).bearer(&other.key);
    remove.refused(404, "webhook_endpoint_not_found").await;
    let listed = server.get("/v1/webhook-endpoints").bearer(&other.key).expect(200).await;
    assert_eq!(listed.json["items"], json!([]));
    // What another organizer sells is not told, even where its event is named.
    let named = json!({"url": receiver.url(), "events": [other.event]});
    server.post("/v1/webhook-endpoints").bearer(&own.key).json(&named).expect(201).await;
    other.buy_free(&server, &server.buyer().await, 1).await;
    own.buy_free(&server, &server.buyer().await, 1).await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].json["data"]["event"], own.event);
    let (weak, _) = server.organizer(&["events:read"], None).await;
    server.post("/v1/webhook-endpoints").bearer(&weak).json(&body).refused(403, "forbidden").await;
    server.get("/v1/webhook-endpoints").bearer(&weak).expect(200).await;
}

#[tokio::test]
async fn endpoints_are_made_changed_listed_and_removed() {
    let server = Server::start_with(settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    let (path, _) = endpoint(&server, &sale, &receiver, &["order.confirmed"]).await;
    let change = |body: Value| server.ask(reqwest::Method::PUT, &path).bearer(&sale.key).json(&body);
    let off = change(json!({"url": receiver.url(), "types": [], "events": [sale.event], "enabled": false}));
    let off = off.expect(200).await;
    assert_eq!((&off.json["enabled"], &off.json["disabled"]["reason"]), (&json!(false), &json!("organizer")));
    assert_eq!(off.json["events"], json!([sale.event]));
    change(json!({"url": receiver.url(), "types": ["order.cancelled"]})).refused(422, "invalid_value").await;
    change(json!({"url": receiver.url(), "types": ["units.killed", "units.killed"]}))
        .refused(422, "invalid_value")
        .await;
    change(json!({"url": receiver.url()})).expect(200).await;
    ping_is_answered(&server, &sale, &receiver, &path).await;
    let listed = server.get("/v1/webhook-endpoints").bearer(&sale.key).expect(200).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    for _ in 1..16 {
        endpoint(&server, &sale, &receiver, &[]).await;
    }
    let seventeenth = server.post("/v1/webhook-endpoints").bearer(&sale.key);
    let refused = seventeenth.json(&json!({"url": receiver.url()})).refused(422, "invalid_request").await;
    assert_eq!(refused.json["reason"], "too_many_endpoints");
    server.ask(reqwest::Method::DELETE, &path).bearer(&sale.key).expect(204).await;
    server.get(&path).bearer(&sale.key).refused(404, "webhook_endpoint_not_found").await;
    let metrics = server.get("/metrics").bearer(ADMIN_TOKEN).expect(200).await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    assert!(metrics.contains("tessera_webhook_deliveries_total{outcome=\"delivered\"}"), "{metrics}");
    assert!(metrics.contains("tessera_webhook_oldest_undelivered_timestamp_seconds"), "{metrics}");
}
