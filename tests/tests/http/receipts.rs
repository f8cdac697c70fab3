//! Receipts: every decision names one, it verifies without the server, and nothing else does.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use serde_json::{Value, json};
use tessera_proof::{Forgery, PublicKey, Receipt};
use tessera_server::receipt::{KeysDocument, ReceiptDocument};
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server, standing};

fn one_free() -> Value {
    json!({"lines": [{"ticket_type": "Free", "quantity": 1}]})
}

/// The receipt that a reply names, as soon as it is signed.
async fn signed(server: &Server, sale: &Sale, reply: &Reply) -> Reply {
    let path = sale.path(&format!("/receipts/{}", reply.text("receipt")));
    loop {
        let receipt = server.get(&path).send().await;
        if receipt.status != 202 {
            assert_eq!(receipt.status, 200, "{}", receipt.json);
            return receipt;
        }
        assert_eq!(receipt.json["state"], "not_signed_yet");
        assert_eq!(receipt.headers["retry-after"], "1");
        tokio::task::yield_now().await;
    }
}

fn read(receipt: &Reply) -> Receipt {
    serde_json::from_slice::<ReceiptDocument>(&receipt.bytes).unwrap().receipt().unwrap()
}

async fn keys(server: &Server) -> Vec<PublicKey> {
    let keys = server.get("/.well-known/tessera-keys").expect(200).await;
    serde_json::from_slice::<KeysDocument>(&keys.bytes).unwrap().keys().unwrap()
}

#[tokio::test]
async fn a_refusal_names_a_receipt_that_verifies_and_a_forged_one_does_not() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(1)).await;
    let buyers = server.buyers(2).await;
    let held = sale.hold(&server, &buyers[0], "Free", 1).await;
    let place = server.post(&sale.path("/holds")).bearer(&buyers[1]).json(&one_free());
    let refused = place.refused(409, "sold_out").await;
    let receipt = signed(&server, &sale, &refused).await;
    let decision = &receipt.json["decision"];
    assert_eq!(decision["outcome"], "refused");
    assert_eq!(decision["kind"], "place_hold");
    assert_eq!(decision["refusal"]["code"], "sold_out");
    assert_eq!(decision["sequence"], refused.json["sequence"]);
    assert_eq!(decision["detail"], "line=0 pool=0 remaining=0 may_return=true");
    let keys = keys(&server).await;
    let genuine = read(&receipt);
    let (checkpoint, _) = genuine.verify(&keys).unwrap();
    assert!(checkpoint.sequence >= refused.number("sequence"));
    let mut forged = receipt.json.clone();
    forged["decision"]["refusal"]["code"] = "wrong_phase".into();
    let forged: ReceiptDocument = serde_json::from_value(forged).unwrap();
    assert_eq!(forged.receipt().unwrap().verify(&keys).unwrap_err(), Forgery::NotInTree);
    // What was accepted just before stands in the same tree.
    let accepted = read(&signed(&server, &sale, &held).await);
    assert!(accepted.verify(&keys).is_ok());
    assert_eq!(accepted.leaf.sequence, held.number("sequence"));
    let stolen = Receipt { path: accepted.path, ..genuine };
    assert_eq!(stolen.verify(&keys).unwrap_err(), Forgery::NotInTree);
}

