//! The load rehearsal against three nodes, of which one dies every few seconds: its own verdict tells that nothing was lost, nothing
//! sold twice, nobody wrongly refused.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use tessera_verdict::recording::{Outcome, Recording};
use tokio::sync::mpsc;

use super::balancer::balance;
use super::{Nodes, Random, cluster};
use crate::server::{base, tessera};

/// A crowd that buys all the time, half of it with the network of a telephone. How fast it is served is no objective: nodes die.
const SCENARIO: &str = "name = 'nodes that die'\ndescription = 'a test'\n\
    [event.hall]\nstanding = [{name = 'Floor', units = 5_000, price = 500}]\n\
    [crowd]\nbuyers = 3_000\nduration_s = 60\nsockets = 60\narrivals = {profile = 'poisson'}\n\
    [[behaviours]]\nkind = 'decisive'\nshare = 1\nthink_s = [0, 0.2]\n\
    [[behaviours]]\nkind = 'unlucky'\nshare = 1\nthink_s = [0, 0.2]\n\
    [objectives]\nsold_share = 0.4\n";
/// The rehearsal says something every two seconds: after so many lines of it a node is killed.
const LINES_PER_KILL: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_survives_the_killing_of_nodes() {
    let Some(()) = cluster() else { return };
    let mut nodes = Nodes::start().await;
    let port = balance(nodes.addresses.map(|addresses| addresses.http).to_vec()).await;
    let folder = tempfile::tempdir().unwrap();
    let (scenario, out) = (folder.path().join("dying.toml"), folder.path().join("out"));
    fs::write(&scenario, SCENARIO).unwrap();
    let mut command = tessera();
    command.arg("simulate").arg(&scenario).args(["--plain", "--target", &base(port), "--out"]).arg(&out);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let errors = BufReader::new(child.stderr.take().unwrap());
    let (said, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let (mut random, mut kills, mut all) = (Random::new(), 0, Vec::new());
    while let Some(line) = lines.recv().await {
        all.push(line);
        let is_there = all.iter().position(|line| line.contains("the crowd is there"));
        let since = is_there.map_or(0, |there| all.len() - there);
        if since > (kills + 1) * LINES_PER_KILL && !ended.is_finished() {
            let node = random.node();
            nodes.take(node).kill();
            nodes.begin(node).await;
            kills += 1;
        }
    }
    let output = ended.await.unwrap();
    let verdict = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{verdict}\n{}", all.join("\n"));
    let recording: Recording =
        serde_json::from_slice(&fs::read(out.join("recording.json")).unwrap()).unwrap();
    let count = |is: fn(&Outcome) -> bool| {
        recording.history.iter().filter(|operation| is(&operation.outcome)).count()
    };
    let accepted = count(|outcome| matches!(outcome, Outcome::Accepted { .. }));
    let unanswered: u32 = recording.seconds.iter().map(|second| second.unanswered).sum();
    eprintln!(
        "{kills} kills; {accepted} acceptances, told later {:?}, {unanswered} requests without an answer, outcome unknown in the end {}",
        recording.turned_away,
        count(|outcome| matches!(outcome, Outcome::Unknown))
    );
    assert!(kills >= 5, "{kills} kills only: {}", all.join("\n"));
    assert!(unanswered > 0 || !recording.turned_away.is_empty(), "no kill was noticed");
}
