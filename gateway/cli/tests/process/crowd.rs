//! Clients that buy from a server that keeps dying, and remember what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

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
}

/// A unit that was held: each answer about it is final.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    /// The hold and the sequence of its placing.
    pub(crate) hold: String,
    /// See `hold`.
    pub(crate) hold_sequence: u64,
    /// Sequence of the order's confirmation, or of the release.
    pub(crate) end_sequence: u64,
    /// Whether it was bought or released.
    pub(crate) bought: bool,
    /// How often an answer said that it was a repetition.
    pub(crate) replayed: u32,
}

/// Shared by all clients of one run.
pub(crate) struct Crowd {
    client: reqwest::Client,
    port: u16,
    sale: Arc<Sale>,
    /// Set to let the clients finish what they began and stop.
    pub(crate) stop: AtomicBool,
    /// Purchases answered so far.
    pub(crate) answered: AtomicU64,
}

impl Crowd {
    /// A crowd in front of one sale.
    pub(crate) fn new(port: u16, sale: Arc<Sale>) -> Arc<Crowd> {
        let client = reqwest::Client::builder().timeout(ANSWER_WAIT).build().unwrap();
        Arc::new(Crowd { client, port, sale, stop: AtomicBool::new(false), answered: AtomicU64::new(0) })
    }

    /// One client: buys, or releases every third hold, until told to stop.
    pub(crate) async fn client(self: Arc<Self>, number: usize, token: String) -> Vec<Told> {
        let mut told = Vec::new();
        while !self.stop.load(Ordering::Acquire) {
            let name = format!("client-{number}-{}", told.len());
            told.push(self.purchase(&name, &token, told.len() % 3 != 2).await);
            self.answered.fetch_add(1, Ordering::AcqRel);
        }
        told
    }

    async fn purchase(&self, name: &str, token: &str, buy: bool) -> Told {
        let mut replayed = 0;
        let mut call = async |step: &str, path: String, token: &str, body: Value| {
            let (document, was_replayed) =
                self.until_answered(&format!("{name}-{step}"), &path, token, &body).await;
            replayed += u32::from(was_replayed);
            document
        };
        let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
        let placed = call("hold", self.sale.path("/holds"), token, lines).await;
        if placed["code"] == "sold_out" {
            return Told::SoldOut(placed["sequence"].as_u64().unwrap());
        }
        let hold = placed["id"].as_str().unwrap().to_owned();
        let hold_sequence = placed["sequence"].as_u64().unwrap();
        let end = if buy {
            let order = call("order", self.sale.path("/orders"), token, json!({"hold": hold})).await;
            let confirm = self.sale.path(&format!("/orders/{}/confirm", order["id"].as_str().unwrap()));
            call("confirm", confirm, token, json!({"payment": "free"})).await
        } else {
            call("release", self.sale.path(&format!("/holds/{hold}/release")), token, json!({})).await
        };
        let end_sequence = end["sequence"].as_u64().unwrap();
        Told::Purchase(Purchase { hold, hold_sequence, end_sequence, bought: buy, replayed })
    }

    /// Ask with the same key until there is a final answer: acceptance, or for a hold that the stock is gone.
    async fn until_answered(&self, key: &str, path: &str, token: &str, body: &Value) -> (Value, bool) {
        loop {
            let request = self.client.post(format!("{}{path}", base(self.port))).bearer_auth(token);
            let Ok(reply) = request.header("Idempotency-Key", key).json(body).send().await else {
                tokio::task::yield_now().await;
                continue;
            };
            let status = reply.status();
            let replayed = reply.headers().contains_key("Idempotency-Replayed");
            let Ok(document) = reply.json::<Value>().await else { continue };
            if status.as_u16() == 503 {
                tokio::task::yield_now().await;
                continue;
            }
            let is_expected = status.is_success() || document["code"] == "sold_out";
            assert!(is_expected, "{key} {path}: {status}: {document}");
            return (document, replayed);
        }
    }
}
