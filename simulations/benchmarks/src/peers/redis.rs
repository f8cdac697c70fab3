//! Redis 7 of Debian with an append-only file, and the hold as one Lua script.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;

use crate::journal::Journal;
use crate::serve::{BUYER_UNITS_MAX, HOLD_MS, Request, Verdict, now_ms};

/// Seconds for which an idempotency key is remembered.
const KEY_SECONDS: u64 = 86_400;
/// How long an answer is waited for.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// When Redis syncs its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Once a second: a reply may be lost.
    EverySecond,
    /// Before it replies.
    Always,
}

/// A running `redis-server`.
pub(crate) struct Redis {
    child: Child,
    socket: PathBuf,
}

impl Redis {
    /// Start it on an empty folder; it ends when this is dropped.
    pub(crate) fn start(scratch: &Path, sync: Sync) -> Redis {
        let (name, fsync) = match sync {
            Sync::EverySecond => ("redis-everysec", "everysec"),
            Sync::Always => ("redis-always", "always"),
        };
        let folder = scratch.join(name);
        std::fs::create_dir(&folder).expect("a folder");
        let socket = folder.join("redis.sock");
        let journal = Journal::in_folder(scratch, name);
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", fsync])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(&folder)
            .stdout(journal.writer())
            .spawn()
            .expect("redis-server is installed (Debian package redis-server)");
        let mut redis = Redis { child, socket };
        let address = redis.address();
        journal.wait_for(&mut redis.child, || pings(&address));
        redis
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Whether it answers: its socket is there before anybody listens, and it loads its file after that.
fn pings(address: &str) -> bool {
    let asked = || redis::cmd("PING").query::<String>(&mut redis::Client::open(address)?.get_connection()?);
    asked().is_ok()
}

/// A connection that all requests of a worker share; what they ask at once travels together. It waits as long as any client of the product: by
/// default an answer that takes half a second, as a sync on a busy machine does, would count as failed.
pub(crate) async fn connect(address: &str) -> MultiplexedConnection {
    let client = redis::Client::open(address).expect("an address");
    let patient = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_WAIT))
        .set_response_timeout(Some(ANSWER_WAIT));
    client.get_multiplexed_async_connection_with_config(&patient).await.expect("redis answers")
}

/// Put the stock in.
pub(crate) async fn stock(address: &str, units: u32) {
    let () = redis::cmd("SET")
        .arg("stock")
        .arg(units)
        .query_async(&mut connect(address).await)
        .await
        .expect("redis takes it");
}

/// Units that are left.
pub(crate) async fn left(address: &str) -> u64 {
    redis::cmd("GET").arg("stock").query_async(&mut connect(address).await).await.expect("redis answers")
}

/// Place a hold.
pub(crate) async fn hold(
    script: &redis::Script,
    mut connection: MultiplexedConnection,
    request: &Request,
) -> Verdict {
    let answer: Result<(u8, String), _> = script
        .key("stock")
        .key(format!("key:{}", request.key))
        .key(format!("buyer:{}", request.buyer))
        .key("hold")
        .key("deadlines")
        .arg(request.quantity)
        .arg(BUYER_UNITS_MAX)
        .arg(&request.buyer)
        .arg(now_ms() + HOLD_MS)
        .arg(KEY_SECONDS)
        .invoke_async(&mut connection)
        .await;
    match answer {
        Ok((1, hold)) => Verdict::Held(hold),
        Ok((_, reason)) => Verdict::Refused(reason),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}
