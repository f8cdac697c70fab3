//! Where a run takes place, as its report says.

use std::fs;
use std::thread::available_parallelism;

use jiff::Timestamp;
use tessera_verdict::recording::Environment;

use crate::target::Target;

/// What this machine tells of itself; the event, its server, the threads and the sockets are left to fill in.
pub(crate) fn environment(target: &Target, began_at: Timestamp, is_own_server: bool) -> Environment {
    let kernel = read("/proc/sys/kernel/osrelease");
    let processor = line_of(&read("/proc/cpuinfo"), "model name").unwrap_or_default();
    let memory = line_of(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let kilobytes: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let processors = available_parallelism().map_or(1, std::num::NonZero::get);
    Environment {
        started_at: began_at.to_string(),
        target: target.url.clone(),
        is_own_server,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        server_version: String::new(),
        is_here: target.is_here,
        system: format!("{} {}", std::env::consts::OS, kernel.trim()).trim_end().to_owned(),
        processor,
        processors: u32::try_from(processors).unwrap_or(u32::MAX),
        memory_bytes: kilobytes * 1024,
        threads: 0,
        event: String::new(),
        sockets_max: 0,
        sockets_allowed: 0,
    }
}

/// A file of the system, or nothing where it has none.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn line_of(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
