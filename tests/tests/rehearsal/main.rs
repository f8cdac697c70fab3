//! The rehearsal against a real server: what it records is what happened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)] // tests

mod mutants;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tessera_rehearsal::error::RehearsalError;
use tessera_rehearsal::live::{Interrupt, Live};
use tessera_rehearsal::run::{Outcome as Ran, Rehearsal};
use tessera_rehearsal::scenario::Scenario;
use tessera_rehearsal::scenario::event::Event;
use tessera_rehearsal::target::Target;
use tessera_server::settings::{RateLimitSettings, Settings};
use tessera_tests::{ADMIN_TOKEN, Server};
use tessera_verdict::judge::judge;
use tessera_verdict::recording::{Asked, Outcome, Recording};
use tessera_verdict::verdict::HalfSent;
use tessera_writer::Mutation;

/// A small hall and these behaviours.
fn scenario(buyers: u32, behaviours: &str) -> Scenario {
    let text = format!(
        "name = 'small'\ndescription = 'a test'\n\
         [event.hall]\nstanding = [{{name = 'Floor', units = 150, price = 0}}]\n\
         seated = [{{name = 'Balcony', rows = 6, seats = 12, price = 1000}}]\n\
         [crowd]\nbuyers = {buyers}\nduration_s = 1\nsockets = 60\narrivals = {{profile = 'spike', share = 0.5, within_s = 0.2}}\n{behaviours}"
    );
    Scenario::read(&text, Path::new("test.toml")).unwrap()
}

async fn rehearsed(scenario: &Scenario) -> Recording {
    rehearsed_with(scenario, Mutation::default()).await
}

async fn rehearsed_with(scenario: &Scenario, mutation: Mutation) -> Recording {
    let server = Server::start_mutated(unlimited(), mutation).await;
    let outcome = rehearsed_at(&server, scenario).await.unwrap();
    server.stop().await;
    outcome.recording
}

/// Without limits: the crowd comes from one address.
fn unlimited() -> Settings {
    let unlimited = RateLimitSettings {
        address_per_second: 0,
        caller_per_second: 0,
        organizer_minting_per_minute: 0,
        ..RateLimitSettings::default()
    };
    Settings { rate_limit: unlimited, ..Server::settings() }
}

async fn rehearsed_at(server: &Server, scenario: &Scenario) -> Result<Ran, RehearsalError> {
    let target = Target::resolve(&server.running().base_url(), None).await.unwrap();
    let rehearsal = Rehearsal {
        scenario,
        target: &target,
        administrator_token: ADMIN_TOKEN,
        own_server: None,
        seed: 7,
        threads: 2,
    };
    let live = Live::new(&scenario.name, u64::from(scenario.crowd.buyers), &Interrupt::new());
    rehearsal.run(&live).await
}

/// Identifiers of the holds that clients were told of.
fn told(recording: &Recording) -> Vec<String> {
    let holds =
        recording.history.iter().filter(|operation| matches!(operation.asked, Asked::PlaceHold { .. }));
    let accepted = holds.filter_map(|operation| match &operation.outcome {
        Outcome::Accepted { id, .. } => Some(id.clone()),
        _ => None,
    });
    accepted.collect()
}

/// Identifiers of the holds in the feed.
fn placed(recording: &Recording) -> Vec<String> {
    let placed = recording.feed.iter().filter(|item| item["type"] == "hold_placed");
    placed.map(|item| item["hold"].as_str().unwrap().to_owned()).collect()
}

fn set(ids: &[String]) -> BTreeSet<&String> {
    ids.iter().collect()
}

const EVERY_KIND: &str = "
[[behaviours]]
kind = 'decisive'
share = 4
think_s = [0, 0.05]
renew_percent = 30
fail_percent = 30
[[behaviours]]
kind = 'picky'
share = 3
think_s = [0, 0.05]
[[behaviours]]
kind = 'group'
share = 3
think_s = [0, 0.05]
[[behaviours]]
kind = 'abandoner'
share = 1
[[behaviours]]
kind = 'refresher'
share = 1
looks = [1, 3]
think_s = [0, 0.05]
[[behaviours]]
kind = 'multi_tab'
share = 1
think_s = [0, 0.05]
release_percent = 50
[[behaviours]]
kind = 'bot'
share = 1
[[behaviours]]
kind = 'unlucky'
share = 1
think_s = [0, 0.05]
";

#[tokio::test]
async fn what_is_recorded_is_what_happened() {
    let scenario = scenario(200, EVERY_KIND);
    let recording = rehearsed(&scenario).await;
    let (told, placed) = (told(&recording), placed(&recording));
    assert!(told.len() > 50, "{} holds", told.len());
    assert_eq!(told.len(), set(&told).len(), "no hold was told to two");
    assert!(recording.history.iter().all(|operation| operation.outcome != Outcome::Unknown));
    assert_eq!(set(&told), set(&placed), "every accepted hold is in the feed, and no other");
    let kinds: BTreeSet<String> = recording.history.iter().map(kind).collect();
    let expected =
        ["begin_payment", "check_in", "confirm", "fail_payment", "place_hold", "release_hold", "renew_hold"];
    assert_eq!(kinds, expected.map(str::to_owned).into());
    let buyers: u64 = recording.behaviours.iter().map(|figures| figures.buyers).sum();
    let bought: u64 = recording.behaviours.iter().map(|figures| figures.bought).sum();
    let confirmed = recording.feed.iter().filter(|item| item["type"] == "confirmed").count();
    assert_eq!(buyers, 200);
    assert!(bought > 0 && bought <= confirmed as u64, "{bought} bought, {confirmed} confirmed");
    // Second by second and operation by operation, the same requests are counted.
    let accepted: u32 = recording.seconds.iter().map(|second| second.accepted).sum();
    let decided =
        recording.history.iter().filter(|operation| matches!(operation.outcome, Outcome::Accepted { .. }));
    assert_eq!(accepted as usize, decided.count());
    let last = recording.availabilities.last().unwrap();
    assert_eq!(last["sequence"], recording.feed.last().unwrap()["sequence"], "it was quiet");
    assert_eq!(recording.seat_map.as_ref().unwrap()["sequence"], last["sequence"]);
    is_sound(&recording);
}

