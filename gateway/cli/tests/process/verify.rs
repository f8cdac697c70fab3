//! `tessera verify`: from a real server to a file, and what an outsider finds out about it without a server.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::installation::text;
use crate::server::{ADMIN_TOKEN, Sale, Server, base, free_port, get, run};

/// A folder with the receipts of a hold and of a refusal, the keys, and the transcript of the event.
struct Proofs {
    folder: tempfile::TempDir,
    sale: Sale,
    hold: PathBuf,
    refusal: PathBuf,
    keys: PathBuf,
    transcript: PathBuf,
}

fn write(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
}

/// A receipt, as soon as it is signed.
async fn receipt(port: u16, sale: &Sale, name: &Value) -> Value {
    let path = sale.path(&format!("/receipts/{}", name.as_str().unwrap()));
    loop {
        let receipt = get(port, &path, ADMIN_TOKEN).await;
        if receipt.get("state").is_none() {
            return receipt;
        }
    }
}

/// The name of what is decided on the request of a buyer for one unit.
async fn decided(port: u16, sale: &Sale, buyer: &str) -> Value {
    let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
    let url = format!("{}{}", base(port), sale.path("/holds"));
    let request = reqwest::Client::new().post(url).bearer_auth(buyer).header("Idempotency-Key", "one");
    let reply: Value = request.json(&lines).send().await.unwrap().json().await.unwrap();
    reply["receipt"].clone()
}

impl Proofs {
    async fn gathered() -> Proofs {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let port = free_port();
        let server = Server::start(&data, port).await;
        let sale = Sale::open_as(port, "proven", 1).await;
        let buyers = sale.buyers(port, 2).await;
        let mut names = Vec::new();
        for buyer in &buyers {
            names.push(decided(port, &sale, buyer).await);
        }
        let file = |name: &str| folder.path().join(name);
        let (hold, refusal, keys) = (file("hold.json"), file("refusal.json"), file("keys.json"));
        write(&hold, &receipt(port, &sale, &names[0]).await);
        write(&refusal, &receipt(port, &sale, &names[1]).await);
        write(&keys, &get(port, "/.well-known/tessera-keys", ADMIN_TOKEN).await);
        assert!(server.terminate().success());
        let transcript = file("transcript.jsonl");
        let printed = run(&["inspect", "--data", data.to_str().unwrap(), &sale.event, "transcript"]);
        assert!(printed.status.success(), "{}", text(&printed.stderr));
        fs::write(&transcript, printed.stdout).unwrap();
        Proofs { folder, sale, hold, refusal, keys, transcript }
    }

    /// Status and words of `tessera verify` on these files.
    fn verify(&self, files: &[&Path]) -> (Option<i32>, String) {
        let files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
        let output = run(&[&["verify", "--keys", self.keys.to_str().unwrap()], &files[..]].concat());
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }

    /// What is said of the refusal after a change.
    fn forged(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut receipt: Value = serde_json::from_slice(&fs::read(&self.refusal).unwrap()).unwrap();
        change(&mut receipt);
        let path = self.refusal.with_file_name("forged.json");
        write(&path, &receipt);
        let (status, said) = self.verify(&[&path]);
        assert_eq!(status, Some(4), "{said}");
        assert!(said.contains("PROVES NOTHING"), "{said}");
        said
    }
}

