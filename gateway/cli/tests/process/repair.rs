//! A damaged installation, and one with an event that must be cut, brought back by `tessera repair`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::{Value, json};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{EventId, Timestamp};
use tessera_projections::quarantine::{Place, Quarantined, QuarantinedEvents, WentBack};

use crate::installation::{HOLDS, Installation, hold, id, repair, text, verify_whole};
use crate::server::{Server, base, free_port, get, run};

/// Well-formed, and of no installation.
const UNKNOWN: &str = "evt_01h455vb4pex7vsknk084sn02q";

fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

fn losses(data: &Path) -> Value {
    serde_json::from_slice(&fs::read(data.join("losses.json")).unwrap()).unwrap()
}

fn quarantined(data: &Path) -> Vec<EventId> {
    let store = EmbeddedStore::open(data, &Options::default()).unwrap();
    let page = block_on(QuarantinedEvents::new(Arc::new(store)).list(None, 10)).unwrap();
    page.events.iter().map(|quarantined| quarantined.event).collect()
}

#[tokio::test]
async fn a_flipped_bit_costs_the_end_of_one_event_and_the_others_sell_on() {
    let old = Installation::sold().await;
    let before = old.digests(&old.data);
    old.flip_in(&old.sales[1]);
    let damaged = files(&old.data);

    let report = repair(&old.data, &[]);
    assert_eq!(report.status.code(), Some(4), "{}", text(&report.stderr));
    let said = text(&report.stdout);
    assert_eq!(said.matches("CUT after").count(), 1, "{said}");
    assert_eq!(said.matches("sound through").count(), 2, "{said}");
    let new = old.beside("repaired");
    assert!(!repair(&old.data, &["--accept-loss"]).status.success(), "where to is not named");
    let repaired = repair(&old.data, &["--accept-loss", "--into", new.to_str().unwrap()]);
    assert!(repaired.status.success(), "{}", text(&repaired.stderr));
    assert_eq!(files(&old.data), damaged, "the damaged installation is as it was");
    let beside = fs::read_dir(old.data.parent().unwrap()).unwrap().count();
    assert_eq!(
        beside, 2,
        "nothing is left beside the old and the new one: the copies of the tables are removed"
    );
    assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o700, "its tables hold a secret");
    let again = repair(&old.data, &["--accept-loss", "--into", new.to_str().unwrap()]);
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));

    verify_whole(&new);
    let after = old.digests(&new);
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    assert_ne!(after[1], before[1]);
    let losses = losses(&new);
    let lost = &losses["events"][0];
    assert_eq!((losses["events"].as_array().unwrap().len(), &lost["state"]), (1, &json!("cut")));
    assert!(lost["appended_through_at_least"].as_u64() > lost["kept_through"].as_u64(), "{lost}");
    assert_eq!(quarantined(&new), [id(&old.sales[1])]);

    let port = free_port();
    let server = Server::start(&new, port).await;
    let availability = get(port, &old.sales[0].path("/availability"), &old.sales[0].key).await;
    assert_eq!(availability["pools"][0]["held"], HOLDS, "the organizer's key and the holds are there");
    let cut = &old.sales[1];
    let (status, refused) = hold(port, cut).await;
    assert_eq!((status, &refused["reason"]), (503, &json!("quarantined")), "{refused}");
    assert!(server.terminate().success());
    let verified = repair(&new, &[]);
    assert!(text(&verified.stdout).contains("cut by repair after sequence"), "{}", text(&verified.stdout));
    assert!(repair(&new, &["--lift", &cut.event]).status.success());
    let server = Server::start(&new, port).await;
    assert_eq!(hold(port, cut).await.0, 201, "somebody has reconciled the losses");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn a_sound_installation_is_copied_as_it_is_and_an_event_is_cut_where_told() {
    let old = Installation::sold().await;
    let before = old.digests(&old.data);
    let copy = old.beside("copy");
    let copied = repair(&old.data, &["--accept-loss", "--into", copy.to_str().unwrap()]);
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    assert_eq!(old.digests(&copy), before);
    assert_eq!((losses(&copy)["events"].clone(), quarantined(&copy)), (json!([]), vec![]));

    let cut = old.beside("cut");
    let arguments = ["--accept-loss", "--into", cut.to_str().unwrap(), "--through", "4", &old.sales[2].event];
    let repaired = repair(&copy, &arguments);
    assert!(repaired.status.success(), "{}", text(&repaired.stderr));
    assert_eq!(old.digests(&cut)[..2], before[..2]);
    verify_whole(&cut);
    assert_eq!(losses(&cut)["events"][0]["kept_through"], 4);
    assert_eq!(quarantined(&cut), [id(&old.sales[2])]);

    let lifted = repair(&cut, &["--lift", &old.sales[2].event]);
    assert!(lifted.status.success(), "{}", text(&lifted.stderr));
    assert_eq!(quarantined(&cut), []);
}

