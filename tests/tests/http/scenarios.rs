//! Failure scenarios as a client of the API meets them; each test is named after its number.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::relay::{Fault, Mail, Relay};
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server, fresh_key, hall, standing};

use crate::messages;
use crate::payments::{Checkout, books_come_to, logged, settings};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;
/// What a checkout comes to, in minor units: two seats.
const PRICE: i64 = 18_000;
/// How long the buyer of a checkout may pay.
const GRACE: Duration = Duration::from_secs(900);

#[tokio::test]
async fn scenario_24_a_full_lane_refuses_new_holds_at_once_and_serves_those_who_have_one() {
    let mut settings = Server::settings();
    settings.writer.new_holds_max = 2;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(20)).await;
    let early = server.buyer().await;
    let held = sale.hold(&server, &early, "Standing", 1).await.text("id");
    let buyers = server.buyers(4).await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let place = |at: usize| server.post(&sale.path("/holds")).bearer(&buyers[at]).key("k").json(&lines);
    server.store.hold_appends();
    let under_way = tokio::spawn(place(0).send());
    while server.store.held_appends() == 0 {
        tokio::task::yield_now().await;
    }
    let waiting: Vec<_> = (1..4).map(|at| tokio::spawn(place(at).send())).collect();
    let first = futures::future::select_all(waiting);
    let (full, _, waiting) = tokio::time::timeout(PATIENCE, first).await.expect("refused at once");
    let full = full.unwrap();
    full.is_problem(503, "not_executed");
    assert_eq!(full.json["reason"], "queue_full");
    let release = server.post(&sale.path(&format!("/holds/{held}/release"))).bearer(&early).send();
    let release = tokio::spawn(release);
    assert_eq!(
        sale.availability(&server).await["pools"][0]["held"],
        1,
        "reads are served from what is durable"
    );
    server.store.release_appends();
    assert_eq!(release.await.unwrap().status, 200, "who has a hold is served");
    for placed in waiting.into_iter().chain([under_way]) {
        assert_eq!(placed.await.unwrap().status, 201);
    }
    // What was not executed is executed by the same key now, and nothing twice.
    for at in 0..4 {
        place(at).expect(201).await;
    }
    assert_eq!(sale.availability(&server).await["pools"][0]["held"], 4);
}

#[tokio::test]
async fn scenario_24_a_flood_of_one_caller_is_answered_429_and_takes_nothing_from_the_others() {
    const FLOOD: usize = 300;
    const BURST: u32 = 20;
    let mut settings = Server::settings();
    settings.rate_limit.caller_per_second = 1;
    settings.rate_limit.caller_burst = BURST;
    settings.writer.new_holds_max = 4;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(500)).await;
    let [flooder, early] = <[String; 2]>::try_from(server.buyers(2).await).unwrap();
    let held = sale.hold(&server, &early, "Standing", 1).await.text("id");
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    server.store.hold_appends();
    let began = Instant::now();
    let flood: Vec<_> = (0..FLOOD)
        .map(|_| tokio::spawn(server.post(&sale.path("/holds")).bearer(&flooder).json(&lines).send()))
        .collect();
    while server.store.held_appends() == 0 {
        tokio::task::yield_now().await;
    }
    let release = server.post(&sale.path(&format!("/holds/{held}/release"))).bearer(&early).send();
    let release = tokio::spawn(release);
    // Those over the limit, and those that found the lane full, are answered while nothing moves.
    let mut flood = futures::stream::FuturesUnordered::from_iter(flood);
    let mut refused = Vec::new();
    while flood.len() > 2 * 4 {
        let next = tokio::time::timeout(PATIENCE, futures::StreamExt::next(&mut flood)).await;
        refused.push(next.expect("answered at once").unwrap().unwrap());
    }
    server.store.release_appends();
    let allowed = u64::from(BURST) + began.elapsed().as_secs() + 1;
    let (limited, others): (Vec<_>, Vec<_>) = refused.iter().partition(|reply| reply.status == 429);
    for reply in &limited {
        reply.is_problem(429, "too_many_requests");
        assert_eq!(reply.header("ratelimit-remaining"), "0");
    }
    for reply in &others {
        assert!([201, 503, 409].contains(&reply.status), "{}", reply.json);
    }
    assert!(FLOOD as u64 - limited.len() as u64 <= allowed + 2 * 4, "{} of {FLOOD}", limited.len());
    assert_eq!(release.await.unwrap().status, 200, "who has a hold is served");
    sale.hold(&server, &server.buyer().await, "Standing", 1).await;
}

