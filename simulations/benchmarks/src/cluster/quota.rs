//! A control group that bounds the processor time of one process.

use std::path::{Path, PathBuf};

/// The controller's folder where control groups are of version 1.
const V1: &str = "/sys/fs/cgroup/cpu";
/// And of version 2.
const V2: &str = "/sys/fs/cgroup";
/// The quota is given anew so often. Short, so that a node that has used it up pauses for some milliseconds only.
const PERIOD_US: u64 = 10_000;

/// It holds until this is dropped, after the process has ended.
pub(crate) struct Quota {
    folder: PathBuf,
    /// Where its process goes back to.
    parent: PathBuf,
    process: u32,
}

impl Quota {
    /// Bound `process` to `percent` hundredths of a processor.
    pub(crate) fn new(process: u32, percent: u64) -> Quota {
        let is_v1 = Path::new(V1).join("cpu.cfs_quota_us").exists() || Path::new(V1).join("tasks").exists();
        let parent = PathBuf::from(if is_v1 { V1 } else { V2 });
        let folder = parent.join(format!("tessera-benchmark-{process}"));
        std::fs::create_dir(&folder).expect("the right to make control groups");
        let write = |file: &str, text: String| {
            std::fs::write(folder.join(file), text).unwrap_or_else(|error| panic!("{file}: {error}"));
        };
        let quota_us = PERIOD_US * percent / 100;
        if is_v1 {
            write("cpu.cfs_period_us", PERIOD_US.to_string());
            write("cpu.cfs_quota_us", quota_us.to_string());
        } else {
            write("cpu.max", format!("{quota_us} {PERIOD_US}"));
        }
        write("cgroup.procs", process.to_string());
        Quota { folder, parent, process }
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // A process that runs is moved out; one that has ended is not there.
        std::fs::write(self.parent.join("cgroup.procs"), self.process.to_string()).ok();
        std::fs::remove_dir(&self.folder).ok();
    }
}
