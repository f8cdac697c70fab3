//! A balancer of connections: the next node that takes one gets it.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};

/// Listen on a free port of loopback, for as long as the test runs.
pub(super) async fn balance(nodes: Vec<u16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let next = AtomicUsize::new(0);
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let first = next.fetch_add(1, Ordering::Relaxed);
            let nodes = nodes.clone();
            tokio::spawn(async move {
                for offset in 0..nodes.len() {
                    let node = nodes[(first + offset) % nodes.len()];
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", node)).await {
                        return join(client, server).await;
                    }
                }
            });
        }
    });
    port
}

/// Whatever ends one side ends the other.
async fn join(mut client: TcpStream, mut server: TcpStream) {
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}
