//! Entry with devices: what they go offline with, what they tell, and what contradicts.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tessera_server::ids;
use tessera_tests::receiver::Receiver;
use tessera_tests::{ADMIN_TOKEN, Ask, Contract, Reply, Sale, Server, hall, standing};
use tessera_tickets::entry::{Changes, Direction, Door, Sealed, Snapshot, Turned};
use tessera_tickets::{Printed, Signed, TicketKey};

use crate::payments::{Checkout, settings};
use crate::webhooks;

/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;

/// A ticket as a device has read it.
struct Held {
    ticket: String,
    text: String,
    printed: Printed,
}

async fn tickets(server: &Server, sale: &Sale, buyer: &str, count: u32) -> (Reply, Vec<Held>) {
    let order = sale.buy_free(server, buyer, count).await;
    let mut held = Vec::new();
    for shown in order.json["tickets"].as_array().unwrap() {
        let ticket = shown["id"].as_str().unwrap().to_owned();
        held.push(read(server, sale, buyer, ticket).await);
    }
    (order, held)
}

async fn read(server: &Server, sale: &Sale, holder: &str, ticket: String) -> Held {
    let shown = server.get(&sale.path(&format!("/tickets/{ticket}"))).bearer(holder).expect(200).await;
    let text = shown.text("qr");
    let printed = Signed::read(&text).unwrap().printed();
    Held { ticket, text, printed }
}

async fn device(server: &Server, sale: &Sale, name: &str) -> Reply {
    server.post("/v1/entry-devices").bearer(&sale.key).json(&json!({"name": name})).expect(201).await
}

/// Scan `number` of a device, so many milliseconds after the beginning of 2026.
fn scan(held: &Held, number: u64, ms: u64, gate: u16, direction: &str) -> Value {
    let Printed { order, index, generation, .. } = held.printed;
    json!({
        "number": number, "at": format!("2026-01-01T00:00:{:02}.{:03}Z", ms / 1_000, ms % 1_000), "gate": gate,
        "direction": direction, "order": order, "index": index, "generation": generation, "admitted": true,
    })
}

fn upload(server: &Server, sale: &Sale, device: &Reply, scans: &[Value]) -> Ask {
    let body = json!({"device": device.number("number"), "scans": scans});
    server.post(&sale.path("/scans")).bearer(&device.text("token")).json(&body)
}

/// The list once the projection has followed the log up to a sequence.
async fn list(server: &Server, sale: &Sale, what: &str, sequence: u64) -> Reply {
    loop {
        let page = server.get(&sale.path(&format!("/entry/{what}"))).bearer(&sale.key).expect(200).await;
        if page.number("sequence") >= sequence {
            return page;
        }
        tokio::task::yield_now().await;
    }
}

async fn keys(server: &Server) -> Vec<TicketKey> {
    let keys = server.get("/.well-known/tessera-ticket-keys").expect(200).await;
    let public = |key: &Value| STANDARD.decode(key["public_key"].as_str().unwrap()).unwrap();
    let all = keys.json["keys"].as_array().unwrap().iter();
    all.map(|key| TicketKey::new(&public(key).try_into().unwrap(), 0).unwrap()).collect()
}

/// What a device reads, after it has verified the signature.
async fn sealed(server: &Server, reply: &Reply) -> Vec<u8> {
    let bytes = |name: &str| STANDARD.decode(reply.text(name)).unwrap();
    let sealed = Sealed {
        key: u32::from_str_radix(&reply.text("key"), 16).unwrap().to_be_bytes(),
        bytes: bytes("bytes"),
        signature: bytes("signature").try_into().unwrap(),
    };
    assert!(sealed.is_genuine(&keys(server).await));
    sealed.bytes
}

