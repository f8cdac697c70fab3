//! What it costs to forward an ask from one node to another: the time it adds, how many go through, and the processor time of both
//! nodes together. The nodes live in this process and speak over loopback with mutual TLS; the one that is asked answers at once.
//!
//! `cargo run --release -p tessera-benchmarks --bin forward`
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used)] // a benchmark

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};
use tessera_actors::{Answer, Environment, Forwarded, ForwardedAsk, Peer, Peers, ServePeers};
use tessera_benchmarks::{EVENT, Latencies, hold_command, number_argument, row, title};
use tessera_cluster::NodeId;
use tessera_inventory::{
    Command, CommandBody, Event, EventBody, HoldPlaced, KeyMark, Line, Origin, PlaceHold, Sequence, TermsId,
    TicketTypeId, Timestamp,
};
use tessera_peers::{MutualTls, PeerServer, PeerStreams, Security, make_certificates};
use tessera_writer::Ask;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Clients that ask one after the other, at each measurement.
const CLIENTS: [u64; 4] = [1, 16, 256, 2_048];
/// Asks of each measurement, unless `--asks` says otherwise.
const ASKS: u64 = 200_000;
/// Nobody gives up here.
const GIVE_UP: Duration = Duration::from_secs(60);
const NODE: NodeId = NodeId(2);

/// Places every hold that it is asked for, at once.
struct Owner;

impl ServePeers for Owner {
    fn node(&self) -> Option<NodeId> {
        Some(NODE)
    }

    fn serve(&self, ask: ForwardedAsk) -> BoxFuture<'static, Forwarded> {
        let Ask::Command(command) = ask.ask else {
            return futures::future::ready(Forwarded::Unanswered).boxed();
        };
        let Command { key, body: CommandBody::PlaceHold(place), .. } = *command else {
            return futures::future::ready(Forwarded::Unanswered).boxed();
        };
        let key = key.map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint });
        let event = Arc::new(Event { at: Timestamp(1), key, body: EventBody::HoldPlaced(placed(place)) });
        let answer = Answer::Accepted { sequence: Sequence(7), event, claim: None };
        futures::future::ready(Forwarded::Answer(answer)).boxed()
    }

    fn hear(&self, _: tessera_actors::Told) {}
}

fn placed(place: PlaceHold) -> HoldPlaced {
    let line = Line {
        ticket_type: TicketTypeId(0),
        terms: TermsId(0),
        quantity: 1,
        price_minor: 4_950,
        seats: Vec::new(),
    };
    HoldPlaced {
        subjects: place.subjects,
        deadline_at: Timestamp(600_001),
        life_ends_at: Timestamp(1_800_001),
        channel: None,
        origin: Origin::Direct,
        lines: vec![line],
        quote: None,
        entry: None,
    }
}

fn ask(number: u64) -> ForwardedAsk {
    let ask = Ask::Command(Box::new(hold_command(number, 1)));
    ForwardedAsk { event: EVENT, ask, give_up: GIVE_UP, hops: 1, term: 1 }
}

/// Processor time of the whole process so far.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What asks cost, however they are asked.
async fn measure<F>(clients: u64, asks: u64, ask_once: F) -> (Latencies, Duration, Duration)
where
    F: Fn(u64) -> BoxFuture<'static, Forwarded> + Clone + Send + 'static,
{
    let (began, busy) = (Instant::now(), processor());
    let running: Vec<_> = (0..clients)
        .map(|client| {
            let ask_once = ask_once.clone();
            tokio::spawn(async move {
                let mut latencies = Latencies::new();
                for number in (client..asks).step_by(usize::try_from(clients).unwrap_or(usize::MAX)) {
                    let began = Instant::now();
                    let forwarded = ask_once(number).await;
                    assert!(matches!(forwarded, Forwarded::Answer(_)), "{forwarded:?}");
                    latencies.record(began.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut all = Latencies::new();
    for client in running {
        all.merge(&client.await.expect("a client"));
    }
    (all, began.elapsed(), processor().saturating_sub(busy))
}

#[allow(clippy::cast_precision_loss)] // counts far below 2^52
fn print(name: &str, (latencies, took, busy): &(Latencies, Duration, Duration)) {
    let asks = latencies.count() as f64;
    row(
        name,
        format!(
            "{:.0} asks/s, p50 {:.0} µs, p99 {:.0} µs, {:.2} µs of processor an ask",
            asks / took.as_secs_f64(),
            latencies.us_at(0.5),
            latencies.us_at(0.99),
            busy.as_secs_f64() * 1e6 / asks,
        ),
    );
}

async fn nodes(environment: &Environment) -> (PeerServer, Arc<PeerStreams>, Peer) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let now = environment.clock.wall();
    let files =
        make_certificates(folder.path(), &["a".to_owned(), "b".to_owned()], now).expect("certificates");
    let security =
        |of: usize| Security::Mutual(MutualTls::load(&files[of], now).expect("certificates that fit"));
    let listen = "127.0.0.1:0".parse().expect("an address");
    let server = PeerServer::start(listen, &security(0), Arc::new(Owner), 1, environment.clone())
        .await
        .expect("a server");
    let streams = Arc::new(PeerStreams::new(environment.clone(), security(1), 1));
    let peer = Peer { node: NODE, address: server.address().to_string() };
    (server, streams, peer)
}

async fn run() {
    let environment = tessera_server::environment::system(tokio::runtime::Handle::current());
    let (server, streams, peer) = nodes(&environment).await;
    let asks = number_argument("--asks").unwrap_or(ASKS);
    title(&format!(
        "forwarding of {asks} holds between two nodes over loopback with mutual TLS, both in one process"
    ));
    for clients in CLIENTS {
        let asks = if clients == 1 { asks / 10 } else { asks };
        let direct = measure(clients, asks, |number| Owner.serve(ask(number))).await;
        print(&format!("{clients} clients, not forwarded"), &direct);
        let (streams, peer) = (Arc::clone(&streams), peer.clone());
        let forwarded = measure(clients, asks, move |number| streams.forward(&peer, &ask(number))).await;
        print(&format!("{clients} clients, forwarded"), &forwarded);
    }
    server.stop(Duration::from_secs(1)).await;
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run());
}