/// From the creation of the event to a check-in: each reply of a decision names its own receipt.
#[tokio::test]
async fn every_kind_of_decision_is_proven() {
    let server = Server::start().await;
    let mut configuration = standing(10);
    configuration["hold"] = json!({"duration_s": 600, "renewals_max": 0, "life_s_max": 1800, "grace_s": 900});
    let sale = Sale::open(&server, &configuration).await;
    let buyer = server.buyer().await;
    let hold = sale.hold(&server, &buyer, "Free", 2).await;
    let renewed = server
        .post(&sale.path(&format!("/holds/{}/renew", hold.text("id"))))
        .bearer(&buyer)
        .refused(409, "renewals_exhausted")
        .await;
    let order = json!({"hold": hold.text("id")});
    let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&order).expect(201).await;
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    let paid = server.post(&confirm).bearer(&buyer).json(&json!({"payment": "free"})).expect(200).await;
    let kill = json!({"pool": "Floor", "quantity": 3});
    let killed = server.post(&sale.path("/kills")).bearer(&sale.key).json(&kill).expect(200).await;
    let released = sale.path("/holds/hld_00000000000000000000000000/release");
    let unknown = server.post(&released).bearer(&buyer).refused(404, "hold_not_found").await;
    assert_eq!(unknown.json.get("receipt"), None, "the writer was not asked");
    let keys = keys(&server).await;
    for (reply, kind) in [
        (&hold, "place_hold"),
        (&renewed, "renew_hold"),
        (&order, "begin_payment"),
        (&paid, "confirm"),
        (&killed, "kill"),
    ] {
        let receipt = signed(&server, &sale, reply).await;
        assert_eq!(receipt.json["decision"]["kind"], kind);
        assert!(read(&receipt).verify(&keys).is_ok(), "{kind}");
    }
    let text = String::from_utf8(signed(&server, &sale, &paid).await.bytes).unwrap();
    for private in [&buyer, &hold.text("secret")] {
        assert!(!text.contains(private.as_str()), "nothing tells who asked");
    }
}

#[tokio::test]
async fn a_replayed_reply_names_the_receipt_of_the_first() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(1)).await;
    let buyers = server.buyers(2).await;
    let place =
        |buyer: &str, key: &str| server.post(&sale.path("/holds")).bearer(buyer).key(key).json(&one_free());
    let held = place(&buyers[0], "a").expect(201).await;
    let again = place(&buyers[0], "a").expect(201).await;
    assert_eq!(again.bytes, held.bytes);
    let refused = place(&buyers[1], "b").refused(409, "sold_out").await;
    let again = place(&buyers[1], "b").refused(409, "sold_out").await;
    assert_eq!(again.text("receipt"), refused.text("receipt"));
    let other = place(&buyers[1], "c").refused(409, "sold_out").await;
    assert_ne!(other.text("receipt"), refused.text("receipt"), "another request, another decision");
    // After a restart the writer knows what was accepted, and so does the name.
    let names = (held.text("receipt"), refused.text("receipt"));
    let settings = Server::settings();
    let server = Server::start_on(server.stop().await, settings).await;
    let place = server.post(&sale.path("/holds")).bearer(&buyers[0]).key("a").json(&one_free());
    assert_eq!(place.expect(201).await.text("receipt"), names.0);
    // The drain has signed what was waiting.
    for name in [&names.0, &names.1] {
        server.get(&sale.path(&format!("/receipts/{name}"))).expect(200).await;
    }
}

#[tokio::test]
async fn what_names_no_decision_is_not_found() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let other = Sale::open(&server, &standing(10)).await;
    let held = sale.hold(&server, &server.buyer().await, "Free", 1).await;
    signed(&server, &sale, &held).await;
    let foreign = other.path(&format!("/receipts/{}", held.text("receipt")));
    server.get(&foreign).refused(404, "receipt_not_found").await;
    for name in ["rct_", "rct_00000000000000000000000000", &held.text("id"), "x"] {
        server.get(&sale.path(&format!("/receipts/{name}"))).refused(404, "receipt_not_found").await;
    }
    let draft = Sale::draft(&server, &standing(10)).await;
    let path = draft.path("/checkpoints");
    server.get(&path).refused(404, "event_not_found").await;
    server.get(&path).bearer(&draft.key).expect(200).await;
}

