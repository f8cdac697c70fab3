//! A balancer of connections: the next node that says that it is ready gets one; where none does, the next that takes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::server::is_ready;

/// A node that has not said for so long that it is ready is not.
const PATIENCE: Duration = Duration::from_millis(500);

/// Listen on a free port of loopback, for as long as the test runs.
pub(super) async fn balance(nodes: Vec<SocketAddr>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let nodes: Arc<[SocketAddr]> = nodes.into();
    tokio::spawn(async move {
        let next = AtomicUsize::new(0);
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let first = next.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(connection, client.clone(), Arc::clone(&nodes), first));
        }
    });
    port
}

async fn serve(mut connection: TcpStream, client: reqwest::Client, nodes: Arc<[SocketAddr]>, first: usize) {
    let order = || (0..nodes.len()).map(|offset| nodes[(first + offset) % nodes.len()]);
    let mut server = None;
    for node in order() {
        if is_ready(&client, node).await {
            server = TcpStream::connect(node).await.ok();
        }
        if server.is_some() {
            break;
        }
    }
    for node in order() {
        if server.is_none() {
            server = TcpStream::connect(node).await.ok();
        }
    }
    if let Some(mut server) = server {
        // Whatever ends one side ends the other.
        let _ = tokio::io::copy_bidirectional(&mut connection, &mut server).await;
    }
}
