//! Clients that buy from a server that keeps dying, and remember what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::server::{Sale, base};

/// Longest wait for one answer; a killed server resets the connection long before.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// What a client was told, finally.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// It has held a unit, and bought or released it.
    Purchase(Purchase),
    /// Sold out, decided on this sequence.
    SoldOut(u64),
    /// The first answer was that the hold was not executed, and the client never asked again under that key.
    NotExecuted,
}

/// A unit that was held: each answer about it is final.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    /// The hold and the sequence of its placing.
    pub(crate) hold: String,
    /// See `hold`.
    pub(crate) hold_sequence: u64,
    /// What was bought; `None`: it was released.
    pub(crate) bought: Option<Bought>,
    /// Sequence of the order's confirmation, or of the release.
    pub(crate) end_sequence: u64,
    /// How often an answer said that it was a repetition.
    pub(crate) replayed: u32,
}

/// An order that was confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Bought {
    /// Its identifier.
    pub(crate) order: String,
    /// Sequence of the begin of its payment.
    pub(crate) sequence: u64,
    /// Identifier and code of each ticket.
    pub(crate) tickets: Vec<(String, String)>,
}

/// How far a crowd is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Purchases so far, every command of them accepted.
    pub(crate) purchases: u64,
    /// How often somebody was told that the stock is gone.
    pub(crate) sold_out: u64,
    /// How often somebody was told that nothing was executed.
    pub(crate) not_executed: u64,
    /// How often somebody was told that nobody knows.
    pub(crate) unknown: u64,
}

/// Whether clients keep their connections, or each request has one of its own, as behind a balancer of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    Kept,
    Fresh,
}

/// The clients of one run.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    clients: JoinSet<(usize, Vec<Told>)>,
}

/// Of all clients.
struct Shared {
    client: reqwest::Client,
    port: u16,
    sale: Arc<Sale>,
    /// Set to let the clients finish what they began and stop.
    stop: AtomicBool,
    progress: watch::Sender<Progress>,
}

impl Crowd {
    /// Let a client for each token buy at one sale.
    pub(crate) fn send(port: u16, sale: &Arc<Sale>, tokens: &[String], connections: Connections) -> Crowd {
        let mut client = reqwest::Client::builder().timeout(ANSWER_WAIT);
        if connections == Connections::Fresh {
            client = client.pool_max_idle_per_host(0);
        }
        let (client, sale) = (client.build().unwrap(), Arc::clone(sale));
        let progress = watch::Sender::new(Progress::default());
        let shared = Arc::new(Shared { client, port, sale, stop: AtomicBool::new(false), progress });
        let mut clients = JoinSet::new();
        for (number, token) in tokens.iter().enumerate() {
            let (shared, token) = (Arc::clone(&shared), token.clone());
            clients.spawn(async move { (number, shared.buy(number, &token).await) });
        }
        Crowd { shared, clients }
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Progress {
        *self.shared.progress.borrow()
    }

    /// Wait until it is as far as that.
    pub(crate) async fn until(&mut self, reached: impl Fn(&Progress) -> bool) {
        let mut progress = self.shared.progress.subscribe();
        tokio::select! {
            seen = progress.wait_for(reached) => drop(seen.unwrap()),
            ended = self.clients.join_next() => panic!("a client gave up: {:?}", ended.map(|ended| ended.err())),
        }
    }

    /// Let everybody finish what they began: what each was told.
    pub(crate) async fn end(self) -> Vec<Vec<Told>> {
        self.shared.stop.store(true, Ordering::Release);
        let mut told = self.clients.join_all().await;
        told.sort_by_key(|(number, _)| *number);
        told.into_iter().map(|(_, told)| told).collect()
    }
}

impl Shared {
    /// One client: buys, or releases every third hold, until told to stop.
    async fn buy(&self, number: usize, token: &str) -> Vec<Told> {
        let mut told = Vec::new();
        while !self.stop.load(Ordering::Acquire) {
            let one = self.purchase(number, told.len(), token).await;
            self.progress.send_modify(|progress| match &one {
                Told::Purchase(_) => progress.purchases += 1,
                Told::SoldOut(_) => progress.sold_out += 1,
                Told::NotExecuted => {}
            });
            told.push(one);
        }
        told
    }

