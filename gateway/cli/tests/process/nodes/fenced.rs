//! Scenario 52: an owner that was stopped for longer than its lease, and knows nothing of its successor, is asked itself, by many at once. It
//! remembers seats as free that are taken, and as taken that are free: what it answers is what its successor would, or that nobody knows.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{NODES, Nodes, STATE_MAX, cluster, others, until};
use crate::server::Sale;

/// Seats that are taken when the owner is stopped, and as many that are free: it is wrong about all of them afterwards.
const SEATS: usize = 8;
/// So many ask for the same seat at once.
const ASKERS: usize = 3;
/// How often an owner is stopped; more often, up to so many times, until a writer has met the fence before its node heard of the eviction.
const ROUNDS: usize = 3;
const ROUNDS_MAX: usize = 10;

/// A request, and what it is about.
#[derive(Clone, Debug)]
struct Ask {
    path: String,
    buyer: String,
    key: String,
    about: About,
}

#[derive(Clone, Debug)]
enum About {
    /// A hold of these seats.
    Hold(Vec<usize>),
    /// Longer life for a hold that the successor has ended.
    RenewEnded,
    /// The same for a hold that the successor has placed, and the stopped owner never heard of.
    RenewPlaced(String),
    /// The end of a hold.
    Release,
}

impl Ask {
    fn request(&self) -> String {
        let body = match &self.about {
            About::Hold(seats) => json!({"lines": [{"ticket_type": "Seat", "seats": seats}]}),
            _ => json!({}),
        };
        let body = body.to_string();
        let Ask { path, buyer, key, .. } = self;
        format!(
            "POST {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nAuthorization: Bearer {buyer}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Ask: once this returns the whole request is on its way, also to a process that does not run.
    async fn send(&self, node: SocketAddr) -> TcpStream {
        let mut connection = TcpStream::connect(node).await.unwrap();
        connection.write_all(self.request().as_bytes()).await.unwrap();
        connection
    }

    /// Wait for a final answer, and ask the same node with the same key until it gives one.
    async fn answered(self, node: SocketAddr, first: TcpStream) -> Answer {
        let (mut connection, mut turned_away) = (first, BTreeMap::new());
        loop {
            let (status, document) = answer(connection).await;
            let code = document["code"].as_str().unwrap_or_default();
            if status != 503 {
                return Answer { ask: self, status, document, turned_away };
            }
            assert!(["not_executed", "outcome_unknown"].contains(&code), "{document}");
            *turned_away.entry(code.to_owned()).or_default() += 1;
            connection = self.send(node).await;
        }
    }
}

async fn answer(mut connection: TcpStream) -> (u16, Value) {
    let mut reply = String::new();
    timeout(STATE_MAX, connection.read_to_string(&mut reply)).await.expect("an answer").unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {reply}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

/// What came of it in the end.
#[derive(Debug)]
struct Answer {
    ask: Ask,
    status: u16,
    document: Value,
    /// How often nothing was executed, or nobody knew, before.
    turned_away: BTreeMap<String, u64>,
}

impl Answer {
    fn sequence(&self) -> usize {
        let sequence = self.document["sequence"].as_u64();
        usize::try_from(sequence.unwrap_or_else(|| panic!("{self:?}"))).unwrap()
    }

    /// Held against the log. Everything was asked after the event had come to `since`: no answer is of before.
    fn judge(&self, since: usize, log: &Log) {
        let sequence = self.sequence();
        assert!(sequence >= since, "decided before it was asked, at {since}: {self:?}");
        let is = |kind: &str, hold: &Value| {
            let item = &log.items[sequence - 1];
            assert_eq!(
                (&item["type"], &item["hold"]),
                (&json!(kind), hold),
                "accepted, and not in the log: {self:?}"
            );
        };
        match (&self.ask.about, self.status) {
            (About::Hold(seats), 201) => {
                is("hold_placed", &self.document["id"]);
                assert_eq!(log.items[sequence - 1]["lines"][0]["seats"], json!(seats), "{self:?}");
            }
            (About::Hold(seats), 409) => {
                assert_eq!(self.document["code"], "seats_taken", "{self:?}");
                let taken = &log.taken[sequence];
                assert!(
                    seats.iter().any(|seat| taken.contains_key(seat)),
                    "refused, and all were free: {self:?}"
                );
            }
            (About::RenewEnded, 404 | 409 | 410) => {}
            (About::RenewPlaced(hold), 200) => is("hold_renewed", &json!(hold)),
            _ => panic!("no answer of an owner: {self:?}"),
        }
    }
}

/// The feed, and whose each taken seat was after each of its items.
struct Log {
    items: Vec<Value>,
    taken: Vec<BTreeMap<usize, Value>>,
}

impl Log {
    /// G1 and G3: it is dense, and no seat was taken twice.
    fn read(items: Vec<Value>) -> Log {
        let mut taken = vec![BTreeMap::new()];
        for (item, expected) in items.iter().zip(1..) {
            assert_eq!(item["sequence"].as_u64(), Some(expected), "the feed is dense");
            let mut seats: BTreeMap<usize, Value> = taken.last().unwrap().clone();
            match item["type"].as_str().unwrap() {
                "hold_placed" => {
                    for seat in item["lines"][0]["seats"].as_array().unwrap() {
                        let seat = usize::try_from(seat.as_u64().unwrap()).unwrap();
                        assert_eq!(
                            seats.insert(seat, item["hold"].clone()),
                            None,
                            "seat {seat} was taken twice"
                        );
                    }
                }
                "hold_released" => seats.retain(|_, hold| *hold != item["hold"]),
                _ => {}
            }
            taken.push(seats);
        }
        Log { items, taken }
    }
}

/// An event with a row of seats for every round.
fn hall() -> Value {
    let row = |round: usize| {
        let (label, y_mm) = (round.to_string(), 10_000 + 1_000 * round);
        let block = json!({"from": 1, "to": 2 * SEATS, "x_mm": 0, "y_mm": y_mm, "step_x_mm": 500, "category": "Hall"});
        json!({"section": "A", "label": label, "blocks": [block]})
    };
    json!({
        "currency": "EUR", "pools": [], "sections": ["A"],
        "categories": [{"name": "Hall", "focal_point": {"x_mm": 0, "y_mm": 0}}],
        "rows": (0..ROUNDS_MAX).map(row).collect::<Vec<_>>(),
        "ticket_types": [{"name": "Seat", "price": 0, "per_order_min": 1, "per_order_max": SEATS, "category": "Hall"}],
        "seating": {"stranding_allowed": true},
        "hold": {"duration_s": 600, "renewals_max": 2, "life_s_max": 1_800, "grace_s": 900}
    })
}

struct Stage {
    nodes: Nodes,
    sale: Sale,
    buyers: Vec<String>,
}

impl Stage {
    async fn begin(receipts: bool) -> Stage {
        let nodes =
            Nodes::start_with(move |_| vec![("TESSERA_RECEIPTS__ENABLED", receipts.to_string())]).await;
        let port = nodes.addresses[0].http.port();
        let capacity = u32::try_from(2 * SEATS * ROUNDS_MAX).unwrap();
        let sale = Sale::open_hall(port, "seats", capacity, &hall()).await;
        let buyers = sale.buyers(port, 1 + ASKERS).await;
        Stage { nodes, sale, buyers }
    }

    fn ask(&self, buyer: usize, key: String, path: &str, about: About) -> Ask {
        Ask { path: self.sale.path(path), buyer: self.buyers[buyer].clone(), key, about }
    }

    /// Ask a node that runs.
    async fn told(&self, node: usize, ask: Ask, status: u16) -> Answer {
        let address = self.nodes.addresses[node].http;
        let connection = ask.send(address).await;
        let answer = ask.answered(address, connection).await;
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    /// What the stopped owner is asked: its memory is wrong about each.
    fn wave(&self, name: &str, (seats, ended, placed): (&[usize], &str, &str)) -> Vec<Ask> {
        let mut asks = vec![
            self.ask(0, format!("{name}-ended"), &format!("/holds/{ended}/renew"), About::RenewEnded),
            self.ask(
                0,
                format!("{name}-placed"),
                &format!("/holds/{placed}/renew"),
                About::RenewPlaced(placed.to_owned()),
            ),
        ];
        for seat in seats {
            for asker in 1..=ASKERS {
                let key = format!("{name}-{seat}-{asker}");
                asks.push(self.ask(asker, key, "/holds", About::Hold(vec![*seat])));
            }
        }
        asks
    }

    /// Stop the owner until another has taken over and changed everything; then ask it. The answers, and what they are to be later than.
    async fn round(&self, round: usize) -> (usize, Vec<Answer>) {
        self.nodes.settled().await;
        let owner = self.nodes.owner().await;
        let [other, _] = others(owner);
        let seats: Vec<usize> = (2 * SEATS * round..2 * SEATS * (round + 1)).collect();
        let (ended_seats, placed_seats) = seats.split_at(SEATS);
        let hold = |name: &str, seats: &[usize]| {
            self.ask(0, format!("{round}-{name}"), "/holds", About::Hold(seats.to_vec()))
        };
        let ended = self.told(owner, hold("before", ended_seats), 201).await;
        let ended = ended.document["id"].as_str().unwrap();
        let evictions = self.nodes.sum(others(owner), "tessera_evictions_total").await;
        self.nodes.server(owner).signal("STOP");
        until("the owner is evicted", async || {
            self.nodes.sum(others(owner), "tessera_evictions_total").await > evictions
        })
        .await;
        let release =
            self.ask(0, format!("{round}-release"), &format!("/holds/{ended}/release"), About::Release);
        self.told(other, release, 200).await;
        let placed = self.told(other, hold("after", placed_seats), 201).await;
        let asked = (&seats[..], ended, placed.document["id"].as_str().unwrap());
        (placed.sequence(), self.asked(owner, round, asked).await)
    }

    /// Let the owner go on with questions that wait for it, and with more.
    async fn asked(&self, owner: usize, round: usize, asked: (&[usize], &str, &str)) -> Vec<Answer> {
        let address = self.nodes.addresses[owner].http;
        let mut answers = JoinSet::new();
        for ask in self.wave(&format!("{round}-waiting"), asked) {
            let connection = ask.send(address).await;
            answers.spawn(ask.answered(address, connection));
        }
        self.nodes.server(owner).signal("CONT");
        for ask in self.wave(&format!("{round}-then"), asked) {
            let connection = ask.send(address).await;
            answers.spawn(ask.answered(address, connection));
        }
        answers.join_all().await
    }
}

async fn asked_itself(receipts: bool) {
    let Some(()) = cluster() else { return };
    let stage = Stage::begin(receipts).await;
    let (mut rounds, mut fenced, mut answers) = (0, 0, Vec::new());
    while rounds < ROUNDS || fenced == 0 {
        assert!(rounds < ROUNDS_MAX, "no writer met the fence in {rounds} rounds");
        let before = stage.nodes.sum(0..NODES, "tessera_writers_fenced_total").await;
        answers.push(stage.round(rounds).await);
        stage.nodes.whole().await;
        fenced += stage.nodes.sum(0..NODES, "tessera_writers_fenced_total").await - before;
        rounds += 1;
    }
    stage.nodes.shown_everywhere(&stage.sale).await;
    let log = Log::read(stage.sale.changes(stage.nodes.addresses[0].http.port()).await);
    let (mut accepted, mut refused, mut turned_away) = (0, 0, BTreeMap::new());
    for (since, answer) in
        answers.iter().flat_map(|(since, answers)| answers.iter().map(|answer| (*since, answer)))
    {
        answer.judge(since, &log);
        *(if answer.status < 300 { &mut accepted } else { &mut refused }) += 1;
        for (code, times) in &answer.turned_away {
            *turned_away.entry(code).or_insert(0) += times;
        }
    }
    eprintln!(
        "{rounds} rounds, {fenced} writers fenced; {accepted} accepted, {refused} refused, on the way {turned_away:?}"
    );
    // Each of those was asked by the owner's memory for what was so no more; and nobody else has sold anything.
    let placed = log.items.iter().filter(|item| item["type"] == "hold_placed").count();
    let told = answers.iter().flat_map(|(_, answers)| answers).filter(|answer| answer.status == 201).count();
    assert_eq!(placed, told + 2 * rounds, "what was told is what was done, once each");
    assert_eq!(told, SEATS * rounds, "each seat that was free again was sold once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_52_a_fenced_owner_is_asked_itself() {
    asked_itself(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_52_a_fenced_owner_without_receipts_is_asked_itself() {
    asked_itself(false).await;
}
