//! PostgreSQL 15 of Debian as it comes, which syncs each commit, with the hold as one function.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::NoTls;

use crate::journal::Journal;
use crate::serve::{BUYER_UNITS_MAX, Request, Verdict};

/// Where Debian puts the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// It does not run as root; Debian makes this user for it.
const USER: &str = "postgres";
/// Connections: commits of so many are synced together.
const CONNECTIONS: usize = 32;
const SCHEMA: &str = include_str!("schema.sql");

/// How stock is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// A row a unit, taken with `SKIP LOCKED`.
    Rows,
    /// One row with a counter.
    Counter,
}

/// A running server.
pub(crate) struct Postgres {
    child: Child,
    folder: PathBuf,
}

impl Postgres {
    /// Start it on an empty folder; it ends when this is dropped.
    pub(crate) fn start(scratch: &Path) -> Postgres {
        let folder = scratch.join("postgres");
        std::fs::create_dir(&folder).expect("a folder");
        hand_over(scratch, &folder);
        let data = folder.join("data");
        let made = program("initdb", &["-A", "trust", "-U", USER, "-D"]).arg(&data).output();
        let made =
            made.unwrap_or_else(|error| panic!("{PROGRAMS}/initdb (Debian package postgresql-15): {error}"));
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let journal = Journal::in_folder(scratch, "postgres");
        let child = program("postgres", &["-c", "listen_addresses=", "-c", "shared_buffers=512MB", "-D"])
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .stderr(journal.writer())
            .spawn()
            .expect("postgres starts");
        let mut postgres = Postgres { child, folder };
        let address = postgres.address();
        journal.wait_for(&mut postgres.child, || takes_connections(&address));
        postgres
    }

    /// The folder of its socket.
    pub(crate) fn address(&self) -> String {
        self.folder.display().to_string()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An interrupt ends it at once, with its processes; a kill would leave them.
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().ok();
        self.child.wait().ok();
    }
}

/// Whether it takes connections: its socket is there while it is still starting up, and whoever comes then is turned away.
fn takes_connections(address: &str) -> bool {
    program("pg_isready", &["-q", "-h", address]).status().is_ok_and(|status| status.success())
}

/// Where we are root, its folder belongs to its user, who may also walk there.
fn hand_over(scratch: &Path, folder: &Path) {
    let Some((user, group)) = ids() else { return };
    std::fs::set_permissions(scratch, std::fs::Permissions::from_mode(0o755)).expect("our folder");
    chown(folder, Some(user), Some(group)).expect("we are root");
}

/// Its user and group, if we are root and must change to them.
fn ids() -> Option<(u32, u32)> {
    let id = |flag: &str, user: &str| {
        let output = Command::new("id").arg(flag).arg(user).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    let ours: u32 =
        std::fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).ok()?;
    if ours != 0 {
        return None;
    }
    let there = id("-u", USER).zip(id("-g", USER));
    Some(there.unwrap_or_else(|| panic!("PostgreSQL does not run as root, and there is no user {USER}")))
}

fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(PROGRAMS).join(name));
    if let Some((user, group)) = ids() {
        std::os::unix::process::CommandExt::uid(&mut command, user);
        std::os::unix::process::CommandExt::gid(&mut command, group);
    }
    command.args(arguments).current_dir("/");
    command
}

/// Connections to it.
pub(crate) fn pool(address: &str) -> Pool {
    let mut config = tokio_postgres::Config::new();
    config.host_path(address).user(USER).dbname(USER);
    let manager =
        Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    Pool::builder(manager).max_size(CONNECTIONS).build().expect("a pool")
}

/// Make the tables, with the stock in them.
pub(crate) async fn stock(address: &str, units: u32) {
    let client = pool(address).get().await.expect("postgres answers");
    client.batch_execute(SCHEMA).await.expect("the schema is sound");
    let fill = format!(
        "INSERT INTO unit SELECT generate_series(1, {units}); UPDATE stock SET free = {units}; VACUUM ANALYZE unit"
    );
    for statement in fill.split("; ") {
        client.batch_execute(statement).await.expect("the stock is put in");
    }
}

/// Units that are left.
pub(crate) async fn left(address: &str, variant: Variant) -> u64 {
    let query = match variant {
        Variant::Rows => "SELECT count(*) FROM unit WHERE hold IS NULL",
        Variant::Counter => "SELECT free::bigint FROM stock",
    };
    let client = pool(address).get().await.expect("postgres answers");
    let left: i64 = client.query_one(query, &[]).await.expect("it can be asked").get(0);
    left.unsigned_abs()
}

/// Place a hold.
pub(crate) async fn hold(pool: &Pool, variant: Variant, request: &Request) -> Verdict {
    let statement = match variant {
        Variant::Rows => "SELECT hold_rows($1, $2, $3, $4)",
        Variant::Counter => "SELECT hold_counter($1, $2, $3, $4)",
    };
    let client = match pool.get().await {
        Ok(client) => client,
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let statement = match client.prepare_cached(statement).await {
        Ok(statement) => statement,
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&request.key, &request.buyer, &request.quantity, &BUYER_UNITS_MAX];
    match client.query_one(&statement, &parameters).await {
        Ok(row) => Verdict::Held(row.get::<_, i64>(0).to_string()),
        Err(error) => match error.as_db_error() {
            Some(raised) if raised.code().code() == "P0001" => Verdict::Refused(raised.message().to_owned()),
            _ => Verdict::Failed(error.to_string()),
        },
    }
}
