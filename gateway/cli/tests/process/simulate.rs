//! The rehearsal as an SRE starts it: its statuses, what it leaves behind, and that it leaves nothing running.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tessera_verdict::recording::{Outcome, Recording};

use crate::installation::text;
use crate::server::{Server, base, free_port, tessera};

/// Twenty buyers for thirty places, and this objective.
fn scenario(folder: &Path, objective: &str) -> PathBuf {
    let path = folder.join("small.toml");
    let text = format!(
        "name = 'small'\ndescription = 'a test'\n[event.hall]\nstanding = [{{name = 'Floor', units = 30, price = 500}}]\n\
         [crowd]\nbuyers = 20\nduration_s = 2.2\narrivals = {{profile = 'poisson'}}\n\
         [[behaviours]]\nkind = 'decisive'\nshare = 1\nthink_s = [0, 0.05]\npay_percent = 100\n[objectives]\n{objective}\n"
    );
    fs::write(&path, text).unwrap();
    path
}

fn simulate(scenario: &Path, arguments: &[&str]) -> Output {
    tessera().arg("simulate").arg(scenario).args(arguments).output().unwrap()
}

/// The verdict is good: its one objective is not about time, so that a busy machine does not matter.
fn is_good(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{} {}", text(&output.stdout), text(&output.stderr));
}

fn recording(out: &Path) -> Recording {
    serde_json::from_slice(&fs::read(out.join("recording.json")).unwrap()).unwrap()
}

/// A rehearsal with a server of its own takes its token from nobody.
fn own(scenario: &Path, out: &Path) -> Command {
    let mut command = tessera();
    command
        .env_remove("TESSERA_ADMIN_TOKEN")
        .arg("simulate")
        .arg(scenario)
        .arg("--self")
        .arg("--out")
        .arg(out);
    command
}

#[test]
fn a_rehearsal_with_its_own_server_ends_with_a_verdict_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let scenario_path = scenario(folder.path(), "sold_share = 0.1");
    let output = own(&scenario_path, &out).env("TMPDIR", &temporary).output().unwrap();
    is_good(&output);
    let recording = recording(&out);
    let accepted =
        recording.history.iter().filter(|operation| matches!(operation.outcome, Outcome::Accepted { .. }));
    assert!(accepted.count() >= 20, "{:?}", recording.refusals);
    assert!(recording.environment.is_own_server);
    assert!(recording.seconds.iter().any(|second| second.server_cpu.is_some()), "its processor was watched");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "its store is gone");
    assert!(!answers(&recording.environment.target), "its server is gone");
}

fn answers(url: &str) -> bool {
    std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).is_ok()
}

#[test]
fn an_objective_that_is_not_met_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = own(&scenario(folder.path(), "sold_share = 2"), &out).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{} {}", text(&output.stdout), text(&output.stderr));
    for file in ["report.html", "recording.json", "verdict.json"] {
        assert!(out.join(file).exists(), "{file}: what failed is what one wants to look at");
    }
    let recording = out.join("recording.json");
    let recording = recording.to_str().unwrap();
    let output = tessera().args(["simulate", "compare", recording, recording]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "nothing is worse than itself: {}", text(&output.stderr));
    let output = tessera().args(["simulate", "compare", recording, "nowhere.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere.json"), "{}", text(&output.stderr));
}

#[test]
fn a_smaller_crowd_passes_without_what_only_the_full_one_can_sell() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let path = scenario(folder.path(), "sold_share = 0.6");
    let output = own(&path, &out).args(["--buyers", "3"]).output().unwrap();
    is_good(&output);
    let said = text(&output.stdout);
    assert!(said.contains("not judged: fewer buyers came than the scenario asks for"), "{said}");
}