#[tokio::test]
async fn an_outsider_verifies_receipts_and_the_transcript_of_the_log() {
    let proofs = Proofs::gathered().await;
    let (status, said) = proofs.verify(&[&proofs.refusal]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("GENUINE receipt") && said.contains("was refused (sold_out)"), "{said}");
    let (status, said) = proofs.verify(&[&proofs.transcript, &proofs.hold, &proofs.refusal]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("4 decisions (1 refused)"), "{said}");
    assert!(said.contains("from sequence 1 to 3, each event once"), "{said}");
    assert_eq!(said.matches("the same decision in the same place").count(), 2, "{said}");
    let pinned: Value = serde_json::from_slice(&fs::read(&proofs.keys).unwrap()).unwrap();
    let key = pinned["keys"][0]["public_key"].as_str().unwrap();
    assert!(run(&["verify", "--key", key, proofs.hold.to_str().unwrap()]).status.success(), "a pinned key");
    let foreign = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let output = run(&["verify", "--key", foreign, proofs.hold.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("not among those given"), "{}", text(&output.stderr));
}

/// The tree goes on in the new installation: what was proven is given as it was, and what is decided there enters the same tree.
#[tokio::test]
async fn receipts_move_with_an_installation() {
    let proofs = Proofs::gathered().await;
    let path = |name: &str| proofs.folder.path().join(name).to_str().unwrap().to_owned();
    let exported = run(&["export", "--data", &path("data"), "--out", &path("moved.tessera")]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let imported = run(&["import", "--data", &path("new"), "--in", &path("moved.tessera")]);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    let port = free_port();
    let server = Server::start(&proofs.folder.path().join("new"), port).await;
    let sale = &proofs.sale;
    for file in [&proofs.hold, &proofs.refusal] {
        let before: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(receipt(port, sale, &before["receipt"]).await, before);
    }
    let buyer = sale.buyers(port, 3).await.pop().unwrap();
    let next = receipt(port, sale, &decided(port, sale, &buyer).await).await;
    let before: Value = serde_json::from_slice(&fs::read(&proofs.refusal).unwrap()).unwrap();
    assert_eq!(next["index"].as_u64(), before["index"].as_u64().map(|index| index + 1));
    let file = proofs.folder.path().join("next.json");
    write(&file, &next);
    let (status, said) = proofs.verify(&[&file]);
    assert_eq!(status, Some(0), "{said}");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn a_decision_that_came_after_the_transcript_is_proven_all_the_same() {
    let proofs = Proofs::gathered().await;
    let port = free_port();
    let server = Server::start(&proofs.folder.path().join("data"), port).await;
    let buyer = proofs.sale.buyers(port, 1).await.remove(0);
    let name = decided(port, &proofs.sale, &buyer).await;
    let later = proofs.folder.path().join("later.json");
    write(&later, &receipt(port, &proofs.sale, &name).await);
    drop(server);
    let (status, said) = proofs.verify(&[&proofs.transcript, &later, &proofs.refusal]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("ends before this decision and says nothing of it"), "{said}");
    assert_eq!(said.matches("GENUINE receipt").count(), 2, "the files after it are looked at, too: {said}");
}

#[tokio::test]
async fn a_forged_receipt_is_refused_whatever_was_changed() {
    let proofs = Proofs::gathered().await;
    let tree = "not in the tree that was signed";
    for (pointer, value, reason) in [
        ("/format", json!("tessera-receipt/2"), "its format cannot be read"),
        ("/event", json!("evt_01h455vb4pex5vsknk084sn02q"), "its receipt cannot be read"),
        ("/decision/outcome", json!("accepted"), "its decision.outcome cannot be read"),
        ("/decision/kind", json!("renew_hold"), tree),
        ("/decision/sequence", json!(2), tree),
        ("/decision/sequence", json!(99), "later than the checkpoint"),
        ("/decision/at", json!("2026-01-01T00:00:00Z"), tree),
        ("/decision/detail", json!("line=0 pool=0 remaining=9 may_return=true"), tree),
        ("/decision/refusal/code", json!("wrong_phase"), tree),
        ("/decision/refusal/epoch", json!(9), "the name of another decision"),
        ("/decision/refusal/number", json!(9), "the name of another decision"),
        ("/decision/key/digest", json!("0".repeat(32)), tree),
        ("/decision/key/fingerprint", json!("0".repeat(16)), tree),
        ("/index", json!(0), tree),
        ("/path/0", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), tree),
        ("/checkpoint", json!("tessera/1"), "not a signed note"),
    ] {
        let said = proofs.forged(|receipt| *receipt.pointer_mut(pointer).unwrap() = value);
        assert!(said.contains(reason), "{pointer}: {said}");
    }
    let said = proofs.forged(|receipt| receipt["more"] = json!(1));
    assert!(said.contains("unknown field"), "{said}");
    let flipped = |receipt: &mut Value| {
        let note = receipt["checkpoint"].as_str().unwrap();
        let root = note.lines().nth(2).unwrap();
        let other = if root.starts_with('A') { "B" } else { "A" };
        receipt["checkpoint"] = note.replace(root, &format!("{other}{}", &root[1..])).into();
    };
    assert!(proofs.forged(flipped).contains("not made by the key"));
}

#[tokio::test]
async fn a_transcript_without_a_decision_is_refused() {
    let proofs = Proofs::gathered().await;
    let transcript = fs::read_to_string(&proofs.transcript).unwrap();
    let changed = |from: &str, to: &str| {
        let forged = proofs.transcript.with_file_name("forged.jsonl");
        let other = transcript.replacen(from, to, 1);
        assert_ne!(other, transcript, "{from}");
        fs::write(&forged, other).unwrap();
        let (status, said) = proofs.verify(&[&forged]);
        assert_eq!(status, Some(4), "{said}");
        said
    };
    assert!(changed("\"sold_out\"", "\"seats_taken\"").contains("not those that were signed"));
    assert!(changed("units=1", "units=2").contains("not those that were signed"));
    assert!(changed("\"sequence\":2", "\"sequence\":3").contains("is not the next"));
    let pages: Vec<&str> = transcript.lines().collect();
    let shorter = [&pages[..1], &pages[2..]].concat().join("\n");
    let forged = proofs.transcript.with_file_name("shorter.jsonl");
    fs::write(&forged, shorter).unwrap();
    let (status, said) = proofs.verify(&[&forged]);
    assert_eq!(status, Some(4), "a page is missing: {said}");
}

/// Killed at once after its reply: whether or not it was signed by then, what was accepted is proven afterwards.
#[tokio::test]
async fn a_crash_between_commit_and_signature_costs_no_acceptance_its_receipt() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let server = Server::start(&data, port).await;
    let sale = Sale::open_as(port, "killed", 100).await;
    let buyers = sale.buyers(port, 3).await;
    let mut names = Vec::new();
    for (number, buyer) in buyers.iter().enumerate() {
        let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
        let held =
            crate::server::post(port, &sale.path("/holds"), buyer, &format!("k{number}"), &lines).await;
        names.push(held["receipt"].clone());
    }
    server.kill();
    let server = Server::start(&data, port).await;
    let keys = folder.path().join("keys.json");
    write(&keys, &get(port, "/.well-known/tessera-keys", ADMIN_TOKEN).await);
    for name in &names {
        let file = folder.path().join("receipt.json");
        write(&file, &receipt(port, &sale, name).await);
        let output = run(&["verify", "--keys", keys.to_str().unwrap(), file.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    drop(server);
}
