//! A node as the others see it: a server, and streams to others.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{
    Answer, Clock, Environment, Forwarded, ForwardedAsk, Peer, Peers, Random, ServePeers, TokioSpawn, Told,
};
use tessera_cluster::NodeId;
use tessera_inventory::{ClaimNumber, EventId, Sequence, Timestamp};
use tessera_peers::{PeerServer, PeerStreams, Security};
use tessera_writer::{Ask, Monotonic, Mutation};
use tokio::sync::Semaphore;

pub(crate) const INSTALLATION: u128 = 77;
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Long enough that nobody gives up in a test that does not mean to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

struct SystemClock(Instant);

impl Clock for SystemClock {
    fn monotonic(&self) -> Monotonic {
        Monotonic(u64::try_from(self.0.elapsed().as_micros()).unwrap())
    }

    fn wall(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap())
    }

    fn sleep_until(&self, deadline_at: Monotonic) -> BoxFuture<'static, ()> {
        let at = self.0 + Duration::from_micros(deadline_at.0);
        tokio::time::sleep_until(at.into()).boxed()
    }
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn bits(&self) -> u128 {
        u128::from(self.0.fetch_add(7, Ordering::Relaxed))
    }
}

#[allow(clippy::disallowed_methods)] // real sockets live in real time
pub(crate) fn environment() -> Environment {
    Environment {
        clock: Arc::new(SystemClock(Instant::now())),
        random: Arc::new(Counting(AtomicU64::new(0))),
        spawn: Arc::new(TokioSpawn(tokio::runtime::Handle::current())),
        mutation: Mutation::default(),
    }
}

/// Serves what other nodes ask: the answer to a read names the number that was asked for, once the gate lets it through.
pub(crate) struct Fake {
    pub(crate) node: Mutex<Option<NodeId>>,
    pub(crate) gate: Semaphore,
    pub(crate) asked: AtomicUsize,
    pub(crate) given: Mutex<BTreeSet<EventId>>,
}

impl Fake {
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

pub(crate) struct Served(pub(crate) Arc<Fake>);

impl ServePeers for Served {
    fn node(&self) -> Option<NodeId> {
        *self.0.node.lock().unwrap()
    }

    fn serve(&self, ask: ForwardedAsk) -> BoxFuture<'static, Forwarded> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let fake = Arc::clone(&self.0);
        async move {
            drop(fake.gate.acquire().await.unwrap());
            answer(&ask)
        }
        .boxed()
    }

    fn hear(&self, told: Told) {
        let Told::Given(event) = told else { panic!("{told:?}") };
        self.0.given.lock().unwrap().insert(event);
    }
}

fn answer(ask: &ForwardedAsk) -> Forwarded {
    let sequence = match &ask.ask {
        Ask::Read(claim) => Sequence(claim.0),
        Ask::Command(_) => Sequence(0),
    };
    Forwarded::Answer(Answer::Read { sequence, claim: None })
}

pub(crate) struct Node {
    pub(crate) server: PeerServer,
    pub(crate) streams: PeerStreams,
    pub(crate) fake: Arc<Fake>,
    pub(crate) peer: Peer,
}

impl Node {
    /// A node that serves at once.
    pub(crate) async fn start(id: u128, security: &Security) -> Node {
        let node = Node::shut(id, security).await;
        node.fake.open();
        node
    }

    /// A node that answers nothing until its gate is opened.
    pub(crate) async fn shut(id: u128, security: &Security) -> Node {
        let environment = environment();
        let fake = Arc::new(Fake {
            node: Mutex::new(Some(NodeId(id))),
            gate: Semaphore::new(0),
            asked: AtomicUsize::new(0),
            given: Mutex::default(),
        });
        let serve = Arc::new(Served(Arc::clone(&fake)));
        let server =
            PeerServer::start(LOOPBACK, security, serve, INSTALLATION, environment.clone()).await.unwrap();
        let peer = Peer { node: NodeId(id), address: server.address().to_string() };
        let streams = PeerStreams::new(environment, security.clone(), INSTALLATION);
        Node { server, streams, fake, peer }
    }

    pub(crate) fn ask(&self, to: &Peer, number: u64, give_up: Duration) -> BoxFuture<'static, Forwarded> {
        self.streams.forward(to, &read(number, give_up))
    }
}

pub(crate) fn read(number: u64, give_up: Duration) -> ForwardedAsk {
    ForwardedAsk { event: EventId(5), ask: Ask::Read(ClaimNumber(number)), give_up, hops: 1, term: 3 }
}

/// The number that was asked for, if it was answered.
pub(crate) fn number(forwarded: &Forwarded) -> Option<u64> {
    match forwarded {
        Forwarded::Answer(Answer::Read { sequence, .. }) => Some(sequence.0),
        _ => None,
    }
}

/// Lets others run until `state` holds; it must within a minute.
#[allow(clippy::disallowed_methods)] // the deadline of a test
pub(crate) async fn until(what: &str, state: impl Fn() -> bool) {
    let began = Instant::now();
    while !state() {
        assert!(began.elapsed() < PATIENCE, "{what} never came true");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Asks until there is an answer, as a client would try again; it must come within a minute.
#[allow(clippy::disallowed_methods)] // the deadline of a test
pub(crate) async fn until_answered(node: &Node, to: &Peer, asked: u64) {
    let began = Instant::now();
    loop {
        let forwarded = node.ask(to, asked, PATIENCE).await;
        if number(&forwarded) == Some(asked) {
            return;
        }
        assert!(matches!(forwarded, Forwarded::NotSent), "{forwarded:?}");
        assert!(began.elapsed() < PATIENCE, "the node never answered again");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
