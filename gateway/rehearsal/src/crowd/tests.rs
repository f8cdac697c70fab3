//! The crowd against a server that stalls: arrivals go on, and their wait counts.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tessera_demo::client::Server;
use tessera_demo::setup::bearer;
use tessera_demo::tally::Operation as Command;
use tessera_demo::venue::Venue;
use tessera_verdict::recording::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::notes::Request;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::scenario::event::Event;
use crate::wishes::Menu;

mod half_way;

const HOLD: Request = Request::Command(Command::PlaceHold);

/// A refusal, after which nobody asks again.
const SOLD_OUT: Answer = Some((409, r#"{"code":"sold_out","sequence":7,"title":"prose"}"#));
/// The server has too much to do.
const LATER: Answer = Some((503, r#"{"code":"not_executed"}"#));
/// What was asked for is held, and an order is made of it.
const HELD: Answer = Some((
    201,
    r#"{"id":"hld_1","sequence":3,"lines":[],"total":{"amount":500},"deadline_at":"2030-01-01T00:00:00Z"}"#,
));
const ORDERED: Answer = Some((201, r#"{"id":"ord_1","sequence":4}"#));
/// The server failed.
const FAILED: Answer = Some((500, r#"{"code":"internal_error"}"#));

/// Status and body of a reply; none: the connection is closed instead.
type Answer = Option<(u16, &'static str)>;

/// A server that answers every request with a refusal, once it is released.
async fn stalled() -> (Server, watch::Sender<bool>) {
    answering(&[SOLD_OUT]).await
}

/// A server that gives these answers in turn, the last one again and again, once it is released.
async fn answering(answers: &'static [Answer]) -> (Server, watch::Sender<bool>) {
    let next = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (release, released) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, released.clone(), answers, Arc::clone(&next)));
        }
    });
    (Server::at(address, "here").unwrap(), release)
}

async fn answer(
    mut stream: TcpStream,
    mut released: watch::Receiver<bool>,
    answers: &'static [Answer],
    next: Arc<AtomicUsize>,
) {
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        request.extend_from_slice(&buffer[..read]);
        // The body of every hold ends so.
        if request.ends_with(b"}") {
            released.wait_for(|released| *released).await.unwrap();
            let turn = next.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
            let Some((status, body)) = answers[turn] else { return };
            let head = format!("HTTP/1.1 {status} Said\r\nretry-after: 0\r\ncontent-length: {}", body.len());
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
            request.clear();
        }
    }
}

/// Buyers who ask once for standing units.
fn scenario(buyers: u32, more: &str) -> Scenario {
    scenario_of("decisive", buyers, more)
}

fn scenario_of(kind: &str, buyers: u32, more: &str) -> Scenario {
    let text = format!(
        "name='n'\ndescription='d'\n[event.hall]\nstanding=[{{name='Floor',units=10,price=0}}]\n\
         [crowd]\nbuyers={buyers}\nduration_s=0.5\narrivals={{profile='poisson'}}\n\
         [[behaviours]]\nkind='{kind}'\nshare=1\ntries=1\n{more}"
    );
    Scenario::read(&text, Path::new("test.toml")).unwrap()
}

fn stage(scenario: &Scenario, server: Server, tokens: u32, patience: Duration) -> Arc<Stage> {
    let Event::Created { configuration, .. } = &scenario.event else { panic!("a hall") };
    let venue = Venue::read(&configuration.to_string()).unwrap();
    let credential = bearer("tsb_test").unwrap();
    let menus = scenario.behaviours.iter().map(|behaviour| Menu::new(&venue, behaviour).unwrap()).collect();
    Arc::new(Stage {
        server,
        event: "evt_test".into(),
        venue,
        organizer: credential.clone(),
        scanner: credential.clone(),
        has_sandbox: false,
        tokens: vec![credential; tokens as usize],
        behaviours: scenario.behaviours.clone(),
        menus,
        patience,
        seed: 1,
    })
}

/// Requests that were due so far.
fn due(crowd: &Crowd) -> u32 {
    let of_shard =
        |shard: &Arc<Shard>| shard.notes().finished_seconds().iter().map(|second| second.due).sum::<u32>();
    crowd.shards().iter().map(of_shard).sum()
}

#[tokio::test]
async fn a_stalled_server_slows_no_arrival_and_the_stall_counts() {
    let (server, release) = stalled().await;
    let scenario = scenario(100, "");
    let plan = Plan::draw(&scenario, 3);
    let stage = stage(&scenario, server, plan.tokens, Duration::from_secs(60));
    // Far fewer sockets than requests that wait: most of them wait for a socket.
    let clock = Clock::beginning_in(Duration::ZERO);
    let mut crowd = Crowd::send(&stage, clock, &plan.arrivals, 8, 2).unwrap();
    while due(&crowd) < 100 {
        tokio::task::yield_now().await;
    }
    release.send_replace(true);
    crowd.ended().await.unwrap();
    let notes = crowd.into_notes();
    assert_eq!((notes.totals.sent, notes.totals.answered, notes.totals.unanswered), (100, 100, 0));
    assert!(notes.finished_seconds().iter().all(|second| second.sockets <= 8));
    // Nobody was answered before the last was due: each latency holds the wait from its own due time on.
    let last_us = plan.arrivals[99].due_us;
    let latencies = &notes.latencies[&HOLD].histogram;
    for (quantile, arrival) in [(1.0, 0), (0.9, 10), (0.5, 50)] {
        let waited = last_us - plan.arrivals[arrival].due_us;
        let found = latencies.value_at_quantile(quantile);
        assert!(found >= waited * 99 / 100, "{quantile}: {found} µs, though it waited {waited} µs");
    }
}

#[tokio::test]
async fn who_is_never_answered_gives_up_and_is_recorded_as_not_knowing() {
    let (server, _release) = stalled().await;
    let scenario = scenario(5, "");
    let plan = Plan::draw(&scenario, 3);
    let patience = Duration::from_millis(30);
    let stage = stage(&scenario, server, plan.tokens, patience);
    let clock = Clock::beginning_in(Duration::ZERO);
    let mut crowd = Crowd::send(&stage, clock, &plan.arrivals, 10, 1).unwrap();
    crowd.ended().await.unwrap();
    let notes = crowd.into_notes();
    assert_eq!(notes.behaviours[0].unanswered, 5);
    assert_eq!(notes.history.len(), 5, "retries are no operations of their own");
    for operation in &notes.history {
        assert_eq!((operation.outcome.clone(), operation.returned_us), (Outcome::Unknown, None));
        assert_eq!(operation.sent, 4, "three retries");
    }
    let latencies = &notes.latencies[&HOLD];
    assert_eq!((latencies.unanswered, latencies.histogram.len()), (5, 5), "one latency for each operation");
    // Four tries of 30 ms each.
    assert!(latencies.histogram.min() >= 119_000, "giving up counts from the first due moment on");
    assert_eq!(notes.totals.unanswered, 20);
}

#[tokio::test]
async fn a_refusal_is_recorded_without_its_prose() {
    let (server, release) = stalled().await;
    release.send_replace(true);
    let scenario = scenario(1, "access_code='VIP'\n");
    let plan = Plan::draw(&scenario, 3);
    let stage = stage(&scenario, server, plan.tokens, Duration::from_secs(60));
    let mut crowd = Crowd::send(&stage, Clock::beginning_in(Duration::ZERO), &plan.arrivals, 1, 1).unwrap();
    crowd.ended().await.unwrap();
    let notes = crowd.into_notes();
    assert_eq!((notes.refusals["sold_out"], notes.behaviours[0].refused), (1, 1));
    let Outcome::Refused { code, sequence, problem } = &notes.history[0].outcome else { panic!("refused") };
    assert_eq!((code.as_str(), *sequence), ("sold_out", Some(7)));
    assert_eq!(*problem, serde_json::json!({"code": "sold_out", "sequence": 7}));
    let asked = serde_json::to_value(&notes.history[0].asked).unwrap();
    assert_eq!((&asked["access_code"], &asked["lines"][0]["ticket_type"]), (&"VIP".into(), &"Floor".into()));
}

/// What one buyer saw of a server that gives these answers, the first of them only after a tenth of a second.
async fn one_buyer(answers: &'static [Answer]) -> Notes {
    one_buyer_who("", answers).await
}

/// The same of a buyer of whom the scenario says more.
async fn one_buyer_who(more: &str, answers: &'static [Answer]) -> Notes {
    let (server, release) = answering(answers).await;
    let scenario = scenario(1, more);
    let mut plan = Plan::draw(&scenario, 3);
    plan.arrivals[0].due_us = 0;
    let stage = stage(&scenario, server, plan.tokens, PATIENCE);
    let clock = Clock::beginning_in(Duration::ZERO);
    let mut crowd = Crowd::send(&stage, clock, &plan.arrivals, 1, 1).unwrap();
    while clock.now_us() < STALL_US {
        tokio::task::yield_now().await;
    }
    release.send_replace(true);
    crowd.ended().await.unwrap();
    crowd.into_notes()
}

/// Longer than any test runs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the first answer takes.
const STALL_US: u64 = 100_000;

#[tokio::test]
async fn a_retry_counts_from_the_moment_at_which_the_request_was_first_due() {
    let notes = one_buyer(&[LATER, LATER, SOLD_OUT]).await;
    let latencies = &notes.latencies[&HOLD];
    assert_eq!((latencies.histogram.len(), latencies.unanswered), (1, 0));
    assert!(latencies.histogram.min() >= STALL_US * 99 / 100, "the server made its client wait");
    assert_eq!((notes.totals.turned_away, notes.totals.refused), (2, 1));
    assert_eq!(notes.turned_away["503 not_executed"], 2, "what they were told is kept");
    assert!(notes.history[0].latency_us >= STALL_US && notes.history[0].due_us == 0);
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_is_no_fast_answer() {
    let notes = one_buyer(&[None]).await;
    let latencies = &notes.latencies[&HOLD];
    assert_eq!((latencies.histogram.len(), latencies.unanswered), (1, 1));
    assert!(latencies.histogram.min() >= 59_000_000, "it counts with the patience of its client at least");
    // One that succeeds in the end counts with the time until then.
    let notes = one_buyer(&[None, SOLD_OUT]).await;
    let latencies = &notes.latencies[&HOLD];
    assert_eq!((latencies.histogram.len(), latencies.unanswered), (1, 0));
    assert!((STALL_US * 99 / 100..30_000_000).contains(&latencies.histogram.min()));
}

#[tokio::test]
async fn a_server_that_fails_is_noted_with_its_code_and_has_refused_nothing() {
    let notes = one_buyer(&[FAILED, SOLD_OUT]).await;
    assert_eq!(notes.defects["place hold was answered 500 internal_error"], 1);
    assert_eq!((notes.totals.failed, notes.totals.refused, notes.refusals.len()), (1, 1, 1));
    let notes = one_buyer(&[FAILED]).await;
    assert_eq!((notes.totals.failed, notes.latencies[&HOLD].unanswered), (4, 1));
    assert_eq!(notes.history[0].outcome, Outcome::Unknown, "it may have been carried out");
}

#[tokio::test]
async fn a_failed_payment_that_nobody_hears_of_ends_without_an_answer() {
    let fails = "think_s=[0,0]\npay_percent=100\nfail_percent=100\n";
    let notes = one_buyer_who(fails, &[HELD, ORDERED, LATER]).await;
    assert_eq!((notes.behaviours[0].unanswered, notes.behaviours[0].refused), (1, 0));
    let notes = one_buyer_who(fails, &[HELD, ORDERED, SOLD_OUT]).await;
    assert_eq!((notes.behaviours[0].unanswered, notes.behaviours[0].refused), (0, 1));
}
