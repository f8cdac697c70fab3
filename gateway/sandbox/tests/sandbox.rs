//! The sandbox over HTTP, by its own client and as a buyer at its page.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Clock, Genuine, Provider, ProviderCall};
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_payments::{Answer, DisputeStanding, Fact, Operation, PaymentId, provider_key};
use tessera_sandbox::{Sandbox, SandboxClient, SandboxOptions};
use tessera_store::memory::MemoryStore;
use tessera_writer::Monotonic;

const SECRET: [u8; 32] = [9; 32];
const PAYMENT: PaymentId = PaymentId { event: EventId(5), order: ClaimNumber(7), attempt: 1 };

struct SystemClock(Instant);

impl Clock for SystemClock {
    fn monotonic(&self) -> Monotonic {
        Monotonic(u64::try_from(self.0.elapsed().as_micros()).unwrap())
    }

    #[allow(clippy::disallowed_methods)] // the clock itself
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp(u64::try_from(since.as_millis()).unwrap())
    }

    fn sleep_until(&self, deadline_at: Monotonic) -> BoxFuture<'static, ()> {
        let left = deadline_at.0.saturating_sub(self.monotonic().0);
        tokio::time::sleep(Duration::from_micros(left)).boxed()
    }
}

/// Headers and body.
type Webhook = (Vec<(String, String)>, Vec<u8>);

/// A sandbox, its client, and whom it tells.
struct Stage {
    sandbox: Sandbox,
    client: SandboxClient,
    told: Receiver<Webhook>,
    receiver: actix_web::dev::ServerHandle,
    clock: Arc<dyn Clock>,
}

type Told = Sender<Webhook>;

async fn hear(
    told: web::Data<std::sync::Mutex<Told>>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    told.lock().unwrap().send((headers, body.to_vec())).unwrap();
    HttpResponse::Ok().finish()
}

#[allow(clippy::disallowed_methods)] // the origin of a clock
fn start() -> Stage {
    let (sender, told) = channel();
    let data = web::Data::new(std::sync::Mutex::new(sender));
    let app = move || App::new().app_data(web::Data::clone(&data)).default_service(web::to(hear));
    let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let webhooks_to = format!("http://{}/v1/provider-events/sandbox", server.addrs()[0]);
    let server = server.run();
    let receiver = server.handle();
    tokio::spawn(server);
    let options = SandboxOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        url: None,
        secret: SECRET,
        tests: true,
        workers: 1,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock(Instant::now()));
    let sandbox = Sandbox::start(&options, Arc::new(MemoryStore::new()), Arc::clone(&clock)).unwrap();
    sandbox.tell_to(webhooks_to);
    let client = SandboxClient::new(sandbox.local(), &SECRET);
    Stage { sandbox, client, told, receiver, clock }
}

impl Stage {
    fn call_of(&self, reference: Option<&str>, operation: Operation, amount_minor: i64) -> ProviderCall {
        ProviderCall {
            payment: PAYMENT,
            reference: reference.map(Into::into),
            operation,
            key: provider_key(1, PAYMENT, operation, 0),
            amount_minor,
            currency: *b"CHF",
            grace_until: Some(self.clock.wall().plus_ms(60_000)),
            contact: None,
        }
    }

    async fn facts(&self, reference: Option<&str>, operation: Operation, amount_minor: i64) -> Vec<Fact> {
        match self.client.call(self.call_of(reference, operation, amount_minor)).await {
            Answer::Facts(facts) => facts,
            other => panic!("{operation:?}: {other:?}"),
        }
    }

    /// Reference and page of a new payment of 12.50.
    async fn create(&self) -> (String, String) {
        let facts = self.facts(None, Operation::Create, 1_250).await;
        let [Fact::Created { reference, page: Some(page), .. }] = facts.as_slice() else {
            panic!("{facts:?}")
        };
        (reference.to_string(), page.to_string())
    }

