//! What `tessera inspect` shows of a stopped installation, and what it ends with.

use std::path::Path;

use futures::executor::block_on;
use serde_json::{Value, json};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_store::keys::{InstallationKey, LedgerBalanceKey};
use tessera_store::{Table, transact};

use crate::installation::{HOLDS, Installation, text};
use crate::server::{ADMIN_TOKEN, Sale, Server, free_port, get, post, run};

fn inspect(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String, String) {
    inspect_in(&installation.data, arguments)
}

fn inspect_in(data: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(&[&["inspect", "--data", data.to_str().unwrap()], arguments].concat());
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn the_state_is_counted_and_the_log_is_the_change_feed_with_its_records() {
    let sold = Installation::sold().await;
    let sale = &sold.sales[0];
    let (status, said, _) = inspect(&sold, &[&sale.event, "state"]);
    assert_eq!(status, Some(0));
    let floor: Vec<&str> =
        said.lines().find(|line| line.starts_with("pool")).unwrap().split_whitespace().collect();
    let (held, free) = (HOLDS.to_string(), (100 - HOLDS).to_string());
    assert_eq!(floor, ["pool", "Floor", "free", &free, "held", &held, "sold", "0", "killed", "0"]);
    assert!(said.contains("phase          OnSale"), "{said}");

    let (status, said, _) = inspect(&sold, &[&sale.event, "log"]);
    assert_eq!(status, Some(0));
    let mut items: Vec<Value> = Vec::new();
    let mut next = 1;
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        match line.get("record") {
            Some(record) => {
                assert_eq!(record["first"], json!(items.len() + 1), "a record follows the one before");
                assert_eq!(next, items.len() + 1, "the one before is whole");
                next = 1 + usize::try_from(record["last"].as_u64().unwrap()).unwrap();
                assert!(record["epoch"].as_u64() >= Some(1) && record["chain"].as_str().unwrap().len() == 64);
            }
            None => items.push(line),
        }
    }
    assert_eq!(next, items.len() + 1);
    let port = free_port();
    let server = Server::start(&sold.data, port).await;
    assert_eq!(items, sale.changes(port).await, "word for word what the organizer reads");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn damage_has_the_status_that_the_documents_promise() {
    let sold = Installation::sold().await;
    let whole = |sale: &Sale| inspect(&sold, &[&sale.event, "verify"]).0;
    assert_eq!((inspect(&sold, &["verify"]).0, whole(&sold.sales[0])), (Some(0), Some(0)));
    sold.flip_in(&sold.sales[0]);
    let (status, _, said) = inspect(&sold, &["verify"]);
    assert_eq!(status, Some(4), "{said}");
    assert!(said.contains("damaged"), "{said}");
    let (status, _, said) = inspect(&sold, &[&sold.sales[1].event, "verify"]);
    assert_eq!(status, Some(4), "what is not full is verified when the store is opened: {said}");
}

#[tokio::test]
async fn the_embedded_store_says_that_it_has_no_feed_across_events() {
    let sold = Installation::sold().await;
    for arguments in [&["feed"][..], &["feed", "--follow"]] {
        let (status, said, refused) = inspect(&sold, arguments);
        assert_eq!((status, said), (Some(1), String::new()));
        assert!(refused.contains("no feed across events"), "{refused}");
        assert!(refused.contains("`tessera inspect EVENT log`"), "it says what there is instead: {refused}");
    }
    let (status, _, refused) = inspect(&sold, &[&sold.sales[0].event, "feed"]);
    assert_eq!(status, Some(2), "{refused}");
    let restored = run(&["repair", "--data", sold.data.to_str().unwrap(), "--restored"]);
    assert_eq!(restored.status.code(), Some(1));
    assert!(text(&restored.stderr).contains("no feed across events"), "nor an era: {restored:?}");
}

#[tokio::test]
async fn a_log_is_shown_where_the_row_of_its_installation_is_damaged() {
    let sold = Installation::sold().await;
    let sale = &sold.sales[0];
    let (_, whole, _) = inspect(&sold, &[&sale.event, "log"]);
    let store = EmbeddedStore::open(&sold.data, &Options::default()).unwrap();
    let damage = transact(&store, |mut transaction| async move {
        transaction.set(&InstallationKey.pack(), b"not a row");
        Ok((transaction, ()))
    });
    block_on(damage).unwrap();
    drop(store);
    let (status, said, remarked) = inspect(&sold, &[&sale.event, "log"]);
    assert_eq!(status, Some(0), "{remarked}");
    assert!(remarked.contains("secret is lost"), "{remarked}");
    assert_eq!(said.lines().count(), whole.lines().count());
    assert_ne!(said, whole, "its identifiers come from the secret");
}

/// An event that has sold two tickets at 45.00, with 7 % inside and a fee of 1.50 each, at its own till.
async fn sold_for_money(data: &Path) -> Sale {
    let port = free_port();
    let server = Server::start(data, port).await;
    let hall = json!({
        "currency": "EUR", "pools": [{"name": "Floor", "capacity": 10}],
        "ticket_types": [{"name": "Standing", "price": 4500, "draws_on": ["Floor"], "taxes": ["VAT"]}],
        "tariff": {
            "taxes": [{"name": "VAT", "rate": "7", "included": true}],
            "fees": [{"name": "Service", "per": "ticket", "fixed": 150}]}
    });
    let sale = Sale::open_hall(port, "priced", 10, &hall).await;
    let buyer = sale.buyers(port, 1).await.remove(0);
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}]});
    let hold = post(port, &sale.path("/holds"), &buyer, "hold", &lines).await;
    let order = post(port, &sale.path("/orders"), &buyer, "order", &json!({"hold": hold["id"]})).await;
    let confirm = sale.path(&format!("/orders/{}/confirm", order["id"].as_str().unwrap()));
    post(port, &confirm, &sale.key, "confirm", &json!({"payment": "offline"})).await;
    // The ledger follows the log.
    while get(port, "/v1/trial-balance", ADMIN_TOKEN).await["items"] == json!([]) {
        tokio::task::yield_now().await;
    }
    assert!(server.terminate().success());
    sale
}

