//! The server: starts the supervision tree and the HTTP workers over a store, and stops them gracefully.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{ServerHandle, ServiceRequest, fn_service};
use actix_web::{App, HttpServer};
use tessera_actors::{Environment, Platform, Postman, Random, Services, StartError};
use tessera_heads::{HeadWitness, WitnessError};
use tessera_peers::PeerServer;
use tessera_projections::installation::{INSTALLATION_SECRET_BYTES, Installation};
use tessera_projections::receipts::Signer;
use tessera_projections::ticket_keys::TicketKeys;
use tessera_store::{Log, StoreError, Table};
use tokio::task::JoinHandle;

use crate::auth::{AdministratorToken, Keys};
use crate::cluster;
use crate::dispatch;
use crate::gateway::{Gateway, Parts, Worker};
use crate::limits::{
    CONNECTION_LINGER_S, FATAL_SHUTDOWN, IN_FLIGHT_POLL, KEYS_KEPT_S, RATE_LIMIT_SWEEP, TRACES_FLUSH,
};
use crate::messages::{self, Writing};
use crate::open_files;
use crate::problem;
use crate::providers::Providers;
use crate::routes::receipts;
use crate::settings::Settings;
use crate::telemetry;
use crate::traces::Traces;
use crate::webhooks::Webhooks;