#[tokio::test]
async fn scenario_46_a_connection_never_sees_an_older_version_and_nothing_is_sold_from_one() {
    let mut settings = Server::settings();
    settings.workers = 2;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &hall(2)).await;
    let buyers = server.buyers(40).await;
    let map = server.get(&sale.path("/seat-map")).expect(200).await;
    let mut newest = map.number("sequence");
    for (seat, buyer) in buyers.iter().enumerate() {
        let lines = json!({"lines": [{"ticket_type": "Seat", "seats": [seat]}]});
        let placed = server.post(&sale.path("/holds")).bearer(buyer).json(&lines).send().await;
        let decided = placed.number("sequence");
        let seen = sale.availability(&server).await["sequence"].as_u64().unwrap();
        assert!(seen >= decided && seen >= newest, "{seen} after {decided} and {newest}");
        newest = seen;
    }
    // The first map showed every seat free; who believes it is told what is true.
    let lines = json!({"lines": [{"ticket_type": "Seat", "seats": [0, 1]}]});
    let late = server.post(&sale.path("/holds")).bearer(&server.buyer().await).json(&lines);
    let late = late.refused(409, "seats_taken").await;
    assert_eq!(late.json["seats"][0], 0);
}

#[tokio::test]
async fn scenario_54_a_hold_outlives_a_new_policy_a_kill_and_the_end_of_its_sale() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    // Shorter than the policy's time: a renewal within the same millisecond still moves the deadline.
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}], "duration_s": 120});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let mut changed = standing(10);
    changed["hold"] = json!({"duration_s": 3_600, "renewals_max": 2, "life_s_max": 7_200});
    changed["ticket_types"][0]["closes_at"] = "2020-01-01T00:00:00Z".into();
    let body = json!({"expected_version": 1, "configuration": changed});
    let put = server.ask(Method::PUT, &sale.path("/configuration")).key(&fresh_key());
    put.bearer(&sale.key).json(&body).expect(200).await;
    let kill = json!({"pool": "Floor", "quantity": 8});
    server.post(&sale.path("/kills")).bearer(&sale.key).json(&kill).expect(200).await;
    let one = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let late = server.post(&sale.path("/holds")).bearer(&server.buyer().await).json(&one);
    late.refused(409, "not_on_sale").await;
    let path = sale.path(&format!("/holds/{}", held.text("id")));
    let read = server.get(&path).bearer(&buyer).expect(200).await;
    assert_eq!(read.json["deadline_at"], held.json["deadline_at"], "its time is its own");
    let renewed = server.post(&format!("{path}/renew")).bearer(&buyer).expect(200).await;
    assert_eq!((&renewed.json["lines"], &renewed.json["total"]), (&held.json["lines"], &held.json["total"]));
    let deadline = renewed.text("deadline_at");
    assert!(
        deadline > held.text("deadline_at") && deadline <= held.text("life_ends_at"),
        "within its own life"
    );
    let begin = json!({"hold": held.text("id")});
    let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&begin).expect(201).await;
    assert_eq!(order.json["total"], held.json["total"]);
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    server.post(&confirm).bearer(&sale.key).json(&json!({"payment": "offline"})).expect(200).await;
    let pool = &sale.availability(&server).await["pools"][0];
    assert_eq!(pool, &json!({"name": "Floor", "free": 0, "held": 0, "sold": 2, "killed": 8}));
}