#[tokio::test]
async fn a_running_server_can_be_aimed_at_and_nothing_but_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let server = Server::start(&folder.path().join("data"), port).await;
    let scenario = scenario(folder.path(), "sold_share = 0.1");
    let out = folder.path().join("out");
    let output = simulate(&scenario, &["--target", &base(port), "--out", out.to_str().unwrap()]);
    is_good(&output);
    assert!(!recording(&out).environment.is_own_server);
    assert!(answers(&base(port)), "it is left running");
    drop(server);
    for (arguments, said) in [
        (&["--target", "http://198.51.100.7:8080"][..], "--i-own-this-target 198.51.100.7"),
        (&["--target", "http://localhost@198.51.100.7"], "no user"),
        (&["--target", "http://198.51.100.7", "--i-own-this-target", "198.51.100.8"], "must be the same"),
        (&["--target", "http://127.0.0.1:1", "--buyers", "0"], "--buyers"),
        (&["--target", "http://127.0.0.1:1", "--self"], "cannot be used with"),
        (&[], "--target"),
    ] {
        let nowhere = folder.path().join("nowhere");
        let output = simulate(&scenario, &[arguments, &["--out", nowhere.to_str().unwrap()]].concat());
        assert!(!nowhere.exists(), "{arguments:?}: nothing was sent, and nothing is left");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_scenario_that_cannot_be_used_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = scenario(folder.path(), "hold_p77_ms = 1");
    let output = simulate(&path, &["--self"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("small.toml, line 15") && said.contains("hold_p99_ms"), "{said}");
}

/// A rehearsal of ten minutes, whose crowd is there.
struct Long {
    child: Child,
    folder: tempfile::TempDir,
    /// Kept until its end: what it says last needs somebody who listens.
    lines: Lines<BufReader<ChildStderr>>,
}

impl Long {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.toml");
        let text = fs::read_to_string(scenario(folder.path(), ""))
            .unwrap()
            .replace("duration_s = 2.2", "duration_s = 600");
        fs::write(&path, text).unwrap();
        let temporary = folder.path().join("temporary");
        fs::create_dir(&temporary).unwrap();
        let mut command = own(&path, &folder.path().join("out"));
        let mut child = command.env("TMPDIR", &temporary).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let running = lines.by_ref().map_while(Result::ok).find(|line| line.contains("the crowd is there"));
        assert!(running.is_some(), "it never began");
        Long { child, folder, lines }
    }

    fn kill(&self, signal: &str) {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
    }

    /// The process of its server.
    fn server(&self) -> u32 {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        children.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Its status, and what it said last.
    fn end(mut self) -> (Option<i32>, String, tempfile::TempDir) {
        let said: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        (self.child.wait().unwrap().code(), said.join("\n"), self.folder)
    }
}

/// Whether a process runs: not one that nobody has asked for its status yet.
fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn ctrl_c_and_a_closed_terminal_end_the_rehearsal_and_its_server() {
    for signal in ["-INT", "-HUP"] {
        let long = Long::start();
        long.kill(signal);
        let (status, said, folder) = long.end();
        assert_eq!(status, Some(130), "{signal}: {said}");
        let left = fs::read_dir(folder.path().join("temporary")).unwrap().count();
        assert_eq!(left, 0, "{signal}: its store is gone, so its server is");
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_until_the_server_has_stopped() {
    let mut long = Long::start();
    let server = long.server();
    // It is asked to end, and does nothing any more.
    Command::new("kill").args(["-STOP", &server.to_string()]).status().unwrap();
    long.kill("-INT");
    let first = long.lines.by_ref().map_while(Result::ok).find(|line| line.contains("once more"));
    assert!(first.is_some(), "the first one was not answered");
    let begun = Instant::now();
    long.kill("-INT");
    let (status, said, folder) = long.end();
    assert_eq!(status, Some(130), "{said}");
    assert!(said.contains("interrupted; nothing was recorded"), "{said}");
    assert!(begun.elapsed() < AT_ONCE, "it waited for {:?}", begun.elapsed());
    assert!(!runs(server), "it is left behind");
    assert_eq!(fs::read_dir(folder.path().join("temporary")).unwrap().count(), 0, "its store is left behind");
}

/// Far less than a server is given to stop by itself (30 s), and far more than it takes to end it.
const AT_ONCE: Duration = Duration::from_secs(15);

#[test]
fn ctrl_c_while_the_run_is_judged_and_written_leaves_no_report_and_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let [out, temporary] = ["out", "temporary"].map(|name| folder.path().join(name));
    fs::create_dir(&temporary).unwrap();
    // Its recording is far larger than what a pipe takes.
    let mut command = own(&scenario(folder.path(), ""), &out);
    command.args(["--buyers", "300"]).env("TMPDIR", &temporary);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let running = lines.by_ref().map_while(Result::ok).find(|line| line.contains("the crowd is there"));
    assert!(running.is_some(), "it never began");
    // The last file of the report is written into a pipe from which nobody reads.
    let pipe = out.join("recording.unfinished");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let listening = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let said: Vec<String> = lines.map_while(Result::ok).collect();
            // It has ended: nobody waits any longer for it to write.
            fs::OpenOptions::new().write(true).open(pipe).ok();
            said.join("\n")
        }
    });
    let _pipe = fs::File::open(&pipe).unwrap();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "its server is gone before it is judged");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let said = listening.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("interrupted; nothing was recorded"), "{said}");
    let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}: no half of a report");
}

#[test]
fn a_server_does_not_outlive_its_rehearsal_whatever_ended_that() {
    let long = Long::start();
    let server = long.server();
    assert!(runs(server));
    long.kill("-KILL");
    long.end();
    while runs(server) {
        std::thread::yield_now();
    }
}

#[test]
fn a_server_that_dies_in_the_middle_ends_the_rehearsal_without_a_verdict() {
    let long = Long::start();
    Command::new("kill").args(["-KILL", &long.server().to_string()]).status().unwrap();
    let (status, said, folder) = long.end();
    assert_eq!(status, Some(5), "{said}");
    assert!(said.contains("the server that the rehearsal started ended with"), "{said}");
    assert!(!folder.path().join("out/recording.json").exists());
}

#[test]
fn the_capacity_is_searched_for_and_none_has_a_status() {
    let folder = tempfile::tempdir().unwrap();
    // A full house, which lower rates cannot bring, and answers within a minute, which they can.
    let path = scenario(folder.path(), "sold_share = 2\nhold_p99_ms = 60_000");
    let search = |arguments: &[&str]| {
        let mut command = tessera();
        command.env_remove("TESSERA_ADMIN_TOKEN").args(["simulate", "capacity"]).arg(&path);
        command.args(["--self", "--probe-s", "1"]).args(arguments).output().unwrap()
    };
    // A machine that is too busy for one run is not for all of them.
    let output = search(&["--probes", "5"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said} {}", text(&output.stderr));
    assert!(said.contains("left out: sold_share") && said.contains("capacity: at least"), "{said}");
    let output = search(&["--probes", "1", "--objective", "hold_p99_ms=0"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said} {}", text(&output.stderr));
    assert!(said.contains("capacity: no rate that was tried holds"), "{said}");
    for wrong in [["--probes", "0"], ["--probe-s", "0"], ["--objective", "sold_share=1"]] {
        assert_eq!(search(&wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn who_stops_listening_changes_no_status() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    is_good(&own(&scenario(folder.path(), "sold_share = 0.1"), &out).output().unwrap());
    let recording = out.join("recording.json");
    let mut command = tessera();
    command.args(["simulate", "compare"]).args([&recording, &recording]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0), "nothing is worse than itself");
}
