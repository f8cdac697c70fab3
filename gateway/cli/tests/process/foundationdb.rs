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
    use std::path::Path;
    use std::process::{Command, Output};

    use crate::installation::{HOLDS, Installation, hold, text, verify_whole};
    use crate::server::{Sale, Server, free_port, get, run, tessera};

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
}
