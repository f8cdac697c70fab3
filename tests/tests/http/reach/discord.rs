//! Discord.

use reqwest::Method;
use serde_json::json;
use tessera_correspondence::Medium;
use tessera_server::settings::Settings;
use tessera_tests::reach::{DiscordBooks, Fault, Reached};
use tessera_tests::{Sale, Server, standing};

use super::{all_is_recorded, broadcast, buy, dead_letters, settings};

fn discord() -> (Settings, Reached<DiscordBooks>) {
    let (mut settings, peer) = (settings(), Reached::start(DiscordBooks::new("hush")));
    settings.messages.discord.enabled = true;
    (settings, peer)
}

#[tokio::test]
async fn everybody_is_told_once_in_the_channel_of_the_organizer() {
    let (settings, peer) = discord();
    let server = Server::start_with(settings.clone()).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let webhook = |method: Method| server.ask(method, "/v1/discord-webhook").bearer(&sale.key);
    let path = peer.peer().path();
    let url = format!("{}{path}", peer.url());
    let kept = webhook(Method::PUT).json(&json!({"url": url, "locale": "en"})).expect(200).await;
    assert!(!kept.text("url").contains("hush"), "{}", kept.json);
    assert_eq!(webhook(Method::GET).expect(200).await.json, kept.json);
    for buyer in server.buyers(2).await {
        buy(&server, &sale, &buyer, &json!({})).await;
    }
    peer.peer().window(0, "0.4");
    broadcast(&server, &sale, "emergency", "Doors").await;
    broadcast(&server, &sale, "announcement", "Bar").await;
    let mut messages = peer.wait_for(2).await;
    messages.sort();
    assert_eq!(messages, ["Test: Bar\nAt seven.", "Test: Doors\nAt seven."], "once each, nobody is named");
    // Busy for so long as it says, in seconds and a fraction.
    peer.fails([Fault::answer(
        429,
        &[],
        json!({"message": "You are being rate limited.", "retry_after": 0.3, "global": false}),
    )]);
    broadcast(&server, &sale, "emergency", "Again").await;
    assert_eq!(peer.wait_for(3).await[2], "Test: Again\nAt seven.");
    assert_eq!(peer.faults_left(), 0);
    all_is_recorded(&server, Medium::Discord, "discord").await;
    let store = server.stop().await;
    let server = Server::start_on(store, settings).await;
    sale.phase(&server, "cancelled").await;
    let messages = peer.wait_for(4).await;
    assert_eq!(messages.len(), 4, "nothing goes twice");
    assert!(messages[3].ends_with("is cancelled."), "{messages:?}");
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_left_alone_until_it_is_given_again() {
    let (settings, peer) = discord();
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let webhook = |method: Method| server.ask(method, "/v1/discord-webhook").bearer(&sale.key);
    let path = peer.peer().path();
    let url = format!("{}{path}", peer.url());
    webhook(Method::PUT).json(&json!({"url": url})).expect(200).await;
    peer.peer().remove();
    broadcast(&server, &sale, "emergency", "Doors").await;
    let dead = dead_letters(&server, "discord", 1).await;
    assert!(dead[0]["error"].as_str().unwrap().contains("10015"), "{dead}");
    webhook(Method::PUT).json(&json!({"url": "ftp://a"})).refused(422, "invalid_value").await;
    webhook(Method::PUT).json(&json!({"url": url, "locale": "ü"})).refused(422, "invalid_value").await;
    webhook(Method::DELETE).expect(204).await;
    assert_eq!(webhook(Method::GET).expect(200).await.json, json!({"url": null, "locale": null}));
    // Addresses that others give are public ones, unless the operator says otherwise.
    let silent = Server::start().await;
    let key = silent.organizer_key().await;
    let refused = silent.ask(Method::PUT, "/v1/discord-webhook").bearer(&key).json(&json!({"url": url}));
    assert_eq!(refused.refused(422, "invalid_request").await.text("reason"), "channel_off");
    let mut careful = Server::settings();
    (careful.messages.enabled, careful.messages.discord.enabled) = (true, true);
    let careful = Server::start_with(careful).await;
    let key = careful.organizer_key().await;
    let refused = careful.ask(Method::PUT, "/v1/discord-webhook").bearer(&key).json(&json!({"url": url}));
    refused.refused(422, "invalid_value").await;
}
