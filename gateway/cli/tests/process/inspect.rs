//! What `tessera inspect` shows of a stopped installation, and what it ends with.

use futures::executor::block_on;
use serde_json::{Value, json};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_store::keys::InstallationKey;
use tessera_store::transact;

use crate::installation::{HOLDS, Installation, text};
use crate::server::{Sale, Server, free_port, run};

fn inspect(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(&[&["inspect", "--data", installation.data.to_str().unwrap()], arguments].concat());
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