#[tokio::test]
async fn buyers_pay_at_the_sandbox_and_are_let_in() {
    let mut settings = unlimited();
    settings.payments.sandbox.enabled = true;
    let server = Server::start_with(settings).await;
    let recording = rehearsed_at(&server, &scenario(120, EVERY_KIND)).await.unwrap().recording;
    server.stop().await;
    let of =
        |kind: &str| -> Vec<&Value> { recording.feed.iter().filter(|item| item["type"] == kind).collect() };
    let confirmed = of("confirmed");
    let through_it = confirmed.iter().filter(|item| item["payment"] == "captured").count();
    let free = confirmed.iter().filter(|item| item["payment"] == "free").count();
    assert!(through_it > 5, "{through_it} orders were paid at the page");
    assert_eq!(through_it + free, confirmed.len(), "nobody pays by hand");
    assert!(!of("payment_failed").is_empty(), "somebody was declined there");
    assert_eq!(of("checked_in").len(), confirmed.len(), "the first ticket of each order opens the door");
    is_sound(&recording);
}

/// What an operation asks.
fn kind(operation: &tessera_verdict::recording::Operation) -> String {
    serde_json::to_value(&operation.asked).unwrap()["ask"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_event_is_rehearsed_at_once_only_and_one_that_is_not_there_is_told() {
    let behaviours = "[[behaviours]]\nkind = 'decisive'\nshare = 1\nthink_s = [0, 0.02]\n";
    let scenario = scenario(20, behaviours);
    let server = Server::start_with(unlimited()).await;
    let recording = rehearsed_at(&server, &scenario).await.unwrap().recording;
    assert_eq!(recording.environment.server_version, env!("CARGO_PKG_VERSION"));
    let aimed = |event: &str| {
        let mut again = scenario.clone();
        again.event = Event::Existing { id: event.to_owned() };
        again
    };
    let told = |refused: Result<Ran, RehearsalError>| {
        let error = refused.unwrap_err();
        assert!(matches!(error, RehearsalError::Usage(_)), "{error:?}");
        error.to_string()
    };
    let again = told(rehearsed_at(&server, &aimed(&recording.environment.event)).await);
    assert!(again.contains("bought at the event") && again.contains("fresh event"), "{again}");
    let unknown = told(rehearsed_at(&server, &aimed("evt_01m7xr7tgxfr59g2y38sxnz8tg")).await);
    assert!(unknown.contains("there is no event evt_01m7xr7tgxfr59g2y38sxnz8tg"), "{unknown}");
    server.stop().await;
}

#[tokio::test]
async fn retries_of_an_unlucky_network_have_one_effect() {
    // Renewals and releases have bodies that may be left out: half of such a request could be taken for a whole one.
    let behaviours = "[[behaviours]]\nkind = 'unlucky'\nshare = 1\nthink_s = [0, 0.02]\npatience_ms = [0, 1]\n\
                      renew_percent = 50\npay_percent = 70\nrelease_percent = 80\n";
    let scenario = scenario(400, behaviours);
    let recording = rehearsed(&scenario).await;
    let retried = recording.history.iter().filter(|operation| operation.sent > 1).count();
    assert!(retried > 10, "only {retried} operations were sent again");
    let half_sent = HalfSent::of(&recording.history);
    assert!(half_sent.taken_up_again > 100, "{half_sent:?}");
    assert!(half_sent.requests > half_sent.taken_up_again, "some never come back: {half_sent:?}");
    let (told, placed) = (told(&recording), placed(&recording));
    assert_eq!(told.len(), set(&told).len());
    let unknown = recording.history.iter().filter(|operation| operation.outcome == Outcome::Unknown).count();
    assert_eq!(unknown, 0, "each got its answer in the end");
    assert_eq!(set(&told), set(&placed), "one hold for each, however often it was asked for");
    let orders: Vec<&Value> = recording.feed.iter().filter(|item| item["type"] == "confirmed").collect();
    let distinct: BTreeSet<&str> = orders.iter().map(|item| item["order"].as_str().unwrap()).collect();
    assert_eq!(orders.len(), distinct.len(), "nobody paid twice");
    is_sound(&recording);
}

/// Whatever the speed of this machine: every guarantee held, no refusal was unfair, and one order in time explains it all.
fn is_sound(recording: &Recording) {
    let verdict = judge(recording);
    assert!(verdict.findings.iter().all(|finding| finding.held()), "{:?}", verdict.findings);
    assert_eq!(verdict.fairness.total().unfair, 0, "{:?}", verdict.fairness);
    assert_eq!(verdict.linearizability.violations, 0, "{:?}", verdict.linearizability);
}
