//! What an organizer is owed, and payouts to it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server, fresh_key, hall};

use crate::payments::{Checkout, settings};
use crate::statements::organizer_of;

/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;
/// Two seats.
const PRICE: i64 = 18_000;

/// An organizer that has sold an order through a provider.
struct Owed {
    server: Server,
    key: String,
    /// Below it are the routes.
    path: String,
}

impl Owed {
    async fn sold() -> Owed {
        let server = Server::start_with(settings()).await;
        let sale = Sale::open(&server, &hall(1)).await;
        let path = format!("/v1/organizers/{}", organizer_of(&server, &sale).await);
        let checkout = Checkout::begin(&server, &sale).await;
        checkout.choose("pay").await;
        checkout.comes_to(&server, &sale, "paid", "captured").await;
        let owed = Owed { server, key: sale.key, path };
        // The ledger follows the log.
        for _ in 0..TRIES_MAX {
            if owed.balance().await == (PRICE, 0) {
                return owed;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{:?}", owed.balance().await);
    }

    async fn read(&self, rest: &str) -> Reply {
        self.server.get(&format!("{}{rest}", self.path)).bearer(&self.key).expect(200).await
    }

    /// What it is owed, and what is on its way.
    async fn balance(&self) -> (i64, i64) {
        let balances = self.read("/balances").await;
        let Some(eur) = balances.json["items"].get(0) else { return (0, 0) };
        assert_eq!(eur["currency"], "EUR");
        (eur["owed"].as_i64().unwrap(), eur["on_the_way"].as_i64().unwrap())
    }

    fn begin(&self, body: &Value) -> tessera_tests::Ask {
        self.server.post(&format!("{}/payouts", self.path)).bearer(ADMIN_TOKEN).json(body)
    }

    fn end(&self, payout: &Reply, how: &str) -> tessera_tests::Ask {
        let path = format!("{}/payouts/{}/{how}", self.path, payout.text("id"));
        self.server.ask(Method::POST, &path).bearer(ADMIN_TOKEN)
    }
}

fn wanted(amount: i64) -> Value {
    json!({"amount": {"amount": amount, "currency": "EUR"}, "provider": "sandbox"})
}

#[tokio::test]
async fn a_payout_is_of_no_more_than_is_owed_and_begins_and_ends_once() {
    let owed = Owed::sold().await;
    let refused = owed.begin(&wanted(PRICE + 1)).refused(409, "payout_exceeded").await;
    assert_eq!(refused.json["owed"], json!({"amount": PRICE, "currency": "EUR"}));
    let key = fresh_key();
    let begun = owed.begin(&wanted(10_000)).key(&key).expect(201).await;
    assert_eq!((begun.text("state"), begun.text("provider")), ("begun".to_owned(), "sandbox".to_owned()));
    assert_eq!(owed.balance().await, (8_000, 10_000));
    let again = owed.begin(&wanted(10_000)).key(&key).expect(201).await;
    assert!(again.replayed() && !begun.replayed());
    assert_eq!(again.text("id"), begun.text("id"), "the same request, the same payout");
    owed.begin(&wanted(9_000)).key(&key).refused(422, "key_reused").await;
    let gone = json!({"amount": {"amount": 1, "currency": "EUR"}, "provider": "gone"});
    // The key comes before whether such a payout could begin now.
    owed.begin(&gone).key(&key).refused(422, "key_reused").await;
    owed.begin(&wanted(8_001)).refused(409, "payout_exceeded").await;
    for _ in 0..2 {
        assert_eq!(owed.end(&begun, "settle").expect(200).await.text("state"), "settled");
    }
    let ended = owed.end(&begun, "fail").refused(409, "payout_ended").await;
    assert_eq!(ended.text("reason"), "settled");
    assert_eq!(owed.balance().await, (8_000, 0));
    let other = owed.begin(&wanted(8_000)).expect(201).await;
    assert_eq!(owed.end(&other, "fail").expect(200).await.text("state"), "failed");
    assert_eq!(owed.balance().await, (8_000, 0), "it is owed it as before");
    let trial = owed.server.get("/v1/trial-balance").bearer(ADMIN_TOKEN).expect(200).await;
    assert_eq!(trial.json["items"][0]["sum"], 0);
}

#[tokio::test]
async fn an_organizer_sees_its_payouts_and_finds_them_in_its_statement() {
    let owed = Owed::sold().await;
    let settled = owed.begin(&wanted(10_000)).expect(201).await;
    owed.end(&settled, "settle").expect(200).await;
    let failed = owed.begin(&wanted(8_000)).expect(201).await;
    owed.end(&failed, "fail").expect(200).await;
    let first = owed.read("/payouts?limit=1").await;
    let second = owed.read(&format!("/payouts?limit=1&cursor={}", first.text("next"))).await;
    assert_eq!(second.json["next"], json!(null));
    let pages = [&first, &second].map(|page| page.json["items"].as_array().unwrap().clone()).concat();
    assert_eq!(pages.len(), 2);
    for (begun, state) in [(&settled, "settled"), (&failed, "failed")] {
        let one = owed.read(&format!("/payouts/{}", begun.text("id"))).await;
        assert_eq!(one.text("state"), state);
        assert!(pages.contains(&one.json), "{pages:?}");
    }
    let statement = "/statements?currency=EUR&from=2020-01-01T00:00:00Z";
    let entries = owed.read(statement).await.json["entries"].clone();
    let facts: Vec<&str> =
        entries.as_array().unwrap().iter().filter_map(|one| one["fact"].as_str()).collect();
    let mut payouts: Vec<&str> = facts.into_iter().filter(|fact| fact.starts_with("payout")).collect();
    payouts.sort_unstable();
    assert_eq!(payouts, ["payout_begun", "payout_begun", "payout_done", "payout_failed"]);
    let csv = owed.server.get(&format!("{}{statement}", owed.path)).bearer(&owed.key);
    let csv = csv.header("accept", "text/csv").builder().send().await.unwrap().text().await.unwrap();
    for line in [
        ",payout_begun,,,payable,,10000,EUR\r\n",
        ",payout_done,,,payouts,,10000,EUR\r\n",
        ",payout_failed,,,payable,,-8000,EUR\r\n",
        ",closing,,,payable,,-8000,EUR\r\n",
    ] {
        assert!(csv.contains(line), "{line} in {csv}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_payout_is_refused() {
    let owed = Owed::sold().await;
    let body = |name: &str, value: Value| {
        let mut body = wanted(1);
        body[name] = value;
        body
    };
    for (body, code) in [
        (wanted(0), "out_of_range"),
        (body("amount", json!({"amount": 1, "currency": "euro"})), "invalid_value"),
        (body("provider", json!("nobody")), "provider_unknown"),
        (body("through", json!("2999-01-01T00:00:00Z")), "out_of_range"),
        (body("statement", json!(1)), "unknown_field"),
    ] {
        owed.begin(&body).refused(422, code).await;
    }
    let keyless = owed.server.ask(Method::POST, &format!("{}/payouts", owed.path)).bearer(ADMIN_TOKEN);
    keyless.json(&wanted(1)).refused(422, "key_missing").await;
    let franc = body("amount", json!({"amount": 1, "currency": "CHF"}));
    let refused = owed.begin(&franc).refused(409, "payout_exceeded").await;
    assert_eq!(refused.json["owed"], json!({"amount": 0, "currency": "CHF"}), "in another currency nothing");
    let nobody = format!("{}/payouts/pyo_00000000000000000000000000", owed.path);
    owed.server.get(&nobody).bearer(&owed.key).refused(404, "payout_not_found").await;
    let settle = owed.server.ask(Method::POST, &format!("{nobody}/settle")).bearer(ADMIN_TOKEN);
    settle.refused(404, "payout_not_found").await;
    let stranger = owed.server.organizer_key().await;
    for rest in ["/balances", "/payouts"] {
        let of_another = owed.server.get(&format!("{}{rest}", owed.path)).bearer(&stranger);
        of_another.refused(404, "organizer_not_found").await;
    }
}
