//! An installation in a FoundationDB cluster, where `FDB_CLUSTER_FILE` names one; and a binary that was built without.

#[cfg(not(feature = "foundationdb"))]
#[test]
fn a_binary_without_foundationdb_says_how_to_build_one_with_it() {
    let output = crate::server::tessera().env("TESSERA_STORE__KIND", "foundationdb").arg("inspect").output();
    let output = output.unwrap();
    let said = crate::installation::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("--features foundationdb"), "{said}");
}

#[cfg(feature = "foundationdb")]
pub(crate) mod with_a_cluster {
    use std::io::{BufRead as _, BufReader};
    use std::path::Path;
    use std::process::{Command, Output, Stdio};

    use serde_json::{Value, json};

    use crate::installation::{HOLDS, Installation, hold, text, verify_whole};
    use crate::server::{Sale, Server, free_port, get, post, run, tessera};

    /// The binary, with an installation under this prefix.
    fn in_cluster(prefix: &str) -> Command {
        let mut command = tessera();
        command.env("TESSERA_STORE__KIND", "foundationdb").env("TESSERA_STORE__PREFIX", prefix);
        command
    }

    fn run_in_cluster(prefix: &str, arguments: &[&str]) -> Output {
        in_cluster(prefix).args(arguments).output().unwrap()
    }

