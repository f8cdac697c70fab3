//! Disks that fail, fill up, stall and rot under the real binary, over HTTP: the fault shim is preloaded.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Sale, Server, base, free_port, get, post, tessera};
use crate::shim::shim;

/// Longest a request waits for its decision, in milliseconds.
const DEADLINE_MS: u64 = 4_000;
/// How much slower a stalled sync is, in milliseconds.
const STALL_MS: u64 = 1_500;
/// Ticket types of a configuration that takes a noticeable part of a segment.
const LARGE_TICKET_TYPES: usize = 200;

/// A data folder under the shim.
struct Rig {
    folder: tempfile::TempDir,
    port: u16,
}

impl Rig {
    fn new() -> Rig {
        let rig = Rig { folder: tempfile::tempdir().unwrap(), port: free_port() };
        fs::create_dir(rig.data()).unwrap();
        rig
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn start(&self) -> Server {
        let mut command = tessera();
        command.env("LD_PRELOAD", shim()).env("FAULT_SHIM_DIR", self.data());
        command.env("FAULT_SHIM_LOG", self.folder.path().join("undo"));
        command.env("FAULT_SHIM_CONTROL", self.folder.path().join("control"));
        command.env("TESSERA_HTTP__DEADLINE_MS", DEADLINE_MS.to_string());
        Server::start_as(command, &self.data(), self.port).await
    }

    /// The faults from now on.
    fn control(&self, faults: &str) {
        let (new, path) = (self.folder.path().join("control.new"), self.folder.path().join("control"));
        fs::write(&new, faults).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// Place a hold; `None` where the server does not answer any more.
    async fn hold(&self, sale: &Sale, buyer: &str, key: &str) -> Option<(u16, Value)> {
        let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
        let url = format!("{}{}", base(self.port), sale.path("/holds"));
        let request = reqwest::Client::new().post(url).bearer_auth(buyer).header("Idempotency-Key", key);
        let reply = request.json(&lines).send().await.ok()?;
        let status = reply.status().as_u16();
        Some((status, reply.json().await.ok()?))
    }

    async fn held(&self, sale: &Sale) -> Value {
        get(self.port, &sale.path("/availability"), &sale.key).await["pools"][0]["held"].clone()
    }
}

/// Replace the configuration by a large one; answers the status and the code.
async fn configure(port: u16, sale: &Sale, version: u64) -> (u16, String) {
    let url = format!("{}{}", base(port), sale.path("/configuration"));
    let type_of = |number: usize| {
        let name = if number == 0 { "Free".to_owned() } else { format!("{number}-{}", "x".repeat(80)) };
        json!({"name": name, "price": 0, "per_order_min": 1, "per_order_max": 4, "draws_on": ["Floor"]})
    };
    let types: Vec<Value> = (0..LARGE_TICKET_TYPES).map(type_of).collect();
    let configuration = json!({"currency": "EUR", "pools": [{"name": "Floor", "capacity": 100 + version}], "ticket_types": types});
    let body = json!({"expected_version": version, "configuration": configuration});
    let request = reqwest::Client::new().put(url).bearer_auth(&sale.key);
    let reply =
        request.header("Idempotency-Key", format!("large-{version}")).json(&body).send().await.unwrap();
    let status = reply.status().as_u16();
    let document: Value = reply.json().await.unwrap();
    (status, document["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn scenario_30_a_failed_sync_ends_the_process_and_the_restart_knows_what_was_acknowledged() {
    let rig = Rig::new();
    let server = rig.start().await;
    let sale = Sale::open(rig.port, 100).await;
    let buyers = sale.buyers(rig.port, 3).await;
    assert_eq!(rig.hold(&sale, &buyers[0], "before").await.unwrap().0, 201);
    rig.control("only=/journal/\nsync_error=1\n");
    let failed = rig.hold(&sale, &buyers[1], "failed").await;
    assert!(failed.is_none_or(|(status, document)| status == 503 && document["code"] == "outcome_unknown"));
    let after = rig.hold(&sale, &buyers[2], "after").await;
    assert!(after.is_none_or(|(status, _)| status == 503), "nothing is acknowledged after");
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("the journal could not be synced"), "{said}");

    rig.control("");
    let server = rig.start().await;
    assert_eq!(rig.hold(&sale, &buyers[0], "before").await.unwrap().0, 201);
    assert_eq!(
        rig.hold(&sale, &buyers[1], "failed").await.unwrap().0,
        201,
        "the same key finds out, or does it now"
    );
    assert_eq!(rig.held(&sale).await, 2, "each once");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn scenario_31_a_full_disk_refuses_writes_answers_reads_and_goes_on_by_itself() {
    let rig = Rig::new();
    let server = rig.start().await;
    let sale = Sale::open(rig.port, 100).await;
    let buyers = sale.buyers(rig.port, 2).await;
    assert_eq!(rig.hold(&sale, &buyers[0], "before").await.unwrap().0, 201);
    rig.control("only=/journal/\nno_space=1\n");
    let mut version = 1;
    let (status, code) = loop {
        match configure(rig.port, &sale, version).await {
            (200, _) => version += 1,
            refused => break refused,
        }
    };
    assert!(status == 503 && ["not_executed", "outcome_unknown"].contains(&code.as_str()), "{status} {code}");
    let (status, refused) = rig.hold(&sale, &buyers[1], "during").await.unwrap();
    assert_eq!((status, &refused["code"]), (503, &json!("not_executed")), "{refused}");
    assert_eq!(rig.held(&sale).await, 1, "reads go on");
    rig.control("");
    while rig.hold(&sale, &buyers[1], "during").await.unwrap().0 != 201 {
        tokio::task::yield_now().await;
    }
    server.kill();
    let server = rig.start().await;
    assert_eq!(rig.held(&sale).await, 2);
    assert!(server.terminate().success());
}

#[tokio::test]
async fn scenario_51_a_stalled_sync_costs_latency_and_nothing_else() {
    let rig = Rig::new();
    let server = rig.start().await;
    let sale = Sale::open(rig.port, 100).await;
    let buyers = sale.buyers(rig.port, 2).await;
    rig.control(&format!("only=/journal/\nsync_delay_ms={STALL_MS}\n"));
    let began = Instant::now();
    assert_eq!(rig.hold(&sale, &buyers[0], "slow").await.unwrap().0, 201);
    assert!(began.elapsed() >= Duration::from_millis(STALL_MS), "it is told after the sync");
    rig.control("");
    assert_eq!(rig.hold(&sale, &buyers[1], "after").await.unwrap().0, 201);
    assert_eq!(rig.held(&sale).await, 2);
    assert!(server.terminate().success());
}

/// A flipped bit in a full segment, which no start scans: its event is set aside, the others are served.
#[tokio::test]
async fn scenario_32_a_rotten_record_sets_its_event_aside_and_the_others_sell() {
    let rig = Rig::new();
    let server = rig.start().await;
    let rotten = Sale::open_as(rig.port, "rotten", 100).await;
    let sound = Sale::open_as(rig.port, "sound", 100).await;
    let segment = |number: u64| rig.data().join(format!("journal/{number:016}.segment"));
    let is_used = |number| fs::read(segment(number)).is_ok_and(|bytes| bytes.starts_with(b"TsSegmt1"));
    for version in 1.. {
        assert_eq!(configure(rig.port, &sound, version).await, (200, String::new()));
        if is_used(2) {
            break;
        }
    }
    let buyers = sound.buyers(rig.port, 1).await;
    assert!(server.terminate().success());

    // Sealed at the next start at the latest; damaged after that.
    assert!(rig.start().await.terminate().success());
    let event = tessera_server::ids::parse_event(&rotten.event).unwrap().0.to_be_bytes();
    let mut bytes = fs::read(segment(1)).unwrap();
    let is_record = |at: &usize| {
        bytes[*at..].starts_with(b"TsF1")
            && bytes[*at + 40..*at + 56] == event
            && bytes[*at + 8..*at + 16] != [0; 8]
    };
    let at = (0..bytes.len() - 256).step_by(8).find(is_record).unwrap();
    bytes[at + 200] ^= 0x10;
    fs::write(segment(1), bytes).unwrap();

    let server = rig.start().await;
    let phase = json!({"to": "paused"});
    let url = format!("{}{}", base(rig.port), rotten.path("/phase-changes"));
    let request =
        reqwest::Client::new().post(url).bearer_auth(&rotten.key).header("Idempotency-Key", "pause");
    let reply = request.json(&phase).send().await.unwrap();
    assert_eq!(reply.status().as_u16(), 503);
    let refused: Value = reply.json().await.unwrap();
    assert_eq!(
        (&refused["code"], &refused["reason"]),
        (&json!("not_executed"), &json!("quarantined")),
        "{refused}"
    );
    assert_eq!(rig.hold(&sound, &buyers[0], "k").await.unwrap().0, 201);
    post(rig.port, &sound.path("/phase-changes"), &sound.key, "pause", &phase).await;
    assert!(server.terminate().success());
    // Whoever looks is told of the rotten one, and of the one after it.
    let data = rig.data();
    for command in [&["inspect", "verify"][..], &["repair"]] {
        let output = tessera().args(command).arg("--data").arg(&data).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(4), "{command:?}: {said}");
        assert!(said.contains(&format!("{}  NOT SOUND", rotten.event)), "{command:?}: {said}");
        let of_sound = said.lines().skip_while(|line| !line.starts_with(&sound.event));
        assert!(of_sound.take(2).any(|line| line.contains("sound")), "{command:?}: {said}");
    }
}

/// Nothing asks the store any more when the server hands over, and yet what it could not write must be told.
#[tokio::test]
async fn a_store_that_fails_while_the_server_ends_is_told_by_the_status() {
    let rig = Rig::new();
    let server = rig.start().await;
    let sale = Sale::open(rig.port, 100).await;
    let buyers = sale.buyers(rig.port, 1).await;
    assert_eq!(rig.hold(&sale, &buyers[0], "before").await.unwrap().0, 201);
    rig.control("only=/tables/\nsync_error=1\n");
    assert_eq!(server.terminate().code(), Some(3), "its wake-up could not be recorded");
}
