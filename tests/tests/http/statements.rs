//! What is agreed with an organizer, what it is owed, and what all accounts come to.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_tests::{ADMIN_TOKEN, Sale, Server, hall};

use crate::payments::{Checkout, settings};

/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;

pub(crate) async fn organizer_of(server: &Server, sale: &Sale) -> String {
    server.get(&sale.path("")).bearer(&sale.key).expect(200).await.text("organizer")
}

pub(crate) fn amount_of(accounts: &Value, account: &str) -> i64 {
    let found = accounts.as_array().unwrap().iter().find(|one| one["account"] == account);
    found.map_or(0, |one| one["amount"].as_i64().unwrap())
}

fn every_entry_balances(entries: &Value, order: &Value) {
    let entries = entries.as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["fact"] == "sold" && entry["order"] == *order));
    for entry in entries {
        let postings = entry["postings"].as_array().unwrap();
        let sum: i64 = postings.iter().map(|one| one["amount"].as_i64().unwrap()).sum();
        assert_eq!(sum, 0, "{entry}");
    }
}

#[tokio::test]
async fn what_is_agreed_is_in_quotes_and_statements_and_every_book_balances() {
    let server = Server::start_with(settings()).await;
    let draft = Sale::draft(&server, &hall(1)).await;
    let organizer = organizer_of(&server, &draft).await;
    let path = format!("/v1/organizers/{organizer}/terms");
    let before = server.get(&path).bearer(&draft.key).expect(200).await;
    assert_eq!((before.number("version"), before.text("commission")), (0, "0".to_owned()));
    let terms = |version: u32, commission: &str| {
        let body = json!({
            "expected_version": version, "commission": commission, "commission_fixed": 20, "commission_returned": true,
            "disputes_borne_by": "organizer", "refunds_by_hand": true,
        });
        server.ask(reqwest::Method::PUT, &path).bearer(ADMIN_TOKEN).json(&body)
    };
    terms(0, "101").refused(422, "invalid_value").await;
    terms(0, "2,5").refused(422, "invalid_value").await;
    assert_eq!(terms(0, "2.5").expect(200).await.number("version"), 1);
    assert_eq!(terms(0, "3").refused(409, "stale_version").await.json["current"], 1);
    // Of a configuration that comes in from now on it is taken.
    let body = json!({"expected_version": 1, "configuration": hall(1)});
    server
        .ask(reqwest::Method::PUT, &draft.path("/configuration"))
        .bearer(&draft.key)
        .key("with-terms")
        .json(&body)
        .expect(200)
        .await;
    draft.phase(&server, "on_sale").await;
    let checkout = Checkout::begin(&server, &draft).await;
    checkout.choose("pay").await;
    checkout.comes_to(&server, &draft, "paid", "captured").await;
    let statement = format!("/v1/organizers/{organizer}/statements?currency=EUR&from=2020-01-01T00:00:00Z");
    let mut read = server.get(&statement).bearer(&draft.key).expect(200).await;
    for _ in 0..TRIES_MAX {
        if amount_of(&read.json["closing"], "in_flight") == 0
            && amount_of(&read.json["closing"], "provider") > 0
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        read = server.get(&statement).bearer(&draft.key).expect(200).await;
    }
    // 2.5 % of 180.00, and 0.20 of each ticket.
    let closing = &read.json["closing"];
    assert_eq!(amount_of(closing, "commission"), -(450 + 40));
    assert_eq!(amount_of(closing, "payable"), -(18_000 - 490));
    assert_eq!(read.json["opening"], json!([]));
    every_entry_balances(&read.json["entries"], &checkout.order.json["id"]);
    let csv = server
        .get(&statement)
        .bearer(&draft.key)
        .header("accept", "text/csv")
        .builder()
        .send()
        .await
        .unwrap();
    let csv = csv.text().await.unwrap();
    assert!(csv.starts_with("at,fact,event,order,account,detail,amount,currency\r\n"), "{csv}");
    assert!(csv.contains(",closing,,,payable,,-17510,EUR\r\n"), "{csv}");
    let trial = server.get("/v1/trial-balance").bearer(ADMIN_TOKEN).expect(200).await;
    let eur = &trial.json["items"][0];
    assert_eq!((&eur["currency"], &eur["sum"]), (&json!("EUR"), &json!(0)));
    assert_eq!(amount_of(&eur["accounts"], "in_flight"), 0, "nothing is under way");
}

#[tokio::test]
async fn nobody_reads_the_books_of_another() {
    let server = Server::start().await;
    let sale = Sale::draft(&server, &hall(1)).await;
    let organizer = organizer_of(&server, &sale).await;
    let stranger = server.organizer_key().await;
    let of = |rest: &str| format!("/v1/organizers/{organizer}/{rest}");
    let statement = of("statements?currency=EUR&from=2020-01-01T00:00:00Z");
    server.get(&statement).bearer(&stranger).refused(404, "organizer_not_found").await;
    server.get(&of("terms")).bearer(&stranger).refused(404, "organizer_not_found").await;
    let wrong = |query: &str| server.get(&of(&format!("statements?{query}"))).bearer(&sale.key);
    wrong("currency=euro&from=2020-01-01T00:00:00Z").refused(422, "invalid_value").await;
    wrong("currency=EUR&from=yesterday").refused(422, "invalid_value").await;
    wrong("currency=EUR&from=2020-01-02T00:00:00Z&until=2020-01-01T00:00:00Z")
        .refused(422, "out_of_range")
        .await;
    let empty = wrong("currency=CHF&from=2020-01-01T00:00:00Z").expect(200).await;
    assert_eq!((&empty.json["entries"], &empty.json["closing"]), (&json!([]), &json!([])));
}
