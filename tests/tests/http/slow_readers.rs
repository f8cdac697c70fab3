//! Scenario 45: thousands of WebSockets whose clients do not read.

use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use serde_json::Value;
use tessera_tests::{Sale, Server, standing};

use crate::raw_socket::{PONG, RawSocket};

/// How many of them, where the limit of open files lets them be: each has two in this process.
const READERS: usize = 10_000;
/// Where the limit allows fewer than [`READERS`], the test is content with so many, so that it leaves files to the tests beside it.
const READERS_ENOUGH: usize = 4_000;
/// Files beside them.
const FILES_BESIDE: u64 = 1_000;
/// Holds that are placed while nobody reads, on the event that is watched and on one that is not: more than one page of its feed.
const TURNS: usize = 400;
/// Most memory that one of them may take, with both ends of the test, in bytes.
const BYTES_MAX: u64 = 64 * 1024;
/// Everything else that happens meanwhile in this process adds at most so much for each of them, in bytes.
const GROWTH_MAX: u64 = BYTES_MAX / 8;
/// Every so many of the readers are looked at.
const SAMPLED: usize = 97;

/// How many readers the limit of open files has room for.
fn room() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = usize::try_from(files.saturating_sub(FILES_BESIDE) / 2).unwrap_or(READERS);
    if room >= READERS { READERS } else { room.min(READERS_ENOUGH) }
}

/// Memory of this process, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// An event on sale on a server of its own.
struct Stage {
    server: Server,
    sale: Sale,
}

impl Stage {
    async fn with(streams: usize) -> Stage {
        let mut settings = Server::settings();
        // One in ten is left for organizers.
        settings.http.streams_max = 2 * READERS;
        settings.http.streams_per_address_max = streams;
        let server = Server::start_with(settings).await;
        let sale = Sale::open(&server, &standing(100_000)).await;
        Stage { server, sale }
    }

    async fn hold(&self, buyer: &str) -> Duration {
        let began = Instant::now();
        self.sale.hold(&self.server, buyer, "Standing", 1).await;
        began.elapsed()
    }
}

/// The median time of a hold on each of the two, one after the other, so that what else the machine does slows both.
async fn holds(watched: &Stage, alone: &Stage) -> (Duration, Duration) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let buyers = (watched.server.buyers(TURNS).await, alone.server.buyers(TURNS).await);
    for (one, other) in buyers.0.iter().zip(&buyers.1) {
        with.push(watched.hold(one).await);
        without.push(alone.hold(other).await);
    }
    with.sort();
    without.sort();
    (with[TURNS / 2], without[TURNS / 2])
}

fn sequence(text: &[u8]) -> u64 {
    serde_json::from_slice::<Value>(text).unwrap()["sequence"].as_u64().unwrap()
}

/// Who reads again has the newest document next, and nothing in between.
async fn gets_the_latest(reader: &mut RawSocket, newest: &Value) {
    let (first, ping) = reader.batch().await;
    assert_eq!(first.len(), 1);
    assert!(Some(sequence(&first[0])) < newest["sequence"].as_u64(), "what was newest when it came");
    reader.send(PONG, &ping).await;
    let (next, _) = reader.batch().await;
    let next: Value = serde_json::from_slice(&next[0]).unwrap();
    assert_eq!(next["pools"], newest["pools"]);
}

/// Who reads again has the feed without a gap, from where it was.
async fn misses_nothing(reader: &mut RawSocket, newest: &Value) {
    let newest = newest["sequence"].as_u64().unwrap();
    let (mut last, mut batches) = (0, 0);
    while last < newest {
        let (texts, ping) = reader.batch().await;
        for text in &texts {
            assert_eq!(sequence(text), last + 1, "dense");
            last += 1;
        }
        batches += 1;
        reader.send(PONG, &ping).await;
    }
    assert!(batches >= 3, "what it had, and more than one page: {batches}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout)] // how many readers there were, and what each took
async fn scenario_45_slow_readers_cost_the_same_and_get_the_latest() {
    let count = room();
    let (watched, alone) = (Stage::with(count).await, Stage::with(1).await);
    let (server, sale) = (&watched.server, &watched.sale);
    let paths = [sale.path("/availability"), sale.path("/changes")];
    let before = memory();
    let mut readers = Vec::new();
    for number in 0..count {
        readers.push(RawSocket::open(server, &paths[number % 2]).await);
    }
    let each = memory().saturating_sub(before) / count as u64;
    println!("{count} slow readers, {each} bytes each");
    assert!(each < BYTES_MAX, "{each} bytes for each reader");
    let upgrade = || {
        let ask = server.get(&paths[0]).header("upgrade", "websocket").header("connection", "upgrade");
        ask.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    upgrade().refused(503, "too_many_streams").await;
    // They say that they have read what they have not.
    let opened = memory();
    for number in 1..=8_u64 {
        for reader in &mut readers {
            reader.send(PONG, &number.to_be_bytes()).await;
        }
    }
    // What happens meanwhile waits for none of them, and is kept for none of them.
    let (with, without) = holds(&watched, &alone).await;
    let grown = memory().saturating_sub(opened) / count as u64;
    println!("{grown} bytes more after {TURNS} turns; a hold takes {with:?} with them, {without:?} alone");
    assert!(grown < GROWTH_MAX, "{grown} bytes more for each reader after {TURNS} turns");
    assert!(with < without * 2 + Duration::from_millis(2), "a hold: {with:?} with them, {without:?} alone");
    let newest = sale.availability(server).await;
    for (number, reader) in readers.iter_mut().enumerate().step_by(SAMPLED) {
        match number % 2 {
            0 => gets_the_latest(reader, &newest).await,
            _ => misses_nothing(reader, &newest).await,
        }
    }
    // Who goes gives its permit back, and so do all: as many come again.
    drop(readers);
    let mut again = Vec::new();
    while again.len() < count {
        let reply = upgrade().builder().send().await.unwrap();
        match reply.status().as_u16() {
            101 => again.push(reply),
            status => assert_eq!(status, 503),
        }
    }
}