#[tokio::test]
async fn what_was_quoted_is_computed_again_and_the_ledger_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let sale = sold_for_money(&data).await;
    for arguments in [&["quotes"][..], &[&sale.event, "quotes"]] {
        let (status, said, _) = inspect_in(&data, arguments);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("sound: 1 holds and late sales have the quotes"), "{said}");
    }
    let (status, said, refused) = inspect_in(&data, &["ledger"]);
    assert_eq!(status, Some(0), "{said}{refused}");
    let words = |name: &str| -> Vec<&str> {
        let line = said.lines().find(|line| line.trim_start().starts_with(name));
        line.unwrap().split_whitespace().collect()
    };
    // 93.00 at the till; of 90.00, 5.89 are the state's.
    assert_eq!((words("cash"), words("tax")), (vec!["cash", "9300"], vec!["tax", "0", "-589"]));
    assert_eq!(words("all organizers"), ["all", "organizers", "EUR", "sum", "0"]);
    assert!(said.contains("sound: 1 entries of 1 organizers"), "{said}");
    let (status, _, refused) = inspect_in(&data, &[&sale.event, "ledger"]);
    assert_eq!(status, Some(2), "{refused}");
}

#[tokio::test]
async fn a_ledger_whose_balance_is_not_that_of_its_entries_is_not_sound() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    sold_for_money(&data).await;
    let store = EmbeddedStore::open(&data, &Options::default()).unwrap();
    let (begin, end) = LedgerBalanceKey::range_of_all();
    let rows = async { store.begin().await?.range(&begin, &end, 9, false).await };
    let (key, value) = block_on(rows).unwrap().remove(0);
    let more = (LedgerBalanceKey::decode(&value).unwrap() + 1).to_be_bytes();
    let damage = transact(&store, |mut transaction| {
        transaction.set(&key, &more);
        async move { Ok((transaction, ())) }
    });
    block_on(damage).unwrap();
    drop(store);
    let (status, said, refused) = inspect_in(&data, &["ledger"]);
    assert_eq!(status, Some(4), "{said}{refused}");
    assert!(said.contains("the balances in EUR sum to 1 instead of zero"), "{said}");
    assert!(said.contains(", and its entries come to "), "{said}");
    assert!(refused.contains("2 findings in the ledger"), "{refused}");
}
