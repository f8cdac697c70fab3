//! People as they are reached through SMS, browsers, Discord and Telegram, each a peer over real HTTP.

use std::sync::Arc;

use serde_json::{Value, json};
use tessera_correspondence::{Finished, Kind, Medium, Messages, Said, Want, lane_of, say_in};
use tessera_server::settings::Settings;
use tessera_store::keys::{MessageLane, MessagePendingKey, MessagePlace};
use tessera_store::{Table, transact};
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server};

/// Lets time pass in steps until a peer has taken so many.
macro_rules! pass_until {
    ($clock:expr, $peer:expr, $count:expr) => {
        while $peer.taken().len() < $count {
            $clock.advance(Duration::from_secs(5));
            tokio::time::timeout(Duration::from_millis(10), $peer.wait_for($count)).await.ok();
        }
    };
}

mod discord;
mod push;
mod sms;
mod telegram;

fn settings() -> Settings {
    let mut settings = Server::settings();
    settings.messages.enabled = true;
    settings.messages.public_url = "https://tickets.example".to_owned();
    // Peers of these tests are on this machine.
    settings.webhooks.private_targets = true;
    // These tests ask until something is so.
    settings.rate_limit.caller_per_second = 0;
    settings
}

/// A paid order of free tickets, at which its buyer says how it is reached.
async fn buy(server: &Server, sale: &Sale, buyer: &str, contact: &Value) -> Reply {
    let hold = sale.hold(server, buyer, "Free", 1).await.text("id");
    let begin = json!({"hold": hold, "contact": contact});
    let order = server.post(&sale.path("/orders")).bearer(buyer).json(&begin).expect(201).await;
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    server.post(&confirm).bearer(buyer).json(&json!({"payment": "free"})).expect(200).await
}

async fn broadcast(server: &Server, sale: &Sale, kind: &str, title: &str) {
    let body = json!({"kind": kind, "title": title, "text": "At seven."});
    server.post(&sale.path("/broadcasts")).bearer(&sale.key).json(&body).expect(202).await;
}

/// What is at a path, once it is so.
async fn stands(server: &Server, path: &str, token: &str, reached: impl Fn(&Value) -> bool) -> Value {
    loop {
        let shown = server.get(path).bearer(token).expect(200).await.json;
        if reached(&shown) {
            return shown;
        }
        tokio::task::yield_now().await;
    }
}

async fn dead_letters(server: &Server, channel: &str, count: usize) -> Value {
    let path = format!("/v1/dead-letters?channel={channel}");
    let reached = |shown: &Value| shown["items"].as_array().unwrap().len() == count;
    stands(server, &path, ADMIN_TOKEN, reached).await["items"].clone()
}

/// A lane, and what waits in it.
fn lane(server: &Server, medium: Medium, account: &str) -> (MessageLane, Messages) {
    (lane_of(medium, account), Messages::new(Arc::clone(&server.store) as Arc<dyn Table>))
}

/// Once nothing waits in a lane: what a peer has taken is recorded, and does not go again after a restart.
async fn all_is_recorded(server: &Server, medium: Medium, account: &str) {
    let (begin, end) = MessagePendingKey::range(&lane_of(medium, account));
    while !server.store.begin().await.unwrap().range(&begin, &end, 1, false).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// The message that ended last, once one has, other than dead.
async fn ended(server: &Server, medium: Medium, account: &str) -> Finished {
    let (lane, messages) = lane(server, medium, account);
    loop {
        if let Some(one) = messages.finished(&lane, false, None, 1).await.unwrap().pop() {
            return one;
        }
        tokio::task::yield_now().await;
    }
}

/// What the follower writes of units that are held for somebody of the waitlist: for the buyer of the order that was confirmed last.
async fn offer(server: &Server, medium: Medium, account: &str) {
    let confirmed = ended(server, medium, account).await;
    let now = confirmed.want.place.at;
    let place = MessagePlace { kind: Kind::Offer.number(), ..confirmed.want.place };
    let expires_at = Some(now.plus_ms(3_600_000));
    let offer = Want { place, kind: Kind::Offer, expires_at, due_at: now, attempts: 0, ..confirmed.want };
    let (said, lanes) = (&Said { wants: vec![offer], ..Said::default() }, &[lane_of(medium, account)]);
    transact(server.store.as_ref() as &dyn Table, |mut transaction| async move {
        say_in(transaction.as_mut(), said, lanes).await?;
        Ok((transaction, ()))
    })
    .await
    .unwrap();
    server.running().platform().send_messages();
}
