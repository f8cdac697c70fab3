//! Redis 7 of Debian with an append-only file, and the hold as one Lua script.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use redis::aio::MultiplexedConnection;

use crate::serve::{BUYER_UNITS_MAX, HOLD_MS, Request, Verdict, now_ms};
use crate::wait_for;

/// Seconds for which an idempotency key is remembered.
const KEY_SECONDS: u64 = 86_400;

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
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", fsync])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed (Debian package redis-server)");
        wait_for("redis-server", || socket.exists());
        Redis { child, socket }
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

/// A connection that all requests of a worker share; what they ask at once travels together.
pub(crate) async fn connect(address: &str) -> MultiplexedConnection {
    let client = redis::Client::open(address).expect("an address");
    client.get_multiplexed_async_connection().await.expect("redis answers")
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
