//! Failure scenarios as a client of the API meets them; each test is named after its number.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tessera_tests::{Sale, Server, fresh_key, hall, standing};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

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
    let began = std::time::Instant::now();
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
        let lines = json!({"lines": [{"ticket_type": "Seat", "seats": [seat / 20 * 20 + seat % 20]}]});
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