#[tokio::test]
async fn scenario_56_a_late_duplicate_of_a_refused_request_is_no_surprise() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(4)).await;
    let (other, buyer) = (server.buyer().await, server.buyer().await);
    let taken = sale.hold(&server, &other, "Standing", 4).await.text("id");
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 3}]});
    let place = || server.post(&sale.path("/holds")).bearer(&buyer).key("first").json(&lines);
    let refused = place().refused(409, "sold_out").await;
    // There is room again; the buyer has given up the three and takes one.
    server.post(&sale.path(&format!("/holds/{taken}/release"))).bearer(&other).expect(200).await;
    sale.hold(&server, &buyer, "Standing", 1).await;
    let late = place().refused(409, "sold_out").await;
    assert_eq!(late.json, refused.json, "the same refusal");
    assert_eq!(sale.availability(&server).await["pools"][0]["held"], 1);
}

/// The same webhook a hundred times, and then one of another name a hundred times.
#[tokio::test]
async fn scenario_35_what_is_told_a_hundred_times_sells_once() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    let often = json!({"times": 100, "wait": true});
    checkout.ask_sandbox(&server, &json!({"act": "pay", "webhooks": often})).await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
    checkout.ask_sandbox(&server, &json!({"act": "tell", "webhooks": often})).await;
    // What is told later is heard later.
    let next = Checkout::begin(&server, &sale).await;
    next.choose("pay").await;
    next.comes_to(&server, &sale, "paid", "captured").await;
    for kind in ["hold_placed", "payment_begun", "confirmed"] {
        assert_eq!(logged(&server, &sale, kind).await.len(), 2, "three turns an order: {kind}");
    }
    books_come_to(&server, &[("provider", 2 * PRICE)]).await;
}

/// That the buyer has paid is told last: after the capture, and after a refund that somebody made at the provider.
#[tokio::test]
async fn scenario_36_a_refund_that_is_heard_of_before_the_payment_comes_to_what_the_provider_says() {
    let (server, clock) = Server::start_with_clock(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    let late = json!({"act": "pay", "webhooks": {"after_ms": 10_000, "wait": true}});
    let pays = checkout.ask_sandbox(&server, &late);
    let goes_on = async {
        // Until it is paid there is nothing to capture.
        while checkout.post_to_sandbox(&server, ("", "/capture"), &json!({})).await == 409 {
            tokio::task::yield_now().await;
        }
        let refund = json!({"number": 999_999, "amount_minor": 500});
        assert_eq!(checkout.post_to_sandbox(&server, ("", "/refunds"), &refund).await, 200);
        checkout.comes_to(&server, &sale, "paid", "captured").await;
        books_come_to(&server, &[("provider", PRICE - 500), ("refunds_due", 500)]).await;
        clock.advance(Duration::from_secs(10));
    };
    join(pays, goes_on).await;
    // What is told later is heard later.
    let next = Checkout::begin(&server, &sale).await;
    next.choose("pay").await;
    next.comes_to(&server, &sale, "paid", "captured").await;
    books_come_to(&server, &[("provider", 2 * PRICE - 500), ("refunds_due", 500)]).await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
    assert_eq!(logged(&server, &sale, "confirmed").await.len(), 2);
}

/// Two seats that somebody buys at the organizer's till, if they can be had: which.
async fn buys_outside(server: &Server, sale: &Sale, buyer: &str) -> Option<Vec<Value>> {
    let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 2}}]});
    let held = server.post(&sale.path("/holds")).bearer(buyer).json(&lines).send().await;
    if held.status == 409 {
        return None;
    }
    let begin = json!({"hold": held.text("id")});
    let order = server.post(&sale.path("/orders")).bearer(buyer).json(&begin).expect(201).await;
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    let paid = server.post(&confirm).bearer(&sale.key).json(&json!({"payment": "offline"})).expect(200).await;
    Some(seats(&paid))
}

