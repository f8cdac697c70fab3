//! What clients are told while the store is slow or away, and that it stays true.

use serde_json::json;
use tessera_store::TRANSACTION_ATTEMPTS_MAX;
use tessera_store::memory::CommitFault;
use tessera_tests::{Sale, Server, standing};

#[tokio::test]
async fn rows_that_may_have_been_written_are_not_said_to_be_missing() {
    let server = Server::start().await;
    let organizer = server.organizer_key().await;
    for _ in 0..TRANSACTION_ATTEMPTS_MAX {
        server.store.inject_commit(CommitFault::UnknownApplied);
    }
    let event = json!({"name": "Maybe", "starts_at": "2030-01-01T19:00:00Z", "zone": "Europe/Berlin"});
    let create = || server.post("/v1/events").bearer(&organizer).key("k").json(&event);
    let unknown = create().refused(503, "outcome_unknown").await;
    assert!(unknown.json["retry_after"].as_u64() >= Some(1));
    assert!(create().expect(201).await.replayed(), "it had been executed");
}

#[tokio::test]
async fn an_outcome_that_is_not_known_is_told_so_and_the_same_key_finds_it_out() {
    let mut settings = Server::settings();
    settings.http.deadline_ms = 200;
    settings.rate_limit.caller_per_second = 0;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}]});
    let place = || server.post(&sale.path("/holds")).bearer(&buyer).key("k").json(&lines);
    server.store.hold_appends();
    let unknown = place().refused(503, "outcome_unknown").await;
    assert!(unknown.json["retry_after"].as_u64() >= Some(1));
    server.store.release_appends();
    let found = loop {
        let reply = place().send().await;
        if reply.status != 503 {
            break reply;
        }
        tokio::task::yield_now().await;
    };
    assert!(found.status == 201 && found.replayed(), "{}", found.json);
    assert_eq!(sale.availability(&server).await["pools"][0]["held"], 2, "it had one effect");
}

/// A counter in `/metrics`, which other tests of this process move, too.
async fn counted(server: &Server, series: &str) -> u64 {
    let metrics = server.get("/metrics").expect(200).await;
    let text = String::from_utf8(metrics.bytes).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series}: {text}")).parse().unwrap()
}

/// The alerts for shed load and unknown outcomes see what callers were told, whoever told it.
#[tokio::test]
async fn who_does_not_get_to_a_writer_is_counted() {
    let mut settings = Server::settings();
    settings.http.deadline_ms = 200;
    settings.rate_limit.caller_per_second = 0;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyers = server.buyers(100).await;
    let (shed, unknown) =
        ("tessera_replies_total{kind=\"not_executed\"}", "tessera_replies_total{kind=\"outcome_unknown\"}");
    let before = (counted(&server, shed).await, counted(&server, unknown).await);
    server.store.hold_appends();
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let place = |buyer: &str| server.post(&sale.path("/holds")).bearer(buyer).json(&lines);
    place(&buyers[0]).refused(503, "outcome_unknown").await;
    // Until the shell sees that the store hangs, callers wait for their deadline.
    while place(&buyers[1]).send().await.json["reason"] != "store_away" {}
    for buyer in &buyers {
        let refused = place(buyer).refused(503, "not_executed").await;
        assert_eq!(refused.json["reason"], "store_away");
    }
    let after = (counted(&server, shed).await, counted(&server, unknown).await);
    assert!(after.0 >= before.0 + 100 && after.1 > before.1, "{before:?} {after:?}");
    assert_eq!(
        counted(&server, "tessera_problems_total{code=\"internal_error\"}").await,
        0,
        "made at the start"
    );
    server.store.release_appends();
}