/// The way that needs no restart.
#[tokio::test]
async fn a_quarantine_is_lifted_by_the_running_server() {
    let old = Installation::sold().await;
    let (cut, set_aside) = (old.beside("cut"), &old.sales[1]);
    let arguments = ["--accept-loss", "--into", cut.to_str().unwrap(), "--through", "4", &set_aside.event];
    assert!(repair(&old.data, &arguments).status.success());
    let port = free_port();
    let server = Server::start(&cut, port).await;
    let (status, refused) = hold(port, set_aside).await;
    assert_eq!((status, &refused["reason"]), (503, &json!("quarantined")), "{refused}");
    let lifted = repair(&cut, &["--url", &base(port), &set_aside.event]);
    assert!(lifted.status.success(), "{}", text(&lifted.stderr));
    let document: Value = serde_json::from_slice(&lifted.stdout).unwrap();
    assert_eq!((&document["event"], &document["state"]), (&json!(set_aside.event), &json!("serving")));
    assert_eq!(hold(port, set_aside).await.0, 201);
    let whole = repair(&cut, &["--url", &base(port), "--reconcile", &set_aside.event]);
    assert_eq!(whole.status.code(), Some(1));
    assert!(text(&whole.stderr).contains("not_set_aside"), "{}", text(&whole.stderr));
    let unknown = repair(&cut, &["--url", &base(port), UNKNOWN]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("404"), "{}", text(&unknown.stderr));
    assert!(server.terminate().success());
    let nobody = repair(&cut, &["--url", &base(port), &set_aside.event]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("does not answer"), "{}", text(&nobody.stderr));
}

#[tokio::test]
async fn an_event_that_is_not_there_is_refused_and_not_called_sound() {
    let old = Installation::sold().await;
    let new = old.beside("new");
    let cut: &[&str] = &["--accept-loss", "--into", new.to_str().unwrap(), "--through", "4", UNKNOWN];
    for arguments in [&[UNKNOWN][..], &["--lift", UNKNOWN], &["--through", "4", UNKNOWN], cut] {
        let refused = repair(&old.data, arguments);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(&format!("there is no event {UNKNOWN}")), "{arguments:?}: {said}");
        assert!(!text(&refused.stdout).contains("served at the next start"), "{}", text(&refused.stdout));
    }
    assert!(!new.exists());
    assert_eq!(quarantined(&old.data), [], "the store is as it was");
}

/// What a repair brings back where the tables are gone has logs and nothing else: nobody may call that nothing.
#[tokio::test]
async fn events_without_tables_are_listed_and_verified() {
    let old = Installation::sold().await;
    fs::remove_dir_all(old.data.join("tables")).unwrap();
    let new = old.beside("new");
    let repaired = repair(&old.data, &["--accept-loss", "--into", new.to_str().unwrap()]);
    assert!(repaired.status.success(), "{}", text(&repaired.stderr));
    let verified = run(&["inspect", "--data", new.to_str().unwrap(), "verify"]);
    let said = text(&verified.stdout);
    assert!(verified.status.success(), "{said} {}", text(&verified.stderr));
    for sale in &old.sales {
        assert!(said.contains(&format!("{}  sequence", sale.event)), "{said}");
    }
    assert_eq!(
        (said.matches("not in the catalogue").count(), said.matches("sound: ").count()),
        (3, 3),
        "{said}"
    );
    let again = repair(&new, &[]);
    assert_eq!(text(&again.stdout).matches("served at the next start").count(), 3, "{}", text(&again.stdout));
}

/// As after an older backup was restored: what is there is sound, but not all there was.
#[tokio::test]
async fn what_the_store_lacks_is_reconciled_and_not_lifted() {
    let old = Installation::sold().await;
    let event = id(&old.sales[0]);
    let went_back = WentBack { found: Place::default(), witnessed: Place::default() };
    let row = Quarantined {
        event,
        reason: "the store went back".to_owned(),
        since: Timestamp(1),
        failures: 0,
        went_back: Some(went_back),
    };
    let store = EmbeddedStore::open(&old.data, &Options::default()).unwrap();
    block_on(QuarantinedEvents::new(Arc::new(store)).set(&row)).unwrap();

    let advice = format!("tessera repair --url URL --reconcile {}", old.sales[0].event);
    let verified = text(&repair(&old.data, &[]).stdout);
    assert!(verified.contains(&advice) && !verified.contains("--lift"), "{verified}");
    let lifted = repair(&old.data, &["--lift", &old.sales[0].event]);
    assert_eq!(lifted.status.code(), Some(1), "{}", text(&lifted.stdout));
    assert!(text(&lifted.stderr).contains(&advice), "{}", text(&lifted.stderr));
    assert_eq!(quarantined(&old.data), [event]);
}
