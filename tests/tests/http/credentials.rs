//! Every route and every credential: 401 without one, 403 without the right, 404 for what is another's.

use reqwest::Method;
use serde_json::json;
use tessera_tests::{ADMIN_TOKEN, Sale, Server, fresh_key, standing};

/// Who is asking.
const NOBODY: usize = 0;
const FORGER: usize = 1;
const BUYER: usize = 2;
const DOOR: usize = 3;
const STRANGER: usize = 4;
const OWNER: usize = 5;
const ADMINISTRATOR: usize = 6;

/// One row: method, path below the event (or absolute), and the status for each of the callers above. 0: allowed (the request
/// itself is refused later, or answered; never for the credential).
type Row = (&'static str, &'static str, [u16; 7]);

#[rustfmt::skip]
const TABLE: [Row; 118] = [
    //                                                       nobody forger buyer door stranger owner admin
    ("POST",   "/v1/api-keys",                                [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/api-keys",                                [401, 401, 403, 403, 0,   0,   0]),
    ("DELETE", "/v1/api-keys/key_00000000000000000000000000", [401, 401, 403, 403, 0,   0,   0]),
    ("POST",   "/v1/buyer-tokens",                            [0,   401, 403, 403, 0,   0,   0]),
    ("POST",   "/v1/events",                                  [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/events",                                  [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "",                                            [0,   401, 0,   0,   0,   0,   0]),
    ("PUT",    "",                                            [401, 401, 403, 403, 404, 0,   0]),
    ("PUT",    "/configuration",                              [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/configuration",                              [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/phase-changes",                              [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/availability",                               [0,   401, 0,   0,   0,   0,   0]),
    ("GET",    "/seats",                                      [0,   401, 0,   0,   0,   0,   0]),
    ("GET",    "/seat-map",                                   [0,   401, 0,   0,   0,   0,   0]),
    ("GET",    "/ticket-types",                               [0,   401, 0,   0,   0,   0,   0]),
    ("GET",    "/pools",                                      [0,   401, 0,   0,   0,   0,   0]),
    ("GET",    "/channels",                                   [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/kills",                                      [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/changes",                                    [0,   401, 0,   0,   0,   0,   0]),
    ("POST",   "/holds",                                      [401, 401, 0,   403, 404, 0,   0]),
    ("POST",   "/quotes",                                     [0,   401, 0,   0,   0,   0,   0]),
    ("GET",    "/promotion-codes",                            [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/holds/HOLD",                                 [401, 401, 0,   403, 404, 0,   0]),
    ("POST",   "/holds/HOLD/renew",                           [401, 401, 0,   403, 403, 403, 403]),
    ("POST",   "/holds/HOLD/release",                         [401, 401, 0,   403, 404, 0,   0]),
    ("POST",   "/waitlist",                                   [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/waitlist",                                   [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/waitlist/ENTRY",                             [401, 401, 0,   403, 404, 0,   0]),
    ("POST",   "/waitlist/ENTRY/leave",                       [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/orders",                                     [401, 401, 0,   403, 403, 403, 403]),
    ("POST",   "/orders",                                     [401, 401, 0,   403, 403, 403, 403]),
    ("GET",    "/orders/ORDER",                               [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/orders/ORDER/payment",                       [401, 401, 0,   403, 404, 0,   0]),
    ("POST",   "/orders/ORDER/confirm",                       [401, 401, 0,   403, 404, 0,   0]),
    ("POST",   "/tickets/TICKET/transfer",                    [401, 401, 0,   403, 403, 403, 403]),
    ("GET",    "/tickets/TICKET",                             [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/tickets/TICKET/qr.svg",                      [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/tickets/TICKET/qr.png",                      [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/orders/ORDER/tickets.pdf",                   [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/orders/ORDER/calendar.ics",                  [401, 401, 0,   403, 404, 0,   0]),
    ("GET",    "/ticket-design",                              [401, 401, 403, 403, 404, 0,   0]),
    ("PUT",    "/ticket-design",                              [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/v1/ticket-keys",                             [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/v1/ticket-keys/KEY/revoke",                  [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/restores",                                   [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/orders/ORDER/payment-failures",              [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/v1/organizers/ORGANIZER/terms",              [401, 401, 403, 403, 404, 404, 0]),
    ("PUT",    "/v1/organizers/ORGANIZER/terms",              [401, 401, 403, 403, 403, 403, 0]),
    ("GET",    "/v1/organizers/ORGANIZER/statements",         [401, 401, 403, 403, 404, 404, 0]),
    ("GET",    "/v1/organizers/ORGANIZER/balances",           [401, 401, 403, 403, 404, 404, 0]),
    ("GET",    "/v1/organizers/ORGANIZER/payouts",            [401, 401, 403, 403, 404, 404, 0]),
    ("POST",   "/v1/organizers/ORGANIZER/payouts",            [401, 401, 403, 403, 403, 403, 0]),
    ("GET",    "/v1/organizers/ORGANIZER/payouts/PAYOUT",     [401, 401, 403, 403, 404, 404, 0]),
    ("POST",   "/v1/organizers/ORGANIZER/payouts/PAYOUT/settle", [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/v1/organizers/ORGANIZER/payouts/PAYOUT/fail", [401, 401, 403, 403, 403, 403, 0]),
    ("GET",    "/v1/trial-balance",                           [401, 401, 403, 403, 403, 403, 0]),
    ("GET",    "/v1/payments",                                [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/v1/payments/PAYMENT/look-ups",               [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/v1/payments/PAYMENT/settlements",            [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/refund-runs",                                [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/refund-runs",                                [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/refund-runs/X",                              [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/refund-runs/X/pause",                        [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/refund-runs/X/resume",                       [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/orders/ORDER/refunds",                       [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/tickets/TICKET/reissue",                     [401, 401, 0,   403, 404, 0,   0]),
    ("POST",   "/v1/entry-devices",                           [401, 401, 403, 0,   0,   0,   403]),
    ("GET",    "/entry/snapshot",                             [401, 401, 403, 0,   404, 0,   0]),
    ("GET",    "/entry/changes",                              [401, 401, 403, 0,   404, 0,   0]),
    ("GET",    "/entry/conflicts",                            [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/entry/statistics",                           [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/scans",                                      [401, 401, 403, 0,   404, 0,   0]),
    ("POST",   "/check-ins",                                  [401, 401, 403, 0,   404, 0,   0]),
    ("POST",   "/check-outs",                                 [401, 401, 403, 0,   404, 0,   0]),
    ("POST",   "/repairs",                                    [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/reconciliations",                            [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/move",                                       [401, 401, 403, 403, 403, 403, 0]),
    ("GET",    "/v1/nodes",                                   [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/v1/nodes/NODE/drain",                        [401, 401, 403, 403, 403, 403, 0]),
    ("GET",    "/receipts/RECEIPT",                           [0,   401, 0,   0,   0,   0,   0]),
    ("GET",    "/checkpoints",                                [0,   401, 0,   0,   0,   0,   0]),
    ("POST",   "/v1/receipt-keys",                            [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/v1/clock-acknowledgements",                  [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/kills",                                      [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/channels/X/release",                         [401, 401, 403, 403, 404, 0,   0]),
    ("PUT",    "/v1/contacts/me",                             [401, 401, 0,   403, 403, 403, 403]),
    ("GET",    "/v1/contacts/me",                             [401, 401, 0,   403, 403, 403, 403]),
    ("DELETE", "/v1/contacts/me",                             [401, 401, 0,   403, 403, 403, 403]),
    ("PUT",    "/v1/push-subscriptions",                      [401, 401, 0,   403, 403, 403, 403]),
    ("DELETE", "/v1/push-subscriptions",                      [401, 401, 0,   403, 403, 403, 403]),
    ("POST",   "/v1/telegram-links",                          [401, 401, 0,   403, 403, 403, 403]),
    ("DELETE", "/v1/telegram-links",                          [401, 401, 0,   403, 403, 403, 403]),
    ("PUT",    "/v1/discord-webhook",                         [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/discord-webhook",                         [401, 401, 403, 403, 0,   0,   0]),
    ("DELETE", "/v1/discord-webhook",                         [401, 401, 403, 403, 0,   0,   0]),
    ("PUT",    "/v1/organizer-contact",                       [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/organizer-contact",                       [401, 401, 403, 403, 0,   0,   0]),
    ("DELETE", "/v1/organizer-contact",                       [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/inbox",                                   [401, 401, 0,   403, 403, 403, 403]),
    ("POST",   "/v1/inbox/reads",                             [401, 401, 0,   403, 403, 403, 403]),
    ("POST",   "/v1/templates",                               [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/templates",                               [401, 401, 403, 403, 0,   0,   0]),
    ("POST",   "/v1/templates/preview",                       [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/dead-letters",                            [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/v1/dead-letters/replays",                    [401, 401, 403, 403, 403, 403, 0]),
    ("POST",   "/broadcasts",                                 [401, 401, 403, 403, 404, 0,   0]),
    ("GET",    "/broadcasts",                                 [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/broadcasts/RUN/pause",                       [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/broadcasts/RUN/resume",                      [401, 401, 403, 403, 404, 0,   0]),
    ("POST",   "/v1/webhook-endpoints",                       [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/webhook-endpoints",                       [401, 401, 403, 403, 0,   0,   0]),
    ("GET",    "/v1/webhook-endpoints/whk_00000000000000000000000000",            [401, 401, 403, 403, 404, 0, 0]),
    ("PUT",    "/v1/webhook-endpoints/whk_00000000000000000000000000",            [401, 401, 403, 403, 0,   0, 0]),
    ("DELETE", "/v1/webhook-endpoints/whk_00000000000000000000000000",            [401, 401, 403, 403, 404, 0, 0]),
    ("POST",   "/v1/webhook-endpoints/whk_00000000000000000000000000/secrets",    [401, 401, 403, 403, 404, 0, 0]),
    ("GET",    "/v1/webhook-endpoints/whk_00000000000000000000000000/deliveries", [401, 401, 403, 403, 404, 0, 0]),
    ("POST",   "/v1/webhook-endpoints/whk_00000000000000000000000000/replays",    [401, 401, 403, 403, 404, 0, 0]),
    ("POST",   "/v1/webhook-endpoints/whk_00000000000000000000000000/pings",      [401, 401, 403, 403, 404, 0, 0]),
];

/// The routes that need no credential, or look at it in their own tests.
const OPEN: [&str; 17] = [
    "GET /docs/errors/{}",
    "GET /docs",
    "GET /docs/files/{}",
    "GET /scan",
    "GET /scan/files/{}",
    "GET /scan/vendor/{}/{}",
    "GET /openapi.json",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /.well-known/tessera-keys",
    "GET /.well-known/tessera-ticket-keys",
    "POST /v1/provider-events/{}",
    "GET /v1/opt-outs/{}",
    "POST /v1/opt-outs/{}",
    "GET /v1/push-key",
    "POST /v1/telegram-updates/{}",
];

#[test]
fn the_table_has_every_route() {
    // The page of every route has one a line: its name, its method, its path.
    let page = include_str!("../../../gateway/server/src/router.rs");
    let (_, list) = page.split_once("\nroutes! {\n").unwrap();
    let (list, _) = list.split_once("\n}\n").unwrap();
    let parameter = |segment: &str| {
        let upper = segment.len() > 1 && segment.bytes().all(|byte| byte.is_ascii_uppercase());
        segment.starts_with('{')
            || segment.starts_with("key_")
            || segment.starts_with("whk_")
            || upper
            || segment == "X"
    };
    let shape = |method: &str, path: &str| {
        let segments = path.split('/').map(|segment| if parameter(segment) { "{}" } else { segment });
        format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
    };
    let mut routes: Vec<_> = list
        .lines()
        .filter_map(|line| {
            let (name_and_method, path) = line.trim().split_once(" \"")?;
            let (_, method) = name_and_method.split_once(' ')?;
            Some(shape(method, path.trim_end_matches("\",")))
        })
        .filter(|route| route != "GET (none)" && !OPEN.contains(&route.as_str()))
        .collect();
    let mut table: Vec<_> = TABLE
        .iter()
        .map(|(method, path, _)| match path.strip_prefix("/v1") {
            Some(_) => shape(method, path),
            None => shape(method, &format!("/v1/events/{{event}}{path}")),
        })
        .collect();
    routes.sort();
    table.sort();
    assert_eq!(table, routes);
}

#[tokio::test]
async fn every_route_knows_who_may_call() {
    let server = Server::start().await;
    let key = server.organizer_key().await;
    let owner = server.get("/v1/api-keys").bearer(ADMIN_TOKEN).expect(200).await;
    let organizer = owner.json["items"][0]["organizer"].as_str().unwrap().to_owned();
    let body = json!({"name": "E", "starts_at": "2030-01-01T19:00:00Z", "zone": "UTC", "configuration": standing(10)});
    let event = server.post("/v1/events").bearer(&key).json(&body).expect(201).await.text("id");
    let sale = Sale { event, key: key.clone() };
    sale.phase(&server, "on_sale").await;
    let buyer = server.buyer().await;
    let mut callers = vec![String::new(); 7];
    callers[FORGER] = format!("tsb_{}", "A".repeat(74));
    callers[BUYER].clone_from(&buyer);
    callers[DOOR] = server.organizer(&["check-ins:write"], Some(&organizer)).await.0;
    callers[STRANGER] = server.organizer_key().await;
    callers[OWNER] = key;
    callers[ADMINISTRATOR] = ADMIN_TOKEN.to_owned();
    for (method, path, statuses) in TABLE {
        for (caller, expected) in statuses.into_iter().enumerate() {
            let held = sale.hold(&server, &server.buyer().await, "Free", 1).await;
            let secret = held.text("secret");
            let hold = held.text("id");
            let path = path.replace("HOLD", &hold).replace("ORDER", &hold.replace("hld_", "ord_"));
            let path = path.replace("TICKET", &hold.replace("hld_", "tkt_"));
            let path = path.replace("ENTRY", &hold.replace("hld_", "wle_"));
            let path = path.replace("RECEIPT", &held.text("receipt"));
            let path = if path.starts_with("/v1") { path } else { sale.path(&path) };
            let mut ask = server.ask(Method::from_bytes(method.as_bytes()).unwrap(), &path).key(&fresh_key());
            if caller != NOBODY {
                ask = ask.bearer(&callers[caller]);
            }
            if method == "POST" || method == "PUT" {
                ask = ask.json(&json!({}));
            }
            let reply = ask.send().await;
            let about = format!("{method} {path} by {caller}: {} {}", reply.status, reply.json);
            if expected == 0 {
                assert!(![401, 403].contains(&reply.status) && reply.status < 500, "{about}");
            } else {
                assert_eq!(reply.status, expected, "{about}");
            }
            let release = sale.path(&format!("/holds/{hold}/release"));
            let _ = server.post(&release).header("x-hold-secret", &secret).send().await;
        }
    }
}

#[tokio::test]
async fn forged_expired_and_revoked_credentials_are_refused() {
    let mut settings = Server::settings();
    settings.buyer_token.life_s = 0;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let place = |token: &str| server.post(&sale.path("/holds")).bearer(token).json(&lines);
    let over = server.buyer().await;
    place(&over).refused(401, "credential_expired").await;
    let mut forged = over.clone();
    forged.replace_range(20..21, if &over[20..21] == "A" { "B" } else { "A" });
    for token in [
        forged.as_str(),
        "tsb_",
        "tsa_wrong-0123456789abcdef0123456789",
        "tsk_wrong",
        "secret",
        &"t".repeat(300),
    ] {
        place(token).refused(401, "credential_invalid").await;
    }
    let basic = server.post(&sale.path("/holds")).header("authorization", "Basic dXNlcjpwYXNz").json(&lines);
    basic.refused(401, "credential_invalid").await;
    let keys = server.get("/v1/api-keys").bearer(ADMIN_TOKEN).expect(200).await;
    let id = keys.json["items"][0]["id"].as_str().unwrap();
    server.get("/v1/events").bearer(&sale.key).expect(200).await;
    server.ask(Method::DELETE, &format!("/v1/api-keys/{id}")).bearer(ADMIN_TOKEN).expect(204).await;
    server.get("/v1/events").bearer(&sale.key).refused(401, "credential_invalid").await;
    assert!(!String::from_utf8_lossy(&keys.bytes).contains("tsk_"), "secrets are shown once");
}

#[tokio::test]
async fn a_hold_outlives_the_token_it_was_placed_with() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let held = sale.hold(&server, &server.buyer().await, "Free", 1).await;
    let secret = held.text("secret");
    let begin = server.post(&sale.path("/orders")).header("x-hold-secret", &secret);
    let order = begin.json(&json!({"hold": held.text("id")})).expect(201).await;
    let confirm = server.post(&sale.path(&format!("/orders/{}/confirm", order.text("id"))));
    let paid = confirm.header("x-hold-secret", &secret).json(&json!({"payment": "free"})).expect(200).await;
    assert_eq!(paid.text("state"), "paid");
}

#[tokio::test]
async fn tokens_without_a_credential_can_be_turned_off() {
    let mut settings = Server::settings();
    settings.buyer_token.anonymous = false;
    let server = Server::start_with(settings).await;
    let ask = || server.post("/v1/buyer-tokens").json(&json!({}));
    ask().refused(401, "credential_missing").await;
    ask().bearer(&server.organizer_key().await).expect(201).await;
}

/// A key that has leaked is replaced and revoked by its organizer, who sees and touches no key of others and gives nobody more than it has.
#[tokio::test]
async fn an_organizer_keeps_its_own_keys() {
    let server = Server::start().await;
    let (stranger, _) = server.organizer(&["events:read", "api-keys:write"], None).await;
    let (own, organizer) = server.organizer(&["events:read", "api-keys:write"], None).await;
    let scopes = |scopes: &[&str]| json!({"name": "box office", "scopes": scopes});
    let make = |body: &serde_json::Value| server.post("/v1/api-keys").bearer(&own).json(body);
    let leaked = make(&scopes(&["events:read"])).expect(201).await;
    assert_eq!(leaked.text("organizer"), organizer);
    let beyond = make(&scopes(&["events:read", "orders:write"])).refused(403, "forbidden").await;
    assert_eq!(beyond.json["needed"], "orders:write");
    let elsewhere =
        json!({"name": "x", "scopes": ["events:read"], "organizer": "org_00000000000000000000000001"});
    make(&elsewhere).refused(403, "forbidden").await;
    let listed = server.get("/v1/api-keys").bearer(&own).expect(200).await;
    let owners =
        listed.json["items"].as_array().unwrap().iter().map(|key| key["organizer"].as_str().unwrap());
    assert_eq!(owners.collect::<Vec<_>>(), [&organizer; 2]);
    let path = format!("/v1/api-keys/{}", leaked.text("id"));
    server.ask(Method::DELETE, &path).bearer(&stranger).refused(404, "api_key_not_found").await;
    server.get("/v1/events").bearer(&leaked.text("secret")).expect(200).await;
    server.ask(Method::DELETE, &path).bearer(&own).expect(204).await;
    server.get("/v1/events").bearer(&leaked.text("secret")).refused(401, "credential_invalid").await;
}

#[tokio::test]
async fn no_key_is_made_for_the_nil_organizer_who_is_the_administrator() {
    let server = Server::start().await;
    let nil =
        json!({"organizer": "org_00000000000000000000000000", "name": "all", "scopes": ["events:read"]});
    let refused = server.post("/v1/api-keys").bearer(ADMIN_TOKEN).json(&nil);
    let refused = refused.refused(422, "invalid_value").await;
    assert_eq!(refused.json["errors"][0]["path"], "organizer");
    let keys = server.get("/v1/api-keys").bearer(ADMIN_TOKEN).expect(200).await;
    assert_eq!(keys.json["items"], json!([]));
}

#[tokio::test]
async fn a_buyer_token_of_one_organizer_buys_at_no_other_organizers_event() {
    let server = Server::start().await;
    let (sale, other) = (Sale::open(&server, &standing(10)).await, Sale::open(&server, &standing(10)).await);
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let minted =
        server.post("/v1/buyer-tokens").bearer(&other.key).json(&json!({"count": 1})).expect(201).await;
    let token = minted.json["tokens"][0].as_str().unwrap();
    server.post(&sale.path("/holds")).bearer(token).json(&lines).refused(403, "forbidden").await;
    server.post(&other.path("/holds")).bearer(token).json(&lines).expect(201).await;
    // A draft of another organizer is not there at all.
    let draft = Sale::draft(&server, &standing(10)).await;
    server.post(&draft.path("/holds")).bearer(token).json(&lines).refused(404, "event_not_found").await;
    // What anyone gets buys everywhere.
    let anonymous = server.post("/v1/buyer-tokens").json(&json!({})).expect(201).await;
    let anonymous = anonymous.json["tokens"][0].as_str().unwrap();
    server.post(&sale.path("/holds")).bearer(anonymous).json(&lines).expect(201).await;
    assert_eq!(sale.availability(&server).await["pools"][0]["held"], 1);
}

#[tokio::test]
async fn a_credential_is_checked_before_the_body_is_read() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let held = sale.hold(&server, &server.buyer().await, "Free", 1).await.text("id");
    let confirm = sale.path(&format!("/orders/{}/confirm", held.replace("hld_", "ord_")));
    let forged = format!("tsb_{}", "A".repeat(74));
    for path in [sale.path("/orders"), sale.path("/holds"), confirm] {
        for body in ["{", &"x".repeat(65 * 1024)] {
            server.post(&path).raw(body).refused(401, "credential_missing").await;
            server.post(&path).bearer(&forged).raw(body).refused(401, "credential_invalid").await;
        }
    }
}