    async fn purchase(&self, client: usize, number: usize, token: &str) -> Told {
        let key = |step: &str| format!("client-{client}-{number}-{step}");
        let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
        // Half of those who are told at first that nothing was executed take the server at its word.
        let retries = number.is_multiple_of(2);
        let path = self.sale.path("/holds");
        let Some((placed, was_replayed)) =
            self.until_answered(&key("hold"), &path, token, &lines, retries).await
        else {
            return Told::NotExecuted;
        };
        let sequence = |document: &Value| document["sequence"].as_u64().unwrap();
        if placed["code"] == "sold_out" {
            return Told::SoldOut(sequence(&placed));
        }
        let mut replayed = u32::from(was_replayed);
        let mut call = async |step: &str, path: String, body: Value| {
            let answered = self.until_answered(&key(step), &path, token, &body, true).await;
            let (document, was_replayed) = answered.unwrap();
            replayed += u32::from(was_replayed);
            document
        };
        let hold = text(&placed["id"]);
        let (bought, end) = if number % 3 == 2 {
            (None, call("release", self.sale.path(&format!("/holds/{hold}/release")), json!({})).await)
        } else {
            let begun = call("order", self.sale.path("/orders"), json!({"hold": hold})).await;
            let order = text(&begun["id"]);
            let confirm = self.sale.path(&format!("/orders/{order}/confirm"));
            let confirmed = call("confirm", confirm, json!({"payment": "free"})).await;
            let bought = Bought { order, sequence: sequence(&begun), tickets: tickets(&confirmed) };
            (Some(bought), confirmed)
        };
        let (hold_sequence, end_sequence) = (sequence(&placed), sequence(&end));
        Told::Purchase(Purchase { hold, hold_sequence, bought, end_sequence, replayed })
    }

    /// Ask with the same key until there is a final answer: acceptance, or for a hold that the stock is gone. `None`: the very first
    /// answer was that nothing was executed, and the key was never used again.
    async fn until_answered(
        &self,
        key: &str,
        path: &str,
        token: &str,
        body: &Value,
        retries: bool,
    ) -> Option<(Value, bool)> {
        let mut is_first = true;
        loop {
            let request = self.client.post(format!("{}{path}", base(self.port))).bearer_auth(token);
            let sent = request.header("Idempotency-Key", key).json(body).send().await;
            // What came of a request without an answer nobody knows; only a connection that was refused had none.
            let was_first = is_first;
            is_first &= sent.as_ref().is_err_and(reqwest::Error::is_connect);
            let Ok(reply) = sent else {
                tokio::task::yield_now().await;
                continue;
            };
            let status = reply.status();
            let replayed = reply.headers().contains_key("Idempotency-Replayed");
            let Ok(document) = reply.json::<Value>().await else { continue };
            if status.as_u16() == 503 {
                self.progress.send_modify(|progress| match document["code"].as_str() {
                    Some("not_executed") => progress.not_executed += 1,
                    _ => progress.unknown += 1,
                });
                if was_first && !retries && document["code"] == "not_executed" {
                    return None;
                }
                tokio::task::yield_now().await;
                continue;
            }
            let is_expected = status.is_success() || document["code"] == "sold_out";
            assert!(is_expected, "{key} {path}: {status}: {document}");
            return Some((document, replayed));
        }
    }
}

/// Identifier and code of each ticket of an order.
pub(crate) fn tickets(order: &Value) -> Vec<(String, String)> {
    let tickets = order["tickets"].as_array().unwrap();
    tickets.iter().map(|ticket| (text(&ticket["id"]), text(&ticket["code"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
