//! Servers in processes of their own: started, waited for, ended.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How long a server may take to start: the machine may be busy with others.
const START_WAIT: Duration = Duration::from_secs(60);
/// Time between two looks whether it is there.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Ports that are tried until a server can listen on one.
const PORTS_TRIED_MAX: u32 = 5;

/// A server on a port of loopback. It ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    child: Child,
    port: u16,
}

impl Served {
    /// Start a server by the command for a free port, and wait until it listens there. Somebody else may take the port before it does: where
    /// the server ends at once, another port is tried.
    ///
    /// # Panics
    /// Where it does not start; what it said stands above on the screen.
    #[must_use]
    #[allow(clippy::panic, clippy::expect_used)] // a benchmark
    pub fn start(name: &str, command: impl Fn(u16) -> Command) -> Served {
        let mut ended = None;
        for _ in 0..PORTS_TRIED_MAX {
            let port = free_port();
            let child = command(port).spawn();
            let mut child = child.unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
            match wait_for(name, &mut child, || TcpStream::connect(("127.0.0.1", port)).is_ok()) {
                Ok(()) => return Served { child, port },
                Err(status) => ended = Some(status),
            }
        }
        panic!("{name} does not stay: {}; what it said stands above", ended.expect("it was tried"));
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Processor time of a process so far, in microseconds, of threads that have ended, too; to a hundredth of a second.
///
/// # Panics
/// Where there is no such process.
#[must_use]
#[allow(clippy::expect_used)] // a benchmark
pub fn processor_us(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // Behind the name, which ends with the last parenthesis, the 12th and 13th field: user and system time.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks =
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() * 1e6 / rustix::param::clock_ticks_per_second() as f64
}

/// A port of loopback that nobody listens on now.
///
/// # Panics
/// Where there is none.
#[must_use]
#[allow(clippy::expect_used)] // a benchmark
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Wait until a server that was started is there.
///
/// # Errors
/// With what it ended before it was.
///
/// # Panics
/// Where it is not there after a minute; it is ended then.
#[allow(clippy::panic, clippy::expect_used)] // a benchmark
pub fn wait_for(name: &str, child: &mut Child, is_there: impl Fn() -> bool) -> Result<(), ExitStatus> {
    let begun = Instant::now();
    loop {
        // Looked at first: what is there may be somebody else's.
        if let Some(status) = child.try_wait().expect("it is our process") {
            return Err(status);
        }
        if is_there() {
            return Ok(());
        }
        if begun.elapsed() > START_WAIT {
            child.kill().ok();
            child.wait().ok();
            panic!("{name} was not there after {START_WAIT:?}");
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}
