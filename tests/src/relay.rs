//! A mail relay: a real SMTP server on loopback, which fails as the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// One message as it arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `RCPT TO`
    pub to: String,
    /// Headers and body, with lines ended by `\n`, and soft line breaks of quoted-printable joined.
    pub text: String,
}

/// What goes wrong with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `RCPT` is answered so.
    Recipient(&'static str),
    /// `RCPT` is never answered.
    Silence,
    /// The connection is closed instead of an answer to `DATA`.
    Close,
    /// The message is taken, and the connection closed instead of an answer.
    LoseAnswer,
    /// The message is taken, and never answered.
    Swallow,
}

/// A relay on a port of its own.
#[derive(Clone)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    mails: Mutex<Vec<Mail>>,
    arrived: Notify,
    faults: Mutex<VecDeque<Fault>>,
}

impl Mail {
    /// A header, on one line.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\n\n").next().unwrap_or_default().replace("\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_else(|| panic!("{name} in {head}")).trim().to_owned()
    }
}

impl Relay {
    /// Starts one that takes everything.
    pub async fn start() -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay { port: listener.local_addr().unwrap().port(), shared: Arc::default() };
        let serving = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        relay
    }

    /// Its port on `127.0.0.1`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Fails so with the messages that come next, one after the other.
    pub fn fails(&self, faults: &[Fault]) {
        self.shared.faults.lock().unwrap().extend(faults);
    }

    /// Fails no more.
    pub fn forgives(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// What has arrived so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// Waits until so many have arrived, in all.
    pub async fn wait_for(&self, count: usize) -> Vec<Mail> {
        loop {
            let mut arrived = std::pin::pin!(self.shared.arrived.notified());
            arrived.as_mut().enable();
            let mails = self.mails();
            if mails.len() >= count {
                return mails;
            }
            arrived.await;
        }
    }

    /// How many of the faults are still to come.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.shared.faults.lock().unwrap().len()
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut to = String::new();
        if say(&mut stream, "220 relay ESMTP").await.is_none() {
            return;
        }
        while let Some(line) = line(&mut stream).await {
            let fault = self.shared.faults.lock().unwrap().front().copied();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let said = match (verb.as_str(), fault) {
                ("EHLO", _) => say(&mut stream, "250-relay\r\n250 8BITMIME").await,
                ("RCPT", Some(Fault::Recipient(answer))) => {
                    self.shared.faults.lock().unwrap().pop_front();
                    say(&mut stream, answer).await
                }
                ("RCPT", Some(Fault::Silence)) => {
                    self.shared.faults.lock().unwrap().pop_front();
                    std::future::pending().await
                }
                ("RCPT", _) => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    say(&mut stream, "250 ok").await
                }
                ("DATA", Some(Fault::Close)) => {
                    self.shared.faults.lock().unwrap().pop_front();
                    return;
                }
                ("DATA", _) => {
                    let Some(()) = say(&mut stream, "354 go on").await else { return };
                    let Some(text) = data(&mut stream).await else { return };
                    let is_taken = matches!(fault, Some(Fault::LoseAnswer | Fault::Swallow));
                    if is_taken {
                        self.shared.faults.lock().unwrap().pop_front();
                    }
                    self.shared.mails.lock().unwrap().push(Mail { to: to.clone(), text });
                    self.shared.arrived.notify_waiters();
                    match fault {
                        Some(Fault::LoseAnswer) => return,
                        Some(Fault::Swallow) => std::future::pending().await,
                        _ => say(&mut stream, "250 taken").await,
                    }
                }
                ("QUIT", _) => {
                    let _ = say(&mut stream, "221 bye").await;
                    return;
                }
                _ => say(&mut stream, "250 ok").await,
            };
            if said.is_none() {
                return;
            }
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.ok()
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// The message that follows `DATA`.
async fn data(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut bytes = Vec::new();
        if stream.read_until(b'\n', &mut bytes).await.ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
        if line == "." {
            return Some(text.replace("=\n", ""));
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
}
