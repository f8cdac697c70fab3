//! A receiver of webhooks: a real HTTP server on loopback, whose answers the test decides.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// One message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// `webhook-id`
    pub id: String,
    /// `webhook-timestamp`
    pub timestamp: String,
    /// `webhook-signature`
    pub signature: String,
    /// The body, as it came.
    pub body: Vec<u8>,
    /// The body as JSON.
    pub json: Value,
}

/// What the receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// This status.
    Status(u16),
    /// This status, and to come again in so many seconds.
    Later(u16, u64),
    /// A redirect to itself.
    Redirect,
    /// Nothing, for ever.
    Silence,
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    /// What is answered next, then always the last.
    replies: Mutex<VecDeque<Reply>>,
}

impl Receiver {
    /// Starts one that takes everything.
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Shared {
            received: Mutex::default(),
            arrived: Notify::new(),
            replies: Mutex::new(VecDeque::from([Reply::Status(204)])),
        };
        let receiver = Receiver { address: listener.local_addr().unwrap(), shared: Arc::new(shared) };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        receiver
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook?from=tessera", self.address)
    }

    /// Answers these from now on, one after the other, and the last of them to everything after.
    pub fn replies(&self, replies: &[Reply]) {
        *self.shared.replies.lock().unwrap() = replies.iter().copied().collect();
    }

    /// What has arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until so many have arrived, in all.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait_until(|received| received.len() >= count).await
    }

    /// Waits until what has arrived is so.
    pub async fn wait_until(&self, reached: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        loop {
            let mut arrived = std::pin::pin!(self.shared.arrived.notified());
            arrived.as_mut().enable();
            let received = self.received();
            if reached(&received) {
                return received;
            }
            arrived.await;
        }
    }

    async fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let header = |name: &str| {
            let find = |line: &str| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            };
            head.lines().find_map(find).unwrap_or_default()
        };
        assert!(head.starts_with("POST /hook?from=tessera HTTP/1.1\r\n"), "{head}");
        assert_eq!(header("content-type"), "application/json");
        let mut body = vec![0; header("content-length").parse().unwrap()];
        reader.read_exact(&mut body).await.unwrap();
        let json = serde_json::from_slice(&body).unwrap();
        let (id, timestamp, signature) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        self.shared.received.lock().unwrap().push(Received { id, timestamp, signature, body, json });
        let reply = self.next_reply();
        self.shared.arrived.notify_waiters();
        let answer = match reply {
            Reply::Status(status) => format!("HTTP/1.1 {status} As Told\r\ncontent-length: 0\r\n\r\n"),
            Reply::Later(status, seconds) => {
                format!("HTTP/1.1 {status} As Told\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n")
            }
            Reply::Redirect => {
                format!("HTTP/1.1 307 Elsewhere\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", self.url())
            }
            Reply::Silence => std::future::pending().await,
        };
        let _ = reader.get_mut().write_all(answer.as_bytes()).await;
    }

    fn next_reply(&self) -> Reply {
        let mut replies = self.shared.replies.lock().unwrap();
        let next = *replies.front().unwrap();
        if replies.len() > 1 {
            replies.pop_front();
        }
        next
    }
}
