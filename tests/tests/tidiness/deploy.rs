//! What operators deploy fits the code: settings, ports, paths and names of the files in deploy/ and docs/operations/cluster.md.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tessera_inventory::Timestamp;
use tessera_peers::{MutualTls, TlsFiles, make_certificates};
use tessera_server::settings::{self, Settings, StoreKind};

use super::{read, repository};

/// How an environment variable of the server begins.
const PREFIX: &str = "TESSERA_";
/// Settings whose values are lists, with commas between in the environment.
const LISTS: [&str; 3] =
    ["http.trusted_proxies", "payments.razorpay.webhook_secrets", "payments.stripe.webhook_secrets"];
/// Stands for what is filled in when it is deployed: the administrator's token.
const FILLED_IN: &str = "tsa_0123456789abcdef01234567";
/// The same of settings that it would not do for.
static FILLED_IN_OTHERWISE: [(&str, &str); 6] = [
    ("messages.enabled", "true"),
    ("messages.public_url", "https://tickets.example"),
    ("messages.smtp.port", "465"),
    ("messages.smtp.tls", "implicit"),
    ("messages.push.contact", "mailto:tickets@tickets.example"),
    ("messages.discord.enabled", "true"),
];

fn deploy(file: &str) -> String {
    read(&repository().join("deploy").join(file))
}

/// Environment variables of the server in a compose file (`NAME: value`) or a manifest (`- name: NAME`, `value: value` below it).
fn variables(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let unquoted = |value: &str| value.trim().trim_matches('"').to_owned();
        if let Some((name, value)) = line.split_once(": ").filter(|(name, _)| name.starts_with(PREFIX)) {
            found.push((name.to_owned(), unquoted(value)));
        } else if let Some(name) = line.strip_prefix("- name: ").filter(|name| name.starts_with(PREFIX)) {
            let value = lines.peek().and_then(|line| line.strip_prefix("value:"));
            found.push((name.to_owned(), value.map_or_else(String::new, unquoted)));
        }
    }
    found
}

/// The settings of a file and, over it, of environment variables.
fn loaded(file: &str, variables: &[(String, String)]) -> Settings {
    let (mut text, mut others) = (file.to_owned(), Vec::new());
    for (name, value) in variables {
        let setting = name[PREFIX.len()..].to_lowercase().replace("__", ".");
        // What is filled in when it is deployed is of no matter here, but must be well-formed.
        let otherwise = FILLED_IN_OTHERWISE.iter().find(|(name, _)| *name == setting);
        let filled_in = otherwise.map_or(FILLED_IN, |(_, value)| *value);
        let value: &str = if value.is_empty() || value.contains("${") { filled_in } else { value };
        if LISTS.contains(&setting.as_str()) {
            // Lists have commas in the environment and brackets in a file.
            text = format!("{setting} = [{value:?}]\n{text}");
        } else {
            others.push((&*setting.leak(), value.to_owned()));
        }
    }
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("it is written");
    settings::load(Some(file.path()), &others).unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        panic!("{error}: {cause}\n{text}{others:?}")
    })
}

/// What stands after each of these words, to the end of the word.
fn after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let end = |rest: &'a str| rest.split([' ', '\n', ',', '}', '"']).next().unwrap_or_default();
    text.split(before).skip(1).map(end).collect()
}

/// The port of an address in the settings.
fn port(address: SocketAddr) -> String {
    address.port().to_string()
}

#[test]
fn the_compose_file_uses_settings_that_there_are() {
    let compose = deploy("compose.yaml");
    // One node after the other: what the last one says of itself counts.
    let settings = loaded("", &variables(&compose));
    assert!(settings.cluster.enabled && settings.store.kind == StoreKind::FoundationDb);
    assert!(
        compose.matches(&format!(":{}\n", settings.cluster.listen.port())).count() >= 4,
        "as it is advertised"
    );
    assert_eq!(settings.data, PathBuf::from("/var/lib/tessera"));
    let balancer = deploy("haproxy.cfg");
    for node in ["node1", "node2", "node3"] {
        let part = compose.split(&format!("\n  {node}:\n")).nth(1).expect("the node has its part");
        let address = after(part, "ipv4_address: ")[0];
        let server = format!("server {node} {address}:{}", port(settings.listen));
        assert!(balancer.contains(&server), "haproxy.cfg knows {server}");
        assert!(part.contains(&format!("{PREFIX}CLUSTER__NAME: {node}\n")), "{node} has its name");
    }
    let part = compose.split("\n  balancer:\n").nth(1).expect("the balancer has its part");
    let address = after(part, "ipv4_address: ")[0];
    assert_eq!(settings.http.trusted_proxies, [address.parse::<std::net::IpAddr>().expect("an address")]);
    let grace: u64 =
        after(&compose, "stop_grace_period: ")[0].trim_end_matches('s').parse().expect("seconds");
    assert!(grace > settings.http.shutdown_s, "a node has the time that it takes to stop");
}

