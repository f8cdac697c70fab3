//! The crowd against a server that stalls: arrivals go on, and their wait counts.

use std::path::Path;
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

const HOLD: Request = Request::Command(Command::PlaceHold);

/// A server that answers every request with a refusal, once it is released.
async fn stalled() -> (Server, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (release, released) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(refuse(stream, released.clone()));
        }
    });
    (Server::at(address, "here").unwrap(), release)
}

async fn refuse(mut stream: TcpStream, mut released: watch::Receiver<bool>) {
    let body = r#"{"code":"sold_out","sequence":7,"title":"prose"}"#;
    let reply = format!("HTTP/1.1 409 Conflict\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        request.extend_from_slice(&buffer[..read]);
        // The body of every hold ends so.
        if request.ends_with(b"}") {
            released.wait_for(|released| *released).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
            request.clear();
        }
    }
}

/// Buyers who ask once for standing units.
fn scenario(buyers: u32, more: &str) -> Scenario {
    let text = format!(
        "name='n'\ndescription='d'\n[event.hall]\nstanding=[{{name='Floor',units=10,price=0}}]\n\
         [crowd]\nbuyers={buyers}\nduration_s=0.5\narrivals={{profile='poisson'}}\n\
         [[behaviours]]\nkind='decisive'\nshare=1\ntries=1\n{more}"
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
    let latencies = &notes.latencies[&HOLD];
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
    assert!(notes.latencies[&HOLD].min() >= 30_000, "giving up counts at least as long as it waited");
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
