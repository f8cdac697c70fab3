//! `tessera serve`.

use tessera_rehearsal::own_server;
use tessera_server::server::Server;
use tessera_server::{environment, settings, telemetry};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::ServeArguments;
use crate::failure::Failure;
use crate::store::Store;

/// Serves until a signal, or until the store fails.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    if let Some(parent) = arguments.parent {
        own_server::end_with(parent).map_err(Failure::Signals)?;
    }
    let settings = settings::load(arguments.config.as_deref(), &arguments.overrides())?;
    telemetry::start_logging(&settings)?;
    let store = Store::open(&settings).await?;
    #[cfg_attr(not(feature = "mutants"), allow(unused_mut))]
    let mut environment = environment::system(tokio::runtime::Handle::current());
    #[cfg(feature = "mutants")]
    if let Some(defect) = arguments.mutant {
        environment.mutation = defect.mutation();
    }
    let server = Server::start_in(environment, settings, store.shared()).await?;
    until_the_end(server, &store).await
}

/// Serves until a signal, then stops gracefully; a failure of the store stops at once, with a failure.
pub(crate) async fn until_the_end(server: Server, store: &Store) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Signals)?;
    let reason = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        reason = server.fatal() => Some(reason),
    };
    match reason {
        None => stop(server, store).await,
        Some(reason) => {
            server.stop_failed().await;
            Err(Failure::Fatal(reason))
        }
    }
}

/// Stops gracefully. A store that fails on the way is a failure all the same: what was to be handed over may not be there.
pub(crate) async fn stop(server: Server, store: &Store) -> Result<(), Failure> {
    match server.stop().await.or_else(|| store.failure()) {
        None => Ok(()),
        Some(reason) => Err(Failure::Fatal(reason)),
    }
}
