//! Limits per address and per caller: 429 with when to come back.

use serde_json::json;
use tessera_tests::{ADMIN_TOKEN, Sale, Server, standing};

#[tokio::test]
async fn a_buyer_over_its_limit_is_refused_and_others_are_served() {
    let mut settings = Server::settings();
    settings.rate_limit.caller_per_second = 1;
    settings.rate_limit.caller_burst = 3;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let (greedy, patient) = (server.buyer().await, server.buyer().await);
    let orders = sale.path("/orders");
    for left in [2, 1, 0] {
        let served = server.get(&orders).bearer(&greedy).expect(200).await;
        assert_eq!(served.header("ratelimit-policy"), "\"caller\";q=3;w=3");
        let (stands, seconds) = served.header("ratelimit").rsplit_once("t=").unwrap();
        assert_eq!(stands, format!("\"caller\";r={left};"));
        assert!((1..=3).contains(&seconds.parse::<u32>().unwrap()), "{seconds}");
    }
    let refused = server.get(&orders).bearer(&greedy).refused(429, "too_many_requests").await;
    assert_eq!((refused.header("ratelimit-limit"), refused.header("ratelimit-remaining")), ("3", "0"));
    assert!(refused.header("ratelimit-reset").parse::<u32>().unwrap() >= 1);
    let reset = refused.header("ratelimit-reset");
    assert_eq!(refused.header("ratelimit"), format!("\"caller\";r=0;t={reset}"));
    assert_eq!(refused.headers.get_all("ratelimit-policy").iter().count(), 1);
    server.get(&orders).bearer(&patient).expect(200).await;
}

#[tokio::test]
async fn scenario_55_minting_is_limited_per_address() {
    let mut settings = Server::settings();
    settings.rate_limit.minting_per_minute = 1;
    settings.rate_limit.minting_burst = 2;
    let server = Server::start_with(settings).await;
    let mint = || server.post("/v1/buyer-tokens").json(&json!({}));
    for _ in 0..2 {
        let minted = mint().expect(201).await;
        assert_eq!(minted.json["tokens"].as_array().unwrap().len(), 1);
    }
    mint().refused(429, "too_many_requests").await;
    server.post("/v1/buyer-tokens").json(&json!({"count": 5})).refused(401, "credential_missing").await;
    // Those who may, are not limited by it.
    server.post("/v1/buyer-tokens").bearer(ADMIN_TOKEN).json(&json!({"count": 100})).expect(201).await;
}

/// A hold is renewed as soon as time has passed: within the millisecond of its placing there is nothing to renew.
async fn renewed(server: &Server, path: &str, buyer: &str) {
    for _ in 0..10_000 {
        let reply = server.post(path).bearer(buyer).send().await;
        if reply.status == 200 {
            return;
        }
        reply.is_problem(409, "renewals_exhausted");
    }
    panic!("the hold is not renewed");
}

#[tokio::test]
async fn scenario_55_a_flood_of_fresh_tokens_gets_no_more_than_its_tokens_may_hold() {
    const TOKENS: u32 = 3;
    const STANDING_MAX: u32 = 6;
    const UNITS_MAX: u32 = 8;
    let mut settings = Server::settings();
    settings.rate_limit.minting_per_minute = 1;
    settings.rate_limit.minting_burst = TOKENS;
    let server = Server::start_with(settings).await;
    let mut configuration = standing(100);
    configuration["hold"] = json!({"duration_s": 600, "renewals_max": 1, "life_s_max": 1800, "grace_s": 900});
    let sale = Sale::open(&server, &configuration).await;
    let resident = server.buyer().await;
    let renew = sale.hold(&server, &resident, "Standing", 1).await.text("id");
    let renew = sale.path(&format!("/holds/{renew}/renew"));
    let mut tokens = Vec::new();
    loop {
        let minted = server.post("/v1/buyer-tokens").json(&json!({})).send().await;
        if minted.status != 201 {
            minted.is_problem(429, "too_many_requests");
            // Who has a hold already does not feel that others get no tokens.
            renewed(&server, &renew, &resident).await;
            break;
        }
        tokens.push(minted.json["tokens"][0].as_str().unwrap().to_owned());
    }
    assert_eq!(tokens.len(), TOKENS as usize);
    for token in &tokens {
        sale.hold(&server, token, "Standing", STANDING_MAX).await;
        let more = |quantity: u32| {
            let body = json!({"lines": [{"ticket_type": "Free", "quantity": quantity}]});
            server.post(&sale.path("/holds")).bearer(token).json(&body)
        };
        more(UNITS_MAX - STANDING_MAX + 1).refused(409, "limit_exceeded").await;
        more(UNITS_MAX - STANDING_MAX).expect(201).await;
        more(1).refused(409, "limit_exceeded").await;
    }
    let free = sale.availability(&server).await["pools"][0]["free"].as_u64();
    assert_eq!(free, Some(u64::from(100 - 1 - TOKENS * UNITS_MAX)));
}

#[tokio::test]
async fn an_address_over_its_limit_is_refused_before_anything_is_read() {
    let mut settings = Server::settings();
    settings.rate_limit.address_per_second = 1;
    settings.rate_limit.address_burst = 2;
    let server = Server::start_with(settings).await;
    let first = server.get("/healthz").expect(200).await;
    assert_eq!(first.header("ratelimit"), "\"address\";r=1;t=1", "whom nobody knows is counted by address");
    server.get("/healthz").expect(200).await;
    server.get("/healthz").refused(429, "too_many_requests").await;
}

#[tokio::test]
async fn an_organizer_makes_a_bounded_number_of_buyer_tokens() {
    let mut settings = Server::settings();
    settings.rate_limit.organizer_minting_per_minute = 1;
    settings.rate_limit.organizer_minting_burst = 10;
    let server = Server::start_with(settings).await;
    let (key, other) = (server.organizer_key().await, server.organizer_key().await);
    let mint =
        |key: &str, count: u32| server.post("/v1/buyer-tokens").bearer(key).json(&json!({"count": count}));
    mint(&key, 8).expect(201).await;
    let refused = mint(&key, 3).refused(429, "too_many_requests").await;
    assert_eq!(refused.header("ratelimit-limit"), "10");
    mint(&key, 2).expect(201).await;
    mint(&other, 10).expect(201).await;
}
