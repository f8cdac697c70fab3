//! Three nodes and a store of their own, each in a namespace.

use std::net::SocketAddr;

use super::net::{Member, Net};
use super::store::Store;
use super::{Addresses, Nodes};
use crate::server::tessera;

/// Environment variables of every node.
type Variables = &'static [(&'static str, &'static str)];

/// Where a test with cuts and outages takes place.
pub(super) struct World {
    pub(super) nodes: Nodes,
    pub(super) store: Store,
    pub(super) net: Net,
}

impl World {
    /// For the test of this name, see [`Net::enter`].
    pub(super) async fn enter(test: &str) -> Option<World> {
        World::enter_with(test, &[]).await
    }

    /// The same with these variables in the environment of every node.
    pub(super) async fn enter_with(test: &str, variables: Variables) -> Option<World> {
        let net = Net::enter(test)?;
        let store = Store::start();
        let cluster_file = store.cluster_file();
        let program = move |node| {
            let mut command = tessera();
            command.env("TESSERA_STORE__CLUSTER_FILE", &cluster_file).envs(variables.iter().copied());
            Net::at(Member::Node(node), &command)
        };
        let addresses = std::array::from_fn(|node| {
            let address = |port: u16| SocketAddr::from((Member::Node(node).address(), port));
            Addresses { http: address(8_080), peers: address(7_443) }
        });
        let nodes = Nodes::start_as(Box::new(program), addresses, None).await;
        Some(World { nodes, store, net })
    }
}
