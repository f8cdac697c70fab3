//! Settings of payments.

use std::net::SocketAddr;

use serde::Deserialize;

/// Through whom buyers pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentSettings {
    /// A provider of this process that charges nothing.
    pub sandbox: SandboxSettings,
}

/// A provider of this process that charges nothing: to try a sale, never to sell.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxSettings {
    /// Whether there is one.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// How buyers reach it, as a URL without a path; empty: where it listens.
    pub url: String,
    /// It does for tests what goes wrong with providers.
    pub tests: bool,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        SandboxSettings { enabled: false, listen, url: String::new(), tests: false }
    }
}
