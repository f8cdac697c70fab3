//! Buyers whose network fails half-way, against a server that keeps every byte that came.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;

/// What came over all connections.
#[derive(Debug, Default)]
struct Seen {
    /// Whole requests by their key.
    whole: BTreeMap<String, u32>,
    /// What stood at the end of a connection and was no whole request.
    halves: Vec<String>,
}

/// A server that refuses whole requests, and keeps halves.
async fn keeping() -> (Server, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::at(listener.local_addr().unwrap(), "here").unwrap();
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let keeper = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(keep(stream, Arc::clone(&keeper)));
        }
    });
    (server, seen)
}

async fn keep(mut stream: TcpStream, seen: Arc<Mutex<Seen>>) {
    let mut come = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut come).await {
        let Some(length) = whole(&come) else { continue };
        let request = String::from_utf8(come.drain(..length).collect()).unwrap();
        *seen.lock().unwrap().whole.entry(header(&request, "idempotency-key").to_owned()).or_default() += 1;
        let (status, body) = SOLD_OUT.unwrap();
        let reply = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(reply.as_bytes()).await.unwrap();
    }
    if !come.is_empty() {
        seen.lock().unwrap().halves.push(String::from_utf8(come).unwrap());
    }
}

/// Length of the request that stands at the front, if all of it has come.
fn whole(come: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(come).unwrap();
    let head = text.find("\r\n\r\n")? + 4;
    let length = head + header(text, "content-length").parse::<usize>().unwrap();
    (come.len() >= length).then_some(length)
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

#[tokio::test]
async fn what_is_cut_off_half_way_is_sent_again_whole_under_its_key_or_given_up() {
    let (server, seen) = keeping().await;
    // Whatever is not cut off has its answer long before that.
    let scenario = scenario_of("unlucky", 300, "patience_ms=[60_000,60_000]\n");
    let plan = Plan::draw(&scenario, 3);
    let stage = stage(&scenario, server, plan.tokens, PATIENCE);
    let mut crowd = Crowd::send(&stage, Clock::beginning_in(Duration::ZERO), &plan.arrivals, 50, 1).unwrap();
    crowd.ended().await.unwrap();
    let notes = crowd.into_notes();
    let halves = notes.totals.half_sent;
    assert!(halves > 60, "{halves} of 300 first tries, where four in ten are expected");
    while (seen.lock().unwrap().halves.len() as u64) < halves {
        tokio::task::yield_now().await;
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.halves.len() as u64, halves, "what the server saw is what was counted");
    assert_eq!(
        notes.finished_seconds().iter().map(|second| u64::from(second.half_sent)).sum::<u64>(),
        halves
    );
    assert_eq!(notes.history.iter().map(|operation| u64::from(operation.half_sent)).sum::<u64>(), halves);
    let ends = |wanted: fn(&str) -> bool| seen.halves.iter().filter(|half| wanted(half)).count();
    let parts = [
        ends(|half| !half.contains("\r\n\r\n")),
        ends(|half| half.ends_with("\r\n\r\n")),
        ends(|half| !half.ends_with("\r\n\r\n") && half.contains("\r\n\r\n")),
    ];
    assert!(parts.iter().all(|count| *count > 10), "in the head, at its end, in the body: {parts:?}");
    assert!(seen.whole.values().all(|count| *count == 1), "each key was carried once");
    let gone = notes.history.iter().filter(|operation| operation.outcome == Outcome::HalfSent).count();
    assert!(gone > 0 && seen.whole.len() + gone == 300, "{gone} left, {} were answered", seen.whole.len());
    for operation in &notes.history {
        let whole = u32::from(operation.outcome != Outcome::HalfSent);
        assert_eq!(operation.sent, whole, "{operation:?}");
    }
    let figures = &notes.behaviours[0];
    assert_eq!(
        (figures.left, figures.unanswered),
        (gone as u64, 0),
        "who leaves was not left without an answer"
    );
    let latencies = &notes.latencies[&HOLD];
    assert_eq!((latencies.histogram.len(), latencies.unanswered), (300 - gone as u64, 0));
}