    /// What a command says that must succeed.
    fn said(output: &Output) -> String {
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn file(path: &Path) -> &str {
        path.to_str().unwrap()
    }

    fn digests(prefix: &str, sales: &[Sale]) -> Vec<String> {
        sales.iter().map(|sale| said(&run_in_cluster(prefix, &["inspect", &sale.event, "digest"]))).collect()
    }

    /// A prefix that no other run has; what the test has made under it is removed, however it ends.
    pub(crate) struct Prefix(pub(crate) String);

    impl Prefix {
        pub(crate) fn new() -> Prefix {
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
            Prefix(format!("test-{}-{}", std::process::id(), now.as_nanos()))
        }
    }

    impl Drop for Prefix {
        fn drop(&mut self) {
            let clear = format!("writemode on; clearrange \\x02{0}\\x00 \\x02{0}\\x00\\xff", self.0);
            let cleared = Command::new("fdbcli").args(["--exec", &clear]).output();
            if !cleared.is_ok_and(|output| output.status.success()) {
                eprintln!("the prefix {} was not cleared: fdbcli is not there", self.0);
            }
        }
    }

    #[tokio::test]
    async fn an_installation_moves_into_the_cluster_sells_there_and_moves_back() {
        if std::env::var_os("FDB_CLUSTER_FILE").is_none() {
            eprintln!("SKIPPED: FDB_CLUSTER_FILE names no cluster, so nothing was tested");
            return;
        }
        let old = Installation::sold().await;
        let prefix = Prefix::new();
        let missing = run_in_cluster(&prefix.0, &["inspect"]);
        assert!(text(&missing.stderr).contains("no installation under the prefix"), "{missing:?}");

        let there = old.beside("there.tessera");
        said(&run(&["export", "--data", file(&old.data), "--out", file(&there)]));
        let imported = said(&run_in_cluster(&prefix.0, &["import", "--in", file(&there)]));
        assert_eq!(imported.matches("as exported").count(), old.sales.len());
        assert_eq!(digests(&prefix.0, &old.sales), old.digests(&old.data));
        said(&run_in_cluster(&prefix.0, &["inspect", "verify"]));
        said(&run_in_cluster(&prefix.0, &["repair"]));
        let again = run_in_cluster(&prefix.0, &["import", "--in", file(&there)]);
        assert!(text(&again.stderr).contains("there is something under the prefix"), "{again:?}");
        assert_eq!(digests(&prefix.0, &old.sales), old.digests(&old.data), "nothing was written over");

        let (port, data) = (free_port(), old.beside("node"));
        let server = Server::start_as(in_cluster(&prefix.0), &data, port).await;
        let sale = &old.sales[0];
        let availability = get(port, &sale.path("/availability"), &sale.key).await;
        assert_eq!(availability["pools"][0]["held"], HOLDS, "the organizer's key and the holds are there");
        let (status, document) = hold(port, sale).await;
        assert_eq!(status, 201, "{document}");
        assert_eq!(sale.changes(port).await.len(), HOLDS + 3, "the log goes on");
        assert!(server.terminate().success());

        let (back, new) = (old.beside("back.tessera"), old.beside("new"));
        said(&run_in_cluster(&prefix.0, &["export", "--out", file(&back)]));
        said(&run(&["import", "--data", file(&new), "--in", file(&back)]));
        assert_eq!(old.digests(&new), digests(&prefix.0, &old.sales));
        verify_whole(&new);
    }

    #[tokio::test]
    async fn orders_are_paid_and_given_back_in_the_cluster() {
        if std::env::var_os("FDB_CLUSTER_FILE").is_none() {
            eprintln!("SKIPPED: FDB_CLUSTER_FILE names no cluster, so nothing was tested");
            return;
        }
        let (prefix, folder) = (Prefix::new(), tempfile::tempdir().unwrap());
        let ledger = || run_in_cluster(&prefix.0, &["inspect", "ledger"]);
        crate::paid::sells(folder.path(), || in_cluster(&prefix.0), ledger).await;
    }

    /// The lines of the feed across events.
    fn feed(prefix: &str, arguments: &[&str]) -> Vec<Value> {
        let said = said(&run_in_cluster(prefix, &[&["inspect", "feed"], arguments].concat()));
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn cursor(entry: &Value) -> String {
        format!("{}:{}", entry["era"].as_str().unwrap(), entry["position"].as_str().unwrap())
    }

    async fn sell(port: u16, sale: &Sale, key: &str) {
        let buyers = sale.buyers(port, 1).await;
        let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
        post(port, &sale.path("/holds"), &buyers[0], key, &lines).await;
    }

    #[tokio::test]
    async fn the_feed_tells_of_all_events_in_order_until_an_era_ends() {
        if std::env::var_os("FDB_CLUSTER_FILE").is_none() {
            eprintln!("SKIPPED: FDB_CLUSTER_FILE names no cluster, so nothing was tested");
            return;
        }
        let (prefix, folder) = (Prefix::new(), tempfile::tempdir().unwrap());
        let port = free_port();
        let server = Server::start_as(in_cluster(&prefix.0), folder.path(), port).await;
        let mut sales = Vec::new();
        for name in ["first", "second"] {
            sales.push(Sale::open_as(port, name, 100).await);
        }
        sell(port, &sales[0], "before").await;
        let entries = feed(&prefix.0, &[]);
        for sale in &sales {
            let newest = entries.iter().rfind(|entry| entry["event"] == sale.event).unwrap();
            assert_eq!(newest["sequence"], sale.changes(port).await.last().unwrap()["sequence"]);
        }
        let positions: Vec<&str> = entries.iter().map(|entry| entry["position"].as_str().unwrap()).collect();
        assert!(positions.is_sorted_by(|one, next| one < next), "in the order of the commits: {positions:?}");
        assert_eq!(feed(&prefix.0, &["--after", &cursor(&entries[1])]), entries[2..]);
        let mut apart: Vec<Value> =
            (0..16).flat_map(|shard| feed(&prefix.0, &["--shard", &shard.to_string()])).collect();
        apart.sort_by_key(cursor);
        assert_eq!(apart, entries);

        let last = cursor(entries.last().unwrap());
        let mut follower = in_cluster(&prefix.0);
        follower.args(["inspect", "feed", "--follow", "--after", &last]);
        let mut follower = follower.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
        for sale in [&sales[1], &sales[0]] {
            sell(port, sale, "followed").await;
            let told: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            assert_eq!(told["event"], sale.event);
        }
        let renewed = said(&run_in_cluster(&prefix.0, &["repair", "--restored"]));
        let (_, begin) = renewed.lines().next().unwrap().rsplit_once("--after ").unwrap();
        let followed = follower.wait_with_output().unwrap();
        let late = run_in_cluster(&prefix.0, &["inspect", "feed", "--after", &last]);
        for ended in [followed, late] {
            assert_eq!(ended.status.code(), Some(6), "{ended:?}");
            let refused = text(&ended.stderr);
            assert!(refused.contains("another era") && refused.contains(begin), "{refused}");
        }
        sell(port, &sales[0], "served-on").await;
        let anew = feed(&prefix.0, &["--after", begin]);
        assert_eq!(anew.len(), entries.len() + 3, "what was appended before is told again");
        assert!(server.terminate().success());
        for wrong in [["--after", "7"], ["--shard", "16"]] {
            let refused = run_in_cluster(&prefix.0, &[&["inspect", "feed"][..], &wrong].concat());
            assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        }
    }
}
