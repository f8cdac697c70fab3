//! Starting, and refusing to start.

use crate::server::{Sale, Server, base, free_port, get, run, tessera};

#[tokio::test]
async fn scenario_33_a_second_process_on_the_folder_is_refused_with_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let first = Server::start(&data, port).await;
    let listen = format!("127.0.0.1:{}", free_port());
    let second = run(&["serve", "--listen", &listen, "--data", data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success(), "two processes on one folder");
    assert!(said.contains("another process"), "the error says why: {said}");
    let sale = Sale::open(port, 10).await;
    let availability = get(port, &sale.path("/availability"), &sale.key).await;
    assert_eq!(availability["pools"][0]["free"], 10, "the first process is unharmed");
    assert!(first.terminate().success());
}

#[tokio::test]
async fn a_graceful_end_keeps_everything_and_says_zero() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let server = Server::start(&data, port).await;
    let sale = Sale::open(port, 10).await;
    let before = sale.changes(port).await;
    assert!(server.terminate().success());
    let _server = Server::start(&data, port).await;
    assert_eq!(sale.changes(port).await, before, "the log is as it was");
}

#[tokio::test]
async fn a_server_that_is_alone_says_so_to_whoever_asks_for_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let server = Server::start(&data, port).await;
    let (url, data) = (base(port), data.to_str().unwrap());
    let listed = run(&["node", "--url", &url, "--data", data, "list"]);
    assert!(listed.status.success());
    assert!(String::from_utf8_lossy(&listed.stdout).contains("is no node of a cluster"));
    let drained = run(&["node", "--url", &url, "--data", data, "drain", "node1"]);
    assert_eq!(drained.status.code(), Some(1));
    let said = String::from_utf8_lossy(&drained.stderr).into_owned();
    assert!(said.contains("there is no node node1"), "{said}");
    assert!(server.terminate().success());
}

#[test]
fn bad_flags_and_bad_configuration_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tessera.toml");
    std::fs::write(&file, "listne = \"127.0.0.1:1\"\n").unwrap();
    let table: [(&[&str], &str); 4] = [
        (&["serve", "--listen", "nonsense"], "listen"),
        (&["serve", "--no-such-flag"], "--no-such-flag"),
        (&["serve", "--config", file.to_str().unwrap()], "listne"),
        (&["inspect", "--data", "/nowhere/at/all", "verify"], "/nowhere/at/all"),
    ];
    for (arguments, expected) in table {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?} is refused");
        assert!(said.contains(expected), "{arguments:?} names what is wrong ({expected}): {said}");
        assert!(!said.contains("panicked"), "{arguments:?} is an error, not a panic: {said}");
    }
}

#[tokio::test]
async fn every_command_finds_the_installation_where_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let server = Server::start(&data, port).await;
    let sale = Sale::open(port, 10).await;
    assert!(server.terminate().success());
    let file = folder.path().join("tessera.toml");
    std::fs::write(&file, format!("data = {data:?}\n")).unwrap();
    for command in ["inspect", "repair"] {
        let by_file = run(&[command, "--config", file.to_str().unwrap()]);
        let by_variable = tessera().arg(command).env("TESSERA_DATA", &data).output().unwrap();
        for output in [by_file, by_variable] {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.contains(&sale.event), "{command}: {said}");
        }
    }
}
