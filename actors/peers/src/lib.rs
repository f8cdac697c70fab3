//! The way between nodes: [`PeerStreams`] asks other nodes, [`PeerServer`] answers them, over gRPC streams with mutual TLS.
//!
//! `docs/adr/0013-forwarding.md` has the reasons.

mod asks;
mod certificates;
mod codec;
mod conversation;
mod hello;
mod limits;
mod meters;
mod security;
mod server;
mod streams;
mod wire;

pub use certificates::{AUTHORITY_DAYS, CertificatesError, NODE_DAYS, make_certificates};
pub use limits::*;
pub use security::{MutualTls, NODE_NAME, Security, SecurityError, TlsFiles};
pub use server::{PeerServer, ServeError};
pub use streams::PeerStreams;