#[tokio::test]
async fn checkpoints_are_a_feed_in_which_the_tree_only_grows() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    for _ in 0..3 {
        let held = sale.hold(&server, &buyer, "Free", 1).await;
        signed(&server, &sale, &held).await;
    }
    let keys = keys(&server).await;
    let (mut after, mut sizes) = (0, Vec::new());
    loop {
        let page = server.get(&sale.path(&format!("/checkpoints?after={after}&limit=1"))).expect(200).await;
        let items = page.json["items"].as_array().unwrap();
        let Some(item) = items.first() else { break };
        assert_eq!(items.len(), 1);
        let note = item["checkpoint"].as_str().unwrap();
        let (checkpoint, _) = tessera_proof::Checkpoint::verify(note, &keys).unwrap();
        sizes.push((checkpoint.size, checkpoint.sequence, checkpoint.at_ms));
        after = page.number("next");
        assert!(after <= page.number("head"));
    }
    assert!(sizes.len() >= 3 && sizes.is_sorted(), "{sizes:?}");
    let (size, sequence, _) = sizes[sizes.len() - 1];
    assert_eq!((size, sequence), (5, 5), "configured, opened, three holds");
    server.get(&sale.path("/checkpoints?limit=0")).refused(422, "out_of_range").await;
}

/// One buyer after the other is refused once and then buys, until the sale has seen enough: what each was told.
async fn sell(server: &Server, sale: &Sale, enough: &Cell<bool>, told: &RefCell<Vec<Reply>>) {
    let dearer = json!({"lines": [
        {"ticket_type": "Free", "quantity": 1, "expected_price": {"amount": 1, "currency": "EUR"}}]});
    while !enough.get() {
        let buyer = server.buyer().await;
        let place = server.post(&sale.path("/holds")).bearer(&buyer).json(&dearer);
        let refused = place.refused(409, "price_changed").await;
        let bought = sale.buy_free(server, &buyer, 1).await;
        told.borrow_mut().extend([refused, bought]);
    }
}

/// Waits until buyers have been told something, and a decision of now is signed.
async fn is_selling(server: &Server, sale: &Sale, told: &RefCell<Vec<Reply>>) {
    let before = told.borrow().len();
    let bought = sale.buy_free(server, &server.buyer().await, 1).await;
    signed(server, sale, &bought).await;
    told.borrow_mut().push(bought);
    while told.borrow().len() < before + BUYERS_AT_ONCE {
        tokio::task::yield_now().await;
    }
}

/// So many buyers are on their way at once.
const BUYERS_AT_ONCE: usize = 4;
const ROTATIONS: usize = 3;
/// Rotations are at least a minute apart.
const BETWEEN_ROTATIONS: Duration = Duration::from_secs(61);

#[tokio::test]
async fn scenario_53_the_signing_key_rotates_in_mid_sale() {
    let mut settings = Server::settings();
    // Time makes leaps while requests are under way.
    settings.http.deadline_ms = 600_000;
    let (server, clock) = Server::start_with_clock(settings).await;
    let sale = Sale::open(&server, &standing(100_000)).await;
    let (enough, told) = (Cell::new(false), RefCell::default());
    let rotations = async {
        for rotation in 1..=ROTATIONS {
            is_selling(&server, &sale, &told).await;
            clock.advance(BETWEEN_ROTATIONS);
            server.post("/v1/receipt-keys").bearer(ADMIN_TOKEN).expect(201).await;
            assert_eq!(keys(&server).await.len(), rotation + 1);
        }
        is_selling(&server, &sale, &told).await;
        enough.set(true);
    };
    let buyers = (0..BUYERS_AT_ONCE).map(|_| sell(&server, &sale, &enough, &told));
    futures::future::join(futures::future::join_all(buyers), rotations).await;
    let (keys, told) = (keys(&server).await, told.into_inner());
    let mut signed_by = vec![0; keys.len()];
    for reply in &told {
        let receipt = read(&signed(&server, &sale, reply).await);
        let (checkpoint, by) = receipt.verify(&keys).unwrap();
        let ends_ms = by.valid_until_ms.unwrap_or(u64::MAX);
        assert!((by.valid_from_ms..ends_ms).contains(&checkpoint.at_ms));
        signed_by[keys.iter().position(|key| key == by).unwrap()] += 1;
    }
    assert!(signed_by.iter().all(|count| *count > 0), "each key has signed: {signed_by:?}");
    // Tickets are not signed with it: those sold under any of them are let in.
    for bought in told.iter().filter(|reply| reply.status == 200) {
        let ticket = &bought.json["tickets"][0];
        let scan = json!({"ticket": ticket["id"], "code": ticket["code"], "gate": 1});
        server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&scan).expect(200).await;
    }
}

