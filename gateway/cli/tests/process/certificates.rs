//! Certificates for the nodes of a cluster, as a node takes them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use tessera_inventory::Timestamp;
use tessera_peers::{MutualTls, TlsFiles};

use crate::installation::text;
use crate::server::run;

fn make(out: &Path, names: &[&str]) -> Output {
    run(&[&["node", "certificates", "--out", out.to_str().unwrap()], names].concat())
}

fn load(out: &Path, name: &str) -> Result<MutualTls, String> {
    let files = TlsFiles {
        ca: out.join("ca.pem"),
        certificate: out.join(format!("{name}.pem")),
        key: out.join(format!("{name}.key")),
    };
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    MutualTls::load(&files, Timestamp(u64::try_from(now).unwrap())).map_err(|error| error.to_string())
}

#[test]
fn a_node_takes_the_certificates_that_are_made_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made/here");
    let made = make(&out, &["node1", "node2"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("ca.key: makes nodes"), "{}", text(&made.stdout));
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o700);
    // Later another node comes.
    assert!(make(&out, &["node3"]).status.success());
    for name in ["node1", "node2", "node3"] {
        assert_eq!(load(&out, name).err(), None, "{name}");
    }

    let before = fs::read(out.join("node1.pem")).unwrap();
    let again = make(&out, &["node1"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("never overwritten"), "{}", text(&again.stderr));
    assert_eq!(fs::read(out.join("node1.pem")).unwrap(), before);
    let address = make(&out, &["node1.example"]);
    assert!(text(&address.stderr).contains("names no node"), "{}", text(&address.stderr));
}
