//! Telegram.
#![allow(clippy::disallowed_methods)] // a wait for a request is given up for a moment, so that time may pass

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tessera_correspondence::Medium;
use tessera_server::settings::Settings;
use tessera_tests::reach::{Fault, Reached, TelegramBooks};
use tessera_tests::{Sale, Server, standing};

use super::{all_is_recorded, broadcast, buy, dead_letters, offer, settings};

const BOT: &str = "42:bot-token";
const CHAT: i64 = 4_200_000_001;

fn telegram() -> (Settings, Reached<TelegramBooks>) {
    let (mut settings, peer) = (settings(), Reached::start(TelegramBooks::new(BOT)));
    settings.messages.telegram.token = Some(BOT.to_owned().into());
    settings.messages.telegram.url = peer.url().to_owned();
    (settings, peer)
}

/// Asks for a link and opens it; what the bot answers.
async fn begin_chat(server: &Server, peer: &Reached<TelegramBooks>, buyer: &str, chat: i64) -> String {
    let link = server.post("/v1/telegram-links").bearer(buyer).json(&json!({})).expect(201).await.text("url");
    let token = link.strip_prefix("https://t.me/tickets_bot?start=").unwrap();
    let update = peer.peer().write(chat, &format!("/start {token}"));
    let hook = peer.peer().hook().unwrap().strip_prefix("https://tickets.example").unwrap().to_owned();
    server.post(&hook).json(&update).expect(200).await.text("text")
}

#[tokio::test]
async fn a_chat_with_the_bot_is_begun_by_a_link_and_told_of_tickets_an_offer_and_an_emergency() {
    let (settings, peer) = telegram();
    let server = Server::start_with(settings.clone()).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    assert_eq!(
        begin_chat(&server, &peer, &buyer, CHAT).await,
        "Sie erfahren hier, was Ihre Tickets betrifft."
    );
    let contact = server.get("/v1/contacts/me").bearer(&buyer).expect(200).await;
    assert_eq!(contact.json["telegram"], true);
    buy(&server, &sale, &buyer, &json!({"locale": "en"})).await;
    let (chat, text) = peer.wait_for(1).await.remove(0);
    assert_eq!(chat, CHAT.to_string());
    assert!(text.starts_with("Your order for Test is paid"), "{text}");
    offer(&server, Medium::Telegram, "telegram").await;
    assert!(peer.wait_for(2).await[1].1.contains("held for you"));
    broadcast(&server, &sale, "emergency", "Doors").await;
    assert_eq!(peer.wait_for(3).await[2].1, "Test: Doors\nAt seven.");
    all_is_recorded(&server, Medium::Telegram, "telegram").await;
    let store = server.stop().await;
    let server = Server::start_on(store, settings).await;
    broadcast(&server, &sale, "emergency", "Again").await;
    let messages = peer.wait_for(4).await;
    assert_eq!((messages.len(), messages[3].1.as_str()), (4, "Test: Again\nAt seven."));
    server.ask(Method::DELETE, "/v1/telegram-links").bearer(&buyer).expect(204).await;
    let contact = server.get("/v1/contacts/me").bearer(&buyer).expect(200).await;
    assert_eq!(contact.json["telegram"], false);
}

#[tokio::test]
async fn only_telegram_says_what_is_written_to_the_bot_and_old_links_begin_nothing() {
    let (settings, peer) = telegram();
    let (server, clock) = Server::start_with_clock(settings).await;
    let buyer = server.buyer().await;
    let link =
        server.post("/v1/telegram-links").bearer(&buyer).json(&json!({})).expect(201).await.text("url");
    let token = link.rsplit('=').next().unwrap().to_owned();
    let hook = peer.peer().hook().unwrap().strip_prefix("https://tickets.example").unwrap().to_owned();
    let update = peer.peer().write(CHAT, &format!("/start {token}"));
    server.post("/v1/telegram-updates/AAAA").json(&update).refused(404, "route_not_found").await;
    server.post(&hook).raw("{").refused(400, "malformed_json").await;
    let other = peer.peer().write(CHAT, "Hello?");
    assert_eq!(server.post(&hook).json(&other).expect(200).await.json, json!({}));
    clock.advance(Duration::from_secs(901));
    let late = server.post(&hook).json(&update).expect(200).await.text("text");
    assert!(late.contains("zu alt"), "{late}");
    // Without a bot there is no link, and Telegram is told nothing.
    let silent = Server::start().await;
    let refused = silent.post("/v1/telegram-links").bearer(&silent.buyer().await).json(&json!({}));
    assert_eq!(refused.refused(422, "invalid_request").await.text("reason"), "channel_off");
    silent.post("/v1/telegram-updates/AAAA").json(&update).refused(404, "route_not_found").await;
}

#[tokio::test]
async fn a_bot_that_is_told_to_wait_waits_and_one_that_is_blocked_writes_no_more() {
    let (settings, peer) = telegram();
    let (server, clock) = Server::start_with_clock(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    begin_chat(&server, &peer, &buyer, CHAT).await;
    let before = peer.asked().len();
    let busy = json!({"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 20",
        "parameters": {"retry_after": 20}});
    peer.fails([
        Fault::answer(429, &[], busy),
        Fault::answer(401, &[], json!({"ok": false, "description": "Unauthorized"})),
    ]);
    buy(&server, &sale, &buyer, &json!({})).await;
    peer.wait_for_requests(before + 1).await;
    assert_eq!(peer.taken().len(), 0);
    // After the wait it is refused; then its account pauses, and recovers.
    pass_until!(clock, peer, 1);
    assert_eq!(peer.faults_left(), 0);
    peer.peer().block(CHAT);
    broadcast(&server, &sale, "emergency", "Doors").await;
    while peer.asked().len() < before + 4 {
        clock.advance(Duration::from_secs(5));
        tokio::time::timeout(Duration::from_millis(10), peer.wait_for_requests(before + 4)).await.ok();
    }
    let dead = dead_letters(&server, "telegram", 1).await;
    assert!(dead[0]["error"].as_str().unwrap().contains("blocked"), "{dead}");
    // Whoever begins the chat anew is written to again.
    begin_chat(&server, &peer, &buyer, CHAT + 1).await;
    clock.advance(Duration::from_secs(5));
    broadcast(&server, &sale, "emergency", "Again").await;
    pass_until!(clock, peer, 2);
    assert_eq!(peer.taken()[1].0, (CHAT + 1).to_string());
}