#[tokio::test]
async fn a_rotation_is_told_by_the_history_of_the_keys() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let before = sale.hold(&server, &buyer, "Free", 1).await;
    let before = signed(&server, &sale, &before).await;
    let old_keys = keys(&server).await;
    server.post("/v1/receipt-keys").bearer(&sale.key).refused(403, "forbidden").await;
    let made = server.post("/v1/receipt-keys").bearer(ADMIN_TOKEN).expect(201).await;
    let after = sale.hold(&server, &buyer, "Free", 1).await;
    let after = signed(&server, &sale, &after).await;
    let keys = keys(&server).await;
    assert_eq!((old_keys.len(), keys.len()), (1, 2));
    assert_eq!(keys[1].id(), made.text("id"));
    assert_eq!(keys[0].valid_until_ms, Some(keys[1].valid_from_ms));
    let (_, by) = read(&before).verify(&keys).unwrap();
    assert_eq!(by, &keys[0], "an old receipt verifies by the history");
    let (_, by) = read(&after).verify(&keys).unwrap();
    assert_eq!(by, &keys[1], "a new one is signed with the new key");
    assert_eq!(read(&after).verify(&old_keys).unwrap_err(), Forgery::UnknownKey);
    // A key that signs after its time is not believed.
    let late = [PublicKey { valid_until_ms: Some(keys[1].valid_from_ms), ..keys[1] }];
    assert_eq!(read(&after).verify(&late).unwrap_err(), Forgery::KeyNotValidThen);
    // Who asks again at once is told the same.
    let again = server.post("/v1/receipt-keys").bearer(ADMIN_TOKEN).expect(201).await;
    assert_eq!(again.json, made.json);
    // A restart does not forget the history.
    let server = Server::start_on(server.stop().await, Server::settings()).await;
    let kept = server.get("/.well-known/tessera-keys").expect(200).await;
    let kept = serde_json::from_slice::<KeysDocument>(&kept.bytes).unwrap().keys().unwrap();
    assert_eq!(kept, keys);
}

#[tokio::test]
async fn a_browser_is_shown_a_page() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(1)).await;
    let buyers = server.buyers(2).await;
    sale.hold(&server, &buyers[0], "Free", 1).await;
    let place = server.post(&sale.path("/holds")).bearer(&buyers[1]).json(&one_free());
    let refused = place.refused(409, "sold_out").await;
    signed(&server, &sale, &refused).await;
    let path = sale.path(&format!("/receipts/{}", refused.text("receipt")));
    let page = server.get(&path).header("accept", "text/html,application/xml;q=0.9").expect(200).await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["vary"], "Accept");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let text = String::from_utf8(page.bytes).unwrap();
    for part in [
        "<h1>Refused: Sold out</h1>",
        "/docs/errors/sold_out",
        "place_hold",
        &refused.text("receipt"),
        "tessera verify",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn a_server_without_receipts_names_none_and_keeps_those_given() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(5)).await;
    let buyer = server.buyer().await;
    let held = sale.hold(&server, &buyer, "Free", 1).await;
    let path = sale.path(&format!("/receipts/{}", held.text("receipt")));
    let mut settings = Server::settings();
    settings.receipts.enabled = false;
    let server = Server::start_on(server.stop().await, settings).await;
    let unproven = sale.hold(&server, &buyer, "Free", 1).await;
    assert_eq!(unproven.json.get("receipt"), None);
    server.get(&path).expect(200).await;
    // When receipts are given again, what was accepted meanwhile is proven too: the log has it.
    let server = Server::start_on(server.stop().await, Server::settings()).await;
    let again = sale.hold(&server, &buyer, "Free", 1).await;
    let receipt = read(&signed(&server, &sale, &again).await);
    assert_eq!(receipt.index + 1, again.number("sequence"), "no event is missing before it");
}
