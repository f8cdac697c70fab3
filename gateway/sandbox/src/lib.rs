//! A payment provider that moves no money. It is a provider like any other, reached over HTTP: an API under a secret, a page at which the
//! buyer pays, declines or cancels, and signed webhooks. Nothing of it needs a network beyond this machine.
//!
//! Creating a payment keeps nothing: its reference says all of it, and is signed. A payment has a row once somebody has done something
//! about it, and each such step is one transaction.

mod api;
mod books;
mod client;
mod page;
mod reference;
mod secrets;
mod server;
mod shown;
mod signature;
mod state;
mod webhooks;

pub use client::SandboxClient;
pub use server::{Sandbox, SandboxError, SandboxOptions};
