//! The demo as its user starts it, with so few buyers that none walks away from its hold.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::installation::text;
use crate::server::{ADMIN_TOKEN, base, free_port, tessera};

/// Fewer than what one of whom abandons, for a minute.
const BUYERS: &str = "33";

/// The demo over this data directory, whose store is in `demo` below it.
fn demo(data: &Path) -> Command {
    let mut command = tessera();
    command.env("TESSERA_DATA", data).args(["demo", "--buyers", BUYERS, "--connections", "4"]);
    command
}

fn exiting(data: &Path, arguments: &[&str]) -> Output {
    demo(data).arg("--exit").args(arguments).output().unwrap()
}

/// A demo that goes on serving; killed when dropped.
struct Serving {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Serving {
    /// Starts it, and waits for its table.
    fn start(data: &Path) -> (Serving, Vec<String>) {
        let mut child = demo(data).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut serving = Serving { child, lines };
        let mut said = Vec::new();
        while !said.last().is_some_and(|line: &String| line.ends_with("verify")) {
            said.push(serving.lines.next().expect("the demo goes on serving").unwrap());
        }
        (serving, said)
    }

    /// Ctrl-C: its status.
    fn interrupt(mut self) -> Option<i32> {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn scenario_33_a_second_demo_leaves_the_first_one_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (first, said) = Serving::start(folder.path());
    assert!(said.iter().any(|line| line.starts_with("from the inside: ")), "{said:?}");
    let availability = said.iter().find_map(|line| line.trim().strip_prefix("curl -s ")).unwrap();
    let read = async || reqwest::get(availability).await.unwrap().json::<Value>().await.unwrap();
    let before = read().await;

    let second = exiting(folder.path(), &[]);
    assert_eq!(second.status.code(), Some(1), "{}", text(&second.stdout));
    assert!(text(&second.stderr).contains("is open in another process"), "{}", text(&second.stderr));
    assert_eq!(read().await, before, "it goes on serving");
    assert_eq!(first.interrupt(), Some(0));
    // What it names last is a command that works for whoever could start the demo.
    let verify: Vec<&str> = said.last().unwrap().split_whitespace().collect();
    let verified = Command::new(verify[0]).args(&verify[1..]).output().unwrap();
    assert!(verified.status.success(), "{verify:?}: {}", text(&verified.stderr));
    assert!(text(&verified.stdout).starts_with("sound: "), "{}", text(&verified.stdout));
}

#[test]
fn a_demo_that_holds_ends_with_zero_and_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for _ in 0..2 {
        let output = exiting(&data, &[]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said} {}", text(&output.stderr));
        assert!(said.contains("✓ I7") && !said.contains('✗'), "{said}");
        assert!(said.contains("the state is the server's"), "{said}");
        let paper = said.lines().find_map(|line| line.strip_prefix("on paper: ")).expect("somebody has paid");
        assert!(paper.ends_with(" was let in by its QR"), "{paper}");
        let (path, paper) = paper.split_once(", ").unwrap();
        let tickets: usize = paper.split_once(" tickets").unwrap().0.parse().unwrap();
        let file = fs::read(path).unwrap();
        assert!(file.starts_with(b"%PDF-1.7") && file.trim_ascii_end().ends_with(b"%%EOF"), "it opens");
        assert_eq!(text(&file).matches("/Type/Page/").count(), tickets, "a page each");
        assert_eq!(fs::read_dir(data.join("demo/tickets")).unwrap().count(), 1, "those of before are gone");
    }
    let mode = fs::metadata(data.join("demo")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "its tables hold a secret");
}

#[test]
fn what_is_no_store_of_a_demo_is_not_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("demo");
    fs::create_dir(&own).unwrap();
    let file = own.join("thesis.txt");
    fs::write(&file, "years of work").unwrap();
    // Other databases have a file of this name, too.
    fs::write(own.join("LOCK"), "").unwrap();
    for arguments in [&[][..], &["--data", own.to_str().unwrap()]] {
        let refused = exiting(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        let said = text(&refused.stderr);
        assert!(said.contains("is not empty") && said.contains("--data"), "{arguments:?}: {said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "years of work");
    }
}

/// Somebody from outside of the demo buys at its event: the feed then has what none of its clients was told of.
#[tokio::test]
async fn a_broken_invariant_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = demo(folder.path());
    command.args(["--exit", "--listen", &format!("127.0.0.1:{port}")]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let intruder = async {
        while !ended.is_finished() {
            if let Some(hold) = intrude(port).await {
                return Some(hold);
            }
            tokio::task::yield_now().await;
        }
        None
    };
    assert!(intruder.await.is_some(), "the intruder never got a hold");
    let output = ended.await.unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("✗ G2"), "{said}");
}

/// Take a unit and give it back, as soon as that can be; the hold.
async fn intrude(port: u16) -> Option<String> {
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", base(port));
    let listed = client.get(url("/v1/events")).bearer_auth(ADMIN_TOKEN).send().await.ok()?;
    let listed: Value = listed.json().await.ok()?;
    let event = listed["items"].get(0)?["id"].as_str()?.to_owned();
    let minted: Value =
        client.post(url("/v1/buyer-tokens")).json(&json!({})).send().await.ok()?.json().await.ok()?;
    let token = minted["tokens"][0].as_str()?;
    let post = async |path: String, key: &str, body: Value| {
        let request = client.post(url(&path)).bearer_auth(token).header("Idempotency-Key", key);
        request.json(&body).send().await
    };
    let lines = json!({"lines": [{"ticket_type": "Floor standing", "quantity": 1}]});
    // Not on sale yet, until it is. A refusal would be remembered under its key.
    for attempt in 0_u32.. {
        let key = format!("intruder-{attempt}");
        let reply = post(format!("/v1/events/{event}/holds"), &key, lines.clone()).await.ok()?;
        if reply.status().as_u16() == 201 {
            let hold: Value = reply.json().await.ok()?;
            let hold = hold["id"].as_str()?.to_owned();
            post(format!("/v1/events/{event}/holds/{hold}/release"), "leaves", json!({})).await.ok()?;
            return Some(hold);
        }
        tokio::task::yield_now().await;
    }
    None
}
