//! A network in the middle that can be stopped and cut.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::nodes::LOOPBACK;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Bytes pass both ways.
    Up,
    /// Bytes towards the server stay where they are; those back pass.
    OneWay,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    network: watch::Sender<Network>,
    /// Counts the cuts: a connection dies with the next one.
    cuts: watch::Sender<u64>,
}

impl Proxy {
    pub(crate) async fn before(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind(LOOPBACK).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, networks) = watch::channel(Network::Up);
        let (cuts, cut) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, Some(networks.clone()), cut.clone()));
                tokio::spawn(pass(from_server, to_client, None, cut.clone()));
            }
        });
        Proxy { address, network, cuts }
    }

    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Every connection dies.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    network: Option<watch::Receiver<Network>>,
    mut cut: watch::Receiver<u64>,
) {
    cut.mark_unchanged();
    let copy = async {
        let mut bytes = vec![0; 65_536];
        loop {
            if let Some(mut network) = network.clone() {
                let _ = network.wait_for(|network| *network == Network::Up).await;
            }
            match from.read(&mut bytes).await {
                Ok(length) if length > 0 => to.write_all(&bytes[..length]).await.unwrap_or_default(),
                _ => return,
            }
        }
    };
    tokio::select! {
        () = copy => {}
        _ = cut.changed() => {}
    }
}
