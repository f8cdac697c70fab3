//! A server of the rehearsal's own: the same program as another process, on a free port, over a directory that is gone afterwards.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
#[cfg(target_os = "linux")]
use rustix::process::{getppid, set_parent_process_death_signal};
use tempfile::TempDir;
use tessera_demo::client::{Call, Connection};

use crate::error::RehearsalError;
use crate::live::Interrupt;
use crate::target::Target;

/// Longest a server takes to start.
const START_MAX: Duration = Duration::from_secs(60);
/// Longest it takes to stop by itself.
const STOP_MAX: Duration = Duration::from_secs(30);
/// Time between two looks at whether it has started or ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Random bytes of its administrator's token.
const TOKEN_BYTES: usize = 24;
/// The flag of `serve` that names the process it ends with, see [`end_with`].
const PARENT_FLAG: &str = "--parent";
/// Lines of its log that an error shows.
const SAID_LINES: usize = 20;
/// What differs from the defaults: all buyers come from one address, wait for their payments in long polls, and pay at the sandbox.
const SETTINGS: [(&str, &str); 8] = [
    ("TESSERA_PAYMENTS__SANDBOX__ENABLED", "true"),
    ("TESSERA_HTTP__STREAMS_MAX", "200000"),
    ("TESSERA_HTTP__STREAMS_PER_ADDRESS_MAX", "200000"),
    ("TESSERA_RATE_LIMIT__ADDRESS_PER_SECOND", "0"),
    ("TESSERA_RATE_LIMIT__CALLER_PER_SECOND", "0"),
    ("TESSERA_RATE_LIMIT__ORGANIZER_MINTING_PER_MINUTE", "0"),
    ("TESSERA_BUYER_TOKEN__LIFE_S", "86400"),
    ("TESSERA_LOG_LEVEL", "warn"),
];

/// A running server. Dropping it ends it, and removes its directory.
#[derive(Debug)]
pub struct OwnServer {
    child: Mutex<Child>,
    process: u32,
    /// Where it is.
    pub target: Target,
    /// Its administrator's token.
    pub administrator_token: String,
    log: PathBuf,
    interrupt: Arc<Interrupt>,
    /// Removed when this is dropped, after the process has ended.
    _directory: TempDir,
}

impl OwnServer {
    /// Start `program serve` and wait until it is ready. Who interrupts twice does not wait until it has stopped by itself.
    ///
    /// # Errors
    /// [`RehearsalError::OwnServer`] with the end of its log.
    pub async fn start(program: &Path, interrupt: &Arc<Interrupt>) -> Result<Self, RehearsalError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| RehearsalError::File { path, source }
        };
        let directory = TempDir::with_prefix("tessera-rehearsal-").map_err(at(&std::env::temp_dir()))?;
        let log = directory.path().join("server.log");
        let said = File::create(&log).map_err(at(&log))?;
        let administrator_token = token().map_err(at(Path::new("the random numbers of the system")))?;
        let port = free_port().map_err(at(Path::new("a port of loopback")))?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]);
        command.arg(directory.path().join("data")).envs(SETTINGS);
        command.args([PARENT_FLAG, &std::process::id().to_string()]);
        command.env("TESSERA_ADMIN_TOKEN", &administrator_token);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let target = Target::resolve(&format!("http://127.0.0.1:{port}"), None).await?;
        // From here on it is ended, whatever happens: there is nothing to wait for before it is ours.
        let child = command.spawn().map_err(at(program))?;
        let process = child.id();
        let (child, interrupt) = (Mutex::new(child), Arc::clone(interrupt));
        let server =
            OwnServer { child, process, target, administrator_token, log, interrupt, _directory: directory };
        server.wait_until_ready().await?;
        Ok(server)
    }

    async fn wait_until_ready(&self) -> Result<(), RehearsalError> {
        let ready = async {
            loop {
                let mut connection = Connection::new(&self.target.server);
                let asked = connection.call(&Call::get("/readyz".into())).await;
                if asked.is_ok_and(|(reply, _)| reply.accepted()) {
                    return;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = ready => Ok(()),
            ended = self.ended() => Err(ended),
            () = tokio::time::sleep(START_MAX) => Err(self.failed("was not ready for too long")),
        }
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Wait until it ends, which it ought not to do by itself.
    pub async fn ended(&self) -> RehearsalError {
        loop {
            if let Ok(Some(status)) = self.child().try_wait() {
                return self.failed(&format!("ended with {status}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn failed(&self, what: &str) -> RehearsalError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let said = lines[lines.len().saturating_sub(SAID_LINES)..].join("\n");
        RehearsalError::OwnServer { what: what.to_owned(), said }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended already cannot be asked to.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            let begun = Instant::now();
            let has_time = || begun.elapsed() < STOP_MAX && !self.interrupt.insists();
            while matches!(child.try_wait(), Ok(None)) && has_time() {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        child.kill().ok();
        child.wait().ok();
    }
}

/// Let this process, which is a rehearsal's server, be told to end (SIGTERM) when the rehearsal does, whatever ended that: nothing is left running.
/// Only Linux has that; elsewhere nothing happens.
///
/// # Errors
/// When the operating system refuses, or the rehearsal is gone already.
#[cfg(target_os = "linux")]
pub fn end_with(parent: u32) -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // It may have ended before the signal was asked for.
    let is_there = getppid().is_some_and(|found| u32::try_from(found.as_raw_nonzero().get()) == Ok(parent));
    if is_there {
        Ok(())
    } else {
        Err(std::io::Error::other("the rehearsal that started this server is gone"))
    }
}

/// See above: only Linux has that.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn end_with(_parent: u32) -> std::io::Result<()> {
    Ok(())
}

/// A token that nobody can guess.
fn token() -> std::io::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes.iter().fold(String::from("tsa_"), |text, byte| format!("{text}{byte:02x}")))
}

/// A port of loopback that nobody listens on.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
