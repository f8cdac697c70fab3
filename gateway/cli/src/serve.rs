//! `tessera serve`.

use std::sync::Arc;

use tessera_embedded::{EmbeddedStore, Options};
use tessera_server::server::{Server, Stores};
use tessera_server::{settings, telemetry};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::ServeArguments;
use crate::failure::Failure;

/// Serves until a signal, or until the store fails.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    let settings = settings::load(arguments.config.as_deref(), &arguments.overrides())?;
    telemetry::start_logging(&settings)?;
    let store = EmbeddedStore::open(&settings.data, &Options::default())?;
    let server = Server::start(settings, Stores::of(Arc::new(store))).await?;
    until_the_end(server).await
}

/// Serves until a signal, then stops gracefully; a failure of the store stops at once, with a failure.
pub(crate) async fn until_the_end(server: Server) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Signals)?;
    let reason = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        reason = server.fatal() => Some(reason),
    };
    match reason {
        None => {
            server.stop().await;
            Ok(())
        }
        Some(reason) => {
            server.stop_failed().await;
            Err(Failure::Fatal(reason))
        }
    }
}
