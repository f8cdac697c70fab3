//! A network of namespaces: each node and the store have one, with an address of their own, and the test is the router between them. What
//! it drops, it drops without a word, one way or both.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};

use super::{NODES, cluster, skipped};
use crate::installation::text;

/// Set in the process of the test that runs within.
const WITHIN: &str = "WITHIN_NAMESPACES";
/// Begins a process in namespaces of its own, which end with whatever was started, mounted and connected in them when the process ends, or the one
/// that began it.
const OWN: [&str; 9] =
    ["--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Who is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Node(usize),
    Store,
}

/// From whom to whom nothing goes.
pub(super) type Cut = [Member; 2];

/// Both ways.
pub(super) fn both(one: Member, other: Member) -> [Cut; 2] {
    [[one, other], [other, one]]
}

impl Member {
    pub(super) fn all() -> impl Iterator<Item = Member> {
        (0..NODES).map(Member::Node).chain([Member::Store])
    }

    fn name(self) -> String {
        match self {
            Member::Node(node) => format!("node{node}"),
            Member::Store => "store".to_owned(),
        }
    }

    /// In a network of four addresses, of which the router has the first.
    fn end(self, end: u8) -> Ipv4Addr {
        let network = match self {
            Member::Node(node) => u8::try_from(node).unwrap(),
            Member::Store => u8::MAX,
        };
        Ipv4Addr::new(10, 99, network, end)
    }

    pub(super) fn address(self) -> Ipv4Addr {
        self.end(2)
    }
}

/// What a command says that must succeed.
pub(super) fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn ip(arguments: &str) -> String {
    done(Command::new("ip").args(arguments.split(' ')))
}

/// The network of a test.
pub(super) struct Net {
    cuts: Vec<Cut>,
}

impl Net {
    /// The network of the test of this name; `None` where that was skipped, which is said, or where this process has only watched over
    /// the one that ran within.
    pub(super) fn enter(test: &str) -> Option<Net> {
        if std::env::var_os(WITHIN).is_some() {
            return Some(Net::make());
        }
        cluster()?;
        if let Some(missing) = missing() {
            skipped(&missing);
            return None;
        }
        let mut within = Command::new("setpriv");
        within.args(OWN).arg(std::env::current_exe().unwrap());
        within.args(["--exact", test, "--nocapture", "--test-threads", "1"]).env(WITHIN, "yes");
        let Output { status, stdout, .. } = within.stderr(Stdio::inherit()).output().unwrap();
        assert!(status.success(), "{}", text(&stdout));
        assert!(text(&stdout).contains("1 passed"), "{test} is no test: {}", text(&stdout));
        None
    }

    fn make() -> Net {
        // Names of namespaces are files there.
        done(Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/run"]));
        for (setting, value) in
            [("ip_forward", "1"), ("conf/all/rp_filter", "0"), ("conf/default/rp_filter", "0")]
        {
            std::fs::write(format!("/proc/sys/net/ipv4/{setting}"), value).unwrap();
        }
        ip("link set lo up");
        for member in Member::all() {
            let (name, here, there) = (member.name(), member.end(1), member.address());
            ip(&format!("netns add {name}"));
            ip(&format!("link add to-{name} type veth peer name wire netns {name}"));
            ip(&format!("address add {here}/30 dev to-{name}"));
            ip(&format!("link set to-{name} up"));
            ip(&format!("-n {name} address add {there}/30 dev wire"));
            ip(&format!("-n {name} link set wire up"));
            ip(&format!("-n {name} link set lo up"));
            ip(&format!("-n {name} route add default via {here}"));
        }
        Net { cuts: Vec::new() }
    }

    /// The program, which runs where this member is.
    pub(super) fn at(member: Member, program: &Command) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &member.name()]);
        command.arg(program.get_program()).args(program.get_args());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// From now on nothing goes from the first of each to the second; the other way is as it was.
    pub(super) fn cut(&mut self, cuts: impl IntoIterator<Item = Cut>) {
        for cut @ [from, to] in cuts {
            ip(&format!("rule add from {} to {} blackhole", from.address(), to.address()));
            self.cuts.push(cut);
            assert!(!passes(from, to), "nothing goes from {from:?} to {to:?}");
        }
    }

    /// Everything goes everywhere.
    pub(super) fn heal(&mut self) {
        for [from, to] in self.cuts.drain(..) {
            ip(&format!("rule del from {} to {} blackhole", from.address(), to.address()));
            assert!(passes(from, to), "everything goes from {from:?} to {to:?}");
        }
    }
}

/// Whether the router knows a way.
fn passes(from: Member, to: Member) -> bool {
    let (name, from, to) = (from.name(), from.address(), to.address());
    let question = format!("route get {to} from {from} iif to-{name}");
    Command::new("ip").args(question.split(' ')).output().unwrap().status.success()
}

/// What this machine has not, or does not allow.
fn missing() -> Option<String> {
    let works = |program: &OsStr, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let server = super::store::program();
    let tools = [(OsStr::new("ip"), "-V"), (OsStr::new("fdbcli"), "--version"), (&server, "--version")];
    for (program, version) in tools {
        if !works(program, &[version]) {
            return Some(format!("{} is not there", program.display()));
        }
    }
    let allowed = works(OsStr::new("setpriv"), &[&OWN[..], &["true"]].concat());
    (!allowed)
        .then(|| "setpriv or unshare is not there, or this user may not make network namespaces".to_owned())
}
