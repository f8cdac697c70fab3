//! A stopped installation that has sold something, for who looks into it or repairs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tessera_inventory::EventId;
use tessera_server::ids;

use crate::server::{Sale, Server, base, free_port, post, run};

/// Holds of each event.
pub(crate) const HOLDS: usize = 6;

/// A stopped installation with three events.
pub(crate) struct Installation {
    _folder: tempfile::TempDir,
    /// Its directory.
    pub(crate) data: PathBuf,
    /// Its events.
    pub(crate) sales: Vec<Sale>,
}

impl Installation {
    pub(crate) async fn sold() -> Installation {
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

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.data.with_file_name(name)
    }

    /// Flip a bit in a record of this event that others follow.
    pub(crate) fn flip_in(&self, sale: &Sale) {
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

    pub(crate) fn digests(&self, data: &Path) -> Vec<String> {
        self.sales.iter().map(|sale| digest(data, &sale.event)).collect()
    }
}

pub(crate) fn id(sale: &Sale) -> EventId {
    ids::parse_event(&sale.event).unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn repair(data: &Path, more: &[&str]) -> Output {
    run(&[&["repair", "--data", data.to_str().unwrap()], more].concat())
}

pub(crate) fn digest(data: &Path, event: &str) -> String {
    let output = run(&["inspect", "--data", data.to_str().unwrap(), event, "digest"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

pub(crate) fn verify_whole(data: &Path) {
    let output = run(&["inspect", "--data", data.to_str().unwrap(), "verify"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Place a hold as a buyer who has none yet.
pub(crate) async fn hold(port: u16, sale: &Sale) -> (u16, Value) {
    let buyers = sale.buyers(port, HOLDS + 1).await;
    let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
    let url = format!("{}{}", base(port), sale.path("/holds"));
    let request =
        reqwest::Client::new().post(url).bearer_auth(&buyers[HOLDS]).header("Idempotency-Key", "late");
    let reply = request.json(&lines).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}
