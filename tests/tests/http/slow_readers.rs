//! Scenario 45: thousands of WebSockets whose clients do not read.

use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};
use tessera_tests::{Sale, Server, standing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many of them, where the limit of open files lets them be: each has two in this process.
const READERS: usize = 4_000;
/// Files beside them.
const FILES_BESIDE: u64 = 1_000;
/// Turns that are published while nobody reads.
const TURNS: usize = 300;
/// Holds that are timed with and without the readers.
const TIMED: usize = 100;
/// Most memory that one of them may take, with both ends of the test, in bytes.
const BYTES_MAX: u64 = 64 * 1024;
/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that has asked for the availability, and does not read beyond the head of the reply.
async fn ask(server: &Server, path: &str) -> TcpStream {
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
    stream
}

/// One frame of the server: (operation, payload).
async fn frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let reading = async {
        let operation = stream.read_u8().await.unwrap() & 0x0f;
        let length = match stream.read_u8().await.unwrap() {
            126 => usize::from(stream.read_u16().await.unwrap()),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        (operation, payload)
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("a frame")
}

/// The document that comes next, with the ping behind it. Pings are answered.
async fn document(stream: &mut TcpStream) -> Value {
    let mut document = None;
    loop {
        let (operation, payload) = frame(stream).await;
        if operation == 1 {
            document = Some(serde_json::from_slice(&payload).unwrap());
            continue;
        }
        assert_eq!(operation, 9, "a ping");
        // A pong, masked with zeros.
        let mut pong = vec![0x8a, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        pong.extend_from_slice(&payload);
        stream.write_all(&pong).await.unwrap();
        if let Some(document) = document {
            return document;
        }
    }
}

/// Memory of this process, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// The median time of so many holds.
async fn holds(server: &Server, sale: &Sale, count: usize) -> Duration {
    let buyers = server.buyers(count).await;
    let mut took = Vec::new();
    for buyer in &buyers {
        let began = Instant::now();
        sale.hold(server, buyer, "Standing", 1).await;
        took.push(began.elapsed());
    }
    took.sort();
    took[count / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout)] // how many readers there were, and what each took
async fn scenario_45_slow_readers_cost_the_same_and_get_the_latest() {
    let mut settings = Server::settings();
    settings.http.streams_per_address_max = READERS;
    let server = Server::start_with(settings).await;
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = usize::try_from(files.saturating_sub(FILES_BESIDE) / 2).unwrap_or(READERS);
    let readers_count = READERS.min(room);
    println!("{readers_count} slow readers");
    let sale = Sale::open(&server, &standing(100_000)).await;
    let path = sale.path("/availability");
    let alone = holds(&server, &sale, TIMED).await;
    let before = memory();
    let mut readers = Vec::new();
    for _ in 0..readers_count {
        readers.push(ask(&server, &path).await);
    }
    let each = memory().saturating_sub(before) / readers_count as u64;
    assert!(each < BYTES_MAX, "{each} bytes for each reader");
    // What happens meanwhile waits for none of them, and is kept for none of them.
    let opened = memory();
    let watched = holds(&server, &sale, TURNS).await;
    let grown = memory().saturating_sub(opened) / readers_count as u64;
    println!(
        "{each} bytes each, {grown} more after {TURNS} turns; a hold {alone:?} alone, {watched:?} watched"
    );
    assert!(grown < BYTES_MAX / 8, "{grown} bytes more for each reader after {TURNS} turns");
    assert!(watched < alone * 5 + Duration::from_millis(20), "a hold took {alone:?}, and then {watched:?}");
    let newest = sale.availability(&server).await;
    for reader in readers.iter_mut().step_by(97) {
        let first = document(reader).await;
        assert!(first["sequence"].as_u64() < newest["sequence"].as_u64(), "what was newest when it came");
        assert_eq!(document(reader).await["pools"], newest["pools"], "nothing in between");
    }
    // Who goes gives the permit back.
    drop(readers);
    let changes = server.get(&sale.path("/changes?after=1&limit=1"));
    assert_eq!(changes.expect(200).await.json["items"][0]["type"], json!("phase_changed"));
}
