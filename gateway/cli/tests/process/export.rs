//! An installation in a file: exported, imported, and sold on from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;

use crate::installation::{HOLDS, Installation, digest, hold, text, verify_whole};
use crate::server::{Sale, Server, base, free_port, get, post, run};

fn export(data: &Path, out: &Path, more: &[&str]) -> Output {
    let arguments = ["export", "--data", data.to_str().unwrap(), "--out", out.to_str().unwrap()];
    run(&[&arguments, more].concat())
}

fn import(data: &Path, input: &Path) -> Output {
    run(&["import", "--data", data.to_str().unwrap(), "--in", input.to_str().unwrap()])
}

/// A sold installation and its export.
async fn exported() -> (Installation, PathBuf) {
    let old = Installation::sold().await;
    let file = old.beside("installation.tessera");
    let output = export(&old.data, &file, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    (old, file)
}

/// The epoch that `inspect` shows.
fn epoch(data: &Path, sale: &Sale) -> u64 {
    let output = run(&["inspect", "--data", data.to_str().unwrap(), &sale.event, "verify"]);
    let said = text(&output.stdout);
    let after = said.split("epoch ").nth(1).unwrap_or_else(|| panic!("{said}"));
    after.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_exported_installation_is_imported_equally_and_sells_on() {
    let (old, file) = exported().await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "it holds a secret");
    let new = old.beside("new");
    let imported = import(&new, &file);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    assert_eq!(text(&imported.stdout).matches("as exported").count(), old.sales.len());
    assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o700);
    verify_whole(&new);
    assert_eq!(old.digests(&new), old.digests(&old.data));
    for sale in &old.sales {
        assert!(epoch(&new, sale) > epoch(&old.data, sale), "who owned it before owns nothing here");
    }

    let port = free_port();
    let server = Server::start(&new, port).await;
    let sale = &old.sales[0];
    let availability = get(port, &sale.path("/availability"), &sale.key).await;
    assert_eq!(availability["pools"][0]["held"], HOLDS, "the organizer's key and the holds are there");
    let (status, document) = hold(port, sale).await;
    assert_eq!(status, 201, "{document}");
    assert_eq!(sale.changes(port).await.len(), HOLDS + 3, "the log goes on");
    let configuration = get(port, &sale.path("/configuration"), &sale.key).await;
    assert_eq!(configuration["configuration"]["pools"][0]["capacity"], 100, "the venue file is there");
    let running = export(&new, &old.beside("running"), &[]);
    assert!(text(&running.stderr).contains("open in another process"), "{}", text(&running.stderr));
    assert!(!old.beside("running").exists());
    assert!(server.terminate().success());
    verify_whole(&new);
}

