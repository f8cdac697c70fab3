//! A FoundationDB cluster that a test has for itself, so that it may stop it, kill it and cut it off.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use super::STATE_MAX;
use super::net::{Member, Net, done};

/// The program, where it is not the `fdbserver` of the path.
const PROGRAM: &str = "FDBSERVER";
/// How it is configured, where not as `single ssd`: redundancy and engine.
const CONFIGURATION: &str = "FDBCONFIGURE";
/// The port of the first process; each has the next.
const FIRST_PORT: u16 = 4_500;

pub(super) fn program() -> OsString {
    std::env::var_os(PROGRAM).unwrap_or_else(|| "fdbserver".into())
}

/// A cluster, as many processes as its redundancy needs.
pub(super) struct Store {
    folder: TempDir,
    processes: Vec<Child>,
}

impl Store {
    /// Start it, and wait until it is there.
    pub(super) fn start() -> Store {
        let configuration = std::env::var(CONFIGURATION).unwrap_or_else(|_| "single ssd".to_owned());
        let processes: u16 = if configuration.starts_with("single") { 1 } else { 3 };
        let folder = tempfile::tempdir().unwrap();
        let coordinators: Vec<_> = (0..processes).map(address).collect();
        let mut store = Store { folder, processes: Vec::new() };
        fs::write(store.cluster_file(), format!("test:test@{}", coordinators.join(","))).unwrap();
        for number in 0..processes {
            store.processes.push(store.process(number));
        }
        store.cli(&format!("configure new {configuration}"));
        store.available();
        store
    }

    pub(super) fn cluster_file(&self) -> PathBuf {
        self.folder.path().join("fdb.cluster")
    }

    fn process(&self, number: u16) -> Child {
        let folder = |name: &str| {
            let folder = self.folder.path().join(format!("{name}{number}"));
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let (data, logs) = (folder("data"), folder("logs"));
        let mut server = Command::new(program());
        server.args(["-p", &address(number), "-i", &format!("{number:016x}"), "-C"]);
        server.arg(self.cluster_file()).arg("-d").arg(data).arg("-L").arg(&logs);
        let said = |name: &str| File::options().create(true).append(true).open(logs.join(name)).unwrap();
        let mut server = Net::at(Member::Store, &server);
        server.stdin(Stdio::null()).stdout(said("said")).stderr(said("said")).spawn().unwrap()
    }

    fn cli(&self, command: &str) -> String {
        let cluster_file: &Path = &self.cluster_file();
        let mut cli = Command::new("fdbcli");
        done(cli.arg("-C").arg(cluster_file).args(["--timeout", "60", "--exec", command]))
    }

    fn available(&self) {
        let began = Instant::now();
        while !self.cli("status minimal").contains("is available") {
            assert!(began.elapsed() < STATE_MAX, "the cluster is not there after {STATE_MAX:?}");
            std::thread::yield_now();
        }
    }

    /// Send every process of it this signal.
    pub(super) fn signal(&self, name: &str) {
        for process in &self.processes {
            done(Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]));
        }
    }

    /// SIGKILL for every process at once; then start them again, and wait until the cluster is there.
    pub(super) fn kill_and_start(&mut self) {
        self.kill_and(|_, _| ());
    }

    /// Keep what the cluster has now.
    pub(super) fn back_up(&mut self) {
        self.kill_and(|data, backup| {
            done(Command::new("cp").arg("-a").args([data, backup]));
        });
    }

    /// Make the cluster what it was then.
    pub(super) fn put_back(&mut self) {
        self.kill_and(|data, backup| {
            fs::remove_dir_all(data).unwrap();
            fs::rename(backup, data).unwrap();
        });
    }

    /// While no process runs, do something with the folder of each, and with the one of its backup.
    fn kill_and(&mut self, change: impl Fn(&Path, &Path)) {
        for process in &mut self.processes {
            process.kill().unwrap();
        }
        for number in 0..self.processes.len() {
            self.processes[number].wait().unwrap();
            let folder = |name: &str| self.folder.path().join(format!("{name}{number}"));
            change(&folder("data"), &folder("backup"));
        }
        for number in 0..self.processes.len() {
            self.processes[number] = self.process(u16::try_from(number).unwrap());
        }
        self.available();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        for process in &mut self.processes {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

fn address(number: u16) -> String {
    format!("{}:{}", Member::Store.address(), FIRST_PORT + number)
}
