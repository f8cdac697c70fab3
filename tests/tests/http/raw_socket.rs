//! A WebSocket by hand: its test decides what is read, what is answered and with which bytes.

use std::time::Duration;

use tessera_tests::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Operations of frames, those that are whole.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// A connection that answers nothing by itself.
pub(crate) struct RawSocket(TcpStream);

impl RawSocket {
    /// Opens one, and reads no further than the head of the reply.
    pub(crate) async fn open(server: &Server, path: &str) -> RawSocket {
        let mut stream = TcpStream::connect(server.running().address()).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        RawSocket(stream)
    }

    /// The next frame of the server: operation, payload.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let reading = async {
            let operation = self.0.read_u8().await.unwrap();
            let length = match self.0.read_u8().await.unwrap() {
                126 => usize::from(self.0.read_u16().await.unwrap()),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.unwrap();
            (operation, payload)
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("a frame")
    }

    /// Sends a frame of at most 125 bytes, masked with zeros.
    pub(crate) async fn send(&mut self, operation: u8, payload: &[u8]) {
        let mut frame = vec![operation, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        self.write(&frame).await;
    }

    /// Sends bytes as they are.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Texts up to the ping behind them, and that ping's payload.
    pub(crate) async fn batch(&mut self) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut texts = Vec::new();
        loop {
            match self.frame().await {
                (TEXT, text) => texts.push(text),
                (PING, ping) => return (texts, ping),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code with which the server closes.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            let (operation, payload) = self.frame().await;
            if operation == CLOSE {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }
}