#[tokio::test]
async fn scenario_09_while_the_store_is_away_nothing_false_is_said_and_it_recovers_by_itself() {
    let mut settings = Server::settings();
    settings.http.deadline_ms = 200;
    settings.rate_limit.caller_per_second = 0;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let before = sale.availability(&server).await;
    server.store.set_away(true);
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let buyers = ["a", "b", "c"];
    let tokens = {
        let body = json!({"buyers": buyers});
        server.post("/v1/buyer-tokens").bearer(&sale.key).json(&body).expect(201).await
    };
    let place = |buyer: usize| {
        let token = tokens.json["tokens"][buyer].as_str().unwrap();
        server.post(&sale.path("/holds")).bearer(token).key("k").json(&lines)
    };
    for buyer in 0..buyers.len() {
        let reply = place(buyer).send().await;
        assert_eq!(reply.status, 503, "{}", reply.json);
        assert!(["not_executed", "outcome_unknown"].contains(&reply.json["code"].as_str().unwrap()));
        assert!(!reply.header("retry-after").is_empty());
    }
    // Once the writer knows, new work is turned away at once, and nobody is left in doubt about it.
    let newcomers = server.buyers(3).await;
    let try_one = |buyer: &str| server.post(&sale.path("/holds")).bearer(buyer).key("k").json(&lines);
    while try_one(&newcomers[0]).send().await.json["reason"] != "store_away" {
        tokio::task::yield_now().await;
    }
    for newcomer in &newcomers[1..] {
        let refused = try_one(newcomer).refused(503, "not_executed").await;
        assert_eq!(refused.json["reason"], "store_away");
    }
    assert_eq!(
        sale.availability(&server).await["pools"],
        before["pools"],
        "reads go on from what is durable"
    );
    server.store.set_away(false);
    for buyer in 0..buyers.len() {
        while place(buyer).send().await.status == 503 {
            tokio::task::yield_now().await;
        }
        place(buyer).expect(201).await;
    }
    let held = sale.availability(&server).await["pools"][0]["held"].as_u64().unwrap();
    // The first newcomer came before the writer knew, and may have been taken in then.
    assert!((3..=4).contains(&held), "each has one hold, however often it asked: {held}");
    for newcomer in &newcomers[1..] {
        assert!(!try_one(newcomer).expect(201).await.replayed(), "what was not executed was not");
    }
}

#[tokio::test]
async fn scenario_43_one_key_a_thousand_times_at_once_has_one_effect_and_one_reply() {
    const TIMES: usize = 1_000;
    let mut settings = Server::settings();
    settings.rate_limit.caller_per_second = 0;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}]});
    let asks = (0..TIMES)
        .map(|_| server.post(&sale.path("/holds")).bearer(&buyer).key("the-same").json(&lines).send());
    let replies = futures::future::join_all(asks).await;
    for reply in &replies {
        assert_eq!((reply.status, &reply.bytes), (201, &replies[0].bytes), "{}", reply.json);
    }
    assert_eq!(replies.iter().filter(|reply| !reply.replayed()).count(), 1, "one was the first");
    assert_eq!(sale.availability(&server).await["pools"][0]["held"], 2);
    let other = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let reused = server.post(&sale.path("/holds")).bearer(&buyer).key("the-same").json(&other);
    reused.refused(422, "key_reused").await;
}

#[tokio::test]
async fn what_was_executed_is_never_said_not_to_be_when_its_lines_cannot_be_read() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    // Shorter than the policy's time: a renewal within the same millisecond still moves the deadline.
    let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 2}], "duration_s": 120});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await.text("id");
    let renew_path = sale.path(&format!("/holds/{held}/renew"));
    let renew = |server: &Server| server.post(&renew_path).bearer(&buyer).key("renew");
    let renewed = renew(&server).expect(200).await;
    server.post(&sale.path(&format!("/holds/{held}/release"))).bearer(&buyer).expect(200).await;
    // After a restart the lines of what has ended stand in the log only.
    let server = Server::start_on(server.stop().await, Server::settings()).await;
    sale.availability(&server).await;
    server.store.set_away(true);
    renew(&server).refused(503, "outcome_unknown").await;
    server.store.set_away(false);
    let again = loop {
        let reply = renew(&server).send().await;
        if reply.status != 503 {
            break reply;
        }
        tokio::task::yield_now().await;
    };
    assert!(again.status == 200 && again.replayed(), "{}", again.json);
    assert_eq!(again.bytes, renewed.bytes);
}
