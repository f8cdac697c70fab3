//! A node among others: `docs/adr/0011-a-cluster-of-nodes.md`.

mod peers;

pub use self::peers::{Forwarded, ForwardedAsk, Peer, Peers, ServePeers};
