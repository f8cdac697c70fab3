//! For operators: health, readiness, metrics, request ids, headers, shutdown.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tessera_tests::{ADMIN_TOKEN, Sale, Server, standing};

#[tokio::test]
async fn health_readiness_and_metrics() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz").expect(200).await.json, json!({"status": "ok"}));
    let ready = server.get("/readyz").expect(200).await;
    assert_eq!(ready.text("status"), "ready");
    assert_eq!(ready.json["supervisors"].as_array().unwrap().len(), 6);
    let sale = Sale::open(&server, &standing(10)).await;
    sale.hold(&server, &server.buyer().await, "Standing", 1).await;
    server.get("/nowhere").refused(404, "route_not_found").await;
    let metrics = server.get("/metrics").expect(200).await;
    let text = String::from_utf8(metrics.bytes).unwrap();
    let hold =
        "tessera_http_requests_total{route=\"/v1/events/{event}/holds\",method=\"POST\",status=\"201\"}";
    assert!(text.contains(hold), "{text}");
    assert!(
        text.contains("tessera_http_request_seconds_bucket{route=\"/v1/events/{event}/holds\""),
        "{text}"
    );
    assert!(text.contains("tessera_problems_total{code=\"route_not_found\"}"), "{text}");
    assert!(text.contains("\nprocess_cpu_seconds_total "), "{text}");
    assert!(!text.contains(&sale.event), "no identifier is a label");
    let page = server.get("/docs/errors/sold_out").expect(200).await;
    assert!(page.bytes.starts_with(b"# sold_out"));
    let repaired = server.post(&sale.path("/repairs")).bearer(ADMIN_TOKEN).expect(200).await;
    assert_eq!(repaired.text("state"), "serving");
}

#[tokio::test]
async fn every_reply_has_a_request_id_and_safe_headers() {
    let server = Server::start().await;
    let given = server.get("/healthz").header("x-request-id", "abc-123").expect(200).await;
    assert_eq!(given.header("x-request-id"), "abc-123");
    let made = server.get("/healthz").header("x-request-id", "<script>").expect(200).await;
    assert_eq!(made.header("x-request-id").len(), 32);
    for reply in [made, server.get("/nowhere").refused(404, "route_not_found").await] {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"));
        assert!(!reply.header("x-request-id").is_empty());
    }
    let head = server.ask(reqwest::Method::HEAD, "/healthz").expect(200).await;
    assert!(head.bytes.is_empty());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_graceful_stop() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let held = sale.hold(&server, &buyer, "Standing", 2).await;
    let store = server.stop().await;
    let server = Server::start_on(store, Server::settings()).await;
    let path = sale.path(&format!("/holds/{}", held.text("id")));
    let read = server.get(&path).bearer(&buyer).expect(200).await;
    assert_eq!(read.json["lines"], held.json["lines"]);
    server.get(&path).header("x-hold-secret", &held.text("secret")).expect(200).await;
}

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn who_connects_while_the_server_drains_is_told_so() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let (store, base) = (Arc::clone(&server.store), server.running().base_url());
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let place = server.post(&sale.path("/holds")).bearer(&server.buyer().await).json(&lines);
    store.hold_appends();
    let placing = tokio::spawn(place.expect(201));
    while store.held_appends() == 0 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn(server.stop());
    let probe = async {
        loop {
            // A client of its own: every probe is a fresh connection.
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let reply = client.get(format!("{base}/readyz")).send().await.unwrap();
            if reply.status() == 503 {
                break reply;
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, probe).await.expect("an answer, not a connection that hangs");
    assert_eq!(told.headers()["connection"], "close");
    let body: serde_json::Value = told.json().await.unwrap();
    assert_eq!((&body["status"], &body["draining"]), (&json!("not_ready"), &json!(true)));
    store.release_appends();
    placing.await.unwrap();
    stopping.await.unwrap();
}

#[tokio::test]
async fn an_administrator_vouches_for_the_clock() {
    let server = Server::start().await;
    let vouched = server.post("/v1/clock-acknowledgements").bearer(ADMIN_TOKEN).json(&json!({}));
    assert!(vouched.expect(200).await.json["at"].is_string());
}

#[tokio::test]
async fn which_events_need_an_operator_is_said_to_operators() {
    let server = Server::start().await;
    let ask = || server.get("/readyz").header("x-forwarded-for", "198.51.100.7");
    let stranger = ask().expect(200).await;
    for name in ["quarantined", "doubted_clocks", "stuck_followers"] {
        assert_eq!(stranger.json[name], json!({"count": 0}), "{name}");
        for reply in [ask().bearer(ADMIN_TOKEN).expect(200).await, server.get("/readyz").expect(200).await] {
            assert_eq!(reply.json[name], json!({"count": 0, "events": []}), "{name}");
        }
    }
}

#[tokio::test]
async fn a_forwarded_request_is_not_from_this_machine() {
    let server = Server::start().await;
    let forwarded = || server.get("/metrics").header("x-forwarded-for", "198.51.100.7");
    forwarded().refused(403, "forbidden").await;
    forwarded().bearer(ADMIN_TOKEN).expect(200).await;
}

/// What is logged.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// The line that has this, once there is one.
    pub(crate) fn find(&self, part: &str) -> Option<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().find(|line| line.contains(part)).map(str::to_owned)
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_line_about_a_request_leads_to_its_trace() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logging = tracing_subscriber::fmt().with_env_filter("off,tessera_server::dispatch=debug");
    logging.with_ansi(false).with_writer(move || writer.clone()).init();
    let server = Server::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let ask = server.get("/v1/events/nonsense").header("x-request-id", "a-request-with-a-trace");
    let ask = ask.header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"));
    ask.refused(404, "event_not_found").await;
    let line = lines.find("a-request-with-a-trace").expect("a line");
    for part in ["GET", "/v1/events/{event}", trace, "404"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}
