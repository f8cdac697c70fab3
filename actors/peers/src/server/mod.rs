//! What other nodes ask of this one: [`ServePeers`] over gRPC.

mod service;
mod serving;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};
use tessera_actors::{Environment, ServePeers};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tonic::transport::server::TcpIncoming;

use self::service::Service;
use crate::limits::{CONNECTION_WINDOW_BYTES, PING_AFTER_MS, PING_ANSWER_MS_MAX, STREAM_WINDOW_BYTES};
use crate::meters::Meters;
use crate::security::{Security, SecurityError};

/// The server that other nodes dial. Dropped, it is cut off.
pub struct PeerServer {
    address: SocketAddr,
    stage: watch::Sender<Stage>,
    ended: oneshot::Receiver<()>,
    environment: Environment,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its address or its certificates do not allow it.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The address is not to be had.
    #[error("the address {address} for other nodes (cluster.listen) cannot be listened on")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificates cannot be used.
    #[error("the certificates for other nodes cannot be used")]
    Tls(#[source] tonic::transport::Error),
}

/// How far the server is with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It takes what comes.
    Taking,
    /// It takes nothing more, and answers what it took.
    Leaving,
    /// Every stream ends now.
    Cut,
}

/// What every stream has in common.
struct Shared {
    serve: Arc<dyn ServePeers>,
    environment: Environment,
    installation: u128,
    mutual: bool,
    stage: watch::Receiver<Stage>,
    streams: AtomicUsize,
    meters: Meters,
}

impl PeerServer {
    /// Listen, and serve what comes. Port 0: any that is free. `installation` is the identity of the installation that all nodes
    /// serve. To be called on a tokio runtime, on which the futures of the environment run too.
    ///
    /// # Errors
    /// [`ServeError`]: nothing was started.
    pub async fn start(
        listen: SocketAddr,
        security: &Security,
        serve: Arc<dyn ServePeers>,
        installation: u128,
        environment: Environment,
    ) -> Result<PeerServer, ServeError> {
        security.admits_listening(listen)?;
        let mut builder = tonic::transport::Server::builder()
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keepalive_interval(Some(Duration::from_millis(PING_AFTER_MS)))
            .http2_keepalive_timeout(Some(Duration::from_millis(PING_ANSWER_MS_MAX)));
        if let Security::Mutual(tls) = security {
            builder = builder.tls_config(tls.server()).map_err(ServeError::Tls)?;
        }
        let failed = |source| ServeError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stage, stages) = watch::channel(Stage::Taking);
        let shared = Arc::new(Shared {
            serve,
            environment: environment.clone(),
            installation,
            mutual: matches!(security, Security::Mutual(_)),
            stage: stages.clone(),
            streams: AtomicUsize::new(0),
            meters: Meters::new(),
        });
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let stopping = reached(stages, Stage::Leaving);
        let serving = builder.serve_with_incoming_shutdown(Service(shared), incoming, stopping);
        let (end, ended) = oneshot::channel();
        let running = async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the server for other nodes ended with an error");
            }
            let _ = end.send(());
        };
        environment.spawn.spawn(running.boxed());
        Ok(PeerServer { address, stage, ended, environment })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Take nothing more and tell the other nodes so, answer what was taken, and end; cut off after `within`.
    pub async fn stop(mut self, within: Duration) {
        self.stage.send_replace(Stage::Leaving);
        let clock = Arc::clone(&self.environment.clock);
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let late = clock.sleep_until(clock.monotonic().plus_ms(within_ms));
        if let Either::Right(_) = select(&mut self.ended, late).await {
            tracing::warn!("asks of other nodes were cut off by the shutdown");
            self.stage.send_replace(Stage::Cut);
        }
    }
}

impl fmt::Debug for PeerServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerServer").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Resolves once the server has come so far, or was dropped.
async fn reached(mut stages: watch::Receiver<Stage>, stage: Stage) {
    let far_enough = |now: &Stage| *now == stage || *now == Stage::Cut;
    // An error says that the server was dropped: that is the end as well.
    let _ = stages.wait_for(far_enough).await;
}