#[tokio::test]
async fn one_event_is_exported_without_the_others() {
    let old = Installation::sold().await;
    let (file, new) = (old.beside("one.tessera"), old.beside("one"));
    let sale = &old.sales[1];
    let output = export(&old.data, &file, &["--event", &sale.event]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(import(&new, &file).status.success());
    assert_eq!(digest(&new, &sale.event), digest(&old.data, &sale.event));
    let listed = text(&run(&["inspect", "--data", new.to_str().unwrap()]).stdout);
    assert!(listed.contains(&sale.event) && listed.lines().count() == 1, "{listed}");

    let port = free_port();
    let server = Server::start(&new, port).await;
    assert_eq!(hold(port, sale).await.0, 201);
    let other = reqwest::Client::new().get(format!("{}/v1/events", base(port)));
    let refused = other.bearer_auth(&old.sales[0].key).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 401, "the keys of other organizers are not there");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn a_ticket_that_was_shown_before_is_let_in_where_the_installation_is_now() {
    let folder = tempfile::tempdir().unwrap();
    let (old, port) = (folder.path().join("old"), free_port());
    let server = Server::start(&old, port).await;
    let sale = Sale::open(port, 10).await;
    let buyer = sale.buyers(port, 1).await.remove(0);
    let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
    let hold = post(port, &sale.path("/holds"), &buyer, "hold", &lines).await;
    let order = post(port, &sale.path("/orders"), &buyer, "order", &json!({"hold": hold["id"]})).await;
    let below = sale.path(&format!("/orders/{}", order["id"].as_str().unwrap()));
    let order = post(port, &format!("{below}/confirm"), &buyer, "confirm", &json!({"payment": "free"})).await;
    let ticket = order["tickets"][0]["id"].as_str().unwrap();
    let shown = get(port, &sale.path(&format!("/tickets/{ticket}")), &buyer).await;
    let note = json!({"note": "Doors at seven."});
    let design = reqwest::Client::new().put(format!("{}{}", base(port), sale.path("/ticket-design")));
    assert!(design.bearer_auth(&sale.key).json(&note).send().await.unwrap().status().is_success());
    assert!(server.terminate().success());

    let only = ["--event", sale.event.as_str()];
    for (name, more) in [("all", &[][..]), ("one", &only[..])] {
        let (file, new) = (folder.path().join(format!("{name}.tessera")), folder.path().join(name));
        assert!(export(&old, &file, more).status.success());
        assert!(import(&new, &file).status.success());
        let server = Server::start(&new, port).await;
        let again = get(port, &sale.path(&format!("/tickets/{ticket}")), &buyer).await;
        assert_eq!(again["qr"], shown["qr"], "{name}: the same key signs");
        assert_eq!(get(port, &sale.path("/ticket-design"), &sale.key).await["note"], note["note"]);
        let scan = json!({"scan": shown["qr"], "gate": 1});
        assert_eq!(post(port, &sale.path("/check-ins"), &sale.key, "scan", &scan).await["ticket"], ticket);
        assert!(server.terminate().success());
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_and_nothing_is_made_of_it() {
    let (old, file) = exported().await;
    let bytes = fs::read(&file).unwrap();
    let new = old.beside("new");
    let refused = |bytes: &[u8], says: &str| {
        let damaged = old.beside("damaged");
        fs::write(&damaged, bytes).unwrap();
        let output = import(&new, &damaged);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains(says), "{said}");
        let beside = fs::read_dir(old.data.parent().unwrap()).unwrap();
        let names: Vec<String> =
            beside.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!names.iter().any(|name| name.starts_with("new")), "{names:?}");
    };
    for length in [0, 5, 20, bytes.len() / 2, bytes.len() - 1] {
        let says = if length < 8 { "not written by" } else { "ends in the middle" };
        refused(&bytes[..length], says);
    }
    for at in [12, 40, 100, bytes.len() / 3, bytes.len() * 2 / 3, bytes.len() - 40, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x04;
        refused(&flipped, "nothing was imported");
    }
    refused(&[&bytes[..], b"more"].concat(), "was changed after the export");
    let mut newer = bytes;
    newer[8..12].copy_from_slice(&[0, 9, 0, 9]);
    refused(&newer, "needs a reader of version 9");
    refused(b"{\"json\": true, \"of\": \"something else\"}", "not written by");
}

#[tokio::test]
async fn nothing_is_written_over() {
    let (old, file) = exported().await;
    let again = export(&old.data, &file, &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("exists"), "{}", text(&again.stderr));
    let into_itself = import(&old.data, &file);
    assert_eq!(into_itself.status.code(), Some(1));
    assert!(text(&into_itself.stderr).contains("is not empty"), "{}", text(&into_itself.stderr));
    let unknown = export(&old.data, &old.beside("none"), &["--event", "evt_01h455vb4pex7vsknk084sn02q"]);
    assert!(text(&unknown.stderr).contains("there is no event"), "{}", text(&unknown.stderr));

    old.flip_in(&old.sales[0]);
    let damaged = export(&old.data, &old.beside("none"), &[]);
    assert_eq!(damaged.status.code(), Some(4), "{}", text(&damaged.stderr));
    assert!(!old.beside("none").exists(), "a damaged installation is not carried on");
    assert_eq!(json!(fs::read_dir(old.data.parent().unwrap()).unwrap().count()), json!(2));
}
