//! The payment providers of this process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tessera_actors::{Environment, Provider};
use tessera_sandbox::{Sandbox, SandboxClient, SandboxError, SandboxOptions};
use tessera_store::Table;

use crate::settings::PaymentSettings;

/// Threads that serve the sandbox.
const SANDBOX_WORKERS: usize = 1;

/// The payment providers of this process, and the sandbox, if it is one of them.
pub(crate) struct Providers {
    pub(crate) all: Vec<Arc<dyn Provider>>,
    sandbox: Option<Sandbox>,
}

impl Providers {
    /// Those that the settings name. `secret` is the installation's.
    pub(crate) fn start(
        settings: &PaymentSettings,
        secret: &[u8; 32],
        table: &Arc<dyn Table>,
        environment: &Environment,
    ) -> Result<Providers, SandboxError> {
        let PaymentSettings { sandbox } = settings;
        if !sandbox.enabled {
            return Ok(Providers { all: Vec::new(), sandbox: None });
        }
        let options = SandboxOptions {
            listen: sandbox.listen,
            url: Some(sandbox.url.clone()).filter(|url| !url.is_empty()),
            secret: blake3::derive_key("tessera 2026-11 payment sandbox v1", secret),
            tests: sandbox.tests,
            workers: SANDBOX_WORKERS,
        };
        let clock = Arc::clone(&environment.clock);
        let sandbox = Sandbox::start(&options, Arc::clone(table), clock)?;
        let client = SandboxClient::new(sandbox.local(), &options.secret);
        Ok(Providers { all: vec![Arc::new(client)], sandbox: Some(sandbox) })
    }

    /// The server is bound here: whom the sandbox tells.
    pub(crate) fn served_at(&self, bound: SocketAddr) {
        if let Some(sandbox) = &self.sandbox {
            let address = match bound.ip() {
                ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), bound.port()),
                _ => bound,
            };
            sandbox.tell_to(format!("http://{address}/v1/provider-events/sandbox"));
        }
    }

    /// Where the sandbox is reached from this machine.
    pub(crate) fn sandbox_address(&self) -> Option<&str> {
        self.sandbox.as_ref().map(Sandbox::local)
    }

    /// What whoever calls its API presents.
    pub(crate) fn sandbox_token(&self) -> Option<&str> {
        self.sandbox.as_ref().map(Sandbox::token)
    }

    /// No provider of this process serves any more.
    pub(crate) async fn stop(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}
