//! Makes a node of this server: the way to the others, and from them.

use std::sync::Arc;

use tessera_actors::{ClusterOptions, Environment, Platform, ServePeers};
use tessera_peers::{MutualTls, PeerServer, PeerStreams, Security, ServeError, TlsFiles};

use crate::settings::{ClusterSettings, ClusterTlsSettings};

/// The release that nodes say they run.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// What this node tells others of itself, and how it speaks with them. `installation` is the identity of what all nodes serve.
///
/// # Errors
/// [`ServeError`], which says what to change.
pub(crate) fn node(
    settings: &ClusterSettings,
    installation: u128,
    environment: &Environment,
) -> Result<(Security, ClusterOptions), ServeError> {
    let security = security(&settings.tls, environment)?;
    security.admits_listening(settings.listen)?;
    let peers = PeerStreams::new(environment.clone(), security.clone(), installation);
    let client_address = settings.client_address.clone();
    let options = ClusterOptions {
        name: settings.node_name(),
        peer_address: settings.advertised(),
        client_address: (!client_address.is_empty()).then_some(client_address),
        lease_ms: settings.lease_ms,
        release: RELEASE.to_owned(),
        peers: Arc::new(peers),
    };
    Ok((security, options))
}

/// Answers other nodes, now that there is somebody who can.
///
/// # Errors
/// [`ServeError`], which says what to change.
pub(crate) async fn listen(
    settings: &ClusterSettings,
    security: &Security,
    platform: &Platform,
    (installation, environment): (u128, &Environment),
) -> Result<PeerServer, ServeError> {
    let serve: Arc<dyn ServePeers> = Arc::new(platform.inventory());
    let server =
        PeerServer::start(settings.listen, security, serve, installation, environment.clone()).await?;
    let (address, name) = (server.address(), settings.node_name());
    tracing::info!(%address, name, "listening to other nodes");
    Ok(server)
}

/// The certificates that are named; without any, plain text on addresses of this machine.
fn security(tls: &ClusterTlsSettings, environment: &Environment) -> Result<Security, ServeError> {
    let ClusterTlsSettings { ca: Some(ca), certificate: Some(certificate), key: Some(key) } = tls.clone()
    else {
        return Ok(Security::Plain);
    };
    let files = TlsFiles { ca, certificate, key };
    Ok(Security::Mutual(MutualTls::load(&files, environment.clock.wall())?))
}
