//! Webhooks out: at least tried three times. Who misses all of them looks the payment up.

use std::sync::{Arc, OnceLock};

use tessera_actors::Clock;
use tessera_inventory::Timestamp;
use tessera_outbound::{Bytes, Client, Method, Request};
use tokio::task::JoinHandle;

use crate::client::DEADLINE;
use crate::reference::Reference;
use crate::secrets::{Secrets, hex};
use crate::shown::{CHANGED, Shown, ShownEvent};
use crate::signature;
use crate::state::State;

/// Pauses before each try, in milliseconds.
const TRIES_AFTER_MS: [u64; 3] = [0, 1_000, 5_000];

/// Sends webhooks to one address.
#[derive(Clone)]
pub(crate) struct Webhooks {
    pub(crate) http: Arc<Client>,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where to, once that is known.
    pub(crate) url: Arc<OnceLock<String>>,
}

/// How a webhook is sent; tests ask for what goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Manner {
    /// So often; 0: never.
    pub(crate) times: u16,
    /// So much later, in milliseconds.
    pub(crate) after_ms: u64,
    /// With a signature that is none.
    pub(crate) forged: bool,
    /// Who takes the step is answered once it is told.
    pub(crate) wait: bool,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner { times: 1, after_ms: 0, forged: false, wait: false }
    }
}

impl Webhooks {
    /// Tell how a payment stands, from a task of its own, which ends once it is told.
    pub(crate) fn tell(
        &self,
        id: &str,
        reference: &Reference,
        state: &State,
        manner: Manner,
    ) -> JoinHandle<()> {
        let name = blake3::hash(format!("{id} {}", state.revision).as_bytes());
        let event = ShownEvent {
            id: format!("sbe_{}", hex(&name.as_bytes()[..16])),
            kind: CHANGED.to_owned(),
            payment: Shown::of(id, reference, state),
        };
        let body = serde_json::to_vec(&event).unwrap_or_default();
        let sender = self.clone();
        tokio::spawn(async move {
            sender.pause(manner.after_ms).await;
            for _ in 0..manner.times {
                sender.send(&body, manner.forged).await;
            }
        })
    }

    async fn pause(&self, ms: u64) {
        if ms > 0 {
            self.clock.sleep_until(self.clock.monotonic().plus_ms(ms)).await;
        }
    }

    async fn send(&self, body: &[u8], forged: bool) {
        for after_ms in TRIES_AFTER_MS {
            self.pause(after_ms).await;
            let Some(url) = self.url.get() else { continue };
            let now = if forged { Timestamp(0) } else { self.clock.wall() };
            let signature = signature::sign(&self.secrets.webhooks, body, now);
            let headers = [("content-type", "application/json"), (signature::HEADER, signature.as_str())];
            let request = Request {
                method: Method::POST,
                url,
                headers: &headers,
                body: Bytes::copy_from_slice(body),
                may_repeat: true,
                deadline: DEADLINE,
            };
            match self.http.tell(&request).await {
                Ok(head) if head.status.is_success() || head.status.is_client_error() => return,
                Ok(head) => tracing::warn!(status = %head.status, "a webhook of the sandbox was refused"),
                Err(error) => tracing::warn!(%error, "a webhook of the sandbox did not arrive"),
            }
        }
    }
}