#[tokio::test]
async fn a_reissue_kills_the_old_qr_and_code_in_its_turn() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let (order, held) = tickets(&server, &sale, &buyer, 1).await;
    let ask = |token: &str| {
        let path = sale.path(&format!("/tickets/{}/reissue", held[0].ticket));
        server.post(&path).bearer(token).json(&json!({}))
    };
    ask(&server.buyer().await).refused(404, "ticket_not_found").await;
    ask(&server.organizer_key().await).refused(404, "event_not_found").await;
    let reissued = ask(&buyer).expect(200).await;
    assert_eq!((reissued.text("id"), reissued.number("generation")), (held[0].ticket.clone(), 1));
    let enter = |body: Value| server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&body);
    enter(json!({"scan": held[0].text, "gate": 1})).refused(409, "code_revoked").await;
    let code = json!({"ticket": held[0].ticket, "code": order.json["tickets"][0]["code"], "gate": 1});
    enter(code).refused(409, "code_revoked").await;
    let now = read(&server, &sale, &buyer, held[0].ticket.clone()).await;
    assert_eq!(now.printed.generation, 1, "the same holder sees the new one");
    enter(json!({"scan": now.text, "gate": 1})).expect(200).await;
    ask(&sale.key).refused(409, "already_checked_in").await;
}

#[tokio::test]
async fn two_offline_devices_admit_one_ticket_and_the_way_out_between_settles_it() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let (_, held) = tickets(&server, &sale, &server.buyer().await, 1).await;
    let (north, south) = (device(&server, &sale, "North").await, device(&server, &sale, "South").await);
    assert_eq!((north.number("number"), south.number("number")), (1, 2));
    let first = scan(&held[0], 1, 1_000, 1, "in");
    let told = upload(&server, &sale, &north, std::slice::from_ref(&first)).expect(200).await;
    assert_eq!(told.json["scans"], json!([{"number": 1, "outcome": "recorded"}]));
    assert_eq!((told.json["conflicts"].clone(), told.number("next")), (json!([]), 2));
    let told = upload(&server, &sale, &south, &[scan(&held[0], 1, 9_000, 2, "in")]).expect(200).await;
    let other = json!({"at": "2026-01-01T00:00:01Z", "gate": 1, "device": 1});
    let conflict =
        json!([{"number": 1, "ticket": held[0].ticket, "kind": "double_admission", "other": other}]);
    assert_eq!(told.json["conflicts"], conflict);
    let shown = list(&server, &sale, "conflicts", told.number("sequence")).await;
    let item = &shown.json["items"][0];
    assert_eq!((&item["kind"], &item["standing"]), (&json!("double_admission"), &json!("open")));
    let side =
        |at: &str, gate: u16, device: u32| json!({"at": at, "gate": gate, "device": device, "number": 1});
    assert_eq!(item["admission"], side("2026-01-01T00:00:09Z", 2, 2));
    assert_eq!(item["other"], side("2026-01-01T00:00:01Z", 1, 1));

    let again = upload(&server, &sale, &north, &[first]).expect(200).await;
    assert_eq!(again.json["scans"], json!([{"number": 1, "outcome": "seen"}]));
    assert_eq!((again.json["sequence"].clone(), again.number("next")), (Value::Null, 2));

    let way_out = upload(&server, &sale, &north, &[scan(&held[0], 2, 5_000, 1, "out")]).expect(200).await;
    let shown = list(&server, &sale, "conflicts", way_out.number("sequence")).await;
    assert_eq!(shown.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(shown.json["items"][0]["standing"], "withdrawn");
    let body = json!({"scan": held[0].text, "gate": 4});
    let refused = server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&body);
    let refused = refused.refused(409, "already_checked_in").await;
    let by = (&refused.json["at"], &refused.json["gate"], &refused.json["device"]);
    assert_eq!(by, (&json!("2026-01-01T00:00:09Z"), &json!(2), &json!(2)), "when, where and by which device");
}