#[test]
fn nodes_take_the_certificates_that_are_made_for_them() {
    let (compose, now) = (deploy("compose.yaml"), Timestamp(1_800_000_000_000));
    let made = compose.split("tessera node certificates --out . ").nth(1).expect("certificates are made");
    let names: Vec<String> =
        made.split_whitespace().take_while(|word| *word != "&&").map(str::to_owned).collect();
    let folder = tempfile::tempdir().expect("a folder");
    make_certificates(folder.path(), &names, now).expect("certificates");
    for node in ["node1", "node2", "node3"] {
        let part = compose.split(&format!("\n  {node}:\n")).nth(1).expect("the node has its part");
        let file = |text: &str, setting: &str| {
            let path = after(text, &format!("{PREFIX}CLUSTER__TLS__{setting}: "))[0];
            let name = Path::new(path).strip_prefix("/etc/tessera/certificates").expect("in the volume");
            folder.path().join(name)
        };
        let files = TlsFiles {
            ca: file(&compose, "CA"),
            certificate: file(part, "CERTIFICATE"),
            key: file(part, "KEY"),
        };
        MutualTls::load(&files, now).unwrap_or_else(|error| panic!("{node}: {error}"));
    }
}

#[test]
fn accounts_at_others_are_passed_on_alike() {
    let passed_on = |file: &str| {
        let names = variables(&deploy(file)).into_iter().map(|(name, _)| name);
        let is_account = |name: &str| ["PAYMENTS__", "MESSAGES__"].iter().any(|part| name.contains(part));
        names.filter(|name| is_account(name)).collect::<std::collections::BTreeSet<_>>()
    };
    let (compose, manifest) = (passed_on("compose.yaml"), passed_on("kubernetes/nodes.yaml"));
    assert_eq!(compose, manifest);
    for name in ["STRIPE__SECRET_KEY", "PAYPAL__SECRET", "RAZORPAY__KEY_SECRET", "SMTP__PASSWORD"] {
        assert!(compose.iter().any(|known| known.ends_with(name)), "{name}");
    }
}

#[test]
fn the_manifests_use_settings_that_there_are() {
    let nodes = deploy("kubernetes/nodes.yaml");
    let settings = loaded(&deploy("kubernetes/tessera.toml"), &variables(&nodes));
    assert!(settings.cluster.enabled && settings.store.kind == StoreKind::FoundationDb);
    assert!(settings.cluster.advertise.ends_with(&format!(":{}", settings.cluster.listen.port())));
    assert!(nodes.contains("enableServiceLinks: false"), "or TESSERA_SERVICE_HOST is an unknown setting");
    let ports = [("http", port(settings.listen)), ("nodes", port(settings.cluster.listen))];
    for (name, port) in &ports {
        assert!(nodes.contains(&format!("{{ name: {name}, containerPort: {port} }}")), "{name} {port}");
    }
    let services = deploy("kubernetes/services.yaml");
    assert!(services.contains(&format!("port: {}\n      targetPort: nodes", ports[1].1)));
    for target in after(&services, "targetPort: ").iter().chain(&after(&nodes, "port: ")) {
        assert!(["http", "nodes"].contains(target), "{target}");
    }
    let data = settings.data.display();
    assert!(nodes.contains(&format!("name: data, mountPath: {data} ")), "what a node keeps is on its volume");
    let grace: u64 = after(&nodes, "terminationGracePeriodSeconds: ")[0].parse().expect("seconds");
    let pause: u64 = after(&nodes, "\"sleep\", \"")[0].parse().expect("seconds");
    assert!(grace > settings.http.shutdown_s + pause, "a node has the time that it takes to stop");
}

#[test]
fn probes_and_scrapes_ask_for_paths_that_there_are() {
    let router = read(&repository().join("gateway/server/src/router.rs"));
    let mut asked: Vec<String> =
        after(&deploy("haproxy.cfg"), " uri ").into_iter().map(str::to_owned).collect();
    asked.extend(
        after(&deploy("kubernetes/nodes.yaml"), "path: /").into_iter().map(|path| format!("/{path}")),
    );
    let asked: Vec<_> = asked.iter().filter(|path| !path.starts_with("/etc")).collect();
    assert!(asked.len() >= 4);
    for path in asked {
        assert!(router.contains(&format!("GET \"{path}\"")), "{path} is a route");
    }
}

#[test]
fn every_file_of_the_manifests_is_applied_and_one_version_of_foundationdb_is_meant() {
    let folder = repository().join("deploy/kubernetes");
    let listed = deploy("kubernetes/kustomization.yaml");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        assert!(name == "kustomization.yaml" || listed.contains(&format!("- {name}\n")), "{name}");
    }
    let version = after(&deploy("kubernetes/foundationdb.yaml"), "version: ")[0].to_owned();
    assert!(deploy("Dockerfile").contains(&format!("ARG FOUNDATIONDB={version}\n")));
    let workflow = read(&repository().join(".github/workflows/foundationdb.yml"));
    assert!(workflow.contains(&format!("FOUNDATIONDB: {version}\n")));
    let compose = deploy("compose.yaml");
    assert!(compose.matches("${FOUNDATIONDB:-").count() == 3);
    assert_eq!(compose.matches(&format!("${{FOUNDATIONDB:-{version}}}")).count(), 3);
}