/// Where the administrator's token is kept, in the data directory.
const TOKEN_FILE: &str = "admin-token";

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; set another with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The administrator's token cannot be read or kept.
    #[error("the administrator's token cannot be kept in {}; set TESSERA_ADMIN_TOKEN instead", path.display())]
    TokenFile {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file does not hold a token.
    #[error("{} does not hold an administrator's token; remove it, and a new one is made", path.display())]
    TokenMalformed {
        /// Where.
        path: PathBuf,
    },
    /// The sandbox for payments does not start.
    #[error(transparent)]
    Sandbox(#[from] tessera_sandbox::SandboxError),
    /// Messages cannot be sent.
    #[error(transparent)]
    Messages(#[from] tessera_messages::ChannelError),
    /// The store does not answer.
    #[error("the store could not be read at start")]
    Store(#[from] StoreError),
    /// The head witness cannot be had, or has seen another installation.
    #[error("what this node has seen of the store cannot be relied on")]
    Witness(#[from] WitnessError),
    /// Traces cannot be exported.
    #[error("traces cannot be exported to the collector of telemetry.otlp_endpoint")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    /// A cluster needs a store that its nodes share.
    #[error("cluster.enabled needs a store that nodes share: set store.kind to \"foundationdb\"")]
    StoreNotShared,
    /// Other nodes cannot be spoken with.
    #[error("this server cannot be a node among others")]
    Peers(#[from] tessera_peers::ServeError),
    /// The supervision tree did not start.
    #[error("the supervision tree did not start")]
    Platform(#[from] StartError),
}

/// The two halves of a store.
#[derive(Clone)]
pub struct Stores {
    /// The log of every event.
    pub log: Arc<dyn Log>,
    /// Everything outside the events' inventories.
    pub table: Arc<dyn Table>,
    /// Whether it is restored apart from this node's directory: then what the node has seen of it is witnessed there. The backup of an
    /// embedded store has the directory in it, and its anchor notices a log that is shorter.
    pub is_apart: bool,
}

impl Stores {
    /// One store that is both, in the directory of this node.
    #[must_use]
    pub fn of<S: Log + Table>(store: Arc<S>) -> Stores {
        Stores { log: Arc::clone(&store) as Arc<dyn Log>, table: store, is_apart: false }
    }

    /// One store that is both, and that other nodes may share.
    #[must_use]
    pub fn apart<S: Log + Table>(store: Arc<S>) -> Stores {
        Stores { is_apart: true, ..Stores::of(store) }
    }
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    administrator_token: String,
    gateway: Arc<Gateway>,
    heads: Option<Arc<HeadWitness>>,
    /// Answers other nodes, in a cluster.
    peers: Option<PeerServer>,
    providers: Providers,
    http: ServerHandle,
    running: JoinHandle<io::Result<()>>,
    maintenance: JoinHandle<()>,
}

impl Server {
    /// Starts over a store, on this tokio runtime.
    ///
    /// # Errors
    /// [`ServeError`], which says what to change.
    pub async fn start(settings: Settings, stores: Stores) -> Result<Server, ServeError> {
        let environment = crate::environment::system(tokio::runtime::Handle::current());
        Server::start_in(environment, settings, stores).await
    }

    /// The same with a time and a randomness of its own.
    ///
    /// # Errors
    /// [`ServeError`], which says what to change.
    pub async fn start_in(
        environment: Environment,
        settings: Settings,
        stores: Stores,
    ) -> Result<Server, ServeError> {
        let connections = settings.workers().saturating_mul(settings.http.connections_max);
        open_files::raise_for(connections as u64);
        let _ = telemetry::recorder();
        let administrator_token = administrator_token(&settings, &*environment.random)?;
        let administrator = AdministratorToken::new(&administrator_token)
            .ok_or_else(|| ServeError::TokenMalformed { path: settings.data.join(TOKEN_FILE) })?;
        if stores.is_apart {
            let found = Installation::find(&*stores.table).await?;
            HeadWitness::expects(&settings.data, found.map(|found| found.id))?;
        }
        let installation = Installation::open(&*stores.table, &fresh(&*environment.random)).await?;
        let table = Arc::clone(&stores.table);
        let signer = signer(&environment, &table, installation.id).await?;
        let (seed, now) = (receipts::fresh_seed(&*environment.random), environment.clock.wall());
        let ticket_keys = Arc::new(TicketKeys::open(Arc::clone(&table), &seed, now).await?);
        let proving = settings.receipts.enabled.then(|| Arc::clone(&signer));
        let (log, limits) = (stores.log, settings.limits());
        let keys = Keys::derive(&installation.secret);
        let postman = postman(&environment, &keys, &settings);
        let heads = stores.is_apart.then(|| HeadWitness::open(&settings.data, installation.id));
        let heads = heads.transpose()?.map(Arc::new);
        let cluster = settings.cluster.clone();
        if cluster.enabled && !stores.is_apart {
            return Err(ServeError::StoreNotShared);
        }
        let node = cluster.enabled.then(|| cluster::node(&cluster, installation.id, &environment));
        let (security, options) = node.transpose()?.unzip();
        let providers = Providers::start(&settings.payments, &installation.secret, &table, &environment)?;
        let writing = Writing { keys: &keys, table: &table, ticket_keys: &ticket_keys };
        let (messaging, reach) = messages::start(&settings, &environment, &writing)?;
        let services = Services {
            messaging,
            providers: providers.all.clone(),
            signer: proving,
            postman: Some(Arc::clone(&postman)),
            heads: heads.clone(),
            cluster: options,
        };
        let platform = Platform::start_with(environment.clone(), log, stores.table, limits, services).await?;
        let peers = match &security {
            Some(security) => {
                let among = (installation.id, &environment);
                Some(cluster::listen(&cluster, security, &platform, among).await?)
            }
            None => None,
        };
        let endpoint = settings.telemetry.otlp_endpoint.as_deref();
        let traces = endpoint.map(Traces::start).transpose()?.map(Arc::new);
        let parts = Parts {
            settings,
            environment,
            platform,
            table,
            keys,
            administrator,
            signer,
            ticket_keys,
            postman,
            reach,
            traces,
        };
        Server::serve(parts, administrator_token, heads, peers, providers)
    }

    /// Listens, and answers from now on.
    fn serve(
        parts: Parts,
        administrator_token: String,
        heads: Option<Arc<HeadWitness>>,
        peers: Option<PeerServer>,
        providers: Providers,
    ) -> Result<Server, ServeError> {
        let gateway = Arc::new(Gateway::new(parts));
        let (address, server) = bind(&gateway)?;
        providers.served_at(address);
        let http = server.handle();
        let running = tokio::spawn(server);
        let maintenance = tokio::spawn(maintain(Arc::clone(&gateway)));
        tracing::info!(%address, workers = gateway.settings.workers(), "listening");
        Ok(Server {
            address,
            administrator_token,
            gateway,
            heads,
            peers,
            providers,
            http,
            running,
            maintenance,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the sandbox for payments is reached from this machine, where there is one.
    #[must_use]
    pub fn sandbox_address(&self) -> Option<&str> {
        self.providers.sandbox_address()
    }

    /// What whoever calls the API of that sandbox presents.
    #[must_use]
    pub fn sandbox_token(&self) -> Option<&str> {
        self.providers.sandbox_token()
    }

    /// The administrator's token.
    #[must_use]
    pub fn administrator_token(&self) -> &str {
        &self.administrator_token
    }

    /// The supervision tree.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.gateway.platform
    }

    /// Resolves with the reason when the process must end with a failure.
    pub async fn fatal(&self) -> String {
        self.gateway.platform.fatal().await
    }

    /// Stops: not ready, streams end, every writer hands over; then no new connections, and replies in flight leave. Answers why the
    /// process must end with a failure, where something failed for good on the way.
    pub async fn stop(self) -> Option<String> {
        let longest = Duration::from_secs(self.gateway.settings.http.shutdown_s);
        let gateway = Arc::clone(&self.gateway);
        self.stop_within(longest).await;
        gateway.platform.status().fatal
    }

    /// Stops after a fatal failure: there is nothing to hand over to, only replies to send.
    pub async fn stop_failed(self) {
        self.stop_within(FATAL_SHUTDOWN).await;
    }

    /// Drains, then lets replies leave; both together take at most `longest`.
    async fn stop_within(self, longest: Duration) {
        tracing::info!("shutting down");
        let clock = Arc::clone(&self.gateway.environment.clock);
        let began = clock.monotonic();
        self.gateway.close();
        // Who connects meanwhile is told: probes that this server is not ready, commands that they were not executed.
        self.gateway.platform.drain(longest).await;
        let spent = || Duration::from_micros(clock.monotonic().0.saturating_sub(began.0));
        if let Some(peers) = self.peers {
            peers.stop(longest.saturating_sub(spent())).await;
        }
        self.http.pause().await;
        let idle = async {
            while self.gateway.in_flight() > 0 {
                tokio::time::sleep(IN_FLIGHT_POLL).await;
            }
        };
        // Writers have handed over: what is dropped here is replies that no client reads.
        #[allow(clippy::disallowed_methods)]
        if tokio::time::timeout(longest.saturating_sub(spent()), idle).await.is_err() {
            tracing::warn!(requests = self.gateway.in_flight(), "requests were cut off by the shutdown");
        }
        self.http.stop(true).await;
        self.providers.stop().await;
        self.maintenance.abort();
        if let Ok(Err(error)) = self.running.await {
            tracing::error!(%error, "the HTTP server ended with an error");
        }
        if let Some(traces) = self.gateway.traces.clone() {
            let finished = tokio::task::spawn_blocking(move || traces.finish(TRACES_FLUSH));
            if let Err(error) = finished.await {
                tracing::error!(%error, "the exporter of traces panicked");
            }
        }
        if let Some(heads) = self.heads
            && let Err(error) = tokio::task::spawn_blocking(move || heads.close()).await
        {
            tracing::error!(%error, "the head witness could not be closed");
        }
        tracing::info!("stopped");
    }
}

fn bind(gateway: &Arc<Gateway>) -> Result<(SocketAddr, actix_web::dev::Server), ServeError> {
    let settings = &gateway.settings;
    let address = settings.listen;
    let listen = |source| ServeError::Listen { address, source };
    let shared = Arc::clone(gateway);
    let app = move || {
        let worker = Rc::new(Worker::new(Arc::clone(&shared)));
        let service = move |request: ServiceRequest| dispatch::answer(Rc::clone(&worker), request);
        App::new().default_service(fn_service(service))
    };
    let server = HttpServer::new(app)
        .workers(settings.workers())
        .max_connections(settings.http.connections_max)
        .backlog(settings.http.backlog)
        .keep_alive(Duration::from_secs(settings.http.keep_alive_s))
        .client_request_timeout(Duration::from_secs(settings.http.header_deadline_s))
        .shutdown_timeout(CONNECTION_LINGER_S)
        .tcp_nodelay(true)
        .disable_signals()
        .bind(address)
        .map_err(listen)?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    Ok((bound, server.run()))
}

/// Forgets idle callers, and folds what the metrics and the log of failures have gathered, so that none of them grows.
async fn maintain(gateway: Arc<Gateway>) {
    let mut seconds: u64 = 0;
    loop {
        tokio::time::sleep(RATE_LIMIT_SWEEP).await;
        gateway.rate_limits.sweep();
        problem::log_store_failures();
        seconds += 1;
        if gateway.settings.cluster.enabled && seconds.is_multiple_of(KEYS_KEPT_S) {
            gateway.api_keys.look_again();
            gateway.catalogue.look_again();
            if let Err(error) = gateway.ticket_keys.look_again().await {
                tracing::warn!(%error, "the keys of tickets could not be looked at");
            }
        }
        if let Some(recorder) = telemetry::recorder() {
            recorder.run_upkeep();
        }
    }
}

/// What signs receipts: made at the first start, and found again where receipts are not given any more, for its public keys.
async fn signer(
    environment: &Environment,
    table: &Arc<dyn Table>,
    installation: u128,
) -> Result<Arc<Signer>, StoreError> {
    let (seed, now) = (receipts::fresh_seed(&*environment.random), environment.clock.wall());
    Signer::open(Arc::clone(table), installation, &seed, now).await.map(Arc::new)
}

/// What renders and sends webhooks.
fn postman(environment: &Environment, keys: &Keys, settings: &Settings) -> Arc<dyn Postman> {
    let clock = Arc::clone(&environment.clock);
    Arc::new(Webhooks::new(keys.clone(), clock, settings.webhooks.private_targets))
}

fn fresh(random: &dyn Random) -> Installation {
    let mut secret = [0; INSTALLATION_SECRET_BYTES];
    for half in secret.chunks_mut(16) {
        half.copy_from_slice(&random.bits().to_be_bytes()[..half.len()]);
    }
    Installation { id: uuid::Uuid::new_v8(random.bits().to_be_bytes()).as_u128(), secret }
}

/// The configured token, or the one in the data directory, which is made at the first start.
fn administrator_token(settings: &Settings, random: &dyn Random) -> Result<String, ServeError> {
    if let Some(token) = &settings.admin_token {
        return Ok(token.reveal().to_owned());
    }
    let path = settings.data.join(TOKEN_FILE);
    let failed = |source| ServeError::TokenFile { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(token) => Ok(token.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(&settings.data).map_err(failed)?;
            let token = AdministratorToken::generate(random.bits());
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
            writeln!(file, "{token}").and_then(|()| file.sync_all()).map_err(failed)?;
            tracing::info!(path = %path.display(), "made the administrator's token");
            Ok(token)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::environment::OsRandom;

    #[test]
    fn the_token_is_made_once_and_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data: folder.path().join("data"), ..Settings::default() };
        let made = administrator_token(&settings, &OsRandom).unwrap();
        assert_eq!(administrator_token(&settings, &OsRandom).unwrap(), made);
        let mode = std::fs::metadata(settings.data.join(TOKEN_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let given = Settings { admin_token: Some("tsa_given".to_owned().into()), ..settings };
        assert_eq!(administrator_token(&given, &OsRandom).unwrap(), "tsa_given");
    }
}
