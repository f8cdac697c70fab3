//! What the gateway sends to others over HTTP: webhooks to organizers, calls to payment providers. One client, with connections that are kept
//! for a moment, TLS against the certificates that the system trusts, a deadline, answers of a bounded length, and, where others name the
//! address, a judgement of where it leads. No redirect is followed, and no proxy is asked.

mod answer;
mod client;
mod connections;
mod limits;
mod payment;
mod target;
mod tls;

pub use answer::{Answer, Head};
pub use client::{Client, NoAnswer, Request};
pub use hyper::Method;
pub use hyper::body::Bytes;
pub use limits::*;
pub use payment::{ErrorReply, accepted};
pub use target::{Target, is_public};