    /// The next webhook: its name, and what it says; it is signed.
    async fn told(&self) -> (String, Vec<Fact>) {
        for _ in 0..500 {
            if let Ok((headers, body)) = self.told.try_recv() {
                assert_eq!(self.client.verify(&headers, &body, self.clock.wall()), Genuine::Yes);
                let heard = self.client.read(&body).unwrap();
                assert_eq!(heard.about.unwrap().payment, Some(PAYMENT));
                return (heard.event.unwrap().into(), heard.facts);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no webhook came");
    }

    async fn stop(self) {
        self.sandbox.stop().await;
        self.receiver.stop(false).await;
    }
}

/// The status and the text of an answer to a plain request, and where it leads.
async fn browse(url: &str, form: Option<&str>) -> (u16, String, Option<String>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
    let (method, body) = form.map_or(("GET", ""), |form| ("POST", form));
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let location = text.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    (status, text, location)
}

#[actix_web::test]
async fn a_buyer_pays_at_the_page_and_the_money_is_captured() {
    let stage = start();
    let (reference, page) = stage.create().await;
    assert_eq!(stage.facts(Some(&reference), Operation::LookUp, 0).await.len(), 1, "nobody has paid");
    let (status, html, _) = browse(&page, None).await;
    assert_eq!(status, 200);
    assert!(html.contains("12.50 CHF") && html.contains("value=\"pay\""), "{html}");

    let (status, _, location) = browse(&page, Some("choice=pay")).await;
    assert_eq!((status, location.is_some()), (303, true));
    let authorised = Fact::Authorised { amount_minor: 1_250, until: None };
    let (first, facts) = stage.told().await;
    assert!(facts.contains(&authorised), "{facts:?}");
    assert!(browse(&page, None).await.1.contains("It is paid"));

    let captured = Fact::Captured { amount_minor: 1_250 };
    for _ in 0..2 {
        let facts = stage.facts(Some(&reference), Operation::Capture, 1_250).await;
        assert!(facts.contains(&captured), "{facts:?}");
    }
    let (second, facts) = stage.told().await;
    assert!(facts.contains(&captured) && second != first, "{facts:?}");
    stage.stop().await;
}

#[actix_web::test]
async fn what_is_declined_or_cancelled_is_over() {
    for (choice, fact, says) in [
        ("decline", Fact::Failed { code: "declined".into() }, "was declined"),
        ("cancel", Fact::Cancelled, "was called off"),
    ] {
        let stage = start();
        let (reference, page) = stage.create().await;
        browse(&page, Some(&format!("choice={choice}"))).await;
        assert!(stage.told().await.1.contains(&fact));
        assert!(browse(&page, None).await.1.contains(says));
        browse(&page, Some("choice=pay")).await;
        let facts = stage.facts(Some(&reference), Operation::LookUp, 0).await;
        assert!(facts.contains(&fact) && facts.len() == 2, "who pays afterwards pays nothing: {facts:?}");
        let answer = stage.client.call(stage.call_of(Some(&reference), Operation::Capture, 1_250)).await;
        assert!(matches!(answer, Answer::Declined { .. }), "{answer:?}");
        stage.stop().await;
    }
}

#[actix_web::test]
async fn money_goes_back_once_and_never_more_than_came() {
    let stage = start();
    let (reference, page) = stage.create().await;
    browse(&page, Some("choice=pay")).await;
    stage.facts(Some(&reference), Operation::Capture, 1_250).await;
    let refund = |number| Operation::Refund { number };
    for _ in 0..2 {
        let facts = stage.facts(Some(&reference), refund(40), 1_000).await;
        let refunds = facts.iter().filter(|fact| matches!(fact, Fact::Refund { ours: Some(40), .. }));
        assert_eq!(refunds.count(), 1, "{facts:?}");
    }
    let answer = stage.client.call(stage.call_of(Some(&reference), refund(41), 251)).await;
    assert!(matches!(answer, Answer::Declined { .. }), "{answer:?}");
    let facts = stage.facts(Some(&reference), Operation::LookUpRefunds, 0).await;
    assert_eq!(facts.iter().filter(|fact| matches!(fact, Fact::Refund { .. })).count(), 1);
    stage.stop().await;
}

#[actix_web::test]
async fn who_has_not_the_secret_does_nothing() {
    let stage = start();
    let (reference, page) = stage.create().await;
    let stranger = SandboxClient::new(stage.sandbox.local(), &[1; 32]);
    let answer = stranger.call(stage.call_of(Some(&reference), Operation::Capture, 1_250)).await;
    assert!(matches!(answer, Answer::NotOurs { .. }), "{answer:?}");
    let forged = page.replace("sbx_", "sbx_A");
    assert_eq!(browse(&forged, None).await.0, 404);
    // The buyer is sent nowhere that the shop did not name.
    let (_, _, location) =
        browse(&format!("{page}?return=https%3A%2F%2Fevil.example&mac=00"), Some("choice=cancel")).await;
    assert!(!location.unwrap().contains("evil"), "an open redirect");
    browse(&page, Some("choice=pay")).await;
    let (headers, body) = {
        let mut found = None;
        while found.is_none() {
            found = stage.told.try_recv().ok();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        found.unwrap()
    };
    assert_eq!(stranger.verify(&headers, &body, stage.clock.wall()), Genuine::No);
    assert_eq!(stage.client.verify(&[], &body, stage.clock.wall()), Genuine::No);
    stage.stop().await;
}

#[actix_web::test]
async fn it_does_for_tests_what_goes_wrong() {
    let stage = start();
    let (reference, _) = stage.create().await;
    let post = async |body: &str| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let authority = stage.sandbox.local().strip_prefix("http://").unwrap().to_owned();
        let mut stream = tokio::net::TcpStream::connect(&authority).await.unwrap();
        let token = stage.sandbox.token();
        let request = format!(
            "POST /v1/tests/payments/{reference} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(post(r#"{"act":"pay","webhooks":{"times":2}}"#).await, 200);
    let (first, facts) = stage.told().await;
    assert_eq!(stage.told().await, (first, facts), "a duplicate has the name of the first");
    assert_eq!(post(r#"{"act":"lose_answers","count":1}"#).await, 204);
    let lost = stage.client.call(stage.call_of(Some(&reference), Operation::Capture, 1_250)).await;
    assert_eq!(lost, Answer::Unknown);
    let facts = stage.facts(Some(&reference), Operation::LookUp, 0).await;
    assert!(facts.contains(&Fact::Captured { amount_minor: 1_250 }), "it was done: {facts:?}");
    assert_eq!(post(r#"{"act":"dispute","amount_minor":1250}"#).await, 200);
    assert_eq!(post(r#"{"act":"decide","won":false}"#).await, 200);
    let facts = stage.facts(Some(&reference), Operation::LookUp, 0).await;
    let lost = |fact: &Fact| matches!(fact, Fact::Dispute { standing: DisputeStanding::Lost, .. });
    assert!(facts.iter().any(lost), "{facts:?}");
    assert_eq!(post(r#"{"act":"fly"}"#).await, 400);
    stage.stop().await;
}
