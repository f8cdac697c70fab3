//! A mail relay in a process of its own: SMTP on loopback, pipelined or not. It takes everything, counts it by `Message-ID`, and says what it has
//! counted to whoever asks for `XCOUNT`.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use tessera_benchmarks::{Served, processor_us};

/// The first argument of the process that is the relay.
pub(crate) const ARGUMENT: &str = "relay";
/// The header that names a message, with the colon after it.
const NAME: &[u8] = b"message-id:";

/// What has come.
#[derive(Default)]
struct Taken {
    mails: u64,
    /// Those that have no name.
    unnamed: u64,
    names: BTreeSet<Vec<u8>>,
    /// When the first came and when the last, since 1970.
    first: Option<Duration>,
    last: Option<Duration>,
}

/// What a relay has counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    /// Messages that came.
    pub(crate) mails: u64,
    /// Names that they had.
    pub(crate) names: u64,
    /// Messages without one.
    pub(crate) unnamed: u64,
    /// When the first came and when the last, in milliseconds since 1970; 0: none has.
    pub(crate) first_ms: u64,
    pub(crate) last_ms: u64,
}

/// A relay that runs. It ends when this is dropped.
pub(crate) struct Relay(Served);

/// Be a relay, until killed.
pub(crate) fn serve(port: &str) {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("the port is free");
    let taken = Arc::new(Mutex::new(Taken::default()));
    for stream in listener.incoming() {
        let (stream, taken) = (stream.expect("a connection"), Arc::clone(&taken));
        // Whoever goes away is missed by nobody.
        std::thread::spawn(move || drop(converse(&stream, &taken)));
    }
}

fn converse(stream: &TcpStream, taken: &Mutex<Taken>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    say(stream, "220 relay ESMTP")?;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let verb = line.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
        match verb.to_ascii_uppercase().as_slice() {
            b"EHLO" => say(stream, "250-relay\r\n250-PIPELINING\r\n250 8BITMIME")?,
            b"DATA" => {
                say(stream, "354 go on")?;
                let name = message(&mut reader)?;
                lock(taken).note(name);
                say(stream, "250 taken")?;
            }
            b"XCOUNT" => {
                let counted = lock(taken).text();
                say(stream, &format!("250 {counted}"))?;
            }
            b"QUIT" => return say(stream, "221 bye"),
            _ => say(stream, "250 ok")?,
        }
    }
}

fn say(mut stream: &TcpStream, text: &str) -> io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes())
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The message that follows `DATA`: how its name is written, on one line, or nothing.
fn message(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let (mut line, mut name) = (Vec::new(), Vec::new());
    let (mut is_head, mut is_name) = (true, false);
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_ascii_end();
        if text == b"." {
            return Ok(name);
        }
        is_head &= !text.is_empty();
        let is_folded = text.first().is_some_and(u8::is_ascii_whitespace);
        let begins = text.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME));
        is_name = is_head && (begins || is_folded && is_name);
        if is_name {
            name.extend_from_slice(if begins { &text[NAME.len()..] } else { text }.trim_ascii());
        }
    }
}

impl Taken {
    fn note(&mut self, name: Vec<u8>) {
        self.mails += 1;
        if name.is_empty() {
            self.unnamed += 1;
        } else {
            self.names.insert(name);
        }
        let now = UNIX_EPOCH.elapsed().ok();
        self.first = self.first.or(now);
        self.last = now;
    }

    fn text(&self) -> String {
        let ms = |at: Option<Duration>| at.map_or(0, |at| at.as_millis());
        format!("{} {} {} {} {}", self.mails, self.names.len(), self.unnamed, ms(self.first), ms(self.last))
    }
}

impl Relay {
    /// This program once more, as a relay.
    pub(crate) fn start() -> Relay {
        Relay(Served::start("the relay", |port| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args([ARGUMENT, &port.to_string()]);
            command
        }))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    /// Processor time of it so far, in microseconds.
    pub(crate) fn processor_us(&self) -> f64 {
        processor_us(self.0.process())
    }

    /// What it has counted so far.
    pub(crate) fn counted(&self) -> Counted {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).expect("the relay listens");
        let mut reader = BufReader::new(&stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("it greets");
        say(&stream, "XCOUNT").expect("it hears");
        line.clear();
        reader.read_line(&mut line).expect("it answers");
        let numbers: Vec<u64> =
            line.split_whitespace().skip(1).map(|word| word.parse().expect("a number")).collect();
        let [mails, names, unnamed, first_ms, last_ms] = numbers[..] else { panic!("{line}") };
        Counted { mails, names, unnamed, first_ms, last_ms }
    }
}
