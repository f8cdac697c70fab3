//! A limit to the memory of one process, which the kernel enforces by killing it: a control group below the one that the test runs in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where control groups of the first version that count memory are mounted, and the files of one that say how much it may have, and how
/// often the kernel has killed for it.
const FIRST: [&str; 3] = ["/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"];
/// The same of the second version.
const SECOND: [&str; 3] = ["/sys/fs/cgroup", "memory.max", "memory.events"];

/// A control group; removed when dropped, once its processes have ended.
pub(crate) struct MemoryLimit {
    group: PathBuf,
    kills: PathBuf,
}

impl MemoryLimit {
    /// A group that may have so many bytes; `None` where this machine lets nobody make one.
    pub(crate) fn make(bytes: u64) -> Option<MemoryLimit> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        groups.lines().find_map(|line| {
            let (mounted, limit, kills) = match line.split(':').collect::<Vec<_>>()[..] {
                [_, "memory", path] => (Path::new(FIRST[0]).join(&path[1..]), FIRST[1], FIRST[2]),
                ["0", "", path] => (Path::new(SECOND[0]).join(&path[1..]), SECOND[1], SECOND[2]),
                _ => return None,
            };
            let group = mounted.join(format!("tessera-test-{}", std::process::id()));
            fs::create_dir(&group).ok()?;
            let made = MemoryLimit { kills: group.join(kills), group };
            fs::write(made.group.join(limit), bytes.to_string()).ok()?;
            Some(made)
        })
    }

    /// The program, which joins the group before it begins.
    pub(crate) fn confined(&self, program: &Command) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(self.group.join("cgroup.procs"));
        command.arg(program.get_program()).args(program.get_args());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// How often the kernel has killed a process of the group for its memory.
    pub(crate) fn kills(&self) -> u64 {
        let text = fs::read_to_string(&self.kills).unwrap();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        fs::remove_dir(&self.group).ok();
    }
}
