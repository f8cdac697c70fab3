//! A `tessera serve` of its own for one test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// The administrator's token of the tested installation.
pub(crate) const ADMIN_TOKEN: &str = "tsa_process-test-0123456789abcdef0123456789abcdef";

/// The binary under test, with its environment and nothing of the caller's configuration.
pub(crate) fn tessera() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.env("TESSERA_ADMIN_TOKEN", ADMIN_TOKEN);
    command
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Reads what it says on standard error, so that it never blocks on a full pipe.
    errors: Option<JoinHandle<String>>,
}

impl Server {
    /// Start on a data folder and wait until it is ready to sell.
    pub(crate) async fn start(data: &Path, port: u16) -> Server {
        Server::start_as(tessera(), data, port).await
    }

    /// The same with an environment of its own.
    pub(crate) async fn start_as(command: Command, data: &Path, port: u16) -> Server {
        Server::start_at(command, data, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    /// The same where not on loopback.
    pub(crate) async fn start_at(mut command: Command, data: &Path, address: SocketAddr) -> Server {
        command.args(["serve", "--listen", &address.to_string(), "--data"]).arg(data);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let errors = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || std::io::read_to_string(errors).unwrap_or_default());
        let mut server = Server { child, address, errors: Some(errors) };
        let client = reqwest::Client::new();
        while !is_ready(&client, server.address).await {
            if server.child.try_wait().unwrap().is_some() {
                let (status, said) = server.end();
                panic!("tessera serve ended with {status}: {said}");
            }
            tokio::task::yield_now().await;
        }
        server
    }

    /// Wait until it ends by itself: its status, and what it said.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.errors.take().unwrap().join().unwrap())
    }

    /// Its resident memory, in bytes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
        line.unwrap_or_else(|| panic!("{status}")).trim().parse::<u64>().unwrap() * 1_024
    }

    /// SIGKILL, and wait until the process is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and wait for the end: its status.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// Send it this signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Whether a server says that requests should be sent there.
pub(crate) async fn is_ready(client: &reqwest::Client, address: SocketAddr) -> bool {
    let reply = client.get(format!("http://{address}/readyz")).send().await;
    reply.is_ok_and(|reply| reply.status().is_success())
}

/// Where a server on this port answers.
pub(crate) fn base(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// A port of loopback that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Run the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    tessera().args(arguments).output().unwrap()
}

/// An unsafe call with a key, which must succeed.
pub(crate) async fn post(port: u16, path: &str, token: &str, key: &str, body: &Value) -> Value {
    let request = reqwest::Client::new().post(format!("{}{path}", base(port))).bearer_auth(token);
    let reply = request.header("Idempotency-Key", key).json(body).send().await.unwrap();
    let status = reply.status();
    let document: Value = reply.json().await.unwrap();
    assert!(status.is_success(), "{path}: {status}: {document}");
    document
}

/// A read, which must succeed.
pub(crate) async fn get(port: u16, path: &str, token: &str) -> Value {
    serde_json::from_str(&read(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), path, token).await).unwrap()
}

/// The text of a read, which must succeed.
pub(crate) async fn read(address: SocketAddr, path: &str, token: &str) -> String {
    let request = reqwest::Client::new().get(format!("http://{address}{path}")).bearer_auth(token);
    let reply = request.send().await.unwrap();
    let status = reply.status();
    let text = reply.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status}: {text}");
    text
}

/// An event on sale, with a standing area of `capacity`.
pub(crate) struct Sale {
    /// Its identity.
    pub(crate) event: String,
    /// An organizer's key for it.
    pub(crate) key: String,
    /// Its units.
    pub(crate) capacity: u32,
}

impl Sale {
    /// Create and open it.
    pub(crate) async fn open(port: u16, capacity: u32) -> Sale {
        Sale::open_as(port, "sale", capacity).await
    }

    /// Create and open the one of this name.
    pub(crate) async fn open_as(port: u16, name: &str, capacity: u32) -> Sale {
        let configuration = json!({
            "currency": "EUR", "pools": [{"name": "Floor", "capacity": capacity}], "categories": [], "sections": [], "rows": [], "channels": [],
            "ticket_types": [{"name": "Free", "price": 0, "per_order_min": 1, "per_order_max": 4, "draws_on": ["Floor"]}]
        });
        Sale::open_hall(port, name, capacity, &configuration).await
    }

    /// The same with this configuration, which has so many units.
    pub(crate) async fn open_hall(port: u16, name: &str, capacity: u32, configuration: &Value) -> Sale {
        let scopes = ["events:write", "events:read", "orders:write", "check-ins:write", "buyer-tokens:write"];
        let body = json!({"name": "process test", "scopes": scopes});
        let key = post(port, "/v1/api-keys", ADMIN_TOKEN, &format!("{name}-key"), &body).await["secret"]
            .as_str()
            .unwrap()
            .to_owned();
        let event = json!({"name": "Killed", "starts_at": "2030-01-01T19:00:00Z", "zone": "Europe/Berlin", "configuration": configuration});
        let created = post(port, "/v1/events", &key, &format!("{name}-event"), &event).await;
        let event = created["id"].as_str().unwrap().to_owned();
        post(
            port,
            &format!("/v1/events/{event}/phase-changes"),
            &key,
            &format!("{name}-open"),
            &json!({"to": "on_sale"}),
        )
        .await;
        Sale { event, key, capacity }
    }

    /// A path below the event.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/events/{}{rest}", self.event)
    }

    /// Fresh buyer tokens, a subject each.
    pub(crate) async fn buyers(&self, port: u16, count: usize) -> Vec<String> {
        let minted = post(port, "/v1/buyer-tokens", &self.key, "sale-buyers", &json!({"count": count})).await;
        minted["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap().to_owned()).collect()
    }

    /// The whole change feed.
    pub(crate) async fn changes(&self, port: u16) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let after = items.last().map_or(0, |item| item["sequence"].as_u64().unwrap());
            let page = get(port, &self.path(&format!("/changes?after={after}&limit=200")), &self.key).await;
            let page = page["items"].as_array().unwrap();
            if page.is_empty() {
                return items;
            }
            items.extend(page.iter().cloned());
        }
    }
}