#[tokio::test]
async fn scenario_40_refund_and_admission_never_both_online_and_offline_a_conflict_with_both_sides() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let (order, held) = tickets(&server, &sale, &buyer, 3).await;
    let enter = |held: &Held| {
        let body = json!({"scan": held.text, "gate": 1});
        server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&body)
    };
    let refund = |held: &Held| {
        let path = sale.path(&format!("/orders/{}/refunds", order.text("id")));
        server.post(&path).bearer(&sale.key).json(&json!({"tickets": [held.ticket], "units": "restock"}))
    };
    enter(&held[0]).expect(200).await;
    refund(&held[0]).refused(409, "already_checked_in").await;
    let refunded = refund(&held[1]).expect(200).await;
    enter(&held[1]).refused(409, "ticket_refunded").await;
    let door = device(&server, &sale, "Door").await;
    let told = upload(&server, &sale, &door, &[scan(&held[1], 1, 1_000, 3, "in")]).expect(200).await;
    assert_eq!(told.json["conflicts"][0]["kind"], "admitted_after_refund");
    let shown = list(&server, &sale, "conflicts", told.number("sequence")).await;
    let item = &shown.json["items"][0];
    assert_eq!(item["other_sequence"], refunded.json["sequence"], "one side: the refund");
    assert_eq!((&item["admission"]["gate"], &item["admission"]["device"]), (&json!(3), &json!(1)));
    // Told before it was asked for: the refund comes too late.
    upload(&server, &sale, &door, &[scan(&held[2], 2, 2_000, 3, "in")]).expect(200).await;
    refund(&held[2]).refused(409, "already_checked_in").await;
}

