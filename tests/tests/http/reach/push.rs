//! Notifications of browsers.
#![allow(clippy::print_stderr)] // one says that it was skipped

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_correspondence::{Ended, Medium};
use tessera_server::settings::Settings;
use tessera_tests::reach::{BrowserKeys, Fault, PushBooks, Reached};
use tessera_tests::{Sale, Server, standing};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::{all_is_recorded, broadcast, buy, ended, offer, settings};

fn push() -> (Settings, Reached<PushBooks>) {
    let (mut settings, peer) = (settings(), Reached::start(PushBooks::new(BrowserKeys::fresh())));
    settings.messages.push.contact = "mailto:tickets@example.com".to_owned();
    (settings, peer)
}

#[tokio::test]
async fn a_browser_shows_tickets_an_offer_and_an_emergency_that_only_it_can_read() {
    let (settings, peer) = push();
    let server = Server::start_with(settings.clone()).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let key = server.get("/v1/push-key").expect(200).await.text("key");
    let subscription = peer.peer().subscribe(&key, peer.url(), "/laptop");
    let subscriptions = |method: Method| server.ask(method, "/v1/push-subscriptions").bearer(&buyer);
    subscriptions(Method::PUT).json(&subscription).expect(204).await;
    subscriptions(Method::PUT).json(&subscription).expect(204).await;
    buy(&server, &sale, &buyer, &json!({"locale": "en"})).await;
    let shown = peer.wait_for(1).await.remove(0);
    assert_eq!(
        (&shown.json["title"], &shown.json["kind"]),
        (&json!("Tickets for Test"), &json!("confirmation"))
    );
    assert_eq!((&shown.json["event"], &shown.json["tag"]), (&json!(sale.event), &json!(shown.headers[2])));
    assert_eq!((shown.headers[1].as_str(), shown.headers[2].len()), ("high", 32));
    offer(&server, Medium::Push, "push").await;
    let shown = peer.wait_for(2).await.remove(1);
    assert!(shown.headers[0].parse::<u64>().unwrap() <= 3_600, "it is of no use after its deadline");
    // Another browser, busy for a moment.
    let phone = peer.peer().subscribe(&key, peer.url(), "/phone");
    subscriptions(Method::PUT).json(&phone).expect(204).await;
    peer.peer().remove("/laptop");
    peer.fails([
        Fault::answer(429, &[("retry-after", "1")], Value::Null),
        Fault::answer(429, &[("retry-after", "1")], Value::Null),
    ]);
    broadcast(&server, &sale, "emergency", "Doors").await;
    let shown = peer.wait_for(3).await.remove(2);
    assert_eq!((shown.path.as_str(), &shown.json["body"]), ("/phone", &json!("Test: Doors\nAt seven.")));
    let at_laptop = || peer.asked().iter().filter(|asked| asked.path == "/laptop").count();
    let before = at_laptop();
    all_is_recorded(&server, Medium::Push, "push").await;
    let store = server.stop().await;
    let server = Server::start_on(store, settings).await;
    assert_eq!(server.get("/v1/push-key").expect(200).await.text("key"), key, "it is the installation's");
    broadcast(&server, &sale, "emergency", "Again").await;
    let all = peer.wait_for(4).await;
    assert_eq!((all.len(), &all[3].json["title"]), (4, &json!("Test: Again")), "nothing goes twice");
    assert!(at_laptop() <= before + 1, "a browser that is gone is asked once more at most, and forgotten");
}

#[tokio::test]
async fn what_is_wrong_with_a_subscription_is_said_and_who_is_forgotten_has_none() {
    let (settings, peer) = push();
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let key = server.get("/v1/push-key").expect(200).await.text("key");
    let good = peer.peer().subscribe(&key, peer.url(), "/laptop");
    let put = |body: &Value| server.ask(Method::PUT, "/v1/push-subscriptions").bearer(&buyer).json(body);
    for (pointer, value) in [("/endpoint", "ftp://a"), ("/keys/p256dh", "AAAA"), ("/keys/auth", "AAAA")] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).unwrap() = json!(value);
        put(&wrong).refused(422, "invalid_value").await;
    }
    put(&json!({})).refused(422, "missing_field").await;
    put(&good).expect(204).await;
    let path = "/v1/push-subscriptions?endpoint=https://elsewhere.example/";
    server.ask(Method::DELETE, path).bearer(&buyer).expect(204).await;
    server.ask(Method::DELETE, "/v1/contacts/me").bearer(&buyer).expect(204).await;
    buy(&server, &sale, &buyer, &json!({})).await;
    assert_eq!(ended(&server, Medium::Push, "push").await.ended, Ended::NoAddress);
    assert_eq!(peer.asked().len(), 0);
    let silent = Server::start().await;
    silent.get("/v1/push-key").refused(422, "invalid_request").await;
}

/// Run by `tests/peers/run`: what a browser gets is read by `http_ece`, which is not ours, and the signature by `cryptography`.
#[tokio::test]
async fn what_a_browser_gets_is_read_by_http_ece() {
    let Some(tools) = std::env::var_os("TEST_PEERS") else {
        eprintln!("SKIPPED: tests/peers/run runs this");
        return;
    };
    let python = std::path::Path::new(&tools).join("bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/browser.py");
    let mut browser = tokio::process::Command::new(python);
    let browser = browser.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut browser = browser.spawn().unwrap();
    let mut said = browser.stdin.take().unwrap();
    let mut lines = BufReader::new(browser.stdout.take().unwrap()).lines();
    let mut settings = settings();
    settings.messages.push.contact = "mailto:tickets@example.com".to_owned();
    let server = Server::start_with(settings).await;
    let key = server.get("/v1/push-key").expect(200).await.text("key");
    said.write_all(format!("{key}\n").as_bytes()).await.unwrap();
    let subscription: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let put = server.ask(Method::PUT, "/v1/push-subscriptions").bearer(&buyer);
    put.json(&subscription).expect(204).await;
    buy(&server, &sale, &buyer, &json!({"locale": "de"})).await;
    let shown: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(shown["title"], "Tickets für Test");
    assert!(shown["body"].as_str().unwrap().starts_with("Ihre Bestellung für Test ist bezahlt"), "{shown}");
    browser.kill().await.unwrap();
}
