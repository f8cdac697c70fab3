//! A damaged installation, and one with an event that must be cut, brought back by `tessera repair`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::{Value, json};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::EventId;
use tessera_projections::quarantine::QuarantinedEvents;
use tessera_server::ids;

use crate::server::{Sale, Server, base, free_port, get, post, run};

/// Holds of each event.
const HOLDS: usize = 6;

/// A stopped installation with three events.
struct Installation {
    _folder: tempfile::TempDir,
    data: PathBuf,
    sales: Vec<Sale>,
}

impl Installation {
    async fn sold() -> Installation {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let port = free_port();
        let server = Server::start(&data, port).await;
        let mut sales = Vec::new();
        for name in ["first", "second", "third"] {
            sales.push(Sale::open_as(port, name, 100).await);
        }
        for number in 0..HOLDS {
            for sale in &sales {
                let buyers = sale.buyers(port, number + 1).await;
                let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
                let key = format!("hold-{}-{number}", sale.event);
                post(port, &sale.path("/holds"), &buyers[number], &key, &lines).await;
            }
        }
        let locked = repair(&data, &[]);
        assert!(text(&locked.stderr).contains("another process"), "{}", text(&locked.stderr));
        assert!(server.terminate().success());
        Installation { _folder: folder, data, sales }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.data.with_file_name(name)
    }

    /// Flip a bit in a record of this event that others follow.
    fn flip_in(&self, sale: &Sale) {
        let path = self.data.join("journal/0000000000000001.segment");
        let mut bytes = fs::read(&path).unwrap();
        let event = id(sale).0.to_be_bytes();
        let is_record = |at: &usize| {
            let frame = &bytes[*at..];
            frame.starts_with(b"TsF1") && frame[40..56] == event && frame[8..16] != [0; 8]
        };
        let records: Vec<usize> = (0..bytes.len() - 256).step_by(8).filter(is_record).collect();
        bytes[records[records.len() / 2] + 200] ^= 0x10;
        fs::write(path, bytes).unwrap();
    }

    fn digests(&self, data: &Path) -> Vec<String> {
        self.sales.iter().map(|sale| digest(data, &sale.event)).collect()
    }
}

fn id(sale: &Sale) -> EventId {
    ids::parse_event(&sale.event).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn repair(data: &Path, more: &[&str]) -> Output {
    run(&[&["repair", "--data", data.to_str().unwrap()], more].concat())
}

fn digest(data: &Path, event: &str) -> String {
    let output = run(&["inspect", "--data", data.to_str().unwrap(), event, "digest"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn verify_whole(data: &Path) {
    let output = run(&["inspect", "--data", data.to_str().unwrap(), "verify"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Place a hold as a buyer who has none yet.
async fn hold(port: u16, sale: &Sale) -> (u16, Value) {
    let buyers = sale.buyers(port, HOLDS + 1).await;
    let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
    let url = format!("{}{}", base(port), sale.path("/holds"));
    let request =
        reqwest::Client::new().post(url).bearer_auth(&buyers[HOLDS]).header("Idempotency-Key", "late");
    let reply = request.json(&lines).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

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