/// The number of the event that opened a dispute, once the log has it.
async fn dispute_opened(server: &Server, sale: &Sale) -> u64 {
    for _ in 0..TRIES_MAX {
        let path = sale.path("/changes?after=0&limit=100");
        let changes = server.get(&path).bearer(&sale.key).expect(200).await;
        let mut items = changes.json["items"].as_array().unwrap().iter();
        if let Some(opened) = items.find(|item| item["type"] == "order_disputed") {
            return opened["sequence"].as_u64().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the log never heard of the dispute");
}

#[tokio::test]
async fn scenario_42_who_disputes_its_payment_is_refused_online_and_offline_and_let_in_by_a_conflict() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    checkout.choose("pay").await;
    let order = checkout.comes_to(&server, &sale, "paid", "captured").await;
    let mut held = Vec::new();
    for shown in order.json["tickets"].as_array().unwrap() {
        let ticket = shown["id"].as_str().unwrap().to_owned();
        held.push(read(&server, &sale, &checkout.buyer, ticket).await);
    }
    let door = device(&server, &sale, "Door").await;
    let token = door.text("token");
    let before = server.get(&sale.path("/entry/snapshot")).bearer(&token).expect(200).await;
    let mut offline = Door::new(Snapshot::decode(&sealed(&server, &before).await).unwrap());
    let decide = |offline: &Door, held: &Held| {
        offline.decide(&held.text, 1, Direction::In, 1_700_000_000_000).map(|_| ())
    };
    assert_eq!(decide(&offline, &held[0]), Ok(()));

    checkout.ask_sandbox(&server, &json!({"act": "dispute", "amount_minor": 18_000})).await;
    let opened = dispute_opened(&server, &sale).await;
    let body = json!({"scan": held[0].text, "gate": 1});
    let online = server.post(&sale.path("/check-ins")).bearer(&token).json(&body);
    online.refused(409, "in_dispute").await;
    list(&server, &sale, "conflicts", opened).await;
    let path = sale.path(&format!("/entry/changes?after={}", offline.sequence()));
    let reply = server.get(&path).bearer(&token).expect(200).await;
    assert!(offline.take(&Changes::decode(&sealed(&server, &reply).await).unwrap()));
    let anew = server.get(&sale.path("/entry/snapshot")).bearer(&token).expect(200).await;
    let anew = Door::new(Snapshot::decode(&sealed(&server, &anew).await).unwrap());
    for held in &held {
        assert_eq!(decide(&offline, held), Err(Turned::InDispute));
        assert_eq!(decide(&anew, held), Err(Turned::InDispute));
    }

    let told = upload(&server, &sale, &door, &[scan(&held[1], 1, 1_000, 3, "in")]).expect(200).await;
    assert_eq!(told.json["conflicts"][0]["kind"], "admitted_in_dispute");
    let shown = list(&server, &sale, "conflicts", told.number("sequence")).await;
    let item = &shown.json["items"][0];
    assert_eq!((&item["kind"], &item["other_sequence"]), (&json!("admitted_in_dispute"), &json!(opened)));
    assert_eq!((&item["admission"]["gate"], &item["admission"]["device"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn an_upload_that_contradicts_is_told_as_a_conflict_and_names_the_ticket() {
    let server = Server::start_with(webhooks::settings()).await;
    let (sale, receiver) = (Sale::open(&server, &standing(10)).await, Receiver::start().await);
    webhooks::endpoint(&server, &sale, &receiver, &["entry.conflict", "entry.scans_recorded"]).await;
    let (_, held) = tickets(&server, &sale, &server.buyer().await, 1).await;
    let (north, south) = (device(&server, &sale, "North").await, device(&server, &sale, "South").await);
    upload(&server, &sale, &north, &[scan(&held[0], 1, 1_000, 1, "in")]).expect(200).await;
    upload(&server, &sale, &south, &[scan(&held[0], 1, 9_000, 2, "in")]).expect(200).await;
    let received = receiver.wait_for(2).await;
    let of = |kind: &str| received.iter().find(|message| message.json["type"] == kind).unwrap();
    let recorded = &of("entry.scans_recorded").json["data"]["change"];
    assert_eq!((&recorded["conflicts"], &recorded["contradictions"]), (&json!(0), &Value::Null));
    let conflict = of("entry.conflict");
    let schema = json!({"$ref": "#/components/schemas/WebhookMessage"});
    Contract::served().await.valid("a message", &schema, &conflict.json, true);
    let change = &conflict.json["data"]["change"];
    assert_eq!((&change["type"], &change["device"]), (&json!("scans_recorded"), &json!(2)));
    let named = json!([{"number": 1, "ticket": held[0].ticket, "kind": "double_admission"}]);
    assert_eq!(change["contradictions"], named);
    let public = server.get(&sale.path("/changes?after=0&limit=100")).expect(200).await;
    let mut items = public.json["items"].as_array().unwrap().iter();
    let item = items.find(|item| item["conflicts"] == 1).unwrap();
    assert_eq!(item["contradictions"], Value::Null, "tickets are for the organizer");
}

#[tokio::test]
async fn what_contradicts_the_log_is_kept_and_what_has_no_shape_is_refused() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let (_, held) = tickets(&server, &sale, &buyer, 1).await;
    let door = device(&server, &sale, "Door").await;
    let path = sale.path(&format!("/tickets/{}/transfer", held[0].ticket));
    let to = json!({"to": server.buyer().await});
    let transfer = server.post(&path).bearer(&buyer).json(&to).expect(200).await;
    let mut unknown = scan(&held[0], 2, 2_000, 1, "in");
    unknown["order"] = json!(999_999);
    let scans = [scan(&held[0], 1, 1_000, 1, "in"), unknown];
    let told = upload(&server, &sale, &door, &scans).expect(200).await;
    let kinds: Vec<&Value> =
        told.json["conflicts"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["admitted_by_old_code", "unknown_ticket"]);
    let shown = list(&server, &sale, "conflicts", told.number("sequence")).await;
    assert_eq!(shown.json["items"][0]["other_sequence"], transfer.json["sequence"]);
    assert_eq!(shown.json["items"].as_array().unwrap().len(), 2);

    let gap = upload(&server, &sale, &door, &[scan(&held[0], 4, 1_000, 1, "in")]);
    let gap = gap.refused(409, "scan_numbers").await;
    assert_eq!(gap.json["next"], 3);
    let order = [scan(&held[0], 4, 1_000, 1, "in"), scan(&held[0], 3, 1_000, 1, "in")];
    let reply = upload(&server, &sale, &door, &order).refused(422, "invalid_request").await;
    assert_eq!(reply.json["reason"], "scans_out_of_order");
    upload(&server, &sale, &door, &[]).refused(422, "invalid_request").await;
    let mut far = scan(&held[0], 3, 1_000, 1, "in");
    far["order"] = json!(1_u64 << 40);
    upload(&server, &sale, &door, &[far]).refused(422, "out_of_range").await;
    let body = json!({"device": 77, "scans": [scan(&held[0], 1, 1_000, 1, "in")]});
    let stranger = server.post(&sale.path("/scans")).bearer(&sale.key).json(&body);
    stranger.refused(404, "device_not_found").await;
    let nobody = server.post("/v1/entry-devices").bearer(ADMIN_TOKEN).json(&json!({"name": "x"}));
    nobody.refused(403, "forbidden").await;
    let unnamed = server.post("/v1/entry-devices").bearer(&sale.key).json(&json!({"name": " "}));
    unnamed.refused(422, "invalid_value").await;
}

#[tokio::test]
async fn a_device_speaks_for_itself_only_and_an_organizers_key_for_each() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let (_, held) = tickets(&server, &sale, &server.buyer().await, 1).await;
    let (north, south) = (device(&server, &sale, "North").await, device(&server, &sale, "South").await);
    let register =
        |token: &str| server.post("/v1/entry-devices").bearer(token).json(&json!({"name": "A third one"}));
    register(&north.text("token")).refused(403, "forbidden").await;
    let as_south = |token: &str| {
        let scans = [scan(&held[0], 1, 1_000, 1, "in")];
        let body = json!({"device": south.number("number"), "scans": scans});
        server.post(&sale.path("/scans")).bearer(token).json(&body)
    };
    as_south(&north.text("token")).refused(403, "forbidden").await;
    let told = as_south(&sale.key).expect(200).await;
    assert_eq!(told.json["scans"], json!([{"number": 1, "outcome": "recorded"}]));
    let again = as_south(&south.text("token")).expect(200).await;
    assert_eq!(again.json["scans"], json!([{"number": 1, "outcome": "seen"}]));
    assert_eq!(register(&sale.key).expect(201).await.number("number"), 3, "nobody took the number");
}

#[tokio::test]
async fn lists_say_which_gate_admits_and_every_minute_is_counted() {
    let server = Server::start().await;
    let mut venue = standing(10);
    venue["entry"] = json!([
        {"name": "Floor", "gates": [1, 2], "ticket_types": ["Free"]},
        {"name": "Later", "gates": [3], "ticket_types": ["Standing"], "opens_at": "2099-01-01T00:00:00Z"},
    ]);
    let sale = Sale::open(&server, &venue).await;
    let (_, held) = tickets(&server, &sale, &server.buyer().await, 2).await;
    let pass = |way: &str, held: &Held, gate: u16| {
        let body = json!({"scan": held.text, "gate": gate});
        server.post(&sale.path(way)).bearer(&sale.key).json(&body)
    };
    let elsewhere = pass("/check-ins", &held[0], 3).refused(409, "not_admitted_here").await;
    assert_eq!((&elsewhere.json["gates"], &elsewhere.json["opens_at"]), (&json!([1, 2]), &Value::Null));
    pass("/check-ins", &held[0], 1).expect(200).await;
    let out = pass("/check-outs", &held[0], 2).expect(200).await;
    let again = pass("/check-ins", &held[0], 1).refused(409, "no_re_entry").await;
    assert_eq!((&again.json["at"], &again.json["gate"]), (&out.json["at"], &json!(2)));
    let door = device(&server, &sale, "Door").await;
    let mut turned_away = scan(&held[1], 2, 2_000, 2, "in");
    turned_away["admitted"] = json!(false);
    let scans = [scan(&held[1], 1, 1_000, 3, "in"), turned_away];
    let told = upload(&server, &sale, &door, &scans).expect(200).await;
    assert_eq!(told.json["conflicts"][0]["kind"], "wrong_gate");
    let counted = list(&server, &sale, "statistics", told.number("sequence")).await;
    let items = counted.json["items"].as_array().unwrap();
    let sum = |list: &Value, what: &str| -> u64 {
        items.iter().filter(|item| item["list"] == *list).map(|item| item[what].as_u64().unwrap()).sum()
    };
    let floor = json!("Floor");
    assert_eq!((sum(&floor, "in"), sum(&floor, "out"), sum(&floor, "refused")), (1, 1, 1));
    assert_eq!(sum(&Value::Null, "in"), 1, "gate 3 has no list for it");
    assert_eq!(items.iter().find(|item| item["refused"] == 1).unwrap()["minute"], "2026-01-01T00:00:00Z");

    let mut wrong = venue.clone();
    wrong["entry"][0]["ticket_types"] = json!(["Nothing"]);
    let configuration = json!({"expected_version": 1, "configuration": wrong});
    let ask =
        server.ask(reqwest::Method::PUT, &sale.path("/configuration")).bearer(&sale.key).key("wrong-lists");
    let refused = ask.json(&configuration).refused(422, "invalid_configuration").await;
    assert_eq!(refused.json["errors"][0]["path"], "configuration.entry[0].ticket_types[0]");
}

#[tokio::test]
async fn a_device_decides_offline_what_the_server_would() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let (order, held) = tickets(&server, &sale, &buyer, 3).await;
    let refund = sale.path(&format!("/orders/{}/refunds", order.text("id")));
    let back = json!({"tickets": [held[1].ticket], "units": "kill"});
    let refunded = server.post(&refund).bearer(&sale.key).json(&back).expect(200).await;
    list(&server, &sale, "conflicts", refunded.number("sequence")).await;
    let door = device(&server, &sale, "Door").await;
    let token = door.text("token");
    let reply = server.get(&sale.path("/entry/snapshot")).bearer(&token).expect(200).await;
    let snapshot = Snapshot::decode(&sealed(&server, &reply).await).unwrap();
    assert_eq!(snapshot.event, ids::parse_event(&sale.event).unwrap().0);
    assert_eq!((snapshot.sequence, snapshot.exceptions.len()), (reply.number("sequence"), 1));
    let mut offline = Door::new(snapshot);
    let decide = |offline: &Door, held: &Held| {
        offline.decide(&held.text, 1, Direction::In, 1_700_000_000_000).map(|_| ())
    };
    assert_eq!(decide(&offline, &held[0]), Ok(()));
    assert_eq!(decide(&offline, &held[1]), Err(Turned::Refunded));

    let reissue = sale.path(&format!("/tickets/{}/reissue", held[0].ticket));
    let reissued = server.post(&reissue).bearer(&buyer).json(&json!({})).expect(200).await;
    let body = json!({"scan": held[2].text, "gate": 1});
    let entered = server.post(&sale.path("/check-ins")).bearer(&token).json(&body).expect(200).await;
    list(&server, &sale, "conflicts", entered.number("sequence")).await;
    assert!(entered.number("sequence") > reissued.number("sequence"));
    assert_eq!(decide(&offline, &held[0]), Ok(()), "it has not heard of it");
    let path = sale.path(&format!("/entry/changes?after={}", offline.sequence()));
    let reply = server.get(&path).bearer(&token).expect(200).await;
    let changes = Changes::decode(&sealed(&server, &reply).await).unwrap();
    assert_eq!((changes.exceptions.len(), changes.more), (2, false));
    assert!(offline.take(&changes) && offline.take(&changes));
    assert_eq!(decide(&offline, &held[0]), Err(Turned::OldCode));
    assert!(matches!(decide(&offline, &held[2]), Err(Turned::In { gate: 1, .. })));
    let new = read(&server, &sale, &buyer, held[0].ticket.clone()).await;
    assert_eq!(decide(&offline, &new), Ok(()));
    let nothing = server.get(&sale.path(&format!("/entry/changes?after={}", offline.sequence())));
    let nothing = nothing.bearer(&token).expect(200).await;
    assert!(Changes::decode(&sealed(&server, &nothing).await).unwrap().exceptions.is_empty());
}
