//! The listener.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::{App, HttpResponse, HttpServer, web};
use tessera_actors::Clock;
use tessera_outbound::Client;
use tessera_store::Table;

use crate::api::{self, Failed};
use crate::books::Books;
use crate::page;
use crate::secrets::Secrets;
use crate::webhooks::Webhooks;

/// Largest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Seconds that requests under way have when it stops.
const LINGER_S: u64 = 2;

/// What a sandbox is started with.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How others reach it (`http://…`, without a path); `None`: where it listens.
    pub url: Option<String>,
    /// What all that it signs is derived from.
    pub secret: [u8; 32],
    /// It does for tests what goes wrong with providers.
    pub tests: bool,
    /// Threads that serve.
    pub workers: usize,
}

impl fmt::Debug for SandboxOptions {
    /// Secrets are never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SandboxOptions { listen, url, tests, .. } = self;
        f.debug_struct("SandboxOptions")
            .field("listen", listen)
            .field("url", url)
            .field("tests", tests)
            .finish_non_exhaustive()
    }
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address cannot be had.
    #[error("the sandbox for payments cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What all requests have in common.
pub(crate) struct Shared {
    pub(crate) books: Books,
    pub(crate) webhooks: Webhooks,
    pub(crate) secrets: Secrets,
    /// Where it is reached.
    pub(crate) base: String,
    pub(crate) tests: bool,
    /// Answers to be lost, for tests.
    losing: Mutex<BTreeMap<String, u32>>,
}

/// A sandbox that runs.
pub struct Sandbox {
    local: String,
    token: String,
    handle: actix_web::dev::ServerHandle,
    url: Arc<OnceLock<String>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Start one that keeps its payments in `table`. On a runtime of actix.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub fn start(
        options: &SandboxOptions,
        table: Arc<dyn Table>,
        clock: Arc<dyn Clock>,
    ) -> Result<Sandbox, SandboxError> {
        let failed = |source| SandboxError::Listen { address: options.listen, source };
        let listener = std::net::TcpListener::bind(options.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let local = format!("http://{address}");
        let base = options.url.clone().unwrap_or_else(|| local.clone());
        let secrets = Secrets::derive(&options.secret);
        let token = secrets.token.clone();
        let url = Arc::new(OnceLock::new());
        let shared = web::Data::new(Shared {
            books: Books::new(table),
            webhooks: Webhooks {
                // The operator says where to.
                http: Arc::new(Client::new(true)),
                secrets: secrets.clone(),
                clock,
                url: Arc::clone(&url),
            },
            secrets,
            base,
            tests: options.tests,
            losing: Mutex::default(),
        });
        let app = move || {
            App::new()
                .app_data(web::Data::clone(&shared))
                .app_data(web::JsonConfig::default().limit(BODY_BYTES_MAX))
                .app_data(web::FormConfig::default().limit(BODY_BYTES_MAX))
                .configure(api::routes)
                .configure(page::routes)
        };
        let server = HttpServer::new(app)
            .workers(options.workers)
            .shutdown_timeout(LINGER_S)
            .tcp_nodelay(true)
            .disable_signals()
            .listen(listener)
            .map_err(failed)?
            .run();
        let handle = server.handle();
        tokio::spawn(server);
        tracing::info!(address = local, "a sandbox for payments: nothing is charged");
        Ok(Sandbox { local, token, handle, url })
    }

    /// Its webhooks go to this address from now on. The first one told counts.
    pub fn tell_to(&self, url: String) {
        let _ = self.url.set(url);
    }

    /// Where it is reached from this machine (`http://…`, without a path).
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What whoever calls its API presents as a bearer token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Answer what is under way, and stop.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }
}

impl Shared {
    fn losing(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u32>> {
        self.losing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next answers about this payment are lost.
    pub(crate) fn lose_answers(&self, id: &str, count: u32) {
        self.losing().insert(id.to_owned(), count);
    }

    /// The answer, unless it is to be lost: then an error of a server, as if a proxy had given up.
    pub(crate) fn answer(
        &self,
        id: &str,
        answer: impl FnOnce() -> HttpResponse,
    ) -> Result<HttpResponse, Failed> {
        if self.tests
            && let Some(left) = self.losing().get_mut(id)
            && *left > 0
        {
            *left -= 1;
            return Ok(HttpResponse::GatewayTimeout().finish());
        }
        Ok(answer())
    }
}
