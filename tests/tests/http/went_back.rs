//! Scenario 34 through the API: an older backup of the store is restored beside a node that has seen more.

use std::sync::Arc;

use serde_json::json;
use tessera_store::memory::MemoryStore;
use tessera_tests::{ADMIN_TOKEN, Sale, Server, standing};

#[tokio::test]
async fn scenario_34_an_older_backup_closes_the_sale_until_an_operator_reconciles() {
    let directory = tempfile::tempdir().unwrap();
    let settings = || {
        let mut settings = Server::settings();
        settings.data = directory.path().to_owned();
        settings
    };
    let server = Server::start_apart(Arc::default(), settings()).await.unwrap();
    let (sale, quiet) = (Sale::open(&server, &standing(10)).await, Sale::open(&server, &standing(10)).await);
    let buyer = server.buyer().await;
    let kept = sale.hold(&server, &buyer, "Standing", 2).await;
    let backup = Arc::new(server.store.copied());
    let lost = sale.hold(&server, &buyer, "Standing", 3).await;
    server.stop().await;

    let server = Server::start_apart(backup, settings()).await.unwrap();
    let ready = server.get("/readyz").expect(200).await;
    assert_eq!(ready.json["store_went_back"], json!({"count": 1, "events": [sale.event]}));
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let place = || server.post(&sale.path("/holds")).bearer(&buyer).json(&lines);
    let refused = place().refused(503, "store_went_back").await;
    assert_eq!(refused.header("retry-after"), "60");
    quiet.hold(&server, &buyer, "Standing", 1).await;
    let availability = server.get(&sale.path("/availability")).bearer(&buyer).expect(200).await;
    assert_eq!(availability.json["pools"][0]["free"], 8, "what there is can be read");
    let hold = |hold: &str| server.get(&sale.path(&format!("/holds/{hold}"))).bearer(&buyer);
    assert_eq!(hold(&kept.text("id")).expect(200).await.json["lines"], kept.json["lines"]);
    hold(&lost.text("id")).refused(404, "hold_not_found").await;
    server.get(&sale.path("/changes")).bearer(&buyer).expect(200).await;

    server.post(&sale.path("/repairs")).bearer(ADMIN_TOKEN).refused(503, "store_went_back").await;
    server.post(&quiet.path("/reconciliations")).bearer(ADMIN_TOKEN).refused(422, "invalid_request").await;
    server.post(&sale.path("/reconciliations")).bearer(&buyer).refused(403, "forbidden").await;
    let reconciled = server.post(&sale.path("/reconciliations")).bearer(ADMIN_TOKEN).expect(200).await;
    let sequence = reconciled.json["sequence"].as_u64().unwrap();
    let wanted = json!({
        "event": sale.event, "state": "serving", "sequence": sequence, "witnessed_sequence": sequence + 1,
        "lost": {"first": sequence + 1, "last": sequence + 1},
    });
    assert_eq!(reconciled.json, wanted, "the one hold that came after the backup");
    place().expect(201).await;
    let ready = server.get("/readyz").expect(200).await;
    assert_eq!(ready.json["store_went_back"]["count"], 0);
}

#[tokio::test]
async fn a_store_that_was_lost_altogether_is_not_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let settings = || {
        let mut settings = Server::settings();
        settings.data = directory.path().to_owned();
        settings
    };
    let server = Server::start_apart(Arc::default(), settings()).await.unwrap();
    let store = server.stop().await;
    let empty = Arc::new(MemoryStore::new());
    for _ in 0..2 {
        // Nothing was written into it: the second start finds it as empty.
        let error = Server::start_apart(Arc::clone(&empty), settings()).await.err().unwrap();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("the store is empty"), "{cause}");
    }
    Server::start_apart(store, settings()).await.unwrap();
}