fn seats(order: &Reply) -> Vec<Value> {
    order.json["lines"][0]["seats"].as_array().unwrap().clone()
}

/// The time of some buyers is up, and that of others nearly, when all of them pay and others want their seats. Whichever is logged first counts:
/// a seat is sold once, and what was paid for nothing is not taken.
#[tokio::test]
async fn scenario_39_payments_at_the_end_of_their_time_buy_or_are_called_off() {
    let (server, clock) = Server::start_with_clock(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let rivals = server.buyers(6).await;
    let began = Instant::now();
    let mut checkouts = Vec::new();
    for _ in 0..8 {
        checkouts.push(Checkout::begin(&server, &sale).await);
    }
    clock.advance(GRACE - began.elapsed() / 2);
    let pay = json!({"act": "pay"});
    let pays = checkouts.iter().map(|one| one.post_to_sandbox(&server, ("/tests", ""), &pay));
    let buys = rivals.iter().map(|rival| buys_outside(&server, &sale, rival));
    let (paid, bought) = join(join_all(pays), join_all(buys)).await;
    assert!(paid.iter().all(|status| [200, 409].contains(status)), "called off before, or paid: {paid:?}");
    let mut tries = 0;
    while server.get("/v1/payments?state=unsettled").bearer(ADMIN_TOKEN).expect(200).await.json["items"]
        != json!([])
    {
        tries += 1;
        assert!(tries < TRIES_MAX, "there is something to do for ever");
        // What was not answered is tried again.
        clock.advance(Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (mut sold, mut taken): (i64, Vec<Value>) = (0, bought.into_iter().flatten().flatten().collect());
    for checkout in &checkouts {
        let path = sale.path(&format!("/orders/{}", checkout.order.text("id")));
        let order = server.get(&path).bearer(&sale.key).send().await;
        if order.status == 200 {
            assert_eq!(order.json["state"], "paid");
            sold += 1;
            taken.extend(seats(&order));
        }
    }
    books_come_to(&server, &[("provider", sold * PRICE)]).await;
    let each: BTreeSet<u64> = taken.iter().map(|seat| seat.as_u64().unwrap()).collect();
    assert_eq!(each.len(), taken.len(), "each seat is sold once: {taken:?}");
    assert_eq!(sale.availability(&server).await["categories"][0]["sold"], taken.len());
    assert!(!logged(&server, &sale, "expired").await.is_empty(), "the time of the first was up");
}

/// The relay has taken a message, and the server is gone before it knows.
#[tokio::test]
async fn scenario_47_who_dies_after_sending_sends_again_under_the_same_name_and_loses_nothing() {
    let relay = Relay::start().await;
    relay.fails(&[Fault::Swallow]);
    let server = Server::start_with(messages::settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    messages::buy(&server, &sale, &server.buyer().await, 1, &messages::ada()).await;
    relay.wait_for(1).await;
    let friend = json!({"email": "friend@example.com"});
    messages::buy(&server, &sale, &server.buyer().await, 1, &friend).await;
    let store = server.stop().await;
    let _server = Server::start_on(store, messages::settings(relay.port())).await;
    let mut mails = relay.wait_for(3).await;
    let to = |mails: &[Mail], whom: &str| mails.iter().filter(|mail| mail.to == whom).count();
    while to(&mails, "ada@example.com") < 2 || to(&mails, "friend@example.com") == 0 {
        mails = relay.wait_for(mails.len() + 1).await;
    }
    let names = |whom: &str| {
        let sent = mails.iter().filter(|mail| mail.to == whom);
        sent.map(|mail| mail.header("Message-ID")).collect::<BTreeSet<_>>()
    };
    let (ada, friend) = (names("ada@example.com"), names("friend@example.com"));
    assert_eq!((ada.len(), friend.len()), (1, 1), "each is one message, however often it was sent");
    assert_ne!(ada, friend);
}
